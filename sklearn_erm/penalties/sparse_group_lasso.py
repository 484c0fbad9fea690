"""The lasso and the group lasso at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.group_lasso import GroupLasso
from sklearn_erm.penalties.l1 import soft_threshold

ROUNDS = 100  # of Newton's method for the critical alpha of a group, at most; a dozen are usual


class SparseGroupLasso(GroupLasso):
    r"""The sparse group lasso, ``"sparse_group_lasso"``.

    .. math:: \Omega(W) = \rho \|W\|_1 + (1 - \rho) \sum_g \omega_g \|w_g\|_2

    Sets whole groups of coefficients to zero, and single ones within the groups that stay. With several outputs each
    output has its own groups.

    Parameters
    ----------
    groups : array-like of shape (n_features,), or list of lists
        One label per feature, numbers or strings: features of equal label form a group. Or a list of columns for every
        group, by number, or by name where X is a DataFrame whose column names are all strings. Every feature is in
        exactly one group; a group of one column is ``[j]``.
    l1_ratio : float in [0, 1], default=0.5
        The share rho of the lasso; 0 is ``GroupLasso``, 1 is ``L1``.
    weights : array-like of shape (n_groups,), default=None
        The weights omega >= 0 of the groups' norms, in the order of the sorted labels (as they first come, where labels
        do not sort), or of the lists. None means the square root of each group's size.

    References
    ----------
    Simon, Friedman, Hastie, Tibshirani, "A sparse-group lasso", Journal of Computational and Graphical Statistics
    22(2), 2013.
    """

    blockwise = False
    multi_task = False

    def __init__(self, groups: Any = None, l1_ratio: float = 0.5, weights: Any = None):
        self.groups = groups
        self.l1_ratio = l1_ratio
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        groups = np.arange(n_features) // 3
        weights = 1.5 * np.arange(len(np.unique(groups % 2)))
        return [cls(groups), cls(groups % 2, l1_ratio=0.2, weights=weights), cls(groups, l1_ratio=0.0)]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "l1_ratio", self.l1_ratio, 0, 1, "[]")
        return super().bind(n_features)

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether the lasso has a share, or no group has weight 0."""
        return self.l1_ratio > 0 or super().coercive

    def _omega(self, W: Array) -> Array:
        return (1.0 - self.l1_ratio) * super()._omega(W)

    def unpenalised(self, W: Array) -> Array:
        return super().unpenalised(W) & (self.l1_ratio == 0)

    def value(self, W: Array) -> float:
        return super().value(W) + float(self.l1_ratio * np.abs(W).sum())

    def prox(self, W: Array, step: Any) -> Array:
        return super().prox(soft_threshold(W, step * self.l1_ratio), step)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        threshold = step * self.l1_ratio
        d, U = super().prox_derivative(soft_threshold(W, threshold), step)
        return np.where((np.abs(W) > threshold) | (threshold == 0), d, 0.0), U

    def gradient(self, W: Array) -> Array:
        return super().gradient(W) + self.l1_ratio * np.sign(W)

    def support(self, W: Array) -> Array:
        return (W != 0) | (super().support(W) & (self.l1_ratio == 0))

    def critical_alpha(self, gradient: Array) -> float:
        # Per group, the root of |S(g, a rho)| - a (1 - rho) omega, convex in a and decreasing: by Newton from the left
        labels, omega, size = self.blocks(gradient), self._omega(gradient), np.abs(gradient)
        alpha = np.zeros(gradient.shape)
        for _ in range(ROUNDS):
            left = soft_threshold(size, alpha * self.l1_ratio)
            norms = self._norms(left)
            slope = self.l1_ratio * np.bincount(labels.ravel(), self._unit(left).ravel())[labels] + omega
            if np.any((slope == 0) & (norms > 0)):
                return np.inf
            rise = np.divide(norms - alpha * omega, slope, out=np.zeros(gradient.shape), where=slope > 0)
            if not np.any(alpha + rise > alpha):
                break
            alpha = np.maximum(alpha, alpha + rise)
        return float(alpha.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        residual = gradient + alpha * self.gradient(W)
        residual = np.where(W != 0, residual, soft_threshold(residual, alpha * self.l1_ratio))
        norms = self._norms(residual)
        return np.where(self._norms(W) > 0, norms, np.maximum(norms - alpha * self._omega(W), 0.0))

    def conjugate(self, V: Array) -> float:
        return super().conjugate(soft_threshold(V, self.l1_ratio))
