"""Differences of neighbouring coefficients: total variation, with or without the lasso."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.penalties.algebra import multiply
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.l1 import L1, soft_threshold
from sklearn_erm.penalties.none import NoPenalty
from sklearn_erm.penalties.ties import tied_columns
from sklearn_erm.penalties.total_variation import segments

ROUNDS = 100  # of the search for the critical alpha, at most; half a dozen are usual
NOISE = 1e-13  # imbalance of a gradient that rounding alone explains


class Fused(Penalty):
    r"""The fused lasso, ``"fused"``.

    .. math:: \Omega(W) = \rho \|w\|_1 + (1 - \rho) \sum_j |w_{j+1} - w_j|

    For features in an order, such as time or frequency: the coefficients become piecewise constant, and with a share of
    the lasso mostly zero. With several outputs each is treated by itself.

    Parameters
    ----------
    l1_ratio : float in [0, 1], default=0
        The share rho of the lasso.

    References
    ----------
    Tibshirani, Saunders, Rosset, Zhu, Knight, "Sparsity and smoothness via the fused lasso", JRSS B 67(1), 2005.
    """

    homogeneous = True
    polyhedral = True

    def __init__(self, l1_ratio: float = 0.0):
        self.l1_ratio = l1_ratio

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(l1_ratio=0.3)]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "l1_ratio", self.l1_ratio, 0, 1, "[]")
        if n_features > 1:
            return self
        if self.l1_ratio == 0:
            return NoPenalty()  # one feature has no neighbour to differ from
        return multiply(L1(), self.l1_ratio)

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether the lasso has a share."""
        return self.l1_ratio > 0

    def unpenalised(self, W: Array) -> Array:
        return np.full(W.shape, len(W) == 1 and self.l1_ratio == 0)

    def penalised(self, V: Array) -> Array:
        return V if self.l1_ratio > 0 else V - V.mean(axis=0)

    def value(self, W: Array) -> float:
        variation = np.abs(np.diff(W, axis=0)).sum()
        return float(self.l1_ratio * np.abs(W).sum() + (1.0 - self.l1_ratio) * variation)

    def prox(self, W: Array, step: Any) -> Array:
        columns = W.reshape(len(W), -1).astype(float)
        step = float(np.max(step))
        for j in range(columns.shape[1]):
            ends, levels = segments(columns[:, j], step * (1.0 - self.l1_ratio))
            columns[:, j] = np.repeat(levels, np.diff(ends))
        return soft_threshold(columns.reshape(W.shape), step * self.l1_ratio)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Any]:
        columns = W.reshape(len(W), -1)
        threshold, k = step * self.l1_ratio, columns.shape[1]
        singles = np.zeros(columns.shape)
        entries, owners, sizes = [], [], []
        for j in range(k):
            ends, levels = segments(columns[:, j], step * (1.0 - self.l1_ratio))
            lengths = np.diff(ends)
            free = (np.abs(levels) > threshold) | (threshold == 0)
            singles[ends[:-1][free & (lengths == 1)], j] = 1.0
            tied = np.repeat(free & (lengths > 1), lengths)
            entries.append(np.flatnonzero(tied) * k + j)
            owners.append(np.repeat(np.arange(len(lengths)), lengths)[tied])
            sizes.append(np.repeat(lengths, lengths)[tied])
        return singles.reshape(W.shape), tied_columns(entries, owners, sizes, W.size)

    def critical_alpha(self, gradient: Array) -> float:
        columns = gradient.reshape(len(gradient), -1).T
        return max(_largest_ratio(column, self.l1_ratio, 1.0 - self.l1_ratio) for column in columns)

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.critical_alpha(V) <= 1.0 else np.inf


def _largest_ratio(g: Array, per_entry: float, per_end: float) -> float:
    """Return the maximum of |sum of g over an interval| / (per_entry * length + per_end * ends inside the range).

    It is the dual norm: every w is a sum of multiples of indicators of intervals whose penalties add up. For a ratio
    that is too small some interval has a positive excess sum - ratio * cost; the one of the largest gives the next
    ratio (Dinkelbach's method).
    """
    p = len(g)
    total = np.concatenate([[0.0], np.cumsum(g)])
    if per_entry == 0 and abs(total[p]) > NOISE * np.abs(g).sum():
        return np.inf
    length = per_entry * np.arange(p + 1)
    inside = np.full(p + 1, per_end)
    inside[[0, p]] = 0.0
    best = 0.0
    for _ in range(ROUNDS):
        before = best
        for sums in (total, -total):
            start = -sums + before * (length - inside)  # of an interval from i to j, the part of i and the part of j
            end = sums - before * (length + inside)
            leader = np.maximum.accumulate(start[:-1])
            j = int(np.argmax(leader + end[1:])) + 1
            i = int(np.argmax(start[:j]))
            cost = length[j] - length[i] + inside[i] + inside[j]
            if cost > 0:
                best = max(best, float((sums[j] - sums[i]) / cost))
        if not best > before:
            break
    return best
