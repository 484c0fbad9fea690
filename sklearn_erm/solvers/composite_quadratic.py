"""Active-set Newton method for a small quadratic plus a penalty that is smooth on its support."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sklearn_erm.solvers.contract import Array, Form, Penalty
from sklearn_erm.solvers.quadratic_form import largest_eigenvalue

# If a Newton step would change the sign of blocks, then they are put to zero and the system is solved again, so often
# at most, because each time costs a factorisation.
DROPS = 4
# If two lengths of a step differ by less than this, relatively, then they are the same, because that may be rounding.
ROUNDING = 1e-12
# If the slope on one side of a kink is wanted, then it is taken at this relative distance, because it jumps at the
# kink.
SIDE = 1e-9
# If more entries than this, outside the support, violate the optimality conditions, then only the worst enter at once,
# because H may be singular on a large support.
ENTRIES = 10
# If this share of the size of the support is more than that number, then so many enter instead.
GROWTH = 0.5


class CompositeQuadratic:
    """phi(Z) = <q, Z> + Z'HZ / 2 + alpha Omega(Z), for H positive semidefinite.

    Parameters
    ----------
    H : Form of shape (m, m)
    q : ndarray of shape (p,) or (p, k), p k = m
    penalty : Penalty
        What is added.
    alpha : float
        Factor of the penalty.
    """

    def __init__(self, H: Form, q: Array, penalty: Penalty, alpha: float):
        self.H, self.q, self.penalty, self.alpha = H, q, penalty, alpha
        self.blocks = penalty.blocks(q)
        labels = self.blocks.ravel()
        largest = np.zeros(labels.max(initial=-1) + 1)
        np.maximum.at(largest, labels, H.diagonal)
        self.steepness = np.where(largest > 0, largest, 1.0)[labels]
        self.steepness *= 1.1 * largest_eigenvalue(H, np.sqrt(self.steepness))

    def gradient(self, Z: Array) -> Array:
        """Return the gradient of the quadratic."""
        return self.q + (self.H @ Z.ravel()).reshape(Z.shape)

    def value(self, Z: Array, gradient: Array) -> float:
        """Return phi(Z), given the gradient of the quadratic."""
        return 0.5 * float(np.vdot(Z, gradient + self.q)) + self.alpha * self.penalty.value(Z)

    def solve(self, Z: Array, tol: float, maxiter: int = 200) -> Array:
        """Minimise phi from Z, to a violation of the optimality conditions of at most ``tol`` times the first one's.

        1. A proximal gradient step, which lets blocks enter and leave.
        2. A Newton step on the support; blocks that it would turn around are put to zero, those that it would take
           beyond a bound are put there, and it is taken again.
        3. Whichever candidate lowers phi is kept, so phi decreases throughout.

        An iteration costs some factorisations of the support's part of H, or solutions by products.
        """
        G = self.gradient(Z)
        value = self.value(Z, G)
        first, settled = 0.0, True
        for _ in range(maxiter):
            kkt = self.penalty.kkt(Z, G, self.alpha)
            violation = float(kkt.max(initial=0.0))
            first = max(first, violation)
            if violation <= tol * first:
                break
            before, enter = value, settled
            outside = ~self.penalty.support(Z)
            Z, G, value = self._proximal_step(Z, G, value, kkt, enter)
            entered = outside & self.penalty.support(Z)
            Z, G, value, settled = self._newton_step(*self._without_turning(Z, G, entered))
            if not value < before:
                if enter:
                    break
                settled = True  # none but a block from outside can lower phi
        return Z

    def _proximal_step(self, Z: Array, G: Array, value: float, kkt: Array, enter: bool) -> tuple[Array, Array, float]:
        admitted = self._admitted(Z, kkt, enter)
        while True:
            step = (1.0 / self.steepness).reshape(Z.shape)
            moved = np.where(admitted, self.penalty.prox(Z - step * G, self.alpha * step), Z)
            gradient = self.gradient(moved)
            lowered = self.value(moved, gradient)
            if lowered <= value + 1e-12 * abs(value) or not np.any(moved - Z):
                return moved, gradient, lowered
            self.steepness *= 2.0

    def _admitted(self, Z: Array, kkt: Array, enter: bool) -> Array:
        """Return a mask of the support and of the worst offenders outside it, few enough for H to stay regular."""
        support = self.penalty.support(Z)
        scaled = np.where(support, 0.0, kkt / np.sqrt(self.steepness).reshape(Z.shape)).ravel()
        room = max(ENTRIES, int(GROWTH * support.sum())) if enter else 0
        if room == 0:
            return support
        if np.count_nonzero(scaled) > room:
            scaled[scaled < np.partition(scaled, -room)[-room]] = 0.0
        return support | (scaled > 0).reshape(Z.shape)

    def _without_turning(self, Z: Array, G: Array, entered: Array) -> tuple[Array, Array, float]:
        """Return the point without those blocks that have just entered, and that Newton's step would turn around."""
        free = self.penalty.support(Z)
        kept, entered = free.ravel(), entered.ravel()
        for _ in range(DROPS):
            if not (entered & kept).any():
                break
            direction = self._newton_direction(Z, G + self.alpha * self.penalty.gradient(Z), kept)
            ends, left = self.penalty.within(Z, Z + direction)
            crossed = left.ravel() & entered & kept
            if not crossed.any():
                break
            kept = kept & ~crossed
            Z = np.where(crossed.reshape(Z.shape), ends, Z)
            G = self.gradient(Z)
        return Z, G, self.value(Z, G)

    def _newton_step(self, Z: Array, G: Array, value: float) -> tuple[Array, Array, float, bool]:
        slope = G + self.alpha * self.penalty.gradient(Z)
        free = self.penalty.support(Z).ravel()
        direction = self._newton_direction(Z, slope, free)
        candidate, crossed = self.penalty.within(Z, Z + direction)
        settled = not crossed.any()
        target = Z
        for _ in range(DROPS):
            if not crossed.any():
                break
            free = free & ~crossed.ravel()
            target = np.where(crossed, candidate, target)
            moved = (target - Z).ravel()
            trial = self._newton_direction(Z, slope + (self.H @ moved).reshape(Z.shape), free)
            candidate, crossed = self.penalty.within(Z, np.where(free.reshape(Z.shape), Z + trial, target))
        best = self._better(candidate, (Z, G, value))
        if not settled or best[0] is not candidate:
            best = self._better(self._along(Z, slope, direction), best)
        return (*best, settled)

    def _better(self, Z: Array, best: tuple[Array, Array, float]) -> tuple[Array, Array, float]:
        """Return Z with its gradient and value if that is lower than the best."""
        gradient = self.gradient(Z)
        value = self.value(Z, gradient)
        return (Z, gradient, value) if value < best[2] else best

    def _along(self, Z: Array, slope: Array, direction: Array) -> Array:
        """Return the minimiser of phi on the segment from Z along a direction, as far as the first bound.

        Blocks that reach zero or a bound there are there exactly. phi is convex on the segment, so its slope tells on
        which side of a point the minimiser lies: bisect the points where blocks turn around, then, unless the minimiser
        is one of them, the piece between two.
        """
        turns = self.penalty.turns(Z, direction)
        reach = self.penalty.reach(Z, direction)
        most = min(1.0, float(reach.min()))
        times = np.append(np.unique(turns[(turns > 0) & (turns < most)]), most)
        flat = direction.ravel()
        start = float((slope - self.alpha * self.penalty.gradient(Z)).ravel() @ flat)
        bend = float(flat @ (self.H @ flat))

        def slope_at(t: float) -> float:
            return start + t * bend + self.alpha * float(self.penalty.gradient(Z + t * direction).ravel() @ flat)

        low, high = 0, len(times) - 1
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if slope_at(times[middle] * (1 + SIDE)) >= 0 else (middle + 1, high)
        t = times[low]
        before = times[low - 1] if low else 0.0
        if slope_at(t * (1 - SIDE)) > 0:
            t = _root(slope_at, before * (1 + SIDE), t * (1 - SIDE))
        moved = np.where(np.abs(turns - t) <= ROUNDING * t, 0.0, Z + t * direction)
        beyond = self.penalty.inside(Z + 2.0 * t * direction)
        return np.where(reach <= t * (1.0 + ROUNDING), beyond, moved)

    def _newton_direction(self, Z: Array, slope: Array, free: Array) -> Array:
        direction = np.zeros(Z.size)
        if not free.any():
            return direction.reshape(Z.shape)
        bend = self.penalty.curvature(Z).scaled(self.alpha)
        direction[free] = self.H.solve(free, bend, -slope.ravel())
        return direction.reshape(Z.shape)


def _root(slope: Callable[[float], float], low: float, high: float) -> float:
    """Return where an increasing function that changes sign between two points is near zero, by the secant rule."""
    below, above = slope(low), slope(high)
    first = abs(below)
    t = low
    for _ in range(20):
        if not below < 0 < above:
            break
        t = np.clip(low - below * (high - low) / (above - below), low + 0.05 * (high - low), high - 0.05 * (high - low))
        here = slope(t)
        if abs(here) <= 1e-3 * first:
            break
        low, below, high, above = (t, here, high, above) if here < 0 else (low, below, t, here)
    return float(t)
