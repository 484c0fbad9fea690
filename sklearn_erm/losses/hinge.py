"""Hinge losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.probability import LinearProbability
from sklearn_erm.losses.scalar import MarginLoss


class Hinge(MarginLoss):
    r"""The hinge loss of the support vector machine, ``"hinge"``.

    .. math:: \ell(y, \eta) = (1 - y \eta)^+

    Domain: y = -1 or +1. Points beyond the margin cost nothing, so the fit depends on the support vectors alone. Not
    differentiable at margin 1 (the subgradient there is 0); estimates the more frequent class, not its probability.

    References
    ----------
    Cortes, Vapnik, "Support-vector networks", Machine Learning 20, 1995.
    """

    smooth = False
    phi_domain = (-1.0, 0.0)

    def phi(self, t: Array) -> Array:
        return np.maximum(1.0 - t, 0.0)

    def phi_gradient(self, t: Array) -> Array:
        return -(t < 1.0).astype(float)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t + np.clip(1.0 - t, 0.0, step)

    def phi_prox_derivative(self, t: Array, step: Any) -> Array:
        return ((t > 1.0) | (t < 1.0 - step)).astype(float)

    def phi_pieces(self) -> tuple[Any, Any]:
        return [1.0], [-1.0, 0.0]

    def phi_conjugate(self, v: Array) -> Array:
        return v

    def null(self, y: Array, weight: Array) -> Any:
        return 2.0 * (weight @ y >= 0) - 1.0


class SquaredHinge(LinearProbability, MarginLoss):
    r"""The squared hinge loss, ``"squared_hinge"``.

    .. math:: \ell(y, \eta) = \left((1 - y \eta)^+\right)^2

    Domain: y = -1 or +1. Differentiable, zero beyond the margin, quadratic for errors and so less robust
    than the hinge. Estimates probabilities, as (1 + score) / 2 clipped to [0, 1].

    References
    ----------
    Chang, Hsieh, Lin, "Coordinate descent method for large-scale L2-loss linear support vector machines", JMLR 9, 2008.
    """

    max_curvature = 2.0
    phi_domain = (-np.inf, 0.0)

    def phi(self, t: Array) -> Array:
        return np.maximum(1.0 - t, 0.0) ** 2

    def phi_gradient(self, t: Array) -> Array:
        return -2.0 * np.maximum(1.0 - t, 0.0)

    def phi_curvature(self, t: Array) -> Array:
        return 2.0 * (t < 1.0)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t + np.maximum(1.0 - t, 0.0) * (2.0 * step / (1.0 + 2.0 * step))

    def phi_conjugate(self, v: Array) -> Array:
        return v + 0.25 * v * v

    def null(self, y: Array, weight: Array) -> Any:
        return weight @ y
