"""Working sets of features: solve small problems, check the large one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array, Separable
from sklearn_erm.solvers.loop import STALLED, Loop

# If the support is small, then so many features outside it may enter at once, because a small problem costs little next
# to a pass over X.
LEAST = 50
# The small problem is solved to this share of the large one's error, because features outside it limit what it gains.
SHARE = 0.1


def working_set(
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    problem: Separable,
    restricted: Callable[..., OptimizeResult],
    tol: float,
    maxiter: int = 100,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a risk plus a separable penalty that sets most coefficients to zero, many features.

    1. Measure by how much each feature violates the optimality conditions, with one product X^T r.
    2. Take the support and the worst offenders, as many again as the support has; whole blocks only.
    3. Solve the problem in these features, to a tenth of the error of the whole.

    Stops when the certificate of the whole problem is at most ``tol``. One iteration costs a pass over X and the small
    problem.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    problem : Separable
        Risk and penalty.
    restricted : callable
        (problem, x, tol, maxiter) -> result of the small problem.
    tol : float
        The certificate asked for.
    maxiter : int
        Iterations at most, those of the small problems counted.

    References
    ----------
    Massias, Gramfort, Salmon, "Celer: a fast solver for the lasso with dual extrapolation", ICML 2018.
    """
    loop = Loop(fun, x0, maxiter, callback)
    x, room = loop.x, LEAST
    error = problem.error(x)
    while error > tol and loop.goes_on():
        index = _choose(problem, x, room)
        W, b = problem.split(x)
        small = problem.with_columns(index, around=x)
        result = restricted(small, small.join(W[index], b), max(SHARE * error, 0.3 * tol), loop.left)
        x = problem.adopt(small, result.x, index, around=x)
        before, error = error, problem.error(x)
        loop.step(x, result.nit)
        if error > 0.5 * before:
            if len(index) == len(W) and not result.success and loop.left > 0:
                return loop.result(STALLED)
            room *= 2
    return loop.result()


def _choose(problem: Separable, x: Array, room: int) -> Array:
    """Return the features to work on: the support, and the worst offenders."""
    point = problem.at(x)
    p = len(point.W)
    score = problem.penalty.kkt(point.W, point.risk_gradient[0], problem.alpha).reshape(p, -1).max(axis=1)
    support = np.any(problem.penalty.support(point.W).reshape(p, -1), axis=1)
    wanted = min(max(int(support.sum()), room), p)
    chosen = np.array(support)
    worst = np.flatnonzero(~support & (score > 0))
    if len(worst) > wanted:
        worst = worst[np.argpartition(score[worst], -wanted)[-wanted:]]
    chosen[worst] = True
    block = problem.penalty.blocks(point.W).reshape(p, -1)[:, 0]
    whole = np.zeros(block.max(initial=0) + 1, dtype=bool)
    whole[block[chosen]] = True
    return np.flatnonzero(whole[block])
