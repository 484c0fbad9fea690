"""The one place that calls ``scipy.optimize.minimize``: reduces a problem, picks a method, runs it, certifies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult

from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.reduced import in_basis
from sklearn_erm.solve.choose import check_problem, check_solver, method_for, smooth_only
from sklearn_erm.solve.majorise import by_majorants
from sklearn_erm.solve.request import Plan, Request
from sklearn_erm.solve.returned import certified
from sklearn_erm.solve.smooth import by_newton, by_prox_newton, by_scipy, by_working_sets
from sklearn_erm.solve.split import by_proximal_points, by_splitting
from sklearn_erm.solve.start import after_program, begin, lifted, told
from sklearn_erm.solvers.loop import INTERRUPTED, STALLED, STOPPED, STUCK, Callback
from sklearn_erm.solvers.scipy_method import is_method

METHODS: dict[str, Callable[[Request], Plan]] = {
    "majorants": by_majorants,
    "proximal-points": by_proximal_points,
    "augmented-lagrangian": by_splitting,
    "newton": by_newton,
    "prox-newton": by_prox_newton,
    "working-set": by_working_sets,
}

# If bounds are split off, then the rest is solved to this share of tol, because the gap shows more of its error.
APART = 0.1


def minimize(
    objective: Objective,
    *,
    solver: Any = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    x0: Any = None,
    neighbour: OptimizeResult | None = None,
    callback: Callback = None,
) -> OptimizeResult:
    """Minimise an objective to a relative duality gap of at most ``tol``.

    Parameters
    ----------
    objective : Objective
        What to minimise.
    solver : str or callable
        One of ``choose.SOLVERS``, or a custom method. "auto" picks by structure: Newton's method for a smooth
        penalty, the proximal Newton method for others, on working sets of features where there are many. A loss or a
        penalty with kinks of its own is split. A penalty that is not convex is replaced by convex majorants.
    tol : float
        The certificate asked for.
    max_iter : int
        Iterations at most, those of inner problems counted.
    x0 : ndarray or None
        Where to start; None is the null model.
    neighbour : OptimizeResult or None
        The result of the same problem at another alpha: where to start instead, multipliers included.
    callback : callable or None
        Called with an OptimizeResult after each iteration of the outermost method; may raise StopIteration.

    Returns
    -------
    result : OptimizeResult
        ``x``, ``fun``, ``nit``, ``success``, ``status``, ``message``, and ``certificate``, computed afresh at ``x``.

    Raises
    ------
    ValueError
        If the solver is unknown, or cannot solve this problem.
    """
    check_problem(objective)
    check_solver(solver, objective)
    x0 = x0 if neighbour is None else neighbour.x
    given = x0 is not None
    start = np.asarray(x0, dtype=float) if given else objective.null
    request = Request(objective, start, solver, tol, max_iter, callback, neighbour, run)
    with np.errstate(over="ignore", invalid="ignore"):  # of points on the way, which are then not gone to
        found = in_basis(objective)
        if found is None:
            return certified(objective, _solve(request, given), tol)
        reduced, restrict, lift, share = found
        start = restrict(start) if given else reduced.null
        small = request.but(objective=reduced, start=start, tol=share * tol, callback=told(callback, lift))
        return certified(objective, lifted(_solve(small, given), lift), tol)


def _solve(request: Request, given: bool) -> OptimizeResult:
    """Return the solution, from the start that is given or the best that is found."""
    begun = begin(request, given, minimize)
    if begun.get("status") == INTERRUPTED:
        return begun
    result = run(request.but(start=begun.x, max_iter=request.max_iter - begun.nit, neighbour=begun))
    if result.nit:
        request.objective.forget()
    else:
        result.steps = begun.get("steps", [])
    result.nit += begun.nit
    if result.status in (STALLED, STUCK) and is_method(request.solver):
        result.status = STOPPED
    return result


def run(request: Request) -> OptimizeResult:
    """Run the method that the structure of a problem calls for."""
    objective, apart = request.objective, request.objective.penalty.bounds_apart()
    if smooth_only(request.solver) and apart is not objective.penalty:
        split = request.but(objective=objective.with_penalty(apart), tol=APART * request.tol, neighbour=None)
        result = run(split)
        result.dual = Dual(result.dual.loss, None)  # those of the bounds follow from the gradient
        return result
    request, before = after_program(request)
    method = method_for(request)
    if is_method(method):
        plan = by_scipy(request.but(solver=method), scipy.optimize.minimize)
    else:
        plan = METHODS[method](request)
    result = scipy.optimize.minimize(
        objective.fun,
        request.start,
        jac=objective.jac,
        hess=objective.hess_to_solve,
        method=plan.method,
        callback=request.callback,
        options={"maxiter": request.max_iter, **plan.options},
    )
    result.nit += before
    return result
