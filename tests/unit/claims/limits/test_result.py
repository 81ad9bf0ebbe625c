"""The sentence that says what was found."""

from typing import Any

from seqloom.claims.limits.result import About, FailingInput, SizeResult, State, verdict

from .engines import about, family_of

ABOUT = about(family_of("player-commands", "clauses"))


def result(first: int, state: State, last: int | None = None, **changes: Any) -> SizeResult:
    facts: dict[str, Any] = {"tried": 20, "right": 3, "value": 15.0, "low": 3.21, "high": 37.9, "state": state}
    return SizeResult(first=first, last=first if last is None else last, **{**facts, **changes})


def say(*sizes: SizeResult, finished: bool = True) -> str:
    return verdict(ABOUT, sizes, finished=finished)


def test_a_limit() -> None:
    assert say(result(1, "passes", right=20), result(2, "fails")) == (
        "Fails from 2 commands on: 3 of 20 right [3.2%, 37.9%]; passes at 1 command: 20 of 20 right [3.2%, 37.9%]."
    )


def test_a_score_over_a_range() -> None:
    sizes = (
        result(1, "passes", 5, right=None),
        result(6, "undecided", 9, right=None),
        result(10, "fails", 99, right=None),
    )
    assert verdict(ABOUT.model_copy(update={"measure": "BLEU"}), sizes, finished=True) == (
        "Fails from 10 commands on: BLEU 15.0 [3.2, 37.9]; passes at 1–5 commands: BLEU 15.0 [3.2, 37.9]; "
        "undecided at 6–9 commands."
    )


def test_no_limit() -> None:
    assert say(
        result(1, "passes"), result(2, "undecided"), result(4, "undecided"), result(5, "undecided"), result(8, "passes")
    ) == ("No limit found up to 8 commands: 3 of 20 right [3.2%, 37.9%]; undecided at 2 and 4–5 commands.")


def test_not_monotone() -> None:
    text = say(result(1, "fails"), result(2, "passes"), result(3, "fails"), result(4, "fails"))
    assert text.startswith("Fails at 1 command: ")
    assert text.endswith("; yet passes at 2 commands; fails again from 3 commands on.")


def test_interrupted() -> None:
    assert say(result(1, "passes"), finished=False).startswith("Interrupted; so far: no limit found up to 1 command: ")
    assert say(finished=False) == "Interrupted; so far: nothing was tried."


def test_keys_of_older_files_are_read() -> None:
    values = ABOUT.model_dump()
    values["on"], values["judged"] = values.pop("size_measure"), values.pop("description")
    assert About.model_validate(values) == ABOUT
    failing = {"size": 3, "source": "a b c", "said": "a", "truth": "a b c", "wanted": 1}
    assert FailingInput.model_validate(failing).judged_index == 1
