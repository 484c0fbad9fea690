"""The augmented Lagrangian method for losses with kinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.outcome import CONVERGED, INTERRUPTED, LIMIT, STALLED, interrupted, outcome

EASY, HARD, INNER = 4, 12, 60  # inner iterations: few, many, the most
STALLS = 12  # outer iterations without a new best error before giving up


def augmented_lagrangian(
    fun: Callable[..., float],
    x0: Any,
    args: tuple[Any, ...] = (),
    *,
    inner: Callable[..., tuple[OptimizeResult, Any]],
    error: Callable[..., float],
    multiplier: Any,
    step: float,
    tol: float,
    share: float = 0.1,
    maxiter: int = 1000,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise sum_i s_i l_i(eta_i) + alpha Omega(W) for losses l_i with kinks, by splitting z = eta.

    1. Minimise the augmented Lagrangian in x; z is minimised out, which leaves the Moreau envelope of each loss: a
       smooth problem, whose generalised Hessian sees only the samples on a kink.
    2. The envelope's derivatives are the next multipliers, feasible for the dual problem.
    3. Shorten the step (raise the penalty parameter): much after an easy inner problem, not at all after a hard one.

    Stops when the duality gap of the original problem at (x, multipliers) is at most ``tol``: the solution is that of
    the original problem, not of a smoothed one.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    inner : callable
        (x, multiplier, step, tol, maxiter) -> (result, next multiplier).
    error : callable
        (x, multiplier) -> the certificate's error.
    multiplier : ndarray
        Per sample, to start with; in the domain of the loss's conjugate.
    step : float
        The first step: a typical residual over a typical slope, so that some samples are on a kink.
    tol : float
        The certificate asked for.
    share : float
        Of the error reached, to which the next inner problem is solved.
    maxiter : int
        Inner iterations at most.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976; Li, Sun, Toh, "A highly efficient semismooth Newton augmented
    Lagrangian method for solving lasso problems", SIAM J. Optimization 28(1), 2018.
    """
    x, u = np.array(x0, dtype=float), multiplier
    best, nit, stalls = (error(x, u), x, u), 0, 0
    while best[0] > tol:
        if nit >= maxiter or stalls > STALLS:
            return outcome(fun, best[1], nit, LIMIT if nit >= maxiter else STALLED, multiplier=best[2])
        accuracy = max(share * min(best[0], 1.0), 0.2 * tol)
        result, u = inner(x, u, step, accuracy, min(INNER, maxiter - nit))
        x, nit = result.x, nit + max(result.nit, 1)
        reached = error(x, u)
        stalls = 0 if reached < best[0] else stalls + 1
        if reached < best[0]:
            best = (reached, x, u)
        if interrupted(callback, fun, x, nit):
            return outcome(fun, best[1], nit, INTERRUPTED, multiplier=best[2])
        step *= _factor(result.nit, result.success)
    return outcome(fun, best[1], nit, CONVERGED, multiplier=best[2])


def _factor(nit: int, success: bool) -> float:
    """Return by how much to change the step after an inner problem of so many iterations."""
    if not success:
        return 3.0
    return 0.25 if nit <= EASY else 0.5 if nit <= HARD else 1.0
