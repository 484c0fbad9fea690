"""Poisson deviance."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import wrightomega

from sklearn_erm.losses.base import TINY, Array, Loss
from sklearn_erm.losses.near_zero import NEAR, entropy_excess, exp_excess, log_ratio, refined, times_log
from sklearn_erm.losses.roots import exponential_root
from sklearn_erm.losses.scalar import ROUNDING


class Poisson(Loss):
    r"""Half the Poisson deviance with log link, ``"poisson"``.

    .. math:: \ell(y, \eta) = e^\eta - y \eta + y \ln y - y

    Domain: y >= 0, not all zero; log link, predictions are :math:`e^\eta`. For counts and rates, with the logarithm
    of the exposure as ``offset``. Zero for a perfect fit.

    References
    ----------
    McCullagh, Nelder, *Generalized Linear Models*, 2nd ed., chapter 6.
    """

    target = "real"
    attained = False
    domain = "y >= 0"

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & (y >= 0)

    def value(self, y: Array, eta: Array) -> Array:
        x = np.log(np.maximum(y, TINY)) - eta
        with np.errstate(over="ignore"):
            rough = np.exp(eta) - y * (1.0 - x)
        near = (np.abs(x) <= NEAR) & (y > 0)
        return refined(rough, near, lambda y, eta: y * exp_excess(-log_ratio(y, eta)), y, eta)

    def gradient(self, y: Array, eta: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(eta) - y

    def curvature(self, y: Array, eta: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(eta)

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        return exponential_root(eta + step * y, step)

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        return 1.0 / (1.0 + wrightomega(eta + step * y + np.log(step)))

    def conjugate(self, y: Array, u: Array) -> Array:
        mean = u + y
        inside = mean >= -ROUNDING * (1.0 + y)
        mean = np.maximum(mean, 0.0)
        rough = np.where(inside, times_log(mean) - mean - (times_log(y) - y), np.inf)
        near = np.abs(u) < NEAR * y
        return refined(rough, near, lambda y, u: u * np.log(y) + y * entropy_excess(u / y), y, u)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return -y, np.inf

    def null(self, y: Array, weight: Array) -> Any:
        return np.log(weight @ y)

    def inverse_link(self, eta: Array) -> Array:
        return np.exp(eta)

    def link(self, prediction: Array) -> Array:
        return np.log(prediction)

    def log_likelihood_scale(self) -> float:
        """Return c such that c l is minus the log-likelihood of a Poisson variable, up to a constant."""
        return 1.0
