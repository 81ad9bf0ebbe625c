"""Search: sources -> hypotheses, by greedy search, beam search or sampling.

Input: a model and ids; output: hypotheses. Search uses a model by its contract, does not ask for its architecture, and knows no
text. The hypotheses of a source do not depend on the other sources of its batch.
"""

import math
from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from seqloom.data.batching import Sources
from seqloom.decoding.beam import beam_search
from seqloom.decoding.constraints import Constraint
from seqloom.decoding.greedy import greedy_search
from seqloom.decoding.hypothesis import Hypothesis
from seqloom.decoding.observers import CandidateObserver, Observer, TokenObserver
from seqloom.decoding.penalty import NO_PENALTY, LengthPenalty
from seqloom.decoding.sampling import sample
from seqloom.decoding.search_space import SearchSpace
from seqloom.decoding.settings import DecodingSettings
from seqloom.decoding.shortlist import Shortlisted, in_vocabulary_ids
from seqloom.errors import DecodingError
from seqloom.models.base import Model


def search(
    model: Model,
    sources: Sources,
    settings: DecodingSettings | None = None,
    constraints: Sequence[Constraint] = (),
    observers: Sequence[Observer] = (),
    *,
    decoder_prompts: Sequence[Sequence[int]] | None = None,
    shortlists: NDArray[np.int64] | None = None,
    draw_keys: Sequence[Sequence[int]] | None = None,
    penalised_context: Sequence[Sequence[int]] | None = None,
) -> list[list[Hypothesis]]:
    """Finds targets for sources.

    It has more than eight parameters because a search varies in what it begins with as well as in how it chooses.

    Args:
        model: in evaluation mode.
        settings: some have no effect here, because the caller of this function applies them: `max_src_len`, `batch_tokens`,
            `shortlist` and `full_context` when it prepares the batch, and `stop_strings`, which need text.
        constraints: further rules for the ids of targets, in terms of ids of the whole vocabulary, even with shortlists.
        observers: are called at each step. They never change a result.
        decoder_prompts: for each source the ids that are fed before the search, by default bos. The first id is only fed; the
            others are forced: targets begin with them, and scores include them.
        shortlists: for each source the ids that its targets may hold (see `Shortlisted`); all by default.
        draw_keys: for sampling: a flat list with a key for each sample, `nbest` keys for the first source, then `nbest` for the
            second, and so on. A key is the integers that seed the sample's random numbers: by default (seed, index of the source,
            number of the sample).
        penalised_context: for each source, ids before its target that `repetition_penalty` treats as repeated too, for example its
            prompt. They are not fed to the model. None by default.

    Returns:
        For each source its hypotheses, best first: `nbest` or fewer. Their log-probabilities are the model's own, before
        penalties, constraints and sampling filters; with shortlists they are over the shortlist, and so higher than over the
        vocabulary.

    Raises:
        DecodingError: a source or decoder prompt is too long for the model, or the model's scores are not numbers.
    """
    settings = settings or DecodingSettings()
    _check_observers(settings, observers)
    if shortlists is not None and decoder_prompts is not None:
        raise ValueError(
            "a decoder prompt may contain ids that its shortlist lacks; give shortlists or decoder_prompts, not both"
        )
    # An ensemble wraps each of its members, because each has an output matrix of its own.
    searched = model if shortlists is None else model.wrap_members(partial(Shortlisted, shortlists=shortlists))
    space = SearchSpace.make(
        searched,
        sources,
        settings,
        constraints,
        decoder_prompts=decoder_prompts,
        shortlists=shortlists,
        whole_vocab=model.vocab,
        penalised_context=penalised_context,
    )
    if settings.method == "sample" and settings.temperature:
        tokens = [observer for observer in observers if isinstance(observer, TokenObserver)]
        results = sample(searched, sources, space, settings, draw_keys=draw_keys, observers=tokens)
    elif settings.method == "sample" or settings.beam == 1:
        penalty = LengthPenalty.from_settings(settings) if settings.method == "beam" else NO_PENALTY
        results = greedy_search(searched, sources, space, penalty=penalty, observers=observers)
        # Greedy search has one hypothesis for each source. Its n best hypotheses are copies of it.
        results = [hypotheses * settings.nbest for hypotheses in results]
    else:
        candidates = [observer for observer in observers if isinstance(observer, CandidateObserver)]
        results = beam_search(searched, sources, space, settings, observers=candidates)
    if any(not hypotheses or any(math.isnan(item.log_prob) for item in hypotheses) for hypotheses in results):
        raise DecodingError(
            "the model's scores are not numbers (NaN); its weights are damaged, or its training diverged"
        )
    return results if shortlists is None else in_vocabulary_ids(results, shortlists)


def _check_observers(settings: DecodingSettings, observers: Sequence[Observer]) -> None:
    """An observer that would see nothing is an error."""
    for observer in observers:
        tokens, candidates = isinstance(observer, TokenObserver), isinstance(observer, CandidateObserver)
        if not tokens and not candidates:
            raise TypeError(f"{observer!r} is no observer: it has neither on_tokens nor on_candidates")
        if settings.method == "beam" and settings.beam > 1 and not candidates:
            raise ValueError("a beam of several hypotheses decides its tokens at the end, so tokens cannot be observed")
        if settings.method == "sample" and settings.temperature and not tokens:
            raise ValueError("sampling has no candidates, so they cannot be observed")
