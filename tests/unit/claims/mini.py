"""A claim that is tested in seconds: two arms on tiny lists, and a measurement."""

from seqloom.claims.claim import Claim, Finding, Protocol
from seqloom.claims.effects import NATS, WORDS, Part, bars, contrast
from seqloom.claims.rule import ask
from seqloom.claims.series import chart, measured
from seqloom.corpus.settings import CorpusSettings
from seqloom.experiment.arms import ATTENTIVE, RECURRENT, Test, arm

PROBE = "tests.unit.claims.mini:count_words"


def count_words(run, corpus):
    return {"words": len(next(iter(corpus.tests["test"].pairs())).src.split()), "name": run.recipe.name}


def cost(factor):
    return {"1": factor * 1.0, "2": factor * 2.0}


def study(runner, protocol):
    corpus = runner.corpus or CorpusSettings(data="copy", size=120)
    arms = {
        recipe: arm(recipe, corpus, protocol.steps, small=True, tests=(Test("test", 8),), probes=(PROBE,))
        for recipe in (RECURRENT, ATTENTIVE)
    }
    found = list(runner.train(arms, seeds=protocol.seeds, measure=WORDS).values())
    rounds = runner.measure("tests.unit.claims.mini:cost", {"factor": 3}, rounds=protocol.seeds)
    question = ask("Is one lower?", contrast(NATS, Part(1, found[0]), Part(-1, found[1])), unit=NATS.unit)
    return Finding(
        (question,),
        (chart("words", "test", "%", bars(WORDS, found)), chart("cost", "n", "s", (measured("all", rounds),))),
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
