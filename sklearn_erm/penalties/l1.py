"""Sum of absolute values, and its mixture with the squared norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.weighted import Weighted


def soft_threshold(W: Array, threshold: Any) -> Array:
    """Return sign(W) (|W| - threshold)^+."""
    return W - np.minimum(np.maximum(W, -threshold), threshold)


class L1(Weighted):
    r"""The lasso penalty, ``"l1"``: a Laplace prior on the coefficients.

    .. math:: \Omega(W) = \sum_j \omega_j |w_j|

    Sets coefficients to exactly zero.

    Parameters
    ----------
    weights : array-like of shape (n_features,), default=None
        The weights omega >= 0; a feature of weight 0 is not penalised. None means all ones.

    References
    ----------
    Tibshirani, "Regression shrinkage and selection via the lasso", JRSS B 58(1), 1996. With weights: Zou, "The adaptive
    lasso and its oracle properties", JASA 101, 2006.
    """

    separable = True
    blockwise = True
    homogeneous = True
    polyhedral = True

    def __init__(self, weights: Any = None):
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(weights=np.linspace(0.5, 2.0, n_features)), cls(weights=np.arange(n_features) % 3 * 0.7)]

    def value(self, W: Array) -> float:
        return float((self._omega(W) * np.abs(W)).sum())

    def prox(self, W: Array, step: Any) -> Array:
        return soft_threshold(W, step * self._omega(W))

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        threshold = step * self._omega(W)
        return np.where((np.abs(W) > threshold) | (threshold == 0), 1.0, 0.0), None

    def gradient(self, W: Array) -> Array:
        return self._omega(W) * np.sign(W)

    def curvature(self, W: Array) -> Curvature:
        return Curvature(np.zeros(W.shape))

    def support(self, W: Array) -> Array:
        return (W != 0) | (self._omega(W) == 0)

    def critical_alpha(self, gradient: Array) -> float:
        weights, size = self._omega(gradient), np.abs(gradient)
        ratio = np.divide(size, weights, out=np.where(size > 0, np.inf, 0.0), where=weights > 0)
        return float(ratio.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        threshold = alpha * self._omega(W)
        outside = np.abs(gradient + threshold * np.sign(W))
        return np.where(W != 0, outside, np.maximum(outside - threshold, 0.0))

    def elastic(self, n_features: int) -> tuple[Array, Array]:
        return np.full(n_features, self._omega(np.empty(n_features))), np.zeros(n_features)

    def conjugate(self, V: Array) -> float:
        return 0.0 if np.all(np.abs(V) <= self._omega(V)) else np.inf

    def prior_scale(self, prior_variance: float) -> float:
        """Return c such that c Omega is minus the log-density of the Laplace prior, up to a constant.

        ``prior_variance`` is that of a coefficient of weight 1.
        """
        return float(np.sqrt(2.0 / prior_variance))  # 1 / b, the variance being 2 b^2

    def prior_variance(self, scale: float) -> float:
        """Return the inverse of ``prior_scale``."""
        return 2.0 / scale**2


class ElasticNet(Weighted):
    r"""The elastic net, ``"elasticnet"``: a mixture of the lasso and the ridge penalty.

    .. math:: \Omega(W) = \sum_j \omega_j \left(\rho |w_j| + \tfrac12 (1 - \rho) w_j^2\right)

    Sparse like the lasso, but keeps correlated features together and has one solution.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        The share rho of the lasso; 0 is ``L2``, 1 is ``L1``.
    weights : array-like of shape (n_features,), default=None
        The weights omega >= 0; a feature of weight 0 is not penalised. None means all ones.

    References
    ----------
    Zou, Hastie, "Regularization and variable selection via the elastic net", JRSS B 67(2), 2005.
    """

    separable = True
    blockwise = True

    def __init__(self, l1_ratio: float = 0.5, weights: Any = None):
        self.l1_ratio = l1_ratio
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        weighted = cls(l1_ratio=0.3, weights=np.linspace(0.5, 2.0, n_features))
        return [cls(), cls(l1_ratio=0.0), cls(l1_ratio=1.0), weighted]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "l1_ratio", self.l1_ratio, 0, 1, "[]")
        return super().bind(n_features)

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        """Whether the lasso has no share."""
        return self.l1_ratio == 0

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        """Whether the ridge has no share."""
        return self.l1_ratio == 1

    def value(self, W: Array) -> float:
        ridge = (0.5 * (1.0 - self.l1_ratio) * W) * W  # 0 without the ridge, where W^2 overflows too
        return float((self._omega(W) * (self.l1_ratio * np.abs(W) + ridge)).sum())

    def prox(self, W: Array, step: Any) -> Array:
        scale = step * self._omega(W)
        return soft_threshold(W, scale * self.l1_ratio) / (1.0 + scale * (1.0 - self.l1_ratio))

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        scale = step * self._omega(W)
        threshold = scale * self.l1_ratio
        moves = (np.abs(W) > threshold) | (threshold == 0)
        return np.where(moves, 1.0 / (1.0 + scale * (1.0 - self.l1_ratio)), 0.0), None

    def gradient(self, W: Array) -> Array:
        return self._omega(W) * (self.l1_ratio * np.sign(W) + (1.0 - self.l1_ratio) * W)

    def curvature(self, W: Array) -> Curvature:
        return Curvature(np.full(W.shape, (1.0 - self.l1_ratio) * self._omega(W)))

    def support(self, W: Array) -> Array:
        return (W != 0) | self.smooth | (self._omega(W) == 0)

    def critical_alpha(self, gradient: Array) -> float:
        threshold, size = self.l1_ratio * self._omega(gradient), np.abs(gradient)
        ratio = np.divide(size, threshold, out=np.where(size > 0, np.inf, 0.0), where=threshold > 0)
        return float(ratio.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        outside = np.abs(gradient + alpha * self.gradient(W))
        return np.where(W != 0, outside, np.maximum(outside - alpha * self.l1_ratio * self._omega(W), 0.0))

    def elastic(self, n_features: int) -> tuple[Array, Array]:
        omega = np.full(n_features, self._omega(np.empty(n_features)))
        return self.l1_ratio * omega, (1.0 - self.l1_ratio) * omega

    def conjugate(self, V: Array) -> float:
        omega = self._omega(V)
        excess = np.maximum(np.abs(V) - self.l1_ratio * omega, 0.0)
        bend = (1.0 - self.l1_ratio) * omega
        slope = np.divide(0.5 * excess, bend, out=np.where(excess > 0, np.inf, 0.0), where=bend > 0)
        return float(np.sum(excess * slope))
