"""Static pictures: every kind in every form, with the agreements in the caption, and a plain word where matplotlib is missing."""

import sys
from pathlib import Path

import pytest

from seqloom.errors import ConfigError
from seqloom.explain import Explanations
from seqloom.report import explanation_wording as words
from seqloom.report.explanation_pictures import KINDS, SUFFIXES, draw, write_picture
from tests.explanation_factory import make_explanations

ALL = ("rnn", "attention-rnn", "transformer", "transformer-lm", "fixed-mixer")
BEGINNINGS = {".png": b"\x89PNG", ".svg": b"<?xml", ".pdf": b"%PDF"}


@pytest.fixture(scope="module")
def explanations() -> Explanations:
    pytest.importorskip("matplotlib")
    return make_explanations(*ALL)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_drawn(kind: str, explanations: Explanations, tmp_path: Path) -> None:
    write_picture(explanations, tmp_path / "new" / "picture.png", kind)
    assert (tmp_path / "new" / "picture.png").read_bytes().startswith(BEGINNINGS[".png"])


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_same_explanations_give_the_same_file(suffix: str, explanations: Explanations, tmp_path: Path) -> None:
    paths = [tmp_path / f"{name}{suffix}" for name in "ab"]
    for path in paths:
        write_picture(explanations, path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().startswith(BEGINNINGS[suffix])


def test_every_heatmap_has_its_agreements_in_the_caption(explanations: Explanations) -> None:
    figure = draw(explanations)
    captions = [" ".join(text.get_text().split()) for axes in figure.axes for text in axes.texts]
    pictures = [words.main_picture(explanation) for explanation in explanations.explanations]
    assert captions == [words.agreements_sentence(picture.agreements) for picture in pictures]
    assert [axes.images[0].get_array().shape for axes in figure.axes] == [
        (len(explanation.target), len(explanation.source)) for explanation in explanations.explanations
    ]
    assert figure.axes[0].get_title(loc="left").endswith("occlusion")
    assert figure.axes[1].get_title(loc="left").endswith("attention")


def test_heads_are_drawn_by_layer_and_carry_their_agreements(explanations: Explanations) -> None:
    results = make_explanations(*ALL, target=explanations.text)
    figure = draw(results, "heads")
    # One head of the recurrent decoder; two heads in two layers each of the three others.
    assert len(figure.axes) == 1 + 3 * 2 * 2
    assert all("ref." in axes.get_title() for axes in figure.axes)


def test_a_beam_is_drawn_with_the_hypotheses_that_were_pruned(explanations: Explanations) -> None:
    figure = draw(make_explanations("rnn"), "beam")
    (explanation,) = make_explanations("rnn").explanations
    assert len(figure.axes[0].texts) == len(explanation.beam.nodes)


@pytest.mark.parametrize(
    ("kind", "variant", "message"),
    [("heads", "rnn", "no heads"), ("states", "transformer", "none of the runs is recurrent")],
)
def test_a_kind_that_the_run_does_not_have_is_an_error(
    kind: str, variant: str, message: str, explanations: Explanations
) -> None:
    with pytest.raises(ConfigError, match=message):
        draw(make_explanations(variant), kind)
    with pytest.raises(ConfigError, match="there was no search"):
        draw(make_explanations("rnn", target="alpha"), "beam")


def test_a_missing_matplotlib_is_an_error_that_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ConfigError, match=r"pip install 'seqloom\[pictures\]'"):
        draw(make_explanations("rnn"))
