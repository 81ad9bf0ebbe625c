"""Times generation of a language model on a CPU; prints medians as JSON.

    python -m benchmarks.generation --threads 1 > benchmarks/results/generation.json

The model has the size and the shape of a small GPT-2 and random weights, which cost what trained ones do. It measures the time of a
token along a context of 1,024 tokens, one stream and 32 streams against the GPT-2 of `transformers` with its cache and against
CTranslate2 with the same weights (by turns, where they are installed), and what a prefix cache saves. seqloom and `transformers`
multiply by torch's own library: the generator of seqloom chooses it, and `transformers` has no other.
"""

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch

from seqloom import machine
from seqloom.data.batching import Sources
from seqloom.decoding.prefix_cache import CachedPrompts, PrefixCache
from seqloom.decoding.search import search
from seqloom.decoding.settings import DecodingSettings
from seqloom.models import make_model
from seqloom.models.base import Model
from seqloom.models.transformer_lm import TransformerLMSettings
from seqloom.vocabulary import Vocabulary

CONTEXT = 1024
VOCAB_SIZE = 4096
WIDTH, LAYERS, HEADS = 256, 6, 8
BOS, EOS = 1, 2


def clock() -> float:
    """Seconds: with one thread those of the processor, which other programs do not change much; with more, those of the wall."""
    return time.process_time() if torch.get_num_threads() == 1 else time.perf_counter()


def seqloom_model() -> Model:
    """GPT-2's shape: learned positions, norms before sublayers, GELU, tied embeddings."""
    settings = TransformerLMSettings(
        d_model=WIDTH,
        d_ff=4 * WIDTH,
        num_heads=HEADS,
        num_layers=LAYERS,
        positions="learned",
        activation="gelu_tanh",
        max_len=CONTEXT,
        dropout=0.0,
        embedding_scale=False,
    )
    torch.manual_seed(0)
    return make_model(settings, Vocabulary(VOCAB_SIZE, VOCAB_SIZE, shared=True)).eval()


def transformers_model() -> Any:
    """A GPT-2 of the same size; None where `transformers` is not installed."""
    try:
        import transformers
    except ImportError:
        return None
    config = transformers.GPT2Config(
        vocab_size=VOCAB_SIZE,
        n_positions=CONTEXT,
        n_embd=WIDTH,
        n_layer=LAYERS,
        n_head=HEADS,
        bos_token_id=BOS,
        eos_token_id=EOS,
    )
    torch.manual_seed(0)
    return transformers.GPT2LMHeadModel(config).eval()


@torch.inference_mode()
def token_times(model: Model, rows: int, begin_at: int, num_tokens: int) -> list[float]:
    """Milliseconds of each step that generates a token after `begin_at` positions."""
    fed = prompts(rows, begin_at) if begin_at else [[]] * rows
    state = model.start(Sources.pad(fed, pad_id=0))
    ids = torch.full((rows, 1), BOS)
    times = []
    for _ in range(num_tokens):
        begin = clock()
        output = model.step(ids, state)
        state, ids = output.state, output.logits[:, -1].argmax(dim=1, keepdim=True)
        times.append(1000 * (clock() - begin))
    return times


def along_the_context(model: Model, rows: int, rounds: int) -> dict[str, float]:
    """The median time of a token in the first and the last tenth of the context, by turns, and their ratio."""
    # Many streams have many steps' worth of work in each.
    tenth = CONTEXT // 10 if rows == 1 else CONTEXT // 40
    measured: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for begin_at, times in zip((0, CONTEXT - CONTEXT // 10), measured, strict=True):
            times.append(median(token_times(model, rows, begin_at, tenth)))
    first, last = map(median, measured)
    return {"first_tenth_ms": round(first, 3), "last_tenth_ms": round(last, 3), "ratio": round(last / first, 2)}


def prompts(rows: int, length: int) -> list[list[int]]:
    random = np.random.default_rng(0)
    return [[BOS, *random.integers(3, VOCAB_SIZE, length - 1).tolist()] for _ in range(rows)]


def ctranslate2_model(plain: Model, folder: Path) -> Any:
    """CTranslate2's generator with the weights of a model, on one thread; None where `ctranslate2` is not installed."""
    try:
        import ctranslate2
    except ImportError:
        return None
    from seqloom.interop.ctranslate2_spec import make_spec

    weights = {name: tensor.numpy() for name, tensor in plain.state_dict().items()}
    tokens = [f"t{number}" for number in range(VOCAB_SIZE)]
    spec = make_spec(plain.settings, weights, source=tokens, target=tokens)
    spec.validate()
    spec.optimize(None)
    spec.save(str(folder))
    return ctranslate2.Generator(str(folder), inter_threads=1, intra_threads=torch.get_num_threads())


def streams(model: Model, peer: Any, engine: Any, rows: int, num_new: int, rounds: int) -> dict[str, float]:
    """Tokens a second of greedy search by each, by turns."""
    fed = prompts(rows, 32)
    settings = DecodingSettings(beam=1, min_len=num_new, max_len_ratio=0, max_len_offset=num_new)
    sources = Sources.pad([row[:-1] for row in fed], pad_id=0)

    def ours() -> None:
        results = search(model, sources, settings, decoder_prompts=[row[-1:] for row in fed])
        assert all(len(items[0].ids) == num_new for items in results)

    def theirs() -> None:
        options = {"do_sample": False, "use_cache": True, "min_new_tokens": num_new, "max_new_tokens": num_new}
        with torch.inference_mode():
            output = peer.generate(torch.tensor(fed), attention_mask=torch.ones(rows, 32), pad_token_id=0, **options)
        assert output.shape[1] == 32 + num_new

    def engines() -> None:
        named = [[f"t{number}" for number in row] for row in fed]
        options = {"beam_size": 1, "min_length": num_new, "max_length": num_new, "include_prompt_in_result": False}
        results = engine.generate_batch(named, end_token=[f"t{EOS}"], **options)
        assert all(len(item.sequences_ids[0]) == num_new for item in results)

    runs: list[tuple[str, Callable[[], None]]] = [("seqloom", ours)]
    runs += [("transformers", theirs)] if peer is not None else []
    runs += [("ctranslate2", engines)] if engine is not None else []
    speeds: dict[str, list[float]] = {name: [] for name, _ in runs}
    for round_number in range(rounds + 1):
        for name, run in runs:
            begin = clock()
            run()
            if round_number:
                speeds[name].append(rows * num_new / (clock() - begin))
    result = {f"{name}_tokens_per_second": round(median(values), 1) for name, values in speeds.items() if values}
    for name, _ in runs[1:]:
        result[f"times_as_fast_as_{name}"] = round(median(speeds["seqloom"]) / median(speeds[name]), 2)
    return result


def prefix(model: Model, rounds: int) -> dict[str, float]:
    """Milliseconds until a prompt of 768 ids is read, of which 736 were read before: with and without the cache."""
    common, times = prompts(1, 736)[0], {"without": list[float](), "with": list[float]()}
    random = np.random.default_rng(1)
    cached = CachedPrompts(model, PrefixCache(1 << 30))
    with torch.inference_mode():
        for round_number in range(rounds + 1):
            prompt = [*common, *random.integers(3, VOCAB_SIZE, 32).tolist()]
            sources = Sources.pad([prompt], pad_id=0)
            for name, reader in (("without", model), ("with", cached)):
                begin = clock()
                reader.start(sources)
                if round_number:
                    times[name].append(1000 * (clock() - begin))
    without, with_cache = median(times["without"]), median(times["with"])
    return {"without_ms": round(without, 2), "with_ms": round(with_cache, 2), "ratio": round(without / with_cache, 1)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else None)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--new-tokens", type=int, default=256)
    parser.add_argument("--threads", type=int, default=None)
    arguments = parser.parse_args()
    machine.set_threads(arguments.threads)
    # As `seqloom generate` does: products of few rows, whose number changes, are faster with torch's own library.
    with machine.plain_products(), tempfile.TemporaryDirectory() as folder:
        measured = measure(arguments, Path(folder))
    json.dump(measured, sys.stdout, indent=1)
    print()
    return 0


def measure(arguments: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """All results."""
    plain, peer = seqloom_model(), transformers_model()
    model, rounds, engine = plain.inference_model(), arguments.rounds, ctranslate2_model(plain, folder)
    measured: dict[str, Any] = {
        "machine": {
            "cores": machine.available_cores(),
            "threads": torch.get_num_threads(),
            "torch": torch.__version__,
            "clock": "processor" if torch.get_num_threads() == 1 else "wall",
            "load": round(os.getloadavg()[0], 1),
        },
        "model": {"parameters": plain.num_parameters(), "context": CONTEXT, "layers": LAYERS, "width": WIDTH},
        "context": {},
        "against_others": {},
    }
    for rows in (1, 32):
        measured["context"][f"streams {rows}"] = along_the_context(model, rows, rounds)
        against = streams(model, peer, engine, rows, arguments.new_tokens, rounds)
        measured["against_others"][f"streams {rows}"] = against
        print(json.dumps(measured["context"] | {"against": against}), file=sys.stderr)
    measured["prefix_cache"] = prefix(model, rounds)
    return measured


if __name__ == "__main__":
    sys.exit(main())
