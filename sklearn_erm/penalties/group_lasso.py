"""Sum of Euclidean norms of groups of coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from sklearn_erm.checks import require_boolean
from sklearn_erm.penalties.base import Array, Penalty, norm_by_block
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.groups import bind_groups, numbered


class GroupNorms(Penalty):
    """What sums of Euclidean norms of groups share: sum_g omega_g |W_g|.

    A class has, once bound, ``groups`` (the number of its group per feature), ``weights`` (one per group) and
    ``multi_task``: whether a group reaches across the outputs, or each output has its own.
    """

    separable = True
    blockwise = True
    homogeneous = True
    groups: Any
    weights: Any
    multi_task: bool = False

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether no group has weight 0."""
        return bool(np.all(np.asarray(self.weights) > 0))

    @property
    def couples_outputs(self) -> bool:  # type: ignore[override]
        """Whether groups reach across the outputs."""
        return bool(self.multi_task)

    def unpenalised(self, W: Array) -> Array:
        return self._omega(W) == 0

    def blocks(self, W: Array) -> Array:
        if W.ndim == 1:
            return self.groups
        if self.multi_task:
            return np.repeat(self.groups[:, None], W.shape[1], axis=1)
        return self.groups[:, None] * W.shape[1] + np.arange(W.shape[1])

    def _omega(self, W: Array) -> Array:
        """Return the weight of the block of each entry."""
        weights = self.weights[self.groups]
        return weights if W.ndim == 1 else np.repeat(weights[:, None], W.shape[1], axis=1)

    def _norms(self, W: Array) -> Array:
        """Return the norm of the block of each entry."""
        return norm_by_block(W, self.blocks(W))

    def _unit(self, W: Array) -> Array:
        """Return every block divided by its norm, 0 where the norm is."""
        norms = self._norms(W)
        return np.divide(W, norms, out=np.zeros(W.shape), where=norms > 0)

    def _columns(self, W: Array, values: Array) -> Array:
        """Return values as a matrix with a column per block that has one other than 0."""
        rows = np.flatnonzero(values)
        present, column = np.unique(self.blocks(W).ravel()[rows], return_inverse=True)
        U = np.zeros((W.size, len(present)))
        U[rows, column] = values.ravel()[rows]
        return U

    def value(self, W: Array) -> float:
        blocks = self.blocks(W)
        terms = np.zeros(blocks.max(initial=-1) + 1)
        terms[blocks] = self._omega(W) * self._norms(W)
        return float(terms.sum())

    def prox(self, W: Array, step: Any) -> Array:
        norms = self._norms(W)
        kept = np.maximum(norms - step * self._omega(W), 0.0)
        return W * np.divide(kept, norms, out=np.zeros(W.shape), where=norms > 0)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        norms, threshold = self._norms(W), step * self._omega(W)
        lost = np.divide(threshold, norms, out=np.where(threshold > 0, 1.0, 0.0), where=norms > threshold)
        return 1.0 - lost, self._columns(W, np.where(lost < 1, np.sqrt(lost), 0.0) * self._unit(W))

    def gradient(self, W: Array) -> Array:
        return self._omega(W) * self._unit(W)

    def curvature(self, W: Array) -> Curvature:
        norms = self._norms(W)
        bend = np.divide(self._omega(W), norms, out=np.zeros(W.shape), where=norms > 0)
        return Curvature(bend, self._columns(W, np.sqrt(bend) * self._unit(W)))

    def support(self, W: Array) -> Array:
        return (self._norms(W) > 0) | self.unpenalised(W)

    def critical_alpha(self, gradient: Array) -> float:
        norms, weights = self._norms(gradient), self._omega(gradient)
        ratio = np.divide(norms, weights, out=np.where(norms > 0, np.inf, 0.0), where=weights > 0)
        return float(ratio.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        at_zero = np.maximum(self._norms(gradient) - alpha * self._omega(W), 0.0)
        elsewhere = self._norms(gradient + alpha * self.gradient(W))
        return np.where(self._norms(W) > 0, elsewhere, at_zero)

    def conjugate(self, V: Array) -> float:
        return 0.0 if np.all(self._norms(V) <= self._omega(V)) else np.inf


class GroupLasso(GroupNorms):
    r"""The group lasso, ``"group_lasso"``.

    .. math:: \Omega(W) = \sum_g \omega_g \|w_g\|_2

    Sets whole groups of coefficients to zero, such as the columns that code one category. With several outputs each
    output has its own groups, or, with ``multi_task=True``, a group is in or out for all outputs together.

    Parameters
    ----------
    groups : array-like of shape (n_features,), or list of lists
        One label per feature, numbers or strings: features of equal label form a group. Or a list of columns for every
        group, by number, or by name where X is a DataFrame whose column names are all strings. Every feature is in
        exactly one group; a group of one column is ``[j]``.
    weights : array-like of shape (n_groups,), default=None
        The weights omega >= 0, in the order of the sorted labels (as they first come, where labels do not sort), or of
        the lists; a group of weight 0 is not penalised. None means the square root of each group's number of features.
    multi_task : bool, default=False
        Whether a group holds its features' coefficients of all outputs.

    References
    ----------
    Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68(1), 2006.
    """

    def __init__(self, groups: Any = None, weights: Any = None, multi_task: bool = False):
        self.groups = groups
        self.weights = weights
        self.multi_task = multi_task

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        groups = np.arange(n_features) // 3
        weights = 0.5 + np.arange(len(np.unique(groups % 2)))
        return [cls(groups), cls(groups % 2, weights=weights), cls(groups, multi_task=True)]

    def bind(self, n_features: int) -> Penalty:
        require_boolean(self, "multi_task", self.multi_task)
        return self._with(**bind_groups(self, self.groups, self.weights, n_features))

    def with_names(self, feature_names: Sequence[str] | None) -> Penalty:
        return self._with(groups=numbered(self, self.groups, feature_names))

    def restrict(self, index: Array) -> Penalty:
        kept, groups = np.unique(self.groups[index], return_inverse=True)
        return self._with(groups=groups, weights=self.weights[kept])
