"""scikit-learn's regressors. Its squared error is half of ours, so alpha is half of ours too."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from problem import Answer, Problem

MANY = 1_000_000


def solvers(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {}
    loss, penalty = problem.loss, problem.penalty
    if loss == "squared_error" and penalty in ("l1", "elasticnet"):
        found["ElasticNet"] = elastic_net
    if loss == "squared_error" and penalty == "l2":
        names = ("sparse_cg", "lsqr", "sag", "saga") if problem.sparse else ("cholesky", "svd", "lsqr", "sparse_cg")
        found |= {f"Ridge {name}": partial(ridge, solver=name) for name in names}
    if loss == "quantile" and penalty in ("l1", "none"):
        found["QuantileRegressor highs"] = quantile
    if loss == "absolute_error" and penalty in ("l1", "none"):
        found["QuantileRegressor highs"] = quantile
    if loss == "huber" and penalty in ("l2", "none"):
        found["HuberRegressor"] = huber
    if loss == "epsilon_insensitive" and penalty == "l2" and not problem.intercept:
        found["LinearSVR"] = linear_svr
    if loss == "poisson" and penalty in ("l2", "none"):
        found |= {f"PoissonRegressor {name}": partial(poisson, solver=name) for name in ("lbfgs", "newton-cholesky")}
    if loss in ("squared_error", "huber", "epsilon_insensitive") and penalty == "l2":
        found["SGDRegressor"] = sgd
    return found


def fitted(model: Any, problem: Problem) -> Callable[[float], Answer]:
    """Return the fit of an estimator whose tolerance is tol."""
    weights = {} if problem.weight is None else {"sample_weight": problem.weight}

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(problem.X, problem.y, **weights)
        return Answer(model.coef_, model.intercept_)

    return fit


def elastic_net(problem: Problem) -> Callable[[float], Answer]:
    from sklearn.linear_model import ElasticNet, Lasso

    X = problem.X.tocsc() if problem.sparse else np.asfortranarray(problem.X)
    shared = {"alpha": problem.alpha / 2, "fit_intercept": problem.intercept, "max_iter": MANY}
    model = ElasticNet(l1_ratio=problem.l1_ratio, **shared) if problem.l2 else Lasso(**shared)
    return fitted(model, replace(problem, X=X))


def ridge(problem: Problem, solver: str) -> Callable[[float], Answer]:
    from sklearn.linear_model import Ridge

    alpha = problem.l2 / 2 * problem.n
    fit = fitted(Ridge(alpha, fit_intercept=problem.intercept, max_iter=MANY, solver=solver), problem)
    return (lambda tol: fit(tol)._replace(exact=True)) if solver in ("cholesky", "svd") else fit


def quantile(problem: Problem) -> Callable[[float], Answer]:
    """The linear program by HiGHS, which is as exact as it is: there is one tolerance."""
    from sklearn.linear_model import QuantileRegressor

    half = problem.loss == "absolute_error"  # twice the quantile loss at 1/2
    level, alpha = (0.5, problem.l1 / 2) if half else (problem.parameter, problem.l1)
    model = QuantileRegressor(quantile=level, alpha=alpha, fit_intercept=problem.intercept, solver="highs")

    def fit(tol: float) -> Answer:
        model.fit(problem.X, problem.y, sample_weight=problem.weight)
        return Answer(model.coef_, model.intercept_, exact=True)

    return fit


def huber(problem: Problem) -> Callable[[float], Answer]:
    """HuberRegressor, told the epsilon and alpha at which the scale it estimates leads to our delta and l2.

    It minimises sum_i sigma + sigma H(r_i / sigma) + alpha |w|^2, H twice the Huber loss at epsilon. At the best sigma
    this is our problem with delta = epsilon sigma and l2 = alpha sigma / n, and the derivative in sigma vanishes where
    sigma^2 = mean(min(r^2, delta^2)). So the residuals of a solution of ours say both. This is not timed.
    """
    from sklearn.linear_model import HuberRegressor

    from .ours import prepare

    answer = prepare(problem)(1e-10)
    r = problem.y - problem.X @ np.ravel(answer.coef) - np.ravel(answer.intercept)[0]
    delta: Any = problem.parameter
    sigma = np.sqrt(np.minimum(r**2, delta**2).mean())
    model = HuberRegressor(
        epsilon=delta / sigma, alpha=problem.l2 * problem.n / sigma, fit_intercept=problem.intercept, max_iter=100_000
    )
    return fitted(model, problem)


def linear_svr(problem: Problem) -> Callable[[float], Answer]:
    from sklearn.svm import LinearSVR

    model = LinearSVR(
        epsilon=problem.parameter, C=1 / (problem.l2 * problem.n), fit_intercept=False, max_iter=MANY, random_state=0
    )
    return fitted(model, problem)


def poisson(problem: Problem, solver: str) -> Callable[[float], Answer]:
    from sklearn.linear_model import PoissonRegressor

    return fitted(
        PoissonRegressor(alpha=problem.l2, fit_intercept=problem.intercept, max_iter=100_000, solver=solver), problem
    )


def sgd(problem: Problem) -> Callable[[float], Answer]:
    """Averaged SGD; a tighter tolerance is more epochs, up to 200. With an L1 term it ends far from the minimum."""
    from sklearn.linear_model import SGDRegressor

    half = 2 if problem.loss == "squared_error" else 1
    model = SGDRegressor(
        loss=problem.loss,
        alpha=problem.l2 / half,
        epsilon=problem.parameter or 0.1,
        fit_intercept=problem.intercept,
        average=True,
        tol=None,
        random_state=0,
    )

    def fit(tol: float) -> Answer:
        model.set_params(max_iter=round(2 * tol ** (-1 / 3))).fit(problem.X, problem.y)
        return Answer(model.coef_, model.intercept_, exact=tol < 2e-6)

    return fit
