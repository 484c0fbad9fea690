"""Quantile (pinball) loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.constants import weighted_quantile
from sklearn_erm.losses.scalar import ResidualLoss


class Quantile(ResidualLoss):
    r"""The pinball loss of quantile regression, ``"quantile"``.

    .. math:: \ell(y, \eta) = q \, (y - \eta)^+ + (1 - q) \, (\eta - y)^+

    Domain: y real; identity link. Estimates the conditional q-quantile. Not differentiable at a zero residual (the
    subgradient there is 0).

    Parameters
    ----------
    quantile : float in (0, 1), default=0.5
        The quantile q; 0.5 is half the absolute error.

    References
    ----------
    Koenker, Bassett, "Regression quantiles", Econometrica 46(1), 1978.
    """

    smooth = False

    def __init__(self, quantile: float = 0.5):
        self.quantile = quantile

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(quantile=0.2)]

    def validate(self) -> None:
        require_in_range(self, "quantile", self.quantile, 0, 1, "()")

    @property
    def phi_domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The interval [q - 1, q] of slopes."""
        return self.quantile - 1.0, self.quantile

    def phi(self, t: Array) -> Array:
        return np.maximum(self.quantile * t, (self.quantile - 1.0) * t)

    def phi_gradient(self, t: Array) -> Array:
        return np.where(t > 0, self.quantile, np.where(t < 0, self.quantile - 1.0, 0.0))

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - np.clip(t, (self.quantile - 1.0) * step, self.quantile * step)

    def phi_prox_derivative(self, t: Array, step: Any) -> Array:
        return ((t > self.quantile * step) | (t < (self.quantile - 1.0) * step)).astype(float)

    def phi_pieces(self) -> tuple[Any, Any]:
        return [0.0], [self.quantile - 1.0, self.quantile]

    def phi_conjugate(self, v: Array) -> Array:
        return np.zeros_like(v)

    def null(self, y: Array, weight: Array) -> Any:
        return weighted_quantile(y, weight, self.quantile)
