"""Values and signatures: against sacreBLEU where there is one, against their definitions elsewhere."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seqloom.errors import ConfigError, CorpusError, SeqloomError
from seqloom.metrics import METRICS, aggregate, likelihood_statistics, score, statistics
from seqloom.metrics.exact import longest_common_subsequence, split_items

SACREBLEU = {
    "bleu": lambda: BLEU(force=True),
    "bleu_tokenised": lambda: BLEU(tokenize="none", force=True),
    "chrf": CHRF,
    "ter": lambda: TER(case_sensitive=True),
}

WORDS = "The the cat Dog sat on a mat . , größer 12.5 it's"
texts = st.lists(st.sampled_from(WORDS.split()), max_size=9).map(" ".join)
corpora = st.lists(st.tuples(texts, texts), min_size=1, max_size=12)


@pytest.mark.parametrize("metric", SACREBLEU)
@settings(max_examples=60, deadline=None)
@given(corpus=corpora)
def test_values_and_signatures_are_sacrebleus(metric: str, corpus: list[tuple[str, str]]) -> None:
    hypotheses, references = map(list, zip(*corpus, strict=True))
    theirs = SACREBLEU[metric]()
    expected = theirs.corpus_score(hypotheses, [references]).score
    ours = score(metric, hypotheses, references)
    assert ours.value == pytest.approx(expected, abs=1e-9)
    assert ours.signature == str(theirs.get_signature())


@pytest.mark.parametrize("metric", SACREBLEU)
def test_many_sums_at_once_give_what_sacrebleu_gives_for_each(metric: str) -> None:
    rng = np.random.default_rng(0)
    words = ["a", "b", "c", "d", "e", "f", "g", "h"]
    references = [" ".join(rng.choice(words, 8)) for _ in range(20)]
    hypotheses = [" ".join(w if rng.random() < 0.8 else "x" for w in line.split()) for line in references]
    stats = statistics(metric, hypotheses, references)
    draws = rng.integers(0, 20, size=(2, 3, 20))
    values = aggregate(metric, stats[draws].sum(axis=2))
    assert values.shape == (2, 3)
    for index in np.ndindex(2, 3):
        chosen = draws[index]
        expected = (
            SACREBLEU[metric]().corpus_score([hypotheses[i] for i in chosen], [[references[i] for i in chosen]]).score
        )
        assert values[index] == pytest.approx(expected, abs=1e-9)


def test_case_counts_everywhere() -> None:
    for metric in ("bleu", "bleu_tokenised", "chrf", "ter", "exact_match", "items"):
        same, other = (
            score(metric, ["Take The Old Lamp"], [reference], item_separator=";").value
            for reference in ("Take The Old Lamp", "take the old lamp")
        )
        assert same != other


def test_exact_match_is_the_share_of_equal_texts() -> None:
    result = score("exact_match", ["a b", "a  b", " c\n", ""], ["a b", "a b", "c", ""])
    assert result.value == 75.0
    assert (result.label, result.higher_is_better) == ("exact match", True)


def test_items_reward_order_and_punish_additions() -> None:
    def share(hypothesis: str) -> float:
        return score("items", [hypothesis], ["take lamp ; light lamp ; open door"], item_separator=" ; ").value

    assert share("take lamp ; light lamp ; open door") == 100.0
    assert share("take lamp;light  lamp ;open door") == 100.0
    assert share("open door ; take lamp ; light lamp") == pytest.approx(200 / 3)
    assert share("take lamp ; open door") == pytest.approx(200 / 3)
    assert share("take lamp ; wait ; light lamp ; open door") == 75.0
    assert share("") == 0.0


def test_items_of_a_corpus_are_total_over_total() -> None:
    result = score("items", ["a ; b ; c", "x"], ["a ; b ; c", "y"], item_separator=" ; ", item_name="commands")
    assert result.value == 75.0
    assert result.label == "share of right commands"
    assert "' ; '" in result.signature


def test_items_may_be_separated_by_white_space() -> None:
    assert score("items", ["one  two four"], ["one two three four"], item_separator=" ").value == 75.0


@given(st.lists(st.sampled_from("abc"), max_size=8), st.lists(st.sampled_from("abc"), max_size=8))
def test_longest_common_subsequence(first: list[str], second: list[str]) -> None:
    def slow(a: list[str], b: list[str]) -> int:
        if not a or not b:
            return 0
        if a[0] == b[0]:
            return 1 + slow(a[1:], b[1:])
        return max(slow(a[1:], b), slow(a, b[1:]))

    assert longest_common_subsequence(first, second) == slow(first, second)


@given(st.lists(st.text("ab ", min_size=1).map(lambda item: " ".join(item.split())).filter(bool)))
def test_items_survive_joining(items: list[str]) -> None:
    assert split_items(" ; ".join(items), " ; ") == items


def test_likelihood_of_a_fair_coin() -> None:
    # Each token is one of two equally likely bytes.
    stats = likelihood_statistics([8 * np.log(0.5), 2 * np.log(0.5)], [8, 2], [8, 2])
    assert aggregate("perplexity", stats.sum(axis=0)) == pytest.approx(2.0)
    assert aggregate("bits_per_byte", stats.sum(axis=0)) == pytest.approx(1.0)
    assert not METRICS["perplexity"].higher_is_better
    assert not METRICS["bits_per_byte"].higher_is_better


def test_bits_per_byte_do_not_depend_on_the_tokenizer() -> None:
    few, many = (likelihood_statistics([-12.0], [tokens], [10]).sum(axis=0) for tokens in (3, 6))
    assert aggregate("bits_per_byte", few) == aggregate("bits_per_byte", many)
    assert aggregate("perplexity", few) > aggregate("perplexity", many)


def test_characters_and_words_are_counted_where_they_were_given() -> None:
    bytes_only = likelihood_statistics([8 * np.log(0.5)], [4], [8])
    with_characters = likelihood_statistics([8 * np.log(0.5)], [4], [8], [4])
    with_words = likelihood_statistics([8 * np.log(0.5)], [4], [8], [4], [2])
    assert [stats.shape for stats in (bytes_only, with_characters, with_words)] == [(1, 3), (1, 4), (1, 5)]
    for metric in ("perplexity", "bits_per_byte"):
        values = {float(aggregate(metric, stats.sum(axis=0))) for stats in (bytes_only, with_characters, with_words)}
        assert len(values) == 1
    assert aggregate("bits_per_character", with_characters.sum(axis=0)) == pytest.approx(2.0)
    assert aggregate("word_perplexity", with_words.sum(axis=0)) == pytest.approx(16.0)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: score("bleu", ["a"], ["a", "b"]), CorpusError, "1 hypotheses were given for 2 references"),
        (lambda: score("exact_match", [], []), CorpusError, "nothing to score"),
        (lambda: score("blue", ["a"], ["a"]), ConfigError, "Did you mean 'bleu'"),
        (lambda: score("items", ["a"], ["a"]), ConfigError, "item_separator"),
        (lambda: score("perplexity", ["a"], ["a"]), ConfigError, "likelihood_statistics"),
        (lambda: likelihood_statistics([-1.0], [1, 2], [3]), CorpusError, "2 token counts"),
        (lambda: likelihood_statistics([], [], []), CorpusError, "nothing to score"),
        (lambda: likelihood_statistics([float("nan")], [1], [1]), CorpusError, "diverged"),
        (lambda: likelihood_statistics([-1.0], [1], [0]), CorpusError, "no bytes"),
        (
            lambda: aggregate("bits_per_character", likelihood_statistics([-1.0], [1], [1]).sum(axis=0)),
            ConfigError,
            "bits_per_character needs counts .* pass num_characters",
        ),
        (
            lambda: aggregate("word_perplexity", likelihood_statistics([-1.0], [1], [1], [1]).sum(axis=0)),
            ConfigError,
            "word_perplexity needs counts .* pass num_words",
        ),
    ],
)
def test_errors_say_what_to_do(call: Callable[[], object], error: type[SeqloomError], message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_importing_metrics_loads_nothing_heavy() -> None:
    code = "import sys, seqloom.metrics; print([m for m in ('torch', 'sacrebleu', 'pydantic') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
