"""Parts of messages: command lines that can be pasted into a shell, and counted nouns.

Nothing here prints.
"""

import re
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path


def command_line(*words: str | Path | int) -> str:
    """A `seqloom` command line that can be pasted into a shell: a POSIX one, or on Windows PowerShell or cmd.

    Quotes protect every character in a POSIX shell. On Windows, PowerShell still replaces `$name`, and cmd `%name%`.

    Args:
        words: the command and its arguments. A `Path` that begins with `-` gets the prefix `./`, so that it is not read as an
            option.
    """
    texts = ["seqloom", *map(_word, words)]
    return " ".join(map(_quoted_for_windows, texts)) if sys.platform == "win32" else shlex.join(texts)


def option(name: str, value: str | Path | float) -> list[str | Path]:
    """An option with its value as words of a command line; a value that begins with `-` is joined by `=`."""
    if isinstance(value, Path):
        return [f"--{name}", value]
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return [f"--{name}={text}"] if text.startswith("-") else [f"--{name}", text]


def counted(count: int, noun: str, plural: str | None = None) -> str:
    """A number with its noun: `1 thread`, `2 threads`, `1,200 pairs`.

    Args:
        noun: the singular.
        plural: the plural; None: the singular with `s`.
    """
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def listed(nouns: Sequence[str]) -> str:
    """Nouns as a list in a sentence: `a`, `a and b`, `a, b and c`; empty if there are none."""
    return f"{', '.join(nouns[:-1])} and {nouns[-1]}" if len(nouns) > 1 else "".join(nouns)


def use_command(folder: Path, command: str) -> str:
    """The command line that uses a run.

    Args:
        command: the command of the run's task: `translate` for a model of pairs, `generate` for a language model.
    """
    return command_line(command, folder)


def _quoted_for_windows(word: str) -> str:
    """A word in double quotes, which PowerShell and cmd both read; a word without special characters stays as it is."""
    import subprocess

    escaped = subprocess.list2cmdline([word])
    if escaped.startswith('"') or re.fullmatch(r"[\w.:/\\=+-]+", escaped):
        return escaped
    return f'"{escaped}"'


def _word(word: str | Path | int) -> str:
    text = str(word)
    return f"./{text}" if isinstance(word, Path) and text.startswith("-") else text
