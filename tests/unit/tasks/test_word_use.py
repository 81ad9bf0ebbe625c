"""Word use: prompts from held-out text, samples, and counts of words that can be checked by hand."""

import pytest

from seqloom.corpus.corpus import Document
from seqloom.tasks import word_use as module
from seqloom.tasks.passages import Passage, passages_of
from seqloom.tasks.word_use import (
    SAMPLE_CHARACTERS,
    prompts_of,
    sample_continuations,
    unseen_words,
    word_use,
    words_of,
)
from tests.text_runs import ARCHITECTURES, TEXT, make_text_run

LONG = Document("".join(f"Line {number} of the text, which goes on.\n" for number in range(400)))


def test_prompts_are_of_the_text_and_what_follows_them_follows_them() -> None:
    prompts = prompts_of(list(passages_of([LONG])), most=8)
    assert len(prompts) == 8
    for prompt in prompts:
        assert prompt.text + prompt.human in LONG.text
        assert prompt.text == prompt.text.strip()
        assert prompt.human[0].isspace()
        assert len(prompt.human) <= SAMPLE_CHARACTERS
    places = [LONG.text.index(prompt.text) for prompt in prompts]
    assert places == sorted(set(places))


def test_prompts_stay_within_their_document() -> None:
    documents = [Document(f"document {number}: " + f"word{number} " * 60) for number in range(5)]
    for prompt in prompts_of(list(passages_of(documents))):
        assert sum(prompt.text + prompt.human in document.text for document in documents) == 1
    assert prompts_of([Passage("", "too short", first=True)]) == []


def test_scripts_without_spaces_have_prompts() -> None:
    document = Document("我們在這裡讀一本書。" * 40)
    (prompt, *_) = prompts_of(list(passages_of([document])))
    assert prompt.text + prompt.human in document.text


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_samples_are_the_same_for_the_same_seed_and_not_too_long(architecture: str) -> None:
    run = make_text_run(architecture)
    prompts = prompts_of(list(passages_of([Document(TEXT * 12)])), most=2)
    samples = sample_continuations(run, prompts)
    assert samples == sample_continuations(run, prompts)
    assert len(samples) == 2
    assert all(len(sample) <= SAMPLE_CHARACTERS for sample in samples)


def test_words_have_no_punctuation_and_no_case() -> None:
    assert words_of('"To be," he said: that\'s --- THE question') == [
        "to",
        "be",
        "he",
        "said",
        "that's",
        "the",
        "question",
    ]
    assert words_of("我們 讀") == ["我", "們", "讀"]
    assert words_of(" \n") == []


def test_words_that_training_never_had() -> None:
    training = [Document("To be or not."), Document("That is it.")]
    missing, count, is_whole = unseen_words(["be that way", "Not IT!"], training)
    assert (missing, count, is_whole) == ({"way"}, 24, True)


def test_a_large_training_text_is_read_in_part_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST_TRAINING_CHARACTERS", 5)
    missing, count, is_whole = unseen_words(["be that"], [Document("to be"), Document("that")])
    assert (missing, count, is_whole) == ({"that"}, 5, False)


def test_shares_are_counted_over_all_samples() -> None:
    use = word_use(["a b c d a b c d", "a way", "on the way to it"], {"way"})
    assert use.num_words == 15
    assert use.counts == (3, 2, 2, 2, 2, 1, 1, 1, 1)
    assert use.frequent[0] == ("a", 3)
    assert use.unseen.value == pytest.approx(100 * 2 / 15)
    # Of five sequences of four words in the first text one repeats; the last text has two more.
    assert use.repeated.value == pytest.approx(100 * 1 / 7)
    assert use.unseen.low <= use.unseen.value <= use.unseen.high
    alone = word_use(["a b"], set())
    assert (alone.unseen.value, alone.unseen.low) == (0.0, None)
    assert alone.repeated.value == 0.0
