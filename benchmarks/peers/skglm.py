"""skglm: datafits are means (the quadratic one half of ours), solved by coordinate descent, prox-Newton or PDCD."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from problem import Answer, Problem


def solvers(problem: Problem) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if problem.weight is not None or problem.multinomial:
        return found
    separable = problem.penalty in ("l1", "elasticnet", "l2")
    if separable and problem.loss in ("squared_error", "log_loss", "huber"):
        found["skglm AndersonCD"] = partial(separable_fit, solver="AndersonCD")
    if separable and problem.loss in ("log_loss", "poisson"):
        found["skglm ProxNewton"] = partial(separable_fit, solver="ProxNewton")
    if problem.loss == "quantile" and problem.penalty == "l1" and not problem.intercept and not problem.sparse:
        found["skglm PDCD_WS"] = pdcd
    if problem.loss == "hinge" and problem.penalty == "l2" and not problem.intercept:
        found["skglm LinearSVC"] = dual_svc
    if problem.penalty == "group_lasso" and problem.loss == "squared_error" and not problem.sparse:
        found["skglm GroupBCD"] = partial(group_fit, solver="GroupBCD")
    if problem.penalty == "group_lasso" and problem.loss == "log_loss" and not problem.sparse:
        found["skglm GroupProxNewton"] = partial(group_fit, solver="GroupProxNewton")
    return found


def favourite(problem: Problem) -> Any:
    """Return X by columns."""
    return problem.X.tocsc() if problem.sparse else np.asfortranarray(problem.X)


def datafit(problem: Problem) -> Any:
    from skglm.datafits import Huber, Logistic, Poisson, Quadratic

    if problem.loss == "huber":
        return Huber(problem.parameter)
    return {"squared_error": Quadratic, "log_loss": Logistic, "poisson": Poisson}[problem.loss]()


def penalty(problem: Problem) -> Any:
    from skglm.penalties import L1, L1_plus_L2

    half = 2 if problem.loss == "squared_error" else 1
    if problem.penalty == "l1":
        return L1(problem.alpha / half)
    return L1_plus_L2(problem.alpha / half, problem.l1_ratio)  # its L2 alone lacks what working sets ask


def generalised(X: Any, problem: Problem, terms: tuple[Any, Any], solver: Any) -> Callable[[float], Answer]:
    """Return the fit of a datafit, a penalty and a solver."""
    from skglm import GeneralizedLinearEstimator

    model = GeneralizedLinearEstimator(*terms, solver)

    def fit(tol: float) -> Answer:
        solver.tol = tol
        model.fit(X, problem.y)
        return Answer(model.coef_, model.intercept_)

    return fit


def separable_fit(problem: Problem, solver: str) -> Callable[[float], Answer]:
    from skglm import solvers as algorithms

    more = {"max_iter": 10_000} if solver == "ProxNewton" else {"max_iter": 10_000, "max_epochs": 1_000_000}
    algorithm = getattr(algorithms, solver)(fit_intercept=problem.intercept, **more)
    return generalised(favourite(problem), problem, (datafit(problem), penalty(problem)), algorithm)


def pdcd(problem: Problem) -> Callable[[float], Answer]:
    """The quantile loss is a sum there, and PDCD_WS knows no intercept."""
    from skglm.experimental import PDCD_WS, Pinball
    from skglm.penalties import L1
    from skglm.utils.jit_compilation import compiled_clone

    X = np.asfortranarray(problem.X)
    terms = compiled_clone(Pinball(problem.parameter)), compiled_clone(L1(problem.l1 * problem.n))

    def fit(tol: float) -> Answer:
        solver = PDCD_WS(tol=tol, max_iter=10_000, max_epochs=100_000)
        return Answer(solver.solve(X, problem.y, *terms)[0])

    return fit


def dual_svc(problem: Problem) -> Callable[[float], Answer]:
    from skglm import LinearSVC

    model = LinearSVC(
        C=1 / (problem.l2 * problem.n), fit_intercept=False, max_iter=10_000, max_epochs=1_000_000, tol=1e-4
    )

    def fit(tol: float) -> Answer:
        model.tol = tol
        model.fit(problem.X, problem.y)
        return Answer(model.coef_)

    return fit


def group_fit(problem: Problem, solver: str) -> Callable[[float], Answer]:
    from skglm import solvers as algorithms
    from skglm.datafits import LogisticGroup, QuadraticGroup
    from skglm.penalties import WeightedGroupL2
    from skglm.utils.data import grp_converter

    labels = problem.groups
    members = [np.flatnonzero(labels == g).tolist() for g in range(labels.max() + 1)]
    indices, pointers = grp_converter(members, problem.p)
    squared = problem.loss == "squared_error"
    term = (QuadraticGroup if squared else LogisticGroup)(pointers, indices)
    strength = problem.group / 2 if squared else problem.group
    norms = WeightedGroupL2(strength, np.sqrt(problem.group_sizes.astype(float)), pointers, indices)
    algorithm = getattr(algorithms, solver)(fit_intercept=problem.intercept, max_iter=10_000)
    return generalised(favourite(problem), problem, (term, norms), algorithm)
