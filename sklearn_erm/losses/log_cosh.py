"""Log-cosh loss."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import wrightomega, xlog1py

from sklearn_erm.losses.base import Array
from sklearn_erm.losses.roots import increasing_root
from sklearn_erm.losses.scalar import ResidualLoss

INNER = 0.5  # size of a dual variable up to which terms near 1 would cancel


class LogCosh(ResidualLoss):
    r"""The logarithm of the hyperbolic cosine of the residual, ``"log_cosh"``.

    .. math:: \ell(y, \eta) = \ln \cosh r, \qquad r = y - \eta

    Domain: y real; identity link. Half the squared error near zero, :math:`|r| - \ln 2` far out: robust as Huber's
    loss, and with derivatives of every order. It turns at residuals of about 1, in the units of y. Minus the
    log-likelihood of the hyperbolic secant distribution.

    References
    ----------
    Green, "Bayesian reconstructions from emission tomography data using a modified EM algorithm", IEEE Transactions on
    Medical Imaging 9(1), 1990.
    """

    max_curvature = 1.0
    phi_domain = (-1.0, 1.0)

    def phi(self, t: Array) -> Array:
        size = np.abs(t)
        near = 0.5 * np.log1p(np.sinh(np.minimum(size, 1.0)) ** 2)
        return np.where(size < 1.0, near, size + np.log1p(np.exp(-2.0 * size)) - np.log(2.0))

    def phi_gradient(self, t: Array) -> Array:
        return np.tanh(t)

    def phi_curvature(self, t: Array) -> Array:
        decay = np.exp(-2.0 * np.abs(t))
        return 4.0 * decay / (1.0 + decay) ** 2

    def phi_prox(self, t: Array, step: Any) -> Array:
        # z + step tanh z = |t| is concave in z >= 0: Newton's method climbs from either of two lower bounds,
        # tanh z <= z and tanh z <= 1 - e^(-2 z)
        size = np.abs(t)
        far = size - step + 0.5 * wrightomega(np.log(2.0 * step) - 2.0 * (size - step))
        start = np.maximum(size / (1.0 + step), far)

        def excess(z: Array) -> tuple[Array, Array]:
            return z - size + step * np.tanh(z), 1.0 + step * self.phi_curvature(z)

        return np.sign(t) * increasing_root(excess, np.zeros_like(start), size, start)

    def phi_conjugate(self, v: Array) -> Array:
        inner = np.clip(v, -INNER, INNER)
        near = inner * np.arctanh(inner) + 0.5 * np.log1p(-(inner**2))  # no difference of numbers near 1
        return np.where(np.abs(v) < INNER, near, 0.5 * (xlog1py(1.0 + v, v) + xlog1py(1.0 - v, -v)))
