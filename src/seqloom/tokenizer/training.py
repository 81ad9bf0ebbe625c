"""Trains codecs: draws a bounded sample of a stream of items, and trains one or two vocabularies on it.

Input: pairs or documents; output: codecs, and the size of their training text. The same items and settings give the same codecs.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

from seqloom.corpus.corpus import Document, SentencePair, Split
from seqloom.errors import ConfigError, CorpusError
from seqloom.progress import Progress, Silent
from seqloom.tokenizer.codec import NUM_RESERVED, SPECIALS, Codec, import_backend, split_escaped, splitter
from seqloom.tokenizer.escaping import NIBBLES, SPACE, Escaper, choose_alphabet, normalise
from seqloom.tokenizer.settings import TokenizerSettings
from seqloom.tokenizer.unigram import train_unigram

_TASK = "tokenizer"
# The number of characters of the pieces that documents are divided into.
_PIECE_CHARS = 400
_ITEMS_PER_REPORT = 20_000


@dataclass(frozen=True, slots=True)
class TrainingTextSize:
    """The size of the text that a tokenizer was trained on.

    Attributes:
        num_items: the number of pairs (or pieces of documents) in the input.
        num_sampled: the number of pairs in the sample that was used.
        num_characters: the numbers of characters of all sources and of all targets, after normalisation; estimated from the
            sample if it is not the whole input.
    """

    num_items: int
    num_sampled: int
    num_characters: tuple[int, int]


def train_codecs(
    items: Iterable[SentencePair | Document], settings: TokenizerSettings, progress: Progress | None = None
) -> tuple[Codec, Codec, TrainingTextSize]:
    """Trains the vocabularies of both sides; with `settings.joint` they are the same object.

    Raises:
        CorpusError: the items hold no text.
        ConfigError: the items are plain text, and a setting applies only to pairs.
    """
    progress = progress or Silent()
    progress.update(_TASK, 0.0)
    sources, targets, trained_on = _sample(items, settings, progress)
    progress.update(_TASK, 0.4)
    num_src, num_tgt = trained_on.num_characters
    if settings.joint:
        codec = train_codec([*sources, *targets], settings, num_src + num_tgt)
        codecs = codec, codec
    else:
        source_codec = train_codec(sources, settings, num_src)
        progress.update(_TASK, 0.7)
        codecs = source_codec, train_codec(targets, settings, num_tgt)
    progress.update(_TASK, 1.0)
    return *codecs, trained_on


def train_codec(texts: Sequence[str], settings: TokenizerSettings, num_characters: int) -> Codec:
    """Trains a vocabulary.

    Args:
        texts: normalised texts.
        num_characters: the size of the text that `texts` is a sample of; it determines the vocabulary size "auto".
    """
    if settings.kind == "words":
        return _train_words(texts, settings, num_characters)
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(text)
    size = settings.size_for(num_characters)
    if settings.kind == "characters":
        alphabet = choose_alphabet(counts, limit=size - NUM_RESERVED - 1, min_frequency=settings.min_frequency)
        return Codec("characters", (*SPECIALS, *NIBBLES, SPACE, *alphabet))
    # At most half of the ids are single characters, so that the others can be subwords; "auto" enlarges the vocabulary for this.
    limit = len(counts) if settings.vocab_size == "auto" else (size - NUM_RESERVED) // 2
    alphabet = choose_alphabet(counts, limit=limit)
    if settings.vocab_size == "auto":
        size = max(size, NUM_RESERVED + 2 * len(alphabet))
    single = (*NIBBLES, SPACE, *alphabet)
    escaper = Escaper(alphabet, mark_start=True)
    escaped = (escaper.escape(text) for text in texts)
    if settings.kind == "bpe":
        return _train_bpe(escaped, single, size, settings.min_frequency)
    words: Counter[str] = Counter()
    for text in escaped:
        words.update(split_escaped("unigram", text))
    scored = train_unigram(words, single, num_pieces=size - len(SPECIALS), min_frequency=settings.min_frequency)
    # Text is never encoded as special pieces. Their low score makes them negligible in sums of probabilities.
    pieces = (*SPECIALS, *(piece for piece, _ in scored))
    return Codec("unigram", pieces, scores=(*(-100.0 for _ in SPECIALS), *(score for _, score in scored)))


def _train_bpe(escaped: Iterable[str], single: Sequence[str], size: int, min_frequency: int) -> Codec:
    backend = import_backend()
    model = backend.Tokenizer(backend.models.BPE())
    model.pre_tokenizer = splitter("bpe")
    trainer = backend.trainers.BpeTrainer(
        vocab_size=size - len(SPECIALS), min_frequency=min_frequency, initial_alphabet=list(single), show_progress=False
    )
    model.train_from_iterator(escaped, trainer)
    merges = tuple((left, right) for left, right in _read_merges(model.to_str()))
    # Several merges can give the same piece, which has a single id.
    pieces = dict.fromkeys((*SPECIALS, *single, *(left + right for left, right in merges)))
    return Codec("bpe", tuple(pieces), merges)


def _read_merges(serialised: str) -> list[list[str]]:
    import json

    merges = json.loads(serialised)["model"]["merges"]
    return [merge.split(" ") if isinstance(merge, str) else merge for merge in merges]


def _train_words(texts: Iterable[str], settings: TokenizerSettings, num_characters: int) -> Codec:
    escaper = Escaper(None, mark_start=True)
    words: Counter[str] = Counter()
    for text in texts:
        words.update(split_escaped("words", escaper.escape(text)))
    ranked = sorted(words.items(), key=lambda item: (-item[1], item[0]))
    frequent = (word for word, count in ranked if count >= settings.min_frequency)
    pieces = dict.fromkeys((*SPECIALS, *NIBBLES, SPACE, *frequent))
    return Codec("words", tuple(pieces)[: settings.size_for(num_characters)])


def _sample(
    items: Iterable[SentencePair | Document], settings: TokenizerSettings, progress: Progress
) -> tuple[list[str], list[str], TrainingTextSize]:
    """A sample of the items from a fixed seed, as normalised sources, normalised targets, and the size of the text.

    If the split can be sampled without reading all items, it is; else the sample is drawn in one pass (Vitter's algorithm R).
    """
    limit = settings.max_training_pairs
    size = items.size if isinstance(items, Split) else None
    uses_split_sample = isinstance(items, Split) and items.sample is not None and size is not None and size > limit
    if isinstance(items, Split) and items.sample is not None and uses_split_sample:
        items = items.sample(limit)
    draw = Random(0).random
    sampled: list[tuple[str, str]] = []
    num_items = 0
    for item in items:
        for pair in _texts(item, settings):
            num_items += 1
            if len(sampled) < limit:
                sampled.append(pair)
            else:
                index = int(draw() * num_items)
                if index < limit:
                    sampled[index] = pair
            if num_items % _ITEMS_PER_REPORT == 0:
                done = num_items / (limit if uses_split_sample else size) if size else 0.0
                progress.update(_TASK, 0.4 * min(1.0, done), examples=num_items)
    if uses_split_sample:
        num_items = size or num_items
    # Only the sample is normalised, so that reading a large corpus is fast.
    for index, (src, tgt) in enumerate(sampled):
        sampled[index] = normalise(src, settings), normalise(tgt, settings)
    # The size of the input is estimated from the sample.
    scale = num_items / max(1, len(sampled))
    num_src, num_tgt = (round(scale * sum(len(pair[side]) for pair in sampled)) for side in (0, 1))
    if not num_src + num_tgt:
        raise CorpusError("cannot train a tokenizer: the training text is empty; expected at least a few sentences")
    sources = [src for src, _ in sampled if src]
    targets = [tgt for _, tgt in sampled if tgt]
    return sources, targets, TrainingTextSize(num_items, len(sampled), (num_src, num_tgt))


def _texts(item: SentencePair | Document, settings: TokenizerSettings) -> Iterable[tuple[str, str]]:
    """The source and target of a pair, or the pieces of a document with empty sources."""
    if isinstance(item, SentencePair):
        return [(item.src, item.tgt)]
    if not settings.joint:
        raise ConfigError("tokenizer.joint is false, but plain text has one side only; set it to true")
    if settings.dropout:
        raise ConfigError("tokenizer.dropout works on pairs only, but the corpus is plain text; set it to 0")
    text = normalise(item.text, settings)
    return [("", text[start : start + _PIECE_CHARS]) for start in range(0, len(text), _PIECE_CHARS)]
