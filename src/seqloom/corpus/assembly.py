"""Builds a Corpus from sources: screens the rows, cuts missing splits from the training data, removes overlaps, counts items.

Each source is read once or twice while the corpus is opened. Memory holds hashes of the held-out data, and the texts of small
splits. Facts about large files are cached, so unchanged files are not read again.
"""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seqloom.corpus.cache import FactsCache
from seqloom.corpus.corpus import Corpus, Document, SentencePair, Split
from seqloom.corpus.leading_metric import TargetFacts, choose_leading
from seqloom.corpus.plan import Plan
from seqloom.corpus.read_pass import ReadPass
from seqloom.corpus.screening import screen_pairs, screen_texts
from seqloom.corpus.settings import CorpusSettings
from seqloom.corpus.sources import Source
from seqloom.corpus.split import HeldOut, automatic_size, hash_key, pair_key, split_key
from seqloom.corpus.split_messages import SplitMessages
from seqloom.errors import CorpusError
from seqloom.progress import Progress

_ROWS_PER_REPORT = 20_000
# If a cut-out split has at most this number of characters, its texts are stored, so that the file is not searched for them again.
_MAX_STORED_CHARS = 4_000_000
# Rows of the training file that are not training data: at most this number of row numbers is stored. With them, later passes
# need not examine the texts.
_MAX_STORED_ROWS = 200_000
_DIGIT = re.compile("[0-9]")


@dataclass
class _SplitCollector:
    """Collects facts about a split while it is read: its size, its digest and, if it is small, its texts."""

    name: str
    num_items: int = 0
    digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)
    # The texts; None if they are too many, or need not be stored.
    texts: list[tuple[str, str]] | None = None
    num_text_chars: int = 0

    def add(self, src: str, tgt: str) -> None:
        self.num_items += 1
        if self.texts is not None:
            self.texts.append((src, tgt))
            self.num_text_chars += len(src) + len(tgt)
            if self.num_text_chars > _MAX_STORED_CHARS:
                self.texts = None
        # The lengths distinguish ("a", "bc") from ("ab", "c").
        self.digest.update(f"{len(src)} {len(tgt)} {src}{tgt}".encode("utf-8", "surrogatepass"))


def assemble(plan: Plan, settings: CorpusSettings, progress: Progress) -> Corpus:
    """Reads all sources and makes the corpus.

    Raises:
        CorpusError: data cannot be read, a split would be empty, or splits overlap and the setting `overlap` is "error".
    """
    builder = _Builder(plan, settings, progress)
    sources = {"val": plan.val, **plan.tests} if plan.val is not None else dict(plan.tests)
    missing = [name for name in ("val", "test") if name not in sources]
    cache = FactsCache(plan, settings.model_dump_json())
    facts = cache.load()
    if facts is not None:
        corpus = builder.restore(facts, missing)
        progress.say(f"{plan.train.origin}: unchanged since it was last read, so it is not read for its split again")
        return corpus
    for name, source in sources.items():
        assert source is not None
        builder.read_source(name, source)
    if missing:
        builder.choose(missing)
    builder.finish(missing)
    cache.check_unchanged()
    cache.save(builder.facts(), progress)
    return builder.corpus()


class _Builder:
    """Reads the sources of a plan, or restores cached facts about them, and makes the corpus."""

    def __init__(self, plan: Plan, settings: CorpusSettings, progress: Progress) -> None:
        self._plan = plan
        self._settings = settings
        self._progress = progress
        self._notes = list(plan.notes)
        self._splits: dict[str, Split] = {}
        self._counts: dict[str, int] = {}
        self._fingerprints: dict[str, str] = {}
        # For the choice of the leading metric.
        self._targets = TargetFacts()
        # The texts of small splits that were cut out.
        self._texts: dict[str, list[tuple[str, str]]] = {}
        # Whether items that overlap with other splits were removed from the training data.
        self._dropped_overlaps = False
        self._num_overlapping = 0
        # The numbers of the rows of the training files that are not used for training; None if they are too many.
        self._excluded_rows: list[int] | None = []
        # For each split with a source of its own, the hashes of its items; for each group that is held out, its split.
        self._keys: dict[str, set[int]] = {}
        self._held_out: dict[int, str] = {}
        # Whether texts that differ only in numbers belong to different groups.
        self._keeps_numbers = False
        # Running text must stay complete.
        self._drops_overlaps = settings.overlap != "keep" and not plan.running
        self._messages = SplitMessages(plan, settings)

    def read_source(self, name: str, source: Source) -> None:
        """Reads a split that has a source of its own."""
        collector = _SplitCollector(name)
        keys: set[int] = set()
        read_pass = ReadPass(self._settings.on_bad)
        for src, tgt in self._with_progress(name, source, read_pass, keep_long=name != "val"):
            collector.add(src, tgt)
            keys.update(self._overlap_keys(src, tgt))
        self._notes += read_pass.notes(name)
        self._keys[name] = keys
        self._store_facts(collector)
        self._add(name, source.origin, self._source_reader(name, source))

    def _source_reader(self, name: str, source: Source) -> Callable[[], Iterator[tuple[str, str]]]:
        keep_long = name != "val"
        return lambda: self._screen(source, ReadPass(self._settings.on_bad), keep_long=keep_long)

    def choose(self, missing: list[str]) -> None:
        """Chooses the groups of equal sources that are held out of the training data."""
        if self._plan.running:
            raise AssertionError("running text is cut before it is assembled")
        sizes = {name: getattr(self._settings, f"{name}_size") for name in missing}
        limit = 2 * sum(size or 1000 for size in sizes.values()) + 64
        # Groups are chosen twice: with texts that differ only in numbers in the same group, and in different groups. The second
        # choice is used if the first finds too few items, as with texts that are made from a template.
        candidates = {numbers: HeldOut(limit) for numbers in (False, True)}
        is_overlapping = self._overlap_test()
        merged = self._near_duplicates()
        num_merged = 0
        read_pass = ReadPass(self._settings.on_bad)
        for src, tgt in self._with_progress("what to hold out", self._plan.train, read_pass, keep_long=False):
            if self._drops_overlaps and is_overlapping(src, tgt):
                self._num_overlapping += 1
            else:
                group = self._group(src, tgt, numbers=False)
                candidates[False].add(merged.get(group, group))
                num_merged += group in merged
                text = src if self._plan.kind == "pairs" else tgt
                no_digits = text.isascii() and not _DIGIT.search(text)
                candidates[True].add(group if no_digits else self._group(src, tgt, numbers=True))
        num_items = candidates[False].num_items
        counts = [size or automatic_size(num_items, self._plan.small_divisor) for size in sizes.values()]
        if sum(counts) >= num_items:
            raise CorpusError(
                self._messages.explain_too_few(missing, num_items, sum(counts), self._overlap_explanation())
                + "".join(f". {note.removesuffix('.')}" for note in read_pass.notes("train"))
            )
        for numbers, held_out in candidates.items():
            chosen = held_out.choose(*counts)
            self._keeps_numbers = numbers
            if all(2 * held_out.count(hashes) >= count for hashes, count in zip(chosen, counts, strict=True)):
                break
        for name, hashes in zip(missing, chosen, strict=True):
            if not hashes:
                raise CorpusError(
                    f"{self._plan.train.origin}: no {name} data can be cut out, because too few sources differ; "
                    f"give {self._messages.file_option(name)}"
                )
            self._held_out.update(dict.fromkeys(hashes, name))
            if not self._keeps_numbers:
                self._held_out.update((group, name) for group, shared in merged.items() if shared in hashes)
        if num_merged:
            self._notes.append(self._messages.near_duplicates_note(num_merged, split=self._keeps_numbers))

    def _near_duplicates(self) -> dict[int, int]:
        """Maps each group of documents that are near-duplicates of another group to a hash that both share."""
        if self._plan.kind != "text":
            return {}
        from seqloom.corpus.near_duplicates import MOST_DOCUMENTS, NearDuplicates

        near = NearDuplicates()
        read_pass = ReadPass(self._settings.on_bad)
        for src, tgt in self._with_progress("near-duplicates", self._plan.train, read_pass, keep_long=False):
            near.add(tgt, self._group(src, tgt, numbers=False))
        if near.num_documents > MOST_DOCUMENTS:
            self._notes.append(f"Near-duplicates: only the first {MOST_DOCUMENTS:,} documents were compared.")
        return near.merged(self._settings.split_seed)

    def finish(self, missing: list[str]) -> None:
        """Reads the training data, and the splits that are cut out of them."""
        plan, settings = self._plan, self._settings
        collectors = {
            name: _SplitCollector(name, texts=None if name == "train" else []) for name in ("train", *missing)
        }
        is_overlapping = self._overlap_test()
        num_overlapping = 0
        read_pass = ReadPass(settings.on_bad)
        for number, (src, tgt) in enumerate(self._with_progress("train", plan.train, read_pass, keep_long=False)):
            name = self._split_of(src, tgt)
            overlaps = is_overlapping(src, tgt)
            if (name != "train" or (overlaps and self._drops_overlaps)) and self._excluded_rows is not None:
                self._excluded_rows.append(number)
                if len(self._excluded_rows) > _MAX_STORED_ROWS:
                    self._excluded_rows = None
            if overlaps:
                num_overlapping += 1
                if self._drops_overlaps:
                    continue
            if name == "train" and settings.size is not None and collectors["train"].num_items >= settings.size:
                continue
            collectors[name].add(src, tgt)
            if name == "train" and plan.kind == "pairs":
                self._targets.add(tgt)
        self._notes += read_pass.notes("train")
        self._dropped_overlaps = num_overlapping > 0 and self._drops_overlaps
        self._num_overlapping = num_overlapping
        for collector in collectors.values():
            self._store_facts(collector)
        self._add_train_and_cut(missing)
        shared = self._keys.get("val", set()) & self._keys.get("test", set())
        self._notes += self._messages.overlap_notes(
            num_overlapping, list(self._keys), num_shared=len(shared), num_train=self._counts["train"]
        )
        self._notes += self._messages.split_notes(self._counts, missing, numbers=self._keeps_numbers)

    def _add_train_and_cut(self, missing: list[str]) -> None:
        for name in ("train", *missing):
            cut = "" if name == "train" else f" (cut out with seed {self._settings.split_seed})"
            self._add(name, self._plan.train.origin + cut, self._reader_of_part(name))

    def facts(self) -> dict[str, Any]:
        """The facts that reading found, as values that JSON can store."""
        return {
            "fingerprints": self._fingerprints,
            "counts": self._counts,
            "keys": {name: sorted(keys) for name, keys in self._keys.items()},
            # JSON turns integer keys of objects into texts.
            "held_out": [[name, hashed] for hashed, name in self._held_out.items()],
            "numbers": self._keeps_numbers,
            "left_out": self._dropped_overlaps,
            "texts": self._texts,
            "targets": self._targets.to_json(),
            "excluded_rows": self._excluded_rows,
            "notes": self._notes,
        }

    def restore(self, facts: Mapping[str, Any], missing: list[str]) -> Corpus:
        """The corpus from cached facts, without reading the sources."""
        self._fingerprints, self._counts = facts["fingerprints"], facts["counts"]
        self._keys = {name: set(keys) for name, keys in facts["keys"].items()}
        self._held_out = {hashed: name for name, hashed in facts["held_out"]}
        self._keeps_numbers, self._dropped_overlaps = facts["numbers"], facts["left_out"]
        self._texts = {name: [(src, tgt) for src, tgt in texts] for name, texts in facts["texts"].items()}
        self._excluded_rows = facts["excluded_rows"]
        self._targets = TargetFacts.from_json(facts["targets"])
        self._notes = list(facts["notes"])
        for name, source in {"val": self._plan.val, **self._plan.tests}.items():
            if source is not None:
                self._add(name, source.origin, self._source_reader(name, source))
        self._add_train_and_cut(missing)
        return self.corpus()

    def corpus(self) -> Corpus:
        """The corpus; all splits must have been read or restored."""
        plan, settings = self._plan, self._settings
        tests = {name: self._splits[name] for name in ("test", *plan.tests) if name in self._splits}
        leading = choose_leading(settings.metric, plan.metric, plan.tgt_lang, self._targets)
        return Corpus(
            name=plan.name,
            kind=plan.kind,
            train=self._splits["train"],
            val=self._splits["val"],
            tests=tests,
            src_lang=plan.src_lang,
            tgt_lang=plan.tgt_lang,
            metric=leading.metric,
            bleu=leading.bleu,
            licence=plan.licence,
            notes=(*self._notes, *leading.notes),
            layout=plan.layout,
        )

    def _reader_of_part(self, name: str) -> Callable[[], Iterator[tuple[str, str]]]:
        """A function that reads "train", or a split that was cut from it."""
        texts = self._texts.get(name)
        if texts is not None:
            return lambda: iter(texts)
        if name == "train" and self._excluded_rows is not None:
            return self._read_training_rows
        is_overlapping, drops_overlaps = self._overlap_test(), self._dropped_overlaps
        limit = self._settings.size if name == "train" else None

        def read() -> Iterator[tuple[str, str]]:
            count = 0
            for src, tgt in self._screen(self._plan.train, ReadPass(self._settings.on_bad)):
                if self._split_of(src, tgt) != name or (drops_overlaps and is_overlapping(src, tgt)):
                    continue
                if limit is not None and count >= limit:
                    return
                count += 1
                yield src, tgt

        return read

    def _read_training_rows(self) -> Iterator[tuple[str, str]]:
        """The training data: all rows except the excluded ones, up to the setting `size`."""
        assert self._excluded_rows is not None
        excluded = iter([*self._excluded_rows, -1])
        num_left, next_excluded = self._settings.size, next(excluded)
        for number, row in enumerate(self._screen(self._plan.train, ReadPass(self._settings.on_bad))):
            if number == next_excluded:
                next_excluded = next(excluded)
                continue
            if num_left is not None:
                if num_left == 0:
                    return
                num_left -= 1
            yield row

    def _split_of(self, src: str, tgt: str) -> str:
        """The split that a row of the training file belongs to."""
        if not self._held_out:
            return "train"
        return self._held_out.get(self._group(src, tgt, numbers=self._keeps_numbers), "train")

    def _group(self, src: str, tgt: str, *, numbers: bool) -> int:
        text = src if self._plan.kind == "pairs" else tgt
        return hash_key(split_key(text, numbers=numbers), self._settings.split_seed)

    def _overlap_test(self) -> Callable[[str, str], bool]:
        """A function that tells whether a training item is also in another split."""
        held_out = set().union(*self._keys.values()) if self._keys else set()
        if not held_out:
            return lambda src, tgt: False
        return lambda src, tgt: not held_out.isdisjoint(self._overlap_keys(src, tgt))

    def _overlap_keys(self, src: str, tgt: str) -> list[int]:
        # Passages can begin anywhere, so running texts are compared by their long lines.
        if self._plan.running:
            return [hash_key(" ".join(line.split())) for line in tgt.split("\n") if len(line) >= 40]
        return [hash_key(pair_key(src, tgt))]

    def _store_facts(self, collector: _SplitCollector) -> None:
        self._counts[collector.name] = collector.num_items
        self._fingerprints[collector.name] = hashlib.sha256(
            f"{self._plan.kind} {collector.num_items} {collector.digest.hexdigest()}".encode()
        ).hexdigest()
        if collector.texts is not None:
            self._texts[collector.name] = collector.texts

    def _add(self, name: str, origin: str, read: Callable[[], Iterator[tuple[str, str]]]) -> None:
        if self._counts[name] == 0:
            raise CorpusError(f"{origin}: no usable {self._messages.items} for {name}" + self._explain_empty(name))
        pairs = self._plan.kind == "pairs"

        def items() -> Iterator[SentencePair | Document]:
            for src, tgt in read():
                yield SentencePair(src, tgt) if pairs else Document(tgt)

        self._splits[name] = Split(
            name, origin, self._fingerprints[name], items, size=self._counts[name], unit=self._messages.items
        )

    def _overlap_explanation(self) -> str:
        """A sentence about training items that were left out because of overlaps; "" if there are none."""
        if not self._num_overlapping or not self._drops_overlaps:
            return ""
        return self._messages.explain_overlap(self._num_overlapping, list(self._keys))

    def _explain_empty(self, name: str) -> str:
        parts = [*self._notes]
        if name == "train" and (overlap := self._overlap_explanation()):
            parts.append(overlap)
        if name != "train" and self._plan.running and getattr(self._settings, name) is None:
            parts.append(
                f"The text is too short to be divided; give a longer one, or {self._messages.file_option(name)}"
            )
        return ". " + " ".join(parts) if parts else ""

    def _with_progress(
        self, name: str, source: Source, read_pass: ReadPass, *, keep_long: bool
    ) -> Iterator[tuple[str, str]]:
        task = f"reading {name}" if name in ("train", "val", *self._plan.tests) else f"choosing {name}"
        count = 0
        for count, pair in enumerate(self._screen(source, read_pass, keep_long=keep_long), start=1):
            if count % _ROWS_PER_REPORT == 0:
                self._progress.update(task, min(0.99, read_pass.fraction), **{self._messages.items: count})
            yield pair
        self._progress.update(task, 1.0, **{self._messages.items: count})

    def _screen(self, source: Source, read_pass: ReadPass, *, keep_long: bool = False) -> Iterator[tuple[str, str]]:
        if self._plan.kind == "text":
            return screen_texts(source, read_pass, running=self._plan.running)
        return screen_pairs(source, read_pass, max_words=None if keep_long else self._settings.max_words)
