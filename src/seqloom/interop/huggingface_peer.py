"""Runs an exported folder with Hugging Face transformers, to measure parity. Sources are decoded one by one, without padding."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from seqloom.data.example import Example
from seqloom.decoding.encoded_input import EncodedInput, InputEncoder
from seqloom.decoding.hypothesis import Generation, Hypothesis
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import CheckpointError
from seqloom.interop.folder import SEQLOOM_FOLDER, Manifest
from seqloom.interop.huggingface_export import NAME, import_transformers, power, quiet, search_settings
from seqloom.tokenizer import Tokenizer


class HuggingFacePeer:
    """A model of Hugging Face transformers; implements `parity.Peer`."""

    def __init__(self, folder: Path) -> None:
        """Opens an exported folder; it uses torch's number of threads, like the run."""
        transformers = import_transformers()
        self.manifest = Manifest.load(folder, NAME)
        self.tokenizer = Tokenizer.load(folder / SEQLOOM_FOLDER / "tokenizer.json", within=folder)
        self._settings = DecodingSettings.parse(self.manifest.decoding)
        self._encoder = InputEncoder(self.manifest, self.tokenizer, self._settings.max_src_len)
        auto = transformers.AutoModelForCausalLM if self.manifest.decoder_only else transformers.AutoModelForSeq2SeqLM
        with quiet(transformers):
            model, loading_info = auto.from_pretrained(
                folder, output_loading_info=True, local_files_only=True, use_safetensors=True, trust_remote_code=False
            )
        wrong_keys = [*loading_info["missing_keys"], *loading_info["unexpected_keys"], *loading_info["mismatched_keys"]]
        if wrong_keys:
            raise CheckpointError(
                f"{folder}: transformers cannot load these weights: {wrong_keys[:3]}; export the run again"
            )
        self.model = model.eval()
        # Each call sets its own length limit.
        self.model.generation_config.max_length = None

    @torch.inference_mode()
    def outputs(self, texts: Sequence[str], beam: int) -> list[Generation]:
        """The outputs of `generate`, with the recipe's decoding settings and another beam size."""
        generations = []
        for item in self._encoder.sources(list(enumerate(texts))):
            generations.append(item.blank_generation() if item.blank else self._generate(item, beam))
        return generations

    @torch.inference_mode()
    def token_log_probs(self, examples: Sequence[Example], *, end: bool = True) -> list[tuple[float, ...]]:
        """The log-probability of each target token; see `parity.Peer.token_log_probs`."""
        return [self._forced(example, end) for example in examples]

    def search_difference(self, beam: int) -> str:
        """How its search differs from seqloom's; see `parity.Peer.search_difference`."""
        decoding = self._settings
        if beam == 1 or decoding.length_penalty_form == "power" or not decoding.length_penalty:
            return ""
        return (
            f"transformers only has length ** p as length penalty: p = {power(decoding)} is nearest to the recipe's "
            f"((5 + length) / 6) ** {decoding.length_penalty:g} at 15 tokens. So beam outputs may differ if greedy outputs agree."
        )

    def _generate(self, item: EncodedInput, beam: int) -> Generation:
        vocab = self.tokenizer.vocab
        source = self._source(item.example)
        length = len(item.example.src_ids) + 1
        # In an encoder-decoder the start token counts as a position.
        (row,) = self.model.generate(
            source,
            attention_mask=torch.ones_like(source),
            max_new_tokens=self._settings.length_limit(length, self.manifest.max_tgt_len(length)),
            **search_settings(self._settings, beam),
        )
        ids = row.tolist()[source.shape[1] if self.manifest.decoder_only else 1 :]
        finished = vocab.eos_id in ids
        ids = ids[: ids.index(vocab.eos_id)] if finished else ids
        return Generation(
            item.text, (self.tokenizer.decode_tgt(ids),), (Hypothesis(tuple(ids), 0.0, 0.0, finished, ()),)
        )

    def _forced(self, example: Example, end: bool) -> tuple[float, ...]:
        vocab = self.tokenizer.vocab
        targets = [*example.tgt_ids.tolist(), *([vocab.eos_id] if end else [])]
        source = self._source(example) if end else torch.tensor([[vocab.bos_id]])
        inputs: dict[str, Any]
        if self.manifest.decoder_only:
            inputs = {"input_ids": torch.cat([source, torch.tensor([targets[:-1]], dtype=torch.long)], dim=1)}
        else:
            fed = torch.tensor([[vocab.bos_id, *targets[:-1]]])
            inputs = {"input_ids": source, "decoder_input_ids": fed}
        logits = self.model(**inputs).logits[0, -len(targets) :].float()
        picked = logits.log_softmax(dim=1).gather(1, torch.tensor(targets)[:, None])[:, 0]
        return tuple(picked.tolist())

    def _source(self, example: Example) -> torch.Tensor:
        vocab = self.tokenizer.vocab
        ends = [vocab.eos_id, vocab.bos_id] if self.manifest.decoder_only else [vocab.eos_id]
        return torch.tensor([[*example.src_ids.tolist(), *ends]])
