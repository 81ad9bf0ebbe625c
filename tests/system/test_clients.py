"""Other people's programs against a server that really runs: lm_eval gives our own numbers, litellm and llm read completions."""

import json
import math
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette")
pytest.importorskip("uvicorn")
pytest.importorskip("prometheus_client")

import seqloom
from seqloom.serve.limits import RequestLimits
from tests.serving import Running, running

WORDS = ("red", "blue", "green", "old", "small", "dog", "cat", "house", "river", "tree")
COMPLETION = {"max_tokens": 20, "temperature": 0}

TASKS = {
    "rolling": """\
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{text}}"
metric_list: [{metric: bits_per_byte}]
""",
    "choice": """\
output_type: multiple_choice
doc_to_text: "{{text}}"
doc_to_choice: "{{choices}}"
doc_to_target: "{{right}}"
target_delimiter: ""
metric_list: [{metric: acc}]
""",
}


def needs(package: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(find_spec(package) is None, reason=f"needs {package}: pip install 'seqloom[clients]'")


def sentences(count: int, seed: int) -> list[str]:
    rng = random.Random(seed)
    return [f"the {rng.choice(WORDS)} {rng.choice(WORDS)} and the {rng.choice(WORDS)}." for _ in range(count)]


@pytest.fixture(scope="module")
def language_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clients")
    (folder / "text.txt").write_text("\n".join(sentences(2000, 0)) + "\n", encoding="utf-8")
    return seqloom.train("ngram", folder / "text.txt", out=folder / "lm", threads=1).folder


@pytest.fixture(scope="module")
def server(language_model: Path) -> Iterator[Running]:
    with running([language_model], RequestLimits(wait_ms=0)) as reached:
        yield reached


@pytest.fixture
def alone(tmp_path: Path) -> dict[str, str]:
    """The environment of a program that has a home of its own and asks nobody else."""
    offline = {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1", "OPENAI_API_KEY": "none"}
    return {**os.environ, **offline, "HOME": str(tmp_path), "HF_HOME": str(tmp_path / "hf"), "NO_PROXY": "*"}


def harness(server: Running, folder: Path, environment: dict[str, str], **tasks: list[dict[str, Any]]) -> Any:
    """The results of lm_eval by task."""
    for name, rows in tasks.items():
        data = folder / f"{name}.jsonl"
        data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
        head = f"task: seqloom_{name}\ndataset_path: json\ndataset_kwargs: {{data_files: {{test: {data}}}}}\ntest_split: test\n"
        (folder / f"{name}.yaml").write_text(head + TASKS[name], encoding="utf-8")
    model = f"model=lm,base_url={server.url}/v1/completions,tokenizer_backend=remote,custom_prefix_token_id=1,max_length=512"
    argv = [
        "-m",
        "lm_eval",
        "run",
        "--model",
        "local-completions",
        "--model_args",
        model,
        "--include_path",
        str(folder),
    ]
    argv += ["--tasks", ",".join(f"seqloom_{name}" for name in tasks), "--output_path", str(folder / "out")]
    done = subprocess.run(
        [sys.executable, *argv], capture_output=True, text=True, cwd=folder, env=environment, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    (results,) = (folder / "out").glob("*/results_*.json")
    return json.loads(results.read_text(encoding="utf-8"))["results"]


@needs("lm_eval")
def test_the_evaluation_harness_gives_our_own_numbers(
    server: Running, language_model: Path, tmp_path: Path, alone: dict[str, str]
) -> None:
    texts = sentences(20, 1)
    rng = random.Random(2)
    choices = []
    for text in texts:
        begin, end = text[: len(text) // 2], text[len(text) // 2 :]
        both = [end, "".join(rng.sample(end, len(end)))]
        right = rng.randrange(2)
        choices.append({"text": begin, "choices": both if right == 0 else both[::-1], "right": right})
    results = harness(server, tmp_path, alone, rolling=[{"text": text} for text in texts], choice=choices)

    run = seqloom.load(language_model, device="cpu", threads=1)
    log_prob = sum(next(iter(run.score_text([text], are_documents=True))).log_prob for text in texts)
    own = -log_prob / math.log(2) / sum(len(text.encode()) for text in texts)
    assert results["seqloom_rolling"]["bits_per_byte,none"] == pytest.approx(own, abs=1e-4)
    assert results["seqloom_choice"]["acc,none"] > 0.9


@needs("litellm")
def test_litellm_reads_a_completion(server: Running, alone: dict[str, str]) -> None:
    program = (
        "import json, litellm\n"
        f"reply = litellm.text_completion(model='text-completion-openai/lm', api_base='{server.url}/v1', api_key='none', "
        f"prompt='the red', **{COMPLETION})\n"
        "print(json.dumps(reply.choices[0].text))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=alone, timeout=120)
    assert done.returncode == 0, done.stderr[-4000:]
    assert json.loads(done.stdout.splitlines()[-1]) == completed(server)


@needs("llm")
@pytest.mark.parametrize("stream", [(), ("--no-stream",)])
def test_llm_reads_a_completion(
    server: Running, tmp_path: Path, alone: dict[str, str], stream: tuple[str, ...]
) -> None:
    (tmp_path / "extra-openai-models.yaml").write_text(
        f"- {{model_id: lm, model_name: lm, api_base: '{server.url}/v1', completion: true}}\n"
    )
    options = [word for name, value in COMPLETION.items() for word in ("-o", name, str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "llm", "-m", "lm", *stream, *options, "the red"],
        capture_output=True,
        text=True,
        env={**alone, "LLM_USER_PATH": str(tmp_path)},
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stdout.strip() == completed(server).strip()


def completed(server: Running) -> str:
    reply = server.ask("/v1/completions", {"model": "lm", "prompt": "the red", **COMPLETION})
    text: str = reply.json["choices"][0]["text"]
    return text
