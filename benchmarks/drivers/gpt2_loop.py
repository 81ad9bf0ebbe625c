"""transformers' GPT-2 in a plain loop over random windows of a text, as nanoGPT draws them; AdamW and gradients of norm 1."""

import numpy as np
import torch
from loop import arrange
from steps import StepLog, read_job
from transformers import GPT2Config, GPT2LMHeadModel


def main() -> None:
    job = read_job()
    arrange(job)
    config = GPT2Config(
        vocab_size=job.vocab_size,
        n_positions=job.window,
        n_embd=job.width,
        n_layer=job.layers,
        n_head=job.heads,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        bos_token_id=0,
        eos_token_id=0,
    )
    model = GPT2LMHeadModel(config).train()
    print("parameters", model.num_parameters(), flush=True)
    optimizer = torch.optim.AdamW(
        model.parameters(), lr=job.learning_rate, betas=(0.9, 0.99), fused=True if job.tuned else None
    )
    ids = torch.from_numpy(np.fromfile(job.ids, dtype=np.uint16).astype(np.int64))
    log = StepLog(job.log)
    while True:
        begins = torch.randint(len(ids) - job.window, (job.rows,))
        windows = ids[begins[:, None] + torch.arange(job.window + 1)]
        log.count(job.rows * job.window)
        logits = model(windows[:, :-1]).logits
        loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), windows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        log.done()


if __name__ == "__main__":
    main()
