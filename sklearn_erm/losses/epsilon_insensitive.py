"""Epsilon-insensitive losses."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.scalar import ResidualLoss


class _Tube(ResidualLoss):
    """What the two losses share: a tube of half-width epsilon around y inside which the loss is zero."""

    def __init__(self, epsilon: float = 0.1):
        self.epsilon = epsilon

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(epsilon=0.5)]

    def validate(self) -> None:
        require_in_range(self, "epsilon", self.epsilon, 0, np.inf, "[)")

    def _excess(self, t: Array) -> Array:
        return np.maximum(np.abs(t) - self.epsilon, 0.0)


class EpsilonInsensitive(_Tube):
    r"""The loss of support vector regression, ``"epsilon_insensitive"``.

    .. math:: \ell(y, \eta) = (|y - \eta| - \epsilon)^+

    Domain: y real; identity link. Errors up to epsilon cost nothing. Not differentiable where the error is exactly
    epsilon (the subgradient there is 0).

    Parameters
    ----------
    epsilon : float >= 0, default=0.1
        Half-width of the tube, in the units of y; 0 gives the absolute error.

    References
    ----------
    Vapnik, *The Nature of Statistical Learning Theory*, 1995, chapter 6.
    """

    smooth = False
    phi_domain = (-1.0, 1.0)

    def phi(self, t: Array) -> Array:
        return self._excess(t)

    def phi_gradient(self, t: Array) -> Array:
        return np.where(np.abs(t) > self.epsilon, np.sign(t), 0.0)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - np.sign(t) * np.minimum(self._excess(t), step)

    def phi_prox_derivative(self, t: Array, step: Any) -> Array:
        size = np.abs(t)
        return ((size < self.epsilon) | (size - self.epsilon > step)).astype(float)

    def phi_pieces(self) -> tuple[Any, Any]:
        return [-self.epsilon, self.epsilon], [-1.0, 0.0, 1.0]

    def phi_conjugate(self, v: Array) -> Array:
        return self.epsilon * np.abs(v)


class SquaredEpsilonInsensitive(_Tube):
    r"""The squared loss of support vector regression, ``"squared_epsilon_insensitive"``.

    .. math:: \ell(y, \eta) = \left((|y - \eta| - \epsilon)^+\right)^2

    Domain: y real; identity link. Errors up to epsilon cost nothing; differentiable, not robust.

    Parameters
    ----------
    epsilon : float >= 0, default=0.1
        Half-width of the tube, in the units of y; 0 gives the squared error.

    References
    ----------
    Ho, Lin, "Large-scale linear support vector regression", JMLR 13, 2012.
    """

    max_curvature = 2.0

    def phi(self, t: Array) -> Array:
        return self._excess(t) ** 2

    def phi_gradient(self, t: Array) -> Array:
        return 2.0 * np.sign(t) * self._excess(t)

    def phi_curvature(self, t: Array) -> Array:
        return 2.0 * (np.abs(t) >= self.epsilon)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - np.sign(t) * self._excess(t) * (2.0 * step / (1.0 + 2.0 * step))

    def phi_conjugate(self, v: Array) -> Array:
        return 0.25 * v * v + self.epsilon * np.abs(v)
