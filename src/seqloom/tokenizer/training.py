"""Training of codecs: a stream of items becomes a bounded sample, and the sample one or two vocabularies.

Input: pairs or documents; output: codecs, with the size of their training text. The same items and settings give the same codecs.
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
_DOCUMENT_PIECE = 400
_ITEMS_PER_REPORT = 20_000


@dataclass(frozen=True, slots=True)
class TrainedOn:
    """The text that a tokenizer was trained on.

    Attributes:
        num_items: pairs (or pieces of documents) in the input.
        num_sampled: how many of them were used.
        num_characters: characters of the input after normalisation: of sources and of targets. If not all pairs were used, it is
            an estimate from those that were.
    """

    num_items: int
    num_sampled: int
    num_characters: tuple[int, int]


def train_codecs(
    items: Iterable[SentencePair | Document], settings: TokenizerSettings, progress: Progress | None = None
) -> tuple[Codec, Codec, TrainedOn]:
    """Trains the vocabularies of both sides; with `settings.joint` they are the same object.

    Raises:
        CorpusError: there is no text.
        ConfigError: the settings do not fit plain text, which has one side only.
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
    """Trains one vocabulary.

    Args:
        texts: normalised texts.
        num_characters: the size of the whole text that they are a sample of; it determines the vocabulary size "auto".
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
    # At most half of the ids are single characters, the others are for subwords; "auto" enlarges the vocabulary for this.
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
    # Text never becomes special pieces; their low score makes them count nothing in sums.
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
    # Two merges may give the same piece, which has one id.
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
    known = (word for word, count in ranked if count >= settings.min_frequency)
    pieces = dict.fromkeys((*SPECIALS, *NIBBLES, SPACE, *known))
    return Codec("words", tuple(pieces)[: settings.size_for(num_characters)])


def _sample(
    items: Iterable[SentencePair | Document], settings: TokenizerSettings, progress: Progress
) -> tuple[list[str], list[str], TrainedOn]:
    """A sample of the items from a fixed seed: drawn by the split itself if it can, otherwise in one pass (Vitter's algorithm
    R)."""
    limit = settings.max_training_pairs
    size = items.size if isinstance(items, Split) else None
    drawn = isinstance(items, Split) and items.sample is not None and size is not None and size > limit
    if isinstance(items, Split) and items.sample is not None and drawn:
        items = items.sample(limit)
    draw = Random(0).random
    kept: list[tuple[str, str]] = []
    num_items = 0
    for item in items:
        for pair in _texts(item, settings):
            num_items += 1
            if len(kept) < limit:
                kept.append(pair)
            else:
                index = int(draw() * num_items)
                if index < limit:
                    kept[index] = pair
            if num_items % _ITEMS_PER_REPORT == 0:
                done = num_items / (limit if drawn else size) if size else 0.0
                progress.update(_TASK, 0.4 * min(1.0, done), examples=num_items)
    if drawn:
        num_items = size or num_items
    # Only the sample is normalised, so that a pass over a large corpus is quick.
    for index, (src, tgt) in enumerate(kept):
        kept[index] = normalise(src, settings), normalise(tgt, settings)
    # The size of the whole text is estimated from the sample.
    scale = num_items / max(1, len(kept))
    num_src, num_tgt = (round(scale * sum(len(pair[side]) for pair in kept)) for side in (0, 1))
    if not num_src + num_tgt:
        raise CorpusError("cannot train a tokenizer: the training text is empty; give it at least a few sentences")
    sources = [src for src, _ in kept if src]
    targets = [tgt for _, tgt in kept if tgt]
    return sources, targets, TrainedOn(num_items, len(kept), (num_src, num_tgt))


def _texts(item: SentencePair | Document, settings: TokenizerSettings) -> Iterable[tuple[str, str]]:
    if isinstance(item, SentencePair):
        return [(item.src, item.tgt)]
    if not settings.joint:
        raise ConfigError("tokenizer.joint is false, but plain text has one side only; set it to true")
    if settings.dropout:
        raise ConfigError("tokenizer.dropout works on pairs only, but the corpus is plain text; set it to 0")
    text = normalise(item.text, settings)
    return [("", text[start : start + _DOCUMENT_PIECE]) for start in range(0, len(text), _DOCUMENT_PIECE)]
