"""No penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.smooth import SmoothPenalty


class NoPenalty(SmoothPenalty):
    r"""No penalty: :math:`\Omega(W) = 0`, plain empirical risk minimisation; what ``penalty=None`` stands for."""

    rotation_invariant = True
    homogeneous = True

    def terms(self) -> list[tuple[float, Penalty]]:
        return []

    def unpenalised(self, W: Array) -> Array:
        return np.ones(W.shape, dtype=bool)

    def value(self, W: Array) -> float:
        return 0.0

    def prox(self, W: Array, step: Any) -> Array:
        return W.copy()

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        return np.ones(W.shape), None

    def gradient(self, W: Array) -> Array:
        return np.zeros(W.shape)

    def curvature(self, W: Array) -> Curvature:
        return Curvature(np.zeros(W.shape))

    def elastic(self, n_features: int) -> tuple[Array, Array]:
        return np.zeros(n_features), np.zeros(n_features)

    def conjugate(self, V: Array) -> float:
        return np.inf if np.any(V) else 0.0


def positive_multiple(penalty: Penalty, alpha: float) -> tuple[Penalty, float]:
    """Return a penalty and a factor > 0 whose product is alpha times a penalty, for alpha >= 0."""
    return (penalty, float(alpha)) if alpha > 0 else (NoPenalty(), 1.0)
