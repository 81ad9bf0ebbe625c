"""Exports a run to Hugging Face transformers: after `from_pretrained(FOLDER)`, `generate` gives the outputs of the run.

Input: an ExportedRun; output: model, tokenizer and generation settings, as files. transformers writes the model, so missing and
unexpected weights are errors here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from seqloom.decoding.settings import DecodingSettings
from seqloom.errors import ConfigError
from seqloom.interop.exported_run import ExportedRun
from seqloom.interop.huggingface_layout import make_layout, unsupported_features
from seqloom.interop.huggingface_names import ModelLayout
from seqloom.interop.huggingface_tokenizer import make_backend, reason_unsupported
from seqloom.interop.unsupported import check_supported

NAME = "huggingface"
QUANTIZATIONS = ("none", "float16", "bfloat16")
MISSING = "exporting to Hugging Face needs the package transformers, which is not installed: pip install 'seqloom[huggingface]'"

# The target length at which a power approximates Wu's length penalty.
_TYPICAL = 15


def import_transformers() -> Any:
    """Imports the package.

    Raises:
        ConfigError: the package is not installed.
    """
    try:
        import transformers
    except ImportError:
        raise ConfigError(MISSING) from None
    return transformers


@contextmanager
def quiet(transformers: Any) -> Iterator[None]:
    """Disables the progress bars of transformers, which would disturb seqloom's."""
    logging = transformers.utils.logging
    shown = logging.is_progress_bar_enabled()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            logging.enable_progress_bar()


def write_huggingface(source: ExportedRun, folder: Path, quantization: str = "none") -> tuple[str, tuple[str, ...]]:
    """Writes a run into an empty folder.

    Args:
        quantization: the type of the stored weights; "none" keeps fp32.

    Returns:
        The class of the model, and notes for the user.

    Raises:
        ConfigError: the package is not installed, or no layout supports the model.
    """
    transformers = import_transformers()
    vocab = source.tokenizer.vocab
    check_supported(
        unsupported_features(source.recipe.model, vocab), run=str(source.folder), target="Hugging Face transformers"
    )
    layout = make_layout(source.recipe.model, vocab, source.weights)
    _write_model(transformers, layout, source, folder, quantization)
    notes = []
    if reason := reason_unsupported(source.tokenizer):
        notes.append(f"no tokenizer was written, ids only: {reason}")
    else:
        _write_tokenizer(transformers, source, folder)
        if source.tokenizer.settings.lowercase:
            notes.append(
                "the tokenizers library lower-cases each letter separately and by its own version of Unicode: a capital sigma at "
                "the end of a word, and letters of newer Unicode versions, may get other ids than in seqloom"
            )
    source.write_seqloom_files(folder, target=NAME, quantization=quantization)
    return layout.model, tuple(notes)


def generation_settings(source: ExportedRun) -> dict[str, Any]:
    """The recipe's decoding settings as arguments of `generate`; the length of outputs is limited only by the model."""
    decoding, vocab = source.recipe.decoding, source.tokenizer.vocab
    settings: dict[str, Any] = {
        "pad_token_id": vocab.pad_id,
        "bos_token_id": vocab.bos_id,
        "eos_token_id": vocab.eos_id,
        "suppress_tokens": [vocab.pad_id, vocab.bos_id],
        "max_length": source.max_len,
        **search_settings(decoding, decoding.beam),
    }
    if not source.decoder_only:
        settings["decoder_start_token_id"] = vocab.bos_id
    return settings


def search_settings(decoding: DecodingSettings, beam: int) -> dict[str, Any]:
    """Beam, length penalty and constraints of a search as arguments of `generate`."""
    settings: dict[str, Any] = {"do_sample": False, "num_beams": beam}
    if beam > 1:
        # "never" stops when no unfinished hypothesis can become better than the finished ones, as in seqloom.
        settings |= {"early_stopping": "never", "length_penalty": power(decoding)}
    if decoding.no_repeat_ngram:
        settings["no_repeat_ngram_size"] = decoding.no_repeat_ngram
    if decoding.min_len:
        settings["min_new_tokens"] = decoding.min_len
    return settings


def power(decoding: DecodingSettings) -> float:
    """The exponent p of the length penalty length ** p, the only form that transformers supports.

    For Wu's form it is the exponent with the same relative growth at 15 tokens.
    """
    if decoding.length_penalty_form == "power":
        return decoding.length_penalty
    return round(decoding.length_penalty * _TYPICAL / (_TYPICAL + 5), 3)


def _write_model(transformers: Any, layout: ModelLayout, source: ExportedRun, folder: Path, quantization: str) -> None:
    import torch

    config = getattr(transformers, layout.config)(**layout.settings)
    model = getattr(transformers, layout.model)(config)
    state = {name: torch.from_numpy(array.copy()) for name, array in layout.state.items()}
    # Strict: names and shapes must match exactly.
    model.load_state_dict(state)
    if quantization != "none":
        model = model.to(getattr(torch, quantization))
    model.generation_config = transformers.GenerationConfig(**generation_settings(source))
    with quiet(transformers):
        model.save_pretrained(folder)


def _write_tokenizer(transformers: Any, source: ExportedRun, folder: Path) -> None:
    # In a decoder-only model a source is the prompt of its target, and plain text begins with bos.
    prompt = "<s> $A" if source.running_text else "$A </s> <s>"
    template = prompt if source.decoder_only else "$A </s>"
    names = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>"}
    transformers.PreTrainedTokenizerFast(
        tokenizer_object=make_backend(source.tokenizer, template),
        **names,
        model_max_length=source.max_len,
        clean_up_tokenization_spaces=False,
        # A text such as "</s>" is not a special token.
        split_special_tokens=True,
    ).save_pretrained(folder)
