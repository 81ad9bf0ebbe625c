"""YAML text: what is refused before anything grows, and in which line."""

import pytest

from seqloom.yaml_text import YamlError, parse_yaml

BOMB = "a0: &a0 [x]\n" + "".join(f"a{n + 1}: &a{n + 1} [{', '.join([f'*a{n}'] * 9)}]\n" for n in range(9))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (BOMB, 1, "anchors and aliases"),
        ("a: 1\nb: *a\n", 2, "anchors and aliases"),
        ("a: 1\n<<: {b: 2}\n", 2, "merge keys"),
        ("a: !!python/object/apply:os.system [true]\n", 1, "tags such as"),
        ("a: !x 1\n", 1, "tags such as"),
        ("a: 1\na: 2\n", 2, "'a' stands here a second time"),
        ("a: [{b: 1, b: 2}]\n", 1, "a second time"),
        ("[" * 10_000, 1, "deep inside one another"),
        ("- " * 10_000, 1, "deep inside one another"),
        ("? " * 10_000, 1, "deep inside one another"),
        ("".join(f"- {n}\n" for n in range(6_000)), 5_000, "more than 5,000 values"),
        ("a: " + "1" * 5_000, 1, "a number of 5,000 characters"),
        ("a: 2020-13-45\n", None, "not valid YAML"),
        ("? [a]\n: 1\n", 1, "a key is a list"),
        ("a: 1\n---\nb: 2\n", 2, "not valid YAML"),
        ("a: 1\nb: \x00\n", 2, r"U\+0000 is not allowed"),
        ('a: "\\ud800"\n', 1, "half a surrogate pair"),
        ("a: [\n", 2, "not valid YAML"),
    ],
)
def test_what_is_refused(text: str, line: int | None, message: str) -> None:
    with pytest.raises(YamlError, match=message) as caught:
        parse_yaml(text)
    assert caught.value.line == line


def test_settings_are_read_with_their_lines() -> None:
    lines: dict[str, int] = {}
    assert parse_yaml("a:\n  b: [1, x]\n# c\nd: 'yes'\n", lines) == {"a": {"b": [1, "x"]}, "d": "yes"}
    assert lines == {"a": 1, "a.b": 2, "d": 4}
    assert parse_yaml("# nothing\n") is None
