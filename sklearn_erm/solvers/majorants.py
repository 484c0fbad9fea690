"""Convex majorants for penalties that are not convex."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array
from sklearn_erm.solvers.loop import STALLED, Loop

# The first convex problem is solved to this share of ``tol``. If the solution of one is no better point, then the next
# one is solved to this share of its accuracy, because its error may be larger than the descent that is possible.
SHARE = 0.1
# If the objective changes by less than this, relatively, then the smaller error decides which point is better, because
# the change may be rounding (of features far from 0).
ROUNDING = 1e-9
# If a convex problem was solved more accurately than this and brings no better point, then rounding prevents any.
LEAST = 1e-14


def majorants(
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    convex: Callable[..., OptimizeResult],
    error: Callable[..., float],
    tol: float,
    polish: Callable[[Array], Array] | None = None,
    maxiter: int = 1000,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a convex risk plus a penalty that is concave in the sizes of the coefficients.

    1. Replace the penalty by the convex one that touches it at x from above: a lasso with weights.
    2. Minimise; that lowers the objective, since its majorant falls. Never accept a point where it does not.
    3. Where the error did not halve, take a Newton step on the support, if that lessens the error and does not raise
       the objective. Where the objective did not fall, solve the next convex problem more accurately.

    From x0 = 0, the first problem is the lasso. Stops when the optimality conditions of the original problem hold to
    ``tol``: a stationary point, which need not be a global minimiser. One iteration costs a lasso, warm-started.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    convex : callable
        (x, tol, maxiter) -> result of the convex problem that touches at x; perhaps with a ``dual``.
    error : callable
        (x, dual or None) -> violation of the optimality conditions.
    polish : callable or None
        x -> the same after a Newton step on its support.
    tol : float
        The certificate asked for.
    maxiter : int
        Iterations at most, those of the convex problems counted.

    References
    ----------
    Zou, Li, "One-step sparse estimates in nonconcave penalized likelihood models", Annals of Statistics 36(4), 2008.
    """
    loop = Loop(fun, x0, maxiter, callback)
    x, dual = loop.x, None
    value, reached, accuracy = fun(x), np.inf, SHARE * tol
    while reached > tol and loop.goes_on():
        result = convex(x, accuracy, loop.left)
        lowered, before = fun(result.x), reached
        found = error(result.x, result.get("dual"))
        rounding = ROUNDING * abs(value)
        better = lowered < value - rounding or (lowered <= value + rounding and found < reached)
        if better:
            x, value, dual, reached = result.x, lowered, result.get("dual"), found
        if polish is not None and not reached < 0.5 * before:
            polished = polish(x)
            if fun(polished) <= value + rounding and error(polished, None) < reached:
                x, value, reached = polished, fun(polished), error(polished, None)
        loop.move(x, result.nit, dual=dual)
        if reached > tol:
            loop.tell()
            if not better and accuracy < LEAST:
                return loop.result(STALLED)
            accuracy *= 1.0 if better else SHARE
    return loop.result()
