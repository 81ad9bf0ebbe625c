"""The contract of models/base.py, over every registered architecture, options that change how they compute, and a toy model."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from seqloom.data.batching import Example, PairBatch, Sources, make_batch
from seqloom.errors import ConfigError, DecodingError
from seqloom.models import MODELS, make_model
from seqloom.models.base import Model
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.objectives import CrossEntropy
from seqloom.vocabulary import Vocabulary
from tests.tiny_models import tiny_settings
from tests.toy_model import make_toy

VOCAB = Vocabulary(src_size=23, tgt_size=23, shared=True)
LLAMA = {
    **{"norm": "rms", "norm_eps": 1e-3, "bias": False, "positions": "rotary", "rope_base": 500.0},
    **{"num_heads": 4, "num_kv_heads": 2, "head_dim": 6, "gated": True, "activation": "silu", "embedding_scale": False},
}
BART = {
    **{"norm_place": "post", "positions": "learned", "embedding_norm": True, "activation": "gelu_tanh"},
    **{"embedding_scale": False, "output_bias": True},
}
T5 = {
    **{"norm": "rms", "bias": False, "positions": "relative", "activation": "gelu_tanh", "gated": True, "head_dim": 3},
    **{"num_heads": 3, "num_kv_heads": 1},
}

# Options that change how an architecture computes; its defaults are tested without being listed.
OPTIONS: dict[str, tuple[str, dict[str, object]]] = {
    "rnn gru forwards": ("rnn", {"cell": "gru", "reverse_source": False}),
    "luong dot gru": ("attention-rnn", {"score": "dot", "cell": "gru"}),
    "luong concat unidirectional": ("attention-rnn", {"score": "concat", "bidirectional": False}),
    "input feeding reversed": ("attention-rnn", {"input_feeding": True, "reverse_source": True}),
    "bahdanau": ("attention-rnn", {"attention": "bahdanau", "cell": "gru", "num_layers": 1}),
    "bahdanau lstm": ("attention-rnn", {"attention": "bahdanau"}),
    "transformer post": (
        "transformer",
        {"norm_place": "post", "positions": "learned", "tied_embeddings": "none", "reverse_source": True},
    ),
    "transformer today": (
        "transformer",
        {"norm": "rms", "positions": "rotary", "activation": "swiglu", "qk_norm": True},
    ),
    "transformer alibi": ("transformer", {"positions": "alibi", "activation": "gelu"}),
    "transformer none": ("transformer", {"positions": "none"}),
    "transformer llama": ("transformer", LLAMA),
    "transformer bart": ("transformer", BART),
    "transformer t5": ("transformer", T5),
    "transformer-lm llama": ("transformer-lm", LLAMA),
    "transformer-lm bart": ("transformer-lm", BART),
    "transformer-lm t5": ("transformer-lm", T5),
    "transformer-lm rotary": ("transformer-lm", {"positions": "rotary", "qk_norm": True}),
    "transformer-lm alibi": ("transformer-lm", {"positions": "alibi"}),
    "transformer-lm learned": ("transformer-lm", {"positions": "learned", "reverse_source": True}),
    "fixed mixer reversed": ("fixed-mixer", {"tied_embeddings": "output", "reverse_source": True}),
}
VARIANTS: dict[str, dict[str, object]] = {
    **{name: tiny_settings(name) for name in MODELS},
    **{name: tiny_settings(architecture, **changes) for name, (architecture, changes) in OPTIONS.items()},
}


def build(name: str) -> Model:
    torch.manual_seed(3)
    if name == "toy":
        return make_toy(3, 23, 23, scale=0.5, shared=True).double()
    settings = VARIANTS[name]
    cls, _ = MODELS[str(settings["architecture"])]
    made = make_model(cls.parse(settings), VOCAB)
    if made.fitted_by_counting:
        made.fit(Example(np.empty(0, dtype=np.int64), item.tgt_ids) for seed in range(9) for item in examples(seed))
    return made.double().eval()


WITH_INFERENCE_MODEL = [
    name for name in VARIANTS if VARIANTS[name]["architecture"] in ("transformer", "transformer-lm")
]


@pytest.fixture(params=["toy", *VARIANTS, *(f"{name}, inference model" for name in WITH_INFERENCE_MODEL)])
def model(request: pytest.FixtureRequest) -> Model:
    name, _, inference = request.param.partition(", ")
    return build(name).inference_model() if inference else build(name)


def examples(seed: int = 0, lengths: tuple[tuple[int, int], ...] = ((5, 4), (2, 7), (7, 1), (1, 5))) -> list[Example]:
    random = torch.Generator().manual_seed(seed)
    draw: Callable[[int], object] = lambda n: torch.randint(3, 23, (n,), generator=random).numpy()  # noqa: E731
    return [Example(draw(s), draw(t)) for s, t in lengths]  # type: ignore[arg-type]


def batch_of(items: list[Example]) -> PairBatch:
    return make_batch(items, pad_id=0, bos_id=1, eos_id=2)


def logits_of(model: Model, items: list[Example]) -> torch.Tensor:
    return model.project(model(batch_of(items)))


def test_every_inference_model_is_tested() -> None:
    assert [
        name for name in VARIANTS if type(build(name).inference_model()) is not type(build(name))
    ] == WITH_INFERENCE_MODEL


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("name", WITH_INFERENCE_MODEL)
def test_an_inference_model_is_in_the_mode_of_its_model(name: str, training: bool) -> None:
    assert build(name).train(training).inference_model().training is training


@torch.no_grad()
def test_padding_does_not_change_results(model: Model) -> None:
    items = examples()
    together = logits_of(model, items)
    for row, item in enumerate(items):
        alone = logits_of(model, [item])[0]
        assert_close(together[row, : alone.shape[0]], alone, rtol=0, atol=1e-12)


@torch.no_grad()
def test_no_position_sees_the_future(model: Model) -> None:
    batch = batch_of(examples())
    before = model.project(model(batch))
    for t in range(1, batch.tgt_in.shape[1]):
        changed = batch.tgt_in.clone()
        changed[:, t:] = (changed[:, t:] + 5) % 20 + 3
        after = model.project(model(PairBatch(batch.sources, changed, batch.tgt_out, batch.tgt_mask)))
        assert_close(after[:, :t], before[:, :t], rtol=0, atol=0)
        assert not torch.allclose(after[:, t], before[:, t])


@pytest.fixture
def learning_model(model: Model) -> Model:
    """A model that learns by gradients."""
    if model.fitted_by_counting:
        pytest.skip("a model that is fitted by counting has no gradients")
    return model


@torch.no_grad()
def test_a_prediction_depends_on_the_context_of_the_model_only(model: Model) -> None:
    if model.context_len is None:
        pytest.skip("the model depends on all ids before")
    batch = batch_of(examples())
    before = model.project(model(batch))
    for first in range(batch.tgt_in.shape[1]):
        changed = batch.tgt_in.clone()
        changed[:, first] = (changed[:, first] + 5) % 20 + 3
        after = model.project(model(PairBatch(batch.sources, changed, batch.tgt_out, batch.tgt_mask)))
        beyond = first + model.context_len
        assert_close(after[:, beyond:], before[:, beyond:], rtol=0, atol=0)
        assert not torch.allclose(after[:, first], before[:, first])


@torch.no_grad()
def test_every_position_sees_the_source_and_the_past(model: Model) -> None:
    if model.context_len is not None:
        pytest.skip("the model depends on its last ids only")
    batch = batch_of(examples())
    before = model.project(model(batch))
    ids = batch.sources.ids.clone()
    ids[:, 0] = (ids[:, 0] + 3) % 20 + 3
    after = model.project(
        model(PairBatch(Sources(ids, batch.sources.mask), batch.tgt_in, batch.tgt_out, batch.tgt_mask))
    )
    assert ((after - before).abs().amax(dim=2) > 1e-9)[batch.tgt_mask].all()
    tgt_in = batch.tgt_in.clone()
    tgt_in[:, 0] = 7
    after = model.project(model(PairBatch(batch.sources, tgt_in, batch.tgt_out, batch.tgt_mask)))
    assert ((after - before).abs().amax(dim=2) > 1e-9)[batch.tgt_mask].all()


@torch.no_grad()
def test_steps_equal_teacher_forcing_however_many_at_once(model: Model) -> None:
    batch = batch_of(examples())
    whole = model.project(model(batch))
    length = batch.tgt_in.shape[1]
    for cuts in ([1] * length, [length], [2, 1, length - 3], [length - 1, 1]):
        state, pieces, at = model.start(batch.sources), [], 0
        for n in cuts:
            output = model.step(batch.tgt_in[:, at : at + n], state)
            state, at = output.state, at + n
            assert state.length == at
            pieces.append(output.logits)
        assert_close(torch.cat(pieces, dim=1), whole, rtol=0, atol=1e-12)


@torch.no_grad()
@pytest.mark.parametrize(
    "rows",
    [[0, 1, 2, 3], [0, 0, 1, 1, 2, 2, 3, 3], [3, 1, 1, 0], [2, 2, 2], [1, 3], [1, 1, 3, 3]],
    ids=["identity", "beams", "reorder and drop", "one source", "two sources", "beams of two"],
)
def test_select_repeats_reorders_and_drops(model: Model, rows: list[int]) -> None:
    batch = batch_of(examples())
    state = model.step(batch.tgt_in[:, :2], model.start(batch.sources)).state
    index = torch.tensor(rows)
    following = batch.tgt_in[:, 2:4]
    expected = model.step(following, state).logits[index]
    selected = state.select(index)
    first = model.step(following[index, :1], selected)
    second = model.step(following[index, 1:], first.state)
    assert_close(torch.cat([first.logits, second.logits], dim=1), expected, rtol=0, atol=1e-12)
    # Selecting again, from a state whose memory has been cut, still finds the right sources.
    again = selected.select(torch.arange(len(rows)).flip(0))
    assert_close(model.step(following[index.flip(0)], again).logits, expected.flip(0), rtol=0, atol=1e-12)
    assert all(tensor.shape[0] == len(set(rows)) for tensor in selected.memory.values())


@torch.no_grad()
def test_hypotheses_of_a_source_may_differ(model: Model) -> None:
    batch = batch_of(examples())
    state = model.start(batch.sources).select(torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]))
    prefixes = torch.tensor([[1, 5], [1, 6], [1, 7]]).repeat(4, 1)
    together = model.step(prefixes, state).logits
    for row in (0, 4, 11):
        alone = model.step(prefixes[row : row + 1], model.start(batch.sources).select(torch.tensor([row // 3]))).logits
        assert_close(together[row : row + 1], alone, rtol=0, atol=1e-12)


@torch.no_grad()
def test_a_state_is_not_changed_by_a_step(model: Model) -> None:
    batch = batch_of(examples())
    state = model.step(batch.tgt_in[:, :1], model.start(batch.sources)).state
    first = model.step(batch.tgt_in[:, 1:2], state).logits
    model.step(batch.tgt_in[:, 2:3], state)
    assert_close(model.step(batch.tgt_in[:, 1:2], state).logits, first, rtol=0, atol=0)


@torch.no_grad()
def test_a_record_sees_without_changing_anything(model: Model) -> None:
    batch = batch_of(examples())
    hooks = ActivationHooks()
    assert_close(model.project(model(batch, hooks)), model.project(model(batch)), rtol=0, atol=1e-12)
    assert {"decoder.tokens", "decoder.hidden"} <= hooks.tensors.keys()
    for name, values in hooks.tensors.items():
        for weights in values:
            if name.endswith("attn_weights"):
                assert_close(
                    weights.sum(dim=-1), torch.ones(weights.shape[:-1], dtype=torch.float64), rtol=0, atol=1e-12
                )
    if "alignment" in hooks.tensors:
        alignment = hooks["alignment"]
        assert alignment.shape == (4, batch.tgt_in.shape[1], batch.sources.ids.shape[1])
        padding = ~batch.sources.mask[:, None].expand_as(alignment)
        assert (alignment[padding] == 0).all()


def test_gradients_are_alike_with_and_without_a_record(learning_model: Model) -> None:
    model = learning_model
    batch = batch_of(examples())
    found = []
    for hooks in (None, ActivationHooks()):
        hidden = model(batch, hooks)[batch.tgt_mask]
        found.append(torch.autograd.grad(model.project(hidden).logsumexp(dim=1).sum(), tuple(model.parameters())))
    assert_close(found[0], found[1], rtol=0, atol=1e-11)


@torch.no_grad()
def test_a_record_can_intervene(model: Model) -> None:
    batch = batch_of(examples())
    silent = ActivationHooks({"decoder.hidden": torch.zeros_like})
    assert (model(batch, silent) == 0).all()


def test_gradients_reach_the_embeddings_of_the_source(learning_model: Model) -> None:
    model = learning_model
    batch = batch_of(examples())
    seen: list[torch.Tensor] = []

    def leaf(embedded: torch.Tensor) -> torch.Tensor:
        seen.append(embedded.detach().requires_grad_())
        return seen[-1]

    name = "prompt.tokens" if "prompt.tokens" in _names(model, batch) else "encoder.tokens"
    model.project(model(batch, ActivationHooks({name: leaf}))).sum().backward()
    gradient = seen[0].grad
    assert gradient is not None
    assert (gradient.norm(dim=2)[batch.sources.mask] > 0).all()
    assert (gradient.norm(dim=2)[~batch.sources.mask] == 0).all()


def _names(model: Model, batch: PairBatch) -> set[str]:
    hooks = ActivationHooks()
    with torch.no_grad():
        model(batch, hooks)
    return set(hooks.tensors)


def test_every_parameter_learns(learning_model: Model) -> None:
    model = learning_model.train()
    torch.manual_seed(0)
    logits_of(model, examples()).logsumexp(dim=2).sum().backward()
    silent = [name for name, p in model.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    # The last block of a prompt gives only its keys and values to the answer; it learns from the answer's own positions.
    assert silent == []


@pytest.mark.parametrize("name", [n for n in VARIANTS if n.startswith("transformer")])
def test_a_maximum_length_is_checked(name: str) -> None:
    model = build(name)
    at_most = model.max_len
    assert at_most == 24
    long = examples(lengths=((3, at_most),))
    with pytest.raises(DecodingError, match=r"model\.max_len"):
        model(batch_of(long))
    with pytest.raises(DecodingError, match=r"source of 25|prompt and response"):
        model.start(batch_of(examples(lengths=((at_most, 3),))).sources)
    state = model.start(batch_of(examples(lengths=((3, 3),))).sources)
    free = at_most - 4 if name.startswith("transformer-lm") else at_most
    state = model.step(torch.full((1, free), 5), state).state
    with pytest.raises(DecodingError):
        model.step(torch.full((1, 1), 5), state)


@torch.no_grad()
def test_a_language_model_continues_ragged_prompts(model: Model) -> None:
    if (
        "decoder.tokens" not in _names(model, batch_of(examples()))
        or model.max_len is None
        or hasattr(getattr(model, "model", model), "encoder")
    ):
        pytest.skip("encoder-decoders read sources, not prompts")
    # A text as prompt + continuation scores like the same text from its first token.
    text = [1, 5, 9, 4, 7, 12]
    whole = model.step(torch.tensor([text]), model.start(Sources.pad([[]], pad_id=0))).logits
    for cut in range(1, len(text)):
        prompts = Sources.pad([text[:cut], text[: max(1, cut - 1)]], pad_id=0)
        after = model.step(torch.tensor([text[cut:], text[cut:]]), model.start(prompts)).logits[0]
        if not getattr(model.settings, "reverse_source", False):
            assert_close(after, whole[0, cut:], rtol=0, atol=1e-12)


def test_a_batch_of_pairs_that_fit_fits_however_they_meet() -> None:
    # The longest prompt and the longest answer are in different rows; together they would not fit.
    model = build("transformer-lm")
    with torch.no_grad():
        together = logits_of(model, examples(lengths=((18, 3), (3, 18))))
        alone = logits_of(model, examples(lengths=((18, 3), (3, 18)))[1:])
    assert_close(together[1:], alone, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in VARIANTS if not build(name).fitted_by_counting])
def test_a_step_in_bf16_is_near_one_in_fp32(name: str) -> None:
    model = build(name).float()
    batch = batch_of(examples())
    losses = []
    for precision in ("fp32", "bf16"):
        model.zero_grad()
        loss = CrossEntropy(precision=precision)(model, batch).sum
        loss.backward()
        assert all(p.grad is not None and torch.isfinite(p.grad).all() for p in model.parameters())
        losses.append(float(loss.detach()))
    assert losses[1] == pytest.approx(losses[0], rel=0.02)


def test_embeddings_are_shared_as_told() -> None:
    vocab = Vocabulary(30, 20, shared=False)
    cls, _ = MODELS["transformer"]
    tiny = tiny_settings("transformer")
    with pytest.raises(ConfigError, match="30 source ids, 20 target ids"):
        make_model(cls.parse({**tiny, "tied_embeddings": "all"}), vocab)
    sizes = [make_model(cls.parse({**tiny, "tied_embeddings": t}), vocab).num_parameters() for t in ("output", "none")]
    assert sizes[1] - sizes[0] == 20 * 16
    with pytest.raises(ConfigError, match=r"tokenizer\.joint"):
        make_model(MODELS["transformer-lm"][0].parse(tiny_settings("transformer-lm")), vocab)


@pytest.mark.parametrize("architecture", ["transformer", "transformer-lm"])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"rope_base": 500.0}, "rope_base is for rotary positions, and positions is sinusoidal"),
        ({"gated": True, "activation": "swiglu"}, "swiglu is gated already"),
        ({"num_kv_heads": 3}, "num_heads 2 cannot be divided among num_kv_heads 3"),
        ({"num_heads": 3}, "d_model 16 cannot be divided among 3 heads"),
        ({"head_dim": 5, "positions": "rotary"}, "must be even"),
        ({"head_dim": 65_536, "num_heads": 4}, "num_heads x head_dim is 4 x 65536"),
    ],
)
def test_options_that_do_not_fit_are_errors(architecture: str, changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        MODELS[architecture][0].parse(tiny_settings(architecture, **changes))
