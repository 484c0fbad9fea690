"""Methods of ``scipy.optimize.minimize``, scipy's by name or a user's own: the certificate decides when they stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

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


def options_for(method: Any, limit: int, again: bool, stop: Callable[[Any], bool]) -> dict[str, Any]:
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

    def run(fun: Callable[..., float], x0: Any, **given: Any) -> OptimizeResult:
        try:
            result = method(fun, x0, **given)
        except Exception as error:
            if lacks and not isinstance(error, Good):
                error.add_note(f"solver={name_of(method)} got hess=None and hessp=None: {lacks}.")
            raise
        return OptimizeResult(x=_point(method, result, x0), nit=_iterations(result))

    return run


def _point(method: Any, result: Any, x0: Any) -> Any:
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


def unit_curvature(problem: Any, x: Any) -> Any:
    """Return factors that bring the curvature of an objective along every coefficient near 1."""
    if problem.has_curvature:
        hessian = problem.hess(x)
        scale = hessian.scale() + hessian.ridge()
    else:
        W, b = problem.split(np.ones_like(x))
        squares = problem.samples.squares.reshape((-1,) + (1,) * len(problem.shape))
        scale = problem.join(squares * W, b) / problem.natural_step
    return np.where(scale > 0, np.sqrt(scale), 1.0)
