from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus, tmx
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError

HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE tmx SYSTEM "tmx14.dtd">\n<tmx version="1.4"><header/><body>\n'


def unit(**texts: str) -> str:
    return (
        "<tu>" + "".join(f'<tuv xml:lang="{code}"><seg>{text}</seg></tuv>' for code, text in texts.items()) + "</tu>\n"
    )


def write(path: Path, *units: str, head: str = HEAD) -> InputFile:
    path.write_text(head + "".join(units) + "</body></tmx>\n", encoding="utf-8")
    return InputFile(path)


def test_units_without_the_content_of_inline_tags(tmp_path: Path) -> None:
    file = write(
        tmp_path / "x.tmx",
        unit(
            de="Der <bpt i='1'>&lt;b&gt;</bpt>Hund<ept i='1'>&lt;/b&gt;</ept> &amp; <hi>ich</hi>",
            DE="noch einer",
            en="The dog",
        ),
    )
    read_pass = ReadPass()
    assert list(tmx.read_units(file, read_pass)) == [(4, {"de": "Der Hund & ich", "en": "The dog"})]
    assert read_pass.num_changed.total() == 3
    assert read_pass.num_skipped.total() == 1


@pytest.mark.parametrize("piece", [5, 1 << 16])
def test_two_of_several_languages_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int) -> None:
    monkeypatch.setattr(tmx, "_PIECE_BYTES", piece)
    units = [unit(en=f"dog {i}", de=f"Hund {i}", fr=f"chien {i}") for i in range(20)] + [unit(en="only", de="nur")]
    path = write(tmp_path / "x.tmx", *units).path
    with pytest.raises(CorpusError, match="3 languages"):
        open_corpus(CorpusSettings(data=str(path)))
    corpus = open_corpus(CorpusSettings(data=str(path), from_lang="fr", to_lang="en"))
    assert (corpus.src_lang, corpus.tgt_lang) == ("fr", "en")
    pairs = [
        (pair.src, pair.tgt) for split in (corpus.train, corpus.val, corpus.tests["test"]) for pair in split.pairs()
    ]
    assert sorted(pairs) == sorted((f"chien {i}", f"dog {i}") for i in range(20))
    assert any("left out 1 unit that is not in both fr and en" in note for note in corpus.notes)


def test_entities_and_broken_xml_are_refused(tmp_path: Path) -> None:
    bomb = '<?xml version="1.0"?>\n<!DOCTYPE tmx [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>\n<tmx><body>'
    with pytest.raises(CorpusError, match=r"x\.tmx:2: declares the entity 'a'"):
        open_corpus(CorpusSettings(data=str(write(tmp_path / "x.tmx", unit(de="&b;", en="x"), head=bomb).path)))
    file = write(tmp_path / "y.tmx", unit(de="a", en="b"), "<tu><tuv>\n")
    with pytest.raises(CorpusError, match=r"y\.tmx:6: not well-formed XML: mismatched tag"):
        list(tmx.read_units(file, ReadPass()))
