"""Methods of ``scipy.optimize.minimize``, scipy's by name or a user's own: the certificate decides when they stop."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array
from sklearn_erm.solvers.loop import CONVERGED, STOPPED, Loop

# A tolerance that is never met, because the certificate decides when a method ends.
NEVER = 1e-300

OPTIONS: dict[str, dict[str, Any]] = {
    "L-BFGS-B": {"ftol": 0.0, "gtol": 0.0, "maxcor": 20, "maxls": 50, "maxfun": 10**9},
    "BFGS": {"gtol": NEVER},
    "CG": {"gtol": NEVER},
    "Newton-CG": {"xtol": NEVER},
    "TNC": {"ftol": 0.0, "gtol": 0.0, "xtol": 0.0, "maxfun": 10**9},
    "SLSQP": {"ftol": NEVER},
    "trust-ncg": {"gtol": NEVER},
    "trust-krylov": {"gtol": NEVER, "inexact": False},
    "trust-exact": {"gtol": NEVER},
    "trust-constr": {"gtol": NEVER, "xtol": NEVER, "barrier_tol": NEVER},
}

# If the first run makes no more progress, then the next ones have these options, because others may help.
AGAIN: dict[str, dict[str, Any]] = {"trust-krylov": {"inexact": True}}

USES_HESSP = frozenset({"Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"})
USES_HESS = frozenset({"trust-exact"})
# If a method counts calls instead of iterations, then its limit is maxfun, because it has no maxiter.
COUNTS_CALLS = frozenset({"TNC"})


class Good(StopIteration):
    """Raised from a callback to leave a method whose last point is good enough; not every method lets it through."""


def is_method(solver: Any) -> bool:
    """Return whether a solver is a method of ``scipy.optimize.minimize``: one of scipy's, or a callable."""
    return callable(solver) or solver in OPTIONS


def name_of(solver: Any) -> str:
    """Return what error messages call a solver."""
    return getattr(solver, "__name__", repr(solver))


def second_derivatives(method: Any) -> tuple[bool, bool]:
    """Return whether a method is given ``hess``, and whether ``hessp``."""
    own = callable(method)
    return own or method in USES_HESS, own or method in USES_HESSP


def options_for(method: Any, limit: int, again: bool, stop: Callable[[Array], bool]) -> dict[str, Any]:
    """Return the options of a method for so many iterations at most, in its first run or in another."""
    if callable(method):
        return {"maxiter": limit, "stop": stop}
    chosen = {**OPTIONS[method], **(AGAIN.get(method, {}) if again else {})}
    if method in COUNTS_CALLS:
        return {**chosen, "maxfun": 20 * limit}
    return {**chosen, "maxiter": limit}


def guarded(method: Any, lacks: str) -> Any:
    """Return a method as it is, a user's own with its mistakes told by its name.

    Parameters
    ----------
    method : str or callable
        As ``scipy.optimize.minimize`` takes it.
    lacks : str
        What to write for second derivatives, "" if they are there.

    Returns
    -------
    method : str or callable
        A callable returns an OptimizeResult with x and nit.
    """
    if not callable(method):
        return method

    def run(fun: Callable[..., float], x0: Array, **given: Any) -> OptimizeResult:
        try:
            result = method(fun, x0, **given)
        except Exception as error:
            if lacks and not isinstance(error, Good):
                error.add_note(f"solver={name_of(method)} got hess=None and hessp=None: {lacks}.")
            raise
        return OptimizeResult(x=_point(method, result, x0), nit=_iterations(result))

    return run


def _point(method: Any, result: Any, x0: Array) -> Array:
    """Return the point that a method found, or raise."""
    if not hasattr(result, "x"):
        raise TypeError(
            f"solver={name_of(method)} returned {type(result).__name__}; a solver returns a "
            "scipy.optimize.OptimizeResult with x, the point that it found."
        )
    x = np.asarray(result.x)
    if x.shape != x0.shape or x.dtype.kind not in "iuf":
        raise ValueError(
            f"solver={name_of(method)} returned x of shape {x.shape} and dtype {x.dtype}; it must return real numbers "
            f"in the shape of x0, which is {x0.shape}."
        )
    if not np.all(np.isfinite(x)):
        raise ValueError(
            f"solver={name_of(method)} returned x with nan or inf: its steps went astray. Shorten them where fun does "
            "not fall, and return the last point that is finite."
        )
    return x


def _iterations(result: Any) -> int:
    """Return how many iterations a method says it took, at least 1."""
    nit = getattr(result, "nit", 1)
    return max(int(nit), 1) if isinstance(nit, (int, np.integer)) else 1


def unit_curvature(problem: Any, x: Array) -> Array:
    """Return factors that bring the curvature of an objective along every coefficient near 1."""
    if problem.has_curvature:
        hessian = problem.hess(x)
        scale = hessian.scale() + hessian.ridge()
    else:
        W, b = problem.split(np.ones_like(x))
        squares = problem.samples.squares.reshape((-1,) + (1,) * len(problem.shape))
        scale = problem.join(squares * W, b) / problem.natural_step
    return np.where(scale > 0, np.sqrt(scale), 1.0)


def rerun(
    minimize: Callable[..., OptimizeResult],
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    jac: Callable[[Array], Array],
    problem: Any,
    solver: Any,
    stop: Callable[[Array], bool],
    maxiter: int = 1000,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Run a method in variables scaled to unit curvature, again from where it stopped while that helps.

    Parameters
    ----------
    minimize : callable
        ``scipy.optimize.minimize``.
    fun, x0, args, jac, callback
        As there.
    problem : object
        With ``error(x)``, ``has_curvature`` and, if that is so, ``hess(x)`` and ``hessp(x, d)``.
    solver : str or callable
        A method of scipy by its name, or a user's own, ``guarded``.
    stop : callable
        x -> whether x is good enough.
    maxiter : int
        Iterations at most, those of all runs together.
    """
    scale = unit_curvature(problem, x0)
    loop = Loop(fun, x0, maxiter, callback)

    def check(v: Any, *_: Any) -> None:
        loop.step(np.array(getattr(v, "x", v)) / scale)
        if stop(loop.x):
            loop.end(CONVERGED)
        if not loop.goes_on():
            raise Good

    derivatives = _second_derivatives(problem, solver, scale)
    x, error, better = loop.x, np.inf, True
    while not stop(x) and loop.goes_on():
        if not better:
            return loop.result(STOPPED)
        before = loop.nit
        limits = options_for(solver, loop.left, error < np.inf, lambda v: stop(v / scale))
        result = _quietly(
            minimize,
            lambda v: fun(v / scale),
            x * scale,
            jac=lambda v: jac(v / scale) / scale,
            method=solver,
            callback=check,
            options=limits,
            **derivatives,
        )
        if result is None:
            return loop.result()
        reached = problem.error(result.x / scale)
        better = reached < error
        x, error = (result.x / scale, reached) if better else (x, error)
        loop.x = x
        loop.nit += 0 if loop.nit > before else result.nit  # for methods that do not call the callback
    return loop.result()


def _quietly(minimize: Callable[..., OptimizeResult], *args: Any, **options: Any) -> OptimizeResult | None:
    """Return the result of a method that warns of nothing, or None where it was left early."""
    with warnings.catch_warnings(), np.errstate(all="ignore"), suppress(Good):
        warnings.simplefilter("ignore")
        return minimize(*args, **options)
    return None


def _second_derivatives(problem: Any, solver: Any, scale: Array) -> dict[str, Any]:
    """Return the second derivatives that a method takes, in scaled variables."""
    found: dict[str, Any] = {}
    hess, hessp = second_derivatives(solver)
    if hessp and problem.has_curvature:
        found["hessp"] = lambda v, d: problem.hessp(v / scale, d / scale) / scale
    if hess and problem.has_curvature:
        found["hess"] = lambda v: problem.hess(v / scale).dense() / np.outer(scale, scale)
    return found
