"""The Moreau envelope of a loss: what the augmented Lagrangian leaves of a loss that is not smooth."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array, Loss

DIFFERENCE = 1e-7  # relative step of difference quotients


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
    multiplier : State or ndarray
        u: a handle, which only samples open; once that is done, an array in the shape of eta.
    step : float > 0
        t, in units of eta squared over loss.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976.
    """

    def __init__(self, loss: Loss, multiplier: Any, step: float):
        self.loss = loss
        self.multiplier = multiplier
        self.step = step

    def around(self, multiplier: Any) -> Smoothed:
        """Return the same with another multiplier: opened, or that of some samples."""
        return Smoothed(self.loss, multiplier, self.step)

    def has(self, method: str) -> bool:
        if method == "curvature":
            return not self.joint or self.loss.has("prox_derivative")
        return method == "conjugate" and self.loss.has(method)

    @property
    def joint(self) -> bool:  # type: ignore[override]
        """Whether the wrapped loss couples columns."""
        return self.loss.joint

    @property
    def shift_invariant(self) -> bool:  # type: ignore[override]
        """Whether shifts change nothing in the wrapped loss; then z follows them."""
        return self.loss.shift_invariant

    @property
    def n_scores(self) -> int | None:  # type: ignore[override]
        """The number of scores of the wrapped loss."""
        return self.loss.n_scores

    @property
    def max_curvature(self) -> float:  # type: ignore[override]
        """One over the step."""
        return 1.0 / self.step

    def _split(self, y: Array, eta: Array) -> tuple[Array, Array]:
        shifted = eta + self.step * self.multiplier
        z = self.loss.prox(y, shifted, self.step)
        return z, self.loss.into_dual_domain(y, (shifted - z) / self.step)

    def value(self, y: Array, eta: Array) -> Array:
        z, u = self._split(y, eta)
        penalty = 0.5 * (eta - z) * (self.multiplier + u)
        return self.loss.value(y, z) + (penalty.sum(axis=1) if self.joint else penalty)

    def gradient(self, y: Array, eta: Array) -> Array:
        return self._split(y, eta)[1]

    def curvature(self, y: Array, eta: Array) -> Array:
        shifted = eta + self.step * self.multiplier
        if not self.loss.has("prox_derivative"):
            h = DIFFERENCE * (1.0 + np.abs(shifted))
            change = self.loss.prox(y, shifted + h, self.step) - self.loss.prox(y, shifted - h, self.step)
            return (1.0 - np.clip(change / (2.0 * h), 0.0, 1.0)) / self.step
        derivative = self.loss.prox_derivative(y, shifted, self.step)
        identity = np.eye(eta.shape[1]) if self.joint else 1.0
        return (identity - derivative) / self.step

    def conjugate(self, y: Array, u: Array) -> Array:
        moved = 0.5 * self.step * (u - self.multiplier) ** 2
        return self.loss.conjugate(y, u) + (moved.sum(axis=1) if self.joint else moved)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return self.loss.dual_domain(y)

    def into_dual_domain(self, y: Array, u: Array) -> Array:
        return self.loss.into_dual_domain(y, u)

    def balance_sums(self, y: Array, u: Array, weight: Array) -> Array:
        return self.loss.balance_sums(y, u, weight)

    def balanced(self, y: Array, u: Array, sums: Array) -> Array:
        return self.loss.balanced(y, u, sums)
