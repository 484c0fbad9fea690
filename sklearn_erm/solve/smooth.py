"""Methods for losses without kinks: Newton's, the proximal Newton method, working sets of features, scipy's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from scipy.optimize import OptimizeResult

from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.choose import has_costly_hessian, missing_curvature
from sklearn_erm.solve.request import Plan, Request
from sklearn_erm.solvers.contract import Array, Composite, Separable
from sklearn_erm.solvers.newton import newton
from sklearn_erm.solvers.prox_newton import prox_newton
from sklearn_erm.solvers.scipy_method import guarded, rerun
from sklearn_erm.solvers.working_set import working_set

# If tol is smaller than this and a model promises a larger decrease than tol, then the certificate is not computed,
# because it costs a pass over X.
LOOSE = 1e-3
# If a Hessian is costly and a step leaves less than this share of the gradient, then it is kept for another step.
KEEP = 0.1
# The same for the proximal Newton method and the violation of the optimality conditions.
PROX_KEEP = 0.5


def by_newton(request: Request) -> Plan:
    """Return Newton's method, for a smooth penalty."""
    objective = request.objective
    contraction = KEEP if has_costly_hessian(objective) and not objective.sketches else 0.0
    return Plan(newton, {"stop": _stop(request), "line": objective.line, "contraction": contraction})


def by_prox_newton(request: Request) -> Plan:
    """Return the proximal Newton method, for a penalty with kinks where coefficients or groups vanish."""
    problem: Composite = request.objective
    contraction = PROX_KEEP if has_costly_hessian(request.objective) else 0.0
    return Plan(prox_newton, {"stop": _stop(request), "problem": problem, "contraction": contraction})


def by_working_sets(request: Request) -> Plan:
    """Return working sets of features, each a problem for one of the other two methods."""

    def restricted(small: Objective, x: Array, tol: float, limit: int) -> OptimizeResult:
        return request.solve(small, x, tol, limit, "prox-newton" if small.penalty.blockwise else "newton")

    problem: Separable = request.objective
    return Plan(working_set, {"problem": problem, "restricted": restricted, "tol": request.tol})


def by_scipy(request: Request, minimize: Callable[..., OptimizeResult]) -> Plan:
    """Return scipy's method or the user's own, to be run by ``scipy.optimize.minimize``, which is given."""
    objective = request.objective
    solver = guarded(request.solver, "" if objective.has_curvature else missing_curvature(objective))
    return Plan(partial(rerun, minimize), {"problem": objective, "solver": solver, "stop": _stop(request)})


def _stop(request: Request) -> Callable[..., bool]:
    """Return the test whether x is good enough, which asks the certificate unless a model promises more than tol."""
    objective, tol = request.objective, request.tol

    def stop(x: Array, promise: float | None = None) -> bool:
        if promise is not None and tol < LOOSE and objective.has_dual and promise > tol * objective.scale(x):
            return False
        return objective.error(x) <= tol

    return stop
