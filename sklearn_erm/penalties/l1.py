"""Sum of absolute values, and its mixture with the squared norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty, along_features, feature_weights
from sklearn_erm.validation import require_in_range


def soft_threshold(W: Array, threshold: Any) -> Array:
    """Return sign(W) (|W| - threshold)^+."""
    return W - np.clip(W, -threshold, threshold)


class L1(Penalty):
    r"""The lasso penalty, a Laplace prior on the coefficients.

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

    homogeneous = True

    def __init__(self, weights: Any = None):
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(weights=np.linspace(0.5, 2.0, n_features)), cls(weights=np.arange(n_features) % 3 * 0.7)]

    def bind(self, n_features: int) -> Penalty:
        return L1(feature_weights(self, "weights", self.weights, n_features, "feature"))

    def restrict(self, index: Array) -> Penalty:
        return self if self.weights is None else L1(self.weights[index])

    def unpenalised(self, W: Array) -> Array:
        return np.broadcast_to(np.equal(along_features(self.weights, W), 0.0), W.shape)

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether no feature has weight 0."""
        return self.weights is None or bool(np.all(self.weights > 0))

    def value(self, W: Array) -> float:
        return float(np.sum(along_features(self.weights, W) * np.abs(W)))

    def prox(self, W: Array, step: Any) -> Array:
        return soft_threshold(W, step * along_features(self.weights, W))

    def gradient(self, W: Array) -> Array:
        return along_features(self.weights, W) * np.sign(W)

    def support(self, W: Array) -> Array:
        return (W != 0) | np.equal(along_features(self.weights, W), 0.0)

    def critical_alpha(self, gradient: Array) -> float:
        weights = np.broadcast_to(along_features(self.weights, gradient), gradient.shape)
        size = np.abs(gradient)
        ratio = np.divide(size, weights, out=np.where(size > 0, np.inf, 0.0), where=weights > 0)
        return float(ratio.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        threshold = alpha * along_features(self.weights, W)
        outside = np.abs(gradient + threshold * np.sign(W))
        return np.where(W != 0, outside, np.maximum(outside - threshold, 0.0))

    def conjugate(self, V: Array) -> float:
        return 0.0 if np.all(np.abs(V) <= along_features(self.weights, V)) else np.inf


class ElasticNet(Penalty):
    r"""The elastic net: a mixture of the lasso and the ridge penalty.

    .. math:: \Omega(W) = \rho \|W\|_1 + \tfrac12 (1 - \rho) \|W\|_2^2

    Sparse like the lasso, but keeps correlated features together and has one solution.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0.5
        The share rho of the lasso; 0 is ``L2``, 1 is ``L1``.

    References
    ----------
    Zou, Hastie, "Regularization and variable selection via the elastic net", JRSS B 67(2), 2005.
    """

    def __init__(self, l1_ratio: float = 0.5):
        self.l1_ratio = l1_ratio

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(l1_ratio=0.0), cls(l1_ratio=1.0)]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "l1_ratio", self.l1_ratio, 0, 1, "[]")
        return self

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        """Whether the lasso has no share."""
        return self.l1_ratio == 0

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        """Whether the ridge has no share."""
        return self.l1_ratio == 1

    def value(self, W: Array) -> float:
        return float(self.l1_ratio * np.abs(W).sum() + 0.5 * (1.0 - self.l1_ratio) * np.vdot(W, W))

    def prox(self, W: Array, step: Any) -> Array:
        return soft_threshold(W, step * self.l1_ratio) / (1.0 + step * (1.0 - self.l1_ratio))

    def gradient(self, W: Array) -> Array:
        return self.l1_ratio * np.sign(W) + (1.0 - self.l1_ratio) * W

    def curvature(self, W: Array) -> tuple[Array, Array | None]:
        return np.full(W.shape, 1.0 - self.l1_ratio), None

    def support(self, W: Array) -> Array:
        return (W != 0) | self.smooth

    def critical_alpha(self, gradient: Array) -> float:
        largest = float(np.abs(gradient).max(initial=0.0))
        if self.smooth:
            return np.inf if largest > 0 else 0.0
        return largest / self.l1_ratio

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        outside = np.abs(gradient + alpha * self.gradient(W))
        return np.where(W != 0, outside, np.maximum(outside - alpha * self.l1_ratio, 0.0))

    def conjugate(self, V: Array) -> float:
        excess = np.maximum(np.abs(V) - self.l1_ratio, 0.0)
        if self.homogeneous:
            return np.inf if np.any(excess) else 0.0
        return float(0.5 * np.vdot(excess, excess) / (1.0 - self.l1_ratio))
