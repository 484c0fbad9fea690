"""Sum of sorted absolute values, the larger ones weighing more."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression
from scipy.special import ndtri

from sklearn_erm.checks import quantity, require_in_range
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import feature_weights
from sklearn_erm.penalties.ties import tied_columns


@lru_cache(maxsize=8)
def _benjamini_hochberg(size: int, fdr: float) -> Array:
    """Return the default weights; they are asked for at every evaluation."""
    tail = -ndtri(np.arange(1, size + 1) * fdr / (2 * size))
    weights: Array = tail / tail[0]
    weights.flags.writeable = False
    return weights


class SLOPE(Penalty):
    r"""Sorted L-one penalised estimation, ``"slope"``.

    .. math:: \Omega(W) = \sum_j \omega_j |w|_{(j)}, \quad |w|_{(1)} \ge |w|_{(2)} \ge \dots, \quad
        \omega_1 \ge \omega_2 \ge \dots \ge 0

    Sets coefficients to exactly zero, and others to exactly the same size: correlated features are kept together. With
    orthogonal features, the default weights keep the share of false discoveries below ``fdr`` (at ``alpha`` the noise
    level). With several outputs the coefficients of all are sorted together.

    Parameters
    ----------
    weights : array-like of shape (n_features,), or (n_features * n_outputs,) with several outputs, default=None
        The weights omega, decreasing. None means those of Benjamini and Hochberg, omega_j = Phi^-1(1 - j fdr / (2 p)),
        divided by the first.
    fdr : float in (0, 1), default=0.1
        The false discovery rate that the default weights aim at.

    References
    ----------
    Bogdan, van den Berg, Sabatti, Su, Candès, "SLOPE: adaptive variable selection via convex optimization", Annals of
    Applied Statistics 9(3), 2015.
    """

    coercive = True
    homogeneous = True
    polyhedral = True
    couples_outputs = True

    def __init__(self, weights: Any = None, fdr: float = 0.1):
        self.weights = weights
        self.fdr = fdr

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(fdr=0.9)]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "fdr", self.fdr, 0, 1, "()")
        if self.weights is None:
            return self
        length = max(np.size(self.weights) // n_features, 1) * n_features
        weights = feature_weights(self, "weights", self.weights, length, "coefficient")
        rise = np.flatnonzero(np.diff(weights) > 0)
        if rise.size:
            raise ValueError(
                f"SLOPE(weights=...): weights must decrease, but entry {rise[0] + 1} is {weights[rise[0] + 1]} after "
                f"{weights[rise[0]]}. Sort them."
            )
        if not weights[0] > 0:
            raise ValueError("SLOPE(weights=...): all weights are 0. Without a penalty, pass penalty=None.")
        return self._with(weights=weights)

    def _omega(self, W: Array) -> Array:
        """Return a weight per entry, in decreasing order."""
        if self.weights is None:
            return _benjamini_hochberg(W.size, self.fdr)
        if len(self.weights) != W.size:
            raise ValueError(
                f"SLOPE(weights=...): {quantity(len(self.weights), 'weight')} for coefficients of shape {W.shape}: "
                f"SLOPE sorts those of all outputs together and needs {W.size}."
            )
        return self.weights

    def _pools(self, W: Array, step: float) -> tuple[Array, Array, Array]:
        """Return the decreasing order of |W|, the ends of pools of entries of one size, and these sizes."""
        size = np.abs(W).ravel()
        order = np.argsort(-size)
        pooled = isotonic_regression(step * self._omega(W) - size[order])  # decreasing, written as increasing
        return order, pooled.blocks, np.maximum(-pooled.x[pooled.blocks[:-1]], 0.0)

    def value(self, W: Array) -> float:
        return float(self._omega(W) @ np.sort(np.abs(W), axis=None)[::-1])

    def prox(self, W: Array, step: Any) -> Array:
        order, ends, sizes = self._pools(W, np.max(step))
        Z = np.empty(W.size)
        Z[order] = np.repeat(sizes, np.diff(ends))
        return np.sign(W) * Z.reshape(W.shape)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Any]:
        if step == 0:
            return np.ones(W.shape), None
        order, ends, sizes = self._pools(W, step)
        counts, free = np.diff(ends), step * self._omega(W)[ends[:-1]] == 0
        d = np.zeros(W.size)
        d[order] = np.repeat(free | ((sizes > 0) & (counts == 1)), counts)
        tied = np.repeat(~free & (sizes > 0) & (counts > 1), counts)
        owners, lengths = np.repeat(np.arange(len(counts)), counts)[tied], np.repeat(counts, counts)[tied]
        return d.reshape(W.shape), tied_columns([order[tied]], [owners], [lengths], W.size, np.sign(W.ravel()))

    def critical_alpha(self, gradient: Array) -> float:
        largest = np.cumsum(np.sort(np.abs(gradient), axis=None)[::-1])
        return float(np.max(largest / np.cumsum(self._omega(gradient)), initial=0.0))

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.critical_alpha(V) <= 1.0 else np.inf
