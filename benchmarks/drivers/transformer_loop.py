"""torch.nn.Transformer, norms before each sublayer, in a plain loop; dropout as in the other programs."""

import math

import torch
from loop import PAD_ID, arrange, train
from steps import read_job
from torch import Tensor, nn
from torch.nn import functional as F


class Translator(nn.Module):
    """torch.nn.Transformer whose embeddings and output layer share one matrix."""

    def __init__(self, size: dict[str, int], vocab_size: int, dropout: float) -> None:
        super().__init__()
        d_model = size["d_model"]
        self.embedding = nn.Embedding(vocab_size, d_model, padding_idx=PAD_ID)
        nn.init.normal_(self.embedding.weight, std=d_model**-0.5)
        self.scale = math.sqrt(d_model)
        self.dropout = nn.Dropout(dropout)
        self.body = nn.Transformer(
            d_model=d_model,
            nhead=size["heads"],
            num_encoder_layers=size["layers"],
            num_decoder_layers=size["layers"],
            dim_feedforward=size["d_ff"],
            dropout=dropout,
            batch_first=True,
            norm_first=True,
        )
        for module in self.body.modules():
            if isinstance(module, nn.MultiheadAttention):
                module.dropout = 0.0
            if isinstance(module, nn.TransformerEncoderLayer | nn.TransformerDecoderLayer):
                module.dropout.p = 0.0
        self.register_buffer("positions", _sinusoids(512, d_model))

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        causal = nn.Transformer.generate_square_subsequent_mask(tgt.shape[1])
        padding = torch.zeros(src.shape).masked_fill_(src == PAD_ID, -math.inf)
        hidden = self.body(
            self._embed(src),
            self._embed(tgt),
            tgt_mask=causal,
            src_key_padding_mask=padding,
            memory_key_padding_mask=padding,
            tgt_is_causal=True,
        )
        return F.linear(hidden, self.embedding.weight)

    def _embed(self, ids: Tensor) -> Tensor:
        return self.dropout(self.embedding(ids) * self.scale + self.positions[: ids.shape[1]])


def _sinusoids(length: int, width: int) -> Tensor:
    angles = torch.arange(length)[:, None] / 10000 ** (torch.arange(0, width, 2) / width)
    return torch.stack([angles.sin(), angles.cos()], dim=2).flatten(1)


def main() -> None:
    job = read_job()
    arrange(job)
    model = Translator(job.size, job.vocab_size, job.dropout)
    train(job, model, model)


if __name__ == "__main__":
    main()
