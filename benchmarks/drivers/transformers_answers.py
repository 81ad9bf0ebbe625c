"""transformers: `generate` over batches of like length, ids in and ids out."""

from pathlib import Path

import torch
from answers import serve
from steps import read_job
from transformers import AutoModelForSeq2SeqLM

BATCH_SIZE = 64
EOS_ID = 2


def main() -> None:
    job = read_job()
    torch.set_num_threads(job.threads)
    model = AutoModelForSeq2SeqLM.from_pretrained(job.model).eval()
    lines = (Path(job.data) / "test.src").read_text().splitlines()
    sources = [[*(int(token[1:]) for token in line.split()), EOS_ID] for line in lines]
    pad_id = model.config.pad_token_id

    @torch.inference_mode()
    def decode(rows: list[list[int]]) -> list[str]:
        width = max(map(len, rows))
        ids = torch.tensor([row + [pad_id] * (width - len(row)) for row in rows])
        outputs = model.generate(
            input_ids=ids,
            attention_mask=(ids != pad_id).long(),
            num_beams=job.beam,
            length_penalty=0.0,
            max_new_tokens=100,
            do_sample=False,
        )
        return [" ".join(f"t{number}" for number in row if number > EOS_ID) for row in outputs.tolist()]

    def batch() -> list[str]:
        order = sorted(range(len(sources)), key=lambda number: len(sources[number]))
        outputs = [""] * len(sources)
        for at in range(0, len(order), BATCH_SIZE):
            chosen = order[at : at + BATCH_SIZE]
            for number, output in zip(chosen, decode([sources[number] for number in chosen]), strict=True):
                outputs[number] = output
        return outputs

    decode(sources[:16])
    serve(batch, lambda number: decode([sources[number]]))


if __name__ == "__main__":
    main()
