"""Problems whose loss takes its unit from the residuals of its own fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.losses.constants import weighted_quantile
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
    samples, x = problem.samples.local(), None

    def spread(fitted: Loss | None) -> float:
        nonlocal x
        if fitted is None:
            centred = samples.y if samples.offset is None else samples.y - samples.offset
            middle = weighted_quantile(centred, samples.weight, 0.5) if samples.intercept else 0.0
            sizes = np.abs(centred - middle)
        else:
            posed = _under(problem, fitted, term)
            x = minimize(posed, x0=x, **options).x
            sizes = np.abs(samples.y - posed.at(x).scores.values)
        return float(weighted_quantile(sizes, samples.weight, 0.5) or samples.weight @ sizes)

    loss = problem.loss.settled(spread)
    return problem if loss is problem.loss else _under(problem, loss, term)


def _under(problem: Objective, loss: Loss, term: Term | None) -> Objective:
    penalty, alpha = (problem.penalty, problem.alpha) if term is None else term
    return Objective(loss, penalty, alpha, problem.samples)
