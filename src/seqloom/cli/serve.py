"""`seqloom serve`: serves runs over HTTP, with known APIs and a web page, until it is stopped."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from seqloom.cli import options
from seqloom.cli.lines import announce
from seqloom.errors import ConfigError
from seqloom.messages import counted

_KEY_VARIABLE = "SEQLOOM_API_KEY"

_EPILOG = """\
endpoints:
  /                                   a page to try, compare and explain runs; it loads nothing from other sites
  /translate /languages /detect       LibreTranslate's API: a run of pairs is found by its two languages
  /v1/models /v1/completions          OpenAI's API, streaming included: a run is named by its folder's name
  /tokenize /detokenize               text to token ids and back
  /generate /runs                     our own: any decoding setting, n-best lists with scores
  /explain                            our own: explains how a run processes a text, as seqloom explain --json
  /surprise                           our own: the surprise of language models at each token of a text
  /openapi.json                       describes all APIs
  /health /metrics                    for monitoring; the metrics are in Prometheus's format

examples:
  seqloom serve runs/de-en                            then open http://127.0.0.1:8000
  seqloom serve runs/rnn runs/transformer runs/lm     several runs, side by side
  curl -d q="ein Hund" -d source=de -d target=en http://127.0.0.1:8000/translate
  SEQLOOM_API_KEY=$(openssl rand -hex 16) seqloom serve runs/de-en --host 0.0.0.0

Without a key, everyone who can reach the address may use the server. Requests that arrive together are decoded in one batch;
each gets the result that it would get alone. The log (JSON lines on standard error) holds no text of a user. After Ctrl-C or
SIGTERM the server finishes accepted requests and rejects new ones. More: docs/serving.md"""

MISSING = "serving needs packages that are not installed ({name}): pip install 'seqloom[serve]'"

# Options that are fields of RequestLimits, with their metavars.
_LIMITS = {
    "max_body_bytes": "BYTES",
    "max_chars": "N",
    "max_texts": "N",
    "max_beam": "N",
    "max_tokens": "N",
    "max_seconds": "S",
    "max_requests": "N",
    "queue": "N",
    "explained_tokens": "N",
    "explanations": "N",
    "batch": "N",
    "prefix_cache_bytes": "BYTES",
    "wait_ms": "MS",
}


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Adds the parser of `seqloom serve`."""
    parser = subparsers.add_parser(
        "serve",
        help="answer requests over HTTP, with a page to try runs",
        description="Serve runs over HTTP: a page, LibreTranslate's and OpenAI's APIs, and one of our own.",
        epilog=_EPILOG,
    )
    parser.add_argument("runs", nargs="+", type=Path, metavar="RUN", help="a run folder; its name is the model's name")
    group = parser.add_argument_group("access")
    group.add_argument(
        "--host", default="127.0.0.1", help="the address to listen on (default: 127.0.0.1, this machine)"
    )
    group.add_argument("--port", type=_port, default=8000, metavar="N", help="default: 8000; 0 takes any free port")
    group.add_argument(
        "--api-key",
        action="append",
        default=[],
        metavar="KEY",
        help=f"a key that requests must give; may be repeated. Others on the machine can see it; {_KEY_VARIABLE} hides it",
    )
    group.add_argument(
        "--cors",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="a site whose pages may read answers, such as https://example.org, or * (default: none)",
    )
    decoding = parser.add_argument_group("decoding")
    decoding.add_argument(
        "--engine",
        choices=("seqloom", "ctranslate2"),
        default="seqloom",
        help="the program that decodes (default: seqloom); ctranslate2 takes exported folders too, but cannot sample or "
        "stream by token",
    )
    decoding.add_argument(
        "--workers",
        type=options.positive,
        default=1,
        metavar="N",
        help="batches that are decoded in parallel; they share the cores (default: 1)",
    )
    limits = parser.add_argument_group(
        "limits", "Requests above a limit are rejected, so that they do not slow down others."
    )
    for name, metavar in _LIMITS.items():
        limits.add_argument(f"--{name.replace('_', '-')}", type=_number(name), metavar=metavar, help=_help(name))
    options.add_common_options(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serves until the process gets SIGINT or SIGTERM."""
    from seqloom.serve.limits import RequestLimits

    overrides = {name: getattr(arguments, name) for name in _LIMITS if getattr(arguments, name) is not None}
    limits = RequestLimits.parse(overrides, source="the limits")
    keys = [*arguments.api_key, *([os.environ[_KEY_VARIABLE]] if _KEY_VARIABLE in os.environ else [])]
    if not all(key.strip() for key in keys):
        raise ConfigError(f"--api-key, {_KEY_VARIABLE}: a key is empty; give a key that is not empty")
    try:
        from seqloom.serve.server import serve
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in (
            "starlette",
            "python_multipart",
            "uvicorn",
            "prometheus_client",
            "anyio",
            "h11",
        ):
            raise
        raise ConfigError(MISSING.format(name=error.name)) from None

    def on_listening(url: str) -> None:
        announce(url)
        sys.stdout.flush()
        if not arguments.quiet:
            print(f"serving {counted(len(arguments.runs), 'run')} at {url}; Ctrl-C stops", file=sys.stderr, flush=True)
            if not keys and arguments.host not in ("127.0.0.1", "localhost", "::1"):
                print(
                    f"without --api-key, everyone who can reach {arguments.host} may use it",
                    file=sys.stderr,
                    flush=True,
                )

    serve(
        arguments.runs,
        host=arguments.host,
        port=arguments.port,
        limits=limits,
        keys=keys,
        origins=arguments.cors,
        engine=arguments.engine,
        workers=arguments.workers,
        log=None if arguments.quiet else sys.stderr,
        on_listening=on_listening,
        **options.placement(arguments),
    )
    return 0


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65_535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: a number from 0 to 65535")
    return int(text)


def _number(name: str) -> Any:
    parsers = {
        "max_seconds": options.positive_float,
        "wait_ms": options.zero_or_more,
        "prefix_cache_bytes": options.count,
    }
    return parsers.get(name, options.positive)


# The descriptions of RequestLimits, repeated here so that other commands do not import pydantic.
_HELP = {
    "max_body_bytes": "bytes of a request's body (default: 1048576)",
    "max_chars": "characters of a text (default: 5000)",
    "max_texts": "texts of a request; each line and each sample counts (default: 128)",
    "max_beam": "beam size and alternatives of a text (default: 8)",
    "max_tokens": "tokens of an output (default: 1024)",
    "max_seconds": "from a request to its answer; later is 503 (default: 30)",
    "max_requests": "requests that are being answered; more are 503 (default: 512)",
    "queue": "texts that wait to be decoded; more are 503 (default: 512)",
    "explained_tokens": "tokens of a text that is explained, and of its output (default: 64)",
    "explanations": "explanations queued or running; more are 503 (default: 32)",
    "batch": "texts that are decoded together; larger batches are hardly faster and need more memory (default: 32)",
    "prefix_cache_bytes": "memory of each language model for prompts that were read; 0: none (default: 67108864)",
    "wait_ms": "how long a text waits for others to be decoded with (default: 2)",
}


def _help(name: str) -> str:
    return _HELP[name]
