"""The linear system of a quadratic with equality constraints: w'Hw / 2 - r'w with B w + c b = level."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dgesv

Array = NDArray[Any]


def solve_by_multipliers(
    H: Array, B: Array, c: Array | None, r: Array, total: float, level: Array, ridge: float
) -> tuple[Array, float, Array]:
    """Return w, b and theta with H w + B' theta = r, c' theta + ridge b = total, B w + c b = level; w is eliminated.

    H > 0 is a diagonal; without c there is no b.
    """
    k = len(B)
    scaled = B / H
    M, v = np.empty((k + 1, k + 1)), np.empty(k + 1)
    M[:k, :k] = scaled @ B.T
    v[:k] = scaled @ r - level
    if c is None:
        theta, b = _solve(M[:k, :k], v[:k]), 0.0
    else:
        M[:k, k], M[k, :k], M[k, k], v[k] = -c, c, ridge, total
        z = _solve(M, v)
        theta, b = z[:k], float(z[k])
    return (r - theta @ B) / H, b, theta


def solve_whole(
    H: Array, B: Array, c: Array | None, r: Array, total: float, level: Array, ridge: float
) -> tuple[Array, float, Array]:
    """Solve the system of ``solve_by_multipliers`` as it stands: for H that is small."""
    k, m = B.shape
    q = int(c is not None)
    M = np.zeros((m + q + k, m + q + k))
    M[range(m), range(m)] = H
    M[m + q :, :m], M[:m, m + q :] = B, B.T
    if c is not None:
        M[m, m], M[m, m + 1 :], M[m + 1 :, m] = ridge, c, c
    z = _solve(M, np.concatenate([r, [total] * q, level]))
    return z[:m], float(z[m]) if q else 0.0, z[m + q :]


def _solve(M: Array, v: Array) -> Array:
    """Return M^-1 v; nan where M is singular."""
    if not len(v):
        return v
    *_, z, info = dgesv(M, v)
    return z if info == 0 else np.full(v.shape, np.nan)
