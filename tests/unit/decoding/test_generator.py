import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import SentencePair
from seqloom.data.batching import Sources
from seqloom.decoding import encoded_input
from seqloom.decoding import generator as generator_module
from seqloom.decoding.encoded_input import UNFINISHED
from seqloom.decoding.engines import Engine
from seqloom.decoding.generator import Generator
from seqloom.decoding.hypothesis import Generation, PairScore
from seqloom.decoding.lexicon import Lexicon
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.streaming import GeneratedToken
from seqloom.errors import DecodingError
from seqloom.vocabulary import Vocabulary
from tests.searching import search_with
from tests.toy_model import ToyModel, make_toy
from tests.unit.decoding.test_lexicon import Listed


class Letters:
    """A tokenizer: an id a letter, unknown ones left out; as some tokenizers do, it writes no space at the start of a text."""

    letters = " abcdefg"

    @property
    def vocab(self) -> Vocabulary:
        size = len(self.letters) + 3
        return Vocabulary(size, size, True)

    def encode_src(self, texts: Sequence[str]) -> list[np.ndarray[Any, Any]]:
        for text in texts:
            text.encode("utf-8")
        return [
            np.array([3 + self.letters.index(c) for c in text if c in self.letters], dtype=np.int32) for text in texts
        ]

    encode_tgt = encode_src

    def decode_tgt(self, ids: Sequence[int]) -> str:
        return "".join(self.letters[i - 3] for i in ids).removeprefix(" ")


def make_generator(model: ToyModel | None = None, *, window: int = 4096, **values: Any) -> Generator:
    model = model or make_toy(1, 11, 11, shared=True)
    return Generator(model, Letters(), DecodingSettings(**{"max_len_offset": 8, **values}), window=window)


LINES = ["abc", "", "g", "  \t", "abcdefg abcdefg", "ce", "ß☃", "d d d d", "bad", "c"]


def outputs(generations: Iterator[Generation]) -> list[tuple[str, ...]]:
    return [one.texts for one in generations]


@pytest.mark.parametrize("window", [1, 3, 10, 100])
@pytest.mark.parametrize("batch_tokens", [1, 40, 4096])
def test_every_line_gets_its_output_in_order_whatever_the_window(window: int, batch_tokens: int) -> None:
    generator = make_generator(window=window, batch_tokens=batch_tokens)
    found = list(generator.generate(iter(LINES)))
    assert [one.source for one in found] == LINES
    assert outputs(iter(found)) == [next(make_generator().generate([line])).texts for line in LINES]


@pytest.mark.parametrize("window", [1, 4, 100])
def test_samples_depend_on_the_line_not_on_the_window(window: int) -> None:
    values = {"method": "sample", "nbest": 2, "seed": 3}
    found = outputs(make_generator(window=window, **values).generate(LINES * 3))
    assert found == outputs(make_generator(**values).generate(LINES * 3))
    assert found[:10] != found[10:20], "equal lines have draws of their own"


@pytest.fixture
def three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_parallel_batches_change_nothing() -> None:
    many = LINES * 20
    found = outputs(make_generator(batch_tokens=64).generate(many))
    assert found == [next(make_generator().generate([line])).texts for line in LINES] * 20


@pytest.mark.usefixtures("three_threads")
def test_tokens_of_parallel_batches_reach_the_callback() -> None:
    numbers = set()

    def on_token(token: GeneratedToken) -> bool:
        numbers.add(token.number)
        return True

    found = make_generator(batch_tokens=64, beam=1).answer(LINES * 20, on_token=on_token)
    assert numbers == {number for number, one in enumerate(found) if one.notes != (encoded_input.EMPTY,)}
    assert len(numbers) > 100


@pytest.mark.usefixtures("three_threads")
def test_an_error_beside_others_is_told_and_leaves_the_threads_as_they_were() -> None:
    model = make_toy(1, 11, 11, shared=True)
    with torch.no_grad():
        model.bias[4] = math.nan
    with pytest.raises(DecodingError, match="not numbers"):
        list(make_generator(model, batch_tokens=64).generate(LINES * 20))
    assert torch.get_num_threads() == 3


def test_it_reads_no_further_than_its_window() -> None:
    read = []

    def endless() -> Iterator[str]:
        while True:
            read.append(0)
            yield "abc"

    found = make_generator(window=5).generate(endless())
    assert not read
    for _ in range(7):
        next(found)
    assert len(read) == 10


def test_blank_lines_have_blank_outputs_and_a_note() -> None:
    for one in make_generator(nbest=3).generate(["", " \n", "\u200b\u3000", "☃"]):
        assert one.texts == ("",)
        assert one.hypotheses[0].finished
        assert one.notes == (encoded_input.EMPTY,)
    assert [one.alignment for one in make_generator().generate([""])] == [None]


def test_long_sources_are_cut_with_a_note() -> None:
    model = make_toy(1, 11, 11, max_len=12)
    long, cut = make_generator(model).generate(["abcdefg" * 400, ("abcdefg" * 2)[:11]])
    assert long.notes[0] == "the source was cut to its first 11 tokens, the most that are read"
    assert long.texts == cut.texts
    assert not any("source" in note for note in cut.notes)
    # A model without a maximum still does not read a book in one piece.
    (book,) = make_generator(max_src_len=30).generate(["abc" * 100_000])
    assert "first 30 tokens" in book.notes[0]


class Narrow(ToyModel):
    """Holds source and target together."""

    def max_tgt_len(self, src_len: int) -> int:
        return 30 - src_len


def test_what_source_and_target_share_is_divided() -> None:
    model = make_toy(1, 11, 11, max_len=30, eos_bias=-50)
    model.__class__ = Narrow
    generator = make_generator(model)
    (one,) = generator.generate(["a" * 100])
    # 19 tokens and eos leave 10 for the output; a 20th would leave 9, fewer than half.
    assert "first 19 tokens" in one.notes[0]
    assert len(one.text) == 10
    (score,) = generator.score([SentencePair("a" * 19, "b" * 50)])
    assert score.num_tokens == 10
    assert "target was cut to the 9 tokens" in score.notes[0]


def test_an_output_that_meets_its_limit_says_so() -> None:
    (one,) = make_generator(make_toy(1, 11, 11, eos_bias=-50)).generate(["abc"])
    assert one.notes == (UNFINISHED,)
    assert not one.hypotheses[0].finished


@settings(max_examples=30, deadline=None)
@given(st.lists(st.text(st.characters(codec=None), max_size=20), max_size=5))
def test_any_text_gets_exactly_one_generation(texts: list[str]) -> None:
    found = list(make_generator().generate(texts))
    assert [one.source for one in found] == texts
    assert all(len(one.texts) == len(one.hypotheses) == 1 for one in found)


def test_lone_surrogates_are_mended_with_a_note() -> None:
    mended, plain = make_generator().generate(["a\udcffb", "ab"])
    assert mended.texts == plain.texts
    assert mended.notes == (encoded_input.REPLACED, *plain.notes)


def test_nbest_texts_stand_with_their_hypotheses() -> None:
    for one in make_generator(nbest=4).generate(["abc", "de"]):
        assert len(one.texts) == len(one.hypotheses) == 4
        assert one.texts == tuple(Letters().decode_tgt(h.ids) for h in one.hypotheses)


def test_alignments_point_into_the_source_and_need_attention() -> None:
    generator = make_generator(make_toy(1, 11, 11, alignment=True))
    for one in generator.generate(LINES, alignments=True):
        assert one.alignment is not None
        assert len(one.alignment) == len(one.hypotheses[0].ids)
        assert all(0 <= place < max(1, len(one.source)) for place in one.alignment)
    # What was cut at the model's maximum can be aligned too.
    model = make_toy(1, 11, 11, alignment=True, eos_bias=-50, max_len=9)
    assert [len(one.alignment or ()) for one in make_generator(model).generate(["abc"], alignments=True)] == [9]
    with pytest.raises(DecodingError, match="no attention"):
        list(make_generator().generate(["abc"], alignments=True))


def test_scores_of_pairs_are_those_of_the_search() -> None:
    generator = make_generator(max_len_offset=60)
    found = [one for one in generator.generate(LINES) if not one.notes]
    lines = [one.source for one in found]
    pairs = [SentencePair(line, one.text) for line, one in zip(lines, found, strict=True)]
    scores = list(generator.score(pairs))
    checked = 0
    for pair, one, score in zip(pairs, found, scores, strict=True):
        if one.hypotheses[0].finished and Letters().encode_tgt([pair.tgt])[0].tolist() == list(one.hypotheses[0].ids):
            assert score.log_prob == pytest.approx(one.hypotheses[0].log_prob, abs=1e-4)
            assert score.num_tokens == len(one.hypotheses[0].ids) + 1 == len(score.token_log_probs)
            assert score.perplexity == pytest.approx(math.exp(-score.log_prob / score.num_tokens))
            checked += 1
    assert checked > 2
    (empty,) = generator.score([SentencePair("", "")])
    assert empty.num_tokens == 1
    assert empty.log_prob < 0


def test_perplexity_beyond_floating_point_is_infinite() -> None:
    assert PairScore(-2000.0, (-2000.0,)).perplexity == math.inf


def test_text_continues_where_the_prompt_ends() -> None:
    generator = make_generator(beam=1, length_penalty=0)
    prompts = ["abc", "", "g a", "cc"]
    found = list(generator.continue_text(prompts, max_tokens=9))
    assert [one.source for one in found] == prompts
    assert len({one.text for one in found}) > 1
    model = make_toy(1, 11, 11)
    for prompt, one in zip(prompts, found, strict=True):
        assert len(one.hypotheses[0].ids) <= 9
        whole = Letters().decode_tgt([*Letters().encode_tgt([prompt])[0], *one.hypotheses[0].ids])
        assert prompt + one.text == whole
        # bos and the prompt without its last token are read; that token is fed.
        ids = [1, *Letters().encode_tgt([prompt])[0].tolist()]
        sources = Sources.pad([ids[:-1]], pad_id=0)
        ((alone,),) = search_with(
            model, sources, beam=1, decoder_prompts=[[ids[-1]]], max_len_ratio=0.0, max_len_offset=9
        )
        assert alone.ids == one.hypotheses[0].ids


class Listener:
    def __init__(self) -> None:
        self.heard: list[tuple[str, float, float]] = []

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def update(self, task: str, fraction: float, **facts: Any) -> None:
        self.heard.append((task, fraction, facts["lines"]))


def test_progress_counts_lines() -> None:
    listener = Listener()
    list(make_generator(window=4).generate(LINES, progress=listener, task="testing"))
    assert listener.heard == [("testing", 0.4, 4), ("testing", 0.8, 8), ("testing", 1.0, 10)]
    listener = Listener()
    list(make_generator(window=4).generate(iter(LINES), progress=listener))
    assert [fraction for _, fraction, _ in listener.heard] == [0, 0, 0, 1]


def test_a_model_in_training_generates_without_dropout_and_trains_on() -> None:
    model = make_toy(1, 11, 11)
    seen = []
    model.mix.register_forward_hook(lambda module, *_: seen.append(module.training))
    model.train()
    found = list(make_generator(model).generate(["abc"]))
    assert model.training
    assert model.mix.training
    assert found
    assert not any(seen)


def test_a_generator_is_an_engine() -> None:
    engine: Engine = make_generator()
    assert [one.source for one in engine.generate(["abc"])] == ["abc"]


WAYS: list[dict[str, Any]] = [
    {"beam": 1},
    {"beam": 3, "nbest": 2},
    {"beam": 1, "repetition_penalty": 1.3, "frequency_penalty": 0.4, "no_repeat_ngram": 3, "stop_strings": ("ab", "d")},
    {"method": "sample", "temperature": 0.7, "seed": 4},
    {"method": "sample", "top_k": 6, "top_p": 0.95, "min_p": 0.01, "typical_p": 0.9, "no_repeat_ngram": 2},
    {
        "method": "sample",
        "repetition_penalty": 1.3,
        "frequency_penalty": -0.4,
        "stop_strings": ("ab", "d"),
        "min_len": 3,
    },
]


@pytest.mark.parametrize("values", WAYS, ids=str)
@pytest.mark.parametrize("max_tokens", [None, 7])
def test_texts_that_are_answered_together_are_answered_as_alone(values: dict[str, Any], max_tokens: int | None) -> None:
    generator = make_generator(**values)
    keys = [(number + 5, 0, 0) for number in range(len(LINES))] if "method" in values else None
    together = generator.answer(LINES, max_tokens=max_tokens, draw_keys=keys)
    alone = []
    for number, line in enumerate(LINES):
        other = make_generator(**values | ({"seed": number + 5} if keys else {}))
        if max_tokens is None:
            alone += other.generate([line])
        else:
            alone += other.continue_text([line], max_tokens=max_tokens)
    assert outputs(iter(together)) == outputs(iter(alone))
    assert [one.source for one in together] == LINES
    assert [one.notes for one in together] == [one.notes for one in alone]


@pytest.mark.parametrize("values", [{"beam": 1}, {"method": "sample", "temperature": 0.7}], ids=str)
@pytest.mark.parametrize("max_tokens", [None, 7])
def test_the_tokens_of_the_callback_are_those_of_the_output(values: dict[str, Any], max_tokens: int | None) -> None:
    generator = make_generator(**values, batch_tokens=60)
    tokens: dict[int, list[tuple[int, float, str]]] = {}

    def on_token(token: GeneratedToken) -> bool:
        likeliest = token.likeliest(3)
        assert len(likeliest) == 3
        assert token.log_prob <= likeliest[0][1] + 1e-5
        tokens.setdefault(token.number, []).append((token.id, token.log_prob, token.text()))
        return True

    found = generator.answer(LINES, max_tokens=max_tokens, on_token=on_token)
    assert outputs(iter(found)) == outputs(iter(generator.answer(LINES, max_tokens=max_tokens)))
    for number, generation in enumerate(found):
        hypothesis = generation.hypotheses[0]
        steps = tokens.get(number, [])
        ends = [2] if hypothesis.finished and steps else []
        assert [token for token, _, _ in steps] == [*hypothesis.ids, *ends]
        assert [log_prob for _, log_prob, _ in steps] == list(hypothesis.token_log_probs)
        assert not steps or steps[-1][2] == generation.text


def test_a_text_that_is_stopped_does_not_grow_and_the_others_do() -> None:
    generator = make_generator(make_toy(1, 11, 11, shared=True, eos_bias=-9.0), beam=1)
    free = generator.answer(["abc", "bad", "ce"])
    count = [0, 0, 0]

    def on_token(token: GeneratedToken) -> bool:
        count[token.number] += 1
        return token.number != 1 or count[1] < 3

    found = generator.answer(["abc", "bad", "ce"], on_token=on_token)
    assert count == [len(free[0].hypotheses[0].ids), 3, len(free[2].hypotheses[0].ids)]
    assert found[1].hypotheses[0].ids == free[1].hypotheses[0].ids[:3]
    assert not found[1].hypotheses[0].finished
    assert [found[0].texts, found[2].texts] == [free[0].texts, free[2].texts]
    assert len(free[1].hypotheses[0].ids) > 3


def test_a_beam_of_several_has_no_tokens_to_stream() -> None:
    with pytest.raises(ValueError, match="tokens cannot be observed"):
        make_generator(beam=2).answer(["abc"], on_token=lambda _: True)


@pytest.mark.parametrize("values", [{"beam": 1}, {"method": "sample"}], ids=str)
def test_a_stream_with_shortlists_changes_nothing(values: dict[str, Any]) -> None:
    vocab = Letters().vocab
    ids = [row.tolist() for row in Letters().encode_src(["abc", "gab", "cafe", "bad"])]
    lexicon = Lexicon.learn(Listed([(row, row[::-1]) for row in ids]), vocab)
    model = make_toy(1, 11, 11, shared=True)
    generator = Generator(model, Letters(), DecodingSettings(shortlist=2, **values), lexicon=lexicon)
    tokens: list[list[int]] = [[], []]

    def on_token(token: GeneratedToken) -> bool:
        tokens[token.number].append(token.id)
        assert {number for number, _ in token.likeliest(99)} <= set(range(11))
        return True

    found = generator.answer(["abc", "cage"], on_token=on_token)
    assert found == generator.answer(["abc", "cage"])
    for generation, ids in zip(found, tokens, strict=True):
        assert [*generation.hypotheses[0].ids, 2][: len(ids)] == ids


def test_it_multiplies_plainly_whatever_was_arranged(monkeypatch: pytest.MonkeyPatch) -> None:
    matmul = torch.backends.mkldnn.matmul
    before, seen = matmul.fp32_precision, set()

    def watched(*args: Any, **values: Any) -> Any:
        seen.add(matmul.fp32_precision)
        return search(*args, **values)

    monkeypatch.setattr(generator_module, "search", watched)
    matmul.fp32_precision = "bf16"
    try:
        assert len(outputs(make_generator().generate(LINES))) == len(LINES)
        assert seen == {"ieee"}
        assert matmul.fp32_precision == "bf16"
    finally:
        matmul.fp32_precision = before


def test_generations_say_why_they_end_and_what_was_not_read() -> None:
    endless, brief = make_toy(1, 11, 11, eos_bias=-50), make_toy(1, 11, 11, eos_bias=50)
    (cut,) = make_generator(endless).generate(["abc"])
    (ended,) = make_generator(brief).generate(["abc"])
    assert (cut.finish_reason, ended.finish_reason) == ("length", "stop")
    assert cut.finish_reasons == ("length",)
    (prompt,) = make_generator(endless).continue_text(["abc"], max_tokens=5)
    assert prompt.finish_reason == "length"
    assert prompt.with_limit_note(5).notes == ("the output reached the limit of 5 tokens (max_tokens) and ended there",)
    assert ended.with_limit_note(5) == ended
    (long,) = make_generator(endless, max_src_len=4).generate(["abcdefg"])
    assert long.num_cut_tokens == 3
