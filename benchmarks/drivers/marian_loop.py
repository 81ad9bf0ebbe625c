"""transformers' Marian, in a plain loop."""

from typing import Any

import torch
from loop import BOS_ID, EOS_ID, PAD_ID, arrange, train
from steps import read_job
from transformers import MarianConfig, MarianMTModel


def main() -> None:
    job = read_job()
    arrange(job)
    size = job.size
    config = MarianConfig(
        vocab_size=job.vocab_size,
        d_model=size["d_model"],
        encoder_layers=size["layers"],
        decoder_layers=size["layers"],
        encoder_ffn_dim=size["d_ff"],
        decoder_ffn_dim=size["d_ff"],
        encoder_attention_heads=size["heads"],
        decoder_attention_heads=size["heads"],
        dropout=job.dropout,
        attention_dropout=0.0,
        activation_dropout=0.0,
        activation_function="relu",
        max_position_embeddings=512,
        scale_embedding=True,
        share_encoder_decoder_embeddings=True,
        tie_word_embeddings=True,
        use_cache=False,
        pad_token_id=PAD_ID,
        bos_token_id=BOS_ID,
        eos_token_id=EOS_ID,
        decoder_start_token_id=BOS_ID,
        forced_eos_token_id=None,
        # Explicit attention is faster at these lengths on some processors. "stock" uses what the library chooses.
        **({"attn_implementation": "eager"} if job.tuned else {}),
    )
    model = MarianMTModel(config)

    def logits(src: torch.Tensor, tgt_in: torch.Tensor) -> Any:
        return model(input_ids=src, attention_mask=(src != PAD_ID).long(), decoder_input_ids=tgt_in).logits

    train(job, model, logits)


if __name__ == "__main__":
    main()
