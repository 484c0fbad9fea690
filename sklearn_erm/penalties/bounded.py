"""Separable penalties within bounds: closed forms, coefficient by coefficient."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import along_features
from sklearn_erm.penalties.constrained import Box, Constrained
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.l1 import soft_threshold
from sklearn_erm.penalties.part import Part

NOT_OFFERED = ("elastic", "majorise")


def constrain(penalty: Penalty, constraints: list[Part], n_features: int) -> Penalty:
    """Return a penalty with bounds and constraints: ``Bounded`` where that is enough, ``Constrained`` elsewhere.

    Parameters
    ----------
    penalty : Penalty
        Bound to the number of features.
    constraints : list of Part
        Each with a ``Box``; that of the bounds has no matrix.
    n_features : int
        Number of features.
    """
    entries = penalty.entrywise(n_features)
    if entries is None or len(constraints) != 1 or constraints[0].matrix is not None:
        return Constrained(penalty, constraints)
    box: Any = constraints[0].penalty
    return Bounded(penalty, box.low, box.high, *entries)


class Bounded(Penalty):
    r"""A sum of functions of single coefficients, each within bounds.

    .. math::
        \Omega(W) = \sum_j \lambda_j |w_j| + \tfrac12 \beta_j (w_j - c_j)^2
        \quad\text{if } l_j \le w_j \le u_j \text{ for all } j, \qquad \infty \text{ otherwise}

    A function of one variable that is convex is minimised within bounds by clipping its minimiser. So the prox is that
    of the penalty, clipped, and the multiplier of a bound is what the gradient leaves there.

    ``gradient`` is that of the penalty, which is the one-sided derivative at a bound.

    Parameters
    ----------
    penalty : Penalty
        The penalty without the bounds.
    low, high : ndarray of shape (n_features,)
        Bounds, infinite where there is none.
    lasso, bend, centre : ndarray of shape (n_features,)
        lambda, beta and c: what ``penalty.entrywise`` says.
    """

    separable = True
    blockwise = True

    def __init__(self, penalty: Penalty, low: Array, high: Array, lasso: Array, bend: Array, centre: Array):
        self.penalty = penalty
        self.low = low
        self.high = high
        self.lasso = lasso
        self.bend = bend
        self.centre = centre

    @property
    def constraints(self) -> list[Part]:
        """The bounds, as one constraint."""
        return [Part(1.0, Box(self.low, self.high))]

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether each coefficient is penalised, or bounded on both sides."""
        return bool(np.all((self.lasso > 0) | (self.bend > 0) | (np.isfinite(self.low) & np.isfinite(self.high))))

    @property
    def polyhedral(self) -> bool:  # type: ignore[override]
        """Whether nothing is squared."""
        return not self.bend.any()

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        """Whether all bounds are zero or infinite, and nothing is squared."""
        cone = (np.isinf(self.low) | (self.low == 0)) & (np.isinf(self.high) | (self.high == 0))
        return bool(np.all(cone & (self.bend == 0)))

    def has(self, method: str) -> bool:
        if method == "critical_alpha":
            return not np.any((self.low > 0) | (self.high < 0)) and not np.any(self.bend * self.centre)
        return method not in NOT_OFFERED and super().has(method)

    def unconstrained(self) -> Penalty:
        return self.penalty

    def bounds_apart(self) -> Penalty:
        return Constrained(self.penalty, self.constraints)

    def restrict(self, index: Array) -> Penalty:
        arrays = (self.low, self.high, self.lasso, self.bend, self.centre)
        return Bounded(self.penalty.restrict(index), *(values[index] for values in arrays))

    def _along(self, W: Array) -> tuple[Any, ...]:
        """Return low, high, lasso, bend and centre shaped to broadcast against W."""
        return tuple(along_features(values, W) for values in (self.low, self.high, self.lasso, self.bend, self.centre))

    def unpenalised(self, W: Array) -> Array:
        low, high, lasso, bend, _ = self._along(W)
        free = (lasso == 0) & (bend == 0) & np.isinf(low) & np.isinf(high)
        return np.broadcast_to(free, W.shape).copy()

    def penalised(self, V: Array) -> Array:
        low, high, lasso, bend, _ = self._along(V)
        endless = ((V > 0) & np.isinf(low)) | ((V < 0) & np.isinf(high))
        return np.where((lasso == 0) & (bend == 0) & endless, 0.0, V)

    def value(self, W: Array) -> float:
        low, high, lasso, bend, centre = self._along(W)
        if not np.all((low <= W) & (high >= W)):
            return np.inf
        return float(np.sum(lasso * np.abs(W) + (0.5 * bend * (W - centre)) * (W - centre)))

    def inside(self, W: Array) -> Array:
        return np.clip(W, *self._along(W)[:2])

    def _unclipped(self, W: Array, step: Any) -> tuple[Array, Any, Any]:
        """Return the penalty's own prox, its derivative where it moves, and a mask of where it does."""
        _, _, lasso, bend, centre = self._along(W)
        shifted, threshold = W + step * bend * centre, step * lasso
        shrink = 1.0 / (1.0 + step * bend)
        return soft_threshold(shifted, threshold) * shrink, shrink, (np.abs(shifted) > threshold) | (threshold == 0)

    def prox(self, W: Array, step: Any) -> Array:
        return self.inside(self._unclipped(W, step)[0])

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        Z, shrink, moves = self._unclipped(W, step)
        low, high = self._along(W)[:2]
        return np.where(moves & (low < Z) & (high > Z), shrink, 0.0), None

    def gradient(self, W: Array) -> Array:
        _, _, lasso, bend, centre = self._along(W)
        return lasso * np.sign(W) + bend * (W - centre)

    def curvature(self, W: Array) -> Curvature:
        return Curvature(np.broadcast_to(self._along(W)[3], W.shape).copy())

    def support(self, W: Array) -> Array:
        low, high, lasso, _, _ = self._along(W)
        return (low < W) & (high > W) & ((W != 0) | (lasso == 0))

    def within(self, W: Array, Z: Array) -> tuple[Array, Array]:
        low, high, lasso, _, _ = self._along(W)
        ends = (
            np.where((lasso > 0) & (W > 0), np.maximum(low, 0.0), low),
            np.where((lasso > 0) & (W < 0), np.minimum(high, 0.0), high),
        )
        return np.clip(Z, *ends), (ends[0] > Z) | (ends[1] < Z)

    def turns(self, W: Array, direction: Array) -> Array:
        kinks = (self._along(W)[2] > 0) & (W * direction < 0)
        return np.divide(-W, direction, out=np.full(W.shape, np.inf), where=kinks)

    def reach(self, W: Array, direction: Array) -> Array:
        low, high = self._along(W)[:2]
        bound = np.where(direction < 0, low, high)
        return np.divide(bound - W, direction, out=np.full(W.shape, np.inf), where=direction != 0)

    def _pull(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return how much the objective falls, at most, per decrease of each coefficient; bounds left aside."""
        slope = gradient + alpha * self.gradient(W)
        return np.where(W != 0, slope, soft_threshold(slope, alpha * self._along(W)[2]))

    def _held(self, W: Array, pull: Array) -> Array:
        """Return a mask of the coefficients that a bound holds."""
        low, high = self._along(W)[:2]
        return ((low >= W) & (pull > 0)) | ((high <= W) & (pull < 0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        pull = self._pull(W, gradient, alpha)
        return np.where(self._held(W, pull), 0.0, np.abs(pull))

    def multipliers(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return the multiplier of each coefficient's bounds, given the gradient of the risk: >= 0 at an upper bound.

        Where the penalty has a kink at a bound, it is the least that is enough.
        """
        pull = self._pull(W, gradient, alpha)
        return np.where(self._held(W, pull), -pull, 0.0)

    def critical_alpha(self, gradient: Array) -> float:
        zero = np.zeros(gradient.shape)
        lasso = self._along(gradient)[2]
        size = np.where(self._held(zero, gradient), 0.0, np.abs(gradient))
        ratio = np.divide(
            size, lasso, out=np.where(size > 0, np.inf, 0.0), where=np.broadcast_to(lasso > 0, size.shape)
        )
        return float(ratio.max(initial=0.0))

    def conjugate(self, V: Array) -> float:
        low, high, lasso, bend, centre = self._along(V)
        shifted = V + bend * centre
        outside = np.sign(shifted) * (np.abs(shifted) > lasso)
        with np.errstate(divide="ignore", invalid="ignore"):
            inner = np.where(bend > 0, soft_threshold(shifted, lasso) / bend, outside * np.inf)
        W = np.clip(np.where(outside == 0, 0.0, inner), low, high)
        with np.errstate(invalid="ignore"):
            each = V * W - lasso * np.abs(W) - (0.5 * bend * (W - centre)) * (W - centre)
        return float(np.sum(np.where(np.isinf(W), np.inf, each)))

    def scaled_conjugate(self, V: Array) -> tuple[float, float]:
        low, high, lasso, bend, _ = self._along(V)
        endless = (bend == 0) & (((V > 0) & np.isinf(high)) | ((V < 0) & np.isinf(low)))
        size = np.where(endless, np.abs(V), 0.0)
        over = size > lasso
        share = float(np.min((np.broadcast_to(lasso, V.shape)[over] / size[over]), initial=1.0))
        scaled = share * V
        return share, self.conjugate(np.where(endless, np.clip(scaled, -lasso, lasso), scaled))
