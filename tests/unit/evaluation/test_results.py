"""Outputs of a test split have the counts of every metric of likelihood."""

import numpy as np
import pytest

from seqloom.evaluation import TestOutputs
from seqloom.metrics import aggregate


@pytest.mark.parametrize(("metric", "value"), [("bits_per_character", 1 / np.log(2)), ("word_perplexity", np.e)])
def test_outputs_have_the_counts_of_every_likelihood_metric(metric: str, value: float) -> None:
    texts = ("a b", "c")
    lengths = {"bits_per_character": tuple(-float(len(text)) for text in texts), "word_perplexity": (-2.0, -1.0)}
    test = TestOutputs(texts, texts, texts, lengths[metric], (3, 2), 10.0, 5.0, ())
    assert aggregate(metric, test.statistics(metric, None).sum(axis=0)) == pytest.approx(value)
