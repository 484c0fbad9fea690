"""Coefficients whose gradient rounding blurs so much that no duality gap can be small."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.penalties import Penalty

Array = NDArray[Any]

# Rounding may leave this share of the largest gradient that a coefficient could have.
BLUR = 2 * np.finfo(float).eps
# If such an error makes a relative gap above this, in proportion to the error, then the gap says nothing.
MOST = 1e-6
# The same in proportion to its square, because solvers leave up to twenty times the error.
MOST_SQUARED = 2.5e-9


def blurred(penalty: Penalty, alpha: float, gradient_scale: Array, risk: float) -> Array:
    """Return a mask of the coefficients whose gradient is not known well enough for a duality gap.

    Rounding leaves an error e in the gradient, in proportion to the size of its column. A penalty of small alpha turns
    it into a gap: e^2 / (2 alpha) for the ridge, e / alpha for the lasso. With a timestamp among the columns, that may
    be far above any tolerance at the minimiser itself.

    Columns are left out in the order of their sizes, the largest first, until the gap that rounding causes in the
    others is small.

    Parameters
    ----------
    penalty : Penalty
        With ``conjugate``, and ``critical_alpha`` if it is homogeneous.
    alpha : float > 0
    gradient_scale : ndarray of shape (p,) or (p, k)
        The size of the gradient that each coefficient could have at the null model.
    risk : float
        What the gap is relative to.
    """
    error = BLUR * gradient_scale
    if _gap(penalty, alpha, error, risk) <= 1.0:
        return np.zeros(error.shape, dtype=bool)
    sizes = np.unique(error)
    low, high = 0, len(sizes)  # of these, from the smallest, so many can be kept; one more than can be
    while high - low > 1:
        middle = (low + high) // 2
        kept = np.where(error <= sizes[middle - 1], error, 0.0)
        low, high = (middle, high) if _gap(penalty, alpha, kept, risk) <= 1.0 else (low, middle)
    return error > (sizes[low - 1] if low else -1.0)


def _gap(penalty: Penalty, alpha: float, error: Array, risk: float) -> float:
    """Return the relative gap that an error of the gradient causes, over the most that may be."""
    if penalty.homogeneous:
        return penalty.critical_alpha(penalty.penalised(-error)) / alpha / MOST
    W = penalty.inside(np.full(error.shape, np.finfo(float).tiny))
    edge = penalty.gradient(W) if penalty.has("gradient") else np.zeros(error.shape)
    there = float(np.vdot(edge, W)) - penalty.value(W)  # the conjugate at a subgradient, by Fenchel's equality
    moved = -penalty.penalised(-(edge + error / alpha))
    share, conjugate = penalty.scaled_conjugate(moved)  # where the error leads out of the domain, the dual is shrunk
    return max((1.0 - share) / MOST, alpha * (conjugate - there) / abs(risk) / MOST_SQUARED)
