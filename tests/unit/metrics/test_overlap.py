"""Several references, and tokenizers by language: the numbers are sacreBLEU's own."""

import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seqloom.errors import CorpusError
from seqloom.metrics import METRICS, aggregate, can_be_right, score, score_runs, statistics

_WORDS = ["the", "a", "cat", "dog", "house", "sees", "finds", "big", "small", "today", "very", "happy", "green"]


def texts(seed: int, words: Sequence[str] = _WORDS, glue: str = " ") -> list[str]:
    draw = random.Random(seed)
    return [glue.join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(60)]


@pytest.mark.parametrize("num_references", [1, 2, 3])
@pytest.mark.parametrize(
    ("name", "theirs"), [("bleu", BLEU(force=True)), ("chrf", CHRF()), ("ter", TER(case_sensitive=True))]
)
def test_several_references_give_sacrebleus_numbers(name: str, theirs: Any, num_references: int) -> None:
    hypotheses, references = texts(0), [texts(seed + 1) for seed in range(num_references)]
    ours = score(name, hypotheses, references)
    assert ours.value == pytest.approx(theirs.corpus_score(hypotheses, references).score)
    assert ours.signature == str(theirs.get_signature())
    assert f"nrefs:{num_references}" in ours.signature


@pytest.mark.parametrize(
    ("name", "tokenizer", "glue", "words"),
    [
        ("bleu_zh", "zh", "", list("今天很高兴狗猫看见房子。")),
        ("bleu_char", "char", "", list("วันนี้ดีมาก")),
        ("bleu_13a", "13a", " ", _WORDS),
    ],
)
def test_each_tokenizer_gives_sacrebleus_numbers(name: str, tokenizer: str, glue: str, words: list[str]) -> None:
    theirs = BLEU(tokenize=tokenizer, force=True)
    hypotheses, references = texts(0, words, glue), texts(1, words, glue)
    ours = score(name, hypotheses, references)
    assert ours.value == pytest.approx(theirs.corpus_score(hypotheses, [references]).score)
    assert ours.value > 0
    assert ours.signature == str(theirs.get_signature())


def test_a_second_reference_can_only_help() -> None:
    hypotheses = ["a b c d", "e f g h"]
    assert score("exact_match", hypotheses, [["x", "e f g h"], ["a b c d", "y"]]).value == 100
    assert score("items", hypotheses, [["x", "e f g h"], ["a b c d", "y"]], item_separator=" ").value == 100
    signature = score("exact_match", hypotheses, [["x", "y"], ["a", "b"]]).signature
    assert signature.endswith("nrefs:2")


def test_references_of_unequal_number_are_refused() -> None:
    with pytest.raises(CorpusError, match="translator 2 has 1 references, the first 2"):
        statistics("bleu", ["a", "b"], [["a", "b"], ["a"]])


def test_likelihoods_say_that_they_are_of_the_first_reference() -> None:
    assert METRICS["perplexity"].signature(None, 2).endswith("refs:first")
    assert METRICS["perplexity"].signature(None) == METRICS["perplexity"].sign(None)


def test_edits_count_characters_where_there_are_no_spaces() -> None:
    hypotheses, references = ["今天很高兴！"], ["今天很高兴。"]
    assert score("ter", hypotheses, references).value == 100
    assert score("ter_segments", hypotheses, references).value == pytest.approx(100 / 6)
    assert "words:segments" in score("ter_segments", hypotheses, references).signature


@pytest.mark.parametrize(
    ("metric", "references", "expected"),
    [
        ("bleu", ["positive", "negative"], False),
        ("bleu", ["positive", "a text of five words"], True),
        ("bleu_zh", ["今天很高兴"], True),
        ("bleu", ["", ""], False),
        ("chrf", ["", ""], False),
        ("chrf", ["positive"], True),
        ("exact_match", ["positive"], True),
        ("ter", [""], True),
        ("perplexity", ["positive"], True),
    ],
)
def test_whether_references_themselves_would_be_right(metric: str, references: list[str], expected: bool) -> None:
    assert can_be_right(metric, references) is expected


def test_perplexity_of_a_model_that_has_diverged_is_a_number() -> None:
    assert np.isfinite(aggregate("perplexity", np.array([-1e6, 10.0, 10.0])))


def test_constant_scores_have_an_interval_of_no_width() -> None:
    found = score_runs("exact_match", [statistics("exact_match", ["a"] * 5, ["a"] * 5)])
    assert found.interval == (100, 100)
