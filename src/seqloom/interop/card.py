"""The model card of an exported folder: the model, its use and its parity with the run. Input: a report; output: Markdown."""

from collections.abc import Iterator, Mapping
from typing import Any

from seqloom.interop.exported_run import ExportedRun

_CTRANSLATE2 = """\
With seqloom, one output line for each input line:

    seqloom translate FOLDER --engine ctranslate2 < sources.txt

With CTranslate2, on tokens of the run's tokenizer:

    import ctranslate2
    from pathlib import Path
    from seqloom.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(Path("FOLDER/seqloom/tokenizer.json"))
    tokens = [tokenizer.source.pieces[number] for number in tokenizer.encode_src(["a sentence"])[0]]
"""

_TRANSLATOR = """\
    translator = ctranslate2.Translator("FOLDER")
    output = translator.translate_batch([tokens], beam_size=4)[0].hypotheses[0]"""

_GENERATOR = """\
    generator = ctranslate2.Generator("FOLDER")
    # The source is the prompt of its target: eos ends the source, and bos begins the target.
    output = generator.generate_batch([[*tokens, "</s>", "<s>"]], include_prompt_in_result=False)[0].sequences[0]"""


_SEQ2SEQ = """\
    from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("FOLDER")
    model = AutoModelForSeq2SeqLM.from_pretrained("FOLDER")
    output = model.generate(**tokenizer("a sentence", return_tensors="pt"))
    print(tokenizer.decode(output[0], skip_special_tokens=True))"""

_CAUSAL = """\
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained("FOLDER")
    model = AutoModelForCausalLM.from_pretrained("FOLDER")
    # The tokenizer adds eos and bos to a source; before plain text it adds bos.
    prompt = tokenizer("a sentence", return_tensors="pt")
    output = model.generate(**prompt)[0, prompt["input_ids"].shape[1] :]
    print(tokenizer.decode(output, skip_special_tokens=True))"""


_ARPA = """\
KenLM, SRILM and other programs read `model.arpa`. Its words are the pieces of the run's tokenizer:

    from pathlib import Path
    from seqloom.tokenizer import Tokenizer

    tokenizer = Tokenizer.load(Path("FOLDER/seqloom/tokenizer.json"))
    words = [tokenizer.target.pieces[number] for number in tokenizer.encode_tgt(["a sentence"])[0]]
"""


def model_card(source: ExportedRun, report: Mapping[str, Any]) -> str:
    """The text of README.md."""
    return "\n".join(_lines(source, report)) + "\n"


def parity_lines(parity: Mapping[str, Any]) -> Iterator[str]:
    """The results of the comparison as lines of text."""
    forced = parity["forced"]
    yield f"on {parity['sentences']:,} sentences of {parity['origin']}:"
    yield (
        f"log-probabilities of {forced['of']} ({forced['tokens']:,} tokens): mean difference a sentence "
        f"{forced['mean_difference']:.2g} nats, largest {forced['max_difference']:.2g}, largest of a token "
        f"{forced['max_token_difference']:.2g}"
    )
    for search in parity["searches"]:
        name = "greedy" if search["beam"] == 1 else f"beam {search['beam']}"
        yield f"{name}: {search['token_agreement']:.2%} of tokens agree, {search['identical']:.2%} of outputs are identical"
        bleu = search["bleu"]
        if bleu:
            yield (
                f"{name}: BLEU {bleu['ours']:.2f} by seqloom, {bleu['theirs']:.2f} by the exported model, difference "
                f"{bleu['difference']:+.2f} ({bleu['signature']})"
            )
        if search["words"]:
            yield f"{name}: {search['words']}"


def _lines(source: ExportedRun, report: Mapping[str, Any]) -> Iterator[str]:
    recipe = source.recipe
    yield f"# {recipe.name}, exported for {report['target']}"
    yield ""
    yield recipe.description.strip()
    yield ""
    yield f"- layout: {report['layout']}"
    if report["target"] != "arpa":
        yield f"- weights: {'fp32' if report['quantization'] == 'none' else report['quantization']}"
    yield f"- tokenizer: {source.tokenizer.describe()}"
    yield f"- made with: {', '.join(f'{name} {version}' for name, version in report['versions'].items())}"
    for note in report["notes"]:
        yield f"- note: {note}"
    yield ""
    yield "## Use"
    yield ""
    yield _usage(source, report)
    yield ""
    yield "`seqloom/` holds the tokenizer and the recipe of the run; the recipe says how the model was trained, and on which data."
    yield ""
    yield "## Parity with seqloom"
    yield ""
    if report["parity"]["measured"]:
        for line in parity_lines(report["parity"]):
            yield f"- {line}"
    else:
        yield "Not measured; see the notes."


def _usage(source: ExportedRun, report: Mapping[str, Any]) -> str:
    if report["target"] == "arpa":
        return _ARPA
    decoder_only = source.decoder_only
    if report["target"] == "huggingface":
        return _CAUSAL if decoder_only else _SEQ2SEQ
    return _CTRANSLATE2 + (_GENERATOR if decoder_only else _TRANSLATOR)
