"""Squared error."""

from __future__ import annotations

from typing import Any

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.scalar import ResidualLoss


class SquaredError(ResidualLoss):
    r"""The squared error (L2 loss), ``"squared_error"``: the textbook's mean squared error.

    .. math:: \ell(y, \eta) = (y - \eta)^2

    Domain: y real; identity link. Estimates the conditional mean; the least-squares fit is the best linear unbiased
    estimator (Gauss-Markov) and the maximum-likelihood fit under Gaussian noise. One outlier can move it arbitrarily.

    References
    ----------
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., section 3.2.
    """

    max_curvature = 2.0
    is_square = True

    def phi(self, t: Array) -> Array:
        return t * t

    def phi_gradient(self, t: Array) -> Array:
        return 2.0 * t

    def phi_curvature(self, t: Array) -> Array:
        return 0.0 * t + 2.0

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t / (1.0 + 2.0 * step)

    def phi_conjugate(self, v: Array) -> Array:
        return 0.25 * v * v

    def null(self, y: Array, weight: Array) -> Any:
        return weight @ y

    def log_likelihood_scale(self, noise_variance: float) -> float:
        """Return c such that c l is minus the log-likelihood under Gaussian noise, up to a constant."""
        return 0.5 / noise_variance

    def noise_variance(self, mean_loss: float) -> float:
        """Return the noise variance of largest likelihood."""
        return mean_loss
