"""Problems whose loss takes its unit from the residuals of its own fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import Term


def settle(problem: Objective, term: Term | None = None, **options: Any) -> Objective:
    """Return the problem under the loss that its fits settle; the problem itself if there is nothing to settle.

    Parameters
    ----------
    problem : Objective
        What is to be fitted.
    term : (penalty, alpha), default=None
        Of those fits; None are the problem's own.
    **options
        Of ``minimize``.
    """
    samples, x = problem.samples, None

    def spread(fitted: Loss | None) -> float:
        nonlocal x
        if fitted is None:
            W, b = np.zeros((samples.n_features, *samples.shape)), np.zeros(samples.shape)
            residual = samples.residuals(samples.scores(W, b))
            if samples.intercept:
                residual = samples.moved(residual, -samples.quantile(residual, 0.5), samples.change(W, b + 1.0))
        else:
            posed = _under(problem, fitted, term)
            x = minimize(posed, x0=x, **options).x
            residual = samples.residuals(posed.at(x).scores)
        return samples.quantile(residual, 0.5, by_size=True) or float(sum(samples.sides(residual)))

    loss = problem.loss.settled(spread)
    return problem if loss is problem.loss else _under(problem, loss, term)


def _under(problem: Objective, loss: Loss, term: Term | None) -> Objective:
    penalty, alpha = (problem.penalty, problem.alpha) if term is None else term
    return Objective(loss, penalty, alpha, problem.samples)
