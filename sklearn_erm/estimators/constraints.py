"""From what a user passes as ``bounds=`` and ``constraints=`` to linear constraints on the coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint

from sklearn_erm.estimators.feasibility import settle
from sklearn_erm.penalties import Part
from sklearn_erm.penalties.constrained import Box

Array = NDArray[Any]

LARGE = 10_000  # entries of a matrix of constraints from which zeros are worth leaving out
SPARSE = 0.1  # share of entries other than zero below which they are


def find_constraints(owner: str, bounds: Any, constraints: Any, n_features: int) -> list[Part]:
    """Return bounds and constraints as parts of a penalty: the bounds first, if there are any.

    Parameters
    ----------
    owner : str
        The estimator, for error messages.
    bounds : None, pair or scipy.optimize.Bounds
        Lower and upper bound of the coefficients, each a number, None or an array of one number per feature.
    constraints : None, scipy.optimize.LinearConstraint or list of them
        On the coefficients of one output.
    n_features : int
        Number of features.

    Raises
    ------
    ValueError
        If a shape is wrong, a lower bound lies above its upper one, or no coefficients satisfy all.
    TypeError
        If bounds or constraints are of another type.
    """
    parts = [] if bounds is None else [_box(owner, *_check_bounds(owner, bounds), n_features)]
    for number, constraint in enumerate(_listed(owner, constraints)):
        if np.size(constraint.lb) and np.shape(constraint.A)[0]:  # no rows say nothing
            parts.append(_rows(f"{owner}(constraints=...), constraint {number}", constraint, n_features))
    return settle(owner, parts, n_features)


def _check_bounds(owner: str, bounds: Any) -> tuple[Any, Any]:
    if isinstance(bounds, Bounds):
        return bounds.lb, bounds.ub
    pairs = isinstance(bounds, list) and all(isinstance(side, tuple) and len(side) == 2 for side in bounds)
    if isinstance(bounds, (tuple, list, np.ndarray)) and len(bounds) == 2 and not pairs:
        return bounds[0], bounds[1]
    raise TypeError(
        f"{owner}(bounds={bounds!r}): bounds must be a pair (lower, upper) or scipy.optimize.Bounds; each side a "
        "number, None, or an array of one number per feature."
    )


def _box(owner: str, low: Any, high: Any, n_features: int) -> Part:
    low = _side(owner, "lower", _filled(low, -np.inf), n_features)
    high = _side(owner, "upper", _filled(high, np.inf), n_features)
    crossed = np.flatnonzero((low > high) | (low == np.inf) | (high == -np.inf))
    if len(crossed):
        j = crossed[0]
        raise ValueError(
            f"{owner}(bounds=...): no coefficient of feature {j} lies between the lower bound {low[j]:g} and the upper "
            f"bound {high[j]:g}."
        )
    return Part(1.0, Box(low, high))


def _filled(side: Any, infinite: float) -> Any:
    """Return a side of the bounds with infinity for None, as a whole or feature by feature."""
    if isinstance(side, (list, tuple)):
        return [infinite if value is None else value for value in side]
    return infinite if side is None else side


def _side(owner: str, which: str, values: Any, n_features: int) -> Array:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{owner}(bounds=...): the {which} bounds must be real numbers, got {values!r}.") from None
    if array.shape not in ((), (1,), (n_features,)):
        raise ValueError(
            f"{owner}(bounds=...): the {which} bounds must be one number or one per feature, shape ({n_features},), "
            f"got shape {array.shape}."
        )
    if np.any(np.isnan(array)):
        raise ValueError(f"{owner}(bounds=...): the {which} bounds contain NaN; use -inf or inf for no bound.")
    return np.broadcast_to(array, n_features).copy()


def _listed(owner: str, constraints: Any) -> Sequence[LinearConstraint]:
    if constraints is None:
        return []
    listed = [constraints] if isinstance(constraints, LinearConstraint) else constraints
    if not isinstance(listed, (list, tuple)) or not all(isinstance(each, LinearConstraint) for each in listed):
        raise TypeError(
            f"{owner}(constraints={constraints!r}): constraints must be a scipy.optimize.LinearConstraint or a list "
            "of them; others are not linear, or do not say so."
        )
    return listed


def _rows(label: str, constraint: LinearConstraint, n_features: int) -> Part:
    """Return a constraint with rows of length 1, so that the solver need not know its units."""
    matrix = constraint.A
    matrix = sparse.csr_array(matrix) if sparse.issparse(matrix) else np.atleast_2d(np.asarray(matrix, dtype=float))
    if matrix.shape[1] != n_features:
        raise ValueError(
            f"{label}: A must have one column per feature, {n_features}, got shape {matrix.shape}; the intercept is "
            "not constrained."
        )
    if not sparse.issparse(matrix) and matrix.size >= LARGE and np.count_nonzero(matrix) < SPARSE * matrix.size:
        matrix = sparse.csr_array(matrix)
    entries = matrix.data if sparse.issparse(matrix) else matrix
    low, high = (
        np.broadcast_to(np.asarray(side, dtype=float), matrix.shape[0]) for side in (constraint.lb, constraint.ub)
    )
    if not np.all(np.isfinite(entries)) or np.any(np.isnan(low)) or np.any(np.isnan(high)):
        raise ValueError(f"{label}: A must be finite, lb and ub must not be NaN.")
    empty = np.flatnonzero((low > high) | (low == np.inf) | (high == -np.inf))
    if len(empty):
        row = int(empty[0])
        raise ValueError(f"{label}: nothing lies between lb, {low[row]:g}, and ub, {high[row]:g}, of row {row}.")
    norms = sparse.linalg.norm(matrix, axis=1) if sparse.issparse(matrix) else np.linalg.norm(matrix, axis=1)
    unit = np.where(norms > 0, norms, 1.0)
    scaled = sparse.diags_array(1.0 / unit) @ matrix if sparse.issparse(matrix) else matrix / unit[:, None]
    return Part(1.0, Box(low / unit, high / unit, unit), scaled)
