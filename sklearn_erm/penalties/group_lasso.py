"""Sum of Euclidean norms of groups of coefficients."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty, feature_weights


class GroupLasso(Penalty):
    r"""The group lasso.

    .. math:: \Omega(W) = \sum_g \omega_g \|w_g\|_2

    Sets whole groups of coefficients to zero, such as the columns that code one category. With several outputs each
    output has its own groups.

    Parameters
    ----------
    groups : array-like of shape (n_features,)
        One integer label per feature; features of equal label form a group.
    weights : array-like of shape (n_groups,), default=None
        The weights omega >= 0, in the order of the sorted labels; a group of weight 0 is not penalised. None means the
        square root of each group's size.

    References
    ----------
    Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68(1), 2006.
    """

    homogeneous = True

    def __init__(self, groups: Any = None, weights: Any = None):
        self.groups = groups
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        groups = np.arange(n_features) // 3
        return [cls(groups), cls(groups % 2, weights=0.5 + np.arange(len(np.unique(groups % 2))))]

    def bind(self, n_features: int) -> Penalty:
        if self.groups is None:
            raise ValueError(
                "GroupLasso needs groups, one integer label per feature: pass "
                "penalty=GroupLasso(groups=...), from sklearn_erm.penalties."
            )
        groups = np.asarray(self.groups)
        if groups.shape != (n_features,):
            raise ValueError(
                f"GroupLasso(groups=...): expected one integer label per feature, shape ({n_features},), "
                f"got shape {groups.shape}."
            )
        if groups.dtype.kind not in "iu":
            raise TypeError(f"GroupLasso(groups=...): labels must be integers, got dtype {groups.dtype}.")
        _, groups, sizes = np.unique(groups, return_inverse=True, return_counts=True)
        weights = np.sqrt(sizes) if self.weights is None else self.weights
        return GroupLasso(groups, feature_weights(self, "weights", weights, len(sizes), "group"))

    def restrict(self, index: Array) -> Penalty:
        kept, groups = np.unique(self.groups[index], return_inverse=True)
        return GroupLasso(groups, self.weights[kept])

    def unpenalised(self, W: Array) -> Array:
        return (self._weights(W) == 0)[self.blocks(W)]

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether no group has weight 0."""
        return bool(np.all(self.weights > 0))

    def blocks(self, W: Array) -> Array:
        return self.groups if W.ndim == 1 else self.groups[:, None] * W.shape[1] + np.arange(W.shape[1])

    def _weights(self, W: Array) -> Array:
        """Return the weight of each block."""
        return self.weights if W.ndim == 1 else np.repeat(self.weights, W.shape[1])

    def _norms(self, W: Array) -> Array:
        """Return the norm of each block."""
        blocks, size = self.blocks(W).ravel(), np.abs(W).ravel()
        scale = np.zeros(len(self._weights(W)))  # per block: squares may overflow or vanish where the norm does not
        np.maximum.at(scale, blocks, size)
        squares = np.bincount(blocks, (size / np.where(scale > 0, scale, 1.0)[blocks]) ** 2, minlength=len(scale))
        return scale * np.sqrt(squares)

    def _unit(self, W: Array) -> Array:
        """Return every block divided by its norm, 0 where the norm is."""
        norms = self._norms(W)[self.blocks(W)]
        return np.divide(W, norms, out=np.zeros(W.shape), where=norms > 0)

    def value(self, W: Array) -> float:
        return float(self._weights(W) @ self._norms(W))

    def prox(self, W: Array, step: Any) -> Array:
        blocks = self.blocks(W)
        norms = self._norms(W)[blocks]
        kept = np.maximum(norms - step * self._weights(W)[blocks], 0.0)
        return W * np.divide(kept, norms, out=np.zeros(W.shape), where=norms > 0)

    def gradient(self, W: Array) -> Array:
        return self._weights(W)[self.blocks(W)] * self._unit(W)

    def curvature(self, W: Array) -> tuple[Array, Array | None]:
        blocks, norms = self.blocks(W), self._norms(W)
        per_block = np.divide(self._weights(W), norms, out=np.zeros_like(norms), where=norms > 0)
        present, column = np.unique(blocks.ravel(), return_inverse=True)
        U = np.zeros((W.size, len(present)))
        U[np.arange(W.size), column.ravel()] = (np.sqrt(per_block)[blocks] * self._unit(W)).ravel()
        return per_block[blocks], U

    def support(self, W: Array) -> Array:
        return ((self._norms(W) > 0) | (self._weights(W) == 0))[self.blocks(W)]

    def critical_alpha(self, gradient: Array) -> float:
        norms, weights = self._norms(gradient), self._weights(gradient)
        ratio = np.divide(norms, weights, out=np.where(norms > 0, np.inf, 0.0), where=weights > 0)
        return float(ratio.max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        at_zero = np.maximum(self._norms(gradient) - alpha * self._weights(W), 0.0)
        elsewhere = self._norms(gradient + alpha * self.gradient(W))
        return np.where(self._norms(W) > 0, elsewhere, at_zero)[self.blocks(W)]

    def conjugate(self, V: Array) -> float:
        return 0.0 if np.all(self._norms(V) <= self._weights(V)) else np.inf
