"""Logistic losses of a margin."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from scipy.special import expit, log_expit, wrightomega

from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.near_zero import times_log
from sklearn_erm.losses.scalar import MarginLoss
from sklearn_erm.losses.softmax import Softmax

LEAST_PROBABILITY = 1e-10  # the null model of a class without weight


class Logistic(MarginLoss):
    r"""The logistic loss in base 2, ``"logistic"``.

    .. math:: \ell(y, \eta) = \log_2(1 + e^{-y \eta})

    Domain: y = -1 or +1; P(y = 1) is the logistic function of the score. It is 1 at score 0, as the other margin losses
    are, and bounds the 0-1 loss from above. It is the cross-entropy counted in bits: same fits at alpha times 1/ln 2.

    References
    ----------
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., sections 4.4 and 10.6.
    """

    attained = False
    unit: ClassVar[float] = 1.0 / np.log(2.0)

    @property
    def max_curvature(self) -> float:  # type: ignore[override]
        """A quarter of the unit."""
        return 0.25 * self.unit

    @property
    def phi_domain(self) -> tuple[float, float]:  # type: ignore[override]
        """The interval [-unit, 0] of slopes."""
        return -self.unit, 0.0

    def phi(self, t: Array) -> Array:
        return self.unit * (np.log1p(np.exp(-np.abs(t))) + np.maximum(-t, 0.0))

    def phi_gradient(self, t: Array) -> Array:
        return -self.unit * expit(-t)

    def phi_curvature(self, t: Array) -> Array:
        return self.unit * expit(t) * expit(-t)

    def phi_prox(self, t: Array, step: Any) -> Array:
        # The root of z - t = size expit(-z) is odd in t + size / 2: solve for the positive one, from t or -t - size.
        # The equation is concave there, and expit(-z) >= e^(-z) / 2 puts the start on its left: Newton's method climbs.
        size = step * self.unit
        side = np.where(t + 0.5 * size < 0, -1.0, 1.0)
        t = np.where(side > 0, t, -t - size)
        z = np.maximum(t + wrightomega(np.log(0.5 * size) - t), 0.0)
        for _ in range(100):
            move = (t - z + size * expit(-z)) / (1.0 + size * expit(z) * expit(-z))
            z = z + move
            if np.all(np.abs(move) <= 1e-8):  # convergence is quadratic
                break
        return side * z

    def phi_conjugate(self, v: Array) -> Array:
        probability = -v / self.unit
        return self.unit * (times_log(probability) + times_log(1.0 - probability))

    def null(self, y: Array, weight: Array) -> Any:
        share = np.clip(0.5 * (1.0 + weight @ y), LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY)
        return np.log(share / (1.0 - share))

    def probability(self, eta: Array) -> Array:
        """Return P(y = 1) for the score eta."""
        return expit(eta)

    def log_probability(self, eta: Array) -> Array:
        """Return ln P(y = 1), accurate where P underflows or is nearly 1."""
        return log_expit(eta)

    def log_likelihood_scale(self) -> float:
        """Return c such that c l is minus the log-likelihood of a Bernoulli variable."""
        return float(1.0 / self.unit)


class CrossEntropy(Logistic):
    r"""The cross-entropy (log loss) in nats, ``"log_loss"`` or ``"cross_entropy"``.

    .. math:: \ell(t, \eta) = -t \ln \sigma(\eta) - (1 - t) \ln(1 - \sigma(\eta)) = \ln(1 + e^{-y \eta}), \qquad
        t = (1 + y) / 2

    with :math:`\sigma` the logistic function. Domain: y = -1 or +1; more than two classes use :class:`Softmax`. The
    negative log-likelihood of logistic regression: it estimates probabilities, by maximum likelihood.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, section 4.3.
    """

    unit = 1.0

    def for_classes(self, n_classes: int) -> Loss:
        return self if n_classes <= 2 else Softmax()
