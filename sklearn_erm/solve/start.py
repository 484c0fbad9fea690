"""Where a fit starts: at a given point, or from a smaller problem whose solution is the same or near by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.linear_program import program_pays, solve_program
from sklearn_erm.problem.point import inside
from sklearn_erm.problem.reduced import in_row_space, on_subsample, row_space_pays, subsample_pays
from sklearn_erm.solve.request import Request
from sklearn_erm.solve.returned import better_start
from sklearn_erm.solvers.loop import Callback

Array = NDArray[Any]
Minimize = Callable[..., OptimizeResult]

# A first point is found on some of the rows to this tolerance, because the error of sampling is larger.
SUBSAMPLE_TOL = 1e-3


def begin(request: Request, given: bool, minimize: Minimize) -> OptimizeResult:
    """Return where to start: the point ``x``, the iterations ``nit`` it took, and multipliers if they are known.

    Unless a start is given, it is the solution in the row space of X where that is smaller, or that on some of the
    rows where there are many, each found by ``minimize``.
    """
    objective, neighbour = request.objective, request.neighbour
    if given:
        known = {} if neighbour is None else {"dual": neighbour.get("dual"), "steps": neighbour.get("steps", [])}
        found = OptimizeResult(known, x=better_start(objective, request.start), nit=0)
    elif row_space_pays(objective):
        reduced, lift = in_row_space(objective)
        limits = {"solver": request.solver, "tol": request.tol, "max_iter": request.max_iter}
        found = lifted(minimize(reduced, callback=told(request.callback, lift), **limits), lift)
    else:
        x = _on_subsample(request, minimize) if subsample_pays(objective) else objective.null
        found = OptimizeResult(x=x, nit=0)
    found.x = inside(objective, found.x)
    return found


def _on_subsample(request: Request, minimize: Minimize) -> Array:
    """Return the solution on a subsample of the rows, or the null model where that is better."""
    objective, part = request.objective, on_subsample(request.objective)
    with np.errstate(divide="ignore"):
        if not np.all(np.isfinite(part.null)):
            return objective.null
    found = minimize(part, solver=request.solver, tol=SUBSAMPLE_TOL, max_iter=request.max_iter)
    return better_start(objective, found.x)


def after_program(request: Request) -> tuple[Request, int]:
    """Return a request from the solution of a linear program, where one is quicker, and the iterations that took."""
    objective, neighbour = request.objective, request.neighbour
    if not (request.solver == "auto" and objective.penalty.convex and program_pays(objective)):
        return request, 0
    dual = None if neighbour is None else neighbour.get("dual")
    if objective.error(request.start, *(dual or (None, None))) <= request.tol:
        return request, 0
    found = solve_program(objective, request.max_iter)
    if found is None:
        return request, 0
    return request.but(start=found.x, neighbour=found, max_iter=request.max_iter - found.nit), found.nit


def lifted(found: OptimizeResult, lift: Callable[[Array], Array]) -> OptimizeResult:
    """Return a solution in the row space as a neighbour of the whole problem; of multipliers, the loss's carry over."""
    dual = found.get("dual")
    kept = None if dual is None or dual.pairs is not None else dual
    return OptimizeResult(found, x=lift(found.x), dual=kept)


def told(callback: Callback, lift: Callable[[Array], Array]) -> Callback:
    """Return a callback of a smaller problem that tells another what it sees of the whole one."""
    return callback and (lambda intermediate_result: callback(lifted(intermediate_result, lift)))
