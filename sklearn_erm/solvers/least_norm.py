"""The shortest move that meets linear equations, by the structure of their matrix."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from sklearn_erm.solvers.contract import Array

# If a singular value is smaller, relative to the largest, then it counts as zero, because it may be rounding.
DEPENDENT = 1e-12
# If rows of length 1 depend on each other, then their system is singular; this ridge on the multipliers prevents that.
RIDGE = 1e-12
# The solution is refined so often at most, because the ridge moves it a little.
ROUNDS = 6
# If a refinement leaves more than this share of the residual, then it is the last, because rounding is reached.
SMALLER = 0.5


def stacked_rows(matrices: list[Any]) -> Any:
    """Return matrices one below the other: a sparse array if one of them is, an array otherwise."""
    if any(sparse.issparse(matrix) for matrix in matrices):
        return sparse.vstack([sparse.csr_array(matrix) for matrix in matrices], format="csr")
    return np.vstack(matrices)


def with_unit_rows(A: Any, units: Array) -> tuple[Any, Array]:
    """Return A with its columns multiplied by units, and rows of length 1, and what these were divided by."""
    if sparse.issparse(A):
        scaled = A @ sparse.diags_array(units)
        lengths = sparse.linalg.norm(scaled, axis=1)
        lengths = np.where(lengths > 0, lengths, 1.0)
        return (sparse.diags_array(1.0 / lengths) @ scaled).tocsr(), lengths
    scaled = A * units
    lengths = np.linalg.norm(scaled, axis=1)
    lengths = np.where(lengths > 0, lengths, 1.0)
    return scaled / lengths[:, None], lengths


def least_norm(A: Any, r: Array) -> Array:
    """Return the shortest d with A d = r; if there is none, one with A d near r.

    Parameters
    ----------
    A : ndarray or sparse array of shape (m, p)
        Rows of length about 1; some may depend on others. A sparse one is never made dense: the system
        [[1, A^T], [A, -ridge]] is factorised as it is, and the solution refined.
    r : ndarray of shape (m,)

    Returns
    -------
    d : ndarray of shape (p,)
    """
    if not sparse.issparse(A):
        solution: Array = np.linalg.lstsq(A, r, rcond=DEPENDENT)[0]
        return solution
    m, p = A.shape
    d = np.zeros(p)
    ridge = -RIDGE * sparse.eye_array(m)
    system = splu(sparse.block_array([[sparse.eye_array(p), A.T], [A, ridge]], format="csc"))
    missed = r
    for _ in range(ROUNDS):
        trial = d + system.solve(np.concatenate([np.zeros(p), missed]))[:p]
        left = r - A @ trial
        better = np.linalg.norm(left) < np.linalg.norm(missed)
        d = trial if better else d
        if not np.linalg.norm(left) < SMALLER * np.linalg.norm(missed):
            break
        missed = left
    return d
