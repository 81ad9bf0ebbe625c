from pathlib import Path

import pytest
import yaml

from seqloom.config import read_yaml
from seqloom.corpus import CorpusSettings
from seqloom.errors import ConfigError


def test_settings_survive_yaml(tmp_path: Path) -> None:
    settings = CorpusSettings(data=tmp_path / "x.tsv", from_lang="ger", to_lang="nob", src_column=2, tgt_column="en")
    path = tmp_path / "corpus.yaml"
    path.write_text(yaml.safe_dump(settings.model_dump(mode="json")), encoding="utf-8")
    values, lines = read_yaml(path)
    assert CorpusSettings.parse(values, source=str(path), lines=lines) == settings


def test_norwegian_survives_yaml_that_reads_no_as_false() -> None:
    values = yaml.safe_load("{data: x, from_lang: no, to_lang: en}")
    assert values["from_lang"] is False
    assert CorpusSettings.parse(values).from_lang == "no"


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({}, ["--data", "--src"]),
        ({"data": "a", "src": "b", "tgt": "c"}, ["keep one"]),
        ({"src": "a"}, ["--src needs --tgt"]),
        ({"data": "x", "val_tgt": "a"}, ["--val-tgt needs --val-src"]),
        ({"src": "a", "tgt": "a"}, ["same file"]),
        ({"data": "x", "val": "a", "val_src": "b", "val_tgt": "c"}, ["--val and --val-src"]),
        ({"data": "x", "test": "a", "test_size": 5}, ["test_size"]),
        ({"data": "x", "from_lang": "de", "to_lang": "deu"}, ["both 'de'"]),
        ({"data": "x", "kind": "text", "to_lang": "de"}, ["to_lang", "pairs"]),
        ({"data": "x", "kind": "text", "metric": "bleu"}, ["bits_per_byte"]),
        ({"data": "x", "src_column": 1}, ["tgt_column"]),
        ({"data": "x", "src_column": 1, "tgt_column": 1}, ["only learn to copy"]),
        ({"src": "a", "tgt": "b", "src_column": 1, "tgt_column": 2}, ["without columns"]),
        ({"data": "x", "from_lang": "germn"}, ["from_lang", "not a language code", "pt-BR", "german"]),
        ({"data": "x", "max_word": 3}, ["unknown key", "max_words"]),
        ({"data": "x", "overlap": "dropp"}, ["overlap", "Did you mean 'drop'"]),
    ],
)
def test_contradictions_teach(values: dict[str, object], words: list[str]) -> None:
    with pytest.raises(ConfigError) as caught:
        CorpusSettings.parse(values)
    for word in words:
        assert word in str(caught.value)


def test_located_makes_existing_files_absolute_and_leaves_names_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("val.tsv").write_text("a\tb\n")
    settings = CorpusSettings(data="multi30k", val="val.tsv").located()
    assert settings.data == "multi30k"
    assert settings.val == str((tmp_path / "val.tsv").resolve())
