"""Whether any coefficients have scores at which a loss with constraints on its scores is finite."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]

MISSED = 1e-8  # least violation, relative to that at coefficients of zero, that rounding does not explain
SOLVED = 0  # status of scipy.optimize.linprog


def require_finite_loss(problem: Objective) -> None:
    """Raise ValueError if the loss is infinite whatever the coefficients; with an intercept it never is.

    With D the rows of ``Loss.score_rows``, a linear program minimises t >= 0 subject to D (W^T x + offset) + t >= 0 for
    every sample, and to the constraints on W. Without constraints each row of D is a program of its own, in W D^T.
    This is asked only where the loss is infinite at W = 0. It takes all rows at once.
    """
    D = problem.loss.score_rows()
    if D is None or problem.samples.intercept or np.isfinite(problem.null_risk):
        return
    samples = problem.samples.local()
    if samples is None:
        raise ValueError(
            f"this offset does not bring scores into the order that loss={problem.loss} asks for, and whether any "
            "coefficients do cannot be found where rows are in several places. Fit an intercept, or pass an offset "
            "that is in order itself."
        )
    missing = -samples.offset @ D.T  # D W^T x is to be at least this
    unit = float(missing.max())
    X, missing = samples.design.X, missing / unit
    norms = np.sqrt(samples.squares)
    scale = np.where(norms > 0, norms, 1.0)
    X = sparse.csr_array(X) @ sparse.diags_array(1.0 / scale)
    if problem.penalty is problem.penalty.unconstrained():
        least = max(_least_violation(X, column) for column in missing.T if np.any(column > 0))
    else:
        least = _least_violation(sparse.kron(X, D, format="csr"), missing.ravel(), _limits(problem, scale / unit))
    if least > MISSED:
        limits = "" if problem.penalty is problem.penalty.unconstrained() else " within bounds and constraints"
        raise ValueError(
            f"no coefficients{limits} bring the scores of all samples into the order that loss={problem.loss} asks "
            f"for, beside this offset: some cross by {least * unit:.3g} at least. Fit an intercept, or pass an offset "
            "that is in order itself."
        )


def _least_violation(A: Any, wanted: Array, limits: list[Any] | None = None) -> float:
    """Return the least t >= 0 with A v + t >= wanted and low <= B v <= high; 0 if the program is not solved."""
    rows, low = [sparse.hstack([A, np.ones((A.shape[0], 1))])], [wanted]
    for B, below, above in limits or []:
        for matrix, side in ((B, below), (-B, -above)):
            kept = np.isfinite(side)
            rows.append(sparse.hstack([matrix[kept], sparse.csr_array((int(kept.sum()), 1))]))
            low.append(side[kept])
    cost = np.append(np.zeros(A.shape[1]), 1.0)
    result = linprog(
        cost,
        A_ub=-sparse.vstack(rows, format="csr"),
        b_ub=-np.concatenate(low),
        bounds=[(None, None)] * A.shape[1] + [(0, None)],
        method="highs",
        options={"primal_feasibility_tolerance": 1e-10},
    )
    return float(result.fun) if result.status == SOLVED else 0.0


def _limits(problem: Objective, scale: Array) -> list[Any]:
    """Return the constraints on W, which hold for each output, as (B, low, high) on (scale * W).ravel()."""
    penalty: Any = problem.penalty
    p, k = problem.samples.n_features, problem.n_outputs
    found = []
    for part in penalty.constraints:
        each = sparse.kron(part.rows(p) @ sparse.diags_array(1.0 / scale), sparse.eye_array(k), format="csr")
        found.append((each, np.repeat(part.penalty.low, k), np.repeat(part.penalty.high, k)))
    return found
