"""The parser of free phrasings: what a player means, as commands that the game's own parser understands.

`linking` finds the things of the scene in a text and replaces them by markers, so that everything after it is the same for all
games. `baselines` and `rules` turn a marked text into commands with markers, by the phrases of `phrase_table`. `forms` writes
these commands in the words of a game. `proposer` uses a parser in a game, and `evaluation` measures it.
"""
