"""A claim that is tested in seconds: two arms on tiny lists, and a measurement."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import NATS, WORDS, Part, bars, contrast
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.corpus.corpus import Corpus
from seqloom.corpus.settings import CorpusSettings
from seqloom.experiment.arms import ATTENTIVE, RECURRENT, Test, arm
from seqloom.experiment.runner import ExperimentRunner
from seqloom.run.load import Run

PROBE = "tests.unit.claims.mini:count_words"


def count_words(run: Run, corpus: Corpus) -> dict[str, int | str]:
    return {"words": len(next(iter(corpus.tests["test"].pairs())).src.split()), "name": run.recipe.name}


def cost(factor: float) -> dict[str, float]:
    return {"1": factor * 1.0, "2": factor * 2.0}


def study(runner: ExperimentRunner, protocol: Protocol) -> Finding:
    corpus = runner.corpus or CorpusSettings(data="copy", size=120)
    arms = {
        recipe: arm(recipe, corpus, protocol.steps, small=True, tests=(Test("test", 8),), probes=(PROBE,))
        for recipe in (RECURRENT, ATTENTIVE)
    }
    trained = list(runner.train(arms, seeds=protocol.seeds, measure=WORDS).values())
    rounds = runner.measure("tests.unit.claims.mini:cost", {"factor": 3}, rounds=protocol.seeds)
    question = ask("Is one lower?", contrast(NATS, Part(1, trained[0]), Part(-1, trained[1])), unit=NATS.unit)
    return Finding(
        (question,),
        (chart("words", "test", "%", bars(WORDS, trained)), chart("cost", "n", "s", (measured("all", rounds),))),
    )


MINI = Claim(
    number=1,
    name="mini",
    statement="One is better than the other.",
    source="nobody",
    published="nothing",
    against="everything",
    supports="a difference",
    contradicts="none",
    protocols={
        "quick": Protocol("two seeds", seeds=2, steps=2),
        "standard": Protocol("two seeds, three rates", seeds=2, steps=2),
    },
    study=study,
    takes_data=True,
)
ELSEWHERE = Claim(
    **{
        **{field: getattr(MINI, field) for field in MINI.__dataclass_fields__},
        "number": 2,
        "name": "elsewhere",
        "protocols": {"standard": MINI.protocols["standard"]},
    }
)
