"""The parser network: a trained run, decoded under the grammar of the game."""

import math
from pathlib import Path

import numpy as np
import torch

from seqloom import machine
from seqloom.data.batching import Sources
from seqloom.decoding.constraints import AllowedIds
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import FictionError
from seqloom.fiction.parsing.forms import NO_COMMAND, SEPARATOR
from seqloom.fiction.parsing.grammar_constraint import CommandGrammar, possible_commands
from seqloom.fiction.parsing.linking import MarkedText
from seqloom.fiction.parsing.proposals import Candidate
from seqloom.fiction.parsing.scene import Scene
from seqloom.run.load import Run, load

_BEAM = 4
_MAX_SOURCE = 100
_MAX_GRAMMARS = 200


class NetworkParser:
    """A run that `seqloom fiction train-parser` made, as a parser.

    Attributes:
        name: the architecture's label.
        is_constrained: whether outputs follow the grammar of the game.
    """

    def __init__(self, run: Run, *, is_constrained: bool = True) -> None:
        """Takes the run.

        Raises:
            FictionError: the run was trained for something else.
        """
        self.name = run.recipe.label or run.recipe.name
        self.is_constrained = is_constrained
        self._run = run
        self._tokenizer = run.tokenizer
        self._model = run.model.inference_model() if run.device.type == "cpu" else run.model
        self._grammars: dict[tuple[object, ...], CommandGrammar] = {}
        probe = f"take @1{SEPARATOR}put @2 in @3"
        if run.tokenizer.decode_tgt(self._encode(probe)) != probe:
            raise FictionError(
                f"{run.folder}: this run does not write commands such as {probe!r}; expected one of seqloom fiction train-parser"
            )

    @classmethod
    def load(cls, folder: Path, *, threads: int | None = 1) -> "NetworkParser":
        """Opens a run.

        Raises:
            SeqloomError: the folder holds no run, or one for something else.
        """
        return cls(load(folder, device="cpu", threads=threads))

    def parse(self, text: MarkedText, scene: Scene) -> list[Candidate]:
        """The best hypotheses; their confidence is their probability."""
        if not text.tokens:
            return []
        vocab = self._tokenizer.vocab
        ids = np.append(self._tokenizer.encode_src([text.text])[0][:_MAX_SOURCE], vocab.eos_id)
        grammar = self._grammar(text, scene)
        settings = DecodingSettings(beam=_BEAM, nbest=_BEAM, length_penalty=0.0)
        with torch.inference_mode(), machine.plain_products():
            hypotheses = search(
                self._model,
                Sources.pad([ids], pad_id=vocab.pad_id, device=self._run.device),
                settings,
                constraints=[AllowedIds(lambda _, history: grammar.next_ids(history))] if self.is_constrained else [],
            )[0]
        candidates = []
        for hypothesis in hypotheses:
            if hypothesis.finished:
                output = self._tokenizer.decode_tgt(hypothesis.ids)
                commands = () if output == NO_COMMAND else tuple(dict.fromkeys(output.split(SEPARATOR)))
                candidates.append(Candidate(commands, math.exp(hypothesis.log_prob)))
        return candidates

    def _encode(self, text: str) -> list[int]:
        return [int(token) for token in self._tokenizer.encode_tgt([text])[0]]

    def _grammar(self, text: MarkedText, scene: Scene) -> CommandGrammar:
        key = (scene.words, tuple(name.kind for name in text.names))
        if key not in self._grammars:
            if len(self._grammars) == _MAX_GRAMMARS:
                self._grammars.clear()
            commands = possible_commands(text.names, scene.words)
            self._grammars[key] = CommandGrammar(commands, self._encode, self._tokenizer.vocab.eos_id)
        return self._grammars[key]
