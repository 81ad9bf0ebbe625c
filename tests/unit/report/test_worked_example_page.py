"""The worked example: it prints what the model computed, its pictures are self-contained, docs/worked-example.md is up to date."""

import math
import re
import shlex
from pathlib import Path
from xml.etree import ElementTree

import pytest
import torch
from jinja2 import nodes

import seqloom
from seqloom.errors import ConfigError
from seqloom.explain import Change, Explanations, explain
from seqloom.explain.sentence import Sentence
from seqloom.report import worked_example_page
from seqloom.report.page import asset
from seqloom.report.worked_example_page import WorkedExample, worked_example_markdown, write_worked_example
from seqloom.report.worked_example_tables import code, exactly_softmax, folded, sinusoidal
from tests.explanation_factory import make_run

RUNS = ("rnn", "transformer", "attention-rnn")
TEXT = "alpha bravo charlie"
STEP = 2
CHANGE = Change(words={1: "golf"})
SVG = "http://www.w3.org/2000/svg"


def explained(*variants, text=TEXT, **options):
    found = tuple(explain(make_run(name, corpus="reverse"), text, **{"step": STEP, **options}) for name in variants)
    return Explanations(text=text, explanations=found)


@pytest.fixture(scope="module")
def explained_runs():
    return explained(*RUNS, target="charlie bravo alpha", change=CHANGE)


@pytest.fixture(scope="module")
def written(explained_runs, tmp_path_factory):
    path = tmp_path_factory.mktemp("example") / "way.md"
    write_worked_example(
        explained_runs, path, folders=[Path("runs") / name for name in RUNS], command="seqloom explain …"
    )
    return path


@pytest.fixture(scope="module")
def page(written):
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prose(page):
    """Where lines end in the template is no matter."""
    return " ".join(page.split())


def tables(text):
    """Each table as its head and rows of cells."""
    found = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        assert len({len(row) for row in rows}) == 1, rows
        found.append((rows[0], rows[2:]))
    return found


def table(text, *head):
    (rows,) = [rows for names, rows in tables(text) if names[: len(head)] == list(head)]
    return rows


def number(text):
    return float(text.replace("−", "-").replace(",", ""))


def test_the_softmax_of_the_printed_scores_is_the_printed_weights(page):
    found = [(head, rows) for head, rows in tables(page) if head[:2] == ["key", "q·k"]]
    assert len(found) == 3
    masked = 0
    for head, rows in found:
        size = int(head[2].rpartition("√")[2])
        assert all(number(row[1]) / math.sqrt(size) == pytest.approx(number(row[2]), abs=2e-3) for row in rows)
        allowed = [not row[3] for row in rows]
        masked += allowed.count(False)
        grown = [math.exp(number(row[2])) if free else 0.0 for row, free in zip(rows, allowed, strict=True)]
        for row, value in zip(rows, grown, strict=True):
            assert number(row[4]) == pytest.approx(value, rel=1e-2)
            assert number(row[5]) == pytest.approx(value / sum(grown), abs=1e-3)
    # Padding twice; and what comes after the step, once.
    assert masked == 2 + (len(found[1][1]) - STEP - 1) + 2


def test_sums_are_sums(page):
    rows = {row[0]: [number(cell) for cell in row[1:]] for row in table(page, "number")}
    for token, position, total in zip(
        *(rows[n] for n in ("token embedding", "position embedding", "sum")), strict=True
    ):
        assert token + position == pytest.approx(total, abs=2e-3)
    *parts, last = table(page, "key", "weight")
    assert last[0] == "**weighted sum**"
    for column in range(2, len(last)):
        total = sum(number(row[1]) * number(row[column]) for row in parts)
        assert total == pytest.approx(number(last[column]), abs=2e-3)


def test_probabilities_are_the_models_own(page, prose, explained_runs):
    one = explained_runs.explanations[1]
    model = make_run("transformer", corpus="reverse").model
    ids = (tuple(token.token_id for token in side) for side in (one.source, one.fed, one.target))
    sentence = Sentence(*ids)
    with torch.no_grad():
        probabilities = model.project(model(sentence.batch(model)))[0].softmax(dim=-1)
    steps = table(page, "step", "input", "output", "probability")
    for row, said, own in zip(steps, sentence.tgt_ids, probabilities, strict=True):
        assert number(row[3]) == pytest.approx(float(own[said]), abs=1e-4)
        assert int(row[4]) == 1 + int((own > own[said]).sum())
        assert number(row[5]) == pytest.approx(float(-(own * own.log()).sum()), abs=1e-3)
    logits = table(page, "token", "output · row = logit")
    best = probabilities[STEP].sort(descending=True).values
    for row, own in zip(logits, best, strict=False):
        assert number(row[3]) == pytest.approx(float(own), abs=1e-4)
        assert math.exp(number(row[2])) == pytest.approx(float(own), abs=1e-3)
    whole = number(re.search(r"logarithm of this sum is (.*?)\. The log-prob", prose)[1])
    for row in logits:
        assert number(row[1].rpartition("= ")[2]) - whole == pytest.approx(number(row[2]), abs=2e-3)
    total = number(re.search(r"add up to (.*?), the log", prose)[1])
    assert total == pytest.approx(sum(math.log(number(row[3])) for row in steps), abs=0.02)


def test_tokens_ids_and_the_crossing_are_the_runs(page, prose, explained_runs):
    one = explained_runs.explanations[1]
    assert [int(row[2]) for row in table(page, "position")] == [token.token_id for token in one.source]
    assert [int(row[4]) for row in table(page, "step", "input", "id")] == [token.token_id for token in one.target]
    assert WorkedExample(explained_runs.explanations, tuple(map(Path, RUNS)), "x").crossing == (0, 2, 1, 1)
    assert "Step 1, `charlie`, comes from position 2, `charlie`; but the later step 2, `bravo`, comes from" in prose


def test_what_the_recurrent_networks_do_is_told(page, prose, explained_runs):
    # Two layers of 12, hidden state and cell.
    assert "48 numbers, for a text of two words as for a text of fifty" in prose
    assert "reads the text from its end" in prose
    weights = [number(row[1]) for row in table(page, "encoder state of")]
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    outputs = table(page, "run", "parameters")
    assert [row[0] for row in outputs] == [one.run.label for one in explained_runs.explanations]


def test_every_expression_on_the_page_works_in_python(page, monkeypatch):
    monkeypatch.setattr(seqloom, "load", lambda folder: make_run(Path(folder).name, corpus="reverse"))
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    known = {"Change": lambda _: CHANGE}
    exec(block, known)
    places = re.findall(r"^In Python: `(.*)`$", page, flags=re.MULTILINE)
    assert len(places) > 10
    for place in places:
        found = eval(place.replace("…", "0"), known)
        assert found is not None, place
    assert known["explanation"].computation.step == STEP


def test_pictures_stand_alone_and_say_what_they_show(written, page):
    shown = re.findall(r"^!\[(.+)\]\(way/(.+\.svg)\)$", page, flags=re.MULTILINE)
    assert len(shown) == page.count("![")
    assert sorted(name for _, name in shown) == sorted(path.name for path in (written.parent / "way").iterdir())
    for alt, name in shown:
        text = (written.parent / "way" / name).read_text(encoding="utf-8")
        tree = ElementTree.fromstring(text)
        assert len(alt) > 20
        assert tree.get("role") == "img"
        assert re.sub(r"\\(.)", r"\1", alt) == tree.get("aria-label")
        assert "prefers-color-scheme:dark" in text
        assert not re.search(r"""url\(|@import|href|http(?!://www\.w3\.org/2000/svg")""", text)
        width, height = float(tree.get("width")), float(tree.get("height"))
        for drawing in tree.findall(f"{{{SVG}}}svg"):
            assert float(drawing.get("x")) + float(drawing.get("width")) <= width
            assert float(drawing.get("y")) + float(drawing.get("height")) <= height
        assert "NaN" not in text


@pytest.mark.parametrize("variant", ["transformer", "transformer reversed"])
def test_any_encoder_and_decoder_makes_a_page(variant):
    found = explained(variant)
    text = worked_example_markdown(WorkedExample(found.explanations, (Path("runs/x"),), "x"), "seqloom")
    assert ("sin(p / 10000" in text) == sinusoidal(found.explanations[0].computation.embeddings[0])
    assert "## 11. Beam search" in text
    assert "## 13" not in text
    tables(text)


def test_a_bias_on_the_scores_is_seen(explained_runs):
    stage = explained_runs.explanations[1].computation.stages[0]
    assert exactly_softmax(stage, 0)
    moved = stage.model_copy(update={"weights": (tuple(reversed(stage.weights[0])), *stage.weights[1:])})
    assert not exactly_softmax(moved, 0)


@pytest.mark.parametrize("variant", ["rnn", "attention-rnn", "transformer-lm", "fixed-mixer"])
def test_runs_without_such_attention_are_refused(variant):
    with pytest.raises(ConfigError, match="self-attention on both sides and cross-attention"):
        WorkedExample(explained(variant).explanations, (Path("runs/x"),), "x")


@pytest.mark.parametrize("text", ["a|b", "`", "``a`b``", "*_<b>_*", "a\nb", "\\|", "{{ 7 * 7 }}"])
def test_hostile_texts_stay_code(text):
    shown = code(text)
    assert "\n" not in shown
    fence = re.match("`+", shown)[0]
    assert shown.endswith(fence)
    assert fence not in re.findall("`+", shown[len(fence) : -len(fence)])
    assert not re.search(r"(?<!\\)\|", shown)
    found = explained("transformer")
    one = found.explanations[0].model_copy(update={"text": text, "output": text})
    page = worked_example_markdown(WorkedExample((one,), (Path("runs/x"),), "x"), "seqloom")
    tables(page)
    assert code(text) in page


def test_long_commands_are_folded_without_a_change():
    command = "seqloom train x --data 'a --bb c' " + " ".join(f"--set model.d_model={n}" for n in range(12))
    shown = folded(command)
    assert max(map(len, shown.splitlines())) < 130
    assert shlex.split(shown.replace("\\\n", "")) == shlex.split(command)
    assert folded("seqloom show runs/x") == "seqloom show runs/x"


def test_the_page_of_the_documentation_is_of_todays_template(project):
    page = " ".join((project / "docs" / "worked-example.md").read_text(encoding="utf-8").split())
    parsed = worked_example_page._environment().parse(asset(worked_example_page.TEMPLATE))
    # What stands in no condition stands on every page, in this order.
    always = [
        part.data
        for node in parsed.body
        if isinstance(node, nodes.Output)
        for part in node.nodes
        if isinstance(part, nodes.TemplateData) and part.data.strip()
    ]
    assert len(always) > 50
    place = 0
    for text in always:
        words = " ".join(text.split())
        assert words in page[place:], words
        place = page.index(words, place) + len(words)


def test_the_pictures_of_the_documentation_are_those_of_its_page(project):
    page = (project / "docs" / "worked-example.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(worked-example/(.+?)\)", page)
    assert sorted(shown) == sorted(path.name for path in (project / "docs" / "worked-example").iterdir())
    size = sum(path.stat().st_size for path in (project / "docs" / "worked-example").iterdir())
    assert size < 1_000_000


def test_the_softmax_holds_on_the_page_of_the_documentation(project):
    page = (project / "docs" / "worked-example.md").read_text(encoding="utf-8")
    found = [rows for head, rows in tables(page) if head[:2] == ["key", "q·k"]]
    assert len(found) == 3
    for rows in found:
        grown = [0.0 if row[3] else math.exp(number(row[2])) for row in rows]
        assert [number(row[5]) for row in rows] == pytest.approx([one / sum(grown) for one in grown], abs=1e-3)
