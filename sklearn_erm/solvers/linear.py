"""A Cholesky solve that survives singular matrices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

Array = NDArray[Any]

JITTER = 1e-13  # relative ridge that keeps the factorisation of a singular matrix alive


def solve_positive(H: Array, v: Array) -> Array:
    """Return H^-1 v for H positive semidefinite, after scaling to unit diagonal; H is overwritten.

    A relative ridge of 1e-13, raised until the factorisation exists, stands for what rounding left of H's null space.
    """
    diagonal = np.diag(H).copy()
    positive = diagonal > 0
    root = np.sqrt(np.where(positive, diagonal, 1.0))
    H /= root
    H /= root[:, None]
    ridge = JITTER
    while True:
        H[np.diag_indices_from(H)] = np.where(positive, 1.0, 0.0) + ridge + ~positive
        try:
            factor = cho_factor(H, lower=True, check_finite=False)
            return (cho_solve(factor, (v.T / root).T, check_finite=False).T / root).T
        except np.linalg.LinAlgError:
            if not np.all(np.isfinite(H)):
                raise
            ridge *= 100.0
