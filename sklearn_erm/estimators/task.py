"""What ``fit`` was given, as problems over one design; whether they can be solved; what they come to together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.estimators.in_domain import require_finite_loss
from sklearn_erm.estimators.probe import require_sound
from sklearn_erm.problem.certificate import FLOOR, Certificate
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.choose import check_problem
from sklearn_erm.solve.path import Term
from sklearn_erm.solvers.loop import UNBOUNDED

Array = NDArray[Any]
Problems = list[Objective]
Results = list[OptimizeResult]


class Task(NamedTuple):
    """What ``fit`` was given.

    Attributes
    ----------
    problems : list of Objective
        Independent problems over one design, at the estimator's own alpha.
    terms : callable
        alpha -> the penalty and its factor at another alpha.
    dtype : dtype
        Of X, and so of the coefficients.
    kept : ndarray of bool
        Which of the user's rows the problems have: those of positive weight.
    classes : ndarray or None
        The labels, of a classification.
    flat : bool
        Whether ``coef_`` has one axis: one target, one score.
    location : float or ndarray of shape (n_targets,)
        What was taken off the targets, and belongs to the intercept.
    """

    problems: Problems
    terms: Callable[[float], Term]
    dtype: Any
    kept: Array
    classes: Array | None = None
    flat: bool = False
    location: Any = 0.0


class Step(NamedTuple):
    """One alpha of a path: what was asked, the problems at that alpha, and their solutions."""

    task: Task
    problems: Problems
    results: Results


def stopped_short(results: Results) -> float:
    """Return the largest error of the fits that missed their tolerance, 0 if none did, inf if one has no minimiser."""
    errors = [np.inf if result.status == UNBOUNDED else float(result.certificate.error) for result in results]
    return max((error for error, result in zip(errors, results, strict=True) if not result.success), default=0.0)


def told(errors: Sequence[float], what: str, tol: float) -> str:
    """Return by how much some fits stopped short, and what to do; "" if none did."""
    failed = [error for error in errors if error > 0]
    if not failed:
        return ""
    finite = [error for error in failed if np.isfinite(error)]
    worst = f", the worst at {max(finite):.2g}; raise max_iter or the least alpha" if finite else ""
    endless = len(failed) - len(finite)
    none = f"; {endless} may have no minimiser (separable classes, say): leave out alpha=0" if endless else ""
    return f"{len(failed)} of {len(errors)} {what} stopped short of tol={tol:g}{worst}{none}"


def require_solvable(problems: Problems) -> None:
    """Raise ValueError where own classes lack or confuse something, numbers overflow, or no scores are best."""
    require_sound(problems[0])
    check_problem(problems[0])
    _require_moderate(problems)
    for problem in problems:
        _require_best_constant(problem)
        require_finite_loss(problem)


def _require_moderate(problems: list[Objective]) -> None:
    """Raise ValueError where the squares of X, or the loss of the null model, are beyond double precision."""
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        squares = problems[0].samples.squares
        sizes = [problem.reference for problem in problems if np.all(np.isfinite(problem.null))]
    if not np.all(np.isfinite(squares)):
        column = int(np.flatnonzero(~np.isfinite(squares))[0])
        raise ValueError(f"X is too large: the squares of column {column} overflow. Divide it by a constant.")
    if not np.all(np.isfinite([risk for risk, _ in sizes])):
        raise ValueError("y or offset is too large: the loss of a constant score overflows. Divide y by a constant.")
    if not np.all(sizes):
        raise ValueError("y is too small: the loss of a constant score vanishes in rounding. Multiply y by a constant.")


def _require_best_constant(problem: Objective) -> None:
    """Raise ValueError where no constant score is best, so that a free intercept has nowhere to go."""
    with np.errstate(divide="ignore"):
        null = problem.null
    if not np.all(np.isfinite(null)):
        y = problem.samples.local().y
        raise ValueError(
            f"loss={problem.loss} has no minimiser on this y: with an intercept, the best constant score is "
            f"{problem.split(null)[1]}, because every y of positive weight is {np.unique(y)[0]:g}."
        )


def combined(problems: Problems, results: Results) -> Certificate:
    """Return the certificate of independent problems as one: objectives, risks and absolute gaps add up."""
    each = [result.certificate for result in results]
    if len(each) == 1:
        return each[0]
    objectives = np.array([certificate.objective for certificate in each])
    nulls = np.array([problem.reference[0] for problem in problems])
    scales = np.maximum(np.abs(objectives), FLOOR * np.abs(nulls))
    gap = scales @ [certificate.gap for certificate in each]
    scale = max(abs(objectives.sum()), FLOOR * abs(nulls.sum())) or 1.0
    return Certificate(
        objective=float(objectives.sum()),
        risk=sum(certificate.risk for certificate in each),
        gap=float(gap / scale),
        optimality=max(certificate.optimality for certificate in each),
    )


def multipliers(problem: Objective, result: OptimizeResult) -> list[Array]:
    """Return the multipliers of every constraint, (k, m), in the units of the user's rows; nan where unknown."""
    penalty: Any = problem.penalty
    dual = result.get("dual")
    if penalty.blockwise:  # bounds alone: their multipliers are what the gradient leaves
        point = problem.at(result.x)
        loss = None if dual is None else dual.loss
        gradient = (point.risk_gradient if loss is None else problem.samples.pull_back(loss))[0]
        return [penalty.multipliers(point.W, gradient, problem.alpha).reshape(len(point.W), -1).T]
    units = [np.broadcast_to(part.penalty.unit, part.penalty.low.shape) for part in penalty.constraints]
    pairs = dual.pairs
    if pairs is None:
        return [np.full((problem.n_outputs, len(unit)), np.nan) for unit in units]
    values = penalty.multipliers([pair.subgradient for pair in pairs])
    return [problem.alpha * v.reshape(len(unit), -1).T / unit for v, unit in zip(values, units, strict=True)]
