"""Forecasting: trained, compared, evaluated and drawn like any other task; its files are its own."""

from pathlib import Path

import numpy as np
import pytest

import seqloom
from seqloom import Budget
from seqloom.cli import main
from seqloom.comparison.comparison import Comparison
from seqloom.errors import ConfigError
from seqloom.report.page import comparison_html
from seqloom.run.load import Run
from seqloom.tasks.forecast_baselines import seasonal_naive

SOURCE = Path(seqloom.__file__).parent

TINY = {
    "task": {
        "horizon": 3,
        "context": 8,
        "season": 4,
        "num_bins": 32,
        "num_samples": 5,
        "val_windows": 1,
        "test_windows": 2,
    },
    "model": {"d_model": 8, "d_ff": 8, "num_heads": 1, "num_encoder_layers": 1, "num_decoder_layers": 1},
    "training": {"validations": 1, "average_last": 1},
}


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("series") / "waves.csv"
    values = 10 + np.sin(np.arange(60) * np.pi / 2) + 0.01 * np.arange(60)
    path.write_text("step,value\n" + "".join(f"s{i},{value:.4f}\n" for i, value in enumerate(values)))
    return path


@pytest.fixture(scope="module")
def run(series: Path) -> Run:
    folder = series.parent / "run"
    return seqloom.train("forecast-tiny", series, budget=Budget(steps=2), out=folder, changes=TINY, threads=1)


def test_a_run_is_scored_beside_other_forecasts(run: Run) -> None:
    evaluation = run.evaluate()
    assert [score.metric for score in evaluation.scores["test"]] == ["mase", "wql"]
    assert "test, seasonal-naive forecast" in evaluation.scores
    assert str(evaluation.scopes["test"]) == "2 windows, the test split of the run's own corpus"
    (outputs,) = evaluation.tests.values()
    assert len(outputs.outputs[0].split()) == 3
    # The same seed draws the same paths.
    assert run.evaluate().scores["test"] == evaluation.scores["test"]


def test_the_command_line_evaluates_it(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["evaluate", str(run.folder), "--threads", "1", "--quiet"]) == 0
    assert "seasonal-naive forecast (2 windows" in capsys.readouterr().out
    assert main(["evaluate", str(run.folder), "--threads", "1", "--beam", "2"]) == 2
    assert "beam: a forecast draws paths" in capsys.readouterr().err


def test_it_is_resumed_and_opened_with_its_own_windows(run: Run) -> None:
    resumed = seqloom.train(out=run.folder, resume=True).info.result
    assert resumed is not None
    assert run.info.result is not None
    assert resumed.curve == run.info.result.curve
    corpus = seqloom.load(run.folder).open_corpus()
    assert corpus.kind == "series"
    (first, second) = (pair.origin for pair in corpus.tests["test"].pairs())  # type: ignore[attr-defined]
    assert (first, second) == (54, 57)


def test_the_seasonal_naive_forecast_repeats_the_last_season(run: Run) -> None:
    window = next(run.open_corpus().tests["test"].pairs())
    assert seasonal_naive(window).tolist() == pytest.approx(window.history[-4:-1].tolist())  # type: ignore[arg-type, attr-defined]


@pytest.mark.parametrize("bad", [{"beam": 3}, {"more_references": [["x"]]}])
def test_what_a_forecast_would_ignore_is_refused(run: Run, bad: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=r"leave it out|belong to pairs"):
        run.evaluate(**bad)  # type: ignore[arg-type]


def test_other_data_are_refused(run: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.tsv"
    other.write_text("src\ttgt\na\tb\n")
    with pytest.raises(ConfigError, match="the end of its own series"):
        run.evaluate(other)


def test_a_series_needs_a_recipe_of_the_task(series: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="season has 9 values"):
        seqloom.load_recipe("forecast-tiny", {"task": {"season": 9, "context": 8}})
    with pytest.raises(ConfigError, match="in one direction"):
        seqloom.train("forecast-tiny", series, out=tmp_path / "x", changes={**TINY, "training": {"bidirectional": 0.5}})


@pytest.fixture(scope="module")
def comparison(series: Path) -> Comparison:
    return seqloom.compare(
        ["forecast-tiny"], series, budget=Budget(steps=2), out=series.parent / "compared", changes=TINY, threads=1
    )


def test_a_comparison_has_a_fan_chart(comparison: Comparison) -> None:
    assert comparison.metric == "mase"
    assert "task.horizon=3" in comparison.command
    assert "--kind" not in comparison.command
    page = comparison_html(comparison)
    assert 'id="task"' in page
    assert "are in the 80% band" in page


def test_samples_show_values_and_not_the_names_of_bins(comparison: Comparison) -> None:
    sample = comparison.samples[0]
    actual = comparison.details["forecast-tiny"][sample.test]["forecasts"]
    futures = [" ".join(f"{value:.5g}" for value in forecast["actual"]) for forecast in actual]
    assert sample.ref in futures
    assert all(len(output.split()) == len(sample.ref.split()) for output in sample.outputs.values())


def test_sources_of_one_length_are_not_shown_by_length(comparison: Comparison) -> None:
    assert not any(bins for arm in comparison.arms for bins in arm.by_length.values())


def test_the_task_touches_its_own_files_and_a_line_in_each_registry() -> None:
    own = {
        "corpus/series.py",
        "metrics/forecast.py",
        "report/fan_chart.py",
        "tasks/forecast_baselines.py",
        "tasks/forecasting.py",
    }
    registries = {"tasks/__init__.py", "corpus/kinds.py", "metrics/__init__.py", "report/task_figures.py"}
    examples_in_docstrings = {"tasks/task.py", "recipes/recipe.py"}
    mentioning = {
        str(path.relative_to(SOURCE))
        for path in SOURCE.rglob("*.py")
        if any(
            word in path.read_text(encoding="utf-8") for word in ("forecast", "open_series", "SeriesPair", "fan_chart")
        )
    }
    assert mentioning - examples_in_docstrings == own | registries
