"""A Cholesky factorisation that survives singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dpotrs

Array = NDArray[Any]

JITTER = 1e-13  # relative ridge that keeps the factorisation of a singular matrix alive


class Factor:
    """The factorisation of a positive semidefinite H, scaled to unit diagonal; H is overwritten.

    A relative ridge of 1e-13, raised until the factorisation exists, stands for what rounding left of H's null space.
    """

    def __init__(self, H: Array):
        diagonal = np.diag(H).copy()
        positive = diagonal > 0
        self.root = np.sqrt(np.where(positive, diagonal, 1.0))
        H /= self.root
        H /= self.root[:, None]
        ridge = JITTER
        while True:
            H.flat[:: len(H) + 1] = 1.0 + ridge
            self.factor, failed = dpotrf(H, lower=1)
            if not failed:
                return
            if not np.all(np.isfinite(H)):
                raise np.linalg.LinAlgError("the matrix is not finite")
            ridge *= 100.0

    def solve(self, v: Array) -> Array:
        """Return H^-1 v, for a vector or a matrix v."""
        solution: Array = dpotrs(self.factor, (v.T / self.root).T, lower=1)[0]
        return (solution.T / self.root).T


def solve_positive(H: Array, v: Array) -> Array:
    """Return H^-1 v for a positive semidefinite H, which is overwritten."""
    return Factor(H).solve(v)
