"""The Gram matrix of a sparse X, centred after the product; what a Gram matrix of any X costs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def gram_cost(entries: int, n_samples: int) -> float:
    """Return the multiplications in a Gram matrix of so many stored entries, roughly."""
    return float(entries) ** 2 / max(n_samples, 1)


def sparse_gram(X: Any, transposed: Any, left: Array, centre: Array, intercept: bool) -> Array:
    """Return A^T diag(left) A with A = [X - 1 m^T, 1], or without the column of ones if there is no intercept.

    Parameters
    ----------
    X : sparse matrix or array of shape (n, p), in CSR format
    transposed : sparse matrix or array of shape (p, n), in CSR format
        X^T.
    left : ndarray of shape (n,)
    centre : ndarray of shape (p,)
        m; 0 without intercept.
    intercept : bool
    """
    p = X.shape[1]
    gram = np.zeros((p + intercept, p + intercept))
    scaled = X.data * np.repeat(left, np.diff(X.indptr))
    gram[:p, :p] = (transposed @ type(X)((scaled, X.indices, X.indptr), shape=X.shape)).toarray()
    if not intercept:
        return gram
    total, raw = left.sum(), transposed @ left
    gram[:p, :p] -= np.outer(centre, raw) + np.outer(raw, centre) - total * np.outer(centre, centre)
    gram[p, :p] = gram[:p, p] = raw - total * centre
    gram[p, p] = total
    return gram
