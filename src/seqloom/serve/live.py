"""Live: a text while it is written: what may be shown already, where it is to stop, and how likely its tokens were.

Tokens enter one by one, on the thread that decodes; pieces of text leave. It does not know HTTP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqloom.decoding.generator import Heard
from seqloom.decoding.hypothesis import Generation
from seqloom.decoding.reading import TextCodec

_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class TokenReport:
    """A token that was written.

    Attributes:
        text: what it added to the text.
        offset: where in the text that stands (characters).
        log_prob: the model's own.
        likeliest: the likeliest tokens at this place with their log-probabilities, and the one that was chosen if it is not
            among them. The chosen one is named by `text`, the others by what they would add.
    """

    text: str
    offset: int
    log_prob: float
    likeliest: tuple[tuple[str, float], ...]


class Live:
    """One output as it grows. Called with each token, it says whether there is to be another."""

    def __init__(
        self,
        tokenizer: TextCodec,
        *,
        stop: Sequence[str] = (),
        likeliest: int | None = None,
        emit: Callable[[str, tuple[TokenReport, ...]], None] | None = None,
    ) -> None:
        """Begins with no text.

        Args:
            stop: the text ends before the first of these.
            likeliest: how many tokens to report at each place; None reports nothing.
            emit: takes pieces of the text that will not change any more, with the tokens reported since the piece before.
        """
        self.text = ""
        self.reports: list[TokenReport] = []
        self.num_tokens = 0
        self.stopped = False
        self._vocab = tokenizer.vocab
        self._pieces = tokenizer.tgt_tokens
        self._stop, self._likeliest, self._emit = tuple(stop), likeliest, emit
        self._shown = self._told = 0

    def __call__(self, heard: Heard) -> bool:
        """Takes a token."""
        self.num_tokens += 1
        if heard.id == self._vocab.eos_id:
            return True
        before, text = self.text, heard.text()
        self.text = cut_at(text, self._stop)
        self.stopped = len(self.text) < len(text)
        if self._likeliest is not None:
            self._report(heard, before, text)
        if not self.stopped:
            self._show(self._sure())
        return not self.stopped

    def finish(self, generation: Generation) -> str:
        """The whole text, once nothing comes any more."""
        if not self.stopped:
            self.text = cut_at(generation.text, self._stop)
            self.stopped = len(self.text) < len(generation.text)
        if not self.num_tokens:
            self.num_tokens = len(generation.hypotheses[0].ids) + int(generation.hypotheses[0].finished)
        return self.text

    def rest(self) -> tuple[str, tuple[TokenReport, ...]]:
        """What was not emitted, after `finish`."""
        return self.text[self._shown :], tuple(self.reports[self._told :])

    def reason(self, generation: Generation) -> str:
        """Why it ended: "stop" by itself or where it was told to, "length" where its limit cut it."""
        return "stop" if self.stopped or generation.hypotheses[0].finished else "length"

    def _report(self, heard: Heard, before: str, text: str) -> None:
        start = len(before.rstrip(_BROKEN))
        if self.stopped and start >= len(self.text):
            return
        # Half a character is told with the token that makes it whole.
        added = text[start:].rstrip(_BROKEN)
        best = {
            self._name(number): log_prob
            for number, log_prob in heard.likeliest(self._likeliest or 0)
            if number != heard.id
        }
        best[added] = heard.log_prob
        ranked = tuple(sorted(best.items(), key=lambda item: -item[1]))
        self.reports.append(TokenReport(added, start, heard.log_prob, ranked))

    def _name(self, number: int) -> str:
        return self._pieces([number])[0].replace("▁", " ")

    def _sure(self) -> int:
        """How many characters will stay as they are: not a broken one at the end, nor what may become a stop."""
        text = self.text.rstrip(_BROKEN)
        held = max(
            (size for stop in self._stop for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        return len(text) - held

    def _show(self, end: int) -> None:
        if self._emit is not None and end > self._shown:
            self._emit(self.text[self._shown : end], tuple(self.reports[self._told :]))
            self._shown, self._told = end, len(self.reports)


def cut_at(text: str, stops: Sequence[str]) -> str:
    """The text before the first of the stops."""
    places = [place for stop in stops if (place := text.find(stop)) >= 0]
    return text[: min(places)] if places else text
