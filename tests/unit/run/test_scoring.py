"""What a run is scored on: all of a file, or the test split of its own corpus, wherever that lies; and how it is said."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from seqloom.corpus import CorpusSettings, SentencePair, open_corpus
from seqloom.errors import ConfigError, CorpusError
from seqloom.evaluation import Scope, TestData
from seqloom.run.scoring import check_files_direction, choose_test_data, read_texts
from tests.run_info import make_corpus_info

OWN = "the test split of the run's own corpus"


def write(path: Path, first: int, count: int) -> Path:
    path.write_text(
        "".join(f"source number {i} is here\tthe target {i} is there now\n" for i in range(first, first + count)),
        encoding="utf-8",
    )
    return path


class Run:
    """As much of a run as is asked."""

    def __init__(self, settings: CorpusSettings) -> None:
        self.own = settings.located()
        corpus = open_corpus(self.own)
        self.corpus = corpus
        self.info = make_corpus_info(
            kind=corpus.kind, fingerprint=corpus.fingerprint, src_lang=corpus.src_lang, tgt_lang=corpus.tgt_lang
        )

    def choose(self, corpus: Any) -> TestData:
        return choose_test_data(corpus, own=self.own, info=self.info, folder=Path("run"), progress=None)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(CorpusSettings(data=str(write(tmp_path / "train.tsv", 0, 400)), val_size=30))


def test_another_file_is_scored_whole(run: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "new.tsv", 1000, 200)
    for named in (CorpusSettings(data=str(new)), str(new), new):
        found = run.choose(named)
        assert len(found.pairs["test"]) == 200
        assert found.scopes["test"] == Scope(200, "pairs", f"all of {new}")
        assert not any(note.startswith(("Split:", "train:", "val:")) for note in found.notes)


def test_nothing_is_too_long_and_repeated_pairs_count(run: Run, tmp_path: Path) -> None:
    new = tmp_path / "new.tsv"
    new.write_text("a\tb\n" * 3 + f"{'long ' * 600}\t{'lang ' * 600}\n", encoding="utf-8")
    assert len(run.choose(new).pairs["test"]) == 4


def test_a_single_pair_can_be_scored(run: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "one.tsv", 5000, 1)
    assert str(run.choose(new).scopes["test"]) == f"1 pair, all of {new}"


def test_two_aligned_files_are_scored_whole(run: Run, tmp_path: Path) -> None:
    for name in ("a.src", "a.tgt"):
        (tmp_path / name).write_text("".join(f"{name} line {i}\n" for i in range(50)), encoding="utf-8")
    found = run.choose(CorpusSettings(src=str(tmp_path / "a.src"), tgt=str(tmp_path / "a.tgt")))
    assert len(found.pairs["test"]) == 50


def test_bad_lines_that_are_skipped_are_counted_once(run: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "new.tsv", 1000, 20)
    new.write_text(new.read_text(encoding="utf-8") + "no target\t\n", encoding="utf-8")
    found = run.choose(CorpusSettings(data=str(new), on_bad="skip"))
    assert len(found.pairs["test"]) == 20
    assert len([note for note in found.notes if "empty target" in note]) == 1


def test_the_own_corpus_is_known_by_what_it_holds(run: Run, tmp_path: Path) -> None:
    wanted = [pair.src for pair in run.corpus.tests["test"].pairs()]
    moved = tmp_path / "elsewhere.tsv"
    shutil.copy(tmp_path / "train.tsv", moved)
    for named in (None, tmp_path / "train.tsv", moved, CorpusSettings(data=str(moved), val_size=30), run.corpus):
        found = run.choose(named)
        assert [pair.src for pair in found.pairs["test"]] == wanted
        assert found.scopes["test"].what == OWN
        assert found.scopes["test"].num_items == len(wanted)
        assert found.notes == ()


def test_the_own_file_read_otherwise_is_scored_whole_with_a_warning(run: Run, tmp_path: Path) -> None:
    found = run.choose(CorpusSettings(data=str(tmp_path / "train.tsv"), src_column=2, tgt_column=1))
    assert len(found.pairs["test"]) == 400
    assert "may hold items that the run was trained on" in found.notes[0]


def test_own_data_that_have_changed_are_told(run: Run, tmp_path: Path) -> None:
    write(tmp_path / "train.tsv", 7, 410)
    assert "have changed since the run was trained" in run.choose(None).notes[0]


def test_a_test_split_that_was_asked_for_is_made(run: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "new.tsv", 1000, 200)
    found = run.choose(CorpusSettings(data=str(new), test_size=20))
    assert found.scopes["test"].num_items < 30
    assert "cut from" in found.scopes["test"].what
    found = run.choose(CorpusSettings(data=str(tmp_path / "train.tsv"), test=str(new)))
    assert found.scopes["test"] == Scope(200, "pairs", f"all of {new}")


def test_named_data_sets_and_generators_have_their_test_splits(run: Run) -> None:
    found = run.choose("copy")
    assert found.scopes["test"].what == "the test split of copy"
    assert found.scopes["beyond"].what == "the split 'beyond' of copy"
    assert found.scopes["test"].num_items == len(found.pairs["test"])


def test_given_pairs_are_all_scored(run: Run) -> None:
    found = run.choose([SentencePair("a", "b")] * 3)
    assert str(found.scopes["test"]) == "3 pairs, all of the given pairs"


def test_running_text_is_scored_whole(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"line {i} of a text that runs on and on.\n" for i in range(800)), encoding="utf-8")
    run = Run(CorpusSettings(data=str(text)))
    new = tmp_path / "new.txt"
    new.write_text("".join(f"another line {i} of text.\n" for i in range(4000)), encoding="utf-8")
    found = run.choose(new)
    assert found.corpus is not None
    whole = "".join(document.text for document in found.corpus.tests["test"].documents())
    assert whole == new.read_text(encoding="utf-8")
    assert found.scopes["test"].what == f"all of {new}"
    own = run.choose(text)
    assert own.scopes["test"].what == OWN


@pytest.fixture
def de_en(tmp_path: Path) -> Run:
    return Run(
        CorpusSettings(data=str(write(tmp_path / "train.tsv", 0, 400)), val_size=30, from_lang="de", to_lang="en")
    )


@pytest.mark.parametrize(("name", "header"), [("new.en-de.tsv", ""), ("new.tsv", "en\tde\n")])
def test_a_file_of_the_other_direction_is_turned_and_said(de_en: Run, tmp_path: Path, name: str, header: str) -> None:
    new = write(tmp_path / name, 1000, 20)
    new.write_text(header + new.read_text(encoding="utf-8"), encoding="utf-8")
    found = de_en.choose(new)
    assert found.pairs["test"][0] == SentencePair("the target 1000 is there now", "source number 1000 is here")
    assert any("from German to English" in note for note in found.notes)


def test_a_named_direction_against_the_run_is_questioned(de_en: Run, tmp_path: Path) -> None:
    new = write(tmp_path / "new.tsv", 1000, 20)
    with pytest.raises(ConfigError, match="German to English"):
        de_en.choose(CorpusSettings(data=str(new), from_lang="en", to_lang="de"))


def test_files_whose_names_say_the_other_direction_are_questioned(de_en: Run, tmp_path: Path) -> None:
    for side in ("de", "en"):
        (tmp_path / f"new.{side}").write_text("a\nb\n", encoding="utf-8")
    src, ref = tmp_path / "new.en", tmp_path / "new.de"
    with pytest.raises(ConfigError, match="exchange source and target"):
        de_en.choose(CorpusSettings(src=str(src), tgt=str(ref)))
    with pytest.raises(ConfigError, match="exchange source and target"):
        check_files_direction(src, ref, ("de", "en"))
    check_files_direction(ref, src, ("de", "en"))
    check_files_direction(src, ref, (None, None))


def test_documents_of_a_text_are_separated_and_empty_ones_counted(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("a\nb\n---\n \n---\nc\n")
    assert read_texts(path, are_documents=True, separator=None)[0] == ["a\nb\n---\n \n---\nc\n"]
    texts, notes = read_texts(path, are_documents=True, separator="---")
    assert texts == ["a\nb\n", "c\n"]
    assert len(notes) == 1
    assert "left out 1 empty document" in notes[0]


def test_bytes_that_are_not_utf8_are_replaced_in_lines_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_bytes(b"a\n\xff\n")
    texts, notes = read_texts(path, are_documents=False, separator=None)
    assert texts == ["a", "\ufffd"]
    assert notes == [f"{path}: in 1 line bytes that are not UTF-8 were replaced by U+FFFD."]


@pytest.mark.parametrize("are_documents", [True, False])
def test_a_file_without_text_is_an_error(are_documents: bool, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text("")
    with pytest.raises(CorpusError, match="holds no text"):
        read_texts(path, are_documents=are_documents, separator=None)
