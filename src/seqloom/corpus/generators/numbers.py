"""The corpora `numbers-en-de` and so on: lists of spelled-out numbers in two languages, by the library num2words (an extra).

    ninety-seven ; four -> siebenundneunzig ; vier

Lists have 1 to 5 numbers in training, validation and `test`, and 6 to 8 in `beyond`. German, Dutch and Danish put units before
tens, and French counts in twenties, so words change their order within a number.
"""

from functools import cache, partial

from seqloom.corpus.corpus import SentencePair
from seqloom.corpus.generators.corpus_generator import CorpusGenerator
from seqloom.corpus.generators.draw import Draw, bucket
from seqloom.errors import CorpusError

SEPARATOR = " ; "
# The largest list of training, validation and `test`; the largest list of `beyond`; the most digits of a number.
MOST_TRAINED = 5
LONGEST = 8
MOST_DIGITS = 4

LANGUAGES = {
    "da": "Danish",
    "de": "German",
    "es": "Spanish",
    "fr": "French",
    "it": "Italian",
    "nl": "Dutch",
    "pl": "Polish",
}

# One of ten lists belongs to validation, and one to test.
_PARTS = {0: "val", 1: "test"}


@cache
def spell(number: int, lang: str) -> str:
    """A number in words; `lang` is an ISO 639 code. Spelling is slow, and there are only ten thousand numbers."""
    from num2words import num2words

    return str(num2words(number, lang=lang))


def _propose(lang: str, draw: Draw, split: str) -> SentencePair | None:
    count = draw.between(MOST_TRAINED + 1, LONGEST) if split == "beyond" else draw.between(1, MOST_TRAINED)
    # Small numbers are as frequent as large ones.
    numbers = [draw.below(10 ** draw.between(1, MOST_DIGITS)) for _ in range(count)]
    if split != "beyond" and _PARTS.get(bucket(" ".join(map(str, numbers)), 10), "train") != split:
        return None
    src, tgt = (SEPARATOR.join(spell(number, code) for number in numbers) for code in ("en", lang))
    return SentencePair(src, tgt)


def _require_num2words(name: str) -> str:
    try:
        import num2words  # noqa: F401
    except ImportError:
        raise CorpusError(
            f"{name}: needs the num2words library, which is not installed; install it with: pip install 'seqloom[numbers]'"
        ) from None
    from importlib.metadata import version

    return f"num2words {version('num2words')}"


def _generator(lang: str, language: str) -> CorpusGenerator:
    name = f"numbers-en-{lang}"
    return CorpusGenerator(
        name=name,
        description=f"Lists of numbers spelled out in English, and in {language}.",
        version=1,
        propose=partial(_propose, lang),
        facts={
            "src_lang": "en",
            "tgt_lang": lang,
            "metric": "items",
            "item_separator": SEPARATOR,
            "item_name": "numbers",
            "notes": (
                "Synthetic: lists of 1 to 5 numbers below 10,000, spelled by num2words.",
                "beyond: lists of 6 to 8 numbers.",
            ),
        },
        requires=partial(_require_num2words, name),
    )


NUMBERS = tuple(_generator(lang, language) for lang, language in LANGUAGES.items())
