"""The discounts of modified Kneser-Ney smoothing, and the defaults where their formula fails."""

import math
from dataclasses import dataclass

# For n-grams that count 1, 2, and 3 or more.
DEFAULTS = (0.5, 1.0, 1.5)
_NUM = len(DEFAULTS)


@dataclass(frozen=True)
class Discounts:
    """The numbers that are subtracted from counts of 1, 2, and 3 or more.

    Attributes:
        replaced: which of them the formula did not give; these are the defaults.
    """

    values: tuple[float, float, float]
    replaced: tuple[int, ...] = ()

    def note(self, length: int) -> str | None:
        """A sentence that tells the user about replaced discounts; None if the formula gave all discounts.

        Args:
            length: the number of ids of the n-grams.
        """
        if not self.replaced:
            return None
        listed = ", ".join(f"D{number} = {DEFAULTS[number - 1]:g}" for number in self.replaced)
        return (
            f"n-grams of length {length}: the formula of Chen and Goodman gives no usable discount for some counts (too few "
            f"n-grams occur so often); taken instead: {listed}"
        )


def estimate_discounts(counts_of_counts: tuple[int, int, int, int]) -> Discounts:
    """Chen and Goodman (1999), equation 26: Y = n1 / (n1 + 2 n2), D_k = k - (k + 1) Y n_(k+1) / n_k.

    The formula needs n-grams that count 1, 2, k and k + 1. Where there are none, or where its result is not above 0 (it is always
    below k), the default is taken: 0.5, 1 or 1.5 for k = 1, 2, 3. So each discount is above 0 and below k, and every context leaves
    some probability for ids that never followed it.

    Args:
        counts_of_counts: n1 to n4, how many n-grams count 1, 2, 3 and 4.
    """
    n1, n2, _, _ = counts_of_counts
    ratio = n1 / (n1 + 2 * n2) if n1 and n2 else math.nan
    values, replaced = list(DEFAULTS), []
    for count in range(1, _NUM + 1):
        own, following = counts_of_counts[count - 1], counts_of_counts[count]
        value = count - (count + 1) * ratio * following / own if own and following else math.nan
        if value > 0:
            values[count - 1] = value
        else:
            replaced.append(count)
    return Discounts((values[0], values[1], values[2]), tuple(replaced))
