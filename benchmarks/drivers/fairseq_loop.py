"""fairseq's own training loop; only the log of target tokens is added.

fairseq 0.12 is of 2022. Two things are mended from outside, neither in its path of training: dataclasses with dataclasses as
defaults, which Python refuses since 3.11, are made hashable; checkpoints are not written.
"""

import dataclasses
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from steps import StepLog, read_job

_dataclass = dataclasses.dataclass


def _hashable_dataclass(cls: type | None = None, /, **options: Any) -> Any:
    if cls is None:
        return lambda wrapped: _hashable_dataclass(wrapped, **options)
    if cls.__module__.split(".")[0] in ("fairseq", "hydra", "omegaconf"):
        options.setdefault("unsafe_hash", True)
    return _dataclass(cls, **options)


dataclasses.dataclass = _hashable_dataclass  # type: ignore[assignment]


def binarize(job: SimpleNamespace) -> Path:
    """The shared data in fairseq's format, made once."""
    from fairseq import options
    from fairseq_cli import preprocess

    data = Path(job.data)
    folder = data / "fairseq"
    if not (folder / "done").is_file():
        folder.mkdir(exist_ok=True)
        words = (data / "vocab.txt").read_text().split()
        (folder / "words.txt").write_text("".join(f"{word} 1\n" for word in words))
        arguments = ["--source-lang", "src", "--target-lang", "tgt", "--trainpref", str(data / "train")]
        arguments += ["--validpref", str(data / "val"), "--destdir", str(folder), "--workers", "1"]
        arguments += ["--joined-dictionary", "--srcdict", str(folder / "words.txt")]
        preprocess.main(options.get_preprocessing_parser().parse_args(arguments))
        (folder / "done").write_text("")
    return folder


def arguments(job: SimpleNamespace, folder: Path) -> list[str]:
    size = job.size
    options: dict[str, Any] = {
        "arch": "transformer",
        "source-lang": "src",
        "target-lang": "tgt",
        "encoder-layers": size["layers"],
        "decoder-layers": size["layers"],
        "encoder-embed-dim": size["d_model"],
        "decoder-embed-dim": size["d_model"],
        "encoder-ffn-embed-dim": size["d_ff"],
        "decoder-ffn-embed-dim": size["d_ff"],
        "encoder-attention-heads": size["heads"],
        "decoder-attention-heads": size["heads"],
        "dropout": job.dropout,
        "attention-dropout": 0.0,
        "activation-dropout": 0.0,
        "criterion": "label_smoothed_cross_entropy",
        "label-smoothing": job.label_smoothing,
        "optimizer": "adam",
        "adam-betas": str(tuple(job.betas)),
        "lr": job.learning_rate,
        "lr-scheduler": "fixed",
        "clip-norm": 0.0,
        "max-tokens": job.batch_tokens,
        "num-workers": 0,
        "seed": job.seed,
        "log-interval": 1000,
        "log-format": "simple",
        "save-dir": job.out,
        "max-update": 10_000_000,
    }
    flags = ["share-all-embeddings", "encoder-normalize-before", "decoder-normalize-before", "cpu", "no-save"]
    flags += ["disable-validation"]
    return [
        str(folder),
        *(str(part) for key, value in options.items() for part in (f"--{key}", value)),
        *(f"--{flag}" for flag in flags),
    ]


def main() -> None:
    job = read_job()
    torch.set_num_threads(job.threads)
    folder = binarize(job)
    from fairseq.trainer import Trainer
    from fairseq_cli import train

    log = StepLog(job.log)
    original = Trainer.train_step

    def counted(self: Trainer, samples: list[dict[str, Any]], *args: Any, **kwargs: Any) -> Any:
        wrapped = original(self, samples, *args, **kwargs)
        log.count(sum(sample["ntokens"] for sample in samples if sample))
        log.done()
        return wrapped

    Trainer.train_step = counted
    sys.argv = ["fairseq-train", *arguments(job, folder)]
    train.cli_main()


if __name__ == "__main__":
    main()
