"""Saved games: what is written comes back, whatever interrupts it, and damage is one clear message."""

import json
from pathlib import Path

import pytest

from seqloom.errors import FictionError, OutputError
from seqloom.fiction import saved_games
from seqloom.fiction.playthrough import Playthrough
from seqloom.fiction.saved_games import FolderLock, SaveFile, encode, load, saved_path
from tests.unit.fiction.toy_game import Counter


def played(*lines: str) -> Playthrough:
    playthrough = Playthrough(Counter())
    for line in lines:
        playthrough.play(line)
    return playthrough


def restored(path: Path) -> Playthrough:
    saved = load(path, "counter 1")
    return Playthrough.resumed(Counter(), saved.seed, saved.nodes, saved.snapshots, saved.current)


def test_the_log_grows_with_the_game_and_is_the_same_as_one_written_at_once(tmp_path: Path) -> None:
    path = tmp_path / "game.jsonl"
    playthrough = played()
    log = SaveFile(path, "counter 1")
    log.create(playthrough)
    for line in ("add", "add", "", "frob", "", "add", "key", "ä"):
        if line:
            playthrough.play(line, typed=line.upper(), follows=line == "key")
        else:
            playthrough.undo()
        log.update(playthrough)
        again = restored(path)
        assert (again.nodes, again.current) == (playthrough.nodes, playthrough.current)
        assert again.turn == playthrough.turn


def test_nothing_new_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "game.jsonl"
    playthrough = played("add")
    log = SaveFile(path, "counter 1")
    log.create(playthrough)
    before = path.read_bytes()
    log.update(playthrough)
    assert path.read_bytes() == before


def test_a_log_that_was_cut_anywhere_continues_at_the_turn_before(tmp_path: Path) -> None:
    path = tmp_path / "game.jsonl"
    content = encode(played("add", "add", "add"), "counter 1").encode()
    second = content.index(b"\n", content.index(b"\n") + 1) + 1
    for size in range(second, len(content)):
        path.write_bytes(content[:size])
        saved = load(path, "counter 1")
        assert bool(saved.note) == (content[size - 1 : size] != b"\n")
        assert saved.note == "" or "the last line is incomplete, as after a power cut" in saved.note
        assert restored(path).interpreter.score()


def test_a_full_disk_loses_no_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "game.jsonl"
    playthrough = played()
    log = SaveFile(path, "counter 1")
    log.create(playthrough)

    def half(file: Path, text: str) -> None:
        with file.open("a") as stream:
            stream.write(text[: len(text) // 2])
        raise OutputError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(saved_games, "append_text", half)
        for _ in range(2):
            playthrough.play("add")
            with pytest.raises(OutputError, match="full"):
                log.update(playthrough)
            assert restored(path).num_turns() == 0
    log.update(playthrough)
    assert restored(path).num_turns() == 2


GOOD = encode(played("add"), "counter 1").splitlines()


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no turn"),
        (["{}"], "1: expected the format 'seqloom saved game', version 1"),
        ([GOOD[0]], "holds no turn"),
        ([GOOD[0].replace("counter 1", "cloak 1")], "was saved in another game or version: it names 'cloak 1'"),
        ([GOOD[0].replace("0}", "-1}")], "1: -1 stands where a number from 0"),
        ([GOOD[0], "[]"], "2: a record of JSON is expected"),
        ([GOOD[0], "nonsense"], "2: not valid JSON"),
        ([*GOOD[:3], '{"parent": 7, "line": "add", "answer": ""}'], "4: 7 stands where a number from 0 to 1"),
        ([*GOOD[:3], '{"current": 2}'], "4: 2 stands where a number from 0 to 1"),
        ([*GOOD[:3], '{"line": "add"}'], "4: no 'parent'"),
        ([*GOOD[:3], '{"parent": 1, "line": 3}'], "4: expected a text"),
        ([*GOOD[:3], json.dumps({"parent": 1, "line": "x" * 1001})], "4: expected a text of at most 1,000"),
        ([*GOOD[:3], '{"snapshot": 1, "state": "?"}'], "4: Only base64 data is allowed"),
        ([*GOOD[:3], '{"snapshot": 1, "state": "AAAA"}'], "4: Error -3 while decompressing"),
        ([*GOOD[:3], '{"snapshot": 1, "state": "eJw="}'], "4: a snapshot is incomplete or too large"),
        (["\udcff"], "1: 'utf-8' codec can't decode"),
    ],
)
def test_damage_is_one_message_with_file_and_line(tmp_path: Path, lines: list[str], message: str) -> None:
    path = tmp_path / "game.jsonl"
    path.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", errors="surrogateescape"))
    with pytest.raises(FictionError) as raised:
        load(path, "counter 1")
    assert str(raised.value).startswith(f"{path}:")
    assert message in str(raised.value)


def test_a_snapshot_that_grows_without_end_is_an_error(tmp_path: Path) -> None:
    playthrough = played("add")
    playthrough.snapshots[1] = bytes(64 << 20)
    path = tmp_path / "game.jsonl"
    path.write_text(encode(playthrough, "counter 1"), encoding="utf-8")
    with pytest.raises(FictionError, match="a snapshot is incomplete or too large"):
        load(path, "counter 1")


def test_a_missing_saved_game_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(FictionError, match="there is no such saved game"):
        load(tmp_path / "x.jsonl", "counter 1")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", "x" * 61, "a\nb", "-x", "a.b", "~"]
)
def test_names_cannot_leave_the_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(FictionError, match="is no name for a saved game"):
        saved_path(tmp_path, name)


@pytest.mark.parametrize("name", ["before the bar", "Üben-2", "x"])
def test_names_may_be_words_of_any_language(tmp_path: Path, name: str) -> None:
    assert saved_path(tmp_path, name) == tmp_path / f"{name}.jsonl"


def test_a_second_session_cannot_write_into_the_same_folder(tmp_path: Path) -> None:
    pytest.importorskip("fcntl")
    lock = FolderLock(tmp_path)
    with pytest.raises(
        FictionError, match="another session plays this game; end it, or name another folder by --saves"
    ):
        FolderLock(tmp_path)
    lock.release()
    FolderLock(tmp_path).release()
