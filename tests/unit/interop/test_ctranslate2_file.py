"""model.bin and what lies beside it, checked before CTranslate2 opens them."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seqloom.errors import CheckpointError
from seqloom.interop.ctranslate2_file import check_ctranslate2
from seqloom.interop.ctranslate2_spec import make_spec
from seqloom.interop.folder import Manifest
from tests.interop_models import TOKENS, arrays, decoder_only, encoder_decoder, stirred_model

pytest.importorskip("ctranslate2")

MODELS: list[dict[str, Any]] = [
    {},
    {"norm_place": "post"},
    {"positions": "rotary"},
    {"norm": "rms", "activation": "swiglu"},
    {"tied_embeddings": "none"},
]
GROUPED: list[dict[str, Any]] = [
    {"num_kv_heads": 2, "qk_norm": True},
    {"head_dim": 16, "num_kv_heads": 1},
    {"head_dim": 10, "num_heads": 3},
]


def write(folder: Path, settings: Any, quantization: str | None = None) -> None:
    spec = make_spec(settings, arrays(stirred_model(settings)), source=TOKENS, target=TOKENS)
    spec.validate()
    spec.optimize(quantization)
    spec.save(str(folder))


def check(folder: Path, *, is_decoder_only: bool = False, source: list[str] = TOKENS) -> None:
    manifest = Manifest("ctranslate2", "none", is_decoder_only, 64, False, {}, "mine", "")
    check_ctranslate2(folder, manifest, source, TOKENS)


@pytest.mark.parametrize("changes", MODELS, ids=str)
def test_what_an_export_writes_is_whole(changes: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, encoder_decoder(**changes))
    check(tmp_path)


@pytest.mark.parametrize("changes", [*MODELS, {"qk_norm": True}, {"positions": "alibi"}, *GROUPED], ids=str)
def test_what_an_export_of_a_language_model_writes_is_whole(changes: dict[str, Any], tmp_path: Path) -> None:
    write(tmp_path, decoder_only(**changes))
    check(tmp_path, is_decoder_only=True)


@pytest.mark.parametrize(("num_kv_heads", "message"), [(3, "num_heads_kv 3 does not divide 4 heads"), (1, "linear_0")])
def test_grouped_heads_that_do_not_fit_the_matrices(num_kv_heads: int, message: str, tmp_path: Path) -> None:
    write(tmp_path, decoder_only(num_kv_heads=2))
    path = tmp_path / "model.bin"
    # After the name: no dimensions, the type, the number of bytes, the value.
    value = bytes([num_kv_heads])
    path.write_bytes(put(path.read_bytes(), "decoder/layer_0/self_attention/num_heads_kv", 6, value))
    with pytest.raises(CheckpointError, match=message):
        check(tmp_path, is_decoder_only=True)


@pytest.mark.parametrize("quantization", ["int8", "int16", "float16", "bfloat16", "int8_float16"])
def test_quantized_weights_are_whole(quantization: str, tmp_path: Path) -> None:
    write(tmp_path, encoder_decoder(), quantization)
    check(tmp_path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("whole")
    write(folder, encoder_decoder())
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def put(content: bytes, name: str, offset: int, value: bytes) -> bytes:
    """Changes bytes after the name of a variable."""
    begin = content.index(name.encode() + b"\0") + len(name) + 1 + offset
    return content[:begin] + value + content[begin + len(value) :]


MATRIX = "decoder/layer_0/self_attention/linear_1/weight"
DAMAGES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "empty": (lambda _: b"", "damaged"),
    "cut": (lambda content: content[:-40], "damaged"),
    "cut in a matrix": (lambda content: content[: len(content) // 2], "cut short"),
    "longer": (lambda content: content + b"\0", "1 bytes follow its end"),
    "another version": (lambda content: struct.pack("<I", 7) + content[4:], "its format is 7"),
    "another model": (lambda content: content.replace(b"TransformerSpec", b"TransformerXXXX", 1), "TransformerXXXX"),
    "many variables": (lambda content: content[:26] + b"\xff" * 4 + content[30:], "4,294,967,295 variables"),
    "a huge matrix": (lambda content: put(content, MATRIX, 1, b"\xff" * 8), "does not fit its 4,096 bytes"),
    "a flat matrix": (lambda content: put(content, MATRIX, 1, struct.pack("<II", 1, 1024)), "does not fit the model"),
    "another type": (lambda content: put(content, MATRIX, 9, b"\x63"), "is not what an export writes"),
    "whole numbers": (lambda content: put(content, MATRIX, 9, b"\x03"), "whole numbers of 32 bits"),
    "no heads": (lambda content: put(content, "decoder/num_heads", 6, struct.pack("<h", 0)), "num_heads 0"),
    "three heads": (lambda content: put(content, "encoder/num_heads", 6, struct.pack("<h", 3)), "num_heads 3"),
    "a wild number": (lambda content: put(content, "decoder/activation", 6, b"\x63"), "decoder/activation is 99"),
    "a layer too few": (lambda content: content.replace(b"layer_2", b"layer_7"), "layers of its decoder are missing"),
    "an unknown name": (
        lambda content: content.replace(MATRIX.encode(), MATRIX.upper().encode()),
        "is not of this model",
    ),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_model_is_named_before_it_is_opened(whole: dict[str, bytes], damage: str, tmp_path: Path) -> None:
    for name, content in whole.items():
        (tmp_path / name).write_bytes(content)
    change, message = DAMAGES[damage]
    (tmp_path / "model.bin").write_bytes(change(whole["model.bin"]))
    assert (tmp_path / "model.bin").read_bytes() != whole["model.bin"]
    with pytest.raises(
        CheckpointError, match=r"model\.bin: damaged, or not of this model.*export the run again"
    ) as caught:
        check(tmp_path)
    assert message in str(caught.value)


def test_the_files_beside_a_model_are_checked(whole: dict[str, bytes], tmp_path: Path) -> None:
    def restored(name: str, content: bytes | None) -> str:
        for other, good in whole.items():
            (tmp_path / other).write_bytes(good)
        (tmp_path / name).unlink() if content is None else (tmp_path / name).write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            check(tmp_path)
        return str(caught.value)

    assert "no such file" in restored("model.bin", None)
    assert "no such file" in restored("config.json", None)
    assert "deep inside one another" in restored("config.json", b"[" * 100_000)
    assert "not what an export writes" in restored("config.json", b"[]")
    other = json.dumps([*TOKENS[:-1], "other"]).encode()
    assert "not the pieces of the tokenizer" in restored("shared_vocabulary.json", other)
    assert "source_vocabulary.json: there is no such file" in restored("shared_vocabulary.json", None)
    assert "vocabulary.txt: not what an export writes" in restored("vocabulary.txt", b"x\n")
    (tmp_path / "vocabulary.txt").unlink()
    check(tmp_path)
    with pytest.raises(CheckpointError, match="two vocabularies"):
        check(tmp_path, source=[*TOKENS[:-1], "other"])
    (tmp_path / "model.bin").unlink()
    (tmp_path / "model.bin").symlink_to("/dev/zero")
    with pytest.raises(CheckpointError, match="a link that leads out of"):
        check(tmp_path)
