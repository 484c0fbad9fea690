"""Linear constraints as a penalty: infinite outside, zero inside."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import qr, solve_triangular

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import along_features
from sklearn_erm.penalties.part import Part
from sklearn_erm.penalties.projection import nearest

SLANTED = 0.1  # sine of the angle between equalities below which they are made orthogonal
DEPENDENT = 1e-12  # the same, where one follows from the others
ENTRIES = 10**7  # of equalities, up to which they may be made orthogonal
FEASIBLE = 1e-8  # by how much a row may miss its bound, relative to the bound or to the sizes of the terms of the row


class Box(Penalty):
    r"""The indicator of a box: 0 where low <= Z <= high, infinite elsewhere.

    Parameters
    ----------
    low, high : ndarray of shape (m,)
        Bounds, infinite where there is none.
    unit : ndarray of shape (m,)
        Factor that a row was divided by.
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

    def violation(self, Z: Array, size: Any) -> float:
        low, high = self._sides(Z)
        missed = np.maximum(np.maximum(low - Z, Z - high), 0.0)
        allowed = FEASIBLE * np.maximum(np.abs(np.where(low > Z, low, high)), size)
        return float(np.max(np.divide(missed, allowed, out=np.zeros(Z.shape), where=missed > 0), initial=0.0))

    def value(self, Z: Array) -> float:
        return 0.0 if self.violation(Z, np.abs(Z)) <= 1.0 else np.inf

    def prox(self, Z: Array, step: Any) -> Array:
        return np.clip(Z, *self._sides(Z))

    def prox_derivative(self, Z: Array, step: float) -> tuple[Array, Array | None]:
        low, high = self._sides(Z)
        return ((low < Z) & (high > Z)).astype(float), None

    def conjugate(self, V: Array) -> float:
        low, high = self._sides(V)
        with np.errstate(invalid="ignore"):
            return float(np.sum(np.where(V > 0, V * high, np.where(V < 0, V * low, 0.0))))


class Equalities:
    """Equality rows with orthonormal ones in their place, which have the same solutions and are easier to solve with.

    Rows that are nearly parallel have solutions far away, found only by multipliers that are large and nearly cancel.

    Parameters
    ----------
    matrix : ndarray of shape (m, p)
        A, rows of length 1 or 0.
    value : ndarray of shape (m,)
        b; A w = b has solutions.
    unit : float
        The largest factor that a row was divided by.

    Attributes
    ----------
    slanted : bool
        Whether some rows are nearly parallel, or follow from others.
    part : Part
        Q^T w = c, from A^T P = Q R and R^T c = P^T b.
    """

    def __init__(self, matrix: Array, value: Array, unit: float):
        Q, R, order = qr(matrix.T, mode="economic", pivoting=True)
        sines = np.abs(np.diag(R))
        rank = int(np.count_nonzero(sines > DEPENDENT * sines.max(initial=0.0)))
        self.slanted = bool(rank < len(value) or sines.min(initial=1.0) < SLANTED)
        self.size = len(value)
        self.order, self.R = order[:rank], R[:rank, :rank]
        c = solve_triangular(self.R, value[self.order], trans=1)
        self.part = Part(1.0, Box(c, c, unit), Q[:, :rank].T)

    def multipliers(self, v: Array) -> Array:
        """Return the multipliers of A's rows, 0 for those that follow from others, given those of Q^T's."""
        found = np.zeros((self.size, *v.shape[1:]))
        found[self.order] = solve_triangular(self.R, v)
        return found


class Constrained(Penalty):
    """A penalty plus linear constraints, each a ``Part`` with a ``Box``."""

    def __init__(self, penalty: Penalty, constraints: list[Part]):
        self.penalty = penalty
        self.constraints = constraints
        self._equalities = _slanted_equalities(constraints)
        self._solved = constraints if self._equalities is None else _with(self._equalities, constraints)

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

    def inside(self, W: Array) -> Array:
        """Return the point nearest to W within the bounds; rows are left aside."""
        bounds = [part.penalty for part in self.constraints if part.matrix is None]
        return reduce(lambda Z, box: box.prox(Z, 1.0), bounds, W)

    def into_domain(self, W: Array) -> Array:
        return W if self._inside(W) else nearest(W, self.constraints)

    def parts(self) -> list[Part]:
        return [*self.penalty.parts(), *self._solved]

    def multipliers(self, subgradients: list[Array]) -> list[Array]:
        """Return the multipliers of ``constraints``, given the subgradients of ``parts()``."""
        solved = subgradients[-len(self._solved) :]
        if self._equalities is None:
            return solved
        at_equalities = self._equalities.multipliers(solved[-1])
        others = iter(solved[:-1])
        found, used = [], 0
        for part in self.constraints:
            equal = _equal(part)
            values = np.zeros((len(equal), *solved[-1].shape[1:]))
            if not equal.all():
                values[~equal] = next(others)
            values[equal] = at_equalities[used : used + equal.sum()]
            used += equal.sum()
            found.append(values)
        return found

    def value(self, W: Array) -> float:
        return self.penalty.value(W) if self._inside(W) else np.inf

    def _inside(self, W: Array) -> bool:
        return all(part.value(W) == 0 for part in self.constraints)


def _equal(part: Part) -> Array:
    """Return a mask of the rows of a constraint that are equalities; bounds are left as they are."""
    box: Any = part.penalty
    return np.equal(box.low, box.high) if part.matrix is not None else np.zeros(len(box.low), dtype=bool)


def _slanted_equalities(constraints: list[Part]) -> Equalities | None:
    """Return all equality rows, if some are nearly parallel; None otherwise."""
    masks = [_equal(part) for part in constraints]
    count = sum(int(mask.sum()) for mask in masks)
    if count < 2 or count * max(part.matrix.shape[1] for part in constraints if part.matrix is not None) > ENTRIES:
        return None
    matrix, value, unit = [], [], 0.0
    for part, mask in zip(constraints, masks, strict=True):
        if mask.any():
            box: Any = part.penalty
            rows = part.matrix[mask]
            matrix.append(rows.toarray() if sparse.issparse(rows) else rows)
            value.append(box.low[mask])
            unit = max(unit, float(np.max(np.broadcast_to(box.unit, mask.shape)[mask])))
    equalities = Equalities(np.vstack(matrix), np.concatenate(value), unit)
    return equalities if equalities.slanted else None


def _with(equalities: Equalities, constraints: list[Part]) -> list[Part]:
    """Return constraints with their equality rows replaced."""
    found = []
    for part in constraints:
        equal = _equal(part)
        if not equal.any():
            found.append(part)
        elif not equal.all():
            box: Any = part.penalty
            unit = np.broadcast_to(box.unit, equal.shape)[~equal]
            found.append(Part(1.0, Box(box.low[~equal], box.high[~equal], unit), part.matrix[~equal]))
    return [*found, equalities.part]
