import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import CancelledError

import pytest

from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.serve.batcher import Batcher, ClosedError, QueueFullError, TextRequest


class Echo:
    """Writes each text as it is; waits for `gate`, notes its batches, and cannot read "bad"."""

    def __init__(self, run: str = "echo") -> None:
        self.run = run
        self.gate = threading.Event()
        self.gate.set()
        self.started = threading.Event()
        self.batches: list[list[str]] = []

    def decode(self, text_requests: Sequence[TextRequest]) -> list[Generation]:
        self.started.set()
        assert self.gate.wait(10)
        self.batches.append([text_request.text for text_request in text_requests])
        if any(text_request.text == "bad" for text_request in text_requests):
            raise ValueError("bad")
        return [Generation(one.text, (one.text,), (Hypothesis((), 0.0, 0.0, True, ()),)) for one in text_requests]


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
def batcher() -> Iterator[Batcher]:
    made = Batcher(queue=8, batch=4, wait_ms=0)
    yield made
    made.close()
    assert made.join(10)


def blocked(batcher: Batcher, echo: Echo) -> TextRequest:
    """A ticket that keeps the thread busy until the gate opens."""
    echo.gate.clear()
    first = TextRequest(echo, "first")
    batcher.submit([first])
    assert echo.started.wait(10)
    return first


def test_what_waits_is_decoded_together_in_its_order(batcher: Batcher, echo: Echo) -> None:
    blocked(batcher, echo)
    text_requests = [TextRequest(echo, str(number)) for number in range(6)]
    batcher.submit(text_requests)
    assert len(batcher) == 6
    echo.gate.set()
    assert [text_request.future.result(10).text for text_request in text_requests] == list("012345")
    assert echo.batches == [["first"], list("0123"), list("45")]


def test_manners_are_not_mixed(batcher: Batcher, echo: Echo) -> None:
    other = Echo("other")
    blocked(batcher, echo)
    text_requests = [TextRequest((echo, other)[number % 2], str(number)) for number in range(6)]
    batcher.submit(text_requests)
    echo.gate.set()
    assert [text_request.future.result(10).text for text_request in text_requests] == list("012345")
    assert echo.batches[1:] == [list("024")]
    assert other.batches == [list("135")]


def test_a_full_queue_takes_all_or_nothing(batcher: Batcher, echo: Echo) -> None:
    blocked(batcher, echo)
    batcher.submit([TextRequest(echo, "x") for _ in range(6)])
    with pytest.raises(QueueFullError):
        batcher.submit([TextRequest(echo, "y") for _ in range(3)])
    assert len(batcher) == 6
    batcher.submit([TextRequest(echo, "y") for _ in range(2)])
    echo.gate.set()


def test_who_has_left_makes_room_and_is_not_decoded(batcher: Batcher, echo: Echo) -> None:
    first = blocked(batcher, echo)
    gone = [TextRequest(echo, "gone") for _ in range(8)]
    batcher.submit(gone)
    for text_request in gone:
        text_request.cancel()
    kept = TextRequest(echo, "kept")
    late = TextRequest(echo, "late", deadline=time.monotonic() - 1)
    batcher.submit([kept, late])
    first.cancel()
    echo.gate.set()
    assert kept.future.result(10).text == "kept"
    assert first.future.result(10).text == "first"
    assert echo.batches == [["first"], ["kept"]]
    with pytest.raises(CancelledError):
        gone[0].future.result(0)


def test_one_bad_text_is_not_the_others_loss(batcher: Batcher, echo: Echo) -> None:
    blocked(batcher, echo)
    text_requests = [TextRequest(echo, text) for text in ("a", "bad", "c")]
    batcher.submit(text_requests)
    echo.gate.set()
    assert text_requests[0].future.result(10).text == "a"
    assert text_requests[2].future.result(10).text == "c"
    with pytest.raises(ValueError, match="bad"):
        text_requests[1].future.result(10)


def test_a_closed_batcher_finishes_what_it_took(echo: Echo) -> None:
    batcher = Batcher(wait_ms=0)
    blocked(batcher, echo)
    waiting = TextRequest(echo, "waiting")
    batcher.submit([waiting])
    batcher.close()
    with pytest.raises(ClosedError):
        batcher.submit([TextRequest(echo, "new")])
    assert not batcher.join(0.01)
    echo.gate.set()
    assert batcher.join(10)
    assert waiting.future.result(0).text == "waiting"


def test_a_lone_text_waits_for_others_and_a_full_batch_does_not(echo: Echo) -> None:
    batcher = Batcher(batch=2, wait_ms=60_000)
    pair = [TextRequest(echo, "a"), TextRequest(echo, "b")]
    batcher.submit(pair[:1])
    assert not pair[0].future.done()
    batcher.submit(pair[1:])
    assert [text_request.future.result(10).text for text_request in pair] == ["a", "b"]
    assert echo.batches == [["a", "b"]]
    batcher.close()
    assert batcher.join(10)


def test_many_threads_get_what_is_theirs() -> None:
    seen: list[tuple[str, int]] = []
    batcher = Batcher(queue=10_000, batch=8, workers=3, on_batch=lambda run, size, seconds: seen.append((run, size)))
    manners = [Echo("a"), Echo("b")]
    wrong = []

    def client(name: int) -> None:
        for number in range(50):
            text_request = TextRequest(manners[number % 2], f"{name}-{number}")
            batcher.submit([text_request])
            if text_request.future.result(30).text != f"{name}-{number}":
                wrong.append((name, number))

    threads = [threading.Thread(target=client, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    batcher.close()
    assert batcher.join(10)
    assert not wrong
    assert sum(size for _, size in seen) == 400
    assert max(size for _, size in seen) > 1
