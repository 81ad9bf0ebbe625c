"""What models/base.py offers by default, and models without an output matrix."""

from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.testing import assert_close

from seqloom.data.batching import Example, Sources, make_batch
from seqloom.decoding.ensemble import Ensemble
from seqloom.decoding.forced import score_targets
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import DecodingError, TrainingError
from seqloom.models.base import DecoderState, Model
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.objectives.cross_entropy import CrossEntropy
from seqloom.progress import Progress
from seqloom.vocabulary import Vocabulary
from tests.toy_model import make_toy

VOCAB = Vocabulary(9, 9, shared=True)


class Bigram(Model):
    """Counts pairs of ids; a hidden state is the id before, as one number."""

    has_output_matrix = False
    fitted_by_counting = True

    def __init__(self) -> None:
        super().__init__()
        self.vocab = VOCAB
        self.counts = torch.ones(9, 9)

    def fit(
        self, examples: Iterable[Example], *, end: bool = True, progress: Progress | None = None
    ) -> tuple[str, ...]:
        for example in examples:
            ids = [1, *example.tgt_ids.tolist(), 2]
            for before, after in pairwise(ids):
                self.counts[before, after] += 1
        return ()

    @property
    def hidden_width(self) -> int:
        return 1

    def start(self, sources: Sources, hooks: ActivationHooks | None = None) -> DecoderState:
        return DecoderState({"mask": sources.mask}, {}, torch.arange(len(sources)))

    def advance(
        self, ids: Tensor, state: DecoderState, hooks: ActivationHooks | None = None
    ) -> tuple[Tensor, DecoderState]:
        return ids[:, :, None].float(), state.after(ids.shape[1], {})

    def log_probs(self, hidden: Tensor) -> Tensor:
        return (self.counts / self.counts.sum(dim=1, keepdim=True)).log()[hidden[..., 0].long()]


EXAMPLES = [Example(np.array([3]), np.array(ids)) for ids in ([4, 5, 6], [4, 5, 7, 4], [4, 5, 6])]


@pytest.fixture
def bigram() -> Bigram:
    model = Bigram().eval()
    model.fit(EXAMPLES)
    return model


def by_hand(model: Bigram, ids: list[int]) -> list[float]:
    pairs = zip([1, *ids], [*ids, 2], strict=True)
    return [float((model.counts[a, b] / model.counts[a].sum()).log()) for a, b in pairs]


def test_search_and_scoring_read_log_probs(bigram: Bigram) -> None:
    [[best]] = search(bigram, Sources.pad([[3, 2]], pad_id=0), DecodingSettings(beam=1))
    assert list(best.ids)[:3] == [4, 5, 6]
    (scored,) = score_targets(bigram, EXAMPLES[1:2])
    assert scored.token_log_probs == pytest.approx(by_hand(bigram, [4, 5, 7, 4]), abs=1e-5)


def test_a_model_without_an_output_matrix_joins_an_ensemble(bigram: Bigram) -> None:
    both = Ensemble([bigram, make_toy(1, 9, 9, shared=True)]).eval()
    (scored,) = score_targets(both, EXAMPLES[:1])
    assert np.isfinite(scored.token_log_probs).all()


def test_the_loss_reads_log_probs(bigram: Bigram) -> None:
    batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
    loss = CrossEntropy()(bigram, batch)
    expected = -sum(sum(by_hand(bigram, example.tgt_ids.tolist())) for example in EXAMPLES)
    assert float(loss.sum) == pytest.approx(expected, rel=1e-5)


def test_both_losses_agree_where_there_is_a_matrix(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_toy(2, 9, 9, shared=True)
    batch = make_batch(EXAMPLES, pad_id=0, bos_id=1, eos_id=2)
    fast = CrossEntropy(label_smoothing=0.1)(model, batch)
    monkeypatch.setattr(type(model), "log_probs", lambda self, hidden: Model.project(self, hidden).log_softmax(-1))
    logits = model.project(model(batch)).log_softmax(-1)
    monkeypatch.setattr(type(model), "has_output_matrix", False)
    monkeypatch.setattr(type(model), "log_probs", lambda self, hidden: logits[batch.tgt_mask])
    slow = CrossEntropy(label_smoothing=0.1)(model, batch)
    assert_close(slow.sum, fast.sum)
    assert_close(slow.nll, fast.nll)


def test_what_a_model_does_not_have_is_an_error(bigram: Bigram) -> None:
    with pytest.raises(DecodingError, match="Bigram has no output matrix"):
        bigram.output_weights()
    with pytest.raises(TrainingError, match="cannot be fitted by counting"):
        make_toy(0).fit(EXAMPLES)
