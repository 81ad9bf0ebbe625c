"""Settings that teach: every message names the place, the key, the rule and the nearest right spelling."""

from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from seqloom.config import Settings, merge, parse_assignments, read_yaml
from seqloom.errors import ConfigError


class Part(Settings):
    width: int = Field(8, gt=0)
    kind: Literal["soft", "hard"] = "soft"


class Whole(Settings):
    part: Part = Part()
    share: float = 0.5
    name: str


def parsed(tmp_path: Path, text: str) -> Whole:
    path = tmp_path / "settings.yaml"
    path.write_text(text)
    values, lines = read_yaml(path)
    return Whole.parse(values, source=str(path), lines=lines)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: x\nshaer: 1\n", "settings.yaml:2: unknown key 'shaer'. Did you mean 'share'?"),
        ("name: x\npart:\n  widht: 3\n", "settings.yaml:3: unknown key 'part.widht'. Did you mean 'width'?"),
        ("name: x\npart:\n  width: wide\n", "settings.yaml:3: part.width is 'wide'"),
        ("name: x\npart:\n  width: 0\n", "settings.yaml:3: part.width is 0: Input should be greater than 0"),
        ("name: x\npart:\n  kind: sotf\n", "Did you mean 'soft'?"),
        ("share: 1\n", "'name' is missing"),
        ("name: x\nname: y\n", "settings.yaml:2: 'name' stands here a second time (first in line 1)"),
        ("- a\n- b\n", "settings.yaml:1: expected `key: value` lines"),
        ("name: [x\n", "not valid YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(tmp_path, text)
    assert told in str(caught.value)


def test_several_mistakes_are_told_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        parsed(tmp_path, "nam: x\nshare: much\n")
    assert len(str(caught.value).splitlines()) == 3


def test_settings_do_not_change(tmp_path: Path) -> None:
    settings = parsed(tmp_path, "name: x\n")
    with pytest.raises(ValueError, match="frozen"):
        settings.share = 1.0  # type: ignore[misc]


def test_assignments_are_nested_and_read_as_yaml() -> None:
    found = parse_assignments(["a.b=1", "a.c=1e-3", "d=[1, 2]", "e=true", "f=text"])
    assert found == {"a": {"b": 1, "c": 0.001}, "d": [1, 2], "e": True, "f": "text"}
    assert merge({"a": {"b": 0, "z": 9}, "y": 1}, found)["a"] == {"b": 1, "z": 9, "c": 0.001}
    for wrong in ("model.dropout", "=1", "a=[1"):
        with pytest.raises(ConfigError, match="--set"):
            parse_assignments([wrong])
    with pytest.raises(ConfigError, match="has a value already"):
        parse_assignments(["a=1", "a.b=2"])


def test_a_long_value_does_not_make_a_long_message() -> None:
    class Cat(Settings):
        architecture: Literal["cat"]

    class Dog(Settings):
        architecture: Literal["dog"]

    class Owner(Settings):
        pet: Annotated[Cat | Dog, Field(discriminator="architecture")]

    with pytest.raises(ConfigError) as error:
        Owner.parse({"pet": {"architecture": "x" * 5000}})
    assert "'cat', 'dog'" in str(error.value)
    assert len(str(error.value)) < 500
