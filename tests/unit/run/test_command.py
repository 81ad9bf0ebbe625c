"""The command line of a run has the options that differ from the defaults, and no others."""

import shlex
from collections.abc import Sequence
from typing import Any

from seqloom.corpus import CorpusSettings
from seqloom.recipes import load_recipe
from seqloom.run.command import training_command
from tests.explanation_factory import make_run
from tests.run_info import make_result_info, make_run_info


def command(
    changes: Sequence[str] = (), name: str = "transformer-tiny", corpus: CorpusSettings | None = None, **values: Any
) -> list[str] | None:
    run = make_run("transformer")
    settings = corpus or CorpusSettings(data="numbers-en-de")
    run.recipe = load_recipe(name, changes).model_copy(update={"corpus": settings})
    run.info = make_run_info(**({"result": make_result_info()} | values))
    text = training_command(run)
    return None if text is None else shlex.split(text, comments=True)


def test_a_named_recipe_is_called_by_its_name() -> None:
    assert command() == shlex.split("seqloom train transformer-tiny --data numbers-en-de --steps 300 --out runs/none")


def test_changed_settings_of_the_recipe_are_in_the_command() -> None:
    wanted = ("model.d_model=64", "training.learning_rate=0.01", "tokenizer.kind=words", "model.qk_norm=true")
    words = command(wanted)
    changes = words[words.index("--set") + 1 : words.index("--out")]
    assert sorted(changes) == sorted(wanted)
    assert load_recipe("transformer-tiny", changes) == load_recipe("transformer-tiny", wanted)


def test_corpus_options_and_the_seed_are_in_the_command() -> None:
    words = command(corpus=CorpusSettings(data="numbers-en-de", size=500, from_lang="en"), seed=4)
    assert words[words.index("--size") + 1] == "500"
    assert words[words.index("--from-lang") + 1] == "en"
    assert words[words.index("--seed") + 1] == "4"


def test_a_budget_in_minutes_has_the_steps_in_a_comment() -> None:
    run = make_run("transformer")
    run.recipe = load_recipe("rnn-tiny").model_copy(update={"corpus": CorpusSettings(data="copy")})
    run.info = make_run_info(budget={"minutes": 2.5}, result=make_result_info(steps=1234))
    assert training_command(run).endswith("--minutes 2.5 --out runs/none  # 1,234 steps")


def test_a_run_without_a_budget_or_with_a_start_run_has_no_command() -> None:
    assert command(budget={}) is None
    assert command(started_from="runs/other") is None


def test_a_run_with_an_unknown_recipe_name_uses_its_own_recipe_file() -> None:
    run = make_run("transformer")
    recipe = run.recipe.model_copy(update={"corpus": CorpusSettings(data="copy")})
    run.recipe = recipe
    run.info = make_run_info(budget={"tokens": 9})
    assert training_command(run) == "seqloom train runs/none/recipe.yaml --data copy --tokens 9 --out runs/none"
