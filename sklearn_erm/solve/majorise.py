"""Penalties that are not convex: convex problems that touch the objective from above."""

from __future__ import annotations

from scipy.optimize import OptimizeResult

from sklearn_erm.problem.reduced import newton_on_support
from sklearn_erm.solve.choose import needs_splitting
from sklearn_erm.solve.request import Plan, Request
from sklearn_erm.solvers.contract import Array
from sklearn_erm.solvers.majorants import majorants


def by_majorants(request: Request) -> Plan:
    """Return the method of convex majorants, whose problems are solved as any other."""
    objective = request.objective

    def convex(x: Array, accuracy: float, limit: int) -> OptimizeResult:
        majorant = objective.with_penalty(objective.penalty.majorise(objective.split(x)[0]))
        result = request.solve(majorant, x, accuracy, limit)
        objective.remember_scores(majorant.at(result.x))
        return result

    options = {
        "convex": convex,
        "error": lambda x, dual: objective.error(x, *(dual or (None, None))),
        "polish": None if needs_splitting(objective) else lambda x: newton_on_support(objective, x),
        "tol": request.tol,
    }
    return Plan(majorants, options)
