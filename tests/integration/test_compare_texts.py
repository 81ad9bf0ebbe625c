"""`seqloom compare` of language models: a report with loss by context, samples and words."""

import json
from pathlib import Path

from seqloom.comparison.comparison import Comparison
from seqloom.tasks.text_details import TextDetails
from tests.integration.conftest import Cli


def test_language_models_are_compared_with_context_samples_and_words(
    corpus_folder: Path, cli: Cli, tmp_path: Path
) -> None:
    out = tmp_path / "comparison"
    tiny = (
        "model.d_model=32",
        "model.d_ff=64",
        "model.num_layers=1",
        "training.batch_tokens=512",
        "training.window=64",
    )
    recipe = tmp_path / "small.yaml"
    cli(
        "train",
        "transformer-lm-tiny",
        "--data",
        corpus_folder / "text.txt",
        "--steps",
        1,
        "--out",
        tmp_path / "run",
        "--set",
        *tiny,
    )
    recipe.write_text(
        (tmp_path / "run" / "recipe.yaml")
        .read_text(encoding="utf-8")
        .replace("name: transformer-lm-tiny", "name: small")
    )
    argv = ("compare", "ngram", recipe, "--data", corpus_folder / "text.txt", "--steps", 4, "--out", out, "--quiet")
    cli(*argv)
    comparison = Comparison.model_validate_json((out / "comparison.json").read_text(encoding="utf-8"))
    assert set(comparison.details) == {"ngram", "small"}
    first, second = (TextDetails.model_validate(comparison.details[name]["test"]) for name in ("ngram", "small"))
    assert [item.prompt for item in first.continuations] == [item.prompt for item in second.continuations]
    assert first.human_words == second.human_words
    assert first.training_is_whole
    # No held-out word is new: all lines are made of the same words.
    assert first.human_words.unseen.value == 0
    assert second.window == 64
    assert second.context[-1].last <= 63
    report = (out / "report.html").read_text(encoding="utf-8")
    assert "Loss by the length of the context" in report
    assert "Words of the samples" in report
    stored = json.loads((out / "runs" / "ngram-seed0" / "outputs" / "test-details-1.json").read_text(encoding="utf-8"))
    assert stored == comparison.details["ngram"]["test"]
    cli(*argv)
    again = Comparison.model_validate_json((out / "comparison.json").read_text(encoding="utf-8"))
    assert again.details == comparison.details
