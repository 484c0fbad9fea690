"""Second derivatives of penalties, as a symmetric matrix over the entries of W."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Curvature(NamedTuple):
    """A symmetric matrix over the entries of W in C order: diag(diagonal) - minus minus^T + matrix.

    Parameters
    ----------
    diagonal : ndarray in the shape of W
        What is on the diagonal.
    minus : ndarray of shape (W.size, m), default=None
        The factor of what is subtracted; None is 0.
    matrix : ndarray or sparse array of shape (W.size, W.size), default=None
        What else there is; None is 0.
    """

    diagonal: Array
    minus: Array | None = None
    matrix: Any = None

    def scaled(self, factor: float) -> Curvature:
        """Return the matrix times a factor >= 0."""
        minus = None if self.minus is None else np.sqrt(factor) * self.minus
        return Curvature(factor * self.diagonal, minus, None if self.matrix is None else factor * self.matrix)

    def plus(self, other: Curvature) -> Curvature:
        """Return the sum of two such matrices."""
        minus = [part for part in (self.minus, other.minus) if part is not None]
        matrices = [part for part in (self.matrix, other.matrix) if part is not None]
        return Curvature(
            self.diagonal + other.diagonal,
            np.hstack(minus) if minus else None,
            sum(matrices[1:], matrices[0]) if matrices else None,
        )
