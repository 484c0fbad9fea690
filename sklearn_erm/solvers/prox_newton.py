"""Proximal Newton method for a smooth risk and a penalty that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.composite_quadratic import CompositeQuadratic
from sklearn_erm.solvers.outcome import CONVERGED, INTERRUPTED, LIMIT, STALLED, interrupted, outcome

ARMIJO = 0.1  # share of the predicted decrease that a step must keep
HALVINGS = 40
LEAST, FIRST, MOST = 1e-12, 1e-4, 1e4  # damping: the smallest, the first, the largest
ACCURACY = 1e-2  # to which the quadratic model is minimised


def prox_newton(
    fun: Callable[..., float],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    problem: Any,
    stop: Callable[[Any], bool],
    maxiter: int = 100,
    damping: float = FIRST,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a smooth convex risk plus alpha Omega(W), few features.

    1. Form the Hessian of the risk and eliminate the intercept from it, so that a model of W alone is left:
       gradient and Hessian of the risk, and the penalty as it is.
    2. Minimise the model by an active-set Newton method.
    3. Halve the step until the objective falls by a share of what the model promised.

    Stops when ``stop(x)`` holds or when rounding leaves no descent. One iteration costs a Gram matrix of all features
    and a few factorisations of its part on the support.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    problem : object
        With ``at(x)`` (having ``W``, ``b``, ``risk_gradient``), ``risk_hess(x)``, ``line(x, d)``, ``penalty``, ``alpha``.
    stop : callable
        x -> whether x is good enough.
    maxiter : int
        Iterations at most.
    damping : float
        Of the Hessian, relative to its diagonal, to start with.

    References
    ----------
    Lee, Sun, Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J. Optimization 24(3),
    2014.
    """
    x = np.array(x0, dtype=float)
    value = fun(x)
    for nit in range(maxiter + 1):
        if stop(x):
            return outcome(fun, x, nit, CONVERGED)
        if nit == maxiter:
            break
        direction, promised = _direction(problem, x, damping)
        path = problem.line(x, direction)
        t, lowered = _backtrack(path, value, promised)
        if t == 0.0:
            return outcome(fun, x, nit, STALLED)
        x, value = path.accept(t), lowered
        damping = max(0.01 * damping, LEAST) if t == 1.0 else min(max(10.0 * damping, FIRST), MOST)
        if interrupted(callback, fun, x, nit + 1):
            return outcome(fun, x, nit + 1, INTERRUPTED)
    return outcome(fun, x, maxiter, LIMIT)


def _direction(problem: Any, x: Any, damping: float) -> tuple[Any, float]:
    """Return the step to the minimiser of the model, and the decrease it promises."""
    point = problem.at(x)
    W, (gradient, slope) = point.W, point.risk_gradient
    curvature = problem.risk_hess(x).without_intercept(damping)
    reduced = gradient - (curvature.across @ np.ravel(slope)).reshape(W.shape)
    linear = reduced - (curvature.inner @ W.ravel()).reshape(W.shape)
    Z = CompositeQuadratic(curvature.inner, linear, problem.penalty, problem.alpha).solve(W, ACCURACY)
    step = Z - W
    shift = curvature.intercept_step(np.ravel(slope), step.ravel())
    promised = problem.alpha * (problem.penalty.value(W) - problem.penalty.value(Z))
    promised -= float(np.vdot(gradient, step)) + float(np.ravel(slope)[: len(shift)] @ shift)
    return np.concatenate([step.ravel(), shift]), promised


def _backtrack(path: Any, value: float, promised: float) -> tuple[float, float]:
    """Return the first of the steps 1, 1/2, 1/4 ... that lowers the value enough, and the value there; 0 if none."""
    if not promised > 1e-16 * abs(value):
        return 0.0, value
    t = 1.0
    for _ in range(HALVINGS):
        with np.errstate(over="ignore", invalid="ignore"):
            lowered = path.value(t)
        if lowered <= value - ARMIJO * t * promised + 1e-15 * abs(value):
            return t, lowered
        t *= 0.5
    return 0.0, value
