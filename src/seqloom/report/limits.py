"""The limits of a run in a terminal: the verdict, the sizes that were tried, the smallest failing input.

Input: the result of a search for limits. Output: a renderable for rich.
"""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from seqloom.claims.limits.result import FailingInput, LimitsResult, SizeResult, span

_STYLES = {"passes": "green", "fails": "red", "undecided": "yellow"}


def limits_table(limits: LimitsResult) -> RenderableType:
    """All results of a search for limits: the verdict, the sizes tried and the smallest failing input."""
    facts = f"{limits.recipe} on {limits.corpus} · {limits.run}"
    lines: list[RenderableType] = [Text(limits.verdict, style="bold"), Text(facts, style="dim"), Text()]
    if limits.sizes:
        lines += [_sizes(limits), Text()]
    if limits.smallest_failing is not None:
        lines += [_failing(limits, limits.smallest_failing), Text()]
    elif limits.finished:
        lines += [Text("The output was right for all inputs that were tried."), Text()]
    lines += [Text(f"! {note}", style="yellow") for note in limits.notes]
    lines.append(Text(f"Inputs: {limits.description}; {limits.rule}.", style="dim"))
    if limits.trained is not None:
        low, high = limits.trained
        shown = f"{low:,}" if low == high else f"{low:,} to {high:,}"
        lines.append(Text(f"Training shows {shown} {limits.units}.", style="dim"))
    lines.append(Text(f"In brackets: {limits.method}. Seed {limits.settings.seed}.", style="dim"))
    return Group(*lines)


def _sizes(limits: LimitsResult) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    counted = any(size.right is not None for size in limits.sizes)
    table.add_column(limits.units, justify="right", no_wrap=True)
    if counted:
        table.add_column("right", justify="right", no_wrap=True)
    table.add_column("tried", justify="right", no_wrap=True)
    table.add_column(limits.measure, no_wrap=True)
    table.add_column("", no_wrap=True)
    for size in limits.sizes:
        right = [f"{size.right:,}"] if size.right is not None else []
        table.add_row(span(size), *right, f"{size.tried:,}", _value(size), _state(size))
    return table


def _value(size: SizeResult) -> Text:
    percent = "%" if size.right is not None else ""
    text = Text(f"{size.value:.1f}{percent}".rjust(6))
    text.append(f" [{size.low:.1f}, {size.high:.1f}]", style="dim")
    return text


def _state(size: SizeResult) -> Text:
    text = Text(size.state, style=_STYLES[size.state])
    if size.trained is False:
        text.append(", outside training", style="dim")
    return text


def _failing(limits: LimitsResult, failing: FailingInput) -> RenderableType:
    size = limits.label(failing.size)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 2), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    said = Text(failing.said) if failing.said.strip() else Text("nothing", style="italic")
    rows = {"source": Text(failing.source), "said": said, "truth": Text(failing.truth)}
    if failing.judged_index is not None:
        # Only this word is compared with the answer.
        for name, text in (("said", failing.said), ("truth", failing.truth)):
            words = text.split()
            word = words[failing.judged_index] if failing.judged_index < len(words) else "nothing"
            rows[f"{name}, word {failing.judged_index + 1:,}"] = Text(word, style="bold")
    for name, value in rows.items():
        table.add_row(name, value)
    for note in failing.notes:
        table.add_row("note", Text(note))
    remark = failing.remark[:1].upper() + failing.remark[1:]
    return Group(Text(f"The smallest failing input: {size}", style="bold"), table, Text(f"{remark}.", style="dim"))
