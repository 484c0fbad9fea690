"""celer: half the mean squared error, the sum of logistic losses without an intercept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from problem import Answer, Problem

MANY = {"max_iter": 10_000, "max_epochs": 1_000_000}


def solvers(problem: Problem) -> dict[str, Any]:
    if problem.weight is not None or problem.multinomial:
        return {}
    squared = problem.loss == "squared_error"
    if squared and problem.penalty in ("l1", "elasticnet"):
        return {"celer": lasso}
    if squared and problem.penalty == "group_lasso":
        return {"celer GroupLasso": group_lasso}
    if problem.loss == "log_loss" and problem.penalty == "l1" and not problem.intercept:
        return {"celer": logistic}
    return {}


def fitted(model: Any, problem: Problem) -> Callable[[float], Answer]:
    X = problem.X.tocsc() if problem.sparse else np.asfortranarray(problem.X)

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(X, problem.y)
        return Answer(model.coef_, model.intercept_)

    return fit


def lasso(problem: Problem) -> Callable[[float], Answer]:
    from celer import ElasticNet, Lasso

    shared = {"alpha": problem.alpha / 2, "fit_intercept": problem.intercept, **MANY}
    return fitted(ElasticNet(l1_ratio=problem.l1_ratio, **shared) if problem.l2 else Lasso(**shared), problem)


def logistic(problem: Problem) -> Callable[[float], Answer]:
    from celer import LogisticRegression

    return fitted(LogisticRegression(C=1 / (problem.l1 * problem.n), **MANY), problem)


def group_lasso(problem: Problem) -> Callable[[float], Answer]:
    from celer import GroupLasso

    members = [np.flatnonzero(problem.groups == g).tolist() for g in range(problem.groups.max() + 1)]
    weights = np.sqrt(problem.group_sizes.astype(float))
    return fitted(
        GroupLasso(members, alpha=problem.group / 2, weights=weights, fit_intercept=problem.intercept, **MANY), problem
    )
