"""The command line of a run says what was asked for, and no more."""

import shlex

from seqloom.corpus import CorpusSettings
from seqloom.recipes import load_recipe
from seqloom.run.command import training_command
from tests.explanation_factory import make_run
from tests.run_info import make_result_info, make_run_info


def command(changes=(), name="transformer-tiny", corpus=None, **values):
    run = make_run("transformer")
    settings = corpus or CorpusSettings(data="numbers-en-de")
    run.recipe = load_recipe(name, changes).model_copy(update={"corpus": settings})
    run.info = make_run_info(**({"result": make_result_info()} | values))
    found = training_command(run)
    return None if found is None else shlex.split(found, comments=True)


def test_a_named_recipe_is_called_by_its_name():
    assert command() == shlex.split("seqloom train transformer-tiny --data numbers-en-de --steps 300 --out runs/none")


def test_changes_make_the_recipe_that_was_trained():
    asked = ("model.d_model=64", "training.learning_rate=0.01", "tokenizer.kind=words", "model.qk_norm=true")
    words = command(asked)
    changes = words[words.index("--set") + 1 : words.index("--out")]
    assert sorted(changes) == sorted(asked)
    assert load_recipe("transformer-tiny", changes) == load_recipe("transformer-tiny", asked)


def test_what_was_asked_of_the_corpus_and_the_seed_are_told():
    words = command(corpus=CorpusSettings(data="numbers-en-de", size=500, from_lang="en"), seed=4)
    assert words[words.index("--size") + 1] == "500"
    assert words[words.index("--from-lang") + 1] == "en"
    assert words[words.index("--seed") + 1] == "4"


def test_minutes_say_how_many_steps_they_were():
    run = make_run("transformer")
    run.recipe = load_recipe("rnn-tiny").model_copy(update={"corpus": CorpusSettings(data="copy")})
    run.info = make_run_info(budget={"minutes": 2.5}, result=make_result_info(steps=1234))
    assert training_command(run).endswith("--minutes 2.5 --out runs/none  # 1,234 steps")


def test_runs_that_do_not_say_have_none():
    assert command(budget={}) is None
    assert command(started_from="runs/other") is None


def test_a_recipe_without_a_name_of_ours_is_the_runs_own():
    run = make_run("transformer")
    recipe = run.recipe.model_copy(update={"corpus": CorpusSettings(data="copy")})
    run.recipe = recipe
    run.info = make_run_info(budget={"tokens": 9})
    assert training_command(run) == "seqloom train runs/none/recipe.yaml --data copy --tokens 9 --out runs/none"
