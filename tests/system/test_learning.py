"""Every architecture learns something past a bar, from text to text, through the whole walk (minutes)."""

from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings
from seqloom.run.load import load
from seqloom.run.train import train
from seqloom.training import Budget

SMALL = {"training": {"batch_tokens": 512, "validation_sentences": 100, "validations": 4, "learning_rate": 0.004}}


@pytest.mark.parametrize(
    ("recipe", "corpus", "steps", "bar"),
    [
        ("rnn-tiny", "copy", 500, 30.0),
        ("attention-rnn-tiny", "reverse", 500, 60.0),
        ("transformer-tiny", "reverse", 500, 10.0),
        ("transformer-lm-tiny", "copy", 500, 10.0),
    ],
)
def test_an_architecture_learns(recipe: str, corpus: str, steps: int, bar: float, tmp_path: Path) -> None:
    settings = CorpusSettings(data=corpus, size=20_000)
    train(recipe, settings, budget=Budget(steps=steps), out=tmp_path / "run", changes=SMALL)
    evaluation = load(tmp_path / "run").evaluate(beam=1)
    leading = evaluation.scores["test"][0]
    assert leading.value > bar, evaluation


def test_a_language_model_learns_its_text(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text("".join(f"the {i % 7} lamps and the {i % 5} doors stand in room {i % 11}.\n" for i in range(5000)))
    train("transformer-lm-tiny", text, budget=Budget(steps=200), out=tmp_path / "run", changes=SMALL)
    (bits, _) = load(tmp_path / "run").evaluate().scores["test"]
    assert bits.metric == "bits_per_byte"
    assert bits.value < 0.8
