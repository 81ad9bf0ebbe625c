"""The page of the tutorial has the figures of the results."""

import json

from benchmarks.series import PAGE, RESULTS, with_figures


def test_the_tutorial_has_the_figures_of_the_results() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert with_figures(page, json.loads(RESULTS.read_text(encoding="utf-8"))) == page
