"""The page of a comparison: one HTML file that works offline and sends no requests.

Jinja escapes every text. Data for scripts is JSON in which `<`, `>`, `&` and the line separators of JavaScript are escaped. A
content security policy allows only the page's own scripts, without `eval`, and forbids all requests.
"""

import base64
import functools
import hashlib
import importlib.resources
import json
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from seqloom.comparison.comparison import Comparison, Sample
from seqloom.files import write_text
from seqloom.report import tables, theme, worddiff, wording
from seqloom.report.charts import vegalite_version
from seqloom.report.figures import Figures, domain_of
from seqloom.report.rows import quality_rows
from seqloom.report.sentences import direction
from seqloom.report.task_figures import HEADINGS
from seqloom.report.text_charts import continuations


def write_report(comparison: Comparison, path: Path) -> None:
    """Writes the page, and the folders it needs; an existing file is replaced.

    Raises:
        SeqloomError: the file cannot be written.
    """
    write_page(comparison_html(comparison), path)


def write_page(text: str, path: Path) -> None:
    """Writes a page atomically, and the folders it needs.

    Raises:
        SeqloomError: the file cannot be written.
    """
    write_text(path, text)


def comparison_html(comparison: Comparison) -> str:
    """The HTML of the page."""
    figures = Figures(comparison)
    groups = figures.groups()
    store = {
        "config": theme.chart_config(theme.BY_CSS),
        "datasets": figures.datasets,
        "charts": {figure.name: figure.spec for group in groups.values() for figure in group},
    }
    scripts = (vega_bundle(), asset("save.js"), asset("page.js"))
    text = (
        environment()
        .get_template("comparison.html")
        .render(
            comparison=comparison,
            labels=wording.arm_labels(comparison),
            styles=theme.arm_styles(comparison),
            groups=groups,
            headline=headline(comparison),
            direction=direction(comparison),
            level=wording.interval_level(comparison),
            runs=tables.run_table(comparison),
            curve=tables.curve_table(comparison),
            tuning=tables.tuning_table(comparison),
            signatures=tables.signature_table(comparison),
            facts=tables.fact_rows(comparison),
            task_heading=HEADINGS.get(comparison.corpus.kind, "Outputs"),
            continuations=continuations(comparison),
            samples=[sample_view(sample, comparison) for sample in comparison.samples],
            wording=wording,
            variables=theme.css_variables(),
            css=asset("page.css"),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            store=json_for_script(store),
            machine=json_for_script(comparison.model_dump(mode="json")),
        )
    )
    # A lone surrogate, which a command line can contain, cannot be encoded as UTF-8.
    return text.encode("utf-8", "replace").decode()


def headline(comparison: Comparison) -> list[dict[str, Any]]:
    """The rows of the first table: for each arm the leading metric by test split, with the position of its bar (in percent)."""
    low, high = domain_of(comparison, quality_rows(comparison))
    best: dict[str, float] = {}
    choose = max if wording.higher_is_better(comparison) else min
    for test in comparison.test_labels:
        values = [
            q.value for arm in comparison.arms if (q := wording.leading(arm.tests.get(test, ()), comparison.metric))
        ]
        if values:
            best[test] = choose(values)

    def share(value: float) -> float:
        return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)

    results = []
    for arm in comparison.arms:
        cells: list[dict[str, Any] | None] = []
        for test in comparison.test_labels:
            quality = wording.leading(arm.tests.get(test, ()), comparison.metric)
            if quality is None or quality.value != quality.value:
                cells.append(None)
                continue
            span = quality.interval
            cells.append(
                {
                    "score": wording.score(comparison.metric, quality.value),
                    "bounds": wording.bounds(comparison.metric, span) if span else "",
                    "best": quality.value == best[test] and len(comparison.arms) > 1,
                    "at": share(quality.value),
                    "low": share(span.low) if span else share(quality.value),
                    "high": share(span.high) if span else share(quality.value),
                }
            )
        seconds = wording.mean(run.train_seconds for run in arm.runs)
        parameters = wording.mean(float(run.parameters) for run in arm.runs)
        results.append(
            {
                "arm": arm,
                "cells": cells,
                "parameters": wording.MISSING if parameters is None else wording.compact(parameters),
                "minutes": wording.number(None if seconds is None else seconds / 60, 2 if (seconds or 0) < 600 else 1),
            }
        )
    return results


def sample_view(sample: Sample, comparison: Comparison) -> dict[str, Any]:
    """A test sample: the output of each arm as equal, added and missing pieces, and whether it equals the reference."""
    names = [arm.name for arm in comparison.arms]
    outputs = [
        {
            "name": name,
            "text": sample.outputs[name],
            "right": worddiff.same(sample.outputs[name], sample.ref),
            "pieces": worddiff.compare_words(sample.outputs[name], sample.ref),
        }
        for name in names
        if name in sample.outputs
    ]
    return {
        "test": sample.test,
        "test_label": comparison.test_labels.get(sample.test, sample.test),
        "src": sample.src,
        "ref": sample.ref,
        "outputs": outputs,
        "right": " ".join(str(names.index(str(output["name"]))) for output in outputs if output["right"]),
        "wrong": " ".join(str(names.index(str(output["name"]))) for output in outputs if not output["right"]),
    }


def json_for_script(value: Any) -> str:
    """JSON that is safe inside a `<script>` element for all texts.

    In JSON these characters occur only in strings, where an escape stands for the same character.
    """
    text = json.dumps(_without_nan(value), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return "".join(f"\\u{ord(c):04x}" if "\ud800" <= c <= "\udfff" else c for c in text)


def script_hash(text: str) -> str:
    """The hash that allows a script in a content security policy."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


@functools.cache
def environment() -> Environment:
    """The Jinja environment: escapes all texts; an undefined name is an error."""
    loader = PackageLoader("seqloom.report", "assets")
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)


@functools.cache
def asset(name: str) -> str:
    """The text of a file of the folder `assets`."""
    return importlib.resources.files("seqloom.report").joinpath("assets", name).read_text(encoding="utf-8")


@functools.cache
def vega_bundle() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script, in the versions for which Altair writes specifications."""
    import vl_convert

    return str(vl_convert.javascript_bundle("window.vegaEmbed = vegaEmbed;", vl_version=vegalite_version()))


def _without_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
