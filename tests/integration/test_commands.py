"""Every command line of the pages is understood, down to the names in it; the README's are run, or say here why not."""

import os
import re
import shlex
import tomllib
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest

from seqloom.claims import claims
from seqloom.cli import COMMANDS, build_parser
from seqloom.corpus.catalogue import catalogue
from seqloom.corpus.generators import GENERATORS
from seqloom.recipes import load_recipe, recipe_names
from tests.integration.conftest import Cli

ROOT = Path(__file__).resolve().parents[2]
PAGES = ["README.md", *sorted(f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md"))]

# The README's lines that no test runs as they stand, and what is done in their place.
NOT_RUN = {
    "make demo": "minutes; tests/integration/test_demo.py runs the demo with a budget of a moment",
    "make test": "runs the tests",
    "pip install .": "needs the network; .ci/run installs the wheel",
    "seqloom data list": "tests/unit/cli/test_data.py",
    "seqloom compare --data multi30k --from-lang en --to-lang de --minutes 10": "minutes; understood below",
    "seqloom translate runs/a runs/b": "an ensemble; tests/unit/decoding/test_ensemble.py",
    "seqloom train --resume --out runs/mine": "goes on with a run that was killed; tests/integration/test_resume.py",
    "seqloom claims list": "tests/unit/cli/test_claims.py",
    "seqloom claims run --all --out claims": "half an hour; tests/unit/claims/test_running.py runs small ones",
    "seqloom claims run reversed-source --effort standard --data pairs.tsv --out claims": "ten minutes; as above",
    "seqloom train transformer-tiny --data copy --minutes 10 --set tokenizer.kind=words --out runs/copy": "minutes",
    "seqloom limits runs/copy --on length": "its run takes minutes; tests/integration/test_limits.py",
    "pip install '.[serve]'": "needs the network; that there is such an extra is tested below",
    "seqloom serve runs/mine": "serves until it is stopped; tests/integration/test_serving.py",
    "seqloom serve runs/de-en runs/lm": "serves until it is stopped; tests/integration/test_serving.py",
    'curl -d q="ein Satz" -d source=de -d target=en http://127.0.0.1:8000/translate': "tests/integration/test_serving.py",
    'seqloom explain runs/ngram runs/lm --text "$(head -c 600 text.txt)" --out surprise.html': "tests/integration/test_explain.py",
    "seqloom export runs/ngram --to arpa --out exported/ngram": "tests/integration/test_ngram.py",
    "seqloom compare transformer-tiny --data pairs.tsv --minutes 5 --curve --out comparisons/curve": "minutes; test_verbs.py",
    "seqloom claims queue --out DIR": "hours; tests/unit/claims/test_queue.py",
    "seqloom train transformer-tiny --data pairs.tsv --from-lang de --to-lang en --minutes 10 --out runs/de-en": "minutes",
    "seqloom train transformer-lm-tiny --data my-texts/ --minutes 10": "minutes; tests/unit/corpus/test_text_folder.py",
    "seqloom train ngram --data stories.txt --document-separator '<|endoftext|>'": "tests/unit/corpus/test_text_files.py",
    "seqloom inspect --data articles.parquet --text-column body --json": "tests/unit/corpus/test_text_plan.py",
    "seqloom evaluate runs/lm runs/ngram --weights tune": "tests/integration/test_ngram.py",
    "seqloom train multi30k-fast": "minutes, and needs a download; a step of it below, where there is a mirror",
}


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def lines(page: str, fence: str = "sh[ \\w]*") -> list[str]:
    """The lines of a page's blocks of commands, without their remarks."""
    blocks = re.findall(rf"^```{fence}\n(.*?)^```$", read(page), flags=re.MULTILINE | re.DOTALL)
    joined = "".join(blocks).replace("\\\n", " ")
    return [stripped for line in joined.splitlines() if (stripped := re.split(r"\s+# ", line)[0].strip())]


def spans(page: str) -> list[str]:
    """Commands in sentences; what holds a "…" is no whole command, and a verb alone or with an option is a name."""
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
    quoted = re.findall(r"`(seqloom [^`]+)`", text)
    whole = [span.split() for span in quoted if "…" not in span]
    return [" ".join(words) for words in whole if len(words) > 2 and not words[2].startswith("-")]


def commands(page: str) -> list[list[str]]:
    """The words of each call of seqloom, without the pipes and files around it."""
    calls: list[list[str]] = []
    for line in [*lines(page), *spans(page)]:
        words: list[str] = []
        for word in [*shlex.split(line), "|"]:
            if word not in ("|", "&&", ">", "<"):
                words.append(word)
                continue
            if words[:1] == ["seqloom"]:
                calls.append(words[1:])
            words = []
    return calls


def names(arguments: Namespace) -> Iterator[tuple[str, str, set[str]]]:
    """What a command calls by name: what it is, the name, and the names that there are."""
    recipe = getattr(arguments, "recipe", None)
    for name in [*([recipe] if recipe else []), *getattr(arguments, "recipes", [])]:
        yield "recipe", name, set(recipe_names())
    data = getattr(arguments, "data", None)
    if data and arguments.command != "data":
        yield "data", data, {*GENERATORS, *catalogue()}
    if arguments.command == "claims":
        for name in [*getattr(arguments, "names", []), *filter(None, [getattr(arguments, "name", None)])]:
            yield "claim", name, set(claims())


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_understood(page: str) -> None:
    parser, _ = build_parser()
    for words in commands(page):
        if "--help" in words:
            assert words[0] in COMMANDS
            continue
        arguments, unknown = parser.parse_known_args(words)
        assert not unknown, words
        for what, name, known in names(arguments):
            # Files and what stands for a name are the reader's own.
            if not (Path(name).suffix or name.isupper() or name.endswith("/")):
                assert name in known, f"{page}: no {what} {name!r}: {shlex.join(words)}"
        changes = getattr(arguments, "changes", None)
        if changes and getattr(arguments, "recipe", None) in recipe_names():
            load_recipe(arguments.recipe, changes)


def test_pages_have_commands() -> None:
    assert len(commands("README.md")) >= 5
    assert len(commands("docs/usage.md")) > 20
    assert len(commands("docs/lecture.md")) > 10


def test_the_readmes_commands_are_run_or_say_why_not() -> None:
    pages = ("README.md", "docs/usage.md")
    run = [line for page in pages for line in lines(page, "sh test")]
    others = [line for page in pages for line in [*lines(page, "sh"), *spans(page)] if line not in run]
    assert sorted(set(others)) == sorted(NOT_RUN)


def test_make_targets_extras_and_linked_files_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    extras = set(tomllib.loads(read("pyproject.toml"))["project"]["optional-dependencies"])
    for page in [*PAGES, "CONTRIBUTING.md"]:
        assert {line.split()[1] for line in lines(page) if line.startswith("make ")} <= targets
        assert set(re.findall(r"seqloom\[([a-z]+)\]", read(page))) <= extras
        for link in re.findall(r"\]\((?!http)([^)#]+)", read(page)):
            assert (ROOT / page).parent.joinpath(link).exists(), f"{page}: {link}"


def test_the_readme_lists_every_recipe() -> None:
    table = re.search(r"\| recipe \| what it is \|\n(.*?)\n\n", read("docs/usage.md"), re.DOTALL)
    assert table is not None
    listed = [name for row in table[1].splitlines()[1:] for name in re.findall(r"`([^`]+)`", row.split("|")[1])]
    assert sorted(listed) == sorted(recipe_names())


def test_the_recipe_with_its_own_data_trains(
    shared_data: Path, cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEQLOOM_DATA_DIR", str(shared_data))
    small = ["model.d_model=32", "model.d_ff=32", "tokenizer.vocab_size=400", "training.validations=1"]
    brief = ["decoding.max_len_ratio=0.2", "decoding.max_len_offset=3", "training.validation_sentences=10"]
    out = cli("train", "multi30k-fast", "--steps", 1, "--set", *small, *brief, "--out", tmp_path / "fast")
    assert out.strip() == str(tmp_path / "fast")


def test_links_into_pages_lead_to_headings() -> None:
    for page in PAGES:
        for link, anchor in re.findall(r"\]\((?!http)([^)#]*)#([^)]+)\)", read(page)):
            # Links to lines of code are tested with the tour.
            if link and not link.endswith(".md"):
                continue
            target = os.path.normpath(Path(page).parent / (link or Path(page).name))
            headings = re.findall(r"^#+ (.*)$", read(target), flags=re.MULTILINE)
            anchors = {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
            assert anchor in anchors, f"{page}: {link}#{anchor}"
