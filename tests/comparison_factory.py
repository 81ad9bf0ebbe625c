"""Comparisons to draw: a lifelike one, and odd ones. The numbers are made up, and the same every time."""

import random
from collections.abc import Sequence
from typing import Any

from seqloom.comparison.comparison import (
    ArmResult,
    Comparison,
    CorpusFacts,
    CurvePoint,
    Decoding,
    Difference,
    Interval,
    LengthBin,
    Quality,
    RunResult,
    Sample,
)
from seqloom.experiment.tuning import Trial

SIGNATURE = "share of right commands|items:' ; '|order:yes|case:mixed|version:1"
EXACT = "exact match|white space:folded|case:mixed|version:1"
CHRF = "chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0"
METHOD = "percentile bootstrap over sentences and seeds, 1000 samples"
LEVELS = {"transformer-tiny": (92.4, 51.3), "attention-rnn-tiny": (97.9, 60.2), "rnn-tiny": (50.8, 13.7)}
LABELS = {
    "transformer-tiny": "Transformer",
    "attention-rnn-tiny": "RNN with attention",
    "rnn-tiny": "RNN encoder-decoder",
}
BINS = {"test": ((3, 6), (7, 10), (11, 14), (15, 20), (21, 28)), "beyond": ((24, 30), (31, 36), (37, 44), (45, 60))}

RECIPE = """name: {name}
model:
  architecture: {architecture}
  d_model: 128
  num_layers: 4
  dropout: 0.1
tokenizer:
  kind: bpe
  vocab_size: 400
training:
  optimizer: adamw
  learning_rate: 0.002
  batch_tokens: 2048
"""

SAMPLES = (
    (
        "test",
        "before you open the oak door, pick the brass lamp up and light it",
        "take brass lamp ; light brass lamp ; open oak door",
        {
            "transformer-tiny": "take brass lamp ; light brass lamp ; open oak door",
            "attention-rnn-tiny": "take brass lamp ; light brass lamp ; open oak door",
            "rnn-tiny": "take brass key ; open oak door",
            "rules": "open oak door ; take brass lamp ; light it",
        },
    ),
    (
        "test",
        "put the silver ring into the small box after taking it off",
        "remove silver ring ; put silver ring in small box",
        {
            "transformer-tiny": "remove silver ring ; put silver ring in box",
            "attention-rnn-tiny": "remove silver ring ; put silver ring in small box",
            "rnn-tiny": "remove small ring ; put small ring in silver box",
            "rules": "put silver ring in small box ; remove small box",
        },
    ),
    (
        "beyond",
        "go north, then look, drop the rope, take the axe, cut the rope with it, and having done that go up and wait",
        "north ; look ; drop rope ; take axe ; cut rope with axe ; up ; wait",
        {
            "transformer-tiny": "north ; look ; drop rope ; take axe ; cut rope with axe ; wait",
            "attention-rnn-tiny": "north ; look ; drop rope ; take axe ; cut rope with axe ; up ; wait",
            "rnn-tiny": "north ; look ; take rope ; up",
            "rules": "north ; look ; drop rope ; take axe ; cut rope with axe ; up ; wait",
        },
    ),
)


def interval(value: float, half: float) -> Interval:
    return Interval(low=value - half, high=value + half, method=METHOD)


def qualities(value: float, half: float | None) -> tuple[Quality, ...]:
    span = None if half is None else interval(value, half)
    exact = None if half is None else interval(value * 0.8, half * 1.2)
    return (
        Quality(metric="items", label="share of right commands", value=value, interval=span, signature=SIGNATURE),
        Quality(metric="exact_match", label="exact match", value=value * 0.8, interval=exact, signature=EXACT),
        Quality(metric="chrf", label="chrF", value=value * 0.9 + 4.1, signature=CHRF),
    )


def lengths(test: str, value: float, steepness: float) -> tuple[LengthBin, ...]:
    found = []
    for index, (low, high) in enumerate(BINS[test]):
        at = max(2.0, min(99.6, value + steepness * (1.7 - index)))
        half = 0.8 + 0.5 * index
        quality = Quality(
            metric="items",
            label="share of right commands",
            value=at,
            interval=interval(at, half),
            signature=SIGNATURE,
        )
        found.append(LengthBin(low=low, high=high, num_sentences=(412, 655, 498, 301, 134)[index], quality=quality))
    return tuple(found)


def curve(final: float, rate: float, draw: random.Random, reports: int = 15) -> tuple[CurvePoint, ...]:
    points = []
    for index in range(1, reports + 1):
        done = index / reports
        quality = final * (1 - (1 - done) ** 3) + draw.uniform(-1.2, 1.2)
        loss = 0.08 + (100 - final) / 60 + 2.6 * (1 - done) ** 3 + draw.uniform(0, 0.03)
        points.append(
            CurvePoint(
                step=100 * index,
                tokens=round(171_530 * index),
                seconds=171_530 * index / rate,
                train_loss=loss * 0.93,
                val_loss=loss,
                val_quality=max(0.0, quality),
            )
        )
    return tuple(points)


def run_of(name: str, seed: int, levels: tuple[float, ...], tests: Sequence[str], rate: float) -> RunResult:
    draw = random.Random(f"{name} {seed}")
    values = {test: value + draw.uniform(-1.5, 1.5) for test, value in zip(tests, levels, strict=False)}
    return RunResult(
        arm=name,
        seed=seed,
        folder=f"runs/{name}-seed{seed}",
        steps=1500,
        tokens=2_572_950,
        epochs=5.25,
        learning_rate=0.002,
        train_seconds=2_572_950 / rate,
        validation_seconds=7.5 + seed,
        setup_seconds=2.25,
        tokens_per_second=rate + 37 * seed,
        padding_share=0.0625,
        peak_memory_mib=611.0 + 9 * seed,
        parameters=1_043_712,
        parameters_without_embeddings=992_512,
        decoding=Decoding(beam=4, sentences_per_second=rate / 62, latency_ms=7400 / rate * 11),
        curve=curve(values[tests[0]], rate, draw),
        tests={test: qualities(value, None) for test, value in values.items()},
        by_length={test: lengths(test, value, 4.0) for test, value in values.items()},
    )


def arm_of(name: str, levels: tuple[float, ...], tests: Sequence[str], seeds: Sequence[int], rate: float) -> ArmResult:
    return ArmResult(
        name=name,
        label=LABELS.get(name, name),
        recipe=RECIPE.format(name=name, architecture=name.removesuffix("-tiny")),
        runs=tuple(run_of(name, seed, levels, tests, rate) for seed in seeds),
        tests={test: qualities(value, 1.3) for test, value in zip(tests, levels, strict=False)},
        by_length={
            test: lengths(test, value, 1.5 + (100 - value) / 6) for test, value in zip(tests, levels, strict=False)
        },
    )


def difference_of(better: ArmResult, worse: ArmResult, test: str, scope: str) -> Difference:
    gap = better.tests[test][0].value - worse.tests[test][0].value
    first, second = (better, worse) if gap >= 0 else (worse, better)
    gap = abs(gap)
    return Difference.model_validate(
        {
            "test": test,
            "better": first.name,
            "worse": second.name,
            "difference": gap,
            "interval": {"low": gap - 1.9, "high": gap + 1.9, "method": "paired bootstrap"},
            "p_value": 0.0005 if gap > 3 else 0.214,
            "significant": gap > 3,
            "scope": scope,
        }
    )


def make(
    *, seeds: Sequence[int] = (0, 1), tests: Sequence[str] = ("test", "beyond"), names: Sequence[str] = tuple(LEVELS)
) -> Comparison:
    """A comparison on generated commands with an outside system beside the arms."""
    arms = [
        arm_of(name, LEVELS.get(name, (88.0 - 2.5 * k, 55.0 - 2.2 * k)), tests, seeds, 9400 + 3100 * (k % 5))
        for k, name in enumerate(names)
    ]
    arms.sort(key=lambda arm: -arm.tests[tests[0]][0].value)
    if len(arms) > 1:
        outside = {test: qualities(value, 1.6) for test, value in zip(tests, (71.5, 64.2), strict=False)}
        by_length = {test: lengths(test, 68.0, 2.0) for test in tests}
        arms.append(
            ArmResult(
                name="rules", label="Hand-written rules", recipe=None, runs=(), tests=outside, by_length=by_length
            )
        )
        arms[0] = arms[0].model_copy(
            update={
                "tuning": tuple(
                    Trial(learning_rate=rate, val_loss=loss, chosen=rate == 0.002)
                    for rate, loss in ((0.0005, 0.913), (0.002, 0.412), (0.008, 1.777))
                )
            }
        )
    scope = "between these runs" if len(seeds) == 1 else "between architectures"
    pairs = [(a, b) for k, a in enumerate(arms) for b in arms[k + 1 :]]
    best = arms[0].label
    return Comparison(
        title="Text-adventure commands: which architecture understands the player?",
        verdict=(
            f"{best} gets the largest share of commands right within the trained range, 5.5 points (3.6 to 7.4) ahead of the next.",
            "Beyond the trained range all arms fall; the fixed-size summary of the RNN encoder-decoder falls furthest, to 13.7%.",
            "All arms have 1.04 million parameters; the best took 88 seconds to train, the fastest 61.",
        ),
        corpus=CorpusFacts(
            name="commands",
            kind="pairs",
            synthetic=True,
            src_lang="en",
            tgt_lang=None,
            licence="CC0-1.0",
            sizes={"train": 40_000, "val": 1_000, **dict.fromkeys(tests, 2_000)},
            notes=("12 duplicate pairs were left out.", "The test holds phrasings that training never saw."),
            fingerprint="5f" * 32,
            tokenizer="joint BPE, 400 subwords",
            tokenizer_hash="a7" * 32,
        ),
        budget="1500 steps per model",
        seeds=tuple(seeds),
        metric="items",
        metric_label="share of right commands",
        test_labels={
            test: {"test": "within the trained range", "beyond": "beyond the trained range"}[test] for test in tests
        },
        arms=tuple(arms),
        differences=tuple(difference_of(a, b, test, scope) for test in tests for a, b in pairs),
        samples=tuple(
            Sample(
                test=test, src=src, ref=ref, outputs={k: v for k, v in outputs.items() if k in {a.name for a in arms}}
            )
            for test, src, ref, outputs in SAMPLES
            if test in tests
        ),
        caveats=(
            "Two seeds are few: intervals over seeds are wide guesses.",
            "The corpus is generated; speech is messier.",
        ),
        environment={
            "machine": "x86_64, 2 cores",
            "threads": "2",
            "torch": "2.9.0",
            "python": "3.11.7",
            "date": "2026-01-05",
        },
        command="seqloom compare rnn-tiny attention-rnn-tiny transformer-tiny --data commands --steps 1500 --seeds 2",
    )


def make_text_corpus() -> Comparison:
    """Language models: bits per byte, of which fewer are better; nothing is decoded, and nothing has a source."""
    base = make(seeds=(0,), tests=("test",), names=("transformer-lm-tiny", "transformer-lm-wide"))
    arms = []
    for arm, bits in zip(base.arms[:2], (1.873, 1.921), strict=True):
        quality = Quality(
            metric="bits_per_byte",
            label="bits per byte",
            value=bits,
            higher_is_better=False,
            interval=interval(bits, 0.021),
            signature="bits per byte|utf-8|version:1",
        )
        run = arm.runs[0].model_copy(
            update={
                "tests": {"test": (quality.model_copy(update={"interval": None}),)},
                "by_length": {},
                "decoding": Decoding(beam=1, sentences_per_second=0.0, latency_ms=0.0),
                "curve": tuple(
                    point.model_copy(update={"val_quality": None, "train_loss": None}) for point in arm.runs[0].curve
                ),
            }
        )
        arms.append(
            arm.model_copy(update={"runs": (run,), "tests": {"test": (quality,)}, "by_length": {}, "tuning": ()})
        )
    gap = Difference(
        test="test",
        better=arms[0].name,
        worse=arms[1].name,
        difference=0.048,
        interval=Interval(low=-0.004, high=0.1, method="paired bootstrap"),
        p_value=0.071,
        significant=False,
        scope="between these runs",
    )
    return base.model_copy(
        update={
            "title": "Language models on plain text",
            "metric": "bits_per_byte",
            "metric_label": "bits per byte",
            "arms": tuple(arms),
            "differences": (gap,),
            "samples": (),
            "caveats": (),
            "corpus": base.corpus.model_copy(
                update={"kind": "text", "synthetic": False, "licence": None, "src_lang": "en"}
            ),
            "test_labels": {"test": "test"},
        }
    )


def make_text_details() -> Comparison:
    """Language models with the loss by context, samples and words, as new comparisons have them."""
    base = make_text_corpus()
    details = {arm.name: {"test": text_details(number)} for number, arm in enumerate(base.arms)}
    return base.model_copy(update={"details": details})


def text_details(number: int) -> dict[str, Any]:
    """Details of a language model; a larger number is a worse one."""
    losses = [4.5 + number, 3.0, 2.4, 2.1, 2.0, 2.02]
    points = [
        {"first": 0, "last": 0, "characters": 0.0},
        *({"first": 2**k, "last": 2 ** (k + 1) - 1, "characters": 4.0 * 2**k} for k in range(5)),
    ]
    words = {
        "num_words": 60,
        "counts": [12, 8, 5, 5, *[1] * 30],
        "frequent": [["the", 12], ["<b>and</b>", 8]],
        "unseen": {"value": 8.3 + number, "low": 4.0, "high": 12.0},
        "repeated": {"value": 0.5, "low": None, "high": None},
    }
    return {
        "window": 256,
        "context": [
            point | {"num_tokens": 5_000, "bits_per_byte": loss, "low": loss - 0.05, "high": loss + 0.05}
            for point, loss in zip(points, losses, strict=True)
        ],
        "continuations": [
            {"prompt": "Once upon", "human": " a time, it says.", "text": f" a hill {number}, <i>they</i> said."},
            {"prompt": "And then", "human": " it ended.", "text": ""},
        ],
        "num_samples": 32,
        "sample_characters": 500,
        "seed": 0,
        "words": words,
        "human_words": words | {"unseen": {"value": 3.1, "low": 1.0, "high": 5.0}},
        "training_characters": 1_000_000,
        "training_is_whole": number == 0,
    }


def make_many(count: int = 20) -> Comparison:
    """More arms than colours."""
    return make(seeds=(0,), names=[f"ablation-{k:02d}-with-a-rather-long-name" for k in range(count)])


def with_sample(comparison: Comparison, src: str, ref: str, output: str) -> Comparison:
    """The comparison with one further sample, of which every arm's output is `output`."""
    sample = Sample(
        test=next(iter(comparison.test_labels)), src=src, ref=ref, outputs={arm.name: output for arm in comparison.arms}
    )
    return comparison.model_copy(update={"samples": (*comparison.samples, sample)})
