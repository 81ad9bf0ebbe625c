"""Python callers get one SeqloomError before anything is written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import seqloom
from seqloom.arguments import check_texts, whole_number
from seqloom.corpus import CorpusSettings
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import SeqloomError
from seqloom.recipes import load_recipe

NAN, INF = float("nan"), float("inf")


@pytest.fixture
def pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "pairs.tsv"
    path.write_text("".join(f"a {n}\tb {n}\n" for n in range(50)))
    return path


WRONG: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "recipe": (seqloom.train, {"recipe": "nope"}),
    "recipe type": (seqloom.train, {"recipe": 5}),
    "corpus type": (seqloom.train, {"corpus": ["pairs.tsv"]}),
    "corpus missing": (seqloom.train, {"corpus": "nope.tsv"}),
    "budget type": (seqloom.train, {"budget": 5}),
    "budget mapping": (seqloom.train, {"budget": {"steps": 5}}),
    "seed negative": (seqloom.train, {"seed": -1}),
    "seed huge": (seqloom.train, {"seed": 2**70}),
    "seed text": (seqloom.train, {"seed": "1"}),
    "seed float": (seqloom.train, {"seed": 1.5}),
    "seed bool": (seqloom.train, {"seed": True}),
    "threads zero": (seqloom.train, {"threads": 0}),
    "threads huge": (seqloom.train, {"threads": 10**9}),
    "threads text": (seqloom.train, {"threads": "2"}),
    "device": (seqloom.train, {"device": "gpu"}),
    "device type": (seqloom.train, {"device": 0}),
    "out type": (seqloom.train, {"out": 5}),
    "out file": (seqloom.train, {"out": "pairs.tsv"}),
    "changes text": (seqloom.train, {"changes": "model.dropout=0.1"}),
    "changes inf": (seqloom.train, {"changes": ["training.learning_rate=inf"]}),
    "changes nan": (seqloom.train, {"changes": {"model": {"dropout": NAN}}}),
    "start_from": (seqloom.train, {"start_from": "pairs.tsv"}),
    "resume": (seqloom.train, {"resume": True, "out": "nowhere"}),
    "recipes text": (seqloom.compare, {"recipes": "rnn-tiny"}),
    "one bad recipe": (seqloom.compare, {"recipes": ["rnn-tiny", "nope"]}),
    "seeds": (seqloom.compare, {"seeds": 0}),
    "seeds type": (seqloom.compare, {"seeds": [1, 2]}),
    "beam": (seqloom.compare, {"beam": 0}),
    "tune": (seqloom.compare, {"tune": "slow"}),
    "also": (seqloom.compare, {"also": ["hyp.txt"]}),
    "compare threads": (seqloom.compare, {"threads": -1}),
    "compare device": (seqloom.compare, {"device": "gpu"}),
    "compare out": (seqloom.compare, {"out": "pairs.tsv"}),
    "compare budget": (seqloom.compare, {"budget": 3}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_argument_is_one_error_and_nothing_is_written(name: str, pairs: Path) -> None:
    function, given = WRONG[name]
    defaults: dict[str, Any] = {"corpus": pairs, "budget": seqloom.Budget(steps=1)}
    with pytest.raises(SeqloomError):
        function(**defaults | given)
    assert [path.name for path in pairs.parent.iterdir()] == ["pairs.tsv"]


@pytest.mark.parametrize("given", [5, None, ["a"], b"x", "", "nowhere", "."])
def test_loading_what_is_no_run(given: Any, pairs: Path) -> None:
    with pytest.raises(SeqloomError):
        seqloom.load(given)


@pytest.mark.parametrize(
    "values",
    [{"minutes": -1}, {"minutes": NAN}, {"minutes": INF}, {"steps": 0}, {"tokens": -5}, {}, {"steps": 1, "minutes": 1}],
)
def test_budgets(values: dict[str, Any]) -> None:
    with pytest.raises(SeqloomError):
        seqloom.Budget(**values)


@pytest.mark.parametrize("values", [{"size": 0}, {"val_size": -1}, {"split_seed": -1}, {"split_seed": 2**70}])
def test_sizes(values: dict[str, Any]) -> None:
    with pytest.raises(SeqloomError):
        CorpusSettings(data="copy", **values)


@pytest.mark.parametrize("value", [NAN, INF, -INF])
def test_no_setting_takes_a_number_that_is_none(value: float) -> None:
    for name, field in DecodingSettings.model_fields.items():
        if field.annotation is float:
            with pytest.raises(SeqloomError):
                DecodingSettings(**{"method": "sample", name: value})
    for key in ("learning_rate", "weight_decay", "clip_norm", "checkpoint_minutes", "bidirectional", "betas"):
        with pytest.raises(SeqloomError):
            load_recipe("rnn-tiny", {"training": {key: [value, 0.9] if key == "betas" else value}})


def test_numbers_of_numpy_are_numbers() -> None:
    assert whole_number(np.int64(3), "seed", least=0) == 3


def test_texts() -> None:
    assert check_texts("a", "texts") == ["a"]
    for wrong in (5, None, [None], b"a", ["a", 3]):
        with pytest.raises(SeqloomError, match="texts"):
            check_texts(wrong, "texts")
