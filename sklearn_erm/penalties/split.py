"""The Moreau envelope of a penalty's parts: what the augmented Lagrangian leaves of those that are not smooth."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.part import Part
from sklearn_erm.penalties.smooth import SmoothPenalty
from sklearn_erm.penalties.ties import as_dense

SMALL = 200  # coefficients up to which a Hessian that nobody wrote is taken by difference quotients
DIFFERENCE = 1e-7  # their relative step


class Envelope(SmoothPenalty):
    r"""One part g(A W) after splitting Z = A W, with multipliers v and step t, once Z is minimised out.

    .. math:: \tilde g(W) = \min_Z g(Z) + \langle v, A W - Z\rangle + \frac{\|A W - Z\|^2}{2 t}

    It is continuously differentiable; its gradient is A^T times the next multiplier, :math:`v + (A W - Z) / t` at
    :math:`Z = \mathrm{prox}_{t g}(A W + t v)`, which is a subgradient of g at Z.

    Parameters
    ----------
    part : Part
        g, with ``prox``, and A; its factor is left out.
    multiplier : ndarray
        v, in the shape of A W.
    step : float > 0, or ndarray in the shape of v
        t; the step of a separable penalty may differ from block to block.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976.
    """

    separable = False

    def __init__(self, part: Part, multiplier: Array, step: Any):
        self.part = part
        self.multiplier = multiplier
        self.step = step

    def has(self, method: str) -> bool:
        return method == "gradient" or (method == "curvature" and self.part.penalty.has("prox_derivative"))

    def pair(self, W: Array) -> tuple[Array, Array]:
        """Return the next multiplier and Z, where it is a subgradient of g."""
        shifted = self.part.image(W) + self.step * self.multiplier
        if not np.all(np.isfinite(shifted)):  # a line search went too far
            return np.full(shifted.shape, np.nan), np.full(shifted.shape, np.nan)
        Z = self.part.penalty.prox(shifted, self.step)
        return (shifted - Z) / self.step, Z

    def value(self, W: Array) -> float:
        v, Z = self.pair(W)
        return self.part.penalty.value(Z) + 0.5 * float(np.vdot(self.part.image(W) - Z, self.multiplier + v))

    def gradient(self, W: Array) -> Array:
        return self.part.back(self.pair(W)[0])

    def curvature(self, W: Array) -> Curvature:
        shifted = self.part.image(W) + self.step * self.multiplier
        d, U = self.part.penalty.prox_derivative(shifted, self.step)
        stiffness = (1.0 - d) / self.step
        minus = None if U is None else (as_dense(U).T / np.sqrt(np.ravel(self.step))).T
        matrix = self.part.matrix
        if matrix is None:
            return Curvature(stiffness, minus)
        if W.ndim > 1:
            matrix = sparse.kron(matrix, sparse.eye_array(W.shape[1]), format="csr")
        bend = matrix.T @ (sparse.diags_array(stiffness.ravel()) @ matrix)
        return Curvature(np.zeros(W.shape), None if minus is None else matrix.T @ minus, bend)


class Split(SmoothPenalty):
    """A sum of parts, those that are not smooth replaced by their envelopes.

    Parameters
    ----------
    parts : list of Part
    multipliers : list of ndarray
        One per part, in the shape of what its penalty acts on; those of smooth parts are not used.
    steps : list of float or ndarray
        One per part: a part of factor f has f times this.
    """

    separable = False

    def __init__(self, parts: list[Part], multipliers: list[Array], steps: list[Any]):
        self.whole = parts
        self.multipliers = multipliers
        self.smoothed_parts = [
            part
            if part.penalty.smooth and part.matrix is None
            else Part(part.factor, Envelope(part, v, part.factor * step))
            for part, v, step in zip(parts, multipliers, steps, strict=True)
        ]

    @staticmethod
    def has_curvature(parts: list[Part], size: int) -> bool:
        """Return whether the envelope of some parts has a Hessian: by formulas, or by difference quotients if small."""
        known = [
            p.penalty.has("curvature" if p.penalty.smooth and p.matrix is None else "prox_derivative") for p in parts
        ]
        return all(known) or size <= SMALL

    def has(self, method: str) -> bool:
        return method == "gradient" or (
            method == "curvature" and self.has_curvature(self.whole, self.multipliers[0].size)
        )

    def value(self, W: Array) -> float:
        return float(sum(factor * penalty.value(W) for factor, penalty, _ in self.smoothed_parts))

    def gradient(self, W: Array) -> Array:
        gradient: Array = sum(factor * penalty.gradient(W) for factor, penalty, _ in self.smoothed_parts)
        return gradient

    def curvature(self, W: Array) -> Curvature:
        total = Curvature(np.zeros(W.shape))
        for factor, penalty, _ in self.smoothed_parts:
            bend = penalty.curvature(W) if penalty.has("curvature") else _differences(penalty, W)
            total = total.plus(bend.scaled(factor))
        return total

    def pairs(self, W: Array) -> list[tuple[Array, Array]]:
        """Return for every part the next multiplier, a subgradient of the part, and where it is one."""
        return [
            term.penalty.pair(W) if hasattr(term.penalty, "pair") else (term.penalty.gradient(W), W)
            for term in self.smoothed_parts
        ]


def _differences(penalty: Penalty, W: Array) -> Curvature:
    """Return the Hessian of a smooth penalty by difference quotients of its gradient."""
    rows = []
    for e in np.eye(W.size).reshape(W.size, *W.shape):
        h = DIFFERENCE * (1.0 + np.abs(W).max())
        rows.append(((penalty.gradient(W + h * e) - penalty.gradient(W - h * e)) / (2.0 * h)).ravel())
    matrix = np.array(rows)
    return Curvature(np.zeros(W.shape), None, 0.5 * (matrix + matrix.T))
