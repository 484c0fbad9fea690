"""statsmodels' QuantReg: quantile regression without a penalty by iterated weighted least squares."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from problem import Answer, Problem


def solvers(problem: Problem) -> dict[str, Any]:
    applies = problem.loss == "quantile" and problem.penalty == "none" and problem.weight is None
    return {"statsmodels QuantReg": prepare} if applies and not problem.sparse else {}


def prepare(problem: Problem) -> Callable[[float], Answer]:
    from statsmodels.regression.quantile_regression import QuantReg

    X = np.column_stack([np.ones(problem.n), problem.X]) if problem.intercept else problem.X

    def fit(tol: float) -> Answer:
        w = QuantReg(problem.y, X).fit(q=problem.parameter, p_tol=tol, max_iter=100_000, vcov="iid").params
        return Answer(w[1:], w[0]) if problem.intercept else Answer(w)

    return fit
