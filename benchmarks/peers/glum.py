"""glum: half deviances (half of our squared error), scikit-learn's alpha, weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from problem import Answer, Problem

FAMILIES = {"log_loss": "binomial", "squared_error": "normal", "poisson": "poisson"}
MOST_COLUMNS = 5000  # its IRLS holds a Hessian


def solvers(problem: Problem) -> dict[str, Any]:
    if problem.loss not in FAMILIES or problem.multinomial or problem.penalty == "group_lasso":
        return {}
    names = []
    if problem.p <= MOST_COLUMNS:
        names += ["irls-cd"] if problem.l1 else ["irls-ls"]
    if not problem.l1:
        names += ["lbfgs"]
    return {f"glum {name}": partial(prepare, solver=name) for name in names}


def prepare(problem: Problem, solver: str) -> Callable[[float], Answer]:
    from glum import GeneralizedLinearRegressor

    half = 2 if problem.loss == "squared_error" else 1
    y = (problem.y + 1) / 2 if problem.loss == "log_loss" else problem.y
    X = problem.X.tocsc() if problem.sparse else np.asfortranarray(problem.X)
    model = GeneralizedLinearRegressor(
        family=FAMILIES[problem.loss],
        alpha=problem.alpha / half,
        l1_ratio=problem.l1_ratio,
        fit_intercept=problem.intercept,
        solver=solver,
        max_iter=100_000,
    )

    def fit(tol: float) -> Answer:
        model.set_params(gradient_tol=tol).fit(X, y, sample_weight=problem.weight)
        return Answer(model.coef_, model.intercept_)

    return fit
