"""The comparison as a picture for a README: quality with intervals, and quality by source length.

The picture is an SVG or PNG file with a background, so that it looks the same on light and dark pages.
"""

from pathlib import Path
from typing import Any

from seqloom.comparison.comparison import Comparison
from seqloom.errors import SeqloomError
from seqloom.files import write_bytes, write_text
from seqloom.report import theme
from seqloom.report.charts import vegalite_version
from seqloom.report.figures import Figure, Figures
from seqloom.report.wording import capital

_DOTS_WIDTH = 330
_LINES_WIDTH = 360
_SCALE = 2.0


def comparison_picture(comparison: Comparison, path: Path) -> None:
    """Writes the picture, about 850 pixels wide; a PNG has twice the resolution for sharp screens.

    Raises:
        SeqloomError: the file's name ends with neither .svg nor .png, or it cannot be written.
    """
    if path.suffix not in (".svg", ".png"):
        raise SeqloomError(f"{path}: a picture ends with .svg or .png; name it {path.with_suffix('.svg').name}")
    if path.suffix == ".svg":
        write_text(path, comparison_svg(comparison))
    else:
        write_bytes(path, _png(picture_spec(comparison)))


def comparison_svg(comparison: Comparison, *, titled: bool = True) -> str:
    """The picture as SVG; `title` selects whether it has a title."""
    import vl_convert

    return str(vl_convert.vegalite_to_svg(picture_spec(comparison, titled=titled), vl_version=vegalite_version()))


def picture_spec(comparison: Comparison, *, titled: bool = True) -> dict[str, Any]:
    """The Vega-Lite specification, data included: a row for each test split."""
    palette = theme.LIGHT
    figures = Figures(comparison, palette)
    by_length = {figure.title: figure for figure in figures.length()}
    rows = []
    for dots in figures.quality():
        panels = [_panel(dots, _DOTS_WIDTH, f"{capital(comparison.metric_label)}, {_lower(dots.title)}")]
        if dots.title in by_length:
            lines = by_length[dots.title]
            dots_height = int(dots.spec["height"])
            panels.append(_panel(lines, _LINES_WIDTH, "By source length", max(180, dots_height)))
        rows.append({"hconcat": panels, "spacing": 36})
    config = theme.chart_config(palette, theme.PICTURE_FONT)
    config["background"] = palette["paper"]
    config["axisX"] = {**config["axisX"], "grid": False}
    config["concat"] = {"spacing": 28}
    params = [param for figure in figures.quality()[:1] for param in figure.spec.get("params", [])]
    title = {
        "text": comparison.title,
        "subtitle": _subtitle(comparison),
        "fontSize": 17,
        "subtitleFontSize": 12,
        "offset": 18,
    }
    return {
        **({"title": title} if titled else {}),
        "$schema": figures.quality()[0].spec["$schema"] if rows else "",
        "padding": 18,
        "vconcat": rows,
        "datasets": {name: figures.datasets[name] for name in ("quality", "length")},
        "params": params,
        "config": config,
    }


def _panel(figure: Figure, width: int, title: str, height: int | None = None) -> dict[str, Any]:
    spec = {
        key: value for key, value in figure.spec.items() if key not in ("$schema", "autosize", "params", "description")
    }
    # The title of the panel is also that of the y axis.
    spec["layer"] = [_without_y_title(layer) for layer in spec["layer"]]
    spec |= {"width": width, "title": {"text": title, "fontSize": 13, "offset": 10}}
    return spec | ({"height": height} if height is not None else {})


def _without_y_title(layer: dict[str, Any]) -> dict[str, Any]:
    encoding = layer["encoding"]
    if "y" not in encoding:
        return layer
    return {**layer, "encoding": {**encoding, "y": {**encoding["y"], "title": None}}}


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]


def _subtitle(comparison: Comparison) -> str:
    facts = ["synthetic corpus"] if comparison.corpus.synthetic else []
    seeds = f"{len(comparison.seeds)} {'seed' if len(comparison.seeds) == 1 else 'seeds'}"
    return ", ".join([f"{comparison.corpus.name}", *facts, comparison.budget, seeds, "bars are intervals"])


def _png(spec: dict[str, Any]) -> bytes:
    import vl_convert

    return bytes(vl_convert.vegalite_to_png(spec, vl_version=vegalite_version(), scale=_SCALE))
