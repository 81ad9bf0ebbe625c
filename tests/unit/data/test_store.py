"""Stores: what was encoded once is what direct encoding gives, whole or not at all, in bounded memory."""

import hashlib
import json
import multiprocessing
import os
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seqloom.corpus.corpus import Document, SentencePair, Split
from seqloom.data.batching import Batches
from seqloom.data.store import (
    BothDirections,
    ExampleStore,
    Windows,
    WindowSample,
    dropout_reencoder,
    open_store,
    writing,
)
from seqloom.errors import CorpusError, SeqloomError
from seqloom.tokenizer import Tokenizer, TokenizerSettings

PAIRS = [
    SentencePair("take the brass lamp", "take lamp"),
    SentencePair("", "nothing → something"),
    SentencePair("light  it ♞ now", ""),
    SentencePair("open the oak door and then close it", "open oak door ; close oak door"),
]
DOCUMENTS = [Document("to be,\nor not\n"), Document(""), Document("that is the question: ♞"), Document("")]
TOKENIZER = Tokenizer.train(PAIRS, TokenizerSettings(vocab_size=100))
SEPARATE = Tokenizer.train(PAIRS, TokenizerSettings(vocab_size=100, joint=False, kind="unigram"))
TEXT_TOKENIZER = Tokenizer.train(DOCUMENTS, TokenizerSettings(vocab_size=100, collapse_whitespace=False))


class Said:
    """A Progress that remembers."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.fractions: list[float] = []

    def say(self, text: str) -> None:
        self.said.append(text)

    def update(self, task: str, fraction: float, **facts: float | str) -> None:
        self.fractions.append(fraction)


def _split(items: Sequence[SentencePair | Document], name: str = "train") -> Split:
    fingerprint = hashlib.sha256(repr(items).encode()).hexdigest()
    return Split(name, "a test", fingerprint, lambda: iter(items))


def _unread(items: Sequence[SentencePair | Document]) -> Split:
    def read() -> Iterator[SentencePair]:
        raise AssertionError("the split was read again")

    return Split("train", "a test", _split(items).fingerprint, read)


@pytest.mark.parametrize("tokenizer", [TOKENIZER, SEPARATE], ids=["joint", "separate"])
@settings(max_examples=30, deadline=None)
@given(
    texts=st.lists(st.tuples(st.text(max_size=20), st.text(max_size=20)), min_size=1, max_size=12),
    chunk=st.integers(1, 5),
)
def test_the_store_holds_what_direct_encoding_gives(
    tokenizer: Tokenizer, texts: list[tuple[str, str]], chunk: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    items = [SentencePair(src, tgt) for src, tgt in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writing, "_CHUNK_ITEMS", chunk)
        store = open_store(_split(items), tokenizer, folder=tmp_path_factory.mktemp("stores"))
    src = tokenizer.encode_src([item.src for item in items])
    tgt = tokenizer.encode_tgt([item.tgt for item in items])
    assert len(store) == len(items)
    for i in range(len(items)):
        assert store[i].src_ids.tolist() == src[i].tolist()
        assert store[i].tgt_ids.tolist() == tgt[i].tolist()
    assert store.src_lengths.tolist() == [len(ids) for ids in src]
    assert store.tgt_lengths.tolist() == [len(ids) for ids in tgt]
    assert (store.num_src_tokens, store.num_tgt_tokens) == (sum(map(len, src)), sum(map(len, tgt)))
    assert store.num_bytes == sum(len(tokenizer.normalise(item.tgt).encode()) for item in items)
    assert store.ends
    assert not store.is_text


def test_opening_again_reads_no_text(tmp_path: Path) -> None:
    first = open_store(_split(PAIRS), TOKENIZER, folder=tmp_path)
    again = open_store(_unread(PAIRS), TOKENIZER, folder=tmp_path)
    assert [e.tgt_ids.tolist() for e in again] == [e.tgt_ids.tolist() for e in first]
    assert len(list(tmp_path.iterdir())) == 1
    open_store(_split(PAIRS[:2]), TOKENIZER, folder=tmp_path)
    open_store(_split(PAIRS), SEPARATE, folder=tmp_path)
    assert len(list(tmp_path.iterdir())) == 3


def test_stores_lie_in_the_users_cache_by_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path))
    open_store(_split(PAIRS), TOKENIZER)
    assert len(list((tmp_path / "encoded").iterdir())) == 1


def test_examples_are_copies(tmp_path: Path) -> None:
    store = open_store(_split(PAIRS), TOKENIZER, folder=tmp_path)
    ids = store[0].tgt_ids
    before = ids.copy()
    ids[:] = 0
    assert store[0].tgt_ids.tolist() == before.tolist()
    assert ids.base is None
    assert ids.dtype == np.int32
    assert store[-1].tgt_ids.tolist() == store[len(store) - 1].tgt_ids.tolist()
    with pytest.raises(IndexError):
        store[len(store)]


@pytest.mark.parametrize("damage", ["cut", "missing", "facts", "version"])
def test_a_damaged_store_is_built_again(damage: str, tmp_path: Path) -> None:
    good = [e.tgt_ids.tolist() for e in open_store(_split(PAIRS), TOKENIZER, folder=tmp_path)]
    (place,) = tmp_path.iterdir()
    facts = place / "store.json"
    if damage == "cut":
        ids = place / "tgt.ids"
        ids.write_bytes(ids.read_bytes()[:-2])
    elif damage == "missing":
        (place / "src.starts").unlink()
    elif damage == "facts":
        facts.write_text(facts.read_text()[:20])
    else:
        facts.write_text(json.dumps({**json.loads(facts.read_text()), "version": 0}))
    progress = Said()
    store = open_store(_split(PAIRS), TOKENIZER, folder=tmp_path, progress=progress)
    assert [e.tgt_ids.tolist() for e in store] == good
    assert "damaged or incomplete; encoding train again" in progress.said[0]
    assert progress.fractions[-1] == 1
    assert list(tmp_path.iterdir()) == [place]


def test_a_build_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def read() -> Iterator[SentencePair]:
        yield PAIRS[0]
        raise CorpusError("train.tsv:2: no tab")

    with pytest.raises(CorpusError, match=r"train.tsv:2"):
        open_store(Split("train", "a test", "f", read), TOKENIZER, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_killed_processes_left_is_removed_in_time(tmp_path: Path) -> None:
    old, fresh = tmp_path / "a.1.partial", tmp_path / "a.2.partial"
    old.mkdir()
    fresh.mkdir()
    os.utime(old, (1, 1))
    open_store(_split(PAIRS), TOKENIZER, folder=tmp_path)
    assert not old.exists()
    assert fresh.exists()


def test_a_process_that_is_second_takes_the_store_of_the_first(tmp_path: Path) -> None:
    def read() -> Iterator[SentencePair]:
        # While this one encodes, another finishes.
        open_store(_split(PAIRS), TOKENIZER, folder=tmp_path)
        yield from PAIRS

    late = Split("train", "a test", _split(PAIRS).fingerprint, read)
    store = open_store(late, TOKENIZER, folder=tmp_path)
    assert len(store) == len(PAIRS)
    assert len(list(tmp_path.iterdir())) == 1


def _open_many(folder: Path, results: "multiprocessing.Queue[int]") -> None:
    results.put(sum(int(e.tgt_ids.sum()) for e in open_store(_split(PAIRS * 200), TOKENIZER, folder=folder)))


def test_processes_may_open_at_the_same_time(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    results: multiprocessing.Queue[int] = context.Queue()
    processes = [context.Process(target=_open_many, args=(tmp_path, results)) for _ in range(2)]
    for process in processes:
        process.start()
    sums = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join()
    results.close()
    results.join_thread()
    assert sums == {200 * sum(int(ids.sum()) for ids in TOKENIZER.encode_tgt([item.tgt for item in PAIRS]))}
    assert len(list(tmp_path.iterdir())) == 1


def test_documents_follow_each_other_with_eos_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = [ids.tolist() for ids in TEXT_TOKENIZER.encode_tgt([document.text for document in DOCUMENTS])]
    stream = [*encoded[0], 2, *encoded[1], 2, *encoded[2], 2, *encoded[3]]
    for chunk in (1, 2, 100):
        monkeypatch.setattr(writing, "_CHUNK_ITEMS", chunk)
        store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path / str(chunk))
        assert store.is_text
        assert [e.tgt_ids.tolist() for e in store] == encoded
        assert all(len(e.src_ids) == 0 for e in store)
        assert store.num_tgt_tokens == len(stream)
        assert store.num_bytes == sum(len(document.text.encode()) for document in DOCUMENTS)
        for window_len in (1, 7, len(stream), 1000):
            windows = store.windows(window_len)
            assert [i for e in windows for i in e.tgt_ids.tolist()] == stream
            assert windows.tgt_lengths.tolist() == [len(e.tgt_ids) for e in windows]
            assert set(windows.tgt_lengths[:-1].tolist()) <= {window_len}
            assert windows.src_lengths.tolist() == [0] * len(windows)
            assert (windows.num_tgt_tokens, windows.num_bytes, windows.ends) == (len(stream), store.num_bytes, False)
    with pytest.raises(ValueError, match="below 1"):
        store.windows(0)


def test_an_empty_first_document_is_parted_from_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_CHUNK_ITEMS", 1)
    store = open_store(_split([Document(""), Document("to be")]), TEXT_TOKENIZER, folder=tmp_path)
    assert store.windows(100)[0].tgt_ids.tolist() == [2, *TEXT_TOKENIZER.encode_tgt(["to be"])[0].tolist()]


def test_the_documents_of_a_store_are_parts_of_its_stream(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "_CHUNK_ITEMS", 3)
    store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path)
    documents = store.documents
    assert len(documents) == len(DOCUMENTS)
    stream = [i for e in store.windows(5) for i in e.tgt_ids.tolist()]
    assert documents.ids.tolist() == stream
    owners = documents.index_at(np.arange(len(stream))).tolist()
    for i, document in enumerate(DOCUMENTS):
        expected = TEXT_TOKENIZER.encode_tgt([document.text])[0].tolist()
        assert documents.ids_of(i).tolist() == expected
        end = int(documents.starts[i] + documents.lengths[i])
        assert owners[int(documents.starts[i]) : end] == [i] * len(expected)
        if end < len(stream):
            assert (stream[end], owners[end]) == (documents.eos_id, i)
        assert documents.num_bytes[i] == len(document.text.encode())
        assert documents.num_characters[i] == len(document.text)
    with pytest.raises(ValueError, match="holds pairs"):
        _ = open_store(_split(PAIRS), TOKENIZER, folder=tmp_path).documents


def test_shifted_windows_read_each_id_once_an_epoch_at_other_places(tmp_path: Path) -> None:
    store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path)
    stream = store.windows(10_000)[0].tgt_ids.tolist()
    for window_len in (7, len(stream) - 1, len(stream), 1000):
        windows = store.windows(window_len)
        assert isinstance(windows, Windows)
        shifter = windows.shifter(seed=3)
        texts = []
        for epoch in range(4):
            shifted = [shifter(windows[row], epoch, row).tgt_ids.tolist() for row in range(len(windows))]
            assert list(map(len, shifted)) == windows.tgt_lengths.tolist()
            texts.append([i for ids in shifted for i in ids])
            # The text from another place on, and after its end its beginning.
            assert any(texts[-1] == stream[k:] + stream[:k] for k in range(len(stream)))
            assert shifted == [
                windows.shifter(seed=3)(windows[row], epoch, row).tgt_ids.tolist() for row in range(len(windows))
            ]
        assert len(set(map(tuple, texts))) > 1


def test_windows_of_each_document_end_with_its_eos(tmp_path: Path) -> None:
    store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path)
    expected = [[*ids.tolist(), 2] for ids in TEXT_TOKENIZER.encode_tgt([document.text for document in DOCUMENTS])]
    for window_len in (1, 4, 1000):
        windows = store.windows(window_len, across_documents=False)
        cut = [ids[start : start + window_len] for ids in expected for start in range(0, len(ids), window_len)]
        assert [e.tgt_ids.tolist() for e in windows] == cut
        assert windows.tgt_lengths.tolist() == list(map(len, cut))
        assert len(windows) == len(windows.src_lengths) == len(cut)
        assert (windows.num_tgt_tokens, windows.num_bytes) == (sum(map(len, expected)), store.num_bytes)
        assert not windows.ends


@pytest.mark.parametrize("across", [True, False])
def test_a_sample_of_windows_is_spread_over_the_text(across: bool, tmp_path: Path) -> None:
    store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path)
    windows = store.windows(2, across_documents=across)
    all_ids = [e.tgt_ids.tolist() for e in windows]
    sample = WindowSample(windows, 8)
    rows = [all_ids.index(e.tgt_ids.tolist()) for e in sample]
    assert len(sample) == len(sample.tgt_lengths) == len(sample.src_lengths) == len(rows)
    assert abs(sample.num_tgt_tokens - 8) <= 2
    assert 0 < sample.num_bytes < store.num_bytes
    assert not sample.ends
    whole = WindowSample(windows, 10_000)
    assert [e.tgt_ids.tolist() for e in whole] == all_ids
    assert whole.num_bytes == store.num_bytes
    assert len(WindowSample(windows, 1)) == 1


def test_windows_make_batches_without_eos(tmp_path: Path) -> None:
    store = open_store(_split(DOCUMENTS), TEXT_TOKENIZER, folder=tmp_path)
    windows = store.windows(4)
    batches = list(Batches(windows, batch_tokens=8, seed=0, pad_id=0, bos_id=1, eos_id=2).epoch(0))
    assert sum(batch.num_tokens for batch in batches) == windows.num_tgt_tokens
    assert max(batch.tgt_out.shape[1] for batch in batches) == 4


def test_windows_of_pairs_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="this store holds pairs"):
        open_store(_split(PAIRS), TOKENIZER, folder=tmp_path).windows(8)


@settings(deadline=None, max_examples=30)
@given(max_src=st.one_of(st.none(), st.integers(0, 30)), max_tgt=st.one_of(st.none(), st.integers(0, 30)))
def test_selecting_keeps_what_fits_and_counts_the_rest(max_src: int | None, max_tgt: int | None) -> None:
    store = _shared_store()
    fits = [
        i
        for i in range(len(store))
        if len(store[i].src_ids) <= (1000 if max_src is None else max_src)
        and len(store[i].tgt_ids) <= (1000 if max_tgt is None else max_tgt)
    ]
    if not fits:
        with pytest.raises(CorpusError, match="all 4 examples are longer than the model allows"):
            store.select(max_src, max_tgt)
        return
    view, dropped = store.select(max_src, max_tgt)
    assert [e.tgt_ids.tolist() for e in view] == [store[i].tgt_ids.tolist() for i in fits]
    assert view.src_lengths.tolist() == [len(store[i].src_ids) for i in fits]
    assert view.num_src_tokens == sum(view.src_lengths)
    assert view.num_tgt_tokens == sum(len(e.tgt_ids) for e in view)
    assert view.num_bytes == sum(len(TOKENIZER.normalise(PAIRS[i].tgt).encode()) for i in fits)
    assert (dropped.num_examples, dropped.num_dropped) == (4, 4 - len(fits))
    assert max(dropped.num_src_too_long, dropped.num_tgt_too_long) <= dropped.num_dropped
    assert dropped.num_src_too_long + dropped.num_tgt_too_long >= dropped.num_dropped
    assert str(dropped).startswith(f"{4 - len(fits)} of 4 examples left out")


_stores: list[ExampleStore] = []


def _shared_store() -> ExampleStore:
    if not _stores:
        _stores.append(open_store(_split(PAIRS), TOKENIZER))
    return _stores[0]


def test_both_directions_are_all_examples_and_then_some_exchanged() -> None:
    store = open_store(_split(PAIRS), TOKENIZER)
    both = BothDirections(store, np.array([1, 3]))
    assert len(both) == len(store) + 2
    found = [both[i] for i in range(len(both))]
    expected = [(one.src_ids, one.tgt_ids) for one in (store[i] for i in range(len(store)))]
    expected += [(store[i].tgt_ids, store[i].src_ids) for i in (1, 3)]
    for one, (src_ids, tgt_ids), src_len, tgt_len in zip(
        found, expected, both.src_lengths, both.tgt_lengths, strict=True
    ):
        assert one.src_ids.tolist() == src_ids.tolist()
        assert one.tgt_ids.tolist() == tgt_ids.tolist()
        assert (len(src_ids), len(tgt_ids)) == (src_len, tgt_len)
    with pytest.raises(IndexError):
        both[len(both)]


def test_encoding_a_large_corpus_takes_little_memory(tmp_path: Path) -> None:
    num_pairs, num_characters = 1200, 10_000

    def read() -> Iterator[SentencePair]:
        for i in range(num_pairs):
            yield SentencePair("lamp " * 10, f"{i:05}" * (num_characters // 5))

    tokenizer = Tokenizer.train(
        [SentencePair("lamp", "0123456789")], TokenizerSettings(kind="characters", min_frequency=1)
    )
    tracemalloc.start()
    try:
        store = open_store(Split("train", "a test", "large", read), tokenizer, folder=tmp_path)
        chosen = store[777]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert store.num_tgt_tokens == num_pairs * num_characters
    assert tokenizer.decode_tgt(chosen.tgt_ids[:10]) == "0077700777"
    # All ids in memory would be 48 MB, and the text 12 MB.
    assert peak < 20e6


def test_large_vocabularies_get_wider_ids(tmp_path: Path) -> None:
    for tokenizer, width in ((TOKENIZER, 2), (_wide(), 4)):
        store = open_store(_split(PAIRS), tokenizer, folder=tmp_path / str(width))
        (place,) = (tmp_path / str(width)).iterdir()
        assert (place / "tgt.ids").stat().st_size == width * store.num_tgt_tokens
        assert store[3].tgt_ids.tolist() == tokenizer.encode_tgt([PAIRS[3].tgt])[0].tolist()


def _wide() -> Tokenizer:
    text = "".join(chr(0x10000 + i) for i in range(66_000)) + PAIRS[3].tgt
    chosen = TokenizerSettings(kind="characters", vocab_size=70_000, min_frequency=1, unicode="none")
    return Tokenizer.train([SentencePair("", text * 3)], chosen)


def test_dropout_is_drawn_from_seed_epoch_and_example(tmp_path: Path) -> None:
    pairs = [SentencePair("take the lamp " * 5, "take lamp " * 5)] * 3
    tokenizer = Tokenizer.train(pairs, TokenizerSettings(dropout=0.5))
    store = open_store(_split(pairs), tokenizer, folder=tmp_path)
    reencode = dropout_reencoder(tokenizer, 1)
    assert reencode is not None

    def draw(seed: int, epoch: int, index: int) -> tuple[list[int], list[int]]:
        function = dropout_reencoder(tokenizer, seed)
        assert function is not None
        example = function(store[index], epoch, index)
        assert tokenizer.decode_src(example.src_ids) == tokenizer.normalise(pairs[0].src)
        assert tokenizer.decode_tgt(example.tgt_ids) == tokenizer.normalise(pairs[0].tgt)
        return example.src_ids.tolist(), example.tgt_ids.tolist()

    assert draw(1, 0, 0) == draw(1, 0, 0)
    assert len({str(draw(*key)) for key in [(1, 0, 0), (2, 0, 0), (1, 1, 0), (1, 0, 1)]}) == 4
    most = len(store[0].src_ids), len(store[0].tgt_ids)
    tight = dropout_reencoder(tokenizer, 1, fits=lambda src, tgt: src <= most[0] and tgt <= most[1])
    assert tight is not None
    assert tight(store[0], 0, 0).tgt_ids.tolist() == store[0].tgt_ids.tolist()
    assert tight(store[0], 0, 0).src_ids.tolist() == store[0].src_ids.tolist()
    assert dropout_reencoder(TOKENIZER, 1) is None
    special = {"pad_id": 0, "bos_id": 1, "eos_id": 2}
    with_dropout = Batches(store, batch_tokens=100, seed=0, **special, reencode=reencode)
    first, again, later = ([b.tgt_out.tolist() for b in with_dropout.epoch(k)] for k in (0, 0, 1))
    assert first == again != later


def test_wrong_input_teaches(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="a test: the split 'val' is empty; it needs at least one line"):
        open_store(_split([], "val"), TOKENIZER, folder=tmp_path)
    with pytest.raises(TypeError, match="pairs or documents, not both"):
        open_store(_split([PAIRS[0], DOCUMENTS[0]]), TOKENIZER, folder=tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(SeqloomError, match=r"cannot be written: .*SEQLOOM_CACHE_DIR"):
        open_store(_split(PAIRS), TOKENIZER, folder=tmp_path / "file")
