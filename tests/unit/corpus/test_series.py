"""Series of numbers: windows that follow each other in time, and bins that lose little."""

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from seqloom.corpus.open import open_corpus
from seqloom.corpus.series import Bins, SeriesPair, read_column, scale_of
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CorpusError, SeqloomError
from seqloom.progress import Silent
from seqloom.tasks.forecasting import ForecastingSettings


def _write(path: Path, values: list[object], name: str = "value") -> Path:
    path.write_text(f"step,{name}\n" + "".join(f"s{i},{value}\n" for i, value in enumerate(values)), encoding="utf-8")
    return path


def _settings(path: Path, **task: object) -> CorpusSettings:
    sizes = {"horizon": 3, "context": 6, "season": 2, "num_bins": 64, "val_windows": 2, "test_windows": 2}
    return ForecastingSettings.parse({**sizes, **task}).reading(CorpusSettings(data=str(path)))


def test_bins_are_decoded_to_their_centres() -> None:
    bins = Bins(0.0, 2.0, 4)
    assert bins.encode(np.array([-1.0, 0.1, 0.6, 1.99, 9.0])) == "0 0 1 3 3"
    decoded = bins.decode("0 3 x 4")
    assert decoded[:2].tolist() == [0.25, 1.75]
    assert np.isnan(decoded[2:]).all()
    assert bins.names == "0 1 2 3"


def test_splits_follow_each_other_in_time(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.csv", [100 + i for i in range(40)])
    corpus = open_corpus(_settings(path), Silent())
    assert corpus.kind == "series"
    windows = {
        split.name: [pair for pair in split.pairs() if isinstance(pair, SeriesPair)]
        for split in (corpus.train, corpus.val, *corpus.tests.values())
    }
    assert [pair.origin for pair in windows["train"]] == list(range(6, 26))
    assert [pair.origin for pair in windows["val"]] == [28, 29, 30, 31]
    assert [pair.origin for pair in windows["test"]] == [34, 37]
    assert {name: len(pairs) for name, pairs in windows.items()} == {
        split.name: split.size for split in (corpus.train, corpus.val, *corpus.tests.values())
    }
    # Nothing that is validated or tested is trained on.
    assert max(pair.future[-1] for pair in windows["train"]) < min(pair.future[0] for pair in windows["val"])
    assert max(pair.future[-1] for pair in windows["val"]) < min(pair.future[0] for pair in windows["test"])


def test_a_window_is_its_bins_times_its_scale(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    path = _write(tmp_path / "s.csv", [f"{value:.3f}" for value in 300 + 10 * draw.normal(size=60)])
    for pair in open_corpus(_settings(path), Silent()).train.pairs():
        assert isinstance(pair, SeriesPair)
        bins = pair.series.bins
        width = (bins.high - bins.low) / bins.count
        assert np.abs(bins.decode(pair.tgt) * pair.scale - pair.future).max() <= 0.51 * width * pair.scale
        assert len(pair.src.split()) == 6
        assert len(pair.tgt.split()) == 3
    assert scale_of(np.zeros(3)) == 1.0


@pytest.mark.parametrize(
    ("values", "column", "expected"),
    [
        ([1, "", 3], "value", r"line 3: '' in the column 'value' is not a number.*fill the gap"),
        ([1, "x", 3], "value", "line 3: 'x'"),
        ([1, "nan", 3], "value", "line 3: 'nan'"),
        ([1, 2], "other", "there is no column 'other'; its columns are step, value"),
        ([1, "x"], None, "no column holds only numbers"),
        ([], None, "expected a line with the names"),
    ],
)
def test_what_is_no_series_is_named(tmp_path: Path, values: list[object], column: str | None, expected: str) -> None:
    with pytest.raises(CorpusError, match=expected):
        read_column(_write(tmp_path / "s.csv", values), column)


def test_several_columns_of_numbers_need_a_choice(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_text("year,count\n1,2\n2,3\n", encoding="utf-8")
    with pytest.raises(CorpusError, match=r"several columns hold numbers: year, count; .*task\.column=NAME"):
        read_column(path)
    assert read_column(path, "count")[1].tolist() == [2.0, 3.0]


def test_a_short_series_says_what_it_needs(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.csv", list(range(20)))
    with pytest.raises(CorpusError, match=r"20 values in the column 'value'; expected at least 21"):
        open_corpus(_settings(path), Silent())


def test_settings_of_texts_are_refused(tmp_path: Path) -> None:
    path = _write(tmp_path / "s.csv", list(range(40)))
    with pytest.raises(SeqloomError, match="takes no from_lang"):
        open_corpus(_settings(path).model_copy(update={"from_lang": "de"}), Silent())
    with pytest.raises(SeqloomError, match="expected one of auto, pairs, text, series"):
        CorpusSettings.parse({"data": "x", "kind": "sound"}, source="a test")


@pytest.mark.parametrize(("name", "encode"), [("a.csv", bytes), ("a.csv.gz", gzip.compress)])
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_compressed_files_and_utf16_are_read(
    tmp_path: Path, name: str, encode: Callable[[bytes], bytes], encoding: str
) -> None:
    path = tmp_path / name
    path.write_bytes(encode("step,Höhe\r\na,1.5\r\nb,2\r\n".encode(encoding)))
    column, values = read_column(path)
    assert (column, values.tolist()) == ("Höhe", [1.5, 2.0])
    with pytest.raises(CorpusError, match="no such file"):
        read_column(tmp_path / "nothing.csv")
