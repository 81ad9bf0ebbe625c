"""The corpora `recall-4`, `recall-8` and `recall-16`: multi-query associative recall (Arora 2023, "Zoology").

    bada keno x rita fupo x x ? x rita bada -> rita fupo , bada keno

A seed enters, a Corpus leaves. A source tells pairs of a key (it ends in a) and its value (it ends in o), and then asks for every
key in another order. The target says each key and its value: as in the paper, a value follows the key that asks for it. Fillers
stand at random in the source, so that all sources of a corpus are equally long: 32 words for 4 pairs, 64 for 8, 128 for 16.
`beyond` has as many pairs in twice as many words. Keys and values are 128 words each; they are made of letters alone, so that
every tokenizer of subwords can make each of them one token.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.generator import Draw, Generator
from seqloom.corpus.generators.lengths import belongs

_STEMS = tuple("".join(letters) for letters in product("bdfghjklmnprstvz", "aeiu", "tn"))
KEYS = tuple(f"{stem}a" for stem in _STEMS)
VALUES = tuple(f"{stem}o" for stem in _STEMS)
FILLER = "x"
ASK = "?"
SEPARATOR = " , "

# The words of a source by the number of its pairs.
LENGTHS: Mapping[int, int] = {4: 32, 8: 64, 16: 128}


def answer(known: Mapping[str, str], queries: Sequence[str]) -> str:
    """The target of a source that tells `known` and asks for `queries`."""
    return SEPARATOR.join(f"{key} {known[key]}" for key in queries)


def distances(source: str) -> list[int]:
    """How many words each query of a source stands after the key that it asks for, in the order of the target."""
    words = source.split()
    asked = words.index(ASK)
    return [asked + i - words.index(word) for i, word in enumerate(words[asked:]) if word not in (ASK, FILLER)]


def _propose(num_pairs: int, draw: Draw, split: str) -> SentencePair | None:
    known = {key: draw.choice(VALUES) for key in draw.sample(KEYS, num_pairs)}
    queries = draw.sample(known, num_pairs)
    told = [*(f"{key} {value}" for key, value in known.items()), ASK, *queries]
    # The split goes by what is told and asked, so the same at other distances stays in it.
    if not belongs(" ".join(told), split):
        return None
    num_fillers = LENGTHS[num_pairs] * (2 if split == "beyond" else 1) - 3 * num_pairs - 1
    fills = draw.sample([True] * num_fillers + [False] * len(told), num_fillers + len(told))
    parts = iter(told)
    return SentencePair(
        " ".join(FILLER if fill else next(parts) for fill in fills),
        answer(known, queries),
    )


RECALL = tuple(
    Generator(
        name=f"recall-{num_pairs}",
        description=f"Associative recall: {num_pairs} keys with their values among {length} words, each of them asked for.",
        version=2,
        propose=partial(_propose, num_pairs),
        facts={
            "metric": "items",
            "item_separator": SEPARATOR,
            "item_name": "pairs",
            "notes": (
                f"Synthetic: {num_pairs} pairs of 128 keys and 128 values, all asked for, in {length} words.",
                f"beyond: {num_pairs} pairs in {2 * length} words.",
            ),
        },
    )
    for num_pairs, length in LENGTHS.items()
)
