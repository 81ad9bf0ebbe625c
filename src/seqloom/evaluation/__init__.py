"""Evaluation: a generator and test data become outputs, times and scores."""

from seqloom.evaluation.interpolation import tune_weights
from seqloom.evaluation.results import Evaluation, Scope, TestData, TestOutputs, read_outputs
from seqloom.evaluation.scoring import (
    evaluate_pairs,
    fitting_metric,
    generate_outputs,
    likelihood,
    metric_value,
    metrics_for,
    score_statistics,
    score_test,
    score_without_interval,
)

__all__ = [
    "Evaluation",
    "Scope",
    "TestData",
    "TestOutputs",
    "evaluate_pairs",
    "fitting_metric",
    "generate_outputs",
    "likelihood",
    "metric_value",
    "metrics_for",
    "read_outputs",
    "score_statistics",
    "score_test",
    "score_without_interval",
    "tune_weights",
]
