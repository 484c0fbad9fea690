"""Deviances whose variance is a power of the mean."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import TINY, Array, Loss
from sklearn_erm.losses.gamma import Gamma
from sklearn_erm.losses.near_zero import NEAR, exp_rest, log_ratio, refined, times_log
from sklearn_erm.losses.poisson import Poisson
from sklearn_erm.losses.roots import exponential_root, increasing_root
from sklearn_erm.losses.scalar import ROUNDING

LEAST_MEAN = 1e-16  # of the null model, relative to the targets: where power 0 wants a mean that no e^eta reaches
NEEDS_CONVEXITY = ("prox", "prox_derivative", "conjugate")


class PowerDeviance(Loss):
    r"""Half the unit deviance of a distribution with variance :math:`\mu^p`, in :math:`\mu = e^\eta`.

    With the log-ratio :math:`x = \ln y - \eta` it is
    :math:`y^{2-p} x^2 ((p-1) \, r((p-1) x) + (2-p) \, r((p-2) x))`, :math:`r(z) = (e^z - 1 - z) / z^2`.
    """

    target = "real"
    power: float

    def value(self, y: Array, eta: Array) -> Array:
        k, m = 2.0 - float(self.power), float(self.power) - 1.0
        with np.errstate(over="ignore", invalid="ignore"):
            if self.power == 0:
                return 0.5 * self._error(y, eta) ** 2
            log_y = np.log(np.where(y > 0, y, 1.0))
            scale, x = np.exp(k * log_y), log_y - eta
            rise = _rise(scale, x, m, log_y - m * eta)
            rough = np.where(np.isinf(rise), np.inf, rise - _rise(scale, x, -k, k * eta))
            rough = np.where(y > 0, rough, np.exp(k * eta) / k if k > 0 else np.nan)

        def careful(y: Array, eta: Array) -> Array:
            x = log_ratio(y, eta)
            return y**k * x * x * (m * exp_rest(m * x) + k * exp_rest(-k * x))

        return refined(rough, (np.abs(x) <= NEAR) & (y > 0), careful, y, eta)

    def gradient(self, y: Array, eta: Array) -> Array:
        k, m = 2.0 - float(self.power), float(self.power) - 1.0
        with np.errstate(over="ignore", divide="ignore"):
            if self.power == 0:
                return np.exp(eta) * self._error(y, eta)
            log_y = np.log(y)
            x = log_y - eta
            larger = np.exp(np.where(x > 0, log_y - m * eta, k * eta))  # of mu^k and y mu^-m: e^|x| times the other
            return np.copysign(larger * np.expm1(-np.abs(x)), -x)

    def curvature(self, y: Array, eta: Array) -> Array:
        k, m = 2.0 - float(self.power), float(self.power) - 1.0
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
            if self.power == 0:
                return np.exp(eta) * (2.0 * np.exp(eta) - y)
            rising = np.exp(np.log(y) - m * eta)
            return np.where(np.isinf(rising), np.inf, k * np.exp(k * eta) + m * rising)

    @staticmethod
    def _error(y: Array, eta: Array) -> Array:
        """Return mu - y, without cancellation."""
        near = (np.abs(np.log(np.maximum(y, TINY)) - eta) <= NEAR) & (y > 0)
        return refined(np.exp(eta) - y, near, lambda y, eta: y * np.expm1(-log_ratio(y, eta)), y, eta)

    def null(self, y: Array, weight: Array) -> Any:
        # the slope of the risk is proportional to e^b - mean, for every power
        return np.log(np.maximum(weight @ y, LEAST_MEAN * (weight @ np.abs(y))))

    def inverse_link(self, eta: Array) -> Array:
        return np.exp(eta)

    def link(self, prediction: Array) -> Array:
        return np.log(prediction)


def _rise(scale: Array, x: Array, q: float, whole: Array) -> Array:
    """Return scale (e^(q x) - 1) / q, which is scale x for q = 0.

    ``whole`` is ln(scale e^(q x)): that may be in the range of doubles where e^(q x) is not.
    """
    if q == 0:
        return scale * x
    z = q * x
    return np.where(np.abs(z) <= 1.0, scale * np.expm1(z), np.exp(whole) - scale) / q


class InverseGaussian(PowerDeviance):
    r"""Half the inverse Gaussian deviance with log link, ``"inverse_gaussian"``.

    .. math:: \ell(y, \eta) = \frac{(y - \mu)^2}{2 y \mu^2}, \qquad \mu = e^\eta

    Domain: y > 0; log link, predictions are :math:`e^\eta`. For positive quantities more skewed than the gamma
    distribution's. Not convex in the score where the prediction exceeds 2 y: a fit is stationary, and need not be the
    best. Zero for a perfect fit.

    References
    ----------
    McCullagh, Nelder, *Generalized Linear Models*, 2nd ed., section 2.2.
    """

    convex = False
    power = 3.0
    domain = "y > 0"

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & (y > 0)


class Tweedie(PowerDeviance):
    r"""Half the Tweedie deviance with log link, ``"tweedie"``.

    .. math:: \ell(y, \eta) = \frac{y^{2-p}}{(1-p)(2-p)} - \frac{y \mu^{1-p}}{1-p} + \frac{\mu^{2-p}}{2-p},
        \qquad \mu = e^\eta

    and its limits at p = 1 (Poisson) and 2 (gamma); p = 0 is half the squared error of :math:`e^\eta`, p = 3 the
    inverse Gaussian. Log link, predictions are :math:`e^\eta`. Domain: any y for p = 0, y >= 0 for 1 <= p < 2, y > 0
    for p >= 2. With 1 < p < 2 for totals that may be exactly zero, such as insurance claims or rainfall. Convex in
    the score for 1 <= p <= 2 only: the second derivative is :math:`(2-p) \mu^{2-p} + (p-1) y \mu^{1-p}`. Zero for a
    perfect fit.

    Parameters
    ----------
    power : float, 0 or in [1, 3], default=1.5
        The variance is proportional to the mean to this power.

    References
    ----------
    Jorgensen, "Exponential dispersion models", Journal of the Royal Statistical Society B 49(2), 1987.
    """

    def __init__(self, power: float = 1.5):
        self.power = power

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(power=1.9)]

    def validate(self) -> None:
        require_in_range(self, "power", self.power, 0, 3, "[]")
        if 0 < self.power < 1:
            raise ValueError(
                f"Tweedie(power={self.power!r}): no distribution has a variance proportional to the mean to a power "
                "between 0 and 1; power must be 0 or lie in [1, 3]."
            )

    def has(self, method: str) -> bool:
        return super().has(method) and (self.convex or method not in NEEDS_CONVEXITY)

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """Whether the power is in [1, 2]."""
        return 1 <= self.power <= 2

    @property
    def attained(self) -> bool:  # type: ignore[override]
        """Whether y = 0, which no e^eta reaches, is no target."""
        return self.power >= 2

    @property
    def domain(self) -> str:  # type: ignore[override]
        """The admissible targets."""
        return "finite" if self.power < 1 else "y >= 0" if self.power < 2 else "y > 0"

    @property
    def _limit(self) -> Loss | None:
        """The loss that it is where 1 - p or 2 - p is zero."""
        return {1.0: Poisson(), 2.0: Gamma()}.get(float(self.power))

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & ((y > 0) | ((y == 0) & (self.power < 2)) | (self.power == 0))

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        if self._limit is not None:
            return self._limit.prox(y, eta, step)
        # z + step e^(k z) - step y e^(-m z) = eta, k = 2 - p, m = p - 1. The root lies between eta and ln y; without
        # one of the powers, or with a bound put into it, the equation is Wright's: its root bounds this one.
        k, m = 2.0 - self.power, self.power - 1.0
        with np.errstate(divide="ignore"):
            log_y = np.log(y)
        right = np.maximum(log_y, exponential_root(eta, step, k))
        farther = exponential_root(eta + step * y * np.exp(-m * np.where(y > 0, right, 0.0)), step, k)
        left = np.minimum(log_y, -exponential_root(-eta, step * y, m))
        falls = eta >= log_y
        low, high, start = np.where(falls, (right, farther, right), (eta + 0.0 * step, left, left))
        slack = 1e-6 * (1.0 + np.abs(low) + np.abs(high))

        def excess(z: Array) -> tuple[Array, Array]:
            return z - eta + step * self.gradient(y, z), 1.0 + step * self.curvature(y, z)

        return increasing_root(excess, low - slack, high + slack, start)

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        return 1.0 / (1.0 + step * self.curvature(y, self.prox(y, eta, step)))

    def conjugate(self, y: Array, u: Array) -> Array:
        if self._limit is not None:
            return self._limit.conjugate(y, u)
        k = 2.0 - self.power
        rate = np.maximum(u, 0.0)
        of_zero = np.where(u >= -ROUNDING, (times_log(rate) - rate) / k, np.inf)
        positive = np.where(y > 0, y, 1.0)
        eta = self._score_of_slope(positive, u)
        return np.where(y > 0, u * eta - self.value(positive, eta), of_zero)

    def _score_of_slope(self, y: Array, u: Array) -> Array:
        """Return the score where the derivative is u, for y > 0.

        mu^k = u + y mu^(-m), all positive terms of it on their side, in logarithms: both sides have slopes between -m
        and 1, and the difference is concave for u > 0, convex for u < 0, so that Newton's method ends up monotone.
        """
        k, m = 2.0 - self.power, self.power - 1.0
        with np.errstate(divide="ignore"):
            up, down, log_y = np.log(np.maximum(u, 0.0)), np.log(np.maximum(-u, 0.0)), np.log(y)

        def excess(eta: Array) -> tuple[Array, Array]:
            left, right = np.logaddexp(k * eta, down), np.logaddexp(log_y - m * eta, up)
            return left - right, k * np.exp(k * eta - left) + m * np.exp(log_y - m * eta - right)

        # of the larger side, the term in the score is at most mean^k, mean = y
        high = np.maximum(log_y, (np.maximum(up, k * log_y) + np.log(2.0)) / k)
        low = np.minimum(log_y, (log_y - np.maximum(down, k * log_y) - np.log(2.0)) / m)
        return increasing_root(excess, low, high, log_y)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        if self._limit is not None:
            return self._limit.dual_domain(y)
        return np.where(y > 0, -np.inf, 0.0), np.inf
