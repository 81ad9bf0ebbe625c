"""Cloak of Darkness, the small game that Roger Firth specified in 1999 so that authoring systems can be compared.

The texts are seqloom's own; rooms, things, puzzle and score follow the specification. `world` holds rooms and things, `grammar` the
forms of command, `parser` turns a line into actions, `actions` carries them out, `game` is the interpreter.
"""

from seqloom.fiction.cloak.game import Cloak

__all__ = ["Cloak"]
