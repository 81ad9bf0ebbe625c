"""RunInfo for tests: complete, with the values that a test cares about."""

from typing import Any

from seqloom.run.info import CorpusInfo, ResultInfo, RunInfo, TokenizerInfo

CORPUS = {"name": "copy", "kind": "pairs", "metric": "bleu"}
RESULT: dict[str, Any] = {
    **{"steps": 300, "tokens": 50, "epochs": 1.0, "train_seconds": 6.0, "validation_seconds": 1.0},
    **{"tokens_per_second": 8.0, "padding_share": 0.1, "peak_memory_mib": 1.0, "best": "step 5"},
    "curve": [{"step": 5, "tokens": 50, "seconds": 6.0, "train_loss": 1.0, "val_loss": 1.0, "val_quality": 3.0}],
}


def make_corpus_info(**values: Any) -> CorpusInfo:
    """A CorpusInfo with these values."""
    return CorpusInfo.model_validate({**CORPUS, **values})


def make_result_info(**values: Any) -> ResultInfo:
    """A ResultInfo with these values."""
    return ResultInfo.model_validate({**RESULT, **values})


def make_run_info(**values: Any) -> RunInfo:
    """A RunInfo with these values."""
    usual: dict[str, Any] = {
        "seed": 0,
        "budget": {"steps": 300},
        "corpus": make_corpus_info(),
        "tokenizer": TokenizerInfo(description="words", hash="0" * 64),
        "parameters": 100,
        "parameters_without_embeddings": 50,
    }
    return RunInfo.model_validate({**usual, **values})
