"""Rounding: tensors -> tuples of rounded floats, as an Explanation holds them."""

import numpy as np
from torch import Tensor

from seqloom.explain.explanation import Matrix, Vector


def rounded(value: float) -> float:
    """A float with six significant digits: single precision has no more."""
    return float(f"{value:.6g}")


def vector(tensor: Tensor) -> Vector:
    """A vector as a tuple of rounded floats."""
    return tuple(rounded(value) for value in tensor.detach().cpu().double().tolist())


def matrix(tensor: Tensor) -> Matrix:
    """A matrix as a tuple of rows."""
    return tuple(vector(row) for row in tensor)


def array(rows: Matrix) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """A tuple of rows as an array; a matrix without rows has no columns."""
    return np.array(rows, dtype=np.float64).reshape(len(rows), len(rows[0]) if rows else 0)
