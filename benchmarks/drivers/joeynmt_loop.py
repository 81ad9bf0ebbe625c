"""Joey NMT's own training loop, Transformer or LSTM with attention; only the log of target tokens is added.

Joey NMT forms batches in random order, without buckets of similar length, and its LSTM decoder walks step by step whatever the
attention. `job.attention` is luong or bahdanau, `job.input_feeding` as it says.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from joeynmt.training import TrainManager, train
from steps import StepLog, read_job


def config(job: SimpleNamespace) -> dict[str, Any]:
    data = Path(job.data)
    side = {"max_length": 200, "level": "word", "voc_file": str(data / "vocab.txt"), "lowercase": False}
    return {
        "name": "benchmark",
        "joeynmt_version": "2.3.0",
        "model_dir": job.out,
        "use_cuda": False,
        "fp16": False,
        "random_seed": job.seed,
        "num_workers": 0,
        "data": {
            "train": str(data / "train"),
            "dev": str(data / "val"),
            "dataset_type": "plain",
            "src": {"lang": "src", **side},
            "trg": {"lang": "tgt", **side},
        },
        "training": {
            "optimizer": "adam",
            "adam_betas": job.betas,
            "learning_rate": job.learning_rate,
            "learning_rate_min": 0.0,
            # Of the schedules the one that works with today's torch and leaves the rate almost as it is; by epochs.
            "scheduling": "exponential",
            "decrease_factor": 0.999,
            "label_smoothing": job.label_smoothing,
            "normalization": "tokens",
            "batch_size": job.batch_tokens,
            "batch_type": "token",
            "epochs": 1_000_000,
            "logging_freq": 100_000,
            "validation_freq": 10_000_000,
            "overwrite": True,
        },
        "testing": {"beam_size": 5},
        "model": {
            "initializer": "xavier_uniform",
            "bias_initializer": "zeros",
            "embed_initializer": "xavier_uniform",
            "tied_embeddings": True,
            "tied_softmax": True,
            **(transformer(job) if "d_model" in job.size else recurrent(job)),
        },
    }


def transformer(job: SimpleNamespace) -> dict[str, Any]:
    size = job.size
    side = {
        "type": "transformer",
        "num_layers": size["layers"],
        "num_heads": size["heads"],
        "hidden_size": size["d_model"],
        "ff_size": size["d_ff"],
        "embeddings": {"embedding_dim": size["d_model"], "scale": True, "dropout": job.dropout},
        "dropout": job.dropout,
        "layer_norm": "pre",
    }
    return {"encoder": side, "decoder": side}


def recurrent(job: SimpleNamespace) -> dict[str, Any]:
    size = job.size
    shared = {
        "type": "recurrent",
        "rnn_type": "lstm",
        "num_layers": size["layers"],
        "embeddings": {"embedding_dim": size["width"], "scale": True, "dropout": job.dropout},
        "dropout": job.dropout,
    }
    return {
        "encoder": {**shared, "hidden_size": size["width"] // 2, "bidirectional": True},
        "decoder": {
            **shared,
            "hidden_size": size["width"],
            "attention": job.attention,
            "input_feeding": job.input_feeding,
            "hidden_dropout": job.dropout,
            "init_hidden": "last",
        },
    }


def main() -> None:
    job = read_job()
    torch.set_num_threads(job.threads)
    log = StepLog(job.log)
    original = TrainManager._train_step

    def counted(self: TrainManager, batch: Any) -> Any:
        # The update before this batch is made by now.
        log.done()
        log.count(batch.ntokens)
        return original(self, batch)

    TrainManager._train_step = counted
    Path(job.out).mkdir(parents=True, exist_ok=True)
    train(rank=0, world_size=None, cfg=config(job), skip_test=True)


if __name__ == "__main__":
    main()
