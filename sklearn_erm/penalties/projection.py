"""Points that satisfy linear constraints, near others that do not."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from sklearn_erm.penalties.base import Array
from sklearn_erm.penalties.equilibrated import equilibrate
from sklearn_erm.penalties.part import Part

ACCURACY = 1e-10  # to which the linear program satisfies the rows, the smallest that HiGHS takes
ROUNDS = 4  # of linear programs, each to the accuracy relative to what the last one missed
ROUNDING = 1e-14  # of a move, relative to its largest entry


def nearest(W: Array, constraints: list[Part]) -> Array:
    """Return W moved into its bounds, and then, column by column, as little as possible to where the rows hold.

    The distance is the sum of absolute values, so that the move is a linear program with few entries that change.
    """
    low, high, rows = np.full(len(W), -np.inf), np.full(len(W), np.inf), []
    for part in constraints:
        box: Any = part.penalty
        if part.matrix is None:
            low, high = np.maximum(low, box.low), np.minimum(high, box.high)
        else:
            rows.append(part)
    columns = W.reshape(len(W), -1)
    moved = np.clip(columns, low[:, None], high[:, None])
    for c in range(moved.shape[1]):
        for _ in range(ROUNDS):
            if all(part.value(moved[:, c]) == 0 for part in rows):
                break
            moved[:, c] = _onto_rows(moved[:, c], rows, low, high)
    return moved.reshape(W.shape)


def moved_by(w: Array, move: Array, units: Any = 1.0) -> Array:
    """Return w + units * move, with 0 where rounding is all that the sum leaves.

    A row whose terms are rounding errors is met by zeros alone.
    """
    moved = w + units * move
    return np.where(np.abs(moved) <= ROUNDING * units * np.max(np.abs(move), initial=0.0), 0.0, moved)


def _onto_rows(w: Array, rows: list[Part], low: Array, high: Array) -> Array:
    """Return w + a - b with the least sum of a, b >= 0 such that bounds and rows hold; w if there is none."""
    A = sparse.vstack([part.rows(len(w)) for part in rows])
    boxes: list[Any] = [part.penalty for part in rows]
    lower, upper = (np.concatenate([getattr(box, side) for box in boxes]) for side in ("low", "high"))
    r, s = equilibrate(A)  # so that the numbers of the linear program are about 1, whatever the units
    A, lower, upper = sparse.diags_array(r) @ A @ sparse.diags_array(s), r * lower, r * upper
    w, low, high = w / s, low / s, high / s
    above, below, at = np.isfinite(upper), np.isfinite(lower), A @ w
    limits = np.concatenate([upper[above] - at[above], at[below] - lower[below]])
    unit = float(np.max(-limits, initial=0.0)) or 1.0
    move = sparse.hstack([A, -A]).tocsr()
    found = linprog(
        np.ones(2 * len(w)),
        A_ub=sparse.vstack([move[above], -move[below]]),
        b_ub=limits / unit,
        bounds=np.column_stack([np.zeros(2 * len(w)), np.concatenate([high - w, w - low]) / unit]),
        method="highs",
        options={"primal_feasibility_tolerance": ACCURACY},
    )
    if found.x is None:
        return s * w
    a, b = found.x[: len(w)], found.x[len(w) :]
    nearest: Array = s * np.clip(moved_by(w, unit * (a - b)), low, high)
    return nearest
