"""Sets of tied coefficients, as sparse columns."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_erm.penalties.base import Array


def tied_columns(
    entries: list[Array], owners: list[Array], sizes: list[Array], length: int, signs: Array | None = None
) -> Any:
    """Return a sparse array with a column of norm 1 for every set of tied entries, or None if there is none.

    Parameters
    ----------
    entries, owners, sizes : lists of ndarray
        Of several groups of sets: the tied entries, the set of each, and the number of entries of that.
    length : int
        Rows of the array.
    signs : ndarray of shape (length,) or None
        Of the values; None is all positive.
    """
    rows, columns, first = np.concatenate(entries), [], 0
    for owner in owners:
        kept, column = np.unique(owner, return_inverse=True)
        columns.append(first + column)
        first += len(kept)
    if not first:
        return None
    values = 1.0 / np.sqrt(np.concatenate(sizes))
    if signs is not None:
        values = values * signs[rows]
    return sparse.csc_array((values, (rows, np.concatenate(columns))), shape=(length, first))


def as_dense(U: Any) -> Any:
    """Return the second part of ``prox_derivative`` as an ndarray, or None."""
    return U.toarray() if sparse.issparse(U) else U
