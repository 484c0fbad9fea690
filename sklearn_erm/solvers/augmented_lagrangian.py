"""The augmented Lagrangian method for losses with kinks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.outcome import CONVERGED, INTERRUPTED, LIMIT, STALLED, interrupted, outcome

EASY, HARD, INNER = 4, 12, 60  # inner iterations: few, many, the most
STALLS = 12  # outer iterations without a new best error before giving up
TIGHTER = 0.2  # factor of the share where the error did not halve
SHORTER, BLIND = 0.3, 30  # factor of the accuracy, for so many outer iterations, while no point is feasible
WAITS = 8  # outer iterations in which a point that is good enough may still find its exact zeros


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
    least_share: float = 0.1,
    steady: float = 0.0,
    proposals: Callable[..., list[Any]] = lambda x, u, step: [x],
    finish: Callable[..., OptimizeResult | None] = lambda x, u, most: None,
    maxiter: int = 1000,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise sum_i s_i l_i(eta_i) + alpha sum_k Omega_k(A_k W), by splitting z = eta and Z_k = A_k W.

    1. Minimise the augmented Lagrangian in x; z is minimised out, which leaves the Moreau envelope of each loss: a
       smooth problem, whose generalised Hessian sees only the samples on a kink. Likewise for parts of the penalty that
       have kinks of their own, constraints among them.
    2. The envelope's derivatives are the next multipliers, feasible for the dual problem.
    3. Shorten the step (raise the penalty parameter): much after an easy inner problem, not at all after a hard one, or
       while it serves well where short steps are dear. If
       the error did not halve, first solve an inner problem more accurately instead, in turns.

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
    least_share : float
        To which the share may fall where the error does not.
    steady : float
        Fall of the error for which the step stays as it is: above 0 where short steps make inner problems dear.
    proposals : callable
        (x, multiplier, step) -> points to choose from, the last one with the kinks of a solution exactly.
    finish : callable
        (x, multiplier, events) -> a result with ``x``, ``multiplier`` and the number of ``events`` that it took, by a
        method that ends at the solution itself from near by; None where that is not near.
    maxiter : int
        Inner iterations at most.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976; Li, Sun, Toh, "A highly efficient semismooth Newton augmented
    Lagrangian method for solving lasso problems", SIAM J. Optimization 28(1), 2018.
    """
    x, u = np.array(x0, dtype=float), multiplier
    best = _Reached(error(x, u), x, u, exact=True)
    nit = stalls = waits = blind = 0
    steps: list[tuple[float, float]] = []
    tightened = False
    while not (best.error <= tol and (best.exact or waits > WAITS)):
        if nit >= maxiter or stalls > STALLS:
            status = LIMIT if nit >= maxiter else STALLED
            return outcome(fun, best.x, nit, status, multiplier=best.multiplier, steps=steps)
        steps.append((best.error, step))
        accuracy = max(share * SHORTER**blind * min(best.error, 1.0), min(share, 0.2) * tol)
        result, u = inner(x, u, step, accuracy, min(INNER, maxiter - nit))
        x, nit = result.x, nit + max(result.nit, 1)
        reached = _pick(proposals(x, u, step), u, error, tol)
        end = finish(x, u, maxiter - nit) if reached.error > tol else None
        if end is not None:
            nit += end.events
            ended = _Reached(error(end.x, end.multiplier), end.x, end.multiplier, exact=True)
            reached = ended if ended.error < reached.error else reached
        slow, fast = reached.error > 0.5 * best.error, reached.error < steady * best.error
        better = reached.error < best.error or (reached.exact and reached.error <= tol)
        blind = 0 if np.isfinite(reached.error) else blind + 1
        best, stalls = (reached, 0) if better else (best, stalls + (blind == 0 or blind > BLIND))
        waits += best.error <= tol
        if interrupted(callback, fun, best.x, nit, multiplier=best.multiplier):
            return outcome(fun, best.x, nit, INTERRUPTED, multiplier=best.multiplier, steps=steps)
        if slow and not tightened and result.success and share > least_share:
            share, tightened = max(TIGHTER * share, least_share), True
        else:
            step, tightened = step * (1.0 if fast else _factor(result.nit, result.success)), False
    return outcome(fun, best.x, nit, CONVERGED, multiplier=best.multiplier, steps=steps)


class _Reached(NamedTuple):
    """A point, its error, the multipliers that show it, and whether it has the kinks of a solution exactly."""

    error: float
    x: Any
    multiplier: Any
    exact: bool


def _pick(points: list[Any], u: Any, error: Callable[..., float], tol: float) -> _Reached:
    """Return the point of least error, or the last one if that is good enough."""
    errors = [error(x, u) for x in points]
    last = len(points) - 1
    k = last if errors[last] <= tol else int(np.argmin(errors))
    return _Reached(errors[k], points[k], u, exact=k == last)


def _factor(nit: int, success: bool) -> float:
    """Return by how much to change the step after an inner problem of so many iterations."""
    if not success:
        return 3.0
    return 0.25 if nit <= EASY else 0.5 if nit <= HARD else 1.0
