"""Snap ML: a sum of losses plus regularizer times the penalty; only without intercept, which it penalises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from problem import Answer, Problem


def solvers(problem: Problem) -> dict[str, Any]:
    if problem.weight is not None or problem.multinomial or problem.intercept:
        return {}
    kinds = {"log_loss": ("l1", "l2"), "squared_error": ("l1", "l2"), "hinge": ("l2",), "squared_hinge": ("l2",)}
    return {"snapml": prepare} if problem.penalty in kinds.get(problem.loss, ()) else {}


def prepare(problem: Problem) -> Callable[[float], Answer]:
    import snapml

    half = 2 if problem.loss == "squared_error" else 1
    shared: dict[str, Any] = {
        "regularizer": problem.alpha * problem.n / half,
        "max_iter": 1_000_000,
        "fit_intercept": False,
        "n_jobs": 2,
        "random_state": 0,
    }
    if problem.loss in ("hinge", "squared_hinge"):
        model = snapml.SupportVectorMachine(loss=problem.loss, **shared)
    else:
        kind = snapml.LogisticRegression if problem.loss == "log_loss" else snapml.LinearRegression
        model = kind(penalty=problem.penalty, dual=problem.penalty == "l2", **shared)
    X, y = problem.X, problem.y
    if problem.sparse:
        X.indices, X.indptr = X.indices.astype(np.int32), X.indptr.astype(np.int32)

    def fit(tol: float) -> Answer:
        model.tol = tol
        model.fit(X, y)
        return Answer(model.coef_)

    return fit
