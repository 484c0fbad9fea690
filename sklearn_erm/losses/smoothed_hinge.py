"""Hinges whose kink is rounded off: linear, then quadratic, then zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.probability import LinearProbability
from sklearn_erm.losses.scalar import MarginLoss


class SmoothedHinge(MarginLoss):
    r"""The hinge loss with its kink rounded off, ``"smoothed_hinge"``.

    .. math:: \ell(y, \eta) = \begin{cases} 0 & m \ge 1 \\ (1 - m)^2 / (2 \delta) & 1 - \delta \le m < 1 \\
        1 - m - \delta / 2 & m < 1 - \delta \end{cases} \qquad m = y \eta

    Domain: y = -1 or +1. Differentiable, as robust as the hinge, and at most delta / 2 below it. Estimates the more
    frequent class, not its probability.

    Parameters
    ----------
    delta : float > 0, default=0.5
        Length of the margins where the loss is quadratic; in the limit 0 it is the hinge.

    References
    ----------
    Shalev-Shwartz, Zhang, "Stochastic dual coordinate ascent methods for regularized loss minimization", JMLR 14, 2013.
    """

    phi_domain = (-1.0, 0.0)

    def __init__(self, delta: float = 0.5):
        self.delta = delta

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(delta=3.0)]

    def validate(self) -> None:
        require_in_range(self, "delta", self.delta, 0, np.inf, "()")

    @property
    def max_curvature(self) -> float:  # type: ignore[override]
        """One over delta."""
        return 1.0 / self.delta

    def phi(self, t: Array) -> Array:
        short = np.maximum(1.0 - t, 0.0)
        clipped = np.minimum(short, self.delta)
        return clipped * (short - 0.5 * clipped) / self.delta

    def phi_gradient(self, t: Array) -> Array:
        return -np.clip((1.0 - t) / self.delta, 0.0, 1.0)

    def phi_curvature(self, t: Array) -> Array:
        return ((t < 1.0) & (t >= 1.0 - self.delta)) / self.delta

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t + step * np.clip((1.0 - t) / (self.delta + step), 0.0, 1.0)

    def phi_conjugate(self, v: Array) -> Array:
        return v + 0.5 * self.delta * v * v


class ModifiedHuber(LinearProbability, MarginLoss):
    r"""The squared hinge, linear for gross errors: ``"modified_huber"``, as of scikit-learn's SGDClassifier.

    .. math:: \ell(y, \eta) = \left((1 - y \eta)^+\right)^2 \text{ if } y \eta \ge -1, \quad -4 y \eta
        \text{ otherwise}

    Domain: y = -1 or +1. Differentiable and fairly robust. Estimates probabilities, as (1 + score) / 2 clipped to
    [0, 1].

    References
    ----------
    Zhang, "Solving large scale linear prediction problems using stochastic gradient descent algorithms", ICML 2004.
    """

    max_curvature = 2.0
    phi_domain = (-4.0, 0.0)

    def phi(self, t: Array) -> Array:
        short = np.maximum(1.0 - t, 0.0)
        clipped = np.minimum(short, 2.0)
        return clipped * (2.0 * short - clipped)

    def phi_gradient(self, t: Array) -> Array:
        return -2.0 * np.clip(1.0 - t, 0.0, 2.0)

    def phi_curvature(self, t: Array) -> Array:
        return 2.0 * ((t < 1.0) & (t >= -1.0))

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t + step * np.clip(2.0 * (1.0 - t) / (1.0 + 2.0 * step), 0.0, 4.0)

    def phi_conjugate(self, v: Array) -> Array:
        return v + 0.25 * v * v

    def null(self, y: Array, weight: Array) -> Any:
        return weight @ y
