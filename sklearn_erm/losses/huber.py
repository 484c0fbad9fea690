"""Huber loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.scalar import ResidualLoss

GAUSSIAN = 1.4826  # standard deviation over median absolute value, of a Gaussian
ROUNDS = 50  # fits at most, in search of the scale
SETTLED = 1e-4  # relative change of the scale that counts as none


class Huber(ResidualLoss):
    r"""Huber's loss, ``"huber"``: squared near zero, absolute beyond ``delta`` times ``scale``.

    .. math:: \ell(y, \eta) = \tfrac12 r^2 \text{ if } |r| \le d, \quad d(|r| - \tfrac12 d)
        \text{ otherwise}, \qquad r = y - \eta, \quad d = \delta \sigma

    Domain: y real; identity link. As robust as the absolute error, and differentiable.

    Parameters
    ----------
    delta : float > 0, default=1.35
        Where the loss turns from quadratic to linear, in units of ``scale``. Where that is the standard deviation of
        the noise, the default keeps 95 % of the efficiency of least squares.
    scale : float > 0 or "mad", default=1.0
        The unit sigma of ``delta``. ``"mad"`` lets the estimator find it: 1.4826 times the median absolute residual,
        which estimates the standard deviation of Gaussian noise, at the fit itself. The fit then follows when y is
        multiplied by a constant (with a penalty that scales alike: none, or the squared norm).

    Notes
    -----
    scikit-learn's ``HuberRegressor(epsilon, alpha=a)`` minimises over its scale as well. At the scale it finds, its
    coefficients are those of ``Huber(epsilon, scale=scale_)`` with the penalty ``"l2"`` and ``alpha = a * scale_ / n``.

    References
    ----------
    Huber, "Robust estimation of a location parameter", Annals of Mathematical Statistics 35(1), 1964. The median
    absolute residual: Huber, Ronchetti, *Robust Statistics*, 2nd ed., section 7.8.
    """

    max_curvature = 1.0

    def __init__(self, delta: float = 1.35, scale: Any = 1.0):
        self.delta = delta
        self.scale = scale

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(delta=0.3), cls(delta=0.5, scale=4.0)]

    def validate(self) -> None:
        require_in_range(self, "delta", self.delta, 0, np.inf, "()")
        if not self.one_target:
            require_in_range(self, "scale", self.scale, 0, np.inf, "()", "'mad'")

    @property
    def one_target(self) -> bool:  # type: ignore[override]
        """Whether the scale is to be found: several columns would have one each."""
        return isinstance(self.scale, str) and self.scale == "mad"

    def settled(self, spread: Callable[[Loss | None], float]) -> Loss:
        """Return the loss at the scale of the residuals of its own fit, a fixed point of fitting and measuring."""
        if not self.one_target:
            return self
        fitted, before = None, 0.0
        for _ in range(ROUNDS):
            fitted = Huber(self.delta, GAUSSIAN * spread(fitted) or 1.0)
            if abs(fitted.scale - before) <= SETTLED * fitted.scale:
                break
            before = fitted.scale
        return fitted or self

    @property
    def knot(self) -> float:
        """Where the loss turns from quadratic to linear, in the units of y."""
        return float(self.delta * self.scale)

    @property
    def phi_domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The interval of slopes."""
        return -self.knot, self.knot

    def phi(self, t: Array) -> Array:
        clipped = self.phi_gradient(t)
        return clipped * (t - 0.5 * clipped)

    def phi_gradient(self, t: Array) -> Array:
        knot = self.knot
        return np.minimum(np.maximum(t, -knot), knot)

    def phi_curvature(self, t: Array) -> Array:
        return (np.abs(t) <= self.knot).astype(float)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - step * self.phi_gradient(t / (1.0 + step))

    def phi_conjugate(self, v: Array) -> Array:
        return 0.5 * v * v
