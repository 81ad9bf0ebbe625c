"""explain: a run and a text -> an Explanation. Reads, lets the run write, looks inside, and judges what it saw.

Nothing here asks which architecture it holds: what can be seen follows from the names in its record.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import torch
from torch import Tensor

from seqloom.decoding.ensemble import Ensemble
from seqloom.errors import ConfigError
from seqloom.explain.computation import computation_of
from seqloom.explain.decoding import full_log_probs, steps_of, tree_of
from seqloom.explain.explanation import Attention, Explanation, Method, RunFacts, Saliency, Truth, WhatIf
from seqloom.explain.history import history_of
from seqloom.explain.inside import attention_of, states_of
from seqloom.explain.numbers import array, matrix, plain, vector
from seqloom.explain.reading import RunReader
from seqloom.explain.saliency import gradient_saliency, memory_saliency, occlusion_saliency
from seqloom.explain.sentence import Sentence, log_probs
from seqloom.explain.trust import Judge, Picture
from seqloom.explain.truth import rule_of, true_sources
from seqloom.explain.what_if import Altered, Change, silencing
from seqloom.nn.record import Record
from seqloom.run.command import training_command
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
    goes_on: Callable[[], None] = lambda: None,
) -> Explanation:
    """What a run does with a text.

    Args:
        target: what it is to say; by default what it says by its own beam search.
        methods: which pictures of the source to make; agreements are measured between those that are made.
        beam: by default the recipe's.
        top: candidates kept at each step.
        layer: the layer whose computation is shown with all numbers, from 0; by default the last.
        head: the head shown, from 0.
        step: the position of the target shown, from 0.
        change: what if?
        history: whether to look at the weights that the run kept while it was trained.
        computation: whether to follow one layer, head and step with all numbers.
        max_tokens: the most tokens of what it says, where its recipe allows more.
        goes_on: called between one thing and the next; whatever it raises ends the work.

    Raises:
        ConfigError: the text is empty, the run is an ensemble, or a change asks for what there is not.
    """
    if isinstance(run.model, Ensemble):
        raise ConfigError("an ensemble has no inside of its own to explain; explain its runs one by one")
    if not methods or not set(methods) <= set(METHODS):
        raise ConfigError(f"methods {', '.join(methods) or 'none'}: choose among {', '.join(METHODS)}")
    reader = RunReader(run, beam=beam, max_tokens=max_tokens)
    sentence, notes = reader.read(text)
    found = None
    if target is None:
        found = reader.write(sentence)
        sentence, notes = found.sentence, (*notes, *found.notes)
    else:
        sentence = reader.given(sentence, target)
    eos_id = run.tokenizer.vocab.eos_id
    goes_on()
    record = Record()
    with torch.no_grad():
        hidden = run.model(sentence.batch(run.model), record)
        said = full_log_probs(run.model.project(hidden)[0].float())
    goes_on()
    seen = _look(reader, sentence, methods, goes_on)
    goes_on()
    steps = steps_of(said, sentence.tgt_ids, reader.tgt_tokens, top)
    aligned = record.tensors.get("alignment") if "attention" in methods else None
    alignment = None if aligned is None else matrix(aligned[0][0])
    num_steps = len(sentence.tgt_ids)
    return Explanation(
        run=_facts(run),
        text=text,
        output=found.output if found is not None else run.tokenizer.decode_tgt(sentence.tgt_ids),
        forced=found is None,
        source=reader.src_tokens(sentence.src_ids),
        fed=reader.tgt_tokens(sentence.fed_ids),
        target=reader.tgt_tokens(sentence.tgt_ids),
        log_prob=plain(sum(one.log_prob for one in steps)),
        notes=notes,
        attention=tuple(_judged(one, seen.judge) for one in attention_of(record)) if "attention" in methods else (),
        alignment=alignment,
        alignment_trust=None if alignment is None else seen.judge.across(array(alignment)),
        saliency=seen.saliency,
        truth=seen.truth,
        states=tuple(states_of(record)),
        steps=steps,
        beam=None
        if found is None
        else tree_of(found.nodes, found.hypothesis, reader.settings, reader.tgt_tokens, eos_id),
        computation=computation_of(
            run.model,
            sentence,
            layer=10**6 if layer is None else layer,
            head=head,
            step=min(step, num_steps - 1),
            name_src=reader.src_tokens,
            name_tgt=reader.tgt_tokens,
        )
        if computation
        else None,
        what_if=_what_if(reader, text, sentence, change) if change else None,
        history=tuple(history_of(reader, sentence, seen.judge)) if history else (),
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    saliency: tuple[Saliency, ...]
    truth: Truth | None
    judge: Judge


def _look(reader: RunReader, sentence: Sentence, methods: Collection[Method], goes_on: Callable[[], None]) -> _Seen:
    """Gradient, occlusion, truth, and the judge who holds pictures against them."""
    model = reader.model
    pictures: dict[str, tuple[Tensor, Tensor]] = {}
    if "gradient" in methods:
        pictures["gradient"] = gradient_saliency(model, sentence)
    goes_on()
    if "occlusion" in methods:
        pictures["occlusion"] = (
            occlusion_saliency(model, sentence, of="source"),
            occlusion_saliency(model, sentence, of="target"),
        )
    moved = memory_saliency(model, sentence) if "occlusion" in methods and sentence.src_ids else None

    def picture(method: str, side: int) -> Picture | None:
        return pictures[method][side].double().cpu().numpy() if method in pictures else None

    truth = _truth(reader, sentence)
    judge = Judge(
        occlusion=picture("occlusion", 0),
        gradient=picture("gradient", 0),
        within_target=(picture("occlusion", 1), picture("gradient", 1)),
        within_source=None if moved is None else moved.double().cpu().numpy(),
        truth=None if truth is None else truth.sources,
        src_real=reader.real(sentence.src_ids),
        tgt_real=reader.real(sentence.tgt_ids),
        fed_real=reader.real(sentence.fed_ids),
    )
    saliency = []
    for method, (source, within) in pictures.items():
        assert method in ("gradient", "occlusion")
        trust = judge.across(source.double().cpu().numpy(), but=method)
        saliency.append(Saliency(method=method, source=matrix(source), target=matrix(within), trust=trust))
    return _Seen(tuple(saliency), truth, judge)


def _truth(reader: RunReader, sentence: Sentence) -> Truth | None:
    rule = rule_of(reader.run.info.corpus.name)
    if rule is None:
        return None
    src, src_spans = reader.spans(sentence.src_ids, of="source")
    tgt, tgt_spans = reader.spans(sentence.tgt_ids, of="target")
    return Truth(rule=rule.words, sources=true_sources(rule, src, tgt, src_spans, tgt_spans))


def _judged(attention: Attention, judge: Judge) -> Attention:
    src_len = len(attention.mean[0]) - (len(attention.mean) if attention.keys == "both" else 0)

    def trust(rows: Picture) -> object:
        if attention.queries == "source":
            return judge.within_source(rows)
        return judge.within_target(rows) if attention.keys == "target" else judge.across(rows[:, :src_len])

    trusts = tuple(trust(array(head)) for head in attention.heads)
    return attention.model_copy(update={"trust": trusts, "mean_trust": trust(array(attention.mean))})


def _what_if(reader: RunReader, text: str, sentence: Sentence, change: Change) -> WhatIf:
    """Forces the same target under the change, and lets the run write under it."""
    model = reader.model
    interventions = silencing(model, sentence, change.silence)
    altered = Altered(model, interventions).eval() if interventions else model
    changed_text = change.apply(text)
    source, _ = reader.read(changed_text)
    again = source.with_target(sentence.tgt_ids)
    begin = reader.beginning(source, change.force, change.begin)
    written = reader.write(source, begin=begin, model=altered)
    with torch.no_grad():
        before = log_probs(model, sentence.batch(model))[0]
        after = log_probs(altered, again.batch(model))[0]
        said = log_probs(altered, written.sentence.batch(model))[0]
    return WhatIf(
        change=change.describe(text, reader.tokenizer.decode_tgt(begin)),
        text=changed_text,
        source=reader.src_tokens(source.src_ids),
        log_probs=vector(before),
        changed_log_probs=vector(after),
        output=written.output,
        output_tokens=reader.tgt_tokens(written.sentence.tgt_ids),
        output_log_probs=vector(said),
    )


def _facts(run: Run) -> RunFacts:
    return RunFacts(
        folder=run.folder.name,
        recipe=run.recipe.name,
        label=run.recipe.label,
        architecture=run.recipe.model.architecture,
        corpus=run.info.corpus.name,
        parameters=run.model.num_parameters(),
        vocab_size=run.model.vocab.tgt_size,
        max_len=run.model.max_len,
        trained_by=training_command(run),
    )
