"""Absolute error."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.constants import weighted_quantile
from sklearn_erm.losses.scalar import ResidualLoss


class AbsoluteError(ResidualLoss):
    r"""The absolute error (L1 loss), ``"absolute_error"``.

    .. math:: \ell(y, \eta) = |y - \eta|

    Domain: y real; identity link. Estimates the conditional median; robust to outliers in y. Not differentiable at a
    zero residual (the subgradient there is 0), and the minimiser need not be unique.

    References
    ----------
    Bloomfield, Steiger, *Least Absolute Deviations*, 1983.
    """

    smooth = False
    phi_domain = (-1.0, 1.0)

    def phi(self, t: Array) -> Array:
        return np.abs(t)

    def phi_gradient(self, t: Array) -> Array:
        return np.sign(t)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t - np.clip(t, -step, step)

    def phi_prox_derivative(self, t: Array, step: Any) -> Array:
        return (np.abs(t) > step).astype(float)

    def phi_pieces(self) -> tuple[Any, Any]:
        return [0.0], [-1.0, 1.0]

    def phi_conjugate(self, v: Array) -> Array:
        return np.zeros_like(v)

    def null(self, y: Array, weight: Array) -> Any:
        return weighted_quantile(y, weight, 0.5)

    def log_likelihood_scale(self, noise_variance: float) -> float:
        """Return c such that c l is minus the log-likelihood under Laplace noise, up to a constant."""
        return float(np.sqrt(2.0 / noise_variance))  # 1 / b, the variance being 2 b^2

    def noise_variance(self, mean_loss: float) -> float:
        """Return the noise variance of largest likelihood."""
        return 2.0 * mean_loss**2
