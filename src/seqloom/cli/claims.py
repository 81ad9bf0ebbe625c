"""`seqloom claims`: tests common claims about recurrent networks and Transformers; writes verdicts and a report."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seqloom.cli import options
from seqloom.cli.lines import announce, as_text, print_json
from seqloom.cli.progress import shown
from seqloom.cli.streams import results_are_wanted

if TYPE_CHECKING:
    from seqloom.claims.claim import Claim
    from seqloom.claims.verdict import Verdicts

_EPILOG = """\
examples:
  seqloom claims list                                          all claims, one per line
  seqloom claims show copying                                  the claim, its source, and how it is tested
  seqloom claims run copying order --effort quick --out claims
  seqloom claims run --all --out claims                        takes minutes; slow claims show stored results
  seqloom claims run reversed-source --data pairs.tsv --effort standard --out claims
  nice seqloom claims queue --out ~/claims-queue               hours: growing budgets until all arms have converged
  seqloom claims queue --plan --out ~/claims-queue             minutes: how many hours that would take
  seqloom claims report claims --predict                       rewrites claims/report.html with collapsed verdicts

A claim is supported, contradicted or inconclusive, with the effect, its interval over seeds, and the figure that was published.
After Ctrl-C the same command continues; finished work is kept."""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom claims`."""
    parser = subparsers.add_parser(
        "claims",
        help="test common claims about RNNs and Transformers",
        description="Test common claims about recurrent networks and Transformers on your own machine, with intervals.",
        epilog=_EPILOG,
    )
    actions = parser.add_subparsers(title="actions", dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="all claims, one per line")
    showing = actions.add_parser("show", help="one claim: its source, its protocol, its decision rule")
    showing.add_argument("name", metavar="NAME", help="a name or number of `seqloom claims list`")
    for action in (listing, showing):
        action.add_argument("--json", action="store_true", help="print the result as JSON")
        action.add_argument("--quiet", action="store_true", help="no progress")
    running = actions.add_parser("run", help="test claims; writes verdicts.json and report.html")
    running.add_argument("names", nargs="*", metavar="NAME", help="names or numbers of claims")
    group = running.add_argument_group("claims")
    group.add_argument("--all", action="store_true", help="all claims")
    group.add_argument(
        "--effort",
        choices=("quick", "standard", "thorough", "ladder"),
        default="quick",
        help="quick: minutes for all, with stored verdicts of claims that take longer; standard: about ten minutes for "
        "each claim on 2 cores; thorough: for large machines; ladder: growing budgets until all arms have converged, hours "
        "(default: quick)",
    )
    group.add_argument(
        "--seeds", type=options.positive, metavar="K", help="runs of each arm (default: the claim's own)"
    )
    group.add_argument(
        "--workers",
        type=options.positive,
        metavar="N",
        help="parallel runs, one thread each (default: the number of cores)",
    )
    group.add_argument("--out", type=Path, required=True, metavar="DIR", help="where runs, verdicts and report go")
    options.add_data_options(running)
    options.add_common_options(running, device=False, json=True)
    queueing = actions.add_parser(
        "queue",
        help="claims about quality up a ladder of budgets, on one thread; Ctrl-C saves, the same command continues",
    )
    queueing.add_argument(
        "names", nargs="*", metavar="NAME", help="names or numbers of claims (default: all that have a ladder)"
    )
    queueing.add_argument("--out", type=Path, required=True, metavar="DIR", help="where runs, verdicts and report go")
    queueing.add_argument(
        "--results",
        type=Path,
        metavar="FILE",
        help="add each finished run to this .jsonl file, without weights, and remove its weights from DIR; runs in the file "
        "count as finished, also without DIR",
    )
    queueing.add_argument(
        "--plan",
        action="store_true",
        help="train nothing: time a few updates of each arm, and print the runs that are left with their hours",
    )
    queueing.add_argument("--json", action="store_true", help="print the verdicts, or the plan, as JSON instead")
    queueing.add_argument("--quiet", action="store_true", help="no progress")
    reporting = actions.add_parser("report", help="rewrite report.html from the verdicts of a folder")
    reporting.add_argument("folder", type=Path, metavar="DIR", help="the --out of `seqloom claims run`")
    reporting.add_argument(
        "--predict", action="store_true", help="collapse the verdicts, so that readers predict first"
    )
    reporting.add_argument("--json", action="store_true", help="print the verdicts as JSON instead")
    reporting.add_argument("--quiet", action="store_true", help="no progress")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Lists, shows, runs or reports."""
    actions: dict[str, Callable[[argparse.Namespace], int | None]] = {
        "list": _list,
        "show": _show,
        "run": _run,
        "queue": _queue,
        "report": _report,
    }
    return actions[arguments.action](arguments) or 0


def _list(arguments: argparse.Namespace) -> None:
    from seqloom.claims.claim import claims

    facts = [_facts(claim) for claim in claims().values()]
    if arguments.json:
        print_json(facts)
        return
    from rich.table import Table

    from seqloom.cli.console import SafeConsole

    table = Table("", "claim", "says", "efforts", box=None, pad_edge=False)
    for row in facts:
        table.add_row(str(row["number"]), row["name"], row["statement"], ", ".join(row["protocols"]))
    SafeConsole().print(table)


def _show(arguments: argparse.Namespace) -> None:
    from seqloom.claims.claim import find_claim

    claim = find_claim(arguments.name)
    facts = _facts(claim) | _recorded(claim)
    if arguments.json:
        print_json(facts)
        return
    print("\n".join(as_text(facts)))


def _run(arguments: argparse.Namespace) -> int:
    from seqloom.errors import ConfigError

    if arguments.all == bool(arguments.names):
        raise ConfigError("claims run: name the claims (`seqloom claims list` shows them), or say --all")
    corpus = options.corpus_settings(arguments) if options.corpus_given(arguments) else None
    from seqloom.claims.running import run_claims

    with shown(quiet=arguments.quiet) as progress:
        verdicts = run_claims(
            arguments.names or None,
            effort=arguments.effort,
            out=arguments.out,
            seeds=arguments.seeds,
            corpus=corpus,
            workers=arguments.workers,
            progress=progress,
        )
    for failure in verdicts.failures:
        print(f"seqloom: {failure}", file=sys.stderr)
    _deliver(verdicts, arguments.out, json=arguments.json)
    return 1 if verdicts.failures else 0


def _queue(arguments: argparse.Namespace) -> None:
    from seqloom.claims.queue import run_queue

    if arguments.plan:
        _plan(arguments)
        return
    with shown(quiet=arguments.quiet) as progress:
        verdicts = run_queue(arguments.out, arguments.names or None, results=arguments.results, progress=progress)
    _deliver(verdicts, arguments.out, json=arguments.json)


def _plan(arguments: argparse.Namespace) -> None:
    from dataclasses import asdict

    from seqloom.claims.plan import BUDGET_HOURS, plan_queue
    from seqloom.claims.queue import choose_claims
    from seqloom.experiment.results_file import ResultsFile

    results = ResultsFile(arguments.results) if arguments.results is not None else None
    with shown(quiet=arguments.quiet) as progress:
        rungs = plan_queue(choose_claims(arguments.names or None), arguments.out, results=results, progress=progress)
    if arguments.json:
        print_json([asdict(rung) for rung in rungs])
        return
    from rich.table import Table

    from seqloom.cli.console import SafeConsole

    table = Table("", "claim", "updates", "arms", "seeds", "runs left", "hours", "at most", box=None, pad_edge=False)
    for rung in rungs:
        seeds = "-".join(map(str, dict.fromkeys(rung.seeds)))
        row = (rung.number, rung.claim, f"{rung.steps:,}", rung.arms, seeds, rung.runs)
        table.add_row(*map(str, row), f"{rung.hours:.2f}", f"{rung.most_hours:.2f}")
    SafeConsole().print(table)
    least, most = sum(rung.hours for rung in rungs), sum(rung.most_hours for rung in rungs)
    print(
        f"{least:.1f} hours of one thread for all budgets with the fewest seeds, {most:.1f} at most; "
        f"the budget is {BUDGET_HOURS:g}. A ladder ends earlier where all arms have converged."
    )


def _report(arguments: argparse.Namespace) -> None:
    from seqloom.claims.running import read_verdicts

    _deliver(read_verdicts(arguments.folder), arguments.folder, json=arguments.json, predict=arguments.predict)


def _deliver(verdicts: "Verdicts", folder: Path, *, json: bool, predict: bool = False) -> None:
    """Writes report.html of all verdicts in the folder, and prints those given."""
    from seqloom.claims.running import read_verdicts
    from seqloom.report.claims_page import write_claims_report
    from seqloom.report.claims_terminal import claims_table

    report = folder / "report.html"
    write_claims_report(read_verdicts(folder), report, predict=predict)
    if json:
        print_json(verdicts)
        return
    if results_are_wanted():
        from seqloom.cli.console import SafeConsole

        SafeConsole().print(claims_table(verdicts))
    announce(f"report: {report.resolve()}")


def _facts(claim: "Claim") -> dict[str, Any]:
    return {
        "number": claim.number,
        "name": claim.name,
        "statement": claim.statement,
        "source": claim.source,
        "published": claim.published,
        "against": claim.against,
        "supported by": claim.supports,
        "contradicted by": claim.contradicts,
        "protocols": {effort: protocol.description for effort, protocol in claim.protocols.items()},
        "own data": "yes" if claim.takes_data else "no",
        **({"why we differ": claim.reasons} if claim.reasons else {}),
    }


def _recorded(claim: "Claim") -> dict[str, Any]:
    """The recorded result at standard effort: each question with its effect and the effect that it needs."""
    from seqloom.claims.running import recorded
    from seqloom.report.claims_wording import estimate, machine, requirement

    verdict = next((item for item in recorded().verdicts if item.claim == claim.name), None)
    if verdict is None:
        return {}
    return {
        "recorded": verdict.verdict,
        "recorded on": f"{verdict.environment.get('date', 'an unknown date')}, {machine(verdict.environment)}",
        "questions": {
            question.text: f"{estimate(question)} {question.unit}; asked for: {requirement(question)}; {question.answer}"
            for question in verdict.questions
        },
    }
