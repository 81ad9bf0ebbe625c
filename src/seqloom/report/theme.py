"""Colours for light and dark mode, and a colour, a shape and a dash for each arm.

Output: styles, CSS variables and a Vega-Lite configuration. The hues are those of Okabe and Ito (2008), which people with any kind
of colour vision can distinguish. They are darkened on white and lightened on black until the contrast with the background is at
least 3 to 1. Shape and dash repeat the information of the colour, for prints and for people who see no colours.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from seqloom.comparison.comparison import Comparison
from seqloom.report.wording import arm_labels

LIGHT: Mapping[str, str] = {
    "paper": "#ffffff",
    "panel": "#f5f6f8",
    "ink": "#1b1f24",
    "muted": "#59616b",
    "rule": "#d9dde2",
    "accent": "#0062a3",
    "better": "#00674b",
    "worse": "#a83f00",
    "outside": "#59616b",
    "arm-0": "#0072b2",
    "arm-1": "#d55e00",
    "arm-2": "#008562",
    "arm-3": "#a8477f",
    "arm-4": "#946700",
    "arm-5": "#2f3a47",
}
DARK: Mapping[str, str] = {
    "paper": "#15181c",
    "panel": "#1f2329",
    "ink": "#e8eaed",
    "muted": "#a2abb6",
    "rule": "#3a4049",
    "accent": "#7cc4f2",
    "better": "#4fd1a9",
    "worse": "#ff9d66",
    "outside": "#a2abb6",
    "arm-0": "#56b4e9",
    "arm-1": "#ff8540",
    "arm-2": "#2ec99a",
    "arm-3": "#e79ac8",
    "arm-4": "#e8b024",
    "arm-5": "#d5dae0",
}
# In a page, colours are CSS variables, so that charts change between light and dark mode without being drawn again.
BY_CSS: Mapping[str, str] = {name: f"var(--{name})" for name in LIGHT}

FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif'
# Vega-Lite's converter contains the first of these fonts, and readers of an SVG have a similar one.
PICTURE_FONT = "Helvetica, Arial, sans-serif"

_COLOURS = tuple(name for name in LIGHT if name.startswith("arm-"))
_DASHES: tuple[tuple[int, ...], ...] = ((1, 0), (7, 3), (2, 3), (9, 3, 2, 3))
# Vega's name of each shape, and its outline for the legend as an SVG path around (0, 0).
SHAPES: Mapping[str, str] = {
    "circle": "M-5,0A5,5,0,1,1,5,0A5,5,0,1,1,-5,0Z",
    "square": "M-4.5,-4.5H4.5V4.5H-4.5Z",
    "triangle-up": "M0,-5.5L5.5,4.5H-5.5Z",
    "cross": "M-5.5,-1.9H-1.9V-5.5H1.9V-1.9H5.5V1.9H1.9V5.5H-1.9V1.9H-5.5Z",
    "triangle-down": "M0,5.5L5.5,-4.5H-5.5Z",
    "diamond": "M0,-6.2L5,0L0,6.2L-5,0Z",
}
_ARM_SHAPES = ("circle", "square", "triangle-up", "cross", "triangle-down")
_OUTSIDE_SHAPE = "diamond"


@dataclass(frozen=True, slots=True)
class ArmStyle:
    """The style of an arm in all charts and tables of a page.

    Attributes:
        label: its name for readers; unique in its comparison.
        colour: the name of its colour in LIGHT, DARK and BY_CSS.
        shape: one of SHAPES.
        dash: lengths of line and gap in pixels.
        outside: whether it is an outside system.
    """

    label: str
    colour: str
    shape: str
    dash: tuple[int, ...]
    outside: bool

    @property
    def outline(self) -> str:
        """The outline of the shape as an SVG path around (0, 0)."""
        return SHAPES[self.shape]


def arm_styles(comparison: Comparison) -> dict[str, ArmStyle]:
    """A style for each arm by name. Colour and shape together are unique for the first thirty arms."""
    labels = arm_labels(comparison)
    styles: dict[str, ArmStyle] = {}
    ours = 0
    for arm in comparison.arms:
        if not arm.runs:
            styles[arm.name] = ArmStyle(labels[arm.name], "outside", _OUTSIDE_SHAPE, (2, 2), True)
            continue
        styles[arm.name] = style_at(labels[arm.name], ours)
        ours += 1
    return styles


def style_at(label: str, position: int) -> ArmStyle:
    """The style of the arm with an index, from 0. Combinations of colour and shape repeat after thirty arms."""
    colour, shape = _COLOURS[position % len(_COLOURS)], _ARM_SHAPES[position % len(_ARM_SHAPES)]
    return ArmStyle(label, colour, shape, _DASHES[position % len(_DASHES)], False)


def css_variables() -> str:
    """The colours as CSS variables: light; dark if the reader's system prefers it; always light in print."""

    def block(colours: Mapping[str, str]) -> str:
        return "".join(f"--{name}:{value};" for name, value in colours.items())

    return (
        f":root{{color-scheme:light dark;{block(LIGHT)}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{{block(DARK)}}}}}\n"
    )


def css_variables_by_choice() -> str:
    """Like `css_variables`, for a page with a switch: the attribute `data-theme` of the root is "light" or "dark"."""

    def block(scheme: str, colours: Mapping[str, str]) -> str:
        return f"color-scheme:{scheme};" + "".join(f"--{name}:{value};" for name, value in colours.items())

    light, dark = block("light", LIGHT), block("dark", DARK)
    return (
        f":root{{{light}}}\n"
        f'@media screen and (prefers-color-scheme:dark){{:root:not([data-theme="light"]){{{dark}}}}}\n'
        f'@media screen{{:root[data-theme="dark"]{{{dark}}}}}\n'
    )


def chart_config(palette: Mapping[str, str], font: str = FONT) -> dict[str, Any]:
    """Vega-Lite's `config`: thin axes, no frame, the font and the colours of the page."""
    axis = {
        "labelColor": palette["muted"],
        "titleColor": palette["muted"],
        "gridColor": palette["rule"],
        "domainColor": palette["rule"],
        "tickColor": palette["rule"],
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titlePadding": 8,
        "labelPadding": 5,
        "gridOpacity": 0.8,
    }
    return {
        "background": "transparent",
        "font": font,
        "view": {"stroke": None},
        "axis": axis,
        "axisX": {"grid": True, "ticks": False, "domain": False},
        "axisY": {"grid": True, "ticks": False, "domain": False},
        "text": {"color": palette["ink"], "fontSize": 13},
        "title": {"color": palette["ink"], "subtitleColor": palette["muted"], "anchor": "start", "fontSize": 14},
        "rule": {"color": palette["muted"]},
    }
