"""The n-gram model: hand-worked numbers, an independent slow implementation, and what must hold for any text."""

import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from seqloom.data.batching import Example, Sources
from seqloom.decoding.forced import score_targets
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError, TrainingError
from seqloom.models import make_model
from seqloom.models.meta_model import allocate, make_meta_model
from seqloom.models.ngram import NGram, NGramSettings
from seqloom.models.ngram_discounts import DEFAULTS, estimate_discounts
from seqloom.run.weights import load_model
from seqloom.training.weights import load_weights, save_weights
from seqloom.vocabulary import Vocabulary

EOS = 2
SMALL = Vocabulary(5, 5, shared=True)
VOCAB = Vocabulary(12, 12, shared=True)
TEXTS = st.lists(st.sampled_from([2, 3, 3, 4, 5]), min_size=2, max_size=60)


def example(ids: Sequence[int]) -> Example:
    return Example(np.empty(0, dtype=np.int64), np.array(ids, dtype=np.int64))


def fitted(
    *texts: Sequence[int], order: int = 3, min_count: int = 1, vocab: Vocabulary = VOCAB, end: bool = False
) -> NGram:
    model = NGram(NGramSettings(order=order, min_count=min_count), vocab)
    model.fit(map(example, texts), end=end)
    return model.eval()


def probs(model: NGram, context: Sequence[int]) -> torch.Tensor:
    """The distribution after a context whose first id is the first that is known."""
    state = model.start(Sources.pad([context[:-1]], pad_id=0))
    return model.log_probs(model.advance(torch.tensor([context[-1:]]), state)[0])[0, 0].exp()


def random_text(length: int, seed: int = 0, vocab_size: int = 12) -> list[int]:
    """Ids that repeat, as text does: each follows from the two before it more often than not."""
    rng = np.random.default_rng(seed)
    ids = [3, 4]
    for _ in range(length - 2):
        likely = (3 * ids[-1] + ids[-2]) % (vocab_size - 3) + 3
        ids.append(likely if rng.random() < 0.7 else int(rng.integers(3, vocab_size)))
    return ids


class SlowKneserNey:
    """Modified Kneser-Ney from its formulas, with dictionaries, one probability at a time."""

    def __init__(self, texts: Sequence[Sequence[int]], order: int, vocab_size: int, min_count: int) -> None:
        self.order, self.size = order, vocab_size
        occurrences: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order)]
        complete: list[Counter[tuple[int, ...]]] = [Counter() for _ in range(order)]
        for text in texts:
            for position, word in enumerate(text):
                context = self.known(text[:position])
                for length in range(len(context) + 1):
                    occurrences[length][(*context[len(context) - length :], word)] += 1
                complete[len(context)][(*context, word)] += 1
        self.counts = [Counter[tuple[int, ...]]() for _ in range(order)]
        for length in range(order):
            for ngram in occurrences[length]:
                if length == order - 1:
                    self.counts[length][ngram] = occurrences[length][ngram]
                    continue
                different = sum(longer[1:] == ngram for longer in occurrences[length + 1])
                self.counts[length][ngram] = different + complete[length][ngram]
        self.discounts = [self.discount(Counter(counts.values())) for counts in self.counts]
        self.kept = [
            {ngram for ngram in counts if length < 2 or occurrences[length][ngram] >= min_count}
            for length, counts in enumerate(self.counts)
        ]

    @staticmethod
    def discount(n: Counter[int]) -> tuple[float, ...]:
        values = [0.0]
        for k, default in ((1, 0.5), (2, 1.0), (3, 1.5)):
            usable = all(n[j] for j in (1, 2, k, k + 1))
            value = k - (k + 1) * n[1] / (n[1] + 2 * n[2]) * n[k + 1] / n[k] if usable else 0.0
            values.append(value if value > 0 else default)
        return tuple(values)

    def known(self, before: Sequence[int]) -> tuple[int, ...]:
        """The part of a history that a context may hold."""
        context: tuple[int, ...] = ()
        for word in reversed(before):
            if len(context) == self.order - 1:
                break
            context = (word, *context)
            if word == EOS:
                break
        return context

    def prob(self, word: int, context: tuple[int, ...]) -> float:
        shorter = self.prob(word, context[1:]) if context else 1 / self.size
        counts, kept = self.counts[len(context)], self.kept[len(context)]
        total = sum(count for ngram, count in counts.items() if ngram[:-1] == context)
        own = {ngram[-1]: counts[ngram] for ngram in kept if ngram[:-1] == context}
        if not own:
            return shorter
        left = {id_: count - self.discounts[len(context)][min(count, 3)] for id_, count in own.items()}
        return left.get(word, 0.0) / total + (1 - sum(left.values()) / total) * shorter


def test_a_hand_worked_example() -> None:
    # Vocabulary: pad, bos, eos, a = 3, b = 4. Text: a b a b a, n-grams of 2.
    model = fitted([3, 4, 3, 4, 3], order=2, vocab=SMALL)
    # Without context: a stands after b and at the beginning, so it counts 2; b stands after a, so it counts 1; 3 together.
    # n1 = 1, n2 = 1, n3 = 0: Y = 1 / (1 + 2) = 1/3, D1 = 1 - 2 * 1/3 * 1/1 = 1/3; D2 needs n3, so it is 1.
    # What is left for the uniform distribution over 5 ids: (1 + 1/3) / 3 = 4/9.
    #   p(a) = (2 - 1) / 3 + 4/9 / 5 = 19/45,  p(b) = (1 - 1/3) / 3 + 4/9 / 5 = 14/45,  the three others 4/45 each.
    unigrams = [4 / 45, 4 / 45, 4 / 45, 19 / 45, 14 / 45]
    assert probs(model, [1]).tolist() == pytest.approx(unigrams, abs=1e-15)
    # After a: b twice. No bigram occurs once, so D2 = 1: p(b | a) = (2 - 1) / 2 + 1/2 * 14/45 = 59/90, p(a | a) = 1/2 * 19/45.
    after_a = [2 / 45, 2 / 45, 2 / 45, 19 / 90, 59 / 90]
    assert probs(model, [3]).tolist() == pytest.approx(after_a, abs=1e-15)
    assert model.num_parameters() == 4


@given(TEXTS, st.integers(1, 5), st.integers(1, 3))
def test_it_equals_a_slow_implementation(text: list[int], order: int, min_count: int) -> None:
    model = fitted(text, order=order, min_count=min_count, vocab=Vocabulary(7, 7, shared=True))
    slow = SlowKneserNey([text], order, 7, min_count)
    hidden, _ = model.advance(torch.tensor([[1, *text]]), model.start(Sources.pad([[]], pad_id=0)))
    ours = model.log_probs(hidden)[0].exp()
    for position in range(0, len(text) + 1, 3):
        context = slow.known(text[:position])
        expected = [slow.prob(word, context) for word in range(7)]
        assert ours[position].tolist() == pytest.approx(expected, abs=1e-12)


@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_texts_that_stand_alone_end_with_eos(texts: list[list[int]]) -> None:
    model = fitted(*texts, order=4, vocab=Vocabulary(7, 7, shared=True), end=True)
    slow = SlowKneserNey([[*text, EOS] for text in texts], 4, 7, 1)
    for text in texts:
        context = slow.known(text[:3])
        expected = [slow.prob(word, context) for word in range(7)]
        assert probs(model, [1, *text[:3]]).tolist() == pytest.approx(expected, abs=1e-12)


def test_windows_of_a_running_text_are_counted_as_that_text() -> None:
    text = random_text(500)
    whole = fitted(text, order=4)
    parts = fitted(text[:100], text[100:101], text[101:], order=4)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, parts.state_dict()[name])


def test_probabilities_sum_to_one_over_a_thousand_contexts() -> None:
    model = fitted(random_text(4000), order=6, min_count=2)
    text = random_text(1000, seed=1)
    hidden, _ = model.advance(torch.tensor([text]), model.start(Sources.pad([[]], pad_id=0)))
    sums = model.log_probs(hidden)[0].exp().sum(dim=1)
    assert sums.dtype == torch.float64
    assert_close(sums, torch.ones_like(sums), rtol=0, atol=1e-9)


def test_the_probability_of_one_id_is_that_of_the_distribution() -> None:
    model = fitted(random_text(2000), order=5)
    text = torch.tensor([random_text(300, seed=2)])
    hidden, _ = model.advance(text, model.start(Sources.pad([[]], pad_id=0)))
    whole = model.log_probs(hidden)[0].gather(1, text.T)[:, 0]
    assert_close(model.target_log_probs(hidden[0], text[0]), whole, rtol=0, atol=1e-12)


def test_longer_contexts_predict_better_than_unigrams() -> None:
    train, held_out = random_text(6000), random_text(600, seed=3)
    losses = []
    for order in (1, 2, 3):
        (scored,) = score_targets(fitted(train, order=order), [example(held_out)], end=False)
        losses.append(-sum(scored.token_log_probs) / len(held_out))
    assert losses[2] < losses[1]
    assert losses[2] < 0.9 * losses[0]


def test_nothing_before_the_end_of_a_document_is_read() -> None:
    model = fitted([3, 4, EOS, 5, 6, 7, EOS, 3, 4, EOS, 5, 6, 8], order=4)
    assert_close(probs(model, [3, 4, EOS, 5]), probs(model, [6, 7, EOS, 5]), rtol=0, atol=0)
    assert_close(probs(model, [4, 1, 5]), probs(model, [1, 5]), rtol=0, atol=0)


def test_a_prompt_is_the_context_of_what_follows() -> None:
    model = fitted(random_text(800), order=4)
    text = [1, *random_text(12, seed=4)]
    whole = model.step(torch.tensor([text]), model.start(Sources.pad([[]], pad_id=0))).logits
    for cut in range(1, len(text)):
        prompts = Sources.pad([text[:cut], text[: max(1, cut - 2)]], pad_id=0)
        after = model.step(torch.tensor([text[cut:]] * 2), model.start(prompts)).logits[0]
        assert_close(after, whole[0, cut:], rtol=0, atol=0)


@pytest.mark.parametrize(
    ("counts", "replaced"),
    [
        # D1 = 1 - 2 * 0.5 * 5/10 = 0.5, D2 = 2 - 3 * 0.5 * 2/5 = 1.4, D3 = 3 - 4 * 0.5 * 1/2 = 2
        ((10, 5, 2, 1), ()),
        ((0, 5, 2, 1), (1, 2, 3)),
        ((10, 0, 2, 1), (1, 2, 3)),
        ((10, 5, 0, 1), (2, 3)),
        ((10, 5, 2, 0), (3,)),
        ((0, 0, 0, 0), (1, 2, 3)),
        # D2 = 2 - 3 * 0.5 * 9/5 < 0
        ((10, 5, 9, 1), (2,)),
    ],
)
def test_discounts_that_the_formula_does_not_give_are_replaced(
    counts: tuple[int, int, int, int], replaced: tuple[int, ...]
) -> None:
    found = estimate_discounts(counts)
    assert found.replaced == replaced
    assert all(found.values[k - 1] == DEFAULTS[k - 1] for k in replaced)
    assert all(0 < value < k for k, value in enumerate(found.values, 1))
    note = found.note(3)
    assert (note is None) == (not replaced)
    if note is not None:
        assert "n-grams of length 3" in note
        assert all(f"D{k} = {DEFAULTS[k - 1]:g}" in note for k in replaced)
    if not replaced:
        assert found.values == pytest.approx((0.5, 1.4, 2.0))


def test_replaced_discounts_are_told_by_fit() -> None:
    notes = NGram(NGramSettings(order=2), SMALL).fit([example([3, 4, 3, 4, 3])], end=False)
    assert len(notes) == 2
    assert "D1 = 0.5, D2 = 1, D3 = 1.5" in notes[1]


def test_pruning_drops_rare_n_grams_of_three_and_more() -> None:
    text = random_text(3000)
    sizes = [fitted(text, order=4, min_count=count).num_parameters() for count in (1, 2, 5)]
    assert sizes[0] > sizes[1] > sizes[2]
    whole, pruned = fitted(text, order=4), fitted(text, order=4, min_count=5)
    for length in (0, 1):
        assert torch.equal(whole.get_buffer(f"counts_{length}"), pruned.get_buffer(f"counts_{length}"))


def test_weights_are_the_same_after_a_file(tmp_path: Path) -> None:
    model = fitted(random_text(500), order=4, min_count=2)
    path = tmp_path / "best.safetensors"
    save_weights(path, model.state_dict())
    loaded = load_model(model.settings, VOCAB, path)
    for name, tensor in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], tensor)
    text = torch.tensor([random_text(50, seed=5)])
    results = [each.project(each.advance(text, each.start(Sources.pad([[]], pad_id=0)))[0]) for each in (model, loaded)]
    assert torch.equal(*results)


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("contexts_2", lambda tensor: tensor.flip(0)),
        ("ngrams_1", lambda tensor: tensor + 10**9),
        ("ngrams_0", lambda tensor: -tensor),
        ("counts_3", lambda tensor: -tensor),
        ("totals_2", lambda tensor: tensor * 0),
        ("discounts", lambda tensor: tensor + 9),
        ("totals_1", lambda tensor: tensor[1:]),
    ],
)
def test_damaged_tables_are_refused(name: str, change: Callable[[torch.Tensor], torch.Tensor], tmp_path: Path) -> None:
    model = fitted(random_text(500), order=4)
    state = model.state_dict()
    path = tmp_path / "best.safetensors"
    save_weights(path, {**state, name: change(state[name])})
    with pytest.raises(CheckpointError, match=r"best\.safetensors: damaged: "):
        load_model(model.settings, VOCAB, path)


def test_a_meta_model_takes_the_sizes_of_a_file(tmp_path: Path) -> None:
    model = fitted(random_text(300), order=3)
    found = make_meta_model(model.settings, VOCAB)
    found.resize({name: tuple(tensor.shape) for name, tensor in model.state_dict().items()})
    assert all(buffer.is_meta for buffer in found.buffers())
    allocate(found)
    found.load_state_dict(model.state_dict())
    save_weights(tmp_path / "x.safetensors", found.state_dict())
    assert load_weights(tmp_path / "x.safetensors").keys() == model.state_dict().keys()


def test_batches_and_beams_change_nothing() -> None:
    model = fitted(random_text(900), order=4, vocab=VOCAB)
    rows = [[1, 3, 4], [1], [1, 7, 9, 5, 5]]
    settings = DecodingSettings(method="sample", nbest=2, seed=7, max_len_ratio=0.0, max_len_offset=20)

    def texts(chosen: list[int]) -> list[list[tuple[int, ...]]]:
        prompts = [[rows[row][-1]] for row in chosen]
        keys = [[7, row] for row in chosen]
        sources = Sources.pad([rows[row][:-1] for row in chosen], pad_id=0)
        settings_one = settings.model_copy(update={"nbest": 1})
        found = search(model, sources, settings_one, decoder_prompts=prompts, draw_keys=keys)
        return [[tuple(one.ids) for one in of_source] for of_source in found]

    together = texts([0, 1, 2])
    assert [texts([row])[0] for row in range(3)] == together
    assert texts([0, 1, 2]) == together


def test_too_little_memory_is_told_before_it_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    class Memory:
        available = 20_000

    monkeypatch.setattr(psutil, "virtual_memory", Memory)
    with pytest.raises(TrainingError, match=r"takes at most .* of memory, but .* are free\. Take a lower model\.order"):
        fitted(random_text(1000), order=5)


@pytest.mark.parametrize(
    ("items", "message"),
    [
        ([], "there is no text"),
        ([Example(np.array([3]), np.array([4]))], "give plain text instead of pairs"),
    ],
)
def test_what_cannot_be_counted_is_an_error(items: list[Example], message: str) -> None:
    with pytest.raises(TrainingError, match=message):
        NGram(NGramSettings(), VOCAB).fit(items)


def test_a_model_that_has_counted_nothing_is_uniform() -> None:
    model = make_model(NGramSettings(order=3), VOCAB)
    assert isinstance(model, NGram)
    assert_close(probs(model, [1, 3]), torch.full((12,), 1 / 12, dtype=torch.float64))
    assert math.isclose(float(probs(fitted([3]), [3]).sum()), 1.0)
