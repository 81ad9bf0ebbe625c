"""The worked example: it prints what the model computed, its pictures are self-contained, docs/worked-example.md is up to date."""

import math
import re
import shlex
from pathlib import Path
from typing import Any
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


def explained(*variants: str, text: str = TEXT, **options: Any) -> Explanations:
    results = tuple(explain(make_run(name, corpus="reverse"), text, **{"step": STEP, **options}) for name in variants)
    return Explanations(text=text, explanations=results)


@pytest.fixture(scope="module")
def explained_runs() -> Explanations:
    return explained(*RUNS, target="charlie bravo alpha", change=CHANGE)


@pytest.fixture(scope="module")
def written(explained_runs: Explanations, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("example") / "way.md"
    write_worked_example(
        explained_runs, path, folders=[Path("runs") / name for name in RUNS], command="seqloom explain …"
    )
    return path


@pytest.fixture(scope="module")
def page(written: Path) -> str:
    return written.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def prose(page: str) -> str:
    """The page as one line: where lines end in the template does not matter."""
    return " ".join(page.split())


def tables(text: str) -> list[tuple[list[str], list[list[str]]]]:
    """Each table as its head and rows of cells."""
    results: list[tuple[list[str], list[list[str]]]] = []
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.MULTILINE):
        rows = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in block.splitlines()]
        assert len({len(row) for row in rows}) == 1, rows
        results.append((rows[0], rows[2:]))
    return results


def table(text: str, *head: str) -> list[list[str]]:
    (rows,) = [rows for names, rows in tables(text) if names[: len(head)] == list(head)]
    return rows


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def test_the_softmax_of_the_printed_scores_is_the_printed_weights(page: str) -> None:
    score_tables = [(head, rows) for head, rows in tables(page) if head[:2] == ["key", "q·k"]]
    assert len(score_tables) == 3
    masked = 0
    for head, rows in score_tables:
        size = int(head[2].rpartition("√")[2])
        assert all(number(row[1]) / math.sqrt(size) == pytest.approx(number(row[2]), abs=2e-3) for row in rows)
        allowed = [not row[3] for row in rows]
        masked += allowed.count(False)
        exponentials = [
            math.exp(number(row[2])) if is_allowed else 0.0 for row, is_allowed in zip(rows, allowed, strict=True)
        ]
        for row, value in zip(rows, exponentials, strict=True):
            assert number(row[4]) == pytest.approx(value, rel=1e-2)
            assert number(row[5]) == pytest.approx(value / sum(exponentials), abs=1e-3)
    # Padding twice; and what comes after the step, once.
    assert masked == 2 + (len(score_tables[1][1]) - STEP - 1) + 2


def test_embeddings_and_weighted_values_add_up_to_the_printed_sums(page: str) -> None:
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


def test_the_printed_probabilities_are_those_of_the_model(page: str, prose: str, explained_runs: Explanations) -> None:
    explanation = explained_runs.explanations[1]
    model = make_run("transformer", corpus="reverse").model
    ids = (
        tuple(token.token_id for token in side) for side in (explanation.source, explanation.fed, explanation.target)
    )
    sentence = Sentence(*ids)
    with torch.no_grad():
        probabilities = model.project(model(sentence.batch(model)))[0].softmax(dim=-1)
    steps = table(page, "step", "input", "output", "probability")
    for row, token_id, step_probabilities in zip(steps, sentence.tgt_ids, probabilities, strict=True):
        assert number(row[3]) == pytest.approx(float(step_probabilities[token_id]), abs=1e-4)
        assert int(row[4]) == 1 + int((step_probabilities > step_probabilities[token_id]).sum())
        assert number(row[5]) == pytest.approx(float(-(step_probabilities * step_probabilities.log()).sum()), abs=1e-3)
    logits = table(page, "token", "output · row = logit")
    best = probabilities[STEP].sort(descending=True).values
    for row, probability in zip(logits, best, strict=False):
        assert number(row[3]) == pytest.approx(float(probability), abs=1e-4)
        assert math.exp(number(row[2])) == pytest.approx(float(probability), abs=1e-3)
    log_sum = number(re.search(r"logarithm of this sum is (.*?)\. The log-prob", prose)[1])
    for row in logits:
        assert number(row[1].rpartition("= ")[2]) - log_sum == pytest.approx(number(row[2]), abs=2e-3)
    total = number(re.search(r"add up to (.*?), the log", prose)[1])
    assert total == pytest.approx(sum(math.log(number(row[3])) for row in steps), abs=0.02)


def test_the_printed_tokens_and_ids_are_those_of_the_run(page: str, prose: str, explained_runs: Explanations) -> None:
    explanation = explained_runs.explanations[1]
    assert [int(row[2]) for row in table(page, "position")] == [token.token_id for token in explanation.source]
    assert [int(row[4]) for row in table(page, "step", "input", "id")] == [
        token.token_id for token in explanation.target
    ]
    assert WorkedExample(explained_runs.explanations, tuple(map(Path, RUNS)), "x").crossing == (0, 2, 1, 1)
    assert "Step 1, `charlie`, comes from position 2, `charlie`; but the later step 2, `bravo`, comes from" in prose


def test_the_page_describes_the_recurrent_runs(page: str, prose: str, explained_runs: Explanations) -> None:
    # Two layers of 12, hidden state and cell.
    assert "48 numbers, for a text of two words as for a text of fifty" in prose
    assert "reads the text from its end" in prose
    weights = [number(row[1]) for row in table(page, "encoder state of")]
    assert sum(weights) == pytest.approx(1, abs=1e-3)
    outputs = table(page, "run", "parameters")
    assert [row[0] for row in outputs] == [explanation.run.label for explanation in explained_runs.explanations]


def test_every_expression_on_the_page_works_in_python(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(seqloom, "load", lambda folder: make_run(Path(folder).name, corpus="reverse"))
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    known = {"Change": lambda _: CHANGE}
    exec(block, known)
    expressions = re.findall(r"^In Python: `(.*)`$", page, flags=re.MULTILINE)
    assert len(expressions) > 10
    for expression in expressions:
        value = eval(expression.replace("…", "0"), known)
        assert value is not None, expression
    assert known["explanation"].computation.step == STEP


def test_pictures_stand_alone_and_say_what_they_show(written: Path, page: str) -> None:
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
def test_every_encoder_decoder_transformer_has_a_page(variant: str) -> None:
    results = explained(variant)
    text = worked_example_markdown(WorkedExample(results.explanations, (Path("runs/x"),), "x"), "seqloom")
    assert ("sin(p / 10000" in text) == sinusoidal(results.explanations[0].computation.embeddings[0])
    assert "## 11. Beam search" in text
    assert "## 13" not in text
    tables(text)


def test_weights_that_are_not_the_softmax_of_the_scores_are_detected(explained_runs: Explanations) -> None:
    stage = explained_runs.explanations[1].computation.stages[0]
    assert exactly_softmax(stage, 0)
    moved = stage.model_copy(update={"weights": (tuple(reversed(stage.weights[0])), *stage.weights[1:])})
    assert not exactly_softmax(moved, 0)


@pytest.mark.parametrize("variant", ["rnn", "attention-rnn", "transformer-lm", "fixed-mixer"])
def test_runs_without_self_attention_and_cross_attention_are_rejected(variant: str) -> None:
    with pytest.raises(ConfigError, match="self-attention on both sides and cross-attention"):
        WorkedExample(explained(variant).explanations, (Path("runs/x"),), "x")


@pytest.mark.parametrize("text", ["a|b", "`", "``a`b``", "*_<b>_*", "a\nb", "\\|", "{{ 7 * 7 }}"])
def test_hostile_texts_stay_code(text: str) -> None:
    shown = code(text)
    assert "\n" not in shown
    fence = re.match("`+", shown)[0]
    assert shown.endswith(fence)
    assert fence not in re.findall("`+", shown[len(fence) : -len(fence)])
    assert not re.search(r"(?<!\\)\|", shown)
    results = explained("transformer")
    explanation = results.explanations[0].model_copy(update={"text": text, "output": text})
    page = worked_example_markdown(WorkedExample((explanation,), (Path("runs/x"),), "x"), "seqloom")
    tables(page)
    assert code(text) in page


def test_long_commands_are_folded_without_a_change() -> None:
    command = "seqloom train x --data 'a --bb c' " + " ".join(f"--set model.d_model={n}" for n in range(12))
    shown = folded(command)
    assert max(map(len, shown.splitlines())) < 130
    assert shlex.split(shown.replace("\\\n", "")) == shlex.split(command)
    assert folded("seqloom show runs/x") == "seqloom show runs/x"


def test_the_documentation_page_has_all_fixed_texts_of_the_template(project: Path) -> None:
    page = " ".join((project / "docs" / "worked-example.md").read_text(encoding="utf-8").split())
    parsed = worked_example_page._environment().parse(asset(worked_example_page.TEMPLATE))
    # Text outside of conditions is on every page, in this order.
    always = [
        part.data
        for node in parsed.body
        if isinstance(node, nodes.Output)
        for part in node.nodes
        if isinstance(part, nodes.TemplateData) and part.data.strip()
    ]
    assert len(always) > 50
    start = 0
    for text in always:
        words = " ".join(text.split())
        assert words in page[start:], words
        start = page.index(words, start) + len(words)


def test_the_pictures_of_the_documentation_are_those_of_its_page(project: Path) -> None:
    page = (project / "docs" / "worked-example.md").read_text(encoding="utf-8")
    shown = re.findall(r"\]\(worked-example/(.+?)\)", page)
    assert sorted(shown) == sorted(path.name for path in (project / "docs" / "worked-example").iterdir())
    size = sum(path.stat().st_size for path in (project / "docs" / "worked-example").iterdir())
    assert size < 1_000_000


def test_the_softmax_holds_on_the_page_of_the_documentation(project: Path) -> None:
    page = (project / "docs" / "worked-example.md").read_text(encoding="utf-8")
    score_tables = [rows for head, rows in tables(page) if head[:2] == ["key", "q·k"]]
    assert len(score_tables) == 3
    for rows in score_tables:
        exponentials = [0.0 if row[3] else math.exp(number(row[2])) for row in rows]
        assert [number(row[5]) for row in rows] == pytest.approx(
            [value / sum(exponentials) for value in exponentials], abs=1e-3
        )
