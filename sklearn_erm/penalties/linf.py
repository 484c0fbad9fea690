"""Largest absolute value."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty


class LInf(Penalty):
    r"""The maximum norm, ``"linf"``.

    .. math:: \Omega(W) = \max_j |w_j|

    Caps the coefficients: the largest ones get the same size, and none is set to zero. The uniform prior's counterpart
    of the lasso. With several outputs it is the maximum over all.

    References
    ----------
    Negahban, Wainwright, "Simultaneous support recovery in high dimensions: benefits and perils of block
    l1/l-infinity-regularization", IEEE Transactions on Information Theory 57(6), 2011.
    """

    coercive = True
    homogeneous = True
    polyhedral = True
    couples_outputs = True
    scaled_prox = True

    @staticmethod
    def _cap(W: Array, step: Any) -> float:
        """Return the size t to which the prox cuts: sum (|W| - t)^+ / step = 1, or 0."""
        longest = np.max(step, initial=0.0)
        order = np.argsort(-np.abs(W), axis=None)
        share = np.ravel(longest / np.broadcast_to(step, W.shape))[order] if longest > 0 else np.ones(W.size)
        total = np.cumsum(share * np.abs(W).ravel()[order])
        return max(float(np.max((total - longest) / np.cumsum(share))), 0.0)

    def value(self, W: Array) -> float:
        return float(np.abs(W).max(initial=0.0))

    def prox(self, W: Array, step: Any) -> Array:
        cap = self._cap(W, step)
        return np.clip(W, -cap, cap)

    def prox_derivative(self, W: Array, step: Any) -> tuple[Array, Array | None]:
        if not np.any(step):
            return np.ones(W.shape), None
        cap = self._cap(W, step)
        cut = np.abs(W) > cap
        if cap == 0:
            return np.zeros(W.shape), None
        together = np.where(cut, np.sign(W) / np.sqrt(step), 0.0).reshape(-1, 1)
        return np.where(cut, 0.0, 1.0), together / (np.linalg.norm(together) or 1.0)

    def critical_alpha(self, gradient: Array) -> float:
        return float(np.abs(gradient).sum())

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.critical_alpha(V) <= 1.0 else np.inf
