"""Cyanure: means; its squared losses are half of ours. Its tolerance is a relative duality gap, like ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problem import Answer, Problem

NAMES = {"log_loss": "logistic", "squared_hinge": "sqhinge", "squared_error": "square"}


def solvers(problem: Problem) -> dict[str, Any]:
    applies = problem.loss in NAMES and problem.penalty in ("l1", "l2", "elasticnet") and problem.weight is None
    return {"cyanure": prepare} if applies else {}


def prepare(problem: Problem) -> Callable[[float], Answer]:
    from cyanure.estimators import Classifier, Regression

    half = 1 if problem.loss == "log_loss" else 2
    first, second = (problem.l1, problem.l2) if problem.l1 else (problem.l2, 0.0)
    shared = {
        "penalty": problem.penalty,
        "lambda_1": first / half,
        "lambda_2": second / half,
        "fit_intercept": problem.intercept,
        "max_iter": 100_000,
        "verbose": False,
        "n_threads": -1,
    }
    if problem.classification:
        model = Classifier(loss="multiclass-logistic" if problem.multinomial else NAMES[problem.loss], **shared)
    else:
        model = Regression(**shared)

    def fit(tol: float) -> Answer:
        model.tol = tol
        model.fit(problem.X, problem.y)
        W, b = model.get_weights() if problem.intercept else (model.get_weights(), 0.0)
        return Answer(W.T if problem.multinomial else W, b)

    return fit
