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

    @staticmethod
    def _cap(W: Array, step: float) -> float:
        """Return the size t to which the prox cuts: sum (|W| - t)^+ = step, or 0."""
        total = np.cumsum(np.sort(np.abs(W), axis=None)[::-1])
        return max(float(np.max((total - step) / np.arange(1, W.size + 1))), 0.0)

    def value(self, W: Array) -> float:
        return float(np.abs(W).max(initial=0.0))

    def prox(self, W: Array, step: Any) -> Array:
        cap = self._cap(W, np.max(step))
        return np.clip(W, -cap, cap)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        if step == 0:
            return np.ones(W.shape), None
        cap = self._cap(W, step)
        cut = np.abs(W) > cap
        if cap == 0:
            return np.zeros(W.shape), None
        return np.where(cut, 0.0, 1.0), (np.where(cut, np.sign(W), 0.0) / np.sqrt(max(cut.sum(), 1))).reshape(-1, 1)

    def critical_alpha(self, gradient: Array) -> float:
        return float(np.abs(gradient).sum())

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.critical_alpha(V) <= 1.0 else np.inf
