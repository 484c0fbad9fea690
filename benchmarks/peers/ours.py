"""sklearn_erm itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from problem import Answer, Problem

FLOOR = 1e-3  # the gap is relative to the objective, but to no less than this share of the null model's


def solvers(problem: Problem) -> dict[str, Any]:
    return {"sklearn_erm": prepare}


def estimator(problem: Problem) -> Any:
    """Return our estimator for a problem, tol as it comes."""
    from sklearn_erm import ERMClassifier, ERMRegressor, losses
    from sklearn_erm.penalties import GroupLasso

    named = {"quantile": "Quantile", "huber": "Huber", "epsilon_insensitive": "EpsilonInsensitive"}
    loss: Any = problem.loss
    if loss in named:
        loss = getattr(losses, named[loss])(problem.parameter)
    alpha = problem.group or problem.alpha
    penalty: Any = {"none": None, "group_lasso": GroupLasso(problem.groups)}.get(problem.penalty, problem.penalty)
    kind = ERMClassifier if problem.classification else ERMRegressor
    return kind(
        loss, penalty, alpha=alpha, l1_ratio=problem.l1_ratio, fit_intercept=problem.intercept, max_iter=100_000
    )


def prepare(problem: Problem) -> Callable[[float], Answer]:
    model = estimator(problem)
    null = problem.value(Answer(0 * model_shape(problem), 0.0))

    def fit(tol: float) -> Answer:
        model.set_params(tol=tol).fit(problem.X, problem.y, sample_weight=problem.weight)
        scale = max(abs(model.objective_), FLOOR * abs(null))
        return Answer(model.coef_, model.intercept_, model.objective_ - model.duality_gap_ * scale)

    return fit


def model_shape(problem: Problem) -> Any:
    """Return coefficients of zeros of the problem's shape."""
    import numpy as np

    return np.zeros((problem.y.max() + 1, problem.p) if problem.multinomial else problem.p)
