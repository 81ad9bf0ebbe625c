"""What every decoder's driver shares: it waits for requests on standard input, does one, and tells how long it took.

Runs in the peer's own environment: the standard library alone. A request is a line of JSON: {"do": "batch", "out": FILE}
decodes all sentences and writes an output a line; {"do": "single", "sentences": [0, 7, …]} decodes those one at a time. The
answer is a line too.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Sequence


def serve(batch: Callable[[], Sequence[str]], single: Callable[[int], object]) -> None:
    """Answers until the input ends.

    Args:
        batch: decodes all sentences; returns outputs as lines: ids written as the shared data have them (`t17 t3`), or text.
        single: decodes the sentence with this number.
    """
    # What libraries print must not stand among the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        if request["do"] == "batch":
            begin = time.perf_counter()
            outputs = batch()
            seconds = time.perf_counter() - begin
            with open(request["out"], "w", encoding="utf-8") as file:
                file.writelines(f"{output}\n" for output in outputs)
            answer: dict[str, object] = {"seconds": seconds}
        else:
            times = []
            for number in request["sentences"]:
                begin = time.perf_counter()
                single(number)
                times.append(time.perf_counter() - begin)
            answer = {"times": times}
        print(json.dumps(answer), file=answers, flush=True)
