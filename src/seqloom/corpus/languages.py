"""Languages by their ISO 639 codes: "de", "deu", "ger" and "German" are one language.

A word that a user or a file name gives enters, a canonical code leaves: ISO 639-1 where the language has one, else 639-3. This
module does not know files or corpora.
"""

import re
from pathlib import PurePath

from seqloom.config import nearest

# code of 639-1, codes of 639-2 (terminological, then bibliographic where it differs), English name. A dash: no code of 639-1.
_TABLE = """
af afr - afrikaans        ar ara - arabic           az aze - azerbaijani      be bel - belarusian
bg bul - bulgarian        bn ben - bengali          bs bos - bosnian          ca cat - catalan
cs ces cze czech          cy cym wel welsh          da dan - danish           de deu ger german
el ell gre greek          en eng - english          eo epo - esperanto        es spa - spanish
et est - estonian         eu eus baq basque         fa fas per persian        fi fin - finnish
fr fra fre french         ga gle - irish            gl glg - galician         gu guj - gujarati
he heb - hebrew           hi hin - hindi            hr hrv - croatian         hu hun - hungarian
hy hye arm armenian       id ind - indonesian       is isl ice icelandic      it ita - italian
ja jpn - japanese         ka kat geo georgian       kk kaz - kazakh           km khm - khmer
kn kan - kannada          ko kor - korean           la lat - latin            lt lit - lithuanian
lv lav - latvian          mk mkd mac macedonian     ml mal - malayalam        mn mon - mongolian
mr mar - marathi          ms msa may malay          mt mlt - maltese          my mya bur burmese
nb nob - bokmal           ne nep - nepali           nl nld dut dutch          nn nno - nynorsk
no nor - norwegian        pa pan - punjabi          pl pol - polish           pt por - portuguese
ro ron rum romanian       ru rus - russian          si sin - sinhala          sk slk slo slovak
sl slv - slovenian        sq sqi alb albanian       sr srp - serbian          sv swe - swedish
sw swa - swahili          ta tam - tamil            te tel - telugu           th tha - thai
tl tgl - tagalog          tr tur - turkish          uk ukr - ukrainian        ur urd - urdu
uz uzb - uzbek            vi vie - vietnamese       yi yid - yiddish          zh zho chi chinese
- ber - berber            - tlh - klingon           - yue - cantonese         - cmn - mandarin
"""


def _read_table() -> tuple[dict[str, str], dict[str, str]]:
    words = _TABLE.split()
    codes: dict[str, str] = {}
    names: dict[str, str] = {}
    for start in range(0, len(words), 4):
        two, three, bibliographic, name = words[start : start + 4]
        code = three if two == "-" else two
        codes.update({spelling: code for spelling in (two, three, bibliographic, name) if spelling != "-"})
        names[code] = name.capitalize()
    return codes, names


_CODES, _NAMES = _read_table()
_TAG = re.compile(r"([a-z]{2,3})([-_][A-Za-z0-9]{2,8})*")


def find_language(word: str) -> str | None:
    """The canonical code of a code or an English name of a common language; None where it is neither."""
    return _CODES.get(word.casefold())


def parse_language(word: str) -> str:
    """The canonical code of what a user wrote; a rarer code of two or three letters, or one with a region, is taken as it is.

    Raises:
        ValueError: the word cannot be a language code.
    """
    known = find_language(word)
    if known is not None:
        return known
    tag = _TAG.fullmatch(word)
    if tag is None:
        hint = nearest(word.casefold(), sorted(_CODES))
        raise ValueError(f"{word!r} is not an ISO 639 language code such as 'de' or 'deu'.{hint}")
    base = _CODES.get(tag[1], tag[1])
    return base + word[len(tag[1]) :]


def name_language(code: str) -> str:
    """The English name of a code, or the code itself."""
    return _NAMES.get(code, code)


def languages_in_name(path: PurePath) -> tuple[str, str] | None:
    """The two languages that a file name names, as in `pairs.eng-fra.tsv` or `news_de-en.csv`; None where it names none.

    Only codes count: English names and single letters in a file name are more often something else.
    """
    for match in re.finditer(r"(?<![A-Za-z])([a-z]{2,3})[-_]([a-z]{2,3})(?![A-Za-z])", path.name):
        first, second = find_language(match[1]), find_language(match[2])
        if first and second and first != second:
            return first, second
    return None


def language_of_suffix(path: PurePath) -> str | None:
    """The language of one side's file, as in `train.de`, `train.de.gz` or `train.de.txt`; None where its name names none."""
    for suffix in reversed(path.suffixes[-3:]):
        word = suffix[1:]
        if word in ("gz", "xz", "bz2", "zst", "txt", "tok"):
            continue
        return find_language(word) if 2 <= len(word) <= 3 else None
    return None
