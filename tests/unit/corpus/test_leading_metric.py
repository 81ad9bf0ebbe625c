"""Which metric leads, by the language and the training targets."""

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from seqloom.corpus import CorpusSettings, open_corpus
from seqloom.corpus.leading_metric import TargetFacts, bleu_for, choose_leading

SENTENCES = [f"this is sentence number {i} of many" for i in range(300)]
LABELS = ["positive", "negative"] * 150
CHINESE = [f"今天是第{i}天" for i in range(300)]


def leading(targets: list[str], lang: str | None = None, wanted: str | None = None) -> str:
    return choose_leading(wanted, "bleu", lang, TargetFacts.of(targets)).metric


def test_sentences_of_words_are_led_by_bleu() -> None:
    found = choose_leading(None, "bleu", "en", TargetFacts.of(SENTENCES))
    assert (found.metric, found.bleu, found.notes) == ("bleu", "bleu", ())


@pytest.mark.parametrize(
    "targets",
    [
        LABELS,
        [f"go {i}" for i in range(300)],
        ["猫", "狗", "房子"] * 100,
        ["the service is out of scope", "the user wants to book a flight"] * 150,
        [*("turn left now" for _ in range(290)), *SENTENCES[:10]],
    ],
)
def test_labels_and_commands_are_led_by_exact_match_and_it_is_said(targets: list[str]) -> None:
    found = choose_leading(None, "bleu", None, TargetFacts.of(targets))
    assert found.metric == "exact_match"
    (note,) = found.notes
    assert "exact match leads" in note
    assert "--metric" in note


def test_what_the_user_asks_for_wins() -> None:
    assert leading(LABELS, wanted="bleu") == "bleu"
    assert leading(LABELS, wanted="chrf") == "chrf"
    assert leading(CHINESE, "zh", wanted="bleu") == "bleu_zh"
    assert leading(CHINESE, "zh", wanted="bleu_13a") == "bleu_13a"


@pytest.mark.parametrize("lang", ["zh", "zh-Hans", "zh_TW", "yue", None, "en"])
def test_chinese_is_counted_by_its_own_tokenizer_declared_or_seen(lang: str | None) -> None:
    found = choose_leading(None, "bleu", lang, TargetFacts.of(CHINESE))
    assert found.metric == found.bleu == "bleu_zh"
    assert "'zh'" in found.notes[0]


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("th", "วันนี้อากาศดีมาก"),
        ("km", "ថ្ងៃនេះអាកាសធាតុល្អ"),
        ("lo", "ມື້ນີ້ອາກາດດີ"),
        ("my", "ဒီနေ့ရာသီဥတုကောင်းတယ်"),
        ("bo", "དེ་རིང་གནམ་གཤིས་ཡག་པོ་འདུག"),
    ],
)
def test_scripts_without_spaces_are_counted_by_characters(lang: str, text: str) -> None:
    facts = TargetFacts.of([f"{text} {i}" for i in range(50)])
    assert bleu_for(lang, facts) == bleu_for(None, facts) == "bleu_char"


def test_mecab_counts_where_it_is_installed() -> None:
    japanese = TargetFacts.of([f"今日は{i}日です" for i in range(50)])
    korean = TargetFacts.of([f"오늘은 {i}일 입니다" for i in range(50)])
    for lang in ("ja", None):
        assert bleu_for(lang, japanese) == ("bleu_ja_mecab" if find_spec("MeCab") else "bleu_char")
    for lang in ("ko", None):
        assert bleu_for(lang, korean) == ("bleu_ko_mecab" if find_spec("mecab_ko") else "bleu_char")


def test_facts_survive_json() -> None:
    facts = TargetFacts.of([*LABELS, *CHINESE])
    assert TargetFacts.from_json(json.loads(json.dumps(facts.to_json()))) == facts


def test_an_opened_file_says_which_metric_leads(tmp_path: Path) -> None:
    file = tmp_path / "labels.tsv"
    file.write_text("".join(f"text number {i}\t{label}\n" for i, label in enumerate(LABELS)), encoding="utf-8")
    corpus = open_corpus(CorpusSettings(data=str(file)))
    assert corpus.metric == "exact_match"
    assert any("exact match leads" in note for note in corpus.notes)
    file.write_text("".join(f"text number {i}\t{text}\n" for i, text in enumerate(CHINESE)), encoding="utf-8")
    corpus = open_corpus(CorpusSettings(data=str(file)))
    assert (corpus.metric, corpus.bleu) == ("bleu_zh", "bleu_zh")


def test_the_longest_side_counts_characters_where_there_are_no_spaces(tmp_path: Path) -> None:
    file = tmp_path / "pairs.tsv"
    file.write_text("".join(f"number {i}\t{'天' * (i + 1)}\n" for i in range(60)), encoding="utf-8")
    corpus = open_corpus(CorpusSettings(data=str(file), max_words=30))
    assert max(len(pair.tgt) for pair in corpus.train.pairs()) <= 30
    assert any("more than 30 words" in note for note in corpus.notes)
