"""Messages about splits: how the data were divided, which items overlap, and what to do if there are too few."""

from collections.abc import Mapping, Sequence

from seqloom.corpus.plan import Plan
from seqloom.corpus.settings import CorpusSettings
from seqloom.errors import CorpusError


class SplitMessages:
    """Messages about the splits of one corpus.

    Attributes:
        items: what the items are called: "pairs", "passages" or "documents".
    """

    def __init__(self, plan: Plan, settings: CorpusSettings) -> None:
        self._plan = plan
        self._settings = settings
        self.items = "pairs" if plan.kind == "pairs" else "passages" if plan.running else "documents"

    def count(self, number: int) -> str:
        """A number of items: "1 pair", "2,000 pairs"."""
        return f"{number:,} {self.items if number != 1 else self.items.removesuffix('s')}"

    def file_option(self, name: str) -> str:
        """The command-line options that name the files of a split."""
        return f"--{name}-src FILE --{name}-tgt FILE" if self._settings.src is not None else f"--{name} FILE"

    def explain_overlap(self, number: int, names: Sequence[str]) -> str:
        """Says that training items were left out because they are in other splits.

        Args:
            number: the number of left-out items.
            names: the names of the other splits.
        """
        return (
            f"{self.count(number)} of the training data also found in {' and '.join(names)}, and so left out; to train on them "
            "anyway, for example to see whether a model can learn them by heart: --overlap keep"
        )

    def explain_too_few(self, missing: Sequence[str], num_items: int, num_needed: int, overlap: str) -> str:
        """Says why splits cannot be cut from the training data. It advises smaller sizes only if the user set sizes.

        Args:
            missing: the names of the splits.
            num_items: the number of usable training items.
            num_needed: the number of items that the splits need.
            overlap: `explain_overlap` if training items were left out, or "".
        """
        available = f"{num_items:,} usable {self.items if num_items != 1 else self.items.removesuffix('s')}"
        message = f"{self._plan.train.origin}: has {available}, too few to cut {' and '.join(missing)} of {num_needed:,} from them"
        if overlap:
            return f"{message}: {overlap}"
        files = " and ".join(self.file_option(name) for name in missing)
        sized = [f"--{name}-size" for name in missing if getattr(self._settings, f"{name}_size") is not None]
        if sized and num_items > len(missing):
            return f"{message}; ask for less with {' and '.join(sized)}, or give {files}"
        return f"{message}; add training data, or give {files} (the same file may serve as training data too, with --overlap keep)"

    def overlap_notes(self, number: int, names: Sequence[str], *, num_shared: int, num_train: int) -> list[str]:
        """Notes about items that are in several splits.

        Args:
            number: the number of training items that are also in other splits.
            names: the names of the other splits.
            num_shared: the number of items that are in both val and test.
            num_train: the number of items of the training split.

        Raises:
            CorpusError: `number` is not 0, and the setting `overlap` is "error".
        """
        notes = []
        if num_shared and not self._plan.running:
            notes.append(f"In both val and test: {self.count(num_shared)}.")
        if number == 0:
            return notes
        joined = " and ".join(names)
        if self._settings.overlap == "error":
            raise CorpusError(
                f"{self._plan.train.origin}: {self.count(number)} of the training data also found in {joined}; "
                "remove them, let them be left out of the training data (--overlap drop), or keep them (--overlap keep)"
            )
        if self._plan.running:
            notes.append(
                f"train: {self.count(number)} with a long line also found in {joined}; running text is kept as it is."
            )
        elif self._settings.overlap == "keep":
            notes.append(f"train: kept {self.count(number)} also found in {joined}.")
        else:
            advice = " (--overlap keep keeps them)" if number > num_train else ""
            notes.append(f"train: left out {self.count(number)} also found in {joined}{advice}.")
        return notes

    def near_duplicates_note(self, number: int, *, split: bool) -> str:
        """Says that documents are near-duplicates of others.

        Args:
            number: the number of such documents.
            split: whether near-duplicates of a document can be in another split.
        """
        where = (
            "there are too many of them to keep them on one side of the split, so scores may be too high"
            if split
            else "they are on one side of the split"
        )
        return f"Near-duplicates: {self.count(number)} with at least half of the text in common with another; {where}."

    def split_notes(self, counts: Mapping[str, int], missing: Sequence[str], *, numbers: bool) -> list[str]:
        """Notes about the splits that were cut out, and about the size of the training data.

        Args:
            counts: the number of items of each split.
            missing: the names of the splits that were cut from the training data.
            numbers: whether texts that differ only in numbers count as different.
        """
        notes = []
        if missing:
            shown = ", ".join(f"{counts[name]:,} {name}" for name in ("train", "val", "test"))
            notes.append(
                f"Split: {shown} {self.items}; {' and '.join(missing)} cut from the training data with seed "
                f"{self._settings.split_seed}, equal and nearly equal "
                f"{'sources' if self._plan.kind == 'pairs' else 'documents'} on one side"
                f"{' (texts that differ only in numbers count as different)' if numbers else ''}."
            )
        if self._settings.size is not None:
            notes.append(f"train: the first {counts['train']:,} {self.items} are used, because of the setting size.")
        return notes
