"""Newton's method for convex functions with a (generalised) Hessian."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array, Hessian, Line
from sklearn_erm.solvers.damping import Damping, Rounding
from sklearn_erm.solvers.line_search import search
from sklearn_erm.solvers.loop import STALLED, Loop


@np.errstate(over="ignore", invalid="ignore")  # of trial points, which are then not gone to
def newton(
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    jac: Callable[[Array], Array],
    hess: Callable[[Array], Hessian],
    line: Callable[[Array, Array], Line],
    stop: Callable[..., bool],
    maxiter: int = 100,
    damping: float = 0.0,
    contraction: float = 0.0,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a convex, continuously differentiable function.

    1. Solve (H + damping diag) d = -g for the direction, H the (generalised) Hessian and g the gradient.
    2. Search along d for a small slope; scores are carried along, so a trial costs no pass over the data. A damped step
       is not made longer if less damping can do that, because it turns the step as well.
    3. Keep the factorised H for another step while a step leaves less of the gradient than ``contraction``.
    4. Raise the damping after a short step, lower it after a long one.

    Stops when ``stop(x)`` holds or when rounding leaves no descent, however damped; ``settled`` says whether it is the
    gradient that rounding keeps from falling. One iteration costs a Gram matrix and a factorisation, or some products
    with H where those are too large.

    Parameters
    ----------
    fun, x0, args, jac, callback
        As in ``scipy.optimize.minimize``.
    hess : callable
        x -> a ``Hessian``.
    line : callable
        (x, d) -> a ``Line``.
    stop : callable
        (x, promise) -> whether x is good enough; ``promise`` is the decrease that a model of the function still
        promises there, or None.
    maxiter : int
        Iterations at most.
    damping : float
        To start with.
    contraction : float
        0 to factorise afresh at every step.

    References
    ----------
    Nocedal, Wright, *Numerical Optimization*, 2nd ed., chapter 6; Qi, Sun, "A nonsmooth version of Newton's method",
    Mathematical Programming 58, 1993.
    """
    loop = Loop(fun, x0, maxiter, callback)
    x, hessian, promise = loop.x, None, None
    damp, rounding = Damping(damping), Rounding()
    gradient = jac(x)
    size = largest = float(np.linalg.norm(gradient))
    previous = 0.0
    while not stop(x, promise) and loop.goes_on():
        if size == 0.0 or not np.isfinite(size):
            return loop.result(STALLED)
        if hessian is None or size > contraction * previous:
            hessian = None  # so that two are never in memory
            hessian = hess(x)
        damp.raise_to(hessian.least_damping if loop.nit else hessian.first_damping)
        accuracy = min(0.1, max(0.01, np.sqrt(size / largest)))
        direction = hessian.solve(-gradient, damping=damp.under(hessian), accuracy=accuracy)
        promised = -float(gradient @ direction)
        path = line(x, direction) if np.isfinite(promised) else None
        t = 0.0 if path is None else search(path, start=-promised, most=damp.longest(hessian))
        if t == 0.0 and damp.exhausted(fun(x), promised):
            return loop.result(STALLED)
        if rounding.settles(fun(x), promised, size):
            return loop.result(STALLED, settled=True)
        if path is not None and t > 0.0:
            x = path.accept(t)
        damp.adapt(t, hessian, direction, promised)
        loop.step(x)
        gradient, previous = jac(x), size
        size = float(np.linalg.norm(gradient))
        largest = max(largest, size)
        promise = hessian.decrement(gradient)
    return loop.result()
