"""Active-set Newton method for a small quadratic plus a penalty that is smooth on its support."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.solvers.linear import solve_positive

DROPS = 4  # times that blocks which would change sign are left out and the Newton system solved again
STEPS = (1.0, 0.5, 0.25, 0.1, 0.03, 0.01)


class CompositeQuadratic:
    """phi(Z) = <q, Z> + Z'HZ / 2 + alpha Omega(Z), for H positive semidefinite.

    Parameters
    ----------
    H : ndarray of shape (m, m)
    q : ndarray of shape (p,) or (p, k), p k = m
    penalty : object
        With ``value, prox, gradient, curvature, support, blocks, kkt``.
    alpha : float
        Factor of the penalty.
    """

    def __init__(self, H: Any, q: Any, penalty: Any, alpha: float):
        self.H, self.q, self.penalty, self.alpha = H, q, penalty, alpha
        self.blocks = penalty.blocks(q)
        labels = self.blocks.ravel()
        largest = np.zeros(labels.max(initial=-1) + 1)
        np.maximum.at(largest, labels, np.diag(H))
        self.steepness = np.where(largest > 0, largest, 1.0)[labels]
        self.steepness *= 1.1 * largest_eigenvalue(H / np.sqrt(np.outer(self.steepness, self.steepness)))

    def gradient(self, Z: Any) -> Any:
        """Return the gradient of the quadratic."""
        return self.q + (self.H @ Z.ravel()).reshape(Z.shape)

    def value(self, Z: Any, gradient: Any) -> float:
        """Return phi(Z), given the gradient of the quadratic."""
        return 0.5 * float(np.vdot(Z, gradient + self.q)) + self.alpha * self.penalty.value(Z)

    def solve(self, Z: Any, tol: float, maxiter: int = 200) -> Any:
        """Minimise phi from Z, to a violation of the optimality conditions of at most ``tol`` times the first one's.

        1. A proximal gradient step, which lets blocks enter and leave.
        2. A Newton step on the support; blocks it would turn around are put to zero and it is taken again.
        3. Whichever candidate lowers phi is kept, so phi decreases throughout.

        An iteration costs a factorisation of the support's part of H.
        """
        G = self.gradient(Z)
        value = self.value(Z, G)
        first = 0.0
        for _ in range(maxiter):
            violation = float(self.penalty.kkt(Z, G, self.alpha).max(initial=0.0))
            first = max(first, violation)
            if violation <= tol * first:
                break
            before = value
            Z, G, value = self._proximal_step(Z, G, value)
            Z, G, value = self._newton_step(Z, G, value)
            if not value < before:
                break
        return Z

    def _proximal_step(self, Z: Any, G: Any, value: float) -> tuple[Any, Any, float]:
        while True:
            step = (1.0 / self.steepness).reshape(Z.shape)
            moved = self.penalty.prox(Z - step * G, self.alpha * step)
            gradient = self.gradient(moved)
            lowered = self.value(moved, gradient)
            if lowered <= value + 1e-12 * abs(value) or not np.any(moved - Z):
                return moved, gradient, lowered
            self.steepness *= 2.0

    def _newton_step(self, Z: Any, G: Any, value: float) -> tuple[Any, Any, float]:
        slope = G + self.alpha * self.penalty.gradient(Z)
        free = self.penalty.support(Z).ravel()
        direction = self._newton_direction(Z, slope, free)
        candidate, crossed = self._turned(Z, Z + direction)
        trial = direction
        for _ in range(DROPS):
            if not crossed.any():
                break
            free = free & ~crossed
            trial = self._newton_direction(Z, slope + (self.H @ np.where(free, 0.0, -Z.ravel())).reshape(Z.shape), free)
            candidate, crossed = self._turned(Z, np.where(free.reshape(Z.shape), Z + trial, 0.0))
        for t in (None, *STEPS):
            if t is not None:
                candidate = self._turned(Z, Z + t * direction)[0]
            gradient = self.gradient(candidate)
            lowered = self.value(candidate, gradient)
            if lowered < value:
                return candidate, gradient, lowered
        return Z, G, value

    def _newton_direction(self, Z: Any, slope: Any, free: Any) -> Any:
        direction = np.zeros(Z.size)
        d, U = self.penalty.curvature(Z)
        inner = self.H[np.ix_(free, free)]
        inner[np.diag_indices_from(inner)] += self.alpha * d.ravel()[free]
        if U is not None:
            part = U[free]
            inner -= self.alpha * (part @ part.T)
        direction[free] = solve_positive(inner, -slope.ravel()[free])
        return direction.reshape(Z.shape)

    def _turned(self, Z: Any, candidate: Any) -> tuple[Any, Any]:
        """Return the candidate with the blocks that turned around put to zero, and a mask of these."""
        agreement = np.bincount(self.blocks.ravel(), (self.penalty.gradient(Z) * candidate).ravel())
        crossed = (agreement < 0)[self.blocks]
        return np.where(crossed, 0.0, candidate), crossed.ravel()


def largest_eigenvalue(H: Any) -> float:
    """Return an estimate of the largest eigenvalue of a positive semidefinite matrix, by ten power iterations."""
    v = np.sqrt(np.einsum("ij,ij->i", H, H))
    size = np.linalg.norm(v)
    for _ in range(10):
        if not size > 0:
            return 1.0
        v = H @ (v / size)
        size = np.linalg.norm(v)
    return float(size) or 1.0
