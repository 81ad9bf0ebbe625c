"""A run becomes what CTranslate2 opens: its model in a folder, with our tokenizer and recipe beside it."""

from pathlib import Path
from typing import Literal, get_args

from seqloom.interop.ctranslate2_engine import NAME, import_ctranslate2
from seqloom.interop.ctranslate2_spec import make_spec, unsupported_features
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.unsupported import check_supported

Quantization = Literal["none", "int8", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16"]
QUANTIZATIONS: tuple[str, ...] = get_args(Quantization)


def write_ctranslate2(source: ExportedRun, folder: Path, *, quantization: str = "none") -> None:
    """Writes a run into an empty folder.

    Args:
        quantization: how weights are stored; "none" keeps fp32. What the machine at hand cannot compute with, CTranslate2 turns
            into what it can when it opens the folder.

    Raises:
        ConfigError: the package is missing, or the model cannot be expressed.
    """
    import_ctranslate2()
    check_supported(unsupported_features(source.recipe.model), run=str(source.folder), target="CTranslate2")
    tokenizer = source.tokenizer
    spec = make_spec(
        source.recipe.model, source.weights, source=tokenizer.source.pieces, target=tokenizer.target.pieces
    )
    spec.validate()
    spec.optimize(None if quantization == "none" else quantization)
    spec.save(str(folder))
    source.write_seqloom_files(folder, target=NAME, quantization=quantization)
