"""Colours can be told from the paper, and arms from each other."""

import re

import pytest

from seqloom.report import theme
from tests.comparison_factory import make, make_many


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(first: str, second: str) -> float:
    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("palette", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
@pytest.mark.parametrize("name", [name for name in theme.LIGHT if name not in ("paper", "panel", "rule")])
def test_contrast_is_enough(palette: dict[str, str], name: str) -> None:
    least = 3.0 if name.startswith("arm-") else 4.5
    assert contrast(palette[name], palette["paper"]) >= least
    assert contrast(palette[name], palette["panel"]) >= least


def test_light_and_dark_name_the_same_colours() -> None:
    assert theme.LIGHT.keys() == theme.DARK.keys()
    css = theme.css_variables()
    for name, value in theme.DARK.items():
        assert f"--{name}:{value};" in css


def test_arms_differ_without_colour_and_with() -> None:
    styles = [style for style in theme.arm_styles(make_many(20)).values() if not style.outside]
    assert len({(style.colour, style.shape) for style in styles}) == 20
    assert len({style.shape for style in styles[:5]}) == 5
    assert len({style.colour for style in styles[:6]}) == 6


def test_outside_systems_look_unlike_arms() -> None:
    styles = theme.arm_styles(make())
    outside = styles["rules"]
    assert outside.outside
    assert outside.shape not in {style.shape for style in styles.values() if not style.outside}


def test_outlines_are_paths() -> None:
    for outline in theme.SHAPES.values():
        assert re.fullmatch(r"[MLHVAZ0-9.,\-]+", outline)


def test_a_choice_of_light_or_dark_overrules_the_system_and_paper_is_light() -> None:
    css = theme.css_variables_by_choice()
    first, by_system, by_choice = css.splitlines()
    assert all(f"--{name}:{value};" in first for name, value in theme.LIGHT.items())
    for rule in (by_system, by_choice):
        assert rule.startswith("@media screen")
        assert all(f"--{name}:{value};" in rule for name, value in theme.DARK.items())
    assert ':not([data-theme="light"])' in by_system
    assert '[data-theme="dark"]' in by_choice
