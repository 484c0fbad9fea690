"""Huber loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array, Loss, ResidualLoss, constant_minimiser
from sklearn_erm.validation import require_in_range


class Huber(ResidualLoss):
    r"""Huber's loss: squared near zero, absolute beyond ``delta``.

    .. math:: \ell(y, \eta) = \tfrac12 r^2 \text{ if } |r| \le \delta, \quad \delta(|r| - \tfrac12 \delta)
        \text{ otherwise}, \qquad r = y - \eta

    Domain: y real; identity link. As robust as the absolute error, and differentiable.

    Parameters
    ----------
    delta : float > 0, default=1.35
        Where the loss turns from quadratic to linear, in the units of y. With noise of standard deviation 1, the
        default keeps 95 % of the efficiency of least squares.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964.
    """

    max_curvature = 1.0

    def __init__(self, delta: float = 1.35):
        self.delta = delta

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(delta=0.3)]

    def validate(self) -> None:
        require_in_range(self, "delta", self.delta, 0, np.inf, "()")

    @property
    def phi_domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The interval [-delta, delta] of slopes."""
        return -self.delta, self.delta

    def phi(self, t: Array) -> Array:
        clipped = np.clip(t, -self.delta, self.delta)
        return clipped * (t - 0.5 * clipped)

    def phi_gradient(self, t: Array) -> Array:
        return np.clip(t, -self.delta, self.delta)

    def phi_curvature(self, t: Array) -> Array:
        return (np.abs(t) <= self.delta).astype(float)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - step * np.clip(t / (1.0 + step), -self.delta, self.delta)

    def phi_conjugate(self, v: Array) -> Array:
        return 0.5 * v * v

    def null(self, y: Array, weight: Array) -> Any:
        return constant_minimiser(self, y, weight, y.min(axis=0), y.max(axis=0))
