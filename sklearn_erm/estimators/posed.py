"""What ``fit`` was given, as problems over one design, and whether they can be solved."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from sklearn_erm.estimators.finite_loss import require_finite_loss
from sklearn_erm.estimators.given import Given
from sklearn_erm.estimators.own_classes import require_sound
from sklearn_erm.estimators.results import Problems, Results
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.choose import check_problem
from sklearn_erm.solve.path import Term


class Posed(NamedTuple):
    """What ``fit`` was given.

    Attributes
    ----------
    problems : list of Objective
        Independent problems over one design, at the estimator's own alpha.
    terms : callable
        alpha -> the penalty and its factor at another alpha.
    given : Given
        What else is known of the data.
    """

    problems: Problems
    terms: Callable[[float], Term]
    given: Given


class Step(NamedTuple):
    """One alpha of a path: what was asked, the problems at that alpha, and their solutions."""

    posed: Posed
    problems: Problems
    results: Results


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
        sizes = [problem.reference for problem in problems if np.isfinite(problem.null).all()]
    if not np.isfinite(squares).all():
        column = int(np.flatnonzero(~np.isfinite(squares))[0])
        raise ValueError(f"X is too large: the squares of column {column} overflow. Divide it by a constant.")
    if not all(np.isfinite(risk) for risk, _ in sizes):
        raise ValueError("y or offset is too large: the loss of a constant score overflows. Divide y by a constant.")
    if not all(risk and slope for risk, slope in sizes):
        raise ValueError("y is too small: the loss of a constant score vanishes in rounding. Multiply y by a constant.")


def _require_best_constant(problem: Objective) -> None:
    """Raise ValueError where no constant score is best, so that a free intercept has nowhere to go."""
    with np.errstate(divide="ignore"):
        null = problem.null
    if not np.isfinite(null).all():
        low, _ = problem.samples.extremes()
        raise ValueError(
            f"loss={problem.loss} has no minimiser on this y: with an intercept, the best constant score is "
            f"{problem.split(null)[1]}, because every y of positive weight is {np.min(low):g}."
        )
