"""Plain torch: nn.LSTM on both sides, Luong's general attention over all positions at once, in a plain loop."""

import math

import torch
from loop import PAD_ID, arrange, train
from steps import read_job
from torch import Tensor, nn
from torch.nn import functional as F


class Translator(nn.Module):
    """A bidirectional encoder, a decoder that attends after its recurrence has run over all positions."""

    def __init__(self, size: dict[str, int], vocab_size: int, dropout: float) -> None:
        super().__init__()
        width, layers = size["width"], size["layers"]
        self.embedding = nn.Embedding(vocab_size, width, padding_idx=PAD_ID)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.scale = math.sqrt(width)
        self.dropout = nn.Dropout(dropout)
        self.encoder = nn.LSTM(width, width // 2, layers, dropout=dropout, bidirectional=True, batch_first=True)
        self.decoder = nn.LSTM(width, width, layers, dropout=dropout, batch_first=True)
        self.key = nn.Linear(width, width, bias=False)
        self.readout = nn.Linear(2 * width, width)

    def forward(self, src: Tensor, tgt: Tensor) -> Tensor:
        lengths = (src != PAD_ID).sum(dim=1)
        packed = nn.utils.rnn.pack_padded_sequence(
            self.dropout(self.embedding(src) * self.scale), lengths, batch_first=True, enforce_sorted=False
        )
        memory, last = self.encoder(packed)
        memory, _ = nn.utils.rnn.pad_packed_sequence(memory, batch_first=True, total_length=src.shape[1])
        memory = self.dropout(memory)
        start = tuple(_join_directions(state) for state in last)
        states, _ = self.decoder(self.dropout(self.embedding(tgt) * self.scale), start)
        scores = states @ self.key(memory).transpose(1, 2)
        weights = scores.masked_fill((src == PAD_ID)[:, None], -math.inf).softmax(dim=-1)
        hidden = torch.tanh(self.readout(torch.cat([weights @ memory, states], dim=2)))
        return F.linear(self.dropout(hidden), self.embedding.weight)


def _join_directions(state: Tensor) -> Tensor:
    layers = state.unflatten(0, (-1, 2))
    return torch.cat([layers[:, 0], layers[:, 1]], dim=2).contiguous()


def main() -> None:
    job = read_job()
    arrange(job)
    model = Translator(job.size, job.vocab_size, job.dropout)
    train(job, model, model)


if __name__ == "__main__":
    main()
