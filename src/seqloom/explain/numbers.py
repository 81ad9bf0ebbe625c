"""Numbers: tensors -> plain tuples of floats, as an Explanation holds them."""

import numpy as np
from torch import Tensor

from seqloom.explain.explanation import Matrix, Vector


def plain(value: float) -> float:
    """A float with six significant digits, which is what single precision bears."""
    return float(f"{value:.6g}")


def vector(tensor: Tensor) -> Vector:
    """A vector as a tuple."""
    return tuple(plain(value) for value in tensor.detach().double().cpu().tolist())


def matrix(tensor: Tensor) -> Matrix:
    """A matrix as a tuple of rows."""
    return tuple(vector(row) for row in tensor)


def array(rows: Matrix) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """The inverse of `matrix`; a matrix without rows has no columns."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)
