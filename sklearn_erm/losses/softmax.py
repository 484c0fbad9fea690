"""Cross-entropy for more than two classes."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import log_softmax, logsumexp, softmax, wrightomega, xlogy

from sklearn_erm.losses.base import ROUNDING, Array, Loss

LEAST_PROBABILITY = 1e-10  # the null model of a class without weight


class Softmax(Loss):
    r"""The multinomial cross-entropy in nats; what ``log_loss`` becomes for more than two classes.

    .. math:: \ell(y, \eta) = \ln \sum_j e^{\eta_j} - \eta_y

    Domain: y = a class index in 0 ... k - 1; one score per class. Class probabilities are the softmax of the scores.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, section 4.3.4.
    """

    max_curvature = 0.5
    attained = False
    joint = True
    shift_invariant = True
    target = "class"
    domain = "class indices"

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & (y >= 0) & (y == np.floor(y))

    @staticmethod
    def _one_hot(y: Array, eta: Array) -> Array:
        out = np.zeros(eta.shape)
        out[np.arange(len(y)), y.astype(np.intp)] = 1.0
        return out

    def value(self, y: Array, eta: Array) -> Array:
        of_label = np.take_along_axis(eta, y.astype(np.intp)[:, None], axis=1)
        return logsumexp(eta - of_label, axis=1)

    def gradient(self, y: Array, eta: Array) -> Array:
        u = softmax(eta, axis=1)
        label = y.astype(np.intp)[:, None]
        # p_y - 1 as minus the sum of the others keeps its digits when p_y is close to 1
        np.put_along_axis(u, label, 0.0, axis=1)
        np.put_along_axis(u, label, -u.sum(axis=1, keepdims=True), axis=1)
        return u

    def curvature(self, y: Array, eta: Array) -> Array:
        p = softmax(eta, axis=1)
        return p[:, :, None] * (np.eye(eta.shape[1]) - p[:, None, :])

    def hessp(self, y: Array, eta: Array, direction: Array) -> Array:
        p = softmax(eta, axis=1)
        moved = p * direction
        return moved - p * moved.sum(axis=1, keepdims=True)

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        # z_j + step e^(z_j - c) = a_j with c = logsumexp(z): z_j = a_j - omega(a_j + ln step - c), one unknown c per
        # sample, the root of a convex decreasing function, which Newton's method climbs from the left
        step = np.broadcast_to(np.asarray(step, dtype=float), y.shape)[:, None]
        a = eta + step * self._one_hot(y, eta)
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
        p = u + self._one_hot(y, u)
        inside = (np.abs(u.sum(axis=1)) <= ROUNDING * u.shape[1]) & (p.min(axis=1) >= -ROUNDING)
        p = np.maximum(p, 0.0)
        return np.where(inside, xlogy(p, p).sum(axis=1), np.inf)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return -1.0, 1.0

    def balance(self, y: Array, u: Array, weight: Array) -> Array:
        """Mix every sample's probabilities with one constant vector, so that the means match the class shares."""
        label = self._one_hot(y, u)
        p = np.maximum(u + label, 0.0)
        wanted, mean = weight @ label, weight @ p
        ratio = np.divide(wanted, mean, out=np.ones_like(mean), where=mean > 0)
        keep = min(1.0, float(ratio.min()))
        missing = np.maximum(wanted - keep * mean, 0.0)  # sums to 1 - keep
        return keep * u + missing - (1.0 - keep) * label

    def null(self, y: Array, weight: Array) -> Any:
        share = np.bincount(y.astype(np.intp), weights=weight)
        score = np.log(np.maximum(share, LEAST_PROBABILITY))
        return score - score.mean()

    def probability(self, eta: Array) -> Array:
        """Return the class probabilities, (n, k)."""
        return softmax(eta, axis=1)

    def log_probability(self, eta: Array) -> Array:
        """Return the logarithms of the class probabilities, accurate where these underflow."""
        return log_softmax(eta, axis=1)
