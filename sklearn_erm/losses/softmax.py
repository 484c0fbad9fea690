"""Cross-entropy for more than two classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, wrightomega

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.near_zero import times_log
from sklearn_erm.losses.simplex import SimplexLoss, one_hot

NARROW = 600.0  # range of scores that exponentials survive under one shift
LEAST_PROBABILITY = 1e-10  # the null model of a class without weight


def softmax(eta: Array) -> Array:
    """Return the probabilities e^eta_j / sum of e^eta, row by row."""
    eta = np.asarray(eta, dtype=float)
    low, high = eta.min(initial=np.inf), eta.max(initial=-np.inf)
    shift = high if high - low < NARROW else eta.max(axis=1, keepdims=True)  # the largest of all is found faster
    p = np.exp(eta - shift)
    p /= (p @ np.ones(p.shape[1]))[:, None]
    return p


class Softmax(SimplexLoss):
    r"""The multinomial cross-entropy in nats; what ``log_loss`` becomes for more than two classes.

    .. math:: \ell(y, \eta) = \ln \sum_j e^{\eta_j} - \eta_y

    Domain: y = a class index in 0 ... k - 1; one score per class. Class probabilities are the softmax of the scores.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, section 4.3.4.
    """

    max_curvature = 0.5
    attained = False

    def value(self, y: Array, eta: Array) -> Array:
        # m + ln(sum of e^(z - m)) with z = eta - eta_y, so that e^(z_y) = 1: log1p keeps the digits of a small loss
        own = np.arange(len(y)), y.astype(np.intp)
        z = eta - eta[own][:, None]
        m = np.zeros(1) if z.max(initial=0.0) < NARROW else z.max(axis=1)
        e = np.exp(z - m[:, None])
        e[own] = 0.0
        return m + np.log1p(e @ np.ones(e.shape[1]) + np.expm1(-m))

    def gradient(self, y: Array, eta: Array) -> Array:
        u = softmax(eta)
        own = np.arange(len(y)), y.astype(np.intp)
        # p_y - 1 as minus the sum of the others keeps its digits when p_y is close to 1
        u[own] = 0.0
        u[own] = -(u @ np.ones(u.shape[1]))
        return u

    def curvature(self, y: Array, eta: Array) -> Array:
        p = softmax(eta)
        return p[:, :, None] * (np.eye(eta.shape[1]) - p[:, None, :])

    def curvature_factors(self, y: Array, eta: Array) -> tuple[Array, Array]:
        p = softmax(eta)
        return p, p

    def own_curvature(self, y: Array, eta: Array) -> Array:
        p = softmax(eta)
        return p * (p @ (1.0 - np.eye(p.shape[1])))  # 1 - p as the sum of the others keeps its digits

    def hessp(self, y: Array, eta: Array, direction: Array) -> Array:
        return self.bending(y, eta)(direction, slice(None))

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        # z_j + step e^(z_j - c) = a_j with c = logsumexp(z): z_j = a_j - omega(a_j + ln step - c), one unknown c per
        # sample, the root of a convex decreasing function, which Newton's method climbs from the left
        step = np.broadcast_to(np.asarray(step, dtype=float), y.shape)[:, None]
        a = eta + step * one_hot(y, eta.shape)
        c = a.max(axis=1, keepdims=True) - step
        for _ in range(100):
            omega = wrightomega(a + np.log(step) - c)
            excess = omega.sum(axis=1, keepdims=True) / step - 1.0
            move = excess / ((omega / (1.0 + omega)).sum(axis=1, keepdims=True) / step)
            c = c + move
            if np.all(np.abs(move) <= 1e-15 * (1.0 + np.abs(c))):
                break
        return a - wrightomega(a + np.log(step) - c)

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        step = np.broadcast_to(np.asarray(step, dtype=float), y.shape)[:, None, None]
        return np.linalg.inv(np.eye(eta.shape[1]) + step * self.curvature(y, self.prox(y, eta, step[:, 0, 0])))

    def conjugate(self, y: Array, u: Array) -> Array:
        p, inside = self.simplex_part(y, u)
        return np.where(inside, times_log(p) @ np.ones(p.shape[1]), np.inf)

    def null(self, y: Array, weight: Array) -> Any:
        share = np.bincount(y.astype(np.intp), weights=weight)
        score = np.log(np.maximum(share, LEAST_PROBABILITY))
        return score - score.mean()

    def probability(self, eta: Array) -> Array:
        """Return the class probabilities, (n, k)."""
        return softmax(eta)

    def log_probability(self, eta: Array) -> Array:
        """Return the logarithms of the class probabilities, accurate where these underflow."""
        return log_softmax(eta, axis=1)

    def log_likelihood_scale(self) -> float:
        """Return c such that c l is minus the log-likelihood of a categorical variable."""
        return 1.0
