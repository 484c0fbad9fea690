"""One term of a penalty that is solved, and certified, term by term."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

if TYPE_CHECKING:
    from sklearn_erm.penalties.base import Penalty

Array = NDArray[Any]


class Part(NamedTuple):
    """One term of a sum: factor * penalty(matrix W).

    Parameters
    ----------
    factor : float > 0
        What the term is multiplied by.
    penalty : Penalty
        A function of m coefficients.
    matrix : ndarray or sparse array of shape (m, p), default=None
        What the coefficients are multiplied by, of each output if there are several. None is the identity.
    """

    factor: float
    penalty: Penalty
    matrix: Any = None

    def image(self, W: Array) -> Array:
        """Return matrix W."""
        image: Array = W if self.matrix is None else self.matrix @ W
        return image

    def back(self, V: Array) -> Array:
        """Return matrix^T V."""
        back: Array = V if self.matrix is None else self.matrix.T @ V
        return back

    def rows(self, n_features: int) -> Any:
        """Return the matrix as a sparse array, its rows compressed."""
        return sparse.eye_array(n_features, format="csr") if self.matrix is None else sparse.csr_array(self.matrix)

    def value(self, W: Array) -> float:
        """Return penalty(matrix W); constraints may be missed by what rounding explains."""
        if self.penalty.has("violation"):
            return 0.0 if self.violation(W) <= 1.0 else np.inf
        return float(self.penalty.value(self.image(W)))

    def violation(self, W: Array) -> float:
        """Return by how much W violates the constraints that the part is, in units of their tolerance."""
        size = np.abs(W).max(initial=0.0) if self.matrix is None else abs(self.matrix) @ np.abs(W)
        return self.penalty.violation(self.image(W), size)
