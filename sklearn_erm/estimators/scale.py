"""Losses whose unit is the scale of the residuals."""

from __future__ import annotations

from typing import Any

from sklearn_erm.losses import Loss
from sklearn_erm.losses.constants import weighted_quantile
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.minimize import minimize

ROUNDS = 50  # fits at most
SETTLED = 1e-4  # relative change of the scale that counts as none


def settle_scale(problem: Objective, **options: Any) -> Objective:
    """Return the problem under its loss at the scale of the residuals of the fit, a fixed point.

    The first scale is that of the deviations from the median, each next one that of the fit before.
    """
    samples = problem.samples.local()
    centred = samples.y if samples.offset is None else samples.y - samples.offset
    middle = weighted_quantile(centred, samples.weight, 0.5) if samples.intercept else 0.0
    residuals, x, previous = centred - middle, None, 0.0
    for _ in range(ROUNDS):
        problem = _under(problem, problem.loss.at_scale(residuals, samples.weight))
        size = problem.loss.scale
        if abs(size - previous) <= SETTLED * size:
            break
        x = minimize(problem, x0=x, **options).x
        residuals, previous = samples.y - problem.at(x).eta.values, size
    return problem


def _under(problem: Objective, loss: Loss) -> Objective:
    return Objective(loss, problem.penalty, problem.alpha, problem.samples)
