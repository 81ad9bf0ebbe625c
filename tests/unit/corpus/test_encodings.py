import pytest

from seqloom.corpus.encodings import advise, guess_encoding


@pytest.mark.parametrize(
    ("text", "encoding", "guess"),
    [
        ("Der Bär läuft – „schnell“", "cp1252", "cp1252"),
        ("€ 5", "cp1252", "cp1252"),
        ("Der Bär läuft schnell", "latin1", "latin1"),
        ("Hello\tПривет, как дела?", "koi8_r", "koi8_r"),
        ("Hello\tПривет, как дела?", "cp1251", "cp1251"),
        ("これは日本語の文章です。", "shift_jis", "shift_jis"),
        ("カタカナ", "shift_jis", "shift_jis"),
        ("これは日本語の文章です。", "euc_jp", "euc_jp"),
        ("hello\t这是一个中文句子。", "gbk", "gb18030"),
        ("這是一個中文句子。", "big5", "big5"),
        ("안녕하세요 세계", "euc_kr", "euc_kr"),
        ("Zażółć gęślą jaźń", "cp1250", None),
    ],
)
def test_encodings_are_guessed_from_a_line(text: str, encoding: str, guess: str | None) -> None:
    assert guess_encoding(text.encode(encoding)) == guess


def test_advice_names_the_command(tmp_path: object) -> None:
    del tmp_path
    assert "Windows-1252" in advise("„so“".encode("cp1252"))
    assert "iconv -f cp1252" in advise("„so“".encode("cp1252"))
    assert "iconv -f ENCODING" in advise("Zażółć gęślą jaźń".encode("cp1250"))
