"""Ours: texts to texts through a loaded run, with the engine and the settings that the job names."""

from pathlib import Path

from answers import serve
from steps import read_job

import seqloom
import seqloom.interop  # registers the engines


def main() -> None:
    job = read_job()
    texts = (Path(job.data) / "test.text.src").read_text(encoding="utf-8").splitlines()
    run = seqloom.load(job.model, device="cpu", threads=job.threads)
    settings = {"beam": job.beam, "length_penalty": 0.0, **job.settings}
    generator = run.generator(engine=job.engine, **settings)

    def batch() -> list[str]:
        return [" ".join(generation.text.split()) for generation in generator.generate(texts)]

    def single(number: int) -> object:
        return list(generator.generate([texts[number]]))

    list(generator.generate(texts[:64]))
    serve(batch, single)


if __name__ == "__main__":
    main()
