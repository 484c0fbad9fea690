"""Newton's method for convex functions with a (generalised) Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.line_search import search
from sklearn_erm.solvers.outcome import CONVERGED, INTERRUPTED, LIMIT, STALLED, interrupted, outcome

SHORT, LONG = 0.2, 0.5  # steps below which damping is raised, above which it is lowered
LEAST, FIRST, MOST = 1e-8, 1e-4, 1e4  # damping below which none is used, the first one that is, the largest


def newton(
    fun: Callable[..., float],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    jac: Callable[..., Any],
    hess: Callable[..., Any],
    line: Callable[..., Any],
    stop: Callable[[Any], bool],
    maxiter: int = 100,
    damping: float = 0.0,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a convex, continuously differentiable function.

    1. Solve (H + damping diag) d = -g for the direction, H the (generalised) Hessian and g the gradient.
    2. Search along d for a small slope; scores are carried along, so a trial costs no pass over the data.
    3. Raise the damping after a short step, lower it after a long one.

    Stops when ``stop(x)`` holds or when rounding leaves no descent. One iteration costs a Gram matrix and a
    factorisation, or some products with H where those are too large.

    Parameters
    ----------
    fun, x0, args, jac, callback
        As in ``scipy.optimize.minimize``.
    hess : callable
        x -> an object with ``solve(v, damping, accuracy)``.
    line : callable
        (x, d) -> an object with ``slope(t)``, ``value(t)``, ``accept(t)``.
    stop : callable
        x -> whether x is good enough.
    maxiter : int
        Iterations at most.
    damping : float
        To start with.

    References
    ----------
    Nocedal, Wright, *Numerical Optimization*, 2nd ed., chapter 6; Qi, Sun, "A nonsmooth version of Newton's method",
    Mathematical Programming 58, 1993.
    """
    x = np.array(x0, dtype=float)
    first = 0.0
    for nit in range(maxiter + 1):
        if stop(x):
            return outcome(fun, x, nit, CONVERGED)
        if nit == maxiter:
            break
        gradient = jac(x)
        size = float(np.linalg.norm(gradient))
        first = max(first, size)
        if size == 0.0:
            return outcome(fun, x, nit, STALLED)
        accuracy = min(0.1, np.sqrt(size / first))
        path = line(x, hess(x).solve(-gradient, damping=damping, accuracy=accuracy))
        t = search(path)
        if t == 0.0:
            return outcome(fun, x, nit, STALLED)
        x = path.accept(t)
        damping = _adapt(damping, t)
        if interrupted(callback, fun, x, nit + 1):
            return outcome(fun, x, nit + 1, INTERRUPTED)
    return outcome(fun, x, maxiter, LIMIT)


def _adapt(damping: float, t: float) -> float:
    if t < SHORT:
        return min(max(10.0 * damping, FIRST), MOST)
    lower = 0.1 * damping if t >= LONG else damping
    return lower if lower >= LEAST else 0.0
