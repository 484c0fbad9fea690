"""Gamma deviance."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.near_zero import NEAR, entropy_excess, exp_excess, log_ratio, refined
from sklearn_erm.losses.roots import exponential_root
from sklearn_erm.losses.scalar import ScalarLoss


class Gamma(ScalarLoss):
    r"""Half the gamma deviance with log link, ``"gamma"``.

    .. math:: \ell(y, \eta) = y e^{-\eta} + \eta - \ln y - 1 = e^r - 1 - r, \qquad r = \ln y - \eta

    Domain: y > 0; log link, predictions are :math:`e^\eta`. For positive quantities whose standard deviation grows with
    the mean, such as costs and durations. Only y over its prediction matters. Zero for a perfect fit.

    References
    ----------
    McCullagh, Nelder, *Generalized Linear Models*, 2nd ed., chapter 8.
    """

    target = "real"
    domain = "y > 0"
    phi_domain = (-1.0, np.inf)

    def in_domain(self, y: Array) -> Array:
        return np.isfinite(y) & (y > 0)

    def affine(self, y: Array) -> tuple[Any, Any]:
        return -1.0, np.log(y)

    def value(self, y: Array, eta: Array) -> Array:
        x = np.log(y) - eta
        return refined(exp_excess(x), np.abs(x) <= NEAR, lambda y, eta: exp_excess(log_ratio(y, eta)), y, eta)

    def phi(self, t: Array) -> Array:
        return exp_excess(t)

    def phi_gradient(self, t: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.expm1(t)

    def phi_curvature(self, t: Array) -> Array:
        with np.errstate(over="ignore"):
            return np.exp(t)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return exponential_root(t + step, step)

    def phi_conjugate(self, v: Array) -> Array:
        return entropy_excess(v)

    def null(self, y: Array, weight: Array) -> Any:
        return np.log(weight @ y)

    def inverse_link(self, eta: Array) -> Array:
        return np.exp(eta)

    def link(self, prediction: Array) -> Array:
        return np.log(prediction)
