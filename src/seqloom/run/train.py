"""`train`: a recipe and a corpus become a run folder, or an unfinished run is continued."""

import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

from seqloom import machine
from seqloom.arguments import as_path, check_changes, check_seed, check_threads, check_type
from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.settings import as_corpus_settings
from seqloom.errors import CheckpointError, ConfigError
from seqloom.files import check_not_read, write_text
from seqloom.messages import command_line
from seqloom.models import model_class
from seqloom.progress import Progress, Silent
from seqloom.recipes import Recipe, load_recipe
from seqloom.run.data import open_run_corpus
from seqloom.run.differences import Wanted, find_differences
from seqloom.run.folder import check_free, check_links, check_outside
from seqloom.run.info import check_model_settings, read_info
from seqloom.run.load import WEIGHTS, Run, load, read_recipe
from seqloom.run.prepare import prepare
from seqloom.run.training_run import RunOptions, train_prepared
from seqloom.run.weights import check_weights
from seqloom.tokenizer import Tokenizer
from seqloom.training import Budget
from seqloom.training.checkpoint import checkpoint_folder, has_checkpoint
from seqloom.training.distributed import World, check_processes, joined

DEFAULT_BUDGET = Budget(minutes=10)


def train(
    recipe: str | Path | Recipe | None = None,
    corpus: CorpusSettings | str | Path | None = None,
    *,
    budget: Budget | None = None,
    out: Path | str | None = None,
    changes: Sequence[str] | Mapping[str, Any] = (),
    start_from: Path | str | None = None,
    resume: bool = False,
    seed: int | None = None,
    device: str = "auto",
    threads: int | None = None,
    progress: Progress | None = None,
) -> Run:
    """Trains one recipe on one corpus. Processes that torchrun started train it together; each of them returns the run.

    Its many parameters are the options of `seqloom train`, each with a default.

    Args:
        recipe: a named recipe, a YAML file, or a Recipe; transformer-tiny where none is named.
        corpus: a named data set, a file, or settings; the recipe's own where none is named.
        budget: how long to train; the recipe's, or ten minutes.
        out: the run folder; by default one under runs/, named after recipe and corpus.
        changes: settings to change, `["model.dropout=0.1"]` or nested values.
        start_from: a run whose weights and tokenizer to start from.
        resume: continue the run in `out`; recipe, corpus, budget and seed are the run's own.
        seed: where all randomness comes from; 0 where none is given.

    Returns:
        The trained run, ready for use.

    Raises:
        SeqloomError: settings, data or the folder are not what they should be.
    """
    begin = time.perf_counter()
    machine.choose_device(device)
    threads = check_threads(threads)
    if seed is not None:
        seed = check_seed(seed)
    check_changes(changes)
    if budget is not None:
        check_type(budget, Budget, "budget", "a Budget, such as seqloom.Budget(steps=1000)")
    out = as_path(out, "out") if out is not None else None
    start_from = as_path(start_from, "start_from") if start_from is not None else None
    with joined(device) as world, world.one_message():
        progress = progress if progress is not None and world.is_main else Silent()
        world.check_same(
            {
                "recipe": recipe if isinstance(recipe, str) else repr(recipe),
                "changes of settings": repr(changes),
                "budget": str(budget),
                "--out": str(out),
                "--from": str(start_from),
                "--resume": str(resume),
                "seed": str(seed),
                "version of seqloom": version("seqloom"),
                "version of torch": version("torch"),
            }
        )
        if resume:
            if out is None:
                raise ConfigError("--resume: say which run to continue, by --out RUN")
            if start_from is not None:
                raise ConfigError("--resume continues a run as it was begun, --from begins a new one: keep one of them")
            _check_same(out, recipe, budget, changes, seed)
            named = as_corpus_settings(corpus) if corpus is not None else None
            return _resume(out, named, device=device, threads=threads, progress=progress, world=world)
        if recipe is None and start_from is not None:
            recipe = read_recipe(start_from)
        chosen = load_recipe("transformer-tiny" if recipe is None else recipe, changes)
        by_counting = model_class(chosen.model).fitted_by_counting
        if by_counting:
            _check_counting(chosen, budget, start_from, world)
        else:
            check_processes(chosen.training, world.size)
        settings = as_corpus_settings(corpus) if corpus is not None else chosen.corpus
        if settings is None:
            raise ConfigError(
                f"{chosen.name}: there is nothing to train on: name a corpus, by --data NAME or --data FILE"
            )
        settings = chosen.reading(settings)
        located = settings.located()
        chosen = chosen.model_copy(update={"corpus": located})
        folder = out
        if folder is not None:
            check_free(folder)
            check_outside(folder, (located.data, located.val, located.test))
        if start_from is not None:
            read_recipe(start_from)  # An error before the corpus is read, if this is not a run.
        with world.first_on_machine():
            opened = open_corpus(settings, progress)
        for note in opened.notes:
            progress.say(note)
        folder = folder or Path("runs") / f"{chosen.name}-{_slug(opened.name)}"
        check_free(folder)
        check_outside(folder, (located.data, located.val, located.test))
        # This run overwrites the files of a run that ended early in this folder; none of them may be a file that is read as data.
        for path in folder.rglob("*") if folder.is_dir() else ():
            check_not_read(path, "--out", settings.paths())
        tokenizer = None
        if start_from is not None:
            tokenizer = Tokenizer.load(start_from / "tokenizer.json", within=start_from)
            if "tokenizer" in _changed_parts(changes) and chosen.tokenizer != tokenizer.settings:
                raise ConfigError(
                    "--from brings its own tokenizer, which the changes to tokenizer.… do not fit; leave one of them out"
                )
            chosen = chosen.model_copy(update={"tokenizer": tokenizer.settings})
            # The weights are checked before the corpus is encoded and before anything is allocated.
            check_weights(chosen.model, tokenizer.vocab, start_from / WEIGHTS, within=start_from)
        with world.first_on_machine():
            prepared = prepare(opened, chosen, tokenizer=tokenizer, progress=progress)
        options = RunOptions(
            None if by_counting else budget or chosen.training.budget or DEFAULT_BUDGET,
            folder,
            check_seed(seed),
            device=device,
            threads=threads,
            start_from=start_from,
            setup_seconds=time.perf_counter() - begin,
            progress=progress,
            world=world,
        )
        return train_prepared(chosen, prepared, options)


def _check_counting(recipe: Recipe, budget: Budget | None, start_from: Path | None, world: World) -> None:
    """A model that is fitted by counting has no budget, starts from nothing, and is fitted in one process."""
    if world.size > 1:
        raise ConfigError(f"{recipe.name} is fitted by counting, in one process: start it without torchrun")
    if budget is not None:
        raise ConfigError(
            f"{recipe.name} is fitted by counting, in one pass over the data, so {budget} would be ignored: leave out --steps, "
            "--tokens, --minutes and --like"
        )
    if start_from is not None:
        raise ConfigError(
            f"--from: {recipe.name} is fitted by counting, so it cannot start from the weights of a run: leave --from out"
        )


def _check_same(
    folder: Path,
    recipe: str | Path | Recipe | None,
    budget: Budget | None,
    changes: Sequence[str] | Mapping[str, Any],
    seed: int | None,
) -> None:
    """Checks that arguments given with --resume are those that the run was begun with; the data may have another path."""
    saved = read_recipe(folder).model_copy(update={"corpus": None})
    named = load_recipe(recipe or saved, changes) if recipe is not None or changes else None
    differs = [
        f"{item.name} (the run: {item.stored}, now: {item.wanted})"
        for item in find_differences(folder, Wanted(recipe=named, budget=budget, seed=seed))
    ]
    if differs:
        raise ConfigError(
            f"--resume: {folder} was begun with other settings, which cannot be changed: {'; '.join(differs)}. Name only the run "
            f"({command_line('train', '--resume', '--out', folder)}), or begin a new run from its weights (--from)"
        )


def _resume(
    folder: Path, named: CorpusSettings | None, *, device: str, threads: int | None, progress: Progress, world: World
) -> Run:
    check_links(folder)
    info = read_info(folder)
    recipe = read_recipe(folder)
    check_processes(recipe.training, world.size, resume=True)
    by_counting = model_class(recipe.model).fitted_by_counting
    if by_counting and info.result is not None:
        progress.say(f"{folder}: this model was fitted by counting, and is complete; there is nothing to continue")
        return load(folder, device=device, threads=threads)
    with world.first_on_machine():
        corpus, opened = open_run_corpus(folder, recipe.corpus, info.corpus, progress, named=named)
    tokenizer = Tokenizer.load(folder / "tokenizer.json", within=folder)
    if tokenizer.hash != info.tokenizer.hash:
        raise CheckpointError(f"{folder}/tokenizer.json: not the tokenizer that this run was trained with; restore it")
    check_model_settings(info, recipe.model.model_dump(mode="json"), folder)
    if has_checkpoint(folder):
        # Before anything is allocated, and before the corpus is encoded.
        check_weights(recipe.model, tokenizer.vocab, checkpoint_folder(folder) / "model.safetensors", within=folder)
    if corpus.located() != recipe.corpus:
        # The recipe stores the new paths, so that later uses of the run, such as an evaluation, find the data.
        recipe = recipe.model_copy(update={"corpus": corpus.located()})
        if world.is_main:
            write_text(folder / "recipe.yaml", recipe.to_yaml())
    with world.first_on_machine():
        prepared = prepare(opened, recipe, tokenizer=tokenizer, progress=progress)
    options = RunOptions(
        None if by_counting else Budget.parse(info.budget, source=str(folder / "run.json")),
        folder,
        info.seed,
        device=device,
        threads=world.num_threads(threads, info.environment.num_threads),
        # Without a checkpoint (the run was killed before its first one) it starts again from the beginning.
        resume=has_checkpoint(folder),
        setup_seconds=info.setup_seconds,
        progress=progress,
        world=world,
    )
    return train_prepared(recipe, prepared, options)


def _changed_parts(changes: Sequence[str] | Mapping[str, Any]) -> set[str]:
    names = changes if isinstance(changes, Mapping) else [change.partition("=")[0] for change in changes]
    return {name.strip().split(".")[0] for name in names}


def _slug(text: str) -> str:
    return "".join(c if c.isalnum() or c in "-_" else "-" for c in text).strip("-") or "corpus"
