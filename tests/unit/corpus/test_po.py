from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.input_file import InputFile
from seqloom.corpus.po import read_messages
from seqloom.corpus.read_pass import ReadPass
from seqloom.errors import CorpusError

CATALOGUE = r"""# translators
msgid ""
msgstr ""
"Language: de\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"

#: main.c:1
#, c-format
msgctxt "menu"
msgid "Open \"%s\""
msgstr "\"%s\" öffnen"

msgid "%d file"
msgid_plural "%d files"
msgstr[0] "%d Datei"
msgstr[1] "%d Dateien"

#, fuzzy
#| msgid "Close"
msgid "Closed"
msgstr "Schließen"
msgid "A long "
"message"
msgstr "Eine lange "
"Nachricht"

#~ msgid "Old"
#~ msgstr "Alt"
"""


def test_messages_plurals_and_what_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "de.po"
    path.write_text(CATALOGUE, encoding="utf-8")
    read_pass = ReadPass()
    assert [pair for _, *pair in read_messages(InputFile(path), read_pass)] == [
        ['Open "%s"', '"%s" öffnen'],
        ["%d file", "%d Datei"],
        ["%d files", "%d Dateien"],
        ["A long message", "Eine lange Nachricht"],
    ]
    assert read_pass.num_skipped == {"fuzzy entries": 1, "obsolete entries": 1}


def test_a_bad_line_is_named_and_takes_its_message_with_it(tmp_path: Path) -> None:
    path = tmp_path / "de.po"
    entries = [f'msgid "dog {i}"\nmsgstr "Hund {i}"\n' for i in range(20)]
    entries.insert(3, 'msgid "broken\nmsgstr "kaputt"\n')
    path.write_text("\n".join(entries), encoding="utf-8")
    with pytest.raises(CorpusError, match=r"de\.po:10: not a line of a message catalogue: 'msgid \"broken'"):
        open_corpus(CorpusSettings(data=str(path)))
    corpus = open_corpus(CorpusSettings(data=str(path), on_bad="skip"))
    assert corpus.train.size is not None
    assert corpus.train.size + sum(len(list(split.pairs())) for split in (corpus.val, corpus.tests["test"])) == 20
