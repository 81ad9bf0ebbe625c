"""The charts of verdicts as SVG pictures, for documentation that has no scripts.

Each picture has a background, and a legend if it shows more than one arm.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from seqloom.claims.verdict import Verdict
from seqloom.report import theme
from seqloom.report.charts import Spec, vegalite_version
from seqloom.report.claims_page import sections_of

_WIDTH = 520


def picture_name(verdict: Verdict, number: int) -> str:
    """The file name of a picture of a verdict; `number` counts from 1."""
    return f"{verdict.claim}-{number}.svg"


def claims_pictures(verdicts: Sequence[Verdict]) -> Iterator[tuple[str, str]]:
    """The file name and the SVG of each chart of the verdicts."""
    import vl_convert

    for section in sections_of(verdicts, theme.LIGHT):
        for number, figure in enumerate(section.figures, start=1):
            spec = _alone(figure.title, figure.spec, len(section.styles))
            svg = vl_convert.vegalite_to_svg(spec, vl_version=vegalite_version())
            yield picture_name(section.verdict, number), str(svg)


def _alone(title: str, spec: Spec, num_arms: int) -> dict[str, Any]:
    """A chart of the page with its own legend and background, for use outside the page."""
    config = theme.chart_config(theme.LIGHT, theme.PICTURE_FONT)
    config["background"] = theme.LIGHT["paper"]
    # Symbols of the legend are opaque, as the marks are, although bands are transparent.
    config["legend"] = {
        "orient": "top",
        "labelFontSize": 12,
        "labelColor": theme.LIGHT["ink"],
        "labelLimit": 320,
        "symbolOpacity": 1,
        "columns": 3,
    }
    changed = {key: value for key, value in spec.items() if key != "autosize"}
    changed |= {"title": title, "width": _WIDTH, "padding": 14, "config": config}
    if num_arms > 1:
        changed["layer"] = [_with_legend(layer) for layer in spec["layer"]]
    return changed


def _with_legend(layer: dict[str, Any]) -> dict[str, Any]:
    encoding = {
        channel: {**what, "legend": {"title": None}} if channel in ("color", "shape", "strokeDash") else what
        for channel, what in layer["encoding"].items()
    }
    return {**layer, "encoding": encoding}
