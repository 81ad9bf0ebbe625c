"""explain: a run and a text -> an Explanation.

It encodes the text, generates an output, captures activations and compares pictures (matrices of attention or saliency).
It does not ask for the architecture: the names of the captured tensors decide what can be shown.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from seqloom.decoding.ensemble import Ensemble
from seqloom.errors import ConfigError
from seqloom.explain.activations import attention_of, states_of
from seqloom.explain.agreement import Picture, ReferencePictures
from seqloom.explain.change import Change, ChangedModel, silencing_interventions
from seqloom.explain.computation import computation_of
from seqloom.explain.explained_run import ExplainedRun, run_facts
from seqloom.explain.explanation import Attention, Explanation, Method, ReferenceAlignment, Saliency, WhatIf
from seqloom.explain.reference_alignment import alignment_rule_of, reference_sources
from seqloom.explain.rounding import array, matrix, rounded, vector
from seqloom.explain.saliency import gradient_saliency, memory_saliency, occlusion_saliency
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.explain.steps import full_log_probs, steps_of, tree_of
from seqloom.explain.training_history import history_of
from seqloom.nn.activation_hooks import ActivationHooks
from seqloom.run.load import Run

METHODS: tuple[Method, ...] = ("attention", "gradient", "occlusion")


def explain(
    run: Run,
    text: str,
    *,
    target: str | None = None,
    methods: Collection[Method] = METHODS,
    beam: int | None = None,
    top: int = 8,
    layer: int | None = None,
    head: int = 0,
    step: int = 0,
    change: Change | None = None,
    history: bool = False,
    computation: bool = True,
    max_tokens: int | None = None,
    check_cancelled: Callable[[], None] = lambda: None,
) -> Explanation:
    """Explains what a run computes for a text.

    The keyword arguments are the options of `seqloom explain` and of the server; they are independent of each other.

    Args:
        target: a target to explain; by default the output of the run's own beam search.
        methods: how the influence of tokens is measured; the results of these methods are compared with each other.
        beam: by default the recipe's.
        top: how many of the most probable tokens are shown at each target position; the search does not use it.
        layer: the layer whose computation is shown with all numbers, from 0; by default the last.
        head: the head of that computation, from 0.
        step: the target position of that computation, from 0.
        change: a change of the text, the output prefix or the attention heads, whose effect is shown too.
        history: whether to repeat the explanation for the weights that were saved during training.
        computation: whether to show one layer, head and step with all numbers.
        max_tokens: upper limit for the tokens of the output; the recipe's own limit applies if it is lower.
        check_cancelled: called between the parts of the work; an exception from it ends the work.

    Raises:
        ConfigError: the text is empty, the model is an ensemble or is fitted by counting, a method is unknown, or a change names a
            word or head that does not exist.
    """
    if isinstance(run.model, Ensemble):
        raise ConfigError("an ensemble cannot be explained as a whole; explain its runs one by one")
    if run.model.fitted_by_counting:
        raise ConfigError(
            f"{run.folder}: this model is fitted by counting, so it has no embeddings, attention or gradients to explain; its "
            "surprise at a text can be shown"
        )
    if not methods or not set(methods) <= set(METHODS):
        raise ConfigError(f"methods {', '.join(methods) or 'none'}: choose among {', '.join(METHODS)}")
    explained_run = ExplainedRun(run, beam=beam, max_tokens=max_tokens)
    sentence, notes = explained_run.encode(text)
    generated = None
    if target is None:
        generated = explained_run.generate(sentence)
        sentence, notes = generated.sentence, (*notes, *generated.notes)
    else:
        sentence = explained_run.force(sentence, target)
    eos_id = run.tokenizer.vocab.eos_id
    check_cancelled()
    hooks = ActivationHooks()
    with torch.no_grad():
        hidden = run.model(sentence.batch(run.model), hooks)
        vocab_log_probs = full_log_probs(run.model.project(hidden)[0].float())
    check_cancelled()
    pictures = _pictures(explained_run, sentence, methods, check_cancelled)
    references = pictures.references
    check_cancelled()
    steps = steps_of(vocab_log_probs, sentence.tgt_ids, explained_run.tgt_tokens, top)
    # The summary of attention from target to source that the model records, (T, S); None if it has no such attention. The reference
    # alignment is something else: it is the known truth of a generated corpus.
    recorded = hooks.tensors.get("alignment") if "attention" in methods else None
    alignment = None if recorded is None else matrix(recorded[0][0])
    num_steps = len(sentence.tgt_ids)
    return Explanation(
        run=run_facts(run),
        text=text,
        output=generated.output if generated is not None else run.tokenizer.decode_tgt(sentence.tgt_ids),
        forced=generated is None,
        source=explained_run.src_tokens(sentence.src_ids),
        fed=explained_run.tgt_tokens(sentence.fed_ids),
        target=explained_run.tgt_tokens(sentence.tgt_ids),
        log_prob=rounded(sum(item.log_prob for item in steps)),
        notes=notes,
        attention=tuple(_with_agreements(attention, references) for attention in attention_of(hooks))
        if "attention" in methods
        else (),
        alignment=alignment,
        alignment_agreements=None if alignment is None else references.agreements_target_to_source(array(alignment)),
        saliency=pictures.saliency,
        truth=pictures.truth,
        states=tuple(states_of(hooks)),
        steps=steps,
        beam=None
        if generated is None
        else tree_of(generated.nodes, generated.hypothesis, explained_run.settings, explained_run.tgt_tokens, eos_id),
        computation=computation_of(
            run.model,
            sentence,
            # A number that is too large selects the last layer.
            layer=10**6 if layer is None else layer,
            head=head,
            step=min(step, num_steps - 1),
            name_src=explained_run.src_tokens,
            name_tgt=explained_run.tgt_tokens,
        )
        if computation
        else None,
        what_if=_what_if(explained_run, text, sentence, change) if change else None,
        history=tuple(history_of(explained_run, sentence, references)) if history else (),
    )


@dataclass(frozen=True, slots=True)
class _Pictures:
    """The saliency of a sentence, its reference alignment, and all pictures that attention and saliency are compared with."""

    saliency: tuple[Saliency, ...]
    truth: ReferenceAlignment | None
    references: ReferencePictures


def _pictures(
    explained_run: ExplainedRun, sentence: Sentence, methods: Collection[Method], check_cancelled: Callable[[], None]
) -> _Pictures:
    model = explained_run.model
    pictures: dict[str, tuple[Tensor, Tensor]] = {}
    if "gradient" in methods:
        pictures["gradient"] = gradient_saliency(model, sentence)
    check_cancelled()
    if "occlusion" in methods:
        pictures["occlusion"] = (
            occlusion_saliency(model, sentence, of="source"),
            occlusion_saliency(model, sentence, of="target"),
        )
    # Encoder self-attention is compared with this (S, S) picture: how far occluding a source token moves each row of the memory.
    within_source = memory_saliency(model, sentence) if "occlusion" in methods and sentence.src_ids else None

    def picture(method: str, side: int) -> Picture | None:
        """The picture of a method with respect to the source (side 0) or the fed ids (side 1)."""
        return pictures[method][side].cpu().double().numpy() if method in pictures else None

    truth = _reference_alignment(explained_run, sentence)
    references = ReferencePictures(
        occlusion=picture("occlusion", 0),
        gradient=picture("gradient", 0),
        within_target=(picture("occlusion", 1), picture("gradient", 1)),
        within_source=None if within_source is None else within_source.cpu().double().numpy(),
        truth=None if truth is None else truth.sources,
        src_positions=explained_run.non_special_positions(sentence.src_ids),
        tgt_positions=explained_run.non_special_positions(sentence.tgt_ids),
        fed_positions=explained_run.non_special_positions(sentence.fed_ids),
    )
    saliency = []
    for method, (source, within) in pictures.items():
        assert method in ("gradient", "occlusion")
        agreements = references.agreements_target_to_source(source.cpu().double().numpy(), method=method)
        saliency.append(Saliency(method=method, source=matrix(source), target=matrix(within), agreements=agreements))
    return _Pictures(tuple(saliency), truth, references)


def _reference_alignment(explained_run: ExplainedRun, sentence: Sentence) -> ReferenceAlignment | None:
    rule = alignment_rule_of(explained_run.run.info.corpus.name)
    if rule is None:
        return None
    src, src_spans = explained_run.spans(sentence.src_ids, side="source")
    tgt, tgt_spans = explained_run.spans(sentence.tgt_ids, side="target")
    return ReferenceAlignment(rule=rule.description, sources=reference_sources(rule, src, tgt, src_spans, tgt_spans))


def _with_agreements(attention: Attention, references: ReferencePictures) -> Attention:
    # With keys "both", the S + T columns are source tokens and then fed tokens, and there are T rows: S is columns minus rows.
    src_len = len(attention.mean[0]) - (len(attention.mean) if attention.keys == "both" else 0)

    def agreements_of(rows: Picture) -> object:
        if attention.queries == "source":
            return references.agreements_within_source(rows)
        if attention.keys == "target":
            return references.agreements_within_target(rows)
        return references.agreements_target_to_source(rows[:, :src_len])

    agreements_by_head = tuple(agreements_of(array(head)) for head in attention.heads)
    return attention.model_copy(
        update={"agreements": agreements_by_head, "mean_agreements": agreements_of(array(attention.mean))}
    )


def _what_if(explained_run: ExplainedRun, text: str, sentence: Sentence, change: Change) -> WhatIf:
    """Computes the log-probabilities of the same target under the change, and generates an output under it."""
    model = explained_run.model
    interventions = silencing_interventions(model, sentence, change.silence)
    changed_model = ChangedModel(model, interventions).eval() if interventions else model
    changed_text = change.apply(text)
    source, _ = explained_run.encode(changed_text)
    same_target = source.with_target(sentence.tgt_ids)
    prefix = explained_run.prefix_ids(source, change.prefix, change.prefix_ids)
    generated = explained_run.generate(source, prefix=prefix, model=changed_model)
    with torch.no_grad():
        before = log_probs(model, sentence.batch(model))[0]
        after = log_probs(changed_model, same_target.batch(model))[0]
        output_log_probs = log_probs(changed_model, generated.sentence.batch(model))[0]
    return WhatIf(
        change=change.describe(text, explained_run.tokenizer.decode_tgt(prefix)),
        text=changed_text,
        source=explained_run.src_tokens(source.src_ids),
        log_probs=vector(before),
        changed_log_probs=vector(after),
        output=generated.output,
        output_tokens=explained_run.tgt_tokens(generated.sentence.tgt_ids),
        output_log_probs=vector(output_log_probs),
    )
