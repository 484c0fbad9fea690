"""Several quantiles at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from sklearn_erm.checks import require_boolean, require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.constants import weighted_quantile
from sklearn_erm.losses.scalar import ROUNDING

CROSSING = 1e-9  # how far scores may be out of order and still count as ordered, relative to the largest at hand


class MultiQuantile(Loss):
    r"""Pinball losses of several quantiles, one score each, ``"multi_quantile"``; on demand, scores in order.

    .. math:: \ell(y, \eta) = \sum_j q_j \, (y - \eta_j)^+ + (1 - q_j) \, (\eta_j - y)^+
        \qquad \text{subject to } \eta_1 \le \eta_2 \le \dots \text{ if non\_crossing}

    Domain: y real; identity link; as many scores as quantiles. Estimates conditional quantiles together: with
    ``non_crossing``, the loss is infinite where a lower quantile exceeds a higher one. Not differentiable at a zero
    residual (the subgradient there is 0, and so is that of the constraint). Beside an offset that is out of order, the
    constant model may be infinite while others are not; without an intercept, all may be, which ``fit`` says.

    Parameters
    ----------
    quantiles : sequence of float in (0, 1), default=(0.1, 0.5, 0.9)
        The quantiles, increasing.
    non_crossing : bool, default=False
        Whether the scores of every sample must increase.

    References
    ----------
    Bondell, Reich, Wang, "Noncrossing quantile regression curve estimation", Biometrika 97(4), 2010.
    """

    smooth = False
    joint = True
    location_equivariant = True
    target = "real"

    def __init__(self, quantiles: Any = (0.1, 0.5, 0.9), non_crossing: bool = False):
        self.quantiles = quantiles
        self.non_crossing = non_crossing

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(non_crossing=True)]

    def validate(self) -> None:
        require_boolean(self, "non_crossing", self.non_crossing)
        label = f"MultiQuantile(quantiles={self.quantiles!r})"
        if np.ndim(self.quantiles) != 1:
            raise TypeError(f"{label}: quantiles must be a sequence of numbers, got {type(self.quantiles).__name__}.")
        for quantile in self.quantiles:
            require_in_range(self, "quantiles", quantile, 0, 1, "()")
        if len(self.quantiles) == 0 or np.any(np.diff(self._levels) <= 0):
            raise ValueError(f"{label}: quantiles must increase, and there must be at least one.")

    @property
    def n_scores(self) -> int:  # type: ignore[override]
        """One score per quantile."""
        return len(self.quantiles)

    @property
    def _levels(self) -> Array:
        return np.asarray(self.quantiles, dtype=float)

    def value(self, y: Array, eta: Array) -> Array:
        residual, q = y[:, None] - eta, self._levels
        value = np.maximum(q * residual, (q - 1.0) * residual).sum(axis=1)
        if not self.non_crossing:
            return value
        falls = -np.diff(eta, axis=1).min(axis=1, initial=0.0)
        # not relative to the sample's own: if its scores are all near 0, then rounding alone may exceed that
        largest = max(np.abs(eta).max(initial=0.0), np.abs(y).max(initial=0.0))
        return np.where(falls <= CROSSING * largest, value, np.inf)

    def gradient(self, y: Array, eta: Array) -> Array:
        side = np.sign(eta - y[:, None])
        return np.where(side > 0, 1.0 - self._levels, side * self._levels)

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        step = np.broadcast_to(np.asarray(step, dtype=float), y.shape)[:, None]
        q, y = self._levels, y[:, None]
        if not self.non_crossing:
            return np.clip(y, eta + (q - 1.0) * step, eta + q * step)
        # The mean of the pinball losses of columns i to l is that of their mean quantile, so the prox of them pooled is
        # the prox of that at the mean of their scores, with the same step.
        level, center = _running_means(q), _running_means(eta)
        return _in_order(
            eta.shape, lambda i: np.clip(y, center(i) + (level(i) - 1.0) * step, center(i) + level(i) * step)
        )

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        z = self.prox(y, eta, step)
        tied = z[:, :, None] == z[:, None, :]
        same = tied if self.non_crossing else tied & np.eye(z.shape[1], dtype=bool)
        moves = same & (z != y[:, None])[:, None, :]  # those on the kink stay there
        return moves / same.sum(axis=2, keepdims=True)

    def conjugate(self, y: Array, u: Array) -> Array:
        off = np.abs(u - self.into_dual_domain(y, u)).max(axis=1)
        return np.where(off <= ROUNDING * (1.0 + np.abs(u).max(axis=1)), y * u.sum(axis=1), np.inf)

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        return (-np.inf, np.inf) if self.non_crossing else (-self._levels, 1.0 - self._levels)

    def into_dual_domain(self, y: Array, u: Array) -> Array:
        """Return u where u_j = g_j + mu_j - mu_(j-1), g_j in [-q_j, 1 - q_j], mu_j >= 0, none at the ends; else near u.

        mu are the multipliers of the order of the scores. Upwards, the interval of mu_j that u_1 ... u_j leave;
        downwards, the mu_j in it that suits mu_(j+1) best.
        """
        q = self._levels
        if not self.non_crossing:
            return np.clip(u, -q, 1.0 - q)
        n, size = u.shape
        low, high = np.zeros((n, size)), np.zeros((n, size))  # of mu_(j-1)
        for j in range(size - 1):
            low[:, j + 1] = np.maximum(u[:, j] + low[:, j] - (1.0 - q[j]), 0.0)
            high[:, j + 1] = np.maximum(u[:, j] + high[:, j] + q[j], 0.0)
        after, inside = np.zeros(n), np.empty(u.shape)
        for j in reversed(range(size)):
            wanted = np.clip(low[:, j], after - u[:, j] - q[j], after - u[:, j] + 1.0 - q[j])
            before = np.clip(wanted, low[:, j], high[:, j])
            inside[:, j] = np.clip(u[:, j] - after + before, -q[j], 1.0 - q[j]) + after - before
            after = before
        return inside

    def balance_sums(self, y: Array, u: Array, weight: Array) -> Array:
        return weight @ u if self.non_crossing else super().balance_sums(y, u, weight)

    def balanced(self, y: Array, u: Array, sums: Array) -> Array:
        """Shrink column by column; with ``non_crossing``, mix all u with one constant vector, so that the mean is 0.

        t u + (1 - t) v has mean 0 for v = -t / (1 - t) times the mean of u: t is the largest that leaves v in the box
        of slopes of the pinball losses.
        """
        if not self.non_crossing:
            return super().balanced(y, u, sums)
        q = self._levels
        needed = np.max(np.maximum(sums / q, -sums / (1.0 - q)))
        return (u - sums) / (1.0 + needed)

    def null(self, y: Array, weight: Array) -> Any:
        return np.array([weighted_quantile(y, weight, quantile) for quantile in self._levels])

    def null_with_offset(self, y: Array, weight: Array, offset: Array) -> Any:
        residual, q = y[:, None] - offset, self._levels
        if not self.non_crossing:
            return np.array([weighted_quantile(residual[:, j], weight, q[j]) for j in range(len(q))])
        # Constants b are in order beside every sample's offset if b - rise increases. The best constant of columns i
        # to l pooled is the mean quantile of all their residuals.
        rise = np.append(0.0, np.cumsum(np.max(-np.diff(offset, axis=1), axis=0)))
        residual, level = residual - rise, _running_means(q)

        def pooled(i: int) -> Array:
            counts = range(1, len(q) - i + 1)
            return np.array(
                [
                    weighted_quantile(residual[:, i : i + m].ravel(), np.repeat(weight / m, m), level(i)[m - 1])
                    for m in counts
                ]
            )

        return _in_order((len(q),), pooled) + rise

    def into_score_domain(self, eta: Array) -> Array:
        if not self.non_crossing or np.all(np.diff(eta, axis=1) >= 0):
            return eta
        return _in_order(eta.shape, _running_means(eta))

    def score_rows(self) -> Array | None:
        return np.diff(np.eye(len(self.quantiles)), axis=0) if self.non_crossing else None


def _running_means(values: Array) -> Callable[[int], Array]:
    """Return i -> the means of columns i to l for every l >= i."""
    return lambda i: np.cumsum(values[..., i:], axis=-1) / np.arange(1, values.shape[-1] - i + 1)


def _in_order(shape: tuple[int, ...], pooled: Callable[[int], Array]) -> Array:
    """Return z of the given shape, increasing along its last axis, of least cost: generalised isotonic regression.

    ``pooled(i)`` has, for every l >= i, the best common value of columns i to l. z_j is the largest over i <= j of the
    least over l >= j of these.
    """
    z = np.full(shape, -np.inf)
    for i in range(shape[-1]):
        least = np.minimum.accumulate(pooled(i)[..., ::-1], axis=-1)[..., ::-1]
        z[..., i:] = np.maximum(z[..., i:], least)
    return z
