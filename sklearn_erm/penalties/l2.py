"""Squared Euclidean norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.smooth import SmoothPenalty
from sklearn_erm.penalties.weighted import Weighted


class L2(Weighted, SmoothPenalty):
    r"""The ridge penalty, ``"l2"``: a Gaussian prior on the coefficients.

    .. math:: \Omega(W) = \tfrac12 \sum_j \omega_j w_j^2

    Shrinks every coefficient in proportion and sets none to zero. Minus the log-density of independent Gaussians, up to
    scale: the penalised fit is the maximum a posteriori estimate.

    Parameters
    ----------
    weights : array-like of shape (n_features,), default=None
        The weights omega >= 0, inverse to the variances of the prior; a feature of weight 0 is not penalised. None
        means all ones.

    References
    ----------
    Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12(1), 1970.
    """

    def __init__(self, weights: Any = None):
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(weights=np.linspace(0.5, 2.0, n_features)), cls(weights=np.arange(n_features) % 3 * 0.7)]

    @property
    def rotation_invariant(self) -> bool:  # type: ignore[override]
        """Whether there are no weights."""
        return self.weights is None

    def value(self, W: Array) -> float:
        return 0.5 * float(np.vdot(W, self._omega(W) * W))

    def prox(self, W: Array, step: Any) -> Array:
        return W / (1.0 + step * self._omega(W))

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        return np.full(W.shape, 1.0 / (1.0 + step * self._omega(W))), None

    def gradient(self, W: Array) -> Array:
        return self._omega(W) * W

    def curvature(self, W: Array) -> Curvature:
        return Curvature(np.full(W.shape, self._omega(W)))

    def elastic(self, n_features: int) -> tuple[Array, Array]:
        return np.zeros(n_features), np.full(n_features, self._omega(np.empty(n_features)))

    def conjugate(self, V: Array) -> float:
        if self.weights is None:
            return 0.5 * float(np.vdot(V, V))
        omega = self._omega(V)
        return float(np.sum(np.divide(0.5 * V**2, omega, out=np.where(V != 0, np.inf, 0.0), where=omega > 0)))

    def prior_scale(self, prior_variance: float) -> float:
        """Return c such that c Omega is minus the log-density of the Gaussian prior, up to a constant.

        ``prior_variance`` is that of a coefficient of weight 1.
        """
        return 1.0 / prior_variance

    def prior_variance(self, scale: float) -> float:
        """Return the inverse of ``prior_scale``."""
        return 1.0 / scale


class L2Norm(Penalty):
    r"""The Euclidean norm, ``"l2_norm"``, not squared.

    .. math:: \Omega(W) = \|W\|_2

    All or nothing: above ``critical_alpha`` every coefficient is zero, below it none is. One group of the group lasso,
    with weight 1. For a matrix of coefficients it is the Frobenius norm.

    References
    ----------
    Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68(1), 2006.
    """

    blockwise = True
    couples_outputs = True
    coercive = True
    rotation_invariant = True
    homogeneous = True

    def value(self, W: Array) -> float:
        scale = float(np.abs(W).max(initial=0.0))  # squares may overflow or vanish where the norm does not
        return scale * float(np.linalg.norm(W / scale)) if scale > 0 else 0.0

    def prox(self, W: Array, step: Any) -> Array:
        size = self.value(W)
        return W * (max(size - np.max(step), 0.0) / size) if size > 0 else W.copy()

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        size = self.value(W)
        if size <= step:
            return np.full(W.shape, float(step == 0)), None
        return np.full(W.shape, 1.0 - step / size), (np.sqrt(step / size) / size * W).reshape(-1, 1)

    def gradient(self, W: Array) -> Array:
        size = self.value(W)
        return W / size if size > 0 else np.zeros(W.shape)

    def curvature(self, W: Array) -> Curvature:
        size = self.value(W)
        if size == 0:
            return Curvature(np.zeros(W.shape))
        return Curvature(np.full(W.shape, 1.0 / size), (W / size / np.sqrt(size)).reshape(-1, 1))

    def support(self, W: Array) -> Array:
        return np.full(W.shape, bool(np.any(W)))

    def critical_alpha(self, gradient: Array) -> float:
        return self.value(gradient)

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        if np.any(W):
            return np.full(W.shape, self.value(gradient + alpha * self.gradient(W)))
        return np.full(W.shape, max(self.value(gradient) - alpha, 0.0))

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.value(V) <= 1.0 else np.inf
