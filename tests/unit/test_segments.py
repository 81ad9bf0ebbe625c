"""Segments: words, and what stands for them in scripts without spaces between words."""

import pytest

from seqloom.segments import main_script, num_segments, replace_segments, segments


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The cat  sat.", ["The", "cat", "sat."]),
        ("\u00dcber Stra\u00dfen", ["\u00dcber", "Stra\u00dfen"]),
        ("안녕 하세요", ["안녕", "하세요"]),
        ("今天很高兴。", ["今", "天", "很", "高", "兴", "。"]),
        ("我爱Python 编程！", ["我", "爱", "Python", "编", "程", "！"]),
        ("日本語のテスト", list("日本語のテスト")),
        ("น้ำ ดี", ["น้ำ", "ดี"]),
        ("ខ្មែរ", ["ខ្មែ", "រ"]),
        ("မြန်မာ", ["မြ", "န်", "မာ"]),
        ("བོད་སྐད་", ["བོད་", "སྐད་"]),
        ("ລາວ", ["ລ", "າ", "ວ"]),
        ("", []),
    ],
)
def test_segments_are_what_people_call_words_or_characters(text: str, expected: list[str]) -> None:
    assert segments(text) == expected
    assert num_segments(text) == len(expected)
    assert "".join(segments(text)) == "".join(text.split())  # nothing is lost


@pytest.mark.parametrize(
    ("text", "changes", "expected"),
    [
        ("the big  dog", {2: ""}, "the dog"),
        ("the big dog", {1: "a", 3: "cats"}, "a big cats"),
        ("我爱编程", {3: "吃", 4: ""}, "我爱吃"),
        ("我爱 编程", {3: ""}, "我爱 程"),
        ("我爱", {1: ""}, "爱"),
    ],
)
def test_changed_segments_keep_the_spaces_between_the_others(text: str, changes: dict[int, str], expected: str) -> None:
    assert replace_segments(text, changes) == expected


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("plain English", None),
        ("Привет, мир", None),
        ("今天很高兴。", "han"),
        ("日本語のテスト", "kana"),
        ("안녕하세요 world", "hangul"),
        ("สวัสดีครับ", "other"),
        ("an English sentence about 猫", None),
        ("123", None),
    ],
)
def test_the_script_of_most_letters(text: str, script: str | None) -> None:
    assert main_script(text) == script
