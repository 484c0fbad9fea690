"""Exponential loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.near_zero import times_log
from sklearn_erm.losses.roots import exponential_root
from sklearn_erm.losses.scalar import MarginLoss

LEAST_PROBABILITY = 1e-10  # the null model of a class without weight


class Exponential(MarginLoss):
    r"""The exponential loss of AdaBoost, ``"exponential"``.

    .. math:: \ell(y, \eta) = e^{-y \eta}

    Domain: y = -1 or +1; P(y = 1) is the logistic function of twice the score. One mislabelled point far on the wrong
    side outweighs all others: prefer ``log_loss`` where labels are noisy.

    References
    ----------
    Friedman, Hastie, Tibshirani, "Additive logistic regression: a statistical view of boosting", Annals of Statistics
    28(2), 2000.
    """

    attained = False
    phi_domain = (-np.inf, 0.0)

    def phi(self, t: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(-t)

    def phi_gradient(self, t: Array) -> Array:
        return -self.phi(t)

    def phi_curvature(self, t: Array) -> Array:
        return self.phi(t)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return -exponential_root(-t, step)

    def phi_conjugate(self, v: Array) -> Array:
        return times_log(-v) + v

    def null(self, y: Array, weight: Array) -> Any:
        share = np.clip(0.5 * (1.0 + weight @ y), LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
        return 0.5 * np.log(share / (1.0 - share))

    def probability(self, eta: Array) -> Array:
        """Return P(y = 1) for the score eta."""
        return expit(2.0 * eta)

    def log_probability(self, eta: Array) -> Array:
        """Return ln P(y = 1), accurate where P underflows or is nearly 1."""
        return log_expit(2.0 * eta)
