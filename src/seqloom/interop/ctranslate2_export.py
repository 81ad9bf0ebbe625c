"""Exports a run to CTranslate2: a folder with its model, and with seqloom's tokenizer and recipe."""

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
        quantization: how weights are stored; "none" keeps fp32. When CTranslate2 opens the folder, it converts types that
            the machine does not support.

    Raises:
        ConfigError: the package is not installed, or CTranslate2 does not support the model.
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
