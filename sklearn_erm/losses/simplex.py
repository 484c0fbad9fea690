"""What the losses share whose derivatives are class probabilities less the indicator of the label."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.scalar import ROUNDING


def one_hot(y: Array, shape: tuple[int, ...]) -> Array:
    """Return the indicators of the labels, (n, k)."""
    out = np.zeros(shape)
    out[np.arange(len(y)), y.astype(np.intp)] = 1.0
    return out


class SimplexLoss(Loss):
    """A joint loss of class indices with derivatives p - e_y, p in the simplex: its conjugate is finite there only."""

    joint = True
    shift_invariant = True
    target = "class"
    domain = "class indices"

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & (y >= 0) & (y == np.floor(y))

    def simplex_part(self, y: Array, u: Array) -> tuple[Array, Array]:
        """Return p = u + e_y, negative entries that rounding made set to zero, and whether it lies in the simplex."""
        p = u.copy()
        p[np.arange(len(y)), y.astype(np.intp)] += 1.0
        inside = np.abs(u @ np.ones(u.shape[1])) <= ROUNDING * u.shape[1]
        if p.min(initial=0.0) < -ROUNDING:
            inside &= p.min(axis=1) >= -ROUNDING
        return np.maximum(p, 0.0, out=p), inside

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return -1.0, 1.0

    def into_dual_domain(self, y: Array, u: Array) -> Array:
        label = one_hot(y, u.shape)
        p = np.maximum(u + label, 0.0)
        total = p.sum(axis=1, keepdims=True)  # 0 where rounding left nothing of u beside large scores
        return np.divide(p, total, out=label.copy(), where=total > 0) - label

    def balance_sums(self, y: Array, u: Array, weight: Array) -> Array:
        wanted = np.bincount(y.astype(np.intp), weight, u.shape[1])
        return np.array([wanted, np.maximum(weight @ u + wanted, 0.0)])

    def balanced(self, y: Array, u: Array, sums: Array) -> Array:
        """Mix every sample's probabilities with one constant vector, so that the means match the class shares."""
        wanted, mean = sums
        ratio = np.divide(wanted, mean, out=np.ones_like(mean), where=mean > 0)
        keep = min(1.0, float(ratio.min()))
        balanced = keep * u
        balanced += np.maximum(wanted - keep * mean, 0.0)  # sums to 1 - keep
        balanced[np.arange(len(y)), y.astype(np.intp)] -= 1.0 - keep
        return balanced
