"""The corpora `recall-4`, `recall-8` and `recall-16`: multi-query associative recall (Arora 2023, "Zoology").

    bada keno x rita fupo x x ? x rita bada -> rita fupo , bada keno

A source contains pairs of a key (it ends in a) and its value (it ends in o), and then all keys as queries in another order. The
target repeats each key with its value: as in the paper, the value follows the query's key. Fillers are at random positions, so
that all sources of a corpus have the same length: 32 words for 4 pairs, 64 for 8, 128 for 16. `beyond` has the same number of
pairs in twice as many words. There are 128 keys and 128 values. They consist of letters only, so that every subword tokenizer can
make each of them one token.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import product

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw
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
    """The target of a source: each queried key with its value.

    Args:
        known: the value of each key.
        queries: the keys, in the order of the queries.
    """
    return SEPARATOR.join(f"{key} {known[key]}" for key in queries)


def distances(source: str) -> list[int]:
    """For each query of a source, in the order of the target, the number of words since its key."""
    words = source.split()
    ask_index = words.index(ASK)
    return [ask_index + i - words.index(word) for i, word in enumerate(words[ask_index:]) if word not in (ASK, FILLER)]


def _propose(num_pairs: int, draw: Draw, split: str) -> SentencePair | None:
    known = {key: draw.choice(VALUES) for key in draw.sample(KEYS, num_pairs)}
    queries = draw.sample(known, num_pairs)
    facts_and_queries = [*(f"{key} {value}" for key, value in known.items()), ASK, *queries]
    # Facts and queries decide the split, so sources that differ only in their fillers are in one split.
    if not belongs(" ".join(facts_and_queries), split):
        return None
    num_fillers = LENGTHS[num_pairs] * (2 if split == "beyond" else 1) - 3 * num_pairs - 1
    is_filler = draw.sample(
        [True] * num_fillers + [False] * len(facts_and_queries), num_fillers + len(facts_and_queries)
    )
    parts = iter(facts_and_queries)
    return SentencePair(
        " ".join(FILLER if fill else next(parts) for fill in is_filler),
        answer(known, queries),
    )


RECALL = tuple(
    CorpusGenerator(
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
