"""What a terminal shows of limits."""

from rich.console import Console

from seqloom.claims.limits.result import FailingInput, LimitSettings, LimitsResult, SizeResult
from seqloom.report.limits import limits_table


def make(**changes: object) -> LimitsResult:
    sizes = (
        SizeResult(first=5, last=5, tried=20, right=20, value=100, low=77.6, high=100, state="passes", trained=True),
        SizeResult(first=6, last=6, tried=20, right=3, value=15, low=3.2, high=37.9, state="fails", trained=False),
    )
    facts: dict[str, object] = {
        "run": "runs/x",
        "recipe": "transformer-tiny",
        "corpus": "copy",
        "on": "length",
        "unit": "word",
        "units": "words",
        "description": "lists of words, right where all are",
        "measure": "share right",
        "rule": "a size fails where few are right",
        "method": "Clopper-Pearson",
        "settings": LimitSettings(seed=3),
        "most": 100,
        "trained": (1, 5),
        "sizes": sizes,
        "limit": 6,
        "smallest_failing": FailingInput(size=2, source="a [b]", said="  ", truth="a [b]", remark="nothing is smaller"),
        "notes": ("3 of 9 wrong answers: cut.",),
        "finished": True,
        "verdict": "Fails from 6 words on.",
    }
    return LimitsResult.model_validate({**facts, **changes})


def text_of(limits: LimitsResult, width: int = 100) -> str:
    console = Console(width=width, highlight=False)
    with console.capture() as captured:
        console.print(limits_table(limits))
    return captured.get()


def test_everything_is_there() -> None:
    text = text_of(make())
    assert text.startswith("Fails from 6 words on.\ntransformer-tiny on copy · runs/x\n")
    for part in (
        "15.0% [3.2, 37.9]",
        "fails, outside training",
        "The smallest failing input: 2 words",
        "a [b]",
        "nothing",
        "Nothing is smaller.",
        "! 3 of 9 wrong answers: cut.",
        "Training shows 1 to 5 words.",
        "Clopper-Pearson",
        "Seed 3",
    ):
        assert part in text
    assert "passes, outside" not in text


def test_the_one_word_that_is_judged_is_shown() -> None:
    failing = FailingInput(size=3, source="a b c", said="a", truth="a b c", judged_index=1, remark="x")
    lines = [line.split() for line in text_of(make(smallest_failing=failing)).splitlines()]
    assert ["said,", "word", "2", "nothing"] in lines
    assert ["truth,", "word", "2", "b"] in lines


def test_scores_carry_no_percent_sign() -> None:
    sizes = (SizeResult(first=1, last=9, tried=30, right=None, value=31.25, low=30, high=33, state="passes"),)
    text = text_of(make(sizes=sizes, smallest_failing=None, measure="BLEU", trained=None))
    assert "1–9" in text
    assert "31.2 [30.0, 33.0]" in text
    assert "%" not in text
    assert "The output was right for all inputs that were tried." in text


def test_a_narrow_terminal_loses_nothing() -> None:
    source = " ".join(f"word{number}" for number in range(40))
    failing = FailingInput(size=40, source=source, said=source, truth=source, remark="x")
    text = text_of(make(smallest_failing=failing), width=60)
    assert max(map(len, text.splitlines())) <= 60
    assert all(text.count(f"word{number} ") + text.count(f"word{number}\n") >= 3 for number in range(40))
