"""`seqloom fiction`: the words of a game, and saved games as transcripts."""

import argparse
from pathlib import Path

from seqloom.cli import fiction_parsing, options
from seqloom.cli.lines import output, print_json
from seqloom.cli.progress import shown

_EPILOG = """\
examples:
  seqloom fiction words cloak                            verbs with their forms, nouns, directions
  seqloom fiction words story.z5 --json                  the same of a story file, as JSON
  seqloom fiction replay cloak saved.jsonl               the transcript of a saved game
  seqloom fiction evaluate rules --data phrasings.jsonl  how much of free phrasings a parser understands

`words` reads the dictionary, the grammar and the objects in the tables of a story. `replay` repeats every line of a saved
game and checks every answer, so its transcript is what the player saw. Saved games are in the folder that `seqloom play`
names by --saves."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom fiction`."""
    parser = subparsers.add_parser(
        "fiction",
        help="what there is to know about a text adventure",
        description="The words that a game knows, and saved games as transcripts.",
        epilog=_EPILOG,
    )
    commands = parser.add_subparsers(title="commands", dest="fiction", metavar="COMMAND", required=True)
    words = commands.add_parser("words", help="verbs with their forms, nouns and directions of a game")
    replay = commands.add_parser("replay", help="repeat a saved game exactly, and print its transcript")
    for command in (words, replay):
        command.add_argument("game", metavar="GAME", help="cloak, adventure, zork1, or a story file")
        command.add_argument(
            "--data-dir",
            type=Path,
            metavar="FOLDER",
            help="a folder that holds zork1/zork1.z3, instead of the download",
        )
    replay.add_argument("saved", type=Path, metavar="SAVED", help="a saved game of `seqloom play`")
    replay.add_argument("--output", type=Path, metavar="FILE", help="write the transcript into a file")
    options.add_common_options(words, device=False, json=True)
    options.add_common_options(replay, device=False)
    fiction_parsing.register(commands)
    words.set_defaults(run=_words)
    replay.set_defaults(run=_replay)


def _words(arguments: argparse.Namespace) -> int:
    """Prints the vocabulary of a game."""
    import dataclasses

    from seqloom.fiction.games import find_game

    with shown(quiet=arguments.quiet) as progress:
        game = find_game(arguments.game, data_dir=arguments.data_dir, progress=progress)
    interpreter = game.open()
    try:
        interpreter.reset()
        words = interpreter.words()
    finally:
        interpreter.close()
    if arguments.json:
        print_json(dataclasses.asdict(words))
        return 0
    for line in words.grammar:
        print(" ".join(["/".join(line.verbs), *line.pattern]))
    for name, group in (("directions", words.directions), ("nouns", words.nouns), ("adjectives", words.adjectives)):
        print(f"\n{name}: {' '.join(group) if group else 'none'}")
    if words.num_letters is not None:
        print(f"\nThe game reads the first {words.num_letters} letters of a word.")
    return 0


def _replay(arguments: argparse.Namespace) -> int:
    """Repeats a saved game, and prints its transcript."""
    from seqloom.fiction.games import find_game
    from seqloom.fiction.playthrough import Playthrough
    from seqloom.fiction.saved_games import load

    with shown(quiet=arguments.quiet) as progress:
        game = find_game(arguments.game, data_dir=arguments.data_dir, progress=progress)
    saved = load(arguments.saved, game.fingerprint)
    interpreter = game.open()
    try:
        playthrough = Playthrough.resumed(interpreter, saved.seed, saved.nodes, saved.snapshots, 0)
        with output(arguments.output) as stream:
            print(playthrough.turn.text, file=stream)
            for node in playthrough.path(saved.current)[1:]:
                playthrough.go_to(node)
                turn = saved.nodes[node]
                print(f"\n>{turn.typed or turn.line}\n{playthrough.turn.text}", file=stream)
    finally:
        interpreter.close()
    return 0
