"""Progress: bars in a terminal, lines elsewhere, silence when asked; always tidy."""

import io

import pytest

from seqloom.cli.progress import Bars, Lines, show_facts, shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_quiet_tells_nothing() -> None:
    stream = Terminal()
    with shown(quiet=True, stream=stream) as progress:
        progress.say("hello")
        progress.update("task", 0.5, loss=1.0)
    assert stream.getvalue() == ""


def test_without_a_terminal_there_are_lines_now_and_then() -> None:
    stream, now = io.StringIO(), [0.0]
    lines = Lines(stream, every=10.0, clock=lambda: now[0])
    for second in range(41):
        now[0] = float(second)
        lines.update("training", second / 40, loss=2.5, tokens_per_second=12345.6)
    told = stream.getvalue().splitlines()
    assert told == [
        "training: 25%, loss 2.500, 12,346 tok/s, about 0:30 left",
        "training: 50%, loss 2.500, 12,346 tok/s, about 0:20 left",
        "training: 75%, loss 2.500, 12,346 tok/s, about 0:10 left",
        "training: done in 0:40 (loss 2.500, 12,346 tok/s)",
    ]


def test_each_task_has_its_own_pace() -> None:
    stream, now = io.StringIO(), [0.0]
    lines = Lines(stream, every=10.0, clock=lambda: now[0])
    lines.update("a", 0.0)
    now[0] = 5.0
    lines.update("b", 0.0)
    now[0] = 11.0
    lines.update("a", 0.5)
    lines.update("b", 0.5)
    assert stream.getvalue().splitlines() == ["a: 50%, about 0:11 left"]


def test_what_is_left_of_resumed_work_follows_from_what_was_done_since() -> None:
    stream, now = io.StringIO(), [0.0]
    lines = Lines(stream, every=10.0, clock=lambda: now[0])
    for second, fraction in ((0, 0.5), (10, 0.6), (20, 0.6)):
        now[0] = float(second)
        lines.update("training", fraction)
    assert stream.getvalue().splitlines() == ["training: 60%, about 0:40 left", "training: 60%, about 1:20 left"]


def test_choice_by_stream() -> None:
    with shown(stream=io.StringIO()) as progress:
        assert isinstance(progress, Lines)
    with shown(stream=Terminal()) as progress:
        assert isinstance(progress, Bars)


def test_a_terminal_shows_bars_and_is_left_tidy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("seqloom.cli.progress.WORTH_TELLING", 0.0)
    stream = Terminal()
    with shown(stream=stream) as progress:
        progress.update("rnn [tiny], seed 0", 0.0)
        progress.update("rnn [tiny], seed 0", 0.5, loss=1.25)
        progress.say("split: 95 / 5 [bold]kept[/bold]")
        progress.update("rnn [tiny], seed 0", 1.0, loss=1.0)
        progress.update("the next", 0.2)
    text = stream.getvalue()
    assert "rnn [tiny], seed 0: done in 0:00 (loss 1.000)" in text
    assert "[bold]kept[/bold]" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")  # the cursor is shown again as often as it was hidden


def test_the_terminal_is_tidy_after_an_error_too() -> None:
    stream = Terminal()

    def work() -> None:
        with shown(stream=stream) as progress:
            progress.update("task", 0.1)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        work()
    assert stream.getvalue().count("\x1b[?25l") == stream.getvalue().count("\x1b[?25h") > 0


def test_facts_read_well() -> None:
    facts = {
        "loss": 3.21449,
        "tokens_per_second": 9876.5,
        "learning_rate": 0.0003,
        "step": 1200,
        "best": "12.3 BLEU",
        "mib": 55.55,
        "status": "saving",
    }
    assert show_facts(facts) == "loss 3.214, 9,876 tok/s, lr 3.0e-04, step 1,200, best 12.3 BLEU, mib 55.5, saving"


def test_a_task_may_begin_again_and_a_short_one_ends_in_silence() -> None:
    stream, now = io.StringIO(), [0.0]
    lines = Lines(stream, clock=lambda: now[0])
    for seconds in (2.0, 3.0, 0.5):
        lines.update("validation", 0.0)
        now[0] += seconds
        lines.update("validation", 1.0)
    assert stream.getvalue().splitlines() == ["validation: done in 0:02", "validation: done in 0:03"]
