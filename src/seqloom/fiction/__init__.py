"""Interactive fiction: interpreters of games behind one protocol, and a session that plays them.

`interpreter` is the protocol. `cloak`, `adventure` and `zmachine` implement it. `session` adds undo, saved games and transcripts.
The game decides what is true: nothing here changes a game's text or its state, except by the game's own commands.
"""
