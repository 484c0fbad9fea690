"""Factors of rows and columns that make the entries of a matrix about 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_erm.penalties.base import Array

ROUNDS = 10  # each brings the logarithms of the sizes of rows and columns halfway to 0


def equilibrate(matrix: Any) -> tuple[Array, Array]:
    """Return r and s such that the largest entry of each row and column of diag(r) A diag(s) is about 1.

    They are powers of two, so that rounding stays the same; 1 for rows and columns of zeros.

    References
    ----------
    Ruiz, "A scaling algorithm to equilibrate both rows and columns norms in matrices", Rutherford Appleton Laboratory
    report RAL-TR-2001-034, 2001.
    """
    A = abs(sparse.csr_array(matrix))
    r, s = np.ones(A.shape[0]), np.ones(A.shape[1])
    for _ in range(ROUNDS):
        scaled = sparse.diags_array(r) @ A @ sparse.diags_array(s)
        rows, columns = (np.ravel(scaled.max(axis=axis).toarray()) for axis in (1, 0))
        r /= np.sqrt(np.where(rows > 0, rows, 1.0))
        s /= np.sqrt(np.where(columns > 0, columns, 1.0))
    r, s = (2.0 ** np.round(np.log2(factors)) for factors in (r, s))
    return r, s
