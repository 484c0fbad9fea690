"""Linear constraints as a penalty: infinite outside, zero inside."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Part, Penalty, along_features

FEASIBLE = 1e-8  # by how much a bound may be missed, in units of what is bounded, relative to the bound if that is > 1


class Box(Penalty):
    r"""The indicator of a box: 0 where low <= Z <= high, infinite elsewhere.

    Parameters
    ----------
    low, high : ndarray of shape (m,)
        Bounds, infinite where there is none.
    unit : ndarray of shape (m,)
        Factor that a row was divided by; the tolerance of 1e-8 is in the user's units.
    """

    separable = True

    def __init__(self, low: Array, high: Array, unit: Any = 1.0):
        self.low = low
        self.high = high
        self.unit = unit

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether all bounds are finite."""
        return bool(np.all(np.isfinite(self.low)) and np.all(np.isfinite(self.high)))

    def _sides(self, Z: Array) -> tuple[Any, Any]:
        return along_features(self.low, Z), along_features(self.high, Z)

    def at_bound(self, Z: Array) -> Array:
        """Return a mask of the entries that are at a bound."""
        low, high = self._sides(Z)
        return np.equal(Z, low) | np.equal(Z, high)

    def violation(self, Z: Array) -> float:
        """Return by how much Z misses a bound at most, in units of ``FEASIBLE``."""
        low, high = self._sides(Z)
        unit = along_features(np.broadcast_to(self.unit, self.low.shape), Z)
        bound = np.where(low > Z, low, high)
        missed = np.maximum(np.maximum(low - Z, Z - high), 0.0) * unit
        return float(np.max(missed / (FEASIBLE * np.maximum(1.0, np.abs(bound * unit))), initial=0.0))

    def value(self, Z: Array) -> float:
        return 0.0 if self.violation(Z) <= 1.0 else np.inf

    def prox(self, Z: Array, step: Any) -> Array:
        return np.clip(Z, *self._sides(Z))

    def prox_derivative(self, Z: Array, step: float) -> tuple[Array, Array | None]:
        low, high = self._sides(Z)
        return ((low < Z) & (high > Z)).astype(float), None

    def conjugate(self, V: Array) -> float:
        low, high = self._sides(V)
        with np.errstate(invalid="ignore"):
            return float(np.sum(np.where(V > 0, V * high, np.where(V < 0, V * low, 0.0))))


class Constrained(Penalty):
    """A penalty plus linear constraints, each a ``Part`` with a ``Box``."""

    def __init__(self, penalty: Penalty, constraints: list[Part]):
        self.penalty = penalty
        self.constraints = constraints

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """Whether the penalty is convex; constraints always are."""
        return self.penalty.convex

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether the penalty grows in every direction, or the constraints stop it."""
        return self.penalty.coercive or any(part.penalty.coercive and part.matrix is None for part in self.constraints)

    @property
    def couples_outputs(self) -> bool:  # type: ignore[override]
        """Whether the penalty does; constraints hold for each output by itself."""
        return self.penalty.couples_outputs

    def unconstrained(self) -> Penalty:
        return self.penalty

    def unpenalised(self, W: Array) -> Array:
        return self.penalty.unpenalised(W)

    def parts(self) -> list[Part]:
        return [*self.penalty.parts(), *self.constraints]

    def value(self, W: Array) -> float:
        inside = all(
            part.penalty.value(W if part.matrix is None else part.matrix @ W) == 0 for part in self.constraints
        )
        return self.penalty.value(W) if inside else np.inf
