"""scikit-learn's classifiers: LogisticRegression by every solver, LinearSVC, SGDClassifier.

liblinear penalises the intercept, so its problems with one are the same only for a large ``intercept_scaling``; the
dual coordinate descent, which this slows down, takes part in problems without an intercept alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from problem import Answer, Problem

SCALING = 1e3
MANY = 1_000_000
NEWTON_COLUMNS = 5000  # newton-cholesky holds a Hessian


def solvers(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if not problem.classification or problem.weight is not None:
        return found
    if problem.loss == "log_loss" and problem.penalty in ("l1", "l2", "elasticnet", "none"):
        found |= logistic_solvers(problem)
    if problem.loss == "squared_hinge" and problem.penalty in ("l1", "l2") and not problem.intercept:
        found["LinearSVC primal"] = partial(linear_svc, dual=False)
    if problem.loss in ("hinge", "squared_hinge") and problem.penalty == "l2" and not problem.intercept:
        found["LinearSVC dual"] = partial(linear_svc, dual=True)
    if problem.penalty == "l2" and problem.loss != "squared_hinge" and not problem.multinomial:
        found["SGDClassifier"] = sgd
    return found


def logistic_solvers(problem: Problem) -> dict[str, Any]:
    """Return LogisticRegression's solvers for a problem."""
    names = ["saga"]
    if problem.penalty == "l2":
        names += ["lbfgs", "newton-cg", "sag"]
        columns = problem.p * (problem.y.max() + 1 if problem.multinomial else 1)
        names += ["newton-cholesky"] if columns <= NEWTON_COLUMNS else []
    found: dict[str, Any] = {f"LogisticRegression {name}": partial(logistic, solver=name) for name in names}
    if problem.penalty in ("l1", "l2") and not problem.multinomial:
        found["LogisticRegression liblinear"] = partial(logistic, solver="liblinear")
    if problem.penalty == "l2" and not problem.multinomial and not problem.intercept:
        found["LogisticRegression liblinear dual"] = partial(logistic, solver="liblinear", dual=True)
    return found


def logistic(problem: Problem, solver: str, **more: Any) -> Callable[[float], Answer]:
    from sklearn.linear_model import LogisticRegression

    if solver == "liblinear" and problem.intercept:
        more["intercept_scaling"] = SCALING
    C = 1 / (problem.alpha * problem.n) if problem.alpha else np.inf
    if sklearn_is_old():
        more["penalty"] = problem.penalty if problem.alpha else None
    if problem.penalty != "l2":
        more["l1_ratio"] = problem.l1_ratio
    model = LogisticRegression(
        C=C, solver=solver, fit_intercept=problem.intercept, max_iter=MANY, random_state=0, **more
    )

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(problem.X, problem.y)
        return Answer(model.coef_, model.intercept_)

    return fit


def sklearn_is_old() -> bool:
    """Return whether LogisticRegression still asks for a penalty: from 1.8 on l1_ratio and C say it."""
    import sklearn

    return tuple(int(part) for part in sklearn.__version__.split(".")[:2]) < (1, 8)


def linear_svc(problem: Problem, dual: bool) -> Callable[[float], Answer]:
    from sklearn.svm import LinearSVC

    model = LinearSVC(
        penalty=problem.penalty,
        loss=problem.loss,
        dual=dual,
        C=1 / (problem.alpha * problem.n),
        fit_intercept=False,
        max_iter=MANY,
        random_state=0,
    )

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(problem.X, problem.y)
        return Answer(model.coef_, model.intercept_)

    return fit


def sgd(problem: Problem) -> Callable[[float], Answer]:
    """Averaged SGD with its own step rule; a tighter tolerance is more epochs, up to 200.

    It takes part where it works: with an L1 term, and with the squared hinge, it ends far from the minimum.
    """
    from sklearn.linear_model import SGDClassifier

    model = SGDClassifier(
        loss=problem.loss,
        alpha=problem.l2,
        fit_intercept=problem.intercept,
        average=True,
        tol=None,
        random_state=0,
    )

    def fit(tol: float) -> Answer:
        model.set_params(max_iter=round(2 * tol ** (-1 / 3))).fit(problem.X, problem.y)
        return Answer(model.coef_, model.intercept_, exact=tol < 2e-6)

    return fit
