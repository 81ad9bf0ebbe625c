"""`seqloom data`: lists, describes and downloads the named data sets."""

import argparse
from typing import TYPE_CHECKING, Any

from seqloom.cli.lines import as_text, print_json
from seqloom.cli.progress import shown

if TYPE_CHECKING:
    from seqloom.corpus.catalogue import Entry

_EPILOG = """\
examples:
  seqloom data list
  seqloom data show multi30k
  seqloom data get multi30k                        downloads it, checks it and prints its path
  seqloom compare --data multi30k --from-lang de --to-lang en --minutes 10"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom data`."""
    parser = subparsers.add_parser(
        "data",
        help="named data sets: list them, show one, get one",
        description="List what --data takes by name: data sets that are downloaded, and generators that make synthetic data.",
        epilog=_EPILOG,
    )
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all names, one per line")
    showing = actions.add_parser("show", help="one data set: languages, splits, licence, addresses, checksums")
    getting = actions.add_parser("get", help="download one, check it, and print the paths of its files")
    for action in (showing, getting):
        action.add_argument("name", metavar="NAME", help="a name of `seqloom data list`")
    getting.add_argument(
        "--data-dir", metavar="DIR", help="a local folder with data sets, so that nothing is downloaded"
    )
    for action in (listing, showing, getting):
        action.add_argument("--json", action="store_true", help="print the result as JSON")
        action.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists, shows or gets."""
    if arguments.action == "list":
        facts: Any = _list()
    elif arguments.action == "show":
        facts = _show(arguments.name)
    else:
        facts = _get(arguments)
    if arguments.json:
        print_json(facts)
    elif arguments.action == "list":
        _print_table(facts)
    elif arguments.action == "show":
        print("\n".join(as_text(facts)))
    else:
        print("\n".join(facts["files"]))
    return 0


def _list() -> list[dict[str, Any]]:
    from seqloom.corpus.catalogue import catalogue
    from seqloom.corpus.generators import GENERATORS

    made = [
        {"name": name, "origin": "synthetic", "kind": "pairs", "description": generator.description}
        for name, generator in GENERATORS.items()
    ]
    return made + [
        {
            "name": name,
            "origin": "download" if entry.public else "mirror",
            "kind": entry.kind,
            "languages": _languages(entry),
            "train": entry.pairs.get("train"),
            "bytes": entry.num_bytes,
            "licence": entry.licence,
            "description": entry.description,
        }
        for name, entry in catalogue().items()
    ]


def _show(name: str) -> dict[str, Any]:
    from seqloom.config import nearest
    from seqloom.corpus.catalogue import catalogue
    from seqloom.corpus.generators import GENERATORS
    from seqloom.errors import CorpusError

    if name in GENERATORS:
        made = {"name": name, "synthetic": True, "description": GENERATORS[name].description}
        return made | {"use": f"--data {name} [--size N] [--split-seed N]"}
    entry = catalogue().get(name)
    if entry is None:
        hint = nearest(name, [*GENERATORS, *catalogue()]) or " `seqloom data list` lists the names."
        raise CorpusError(f"there is no data set named {name!r}.{hint}")
    return {
        "name": name,
        "synthetic": False,
        "description": entry.description,
        "kind": entry.kind,
        "languages": _languages(entry),
        entry.unit: dict(entry.pairs),
        "metric": entry.metric,
        "licence": entry.licence,
        "homepage": entry.homepage,
        "citation": entry.citation,
        "derived": entry.derived,
        "instead": entry.instead,
        "notes": list(entry.notes),
        "verified": entry.verified,
        "files": [
            {"file": path, "url": file.url, "bytes": file.bytes, "sha256": file.sha256, "checksum": _checksum(file)}
            for path, file in entry.files.items()
        ],
        "use": f"--data {name}" + (" [--from-lang CODE] [--to-lang CODE]" if entry.reversible else ""),
    }


def _get(arguments: argparse.Namespace) -> dict[str, Any]:
    from seqloom.corpus.generators import GENERATORS
    from seqloom.corpus.open import fetch
    from seqloom.errors import CorpusError

    if arguments.name in GENERATORS:
        raise CorpusError(
            f"{arguments.name!r} is made when it is needed; there is nothing to get. Use it: --data {arguments.name}"
        )
    with shown(quiet=arguments.quiet) as progress:
        paths = fetch(arguments.name, data_dir=arguments.data_dir, progress=progress)
    return {"name": arguments.name, "files": [str(path) for path in paths]}


def _checksum(file: Any) -> str:
    if file.sha256 is None:
        return "not known"
    return "of the published file" if file.verified else "of a copy"


def _languages(entry: "Entry") -> list[str]:
    if not entry.reversible:
        return sorted(set(entry.languages.values()))
    first = [side for side in (entry.direction or ()) if side]
    return first + [side for side in entry.sides if side not in first]


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from seqloom.cli.console import SafeConsole

    table = Table(box=None, pad_edge=False)
    for heading in ("name", "origin", "languages", "train", "size", "description"):
        number = heading in ("train", "size")
        table.add_column(heading, justify="right" if number else "left", no_wrap=heading != "description")
    for row in rows:
        languages = " ".join(row.get("languages", ())) or row["kind"].removesuffix("pairs")
        train = f"{row['train']:,}" if row.get("train") else ""
        size = f"{row['bytes'] / 1e6:.1f} MB" if row.get("bytes") else ""
        table.add_row(row["name"], row["origin"], languages, train, size, row["description"])
    # In a pipe or a file, which have no width, each data set is one line.
    console = SafeConsole(width=400)
    console.print(table)
    console.print(
        "\nsynthetic: made by seqloom from a seed. mirror: from a folder that holds it (--data-dir, SEQLOOM_DATA_DIR)."
    )
