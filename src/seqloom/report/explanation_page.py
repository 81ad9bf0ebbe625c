"""The page of explanations: one offline HTML file that shows the runs side by side.

It has the layout, colours and escaping of the other pages. Every drawing is SVG with a text alternative. A small script switches
between methods and moves the slider; without the script everything is shown at once.
"""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from seqloom.explain.explanation import Explanation, HistoryCheckpoint
from seqloom.explain.explanations import Explanations
from seqloom.report import explanation_svg as svg
from seqloom.report import explanation_wording as words
from seqloom.report import theme, wording
from seqloom.report.explanation_way import way_view
from seqloom.report.page import asset, environment, json_for_script, script_hash, write_page
from seqloom.report.surprise_view import surprise_view

_METHODS = ("attention", "occlusion", "gradient")
# A longer text stands whole in the part about surprise, and in the pictures.
_LONGEST_HEADING = 160


def write_explanation_page(explanations: Explanations, path: Path) -> None:
    """Writes the page, and the folders it needs; an existing file is replaced.

    Raises:
        SeqloomError: the file cannot be written.
    """
    write_page(explanation_html(explanations), path)


def explanation_html(explanations: Explanations) -> str:
    """The HTML of the page."""
    scripts = [asset("save.js"), asset("explanation.js")]
    if explanations.surprises:
        scripts += [asset("surprise.js"), asset("surprise_page.js")]
    runs = [_run(item, number) for number, item in enumerate(explanations.explanations)]
    results = {
        picture.method for explanation in explanations.explanations for picture in words.pictures_of(explanation)
    }
    text = (
        environment()
        .get_template("explanation.html")
        .render(
            explanations=explanations,
            heading=_heading(explanations.text),
            runs=runs,
            surprise=surprise_view(explanations),
            methods=[method for method in _METHODS if method in results],
            steps=[_slider(item, number) for number, item in enumerate(explanations.explanations) if item.history],
            wording=wording,
            words=words,
            variables=theme.css_variables(),
            css=asset("page.css"),
            own_css=asset("drawings.css") + asset("explanation.css") + asset("surprise.css"),
            scripts=scripts,
            hashes=[script_hash(script) for script in scripts],
            store=json_for_script({}),
            machine=json_for_script(explanations.model_dump(mode="json")),
        )
    )
    # A lone surrogate, which a command line can contain, cannot be encoded as UTF-8.
    return text.encode("utf-8", "replace").decode()


def _heading(text: str) -> str:
    return text if len(text) <= _LONGEST_HEADING else f"{text[:_LONGEST_HEADING].rstrip()} …"


def _run(explanation: Explanation, number: int) -> dict[str, Any]:
    source, target, fed = (
        words.token_texts(tokens) for tokens in (explanation.source, explanation.target, explanation.fed)
    )
    truth = explanation.truth.sources if explanation.truth else None
    main = words.main_picture(explanation)
    pictures = [
        {
            "method": picture.method,
            "title": picture.title,
            "svg": svg.heatmap(picture.rows, source, target, words.picture_sentence(explanation, picture), truth=truth),
            "agreements": words.agreements_sentence(picture.agreements),
            "columns": source,
            "rows": [
                (token, [words.decimal(value, 2) for value in row])
                for token, row in zip(target, picture.rows, strict=True)
            ],
        }
        for picture in words.pictures_of(explanation)
        if picture.rows and picture.rows[0]
    ]
    return {
        "number": number,
        "facts": explanation.run,
        "explanation": explanation,
        "colour": f"arm-{number % 6}",
        "main": main,
        "pictures": pictures,
        "methods": [picture["method"] for picture in pictures],
        "layers": _layers(explanation, source, target, fed),
        "tracks": _tracks(explanation, source, fed),
        "steps": {"target": target, "rows": svg.steps_table(explanation.steps), "facts": explanation.steps},
        "beam": None
        if explanation.beam is None
        else svg.beam(
            explanation.beam,
            f"Beam of {explanation.beam.beam} of {explanation.run.label}: "
            f"{wording.number(len(explanation.beam.nodes) - 1)} prefixes considered; "
            f"the output is {explanation.output!r} with a log-probability of {words.decimal(explanation.log_prob, 2)}.",
        ),
        "computation": way_view(explanation, explanation.computation) if explanation.computation else None,
        "what_if": _what_if(explanation, target) if explanation.what_if else None,
    }


def _layers(explanation: Explanation, source: list[str], target: list[str], fed: list[str]) -> list[dict[str, Any]]:
    """A view of each attention layer: heatmaps of all heads, and of their mean if there are several."""
    layers = []
    for attention in explanation.attention:
        columns = {"source": source, "target": fed, "both": [*source, *fed]}[attention.keys]
        rows = source if attention.queries == "source" else target
        truth = (
            explanation.truth.sources
            if explanation.truth and attention.queries == "target" and attention.keys != "target"
            else None
        )
        agreements_by_head, heads = list(attention.agreements), list(attention.heads)
        titles = [f"head {head}" for head in range(len(heads))]
        if len(heads) > 1:
            agreements_by_head, heads, titles = (
                [*agreements_by_head, attention.mean_agreements],
                [*heads, attention.mean],
                [*titles, "mean"],
            )
        layers.append(
            {
                "name": attention.name,
                "where": _where(attention.name, attention.keys),
                "heads": [
                    {
                        "title": title,
                        "agreements": words.agreements_short(agreements) or "nothing to compare with",
                        "svg": svg.heatmap(
                            head,
                            columns,
                            rows,
                            f"{explanation.run.label}, {attention.name}, {title}: {words.agreements_sentence(agreements)}",
                            truth=truth,
                            cell=12 if len(columns) <= 14 else 8 if len(columns) <= 24 else 6,
                            named=False,
                        ),
                    }
                    for title, head, agreements in zip(titles, heads, agreements_by_head, strict=True)
                ],
            }
        )
    return layers


def _where(name: str, keys: str) -> str:
    if keys == "both":
        return "from the target to prompt and target"
    if name.startswith("decoder"):
        return "within the target" if keys == "target" else "from the target to the source"
    return "within the source"


def _tracks(explanation: Explanation, source: list[str], fed: list[str]) -> list[dict[str, Any]]:
    tracks = []
    for track in explanation.states:
        tokens = source if track.side == "source" else fed
        side = "encoder" if track.side == "source" else "decoder"
        title = f"{side} layer {track.layer}{', read backwards' if track.backwards else ''}"
        may_be = {"hidden": track.hidden_norm, "cell": track.cell_norm, "change of hidden": track.change}
        lengths = {name: values for name, values in may_be.items() if values is not None}
        text = "; ".join(f"{name} {words.decimal(sum(v) / len(v), 2)}" for name, v in track.gates.items())
        ends = "; ".join(f"{n} {words.decimal(v[0], 1)} to {words.decimal(v[-1], 1)}" for n, v in lengths.items())
        tracks.append(
            {
                "title": title,
                "gates": svg.lines(track.gates, tokens, f"Mean gates of {title}, on average: {text}."),
                "gate_names": list(track.gates),
                "lengths": svg.lines(lengths, tokens, f"Lengths of states of {title}, first to last: {ends}."),
                "length_names": list(lengths),
            }
        )
    return tracks


def _what_if(explanation: Explanation, target: list[str]) -> dict[str, Any]:
    assert explanation.what_if is not None
    what_if = explanation.what_if
    pairs = zip(target, what_if.log_probs, what_if.changed_log_probs, strict=True)
    rows = []
    for token, before, after in pairs:
        p, q = words.probability(before), words.probability(after)
        rows.append({"token": token, "before": p, "after": q, "change": q - p})
    return {
        "change": wording.capital(what_if.change),
        "text": what_if.text,
        "rows": rows,
        "output": what_if.output,
        "same": what_if.output == explanation.output,
        "log_prob": words.decimal(sum(what_if.output_log_probs), 2),
    }


def _slider(explanation: Explanation, number: int) -> dict[str, Any]:
    source, target = words.token_texts(explanation.source), words.token_texts(explanation.target)
    truth = explanation.truth.sources if explanation.truth else None

    def view(checkpoint: HistoryCheckpoint) -> dict[str, Any]:
        text = f"{explanation.run.label} after {checkpoint.training_step} steps. {words.agreements_sentence(checkpoint.agreements)}"
        drawing = (
            svg.heatmap(checkpoint.picture, source, target, text, truth=truth)
            if checkpoint.picture and checkpoint.picture[0]
            else Markup()
        )
        return {
            "step": checkpoint.training_step,
            "svg": drawing,
            "output": checkpoint.output,
            "log_prob": words.decimal(sum(checkpoint.log_probs), 2),
            "agreements": words.agreements_sentence(checkpoint.agreements),
        }

    return {
        "number": number,
        "label": explanation.run.label,
        "checkpoints": [view(checkpoint) for checkpoint in explanation.history],
    }
