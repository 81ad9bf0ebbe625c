from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.catalogue import Entry, SplitEntry, catalogue
from seqloom.errors import ConfigError


@pytest.mark.parametrize("name", catalogue())
def test_entries_hold_together(name: str) -> None:
    entry = catalogue()[name]
    named = {file.partition("!")[0] for split in entry.splits.values() for file in split.file_names()}
    assert named == set(entry.files)
    assert "train" in entry.splits
    assert entry.public or entry.derived
    if entry.instead:
        assert catalogue()[entry.instead].public
    if entry.kind == "pairs":
        assert entry.direction is not None
        assert set(entry.direction) <= set(entry.sides)
    for split in entry.splits.values():
        if split.sides is not None:
            assert set(split.sides) == set(entry.sides)
            assert len({len(places) for places in split.sides.values()}) == 1
    for file in entry.files.values():
        assert file.sha256 or not file.verified
    assert len(entry.description) < 140


def test_names_the_issue_asks_for() -> None:
    wanted = {"multi30k", "tatoeba-eng-fra", "python-docs-en-es", "alfred-commands", "tinyshakespeare"}
    assert wanted | {"iwslt14-de-en", "wmt14-en-de", "wmt14-en-fr"} <= set(catalogue())


def test_a_split_is_one_thing() -> None:
    with pytest.raises(ConfigError, match="exactly one of"):
        SplitEntry.parse({"table": "a", "text": "b"})
    with pytest.raises(ConfigError, match=r"unknown key 'splits.train.tabel'.*'table'"):
        Entry.parse(
            {"description": "x", "licence": "y", "homepage": "z", "splits": {"train": {"tabel": "a"}}, "files": {}}
        )


def test_every_nth_row_and_markup_and_members_through_the_catalogue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """IWSLT14 in miniature: an archive, titles to leave out, every 23rd sentence for validation, five tests in one."""
    import io
    import tarfile

    monkeypatch.setenv("SEQLOOM_CACHE_DIR", str(tmp_path / "cache"))
    entry = catalogue()["iwslt14-de-en"]
    sentences = {lang: [f"{lang} sentence number {i} of all" for i in range(1, 101)] for lang in ("de", "en")}
    contents = {}
    for lang in ("de", "en"):
        contents[f"de-en/train.tags.de-en.{lang}"] = "<url>x</url>\n" + "".join(f" {s} \n" for s in sentences[lang])
        assert entry.splits["test"].sides is not None
        for number, file in enumerate(entry.splits["test"].sides[lang]):
            contents[file.partition("!")[2]] = f'<doc>\n<seg id="1"> {lang} test {number} </seg>\n</doc>\n'
    (tmp_path / "iwslt14").mkdir()
    with tarfile.open(tmp_path / "iwslt14" / "de-en.tgz", "w:gz") as archive:
        for name, text in contents.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            archive.addfile(info, io.BytesIO(text.encode()))
    corpus = open_corpus(CorpusSettings(data="iwslt14-de-en", data_dir=tmp_path))
    assert [pair.src for pair in corpus.val.pairs()] == [sentences["de"][i - 1] for i in (23, 46, 69, 92)]
    assert len(list(corpus.train.pairs())) == 96
    assert [pair.tgt for pair in corpus.tests["test"].pairs()] == [f"en test {i}" for i in range(5)]
