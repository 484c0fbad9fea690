"""Squared Euclidean norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty, SmoothPenalty


class L2(SmoothPenalty):
    r"""The ridge penalty, a Gaussian prior on the coefficients.

    .. math:: \Omega(W) = \tfrac12 \|W\|_2^2

    Shrinks every coefficient in proportion and sets none to zero. Minus the log-density of independent Gaussians, up to
    scale: the penalised fit is the maximum a posteriori estimate.

    References
    ----------
    Hoerl, Kennard, "Ridge regression: biased estimation for nonorthogonal problems", Technometrics 12(1), 1970.
    """

    rotation_invariant = True

    def value(self, W: Array) -> float:
        return 0.5 * float(np.vdot(W, W))

    def prox(self, W: Array, step: Any) -> Array:
        return W / (1.0 + step)

    def gradient(self, W: Array) -> Array:
        return W.copy()

    def curvature(self, W: Array) -> tuple[Array, Array | None]:
        return np.ones(W.shape), None

    def conjugate(self, V: Array) -> float:
        return 0.5 * float(np.vdot(V, V))


class L2Norm(Penalty):
    r"""The Euclidean norm, not squared.

    .. math:: \Omega(W) = \|W\|_2

    All or nothing: above ``critical_alpha`` every coefficient is zero, below it none is. One group of the group lasso,
    with weight 1. For a matrix of coefficients it is the Frobenius norm.

    References
    ----------
    Yuan, Lin, "Model selection and estimation in regression with grouped variables", JRSS B 68(1), 2006.
    """

    separable = False
    rotation_invariant = True
    homogeneous = True

    def blocks(self, W: Array) -> Array:
        return np.zeros(W.shape, dtype=np.intp)

    def value(self, W: Array) -> float:
        scale = float(np.abs(W).max(initial=0.0))  # squares may overflow or vanish where the norm does not
        return scale * float(np.linalg.norm(W / scale)) if scale > 0 else 0.0

    def prox(self, W: Array, step: Any) -> Array:
        size = self.value(W)
        return W * (max(size - np.max(step), 0.0) / size) if size > 0 else W.copy()

    def gradient(self, W: Array) -> Array:
        size = self.value(W)
        return W / size if size > 0 else np.zeros(W.shape)

    def curvature(self, W: Array) -> tuple[Array, Array | None]:
        size = self.value(W)
        if size == 0:
            return np.zeros(W.shape), None
        return np.full(W.shape, 1.0 / size), (W / size / np.sqrt(size)).reshape(-1, 1)

    def support(self, W: Array) -> Array:
        return np.full(W.shape, bool(np.any(W)))

    def critical_alpha(self, gradient: Array) -> float:
        return self.value(gradient)

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        if np.any(W):
            return np.full(W.shape, self.value(gradient + alpha * self.gradient(W)))
        return np.full(W.shape, max(self.value(gradient) - alpha, 0.0))

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.value(V) <= 1.0 else np.inf
