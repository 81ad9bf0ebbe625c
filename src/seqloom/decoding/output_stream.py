"""Output stream: an output while it is decoded. It emits text that will not change, applies stop strings, and reports log-
probabilities.

The decoding thread calls it with one token at a time. It does not know HTTP.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from seqloom.decoding.encoded_input import TextCodec
from seqloom.decoding.hypothesis import Generation
from seqloom.decoding.stop_strings import cut_at
from seqloom.decoding.streaming import GeneratedToken

_BROKEN = "\N{REPLACEMENT CHARACTER}"


@dataclass(frozen=True, slots=True)
class TokenReport:
    """A generated token.

    Attributes:
        text: the characters that it adds to the output.
        offset: position of these characters in the output.
        log_prob: log-probability under the model.
        top_tokens: the tokens with the highest log-probabilities at this position, and the chosen token if it is not among
            them. The chosen token is given as `text`, the others as the characters that they would add.
    """

    text: str
    offset: int
    log_prob: float
    top_tokens: tuple[tuple[str, float], ...]


class OutputStream:
    """One output while it is decoded. It is a token callback: called with each token, it returns whether to go on."""

    def __init__(
        self,
        tokenizer: TextCodec,
        *,
        stop: Sequence[str] = (),
        num_top_tokens: int | None = None,
        emit: Callable[[str, tuple[TokenReport, ...]], object] | None = None,
    ) -> None:
        """Starts with an empty text.

        Args:
            stop: stop strings; the text ends before the first occurrence of any of them.
            num_top_tokens: number of likely tokens to report at each position; None reports no tokens.
            emit: called with each piece of text that will not change, and the tokens reported since the previous piece.
        """
        self.text = ""
        self.reports: list[TokenReport] = []
        self.num_tokens = 0
        self.stop: str | None = None
        self._vocab = tokenizer.vocab
        self._pieces = tokenizer.tgt_tokens
        self._stop, self._num_top_tokens, self._emit = tuple(stop), num_top_tokens, emit
        self._num_emitted = self._num_emitted_reports = 0

    def __call__(self, token: GeneratedToken) -> bool:
        """Adds a token; returns False if a stop string was found."""
        self.num_tokens += 1
        if token.id == self._vocab.eos_id:
            return True
        before, text = self.text, token.text()
        self.text, self.stop = cut_at(text, self._stop)
        if self._num_top_tokens is not None:
            self._report(token, before, text)
        if not self.stopped:
            self._emit_up_to(self._num_stable())
        return not self.stopped

    @property
    def stopped(self) -> bool:
        """Whether it ended before a stop string, which is `stop`."""
        return self.stop is not None

    def finish(self, generation: Generation) -> str:
        """Ends the output; returns its whole text."""
        if not self.stopped:
            self.text, self.stop = cut_at(generation.text, self._stop)
        if not self.num_tokens:
            self.num_tokens = len(generation.hypotheses[0].ids) + int(generation.hypotheses[0].finished)
        return self.text

    def remaining(self) -> tuple[str, tuple[TokenReport, ...]]:
        """The text and reports that were not emitted yet; call it after `finish`."""
        return self.text[self._num_emitted :], tuple(self.reports[self._num_emitted_reports :])

    def finish_reason(self, generation: Generation) -> str:
        """OpenAI's finish reason: "stop" for eos or a stop string, "length" for the length limit."""
        return "stop" if self.stopped else generation.finish_reason

    def _report(self, token: GeneratedToken, before: str, text: str) -> None:
        start = len(before.rstrip(_BROKEN))
        if self.stopped and start >= len(self.text):
            return
        # The bytes of an incomplete character are reported with the token that completes it.
        added = text[start:].rstrip(_BROKEN)
        best = {
            self._piece(token_id): log_prob
            for token_id, log_prob in token.likeliest(self._num_top_tokens or 0)
            if token_id != token.id
        }
        best[added] = token.log_prob
        ranked = tuple(sorted(best.items(), key=lambda item: -item[1]))
        self.reports.append(TokenReport(added, start, token.log_prob, ranked))

    def _piece(self, token_id: int) -> str:
        return self._pieces([token_id])[0].replace("▁", " ")

    def _num_stable(self) -> int:
        """The number of characters that cannot change: without an incomplete character or the beginning of a stop string."""
        text = self.text.rstrip(_BROKEN)
        pending = max(
            (size for stop in self._stop for size in range(1, len(stop)) if text.endswith(stop[:size])), default=0
        )
        return len(text) - pending

    def _emit_up_to(self, end: int) -> None:
        if self._emit is not None and end > self._num_emitted:
            self._emit(self.text[self._num_emitted : end], tuple(self.reports[self._num_emitted_reports :]))
            self._num_emitted, self._num_emitted_reports = end, len(self.reports)
