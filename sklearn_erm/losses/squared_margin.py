"""Square loss for classification."""

from __future__ import annotations

from typing import Any

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.probability import LinearProbability
from sklearn_erm.losses.scalar import MarginLoss


class SquaredMargin(LinearProbability, MarginLoss):
    r"""The square loss of a margin, ``"squared"``.

    .. math:: \ell(y, \eta) = (1 - y \eta)^2

    Domain: y = -1 or +1. Least squares on the labels: a quadratic problem, solved in one step, but it also punishes
    points that are classified too well. Estimates probabilities, as (1 + score) / 2 clipped to [0, 1].

    References
    ----------
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., section 10.6.
    """

    max_curvature = 2.0
    is_square = True

    def phi(self, t: Array) -> Array:
        return (1.0 - t) ** 2

    def phi_gradient(self, t: Array) -> Array:
        return 2.0 * (t - 1.0)

    def phi_curvature(self, t: Array) -> Array:
        return 0.0 * t + 2.0

    def phi_prox(self, t: Array, step: Any) -> Array:
        return (t + 2.0 * step) / (1.0 + 2.0 * step)

    def phi_conjugate(self, v: Array) -> Array:
        return v + 0.25 * v * v

    def null(self, y: Array, weight: Array) -> Any:
        return weight @ y
