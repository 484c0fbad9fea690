"""ReHLine: C times a sum of piecewise linear-quadratic losses plus |w|^2 / 2; its problems here have no intercept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problem import Answer, Problem

NAMES = {
    "hinge": "svm",
    "squared_hinge": "squared svm",
    "absolute_error": "mae",
    "quantile": "check",
    "huber": "huber",
    "epsilon_insensitive": "SVR",
}
PARAMETERS = {"quantile": "qt", "huber": "tau", "epsilon_insensitive": "epsilon"}


def solvers(problem: Problem) -> dict[str, Any]:
    applies = problem.loss in NAMES and problem.penalty in ("l2", "elasticnet") and not problem.intercept
    return {"rehline": prepare} if applies else {}


def prepare(problem: Problem) -> Callable[[float], Answer]:
    from rehline import plqERM_ElasticNet, plqERM_Ridge

    loss: dict[str, Any] = {"name": NAMES[problem.loss]}
    if problem.loss in PARAMETERS:
        loss[PARAMETERS[problem.loss]] = problem.parameter
    shared = {"C": 1 / (problem.alpha * problem.n), "max_iter": 10_000_000}
    model = plqERM_ElasticNet(loss, l1_ratio=problem.l1_ratio, **shared) if problem.l1 else plqERM_Ridge(loss, **shared)

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(problem.X, problem.y)
        return Answer(model.coef_)

    return fit
