"""Claim 14: larger models train efficiently."""

from statistics import fmean

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.costs import exponent
from seqloom.claims.effects import NATS, Part, contrast, point
from seqloom.claims.protocols import translation_arm
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.claims.verdict import ChartSeries, Contrast, Term
from seqloom.experiment.arms import MULTI30K, TRANSFORMER
from seqloom.experiment.runner import ExperimentRunner


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    """Measures what training of growing widths makes of the processor, and trains some of them on equally many tokens."""
    rounds = runner.measure(
        "seqloom.claims.costs:flops_by_width",
        {"widths": protocol["measured"], "seconds": protocol["seconds"]},
        rounds=protocol.seeds,
    )
    corpus = runner.corpus or MULTI30K
    widths: list[int] = protocol["trained"]
    arms = {
        width: translation_arm(
            protocol,
            TRANSFORMER,
            corpus,
            {} if width == 128 else {"model": {"d_model": width, "d_ff": 2 * width, "num_heads": width // 32}},
            variant="" if width == 128 else f"width {width}",
        )
        for width in widths
    }
    results = runner.train(arms, seeds=protocol.seeds, measure=NATS)
    small, large = min(widths), max(widths)
    speeds = tuple(exponent(item) for item in rounds)
    questions = (
        ask(
            f"On equally many tokens, is the cross-entropy of width {large} lower than that of width {small}?",
            contrast(NATS, Part(1, results[small]), Part(-1, results[large])),
            unit=NATS.unit,
            margin=0.01,
        ),
        ask(
            "Does a wider model use more of the processor?",
            Contrast(terms=(Term(arm="Transformer", weight=1, values=speeds),)),
            unit="exponent of operations a second over width",
            margin=0.1,
        ),
    )
    losses = tuple(point(float(width), NATS, results[width]) for width in widths)
    charts = (
        chart(
            "Cross-entropy after equally many tokens",
            "width",
            "nats a token",
            (ChartSeries(label="Transformer", points=losses),),
            log_x=True,
        ),
        chart(
            "Operations a second while training",
            "width",
            "floating-point operations a second",
            (measured("Transformer", rounds),),
            log=True,
        ),
    )
    costs = {width: fmean(run.info.finished.train_seconds for run in item.runs) for width, item in results.items()}
    text = "; ".join(f"width {width}: {seconds:.0f} s" for width, seconds in costs.items())
    return Finding(questions, charts, (f"Wider models take longer for the same tokens: {text}.",))


CLAIM = Claim(
    number=14,
    name="larger-models",
    statement="Larger models train efficiently: they learn more from the same tokens, and use the processor better.",
    source="Kaplan 2020, section 3 and figure 2",
    published="loss falls with a power of about 0.076 of the parameters, and larger models need fewer samples",
    against="Where data is scarce a larger model only overfits sooner; here the corpus is small.",
    supports="Lower cross-entropy at the largest width, and operations a second that grow with width.",
    contradicts="No gain from width, or a processor used no better.",
    protocols={
        "standard": Protocol(
            "Three seeds, three learning rates; Multi30k; widths 64, 128 and 192; 200 steps; operations at widths 32 to 512.",
            steps=200,
            options={"measured": [32, 64, 128, 256, 512], "seconds": 1.0, "trained": [64, 128, 192], "sentences": 500},
        ),
        "thorough": Protocol(
            "Five seeds, three learning rates; Multi30k; widths 64 to 512; 5,000 steps; operations at widths 32 to 1,024.",
            seeds=5,
            steps=5000,
            options={
                "measured": [32, 64, 128, 256, 512, 1024],
                "seconds": 3.0,
                "trained": [64, 128, 256, 512],
                "sentences": 1000,
            },
        ),
    },
    study=study,
    takes_data=True,
)
