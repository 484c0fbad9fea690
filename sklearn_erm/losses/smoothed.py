"""The Moreau envelope of a loss: what the augmented Lagrangian leaves of a loss that is not smooth."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array, Loss


class Smoothed(Loss):
    r"""A loss after splitting z = eta, with multipliers u and step t, once z is minimised out.

    .. math:: \tilde\ell(y, \eta) = \min_z \ell(y, z) + u (\eta - z) + \frac{(\eta - z)^2}{2 t}

    It is continuously differentiable; its gradient is the next multiplier, :math:`u + (\eta - z)/t` at
    :math:`z = \mathrm{prox}_{t \ell}(\eta + t u)`, and its curvature :math:`(1 - \mathrm{prox}') / t` vanishes off the
    kinks. At the minimiser of the augmented Lagrangian the multipliers are those of the original problem, so the loss
    is split, not approximated.

    Parameters
    ----------
    loss : Loss
        The loss to wrap.
    multiplier : ndarray
        u, in the shape of eta.
    step : float > 0
        t, in units of eta squared over loss.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976.
    """

    def __init__(self, loss: Loss, multiplier: Array, step: float):
        self.loss = loss
        self.multiplier = multiplier
        self.step = step

    @property
    def joint(self) -> bool:  # type: ignore[override]
        """Whether the wrapped loss couples columns."""
        return self.loss.joint

    @property
    def max_curvature(self) -> float:  # type: ignore[override]
        """One over the step."""
        return 1.0 / self.step

    def _split(self, y: Array, eta: Array) -> tuple[Array, Array]:
        shifted = eta + self.step * self.multiplier
        z = self.loss.prox(y, shifted, self.step)
        low, high = self.loss.dual_domain(y)
        return z, np.clip((shifted - z) / self.step, low, high)

    def value(self, y: Array, eta: Array) -> Array:
        z, u = self._split(y, eta)
        penalty = 0.5 * (eta - z) * (self.multiplier + u)
        return self.loss.value(y, z) + (penalty.sum(axis=1) if self.joint else penalty)

    def gradient(self, y: Array, eta: Array) -> Array:
        return self._split(y, eta)[1]

    def curvature(self, y: Array, eta: Array) -> Array:
        derivative = self.loss.prox_derivative(y, eta + self.step * self.multiplier, self.step)
        identity = np.eye(eta.shape[1]) if self.joint else 1.0
        return (identity - derivative) / self.step

    def hessp(self, y: Array, eta: Array, direction: Array) -> Array:
        curvature = self.curvature(y, eta)
        return np.einsum("nij,nj->ni", curvature, direction) if self.joint else curvature * direction

    def conjugate(self, y: Array, u: Array) -> Array:
        moved = 0.5 * self.step * (u - self.multiplier) ** 2
        return self.loss.conjugate(y, u) + (moved.sum(axis=1) if self.joint else moved)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return self.loss.dual_domain(y)

    def balance(self, y: Array, u: Array, weight: Array) -> Array:
        return self.loss.balance(y, u, weight)
