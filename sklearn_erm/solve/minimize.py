"""The one place that calls ``scipy.optimize.minimize``: picks a method, runs it, certifies what it returns."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.carrier import Crossover, carries
from sklearn_erm.exact.linear_program import program_pays, solve_program
from sklearn_erm.exact.proximal_points import ProximalPoints, has_dual_newton
from sklearn_erm.exact.unbounded import recedes
from sklearn_erm.problem.multipliers import Dual, fits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import inside
from sklearn_erm.problem.reduced import (
    in_basis,
    in_row_space,
    newton_on_support,
    on_subsample,
    row_space_pays,
    subsample_pays,
)
from sklearn_erm.solve.choose import (
    check_problem,
    check_solver,
    has_costly_hessian,
    many_coefficients,
    method_for,
    missing_curvature,
    smooth_only,
)
from sklearn_erm.solve.penalty_steps import risk_share
from sklearn_erm.solve.returned import better_start, certify_best, feasible, message
from sklearn_erm.solve.split import (
    first_dual,
    lifted,
    needs_splitting,
    next_dual,
    proposals,
    smooth_problem,
    splits_penalty,
)
from sklearn_erm.solvers.augmented_lagrangian import augmented_lagrangian, step_at
from sklearn_erm.solvers.loop import CONVERGED, INTERRUPTED, STALLED, STOPPED, STUCK, UNBOUNDED, Callback, Loop
from sklearn_erm.solvers.majorants import majorants
from sklearn_erm.solvers.newton import newton
from sklearn_erm.solvers.prox_newton import prox_newton
from sklearn_erm.solvers.scipy_method import Good, guarded, is_method, options_for, second_derivatives, unit_curvature
from sklearn_erm.solvers.working_set import working_set

# An inner problem is solved to this share of the error reached, because its own error then hardly matters.
SHARE = 0.1
# If there is no duality gap or the penalty is split, then the share is this, because the gradient counts in full.
SHARE_WITHOUT_DUAL = 0.003
# If the penalty is split and the error stays, then the share falls to this, because the gap magnifies the gradient.
LEAST_SHARE = 1e-5
# If products solve the systems and the error falls to this share, then the step stays: shorter ones need more.
STEADY = 0.4
# If bounds are split off, then the rest is solved to this share of tol, because the gap shows more of its error.
APART = 0.1
# If tol is smaller than this and a model promises a larger decrease than tol, then the certificate is not computed,
# because it costs a pass over X.
LOOSE = 1e-3
# If a Hessian is costly and a step leaves less than this share of the gradient, then it is kept for another step.
KEEP = 0.1
# The same for the proximal Newton method and the violation of the optimality conditions.
PROX_KEEP = 0.5
# A first point is found on some of the rows to this tolerance, because the error of sampling is larger.
SUBSAMPLE_TOL = 1e-3


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
    with np.errstate(over="ignore", invalid="ignore"):  # of points on the way, which are then not gone to
        found = in_basis(objective)
        if found is None:
            result = _solve(objective, solver, tol, max_iter, callback, x0, neighbour)
        else:
            reduced, restrict, lift, share = found
            told = callback and (lambda intermediate_result: callback(lifted(intermediate_result, lift)))
            x0 = x0 if x0 is None else restrict(np.asarray(x0, dtype=float))
            neighbour = neighbour and OptimizeResult(neighbour, x=restrict(neighbour.x))
            result = lifted(_solve(reduced, solver, share * tol, max_iter, told, x0, neighbour), lift)
        return _certified(objective, result, tol)


def _solve(
    objective: Objective, solver: Any, tol: float, max_iter: int, callback: Callback, x0: Any, neighbour: Any
) -> OptimizeResult:
    """Minimise an objective from where the start is best: at a given point, in the row space, on a subsample."""
    x0 = x0 if neighbour is None else neighbour.x
    start, before = objective.null if x0 is None else better_start(objective, np.asarray(x0, dtype=float)), 0
    if x0 is None and row_space_pays(objective):
        reduced, lift = in_row_space(objective)
        told = callback and (lambda intermediate_result: callback(lifted(intermediate_result, lift)))
        found = minimize(reduced, solver=solver, tol=tol, max_iter=max_iter, callback=told)
        neighbour = lifted(found, lift)
        if found.status == INTERRUPTED:
            return neighbour
        start, before = neighbour.x, found.nit
    elif x0 is None and subsample_pays(objective):
        start = _start_on_subsample(objective, solver, max_iter)
    start = inside(objective, start)
    result = _run(objective, start, solver, tol, max_iter - before, callback, neighbour)
    if result.nit:
        objective.forget()
    elif neighbour is not None:
        result.steps = neighbour.get("steps", [])
    result.nit += before
    if result.status in (STALLED, STUCK) and is_method(solver):
        result.status = STOPPED
    return result


def _start_on_subsample(objective: Objective, solver: Any, max_iter: int) -> Any:
    """Return the solution on a subsample of the rows, or the null model where that is better."""
    part = on_subsample(objective)
    with np.errstate(divide="ignore"):
        if not np.all(np.isfinite(part.null)):
            return objective.null
    return better_start(objective, minimize(part, solver=solver, tol=SUBSAMPLE_TOL, max_iter=max_iter).x)


def _certified(objective: Objective, result: OptimizeResult, tol: float) -> OptimizeResult:
    """Return the best point met with its certificate, which decides on success."""
    converged = certify_best(objective, result, tol)
    if result.status != INTERRUPTED and converged != (result.status == CONVERGED):
        result.status = CONVERGED if converged else STALLED
    if result.status != INTERRUPTED and recedes(objective, result.x):
        result.status = UNBOUNDED
    result.message = message(objective, result.status, tol)
    result.success = converged and result.status == CONVERGED
    return result


def _run(
    objective: Objective,
    start: Any,
    solver: Any,
    tol: float,
    max_iter: int,
    callback: Callback = None,
    neighbour: OptimizeResult | None = None,
) -> OptimizeResult:
    """Minimise an objective by the method that its kinks call for."""
    apart = objective.penalty.bounds_apart()
    if smooth_only(solver) and apart is not objective.penalty:
        result = _run(objective.with_penalty(apart), start, solver, APART * tol, max_iter, callback)
        result.dual = Dual(result.dual.loss, None)  # those of the bounds follow from the gradient
        return result
    if not objective.penalty.convex:
        return _minimize_majorised(objective, start, solver, tol, max_iter, callback)
    sparse = objective.penalty.separable and not objective.penalty.smooth and objective.has_curvature
    if solver == "auto" and program_pays(objective):
        dual = neighbour.get("dual") if neighbour is not None else None
        found = solve_program(objective, max_iter) if objective.error(start, *(dual or (None, None))) > tol else None
        if found is not None:
            result = _minimize_split(objective, found.x, solver, tol, max_iter - found.nit, callback, found)
            result.nit += found.nit
            return result
    working = solver == "working-set" or (solver == "auto" and many_coefficients(start))
    if solver == "auto" and has_dual_newton(objective):
        options = ProximalPoints(objective).options(start, neighbour)
        return _minimize_by_multipliers(objective, start, tol, max_iter, callback, options)
    if needs_splitting(objective) and not (sparse and working and not objective.has_kinks):
        return _minimize_split(objective, start, solver, tol, max_iter, callback, neighbour)
    return _minimize_smooth(objective, start, solver, tol, max_iter, callback)


def _minimize_smooth(
    objective: Objective, start: Any, solver: Any, tol: float, max_iter: int, callback: Callback = None
) -> OptimizeResult:
    """Minimise an objective whose loss has no kinks."""
    stop = _stop(objective, tol)

    def restricted(small: Objective, x: Any, small_tol: float, limit: int) -> OptimizeResult:
        return _run(small, x, "prox-newton" if small.penalty.blockwise else "newton", small_tol, limit)

    options: dict[str, Any] = {"maxiter": max_iter, "stop": stop}
    method: Any
    costly = has_costly_hessian(objective)
    chosen = method_for(objective, start) if solver == "auto" else solver
    if chosen == "newton":
        contraction = KEEP if costly and not objective.sketches else 0.0
        method, options = newton, {**options, "line": objective.line, "contraction": contraction}
    elif chosen == "prox-newton":
        method, options = prox_newton, {**options, "problem": objective, "contraction": PROX_KEEP if costly else 0.0}
    elif chosen == "working-set":
        method, options = working_set, {**options, "problem": objective, "restricted": restricted, "tol": tol}
    else:
        return _minimize_by_scipy(objective, start, chosen, stop, max_iter, callback)
    return scipy.optimize.minimize(
        objective.fun,
        start,
        jac=objective.jac,
        hess=objective.hess_to_solve,
        method=method,
        callback=callback,
        options=options,
    )


def _stop(objective: Objective, tol: float) -> Callable[..., bool]:
    """Return the test whether x is good enough, which asks the certificate unless a model promises more than tol."""

    def stop(x: Any, promise: float | None = None) -> bool:
        if promise is not None and tol < LOOSE and objective.has_dual and promise > tol * objective.scale(x):
            return False
        return objective.error(x) <= tol

    return stop


def _minimize_by_scipy(
    objective: Objective, start: Any, method: Any, stop: Callable[[Any], bool], max_iter: int, callback: Callback
) -> OptimizeResult:
    """Run a method in variables scaled to unit curvature, again from where it stopped while that helps."""
    scale = unit_curvature(objective, start)
    loop = Loop(objective.fun, start, max_iter, callback)

    def check(v: Any, *_: Any) -> None:
        loop.step(np.array(getattr(v, "x", v)) / scale)
        if stop(loop.x):
            loop.end(CONVERGED)
        if not loop.goes_on():
            raise Good

    derivatives: dict[str, Any] = {}
    hess, hessp = second_derivatives(method)
    if hessp and objective.has_curvature:
        derivatives["hessp"] = lambda v, d: objective.hessp(v / scale, d / scale) / scale
    if hess and objective.has_curvature:
        derivatives["hess"] = lambda v: objective.hess(v / scale).dense() / np.outer(scale, scale)
    x, error, better = start, np.inf, True
    while not stop(x) and loop.goes_on():
        if not better:
            return loop.result(STOPPED)
        before = loop.nit
        limits = options_for(method, loop.left, error < np.inf, lambda v: stop(v / scale))
        with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(Good):
            warnings.simplefilter("ignore")
            result = scipy.optimize.minimize(
                lambda v: objective.fun(v / scale),
                x * scale,
                jac=lambda v: objective.jac(v / scale) / scale,
                method=guarded(method, "" if objective.has_curvature else missing_curvature(objective)),
                callback=check,
                options=limits,
                **derivatives,
            )
        if loop.status is not None:
            return loop.result()
        reached = objective.error(result.x / scale)
        better = reached < error
        x, error = (result.x / scale, reached) if better else (x, error)
        loop.x = x
        loop.nit += 0 if loop.nit > before else result.nit  # for methods that do not call the callback
    return loop.result()


def _minimize_split(
    objective: Objective,
    start: Any,
    solver: Any,
    tol: float,
    max_iter: int,
    callback: Callback = None,
    neighbour: OptimizeResult | None = None,
) -> OptimizeResult:
    """Minimise an objective with kinks, by smooth problems from the augmented Lagrangian."""
    dual, step = first_dual(objective), objective.natural_step
    if neighbour is not None and fits(neighbour.get("dual"), objective.has_kinks):
        dual = neighbour.dual
        step = step_at(objective.error(start, *dual), neighbour.get("steps", [])) or step

    def inner(x: Any, dual: Dual, step: float, accuracy: float, limit: int) -> tuple[OptimizeResult, Dual]:
        smooth = smooth_problem(objective, dual, step)
        result = _minimize_smooth(smooth, x, solver, accuracy, limit)
        if not np.isfinite(result.fun):  # overflow led it astray
            result.update(x=x, success=False)
        objective.remember_scores(smooth.at(result.x))
        return result, next_dual(objective, smooth, result.x)

    share = least_share = SHARE if objective.has_dual else SHARE_WITHOUT_DUAL
    if splits_penalty(objective):
        share, least_share = SHARE_WITHOUT_DUAL * risk_share(objective) ** 0.5, LEAST_SHARE * risk_share(objective)
    options = {
        "inner": inner,
        "finish": Crossover(objective) if solver == "auto" and carries(objective) else lambda *_: None,
        "proposals": lambda x, dual, step: proposals(objective, x, dual, step),
        "dual": dual,
        "step": step,
        "share": share,
        "least_share": least_share,
        "steady": STEADY if objective.solves_by_products else 0.0,
    }
    return _minimize_by_multipliers(objective, start, tol, max_iter, callback, options)


def _minimize_by_multipliers(
    objective: Objective, start: Any, tol: float, max_iter: int, callback: Callback, options: dict[str, Any]
) -> OptimizeResult:
    """Run the outer loop that moves multipliers and steps, with the inner problems that the options hold."""
    error = {"error": lambda x, dual: objective.error(x, *dual)}
    return scipy.optimize.minimize(
        objective.fun,
        start,
        jac=objective.jac,
        method=augmented_lagrangian,
        callback=callback,
        options={**options, **error, "tol": tol, "maxiter": max_iter},
    )


def _minimize_majorised(
    objective: Objective, start: Any, solver: Any, tol: float, max_iter: int, callback: Callback = None
) -> OptimizeResult:
    """Minimise an objective whose penalty is not convex, by convex problems that touch it from above."""

    def convex(x: Any, accuracy: float, limit: int) -> OptimizeResult:
        majorant = objective.with_penalty(objective.penalty.majorise(objective.split(x)[0]))
        result = _run(majorant, x, solver, accuracy, limit)
        objective.remember_scores(majorant.at(result.x))
        return result

    return scipy.optimize.minimize(
        objective.fun,
        feasible(objective, start),
        jac=objective.jac,
        method=majorants,
        callback=callback,
        options={
            "convex": convex,
            "error": lambda x, dual: objective.error(x, *(dual or (None, None))),
            "polish": None if needs_splitting(objective) else lambda x: newton_on_support(objective, x),
            "tol": tol,
            "maxiter": max_iter,
        },
    )
