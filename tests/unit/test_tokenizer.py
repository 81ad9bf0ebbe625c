"""Tokenizers: every text comes back, the same text gives the same tokenizer, special ids stay special."""

import json
import os
import subprocess
import sys
import textwrap
import time
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import Document, SentencePair
from seqloom.errors import CheckpointError, ConfigError, CorpusError
from seqloom.tokenizer import Tokenizer, TokenizerSettings
from seqloom.tokenizer.codec import NUM_RESERVED, Codec
from seqloom.tokenizer.escaping import NIBBLES, cut, spell
from seqloom.tokenizer.unigram import train_unigram

PAIRS = [
    SentencePair("take the brass lamp up and light it", "take brass lamp ; light brass lamp"),
    SentencePair("before you open the oak door, close the chest!", "close chest ; open oak door"),
    SentencePair("Straßenbahnen fahren über 21 Brücken.", "trams cross 21 bridges."),
    SentencePair('she said: "hello, hello" …', "hello\nhello\t(twice)"),
    SentencePair("the open chest lights the door", "light the chest in the open"),
] * 3
KINDS = ["bpe", "unigram", "characters", "words"]


def _train(kind: str = "bpe", **changes: object) -> Tokenizer:
    return Tokenizer.train(PAIRS, TokenizerSettings.parse({"kind": kind, "vocab_size": 128, **changes}))


TOKENIZERS = [
    _train(kind, joint=joint, lowercase=lowercase, unicode=unicode, collapse_whitespace=collapse)
    for kind in KINDS
    for joint, lowercase, unicode, collapse in [
        (True, False, "nfc", False),
        (False, False, "nfc", True),
        (True, True, "nfkc", True),
        (True, True, "none", False),
    ]
]

# Text that tempts: the markers of the tokenizer itself, its special pieces, white space of all sorts, and known words.
WHITE = [" ", "  ", "\n", "\r\n", "\t", "\0", "\x1f", "\u2028", "\u00a0"]
MARKERS = ["▁", "▁▁", *NIBBLES[:3], "<s>", "</s>", "<pad>"]
WORDS = [
    "the",
    " lamp",
    "door",
    "21",
    ";",
    "ß",
    "é",
    "e\u0301",
    "…",
    "İ",
    "ﬁ",
    "🙂",
    "👩\u200d🚀",
    "\ufffd",
    "\U0010ffff",
]
TEMPTING = st.lists(st.sampled_from([*WHITE, *MARKERS, *WORDS])).map("".join)
TEXTS = st.one_of(st.text(max_size=40), TEMPTING)


@pytest.mark.parametrize(
    "tokenizer", TOKENIZERS, ids=lambda t: f"{t.settings.kind}-{t.settings.unicode}-{t.vocab.shared}"
)
@settings(max_examples=60, deadline=None)
@given(text=TEXTS)
def test_decoding_gives_back_the_normalised_text(tokenizer: Tokenizer, text: str) -> None:
    expected = tokenizer.normalise(text)
    src, tgt = tokenizer.encode_src([text])[0], tokenizer.encode_tgt([text])[0]
    assert tokenizer.decode_src(src) == expected
    assert tokenizer.decode_tgt(tgt) == expected
    assert all(2 < i < tokenizer.vocab.src_size for i in src)
    assert all(2 < i < tokenizer.vocab.tgt_size for i in tgt)
    assert len(tokenizer.src_tokens(src)) == len(src)


@settings(max_examples=100, deadline=None)
@given(text=TEXTS)
def test_normalisation_does_what_its_settings_say(text: str) -> None:
    keep = TokenizerSettings(unicode="none", collapse_whitespace=False)
    plain = Tokenizer.normalise(_with(keep), text)
    assert plain == text
    assert Tokenizer.normalise(_with(keep, unicode="nfc"), text) == unicodedata.normalize("NFC", text)
    assert Tokenizer.normalise(_with(keep, lowercase=True), text) == text.lower()
    assert Tokenizer.normalise(_with(keep, collapse_whitespace=True), text) == " ".join(text.split())


def _with(base: TokenizerSettings, **changes: object) -> Tokenizer:
    codec = TOKENIZERS[0].source
    return Tokenizer(base.model_copy(update=changes), codec, codec, TOKENIZERS[0].trained_on)


@pytest.mark.parametrize("tokenizer", TOKENIZERS[:: len(TOKENIZERS) // 4], ids=lambda t: t.settings.kind)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_ids_decode_without_an_exception(tokenizer: Tokenizer, data: st.DataObject) -> None:
    size = tokenizer.vocab.tgt_size
    ids = data.draw(st.lists(st.one_of(st.integers(0, size - 1), st.integers(3, 18)), max_size=30))
    text = tokenizer.decode_tgt(ids)
    text.encode("utf-8")
    assert text == tokenizer.decode_tgt([i for i in ids if i > 2])


@pytest.mark.parametrize("tokenizer", TOKENIZERS, ids=lambda one: one.describe())
@given(st.text())
def test_spans_are_the_characters_that_each_id_adds(tokenizer: Tokenizer, text: str) -> None:
    (ids,) = tokenizer.encode_tgt([text])
    decoded = tokenizer.decode_tgt(ids)
    spans = tokenizer.tgt_spans(ids)
    assert "".join(decoded[begin:end] for begin, end in spans) == decoded
    assert [begin for begin, _ in spans] == [0, *(end for _, end in spans)][: len(spans)]


@given(st.lists(st.integers(0, 60)))
def test_spans_of_any_ids_have_the_length_of_the_text(ids: list[int]) -> None:
    for tokenizer in TOKENIZERS[:2]:
        spans = tokenizer.tgt_spans(ids)
        assert len(spans) == len(ids)
        assert ([*(end for _, end in spans), 0] if not ids else [end for _, end in spans])[-1] == len(
            tokenizer.decode_tgt(ids)
        )


def test_broken_bytes_become_replacement_characters() -> None:
    tokenizer = TOKENIZERS[0]
    nibble = {char: i for i, char in enumerate(tokenizer.target.pieces) if char in NIBBLES}
    ids = [nibble[char] for char in spell("é")]
    assert tokenizer.decode_tgt(ids) == "é"
    assert tokenizer.decode_tgt(ids[:2]) == "\ufffd"
    assert tokenizer.decode_tgt(ids[:3]) == "\ufffd\ufffd"
    assert tokenizer.tgt_tokens(ids) == ["⟨c⟩", "⟨3⟩", "⟨a⟩", "⟨9⟩"]


def test_special_ids_and_their_spellings_are_different_things() -> None:
    for kind in KINDS:
        pairs = [SentencePair("<s> </s> <pad>", "<s></s><pad>")] * 20
        tokenizer = Tokenizer.train(pairs, TokenizerSettings(kind=kind))
        ids = tokenizer.encode_tgt(["<s> a </s>"])[0]
        assert ids.min() > 2
        assert tokenizer.decode_tgt([1, *ids, 2, 0, 0]) == "<s> a </s>"
        assert tokenizer.tgt_tokens([0, 1, 2]) == ["<pad>", "<s>", "</s>"]


def test_lone_surrogates_become_replacement_characters() -> None:
    tokenizer = TOKENIZERS[0]
    assert tokenizer.decode_src(tokenizer.encode_src(["a\ud800b"])[0]) == "a\ufffdb"


def test_long_texts_are_encoded_as_if_whole() -> None:
    line = "take the brass lamp, 21 of them;\n\n  and\tlight▁it é "
    text = line * 4000
    for kind in KINDS:
        tokenizer = _train(kind, collapse_whitespace=False)
        whole = tokenizer.target._encode_escaped([tokenizer.target.escaper.escape(text)])[0]
        assert np.array_equal(tokenizer.encode_tgt([text])[0], whole)
    parts = list(cut(text.replace(" ", "▁"), 1000))
    assert "".join(parts) == text.replace(" ", "▁")
    assert max(map(len, parts)) < 1100


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_text_gives_the_same_tokenizer_in_another_process(kind: str) -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parent)!r})
        from test_tokenizer import _train
        print(_train({kind!r}).hash)
    """
    environment = {**os.environ, "PYTHONHASHSEED": "7"}
    command = [sys.executable, "-c", textwrap.dedent(code)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    assert result.stdout.strip() == _train(kind).hash
    assert result.stderr == ""


def test_the_hash_names_what_decides_the_ids() -> None:
    base = _train()
    assert _train(lowercase=True).hash != base.hash
    assert _train(collapse_whitespace=False).hash != base.hash
    assert _train(vocab_size=120).hash != base.hash
    assert _train(dropout=0.1).hash == base.hash


def test_saving_and_loading_keeps_everything(tmp_path: Path) -> None:
    for number, tokenizer in enumerate(TOKENIZERS):
        path = tmp_path / f"{number}.json"
        tokenizer.save(path)
        loaded = Tokenizer.load(path)
        assert loaded == tokenizer
        assert loaded.hash == tokenizer.hash
        assert loaded.vocab == tokenizer.vocab
        texts = [item.src for item in PAIRS]
        assert [i.tolist() for i in loaded.encode_src(texts)] == [i.tolist() for i in tokenizer.encode_src(texts)]
    TOKENIZERS[0].save(tmp_path)
    assert Tokenizer.load(tmp_path) == TOKENIZERS[0]
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_that_is_not_a_tokenizer_says_so(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    TOKENIZERS[0].save(path)
    good = json.loads(path.read_text(encoding="utf-8"))
    with pytest.raises(CheckpointError, match=r"nowhere.json: cannot be read: No such file"):
        Tokenizer.load(tmp_path / "nowhere.json")
    for content, message in [
        ("{", "not valid JSON"),
        ("[]", "not a tokenizer of seqloom"),
        (json.dumps({"model": {}}), "not a tokenizer of seqloom"),
        (json.dumps({**good, "version": 9}), "version 9, but this seqloom reads version 1"),
        (json.dumps({**good, "source": {"kind": "bpe"}}), "damaged: 'pieces' is missing"),
        (json.dumps({**good, "source": {**good["source"], "merges": good["source"]["merges"][1:]}}), "was changed"),
        (json.dumps({**good, "source": {**good["source"], "merges": [["q", "zz"]]}}), "unknown piece"),
        (json.dumps({**good, "source": {**good["source"], "pieces": good["source"]["pieces"][1:]}}), "do not begin"),
    ]:
        path.write_text(content, encoding="utf-8")
        with pytest.raises(CheckpointError, match=message):
            Tokenizer.load(path)


def test_vocabulary_sizes() -> None:
    assert TokenizerSettings().size_for(100) == 400
    assert TokenizerSettings().size_for(600_000) == 1000
    assert TokenizerSettings().size_for(10**9) == 8000
    assert TokenizerSettings(vocab_size=77).size_for(10**9) == 77
    for tokenizer in TOKENIZERS:
        assert NUM_RESERVED < tokenizer.vocab.src_size <= 128
        assert tokenizer.vocab.shared == tokenizer.settings.joint
    # Enough different text fills a vocabulary to the last id.
    words = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiou" for c in "lmnrst"]
    for kind in ("bpe", "unigram", "words"):
        pairs = [SentencePair(f"{word} {word}", word) for word in words]
        assert Tokenizer.train(pairs, TokenizerSettings(kind=kind, vocab_size=128)).vocab.src_size == 128


def test_a_writing_system_with_many_characters_gets_room_or_spells_rare_ones() -> None:
    characters = "".join(chr(0x4E00 + i) for i in range(300))
    pairs = [SentencePair(characters, characters)] * 2
    auto = Tokenizer.train(pairs, TokenizerSettings())
    assert auto.source.alphabet_size == 301
    fixed = Tokenizer.train(pairs, TokenizerSettings(vocab_size=100))
    assert fixed.vocab.src_size <= 100
    assert fixed.decode_src(fixed.encode_src([characters])[0]) == characters


def test_rare_characters_are_spelled_and_common_ones_are_not() -> None:
    pairs = [SentencePair("plain words " * 1000 + "♞", "%")]
    tokenizer = Tokenizer.train(pairs, TokenizerSettings())
    assert "♞" not in tokenizer.source.pieces
    assert "%" in tokenizer.source.pieces
    assert tokenizer.src_tokens(tokenizer.encode_src(["♞"])[0])[1:] == ["⟨e⟩", "⟨2⟩", "⟨9⟩", "⟨9⟩", "⟨9⟩", "⟨e⟩"]


def test_known_words_are_one_id_and_unknown_ones_are_spelled() -> None:
    tokenizer = _train("words")
    assert tokenizer.src_tokens(tokenizer.encode_src(["the lamp"])[0]) == ["▁the", "▁lamp"]
    assert tokenizer.src_tokens(tokenizer.encode_src(["the ox"])[0])[:2] == ["▁the", "▁"]
    assert len(tokenizer.encode_src(["the ox"])[0]) == 2 + 4


def test_words_never_merge_with_punctuation_or_digits() -> None:
    pairs = [SentencePair("don't stop, 1234 or 1234!", "x")] * 50
    for kind in ("bpe", "unigram"):
        tokenizer = Tokenizer.train(pairs, TokenizerSettings(kind=kind))
        for piece in tokenizer.source.pieces[3:]:
            body = piece.lstrip("▁")
            assert body.isalpha() or not any(c.isalnum() for c in body) or len(body) == 1


def test_training_is_bounded_and_says_so() -> None:
    items = [SentencePair(f"number {i}", f"{i}") for i in range(200)]
    tokenizer = Tokenizer.train(iter(items), TokenizerSettings(max_training_pairs=20))
    assert (tokenizer.trained_on.num_items, tokenizer.trained_on.num_sampled) == (200, 20)
    assert "trained on 20 of 200 pairs" in tokenizer.describe()
    assert tokenizer.hash == Tokenizer.train(iter(items), TokenizerSettings(max_training_pairs=20)).hash


def test_documents_train_one_vocabulary_and_keep_newlines() -> None:
    documents = [Document("to be,\nor not to be:\n\n  that is the question\n" * 20)]
    tokenizer = Tokenizer.train(documents, TokenizerSettings(collapse_whitespace=False))
    assert tokenizer.decode_tgt(tokenizer.encode_tgt([documents[0].text])[0]) == documents[0].text
    assert "\n" in tokenizer.target.pieces
    with pytest.raises(ConfigError, match="joint is false, but plain text has one side"):
        Tokenizer.train(documents, TokenizerSettings(joint=False))
    with pytest.raises(ConfigError, match="dropout works on pairs only"):
        Tokenizer.train(documents, TokenizerSettings(dropout=0.1))


def test_wrong_settings_and_empty_text_teach() -> None:
    with pytest.raises(ConfigError, match="dropout leaves out merges of a bpe tokenizer, but kind is 'words'"):
        TokenizerSettings.parse({"kind": "words", "dropout": 0.1})
    with pytest.raises(ConfigError, match="vocab_size"):
        TokenizerSettings.parse({"vocab_size": 10})
    with pytest.raises(CorpusError, match="training text is empty"):
        Tokenizer.train([SentencePair("", "  ")], TokenizerSettings())
    with pytest.raises(ValueError, match="needs a bpe tokenizer"):
        _train("words").encode_src_with_dropout("a", np.random.default_rng(0))


@pytest.mark.parametrize("probability", [0.0, 0.1, 0.5, 0.95])
@settings(max_examples=60, deadline=None)
@given(text=st.one_of(TEXTS, st.sampled_from([item.src for item in PAIRS])))
def test_dropout_keeps_the_text_and_is_plain_bpe_at_zero(probability: float, text: str) -> None:
    tokenizer = _DROPOUT[probability]
    rng = np.random.default_rng(3)
    plain = tokenizer.encode_src([text])[0]
    dropped = tokenizer.encode_src_with_dropout(text, rng)
    assert tokenizer.decode_src(dropped) == tokenizer.normalise(text)
    assert len(dropped) >= len(plain) or probability > 0
    again = tokenizer.encode_src_with_dropout(plain, np.random.default_rng(3))
    assert np.array_equal(again, dropped)
    if probability == 0:
        assert np.array_equal(plain, dropped)


_DROPOUT = {p: Tokenizer.train(PAIRS, TokenizerSettings(dropout=p)) for p in (0.0, 0.1, 0.5, 0.95)}


def test_dropout_follows_the_distribution_of_the_paper() -> None:
    # For "abc" with the merges ab, then abc: all of it with (1-p)^2; "ab c" with (1-p)p; else nothing merged.
    pieces = ("<pad>", "<s>", "</s>", *NIBBLES, "▁", "a", "b", "c", "ab", "abc")
    codec = Codec("bpe", pieces, (("a", "b"), ("ab", "c")))
    rng = np.random.default_rng(0)
    ids = [codec._ids[char] for char in "abc"]
    counts = {1: 0, 2: 0, 3: 0}
    for _ in range(4000):
        counts[len(codec.encode_with_dropout(ids, 0.3, rng))] += 1
    assert counts[1] / 4000 == pytest.approx(0.49, abs=0.03)
    assert counts[2] / 4000 == pytest.approx(0.21, abs=0.03)
    assert counts[3] / 4000 == pytest.approx(0.30, abs=0.03)


def test_dropout_of_a_long_run_ends_soon() -> None:
    tokenizer = _DROPOUT[0.1]
    start = time.perf_counter()
    ids = tokenizer.encode_src_with_dropout("the" * 3000, np.random.default_rng(0))
    assert tokenizer.decode_src(ids) == "the" * 3000
    assert time.perf_counter() - start < 5


def test_unigram_training_prefers_the_words_of_the_text() -> None:
    words = {"▁lamp": 50, "▁door": 40, "▁lamps": 10, "▁doors": 12}
    alphabet = sorted(set("".join(words)))
    scored = dict(train_unigram(words, alphabet, num_pieces=len(alphabet) + 3, min_frequency=2))
    assert {"▁lamp", "▁door"} <= set(scored)
    assert set(alphabet) <= set(scored)
    assert sum(np.exp(list(scored.values()))) == pytest.approx(1, abs=0.2)


def test_forked_children_encode_without_warning_or_hang() -> None:
    code = """
        import os, sys
        from test_tokenizer import _train
        tokenizer = _train()
        texts = ["take the lamp"] * 500
        expected = [ids.tolist() for ids in tokenizer.encode_src(texts)]
        child = os.fork()
        if child == 0:
            os._exit(0 if [ids.tolist() for ids in tokenizer.encode_src(texts)] == expected else 3)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), os.environ.get("TOKENIZERS_PARALLELISM"))
    """
    if not hasattr(os, "fork"):
        pytest.skip("this system cannot fork")
    environment = {k: v for k, v in os.environ.items() if k != "TOKENIZERS_PARALLELISM"}
    environment["PYTHONPATH"] = str(Path(__file__).parent)
    command = [sys.executable, "-c", textwrap.dedent(code)]
    result = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=60, check=True)
    assert result.stdout.split() == ["0", "None"]
    assert result.stderr == ""


def test_settings_are_read_without_heavy_imports() -> None:
    code = "import sys, seqloom.tokenizer; print(sorted({'torch', 'tokenizers', 'sacrebleu'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
