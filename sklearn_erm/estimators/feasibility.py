"""Whether bounds and constraints have a solution, and which of them hold with equality in every solution."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from sklearn_erm.penalties import Part
from sklearn_erm.penalties.constrained import Box
from sklearn_erm.penalties.equilibrated import equilibrate

Array = NDArray[Any]

INFEASIBLE = 2  # status of scipy.optimize.linprog
ACCURACY = 1e-10  # to which the linear program satisfies the rows, the smallest that HiGHS takes
HELD = 1e-6  # slack, of 1 that it could have, from which a side is not held by the others


def settle(owner: str, parts: list[Part], n_features: int) -> list[Part]:
    """Return the constraints, those that the others turn into equalities written as such.

    Inequalities that face each other leave the feasible set without an interior: bounds below 0 for the last of rising
    coefficients, say, with bounds above 0 for the first. Multipliers are then not unique and may be huge. A linear
    program finds such inequalities: a_i w - t l_i >= z_i with z_i <= 1 and t >= 1 has a solution with z_i = 1 for each
    inequality that is not held, and z_i = 0 in every solution for each that is.

    Parameters
    ----------
    owner : str
        The estimator, for the error message.
    parts : list of Part
        Each with a ``Box``.
    n_features : int
        Number of features.

    Raises
    ------
    ValueError
        If no coefficients satisfy all.
    """
    if all(part.matrix is None for part in parts):
        return parts
    boxes: list[Any] = [part.penalty for part in parts]
    A = sparse.vstack([part.rows(n_features) for part in parts], format="csr")
    low, high = (np.concatenate([getattr(box, side) for box in boxes]) for side in ("low", "high"))
    own = np.concatenate(
        [np.full(len(box.low), part.matrix is not None) for part, box in zip(parts, boxes, strict=True)]
    )
    slack = _slack(owner, A, low, high, own)
    low, high = np.where(slack[1] <= HELD, high, low), np.where(slack[0] <= HELD, low, high)
    if parts[0].matrix is None:
        _fix(A[n_features:], low, high, n_features)
    ends = np.cumsum([0, *(len(box.low) for box in boxes)])
    pieces = [slice(first, last) for first, last in pairwise(ends)]
    return [
        part._replace(penalty=Box(low[piece], high[piece], box.unit))
        for part, box, piece in zip(parts, boxes, pieces, strict=True)
    ]


def _fix(A: Any, low: Array, high: Array, p: int) -> None:
    """Fix, in place, the coefficients that equalities leave no choice, and drop the equalities that say no more.

    Parameters
    ----------
    A : sparse array of shape (m, p)
        The rows beside the bounds.
    low, high : ndarray of shape (p + m,)
        Sides of the bounds, then of the rows.
    p : int
        Number of features.
    """
    pattern = (A != 0).astype(float)
    while True:
        fixed = low[:p] == high[:p]
        equal = low[p:] == high[p:]
        open_ = pattern @ ~fixed  # coefficients of each row that are not fixed
        rest = low[p:] - A @ np.where(fixed, low[:p], 0.0)
        for i in np.flatnonzero(equal & (open_ <= 1)):
            low[p + i], high[p + i] = -np.inf, np.inf
            if open_[i]:
                entries = slice(A.indptr[i], A.indptr[i + 1])
                k = int(np.flatnonzero(~fixed[A.indices[entries]] & (A.data[entries] != 0))[0])
                j = A.indices[entries][k]
                low[j] = high[j] = np.clip(rest[i] / A.data[entries][k], low[j], high[j])
        if not np.any(equal & (open_ == 1)):
            return


def _slack(owner: str, A: Any, low: Array, high: Array, own: Array) -> Array:
    """Return how much slack the lower and the upper side of each row may have at once, at most 1; 1 for equalities.

    The numbers of the linear program are about 1, whatever the units of rows and columns. The rows that ``own`` does
    not mark are bounds, which have the unit of their column.
    """
    r, s = np.ones(A.shape[0]), np.ones(A.shape[1])
    r[own], s = equilibrate(A[own])
    r[~own] = np.tile(1.0 / s, int((~own).sum()) // len(s))
    A, low, high = sparse.diags_array(r) @ A @ sparse.diags_array(s), r * low, r * high
    sizes = np.abs(np.concatenate([low, high]))
    unit = float(sizes[np.isfinite(sizes)].max(initial=0.0)) or 1.0
    low, high = low / unit, high / unit
    equal = low == high
    below, above = (np.flatnonzero(np.isfinite(side) & ~equal) for side in (low, high))
    count, p = len(below) + len(above), A.shape[1]
    signed = sparse.vstack([A[below], -A[above]])  # signed w - t sides >= z
    sides = np.concatenate([low[below], -high[above]])
    inequalities = sparse.hstack([-signed, sparse.csr_array(sides[:, None]), sparse.eye_array(count)])
    equalities = sparse.hstack(
        [A[equal], sparse.csr_array(-low[equal][:, None]), sparse.csr_array((int(equal.sum()), count))]
    )
    result = linprog(
        np.concatenate([np.zeros(p + 1), -np.ones(count)]),
        A_ub=inequalities if count else None,
        b_ub=np.zeros(count) if count else None,
        A_eq=equalities if equal.any() else None,
        b_eq=np.zeros(int(equal.sum())) if equal.any() else None,
        bounds=[(None, None)] * p + [(1.0, None)] + [(0.0, 1.0)] * count,
        method="highs",
        options={"primal_feasibility_tolerance": ACCURACY},
    )
    if result.status == INFEASIBLE:
        raise ValueError(
            f"{owner}: no coefficients satisfy all of bounds and constraints; they contradict each other. Leave one "
            "out, or loosen it."
        )
    slack = np.ones((2, len(low)))
    if result.x is not None:
        slack[0, below], slack[1, above] = np.split(result.x[p + 1 :], [len(below)])
    return slack
