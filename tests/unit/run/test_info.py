"""RunInfo: run.json of this and earlier versions is read, damage is told, and what is written is read as the same."""

import json
from pathlib import Path
from typing import Any

import pytest

from seqloom.errors import CheckpointError
from seqloom.run.info import INFO_FILE, RunInfo, check_model_settings, read_info, write_info
from tests.run_info import CORPUS, RESULT, make_result_info, make_run_info

# What version 0.1 wrote at least.
FIRST: dict[str, Any] = {
    "seed": 3,
    "budget": {"minutes": 2},
    "corpus": CORPUS,
    "tokenizer": {"description": "words", "hash": "0"},
    "parameters": 9,
    "parameters_without_embeddings": 4,
}


def write(folder: Path, values: Any) -> None:
    (folder / INFO_FILE).write_text(json.dumps(values), encoding="utf-8")


def test_a_run_of_the_first_version(tmp_path: Path) -> None:
    write(tmp_path, FIRST | {"result": RESULT})
    info = read_info(tmp_path)
    assert (info.corpus.fingerprint, info.corpus.item_name, info.corpus.sizes) == (None, "items", {})
    assert (info.model, info.started_from, info.validation, info.environment.num_threads) == (None, None, None, None)
    assert info.finished.processor_share == 1.0
    assert info.finished.curve[-1].val_loss == 1.0
    assert "other_cores" not in info.finished.to_json()


def test_an_unfinished_run(tmp_path: Path) -> None:
    write(tmp_path, FIRST)
    assert read_info(tmp_path).result is None
    with pytest.raises(CheckpointError, match="a run on copy, seed 3, is not finished"):
        _ = read_info(tmp_path).finished


def test_what_is_written_is_read_as_the_same(tmp_path: Path) -> None:
    info = make_run_info(result=make_result_info(), environment={"threads": "2", "torch": "2.9"}, model={"d_model": 8})
    write_info(tmp_path, info)
    assert read_info(tmp_path).to_json() == info.to_json()
    assert read_info(tmp_path).environment.num_threads == 2


def test_keys_of_later_versions_are_kept(tmp_path: Path) -> None:
    values = FIRST | {
        "corpus": CORPUS | {"colour": "red"},
        "later": [1],
        "environment": {"threads": "2", "gpu": "none"},
    }
    write(tmp_path, values)
    found = read_info(tmp_path).to_json()
    assert (found["later"], found["corpus"]["colour"], found["environment"]["gpu"]) == ([1], "red", "none")


def test_losses_that_are_no_numbers(tmp_path: Path) -> None:
    point = RESULT["curve"][0] | {"val_loss": float("nan")}
    write(tmp_path, FIRST | {"result": RESULT | {"curve": [point]}})
    assert read_info(tmp_path).finished.curve[0].val_loss != 1.0


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"seed": -1}, "seed: input should be greater"),
        ({"seed": "3"}, "seed: input should be a valid integer"),
        ({"corpus": CORPUS | {"kind": "x"}}, "corpus.kind"),
        ({"corpus": CORPUS | {"sizes": {"train": -1}}}, "corpus.sizes.train"),
        ({"parameters": 1 << 63}, "parameters"),
        ({"tokenizer": None}, "tokenizer"),
        ({"tokenizer": {"hash": "0"}}, "tokenizer.description: field required"),
        ({"result": RESULT | {"train_seconds": float("inf")}}, "result.train_seconds"),
        ({"result": RESULT | {"curve": [{"step": 1}]}}, "result.curve.0.tokens"),
    ],
)
def test_damage_is_told(change: dict[str, Any], where: str, tmp_path: Path) -> None:
    write(tmp_path, FIRST | change)
    with pytest.raises(
        CheckpointError, match=rf"run.json: damaged: {where}.*; take it from where the folder came from"
    ):
        read_info(tmp_path)


def test_a_list_is_no_run(tmp_path: Path) -> None:
    write(tmp_path, [])
    with pytest.raises(CheckpointError, match="damaged: the whole"):
        read_info(tmp_path)


@pytest.mark.parametrize(("threads", "count"), [("2", 2), ("0", None), ("many", None), ("1" * 9, None), ("2000", None)])
def test_threads(threads: str, count: int | None) -> None:
    assert make_run_info(environment={"threads": threads}).environment.num_threads == count


def test_other_model_settings_are_told() -> None:
    info: RunInfo = make_run_info(model={"d_model": 8, "of_later_versions": 1})
    check_model_settings(info, {"d_model": 8}, Path("r"))
    with pytest.raises(CheckpointError, match=r"model\.d_model is 9, but the run was trained with 8"):
        check_model_settings(info, {"d_model": 9}, Path("r"))
