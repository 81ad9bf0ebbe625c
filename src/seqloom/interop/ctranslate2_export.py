"""A run becomes a folder that CTranslate2 opens: its model, our tokenizer and recipe beside it. Whole or not at all."""

from pathlib import Path
from typing import Literal, get_args

from seqloom.interop.ctranslate2_engine import NAME, import_ctranslate2
from seqloom.interop.ctranslate2_spec import make_spec, obstacles
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.folder import whole_or_nothing
from seqloom.interop.refusal import refuse

Quantization = Literal["none", "int8", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16"]
QUANTIZATIONS: tuple[str, ...] = get_args(Quantization)


def write_ctranslate2(run: Path, out: Path, *, quantization: str = "none") -> None:
    """Exports a run.

    Args:
        quantization: how weights are stored; "none" keeps fp32. What the machine at hand cannot compute with, CTranslate2 turns
            into what it can when it opens the folder.

    Raises:
        SeqloomError: the package is missing, the folder is not a run, or the model cannot be expressed.
    """
    import_ctranslate2()
    source = ExportedRun.read(run)
    refuse(obstacles(source.recipe.model), run=str(run), target="CTranslate2")
    tokenizer = source.tokenizer
    spec = make_spec(
        source.recipe.model, source.weights, source=tokenizer.source.pieces, target=tokenizer.target.pieces
    )
    spec.validate()
    spec.optimize(None if quantization == "none" else quantization)
    with whole_or_nothing(out) as folder:
        spec.save(str(folder))
        source.write_our_part(folder, target=NAME, quantization=quantization)
