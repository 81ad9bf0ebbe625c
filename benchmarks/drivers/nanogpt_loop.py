"""nanoGPT's own train.py, unchanged, on a CPU; the line that it prints after each update counts the tokens."""

import subprocess
import sys
from pathlib import Path

from steps import StepLog, read_job


def main() -> None:
    job = read_job()
    options = {
        "device": "cpu",
        "dtype": "float32",
        "compile": False,
        "out_dir": job.out,
        "dataset": "shakespeare_char",
        "eval_interval": 1_000_000_000,
        "eval_iters": 1,
        "log_interval": 1,
        "gradient_accumulation_steps": 1,
        "batch_size": job.rows,
        "block_size": job.window,
        "n_layer": job.layers,
        "n_head": job.heads,
        "n_embd": job.width,
        "dropout": 0.0,
        "bias": False,
        "max_iters": 1_000_000_000,
        "lr_decay_iters": 1_000_000_000,
        "learning_rate": job.learning_rate,
        "beta2": 0.99,
    }
    arguments = [sys.executable, "-u", "train.py", *(f"--{name}={value}" for name, value in options.items())]
    log = StepLog(job.log)
    # The threads are named in the environment, because train.py has no option for them.
    with subprocess.Popen(arguments, cwd=Path(job.nanogpt), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            print(line, end="", flush=True)
            if line.startswith("iter "):
                log.count(job.rows * job.window)
                log.done()
    raise SystemExit(process.returncode)


if __name__ == "__main__":
    main()
