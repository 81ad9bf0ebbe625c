"""CTranslate2: one-thread workers for batches (two threads in one worker are slower at these sizes), and for single sentences
the faster of one thread and all. The batch size is the fastest of a few, tried before anything is measured.
"""

import json
import time
from pathlib import Path

import ctranslate2
from answers import serve
from steps import read_job

BATCH_SIZES = (16, 32, 64)


def main() -> None:
    job = read_job()
    sources = json.loads((Path(job.data) / "test.pieces.json").read_text(encoding="utf-8"))
    options = {"device": "cpu", "compute_type": job.compute_type}
    workers = ctranslate2.Translator(job.model, inter_threads=job.threads, intra_threads=1, **options)
    whole = workers
    if job.threads > 1:
        whole = ctranslate2.Translator(job.model, inter_threads=1, intra_threads=job.threads, **options)
    search = {"beam_size": job.beam, "length_penalty": 0, "max_decoding_length": 100}

    def decode(size: int) -> list[str]:
        results = workers.translate_batch(sources, max_batch_size=size, **search)
        return [json.dumps(result.hypotheses[0]) for result in results]

    def took(translator: ctranslate2.Translator, count: int = 20) -> float:
        begin = time.perf_counter()
        for source in sources[:count]:
            translator.translate_batch([source], **search)
        return time.perf_counter() - begin

    times = {}
    for size in BATCH_SIZES:
        begin = time.perf_counter()
        decode(size)
        times[size] = time.perf_counter() - begin
    best = min(times, key=lambda size: times[size])
    took(whole), took(workers)
    alone = min((workers, whole), key=took)
    serve(lambda: decode(best), lambda number: alone.translate_batch([sources[number]], **search))


if __name__ == "__main__":
    main()
