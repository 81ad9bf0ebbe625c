"""EOLE's own training loop; only the log of target tokens is added."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch
from eole.bin.run.train import train
from eole.config.run import TrainConfig
from eole.trainer import BatchProcessor, Trainer
from steps import StepLog, read_job


def config(job: SimpleNamespace) -> dict[str, Any]:
    data, size = Path(job.data), job.size
    return {
        "seed": job.seed,
        "save_data": job.out,
        "share_vocab": True,
        "src_vocab": str(data / "vocab.txt"),
        "src_vocab_size": job.vocab_size + 4,
        "tgt_vocab_size": job.vocab_size + 4,
        "vocab_size_multiple": 1,
        "data": {"corpus": {"path_src": str(data / "train.src"), "path_tgt": str(data / "train.tgt")}},
        "transforms": [],
        "training": {
            "world_size": 1,
            "gpu_ranks": [],
            "compute_dtype": "fp32",
            "model_path": job.out,
            "num_workers": 0,
            "bucket_size": 29_000,
            "batch_type": "tokens",
            "batch_size": job.batch_tokens,
            "normalization": "tokens",
            "accum_count": [1],
            "optim": "adam",
            "adam_beta1": job.betas[0],
            "adam_beta2": job.betas[1],
            "learning_rate": job.learning_rate,
            "decay_method": "none",
            "max_grad_norm": 0,
            "label_smoothing": job.label_smoothing,
            "dropout": [job.dropout],
            "attention_dropout": [0.0],
            "param_init_method": "xavier_uniform",
            "train_steps": 10_000_000,
            "valid_steps": 10_000_000,
            "save_checkpoint_steps": 10_000_000,
            # On by default, and nothing but a number for its log.
            "log_attention_entropy": False,
        },
        "report_every": 1000,
        "model": {
            "architecture": "transformer",
            "layers": size["layers"],
            "heads": size["heads"],
            "hidden_size": size["d_model"],
            "transformer_ff": size["d_ff"],
            "word_vec_size": size["d_model"],
            "position_encoding_type": "SinusoidalInterleaved",
            "share_decoder_embeddings": True,
            "share_embeddings": True,
        },
    }


def main() -> None:
    job = read_job()
    torch.set_num_threads(job.threads)
    log = StepLog(job.log)
    process, step = BatchProcessor.process_batch, Trainer._train_step

    def counted(self: BatchProcessor, batch: dict[str, Any], *args: Any, **kwargs: Any) -> Any:
        pad_id = self.train_loss.padding_idx
        log.count(batch["tgt"][:, 1:].ne(pad_id).sum().item())
        return process(self, batch, *args, **kwargs)

    def logged(self: Trainer, *args: Any, **kwargs: Any) -> None:
        step(self, *args, **kwargs)
        log.done()

    BatchProcessor.process_batch, Trainer._train_step = counted, logged
    Path(job.out).mkdir(parents=True, exist_ok=True)
    train(TrainConfig(**config(job)))


if __name__ == "__main__":
    main()
