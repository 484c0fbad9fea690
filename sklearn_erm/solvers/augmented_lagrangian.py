"""The augmented Lagrangian method for losses with kinks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array
from sklearn_erm.solvers.loop import STALLED, STUCK, Loop

# If an inner problem takes at most so many iterations, then the step is divided by 4, because shorter steps need fewer
# outer iterations.
EASY = 4
# If it takes more than so many, then the step is not shortened, because the next inner problem would be harder still.
HARD = 12
# If it takes more than so many, then it ends unsolved and the step is tripled, because longer steps make it easier.
INNER = 60
# If more than so many outer iterations in a row bring no smaller error, then the method gives up.
STALLS = 12
# If the error did not halve, then the share is multiplied by this, because the error may be that of the inner problem.
TIGHTER = 0.2
# If no point is feasible yet, then inner problems are solved more accurately, by this factor in every outer iteration,
# because violations of the constraints become smaller with the error of the inner problem.
SHORTER = 0.3
# If more than so many outer iterations in a row reach no feasible point, then they count as those without a smaller
# error.
BLIND = 30
# If a point is good enough but lacks the exact zeros of a solution, then so many more outer iterations may find them.
WAITS = 8


def augmented_lagrangian(
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    inner: Callable[..., tuple[OptimizeResult, Any]],
    error: Callable[..., float],
    dual: Any,
    step: float,
    tol: float,
    share: float = 0.1,
    least_share: float = 0.1,
    steady: float = 0.0,
    pace: tuple[int, int] = (EASY, HARD),
    proposals: Callable[..., list[Array]] = lambda x, *_: [x],
    finish: Callable[..., OptimizeResult | None] = lambda *_: None,
    maxiter: int = 1000,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise sum_i s_i l_i(eta_i) + alpha sum_k Omega_k(A_k W), by splitting z = eta and Z_k = A_k W.

    1. Minimise the augmented Lagrangian in x; z is minimised out, which leaves the Moreau envelope of each loss: a
       smooth problem, whose generalised Hessian sees only the samples on a kink. Likewise for parts of the penalty that
       have kinks of their own, constraints among them.
    2. The envelope's derivatives are the next multipliers, feasible for the dual problem.
    3. Shorten the step, which raises the penalty parameter: much after an inner problem of few iterations, less after
       one of several, not at all after one of many. Triple it after one that was not solved. If the error did not
       halve, then keep the step once, and solve the next inner problem more accurately. If short steps are expensive,
       then keep the step as long as the error falls fast.

    Stops when the duality gap of the original problem at (x, multipliers) is at most ``tol``: the solution is that of
    the original problem, not of a smoothed one. Returns the point of least value where it stops before.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    inner : callable
        (x, dual, step, tol, maxiter) -> (result, next dual). The result may have ``settled``, True where
        rounding alone keeps it from the accuracy asked for.
    error : callable
        (x, dual) -> the certificate's error.
    dual : object
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
        If an outer iteration multiplies the error by less than this, then the step stays as it is. Above 0 if short
        steps make inner problems expensive.
    pace : (int, int)
        Inner iterations up to which the step is shortened much, and from which it stays as it is.
    proposals : callable
        (x, dual, step) -> points to choose from, the last one with the kinks of a solution exactly.
    finish : callable
        (x, dual, most) -> a result with ``x``, ``dual`` and the number of ``events`` that it took, at most
        so many, by a method that reaches the exact solution from a point near it; None if x is not near.
    maxiter : int
        Inner iterations at most.

    References
    ----------
    Rockafellar, "Augmented Lagrangians and applications of the proximal point algorithm in convex programming",
    Mathematics of Operations Research 1(2), 1976; Li, Sun, Toh, "A highly efficient semismooth Newton augmented
    Lagrangian method for solving lasso problems", SIAM J. Optimization 28(1), 2018.
    """
    x, u = np.array(x0, dtype=float), dual
    met = _Met(fun, error, tol, x, u)
    loop = Loop(fun, x, maxiter, callback, best=met.known)
    plan = _Plan(step, share, least_share, steady, pace, tol)
    steps: list[tuple[float, float]] = []
    while not met.solved and loop.goes_on():
        if met.stalls > STALLS:
            return loop.result(STALLED if met.settled else STUCK, steps=steps)
        before = met.best.error
        steps.append((before, plan.step))
        result, u = inner(x, u, plan.step, plan.accuracy(before, met.blind), min(INNER, loop.left))
        x, iterations, met.settled = result.x, max(result.nit, 1), getattr(result, "settled", False)
        reached = met.look_at(proposals(x, u, plan.step), u)
        end = finish(x, u, loop.left - iterations) if reached.error > tol else None
        if end is not None:
            iterations += end.events
            reached = min(reached, met.look_at([end.x], end.dual), key=lambda each: each.error)
        met.keep(reached)
        plan.adapt(result, reached.error, before)
        loop.step(x, iterations)
    return loop.result(steps=steps)


@dataclass
class _Plan:
    """Step 3: the step of the next inner problem, and its accuracy."""

    step: float
    share: float
    least_share: float
    steady: float
    pace: tuple[int, int]
    tol: float
    tightened: bool = False  # whether the share was reduced after the last inner problem

    def accuracy(self, error: float, blind: int) -> float:
        """Return the accuracy of the next inner problem, after so many outer iterations without a feasible point."""
        return max(self.share * SHORTER**blind * min(error, 1.0), min(self.share, 0.2) * self.tol)

    def adapt(self, result: OptimizeResult, error: float, before: float) -> None:
        """Choose step and share after an inner problem that led to an error; the least one so far was ``before``."""
        slow = error > 0.5 * before
        if slow and not self.tightened and result.success and self.share > self.least_share:
            self.share, self.tightened = max(TIGHTER * self.share, self.least_share), True
        else:
            self.tightened = False
            if not error < self.steady * before:
                self.step *= _factor(result, error < before, self.pace)


class _Reached(NamedTuple):
    """A point, its error, the multipliers that show it, and whether it has the kinks of a solution exactly."""

    error: float
    x: Array
    dual: Any
    exact: bool


class _Met:
    """The points met: the one of least error, and the one of least value; the last one while none is feasible."""

    def __init__(self, fun: Callable[..., float], error: Callable[..., float], tol: float, x: Array, u: Any):
        self.fun, self.error, self.tol = fun, error, tol
        self.least = np.inf
        self.settled = False  # whether rounding ended the last inner problem
        self.stalls = 0  # outer iterations in a row without a new least error
        self.blind = 0  # outer iterations in a row without a feasible point
        self.waits = 0  # outer iterations since a point was good enough
        self.best = self.look_at([x], u)

    @property
    def solved(self) -> bool:
        """Whether a point is good enough, and has the kinks of a solution exactly if that does not take too long."""
        return self.best.error <= self.tol and (self.best.exact or self.waits > WAITS)

    def look_at(self, points: list[Array], u: Any) -> _Reached:
        """Return the point of least error, or the last one if that is good enough."""
        errors = []
        for x in points:
            errors.append(self.error(x, u))
            value = self.fun(x)
            if value < self.least or not np.isfinite(self.least):
                self.lowest, self.least = _Reached(errors[-1], x, u, exact=False), value
        last = len(points) - 1
        k = last if errors[last] <= self.tol else int(np.argmin(errors))
        return _Reached(errors[k], points[k], u, exact=k == last)

    def keep(self, reached: _Reached) -> None:
        """Take note of the point that an outer iteration reached."""
        better = reached.error < self.best.error or (reached.exact and reached.error <= self.tol)
        if better or not np.isfinite(self.best.error):
            self.best = reached
        self.blind = 0 if np.isfinite(reached.error) else self.blind + 1
        self.stalls = 0 if better else self.stalls + (self.blind == 0 or self.blind > BLIND)
        self.waits += self.best.error <= self.tol

    def known(self) -> dict[str, Any]:
        """Return the point of least error if that is small enough, else the one of least value; and its multipliers."""
        if self.best.error <= self.tol:
            return {"x": self.best.x, "dual": self.best.dual}
        x, others = self.lowest.x, [self.lowest.dual, self.best.dual]
        return {"x": x, "dual": min(others, key=lambda u: self.error(x, u))}


def _factor(result: OptimizeResult, better: bool, pace: tuple[int, int] = (EASY, HARD)) -> float:
    """Return by how much to change the step after an inner problem, which may have led to a better point.

    One that rounding ends counts as solved for as long as the points get better.
    """
    if not (result.success or (better and getattr(result, "settled", False))):
        return 3.0
    return 0.25 if result.nit <= pace[0] else 0.5 if result.nit <= pace[1] else 1.0


def step_at(error: float, steps: list[tuple[float, float]]) -> float:
    """Return the step to start with at an error, given those of a neighbour, each with the error before it.

    It is the last step that the neighbour took at an error as large. If there is none, it is the neighbour's first
    step; 0 if that took no step.
    """
    if not steps:
        return 0.0
    as_large = [step for before, step in steps if before >= error]
    return as_large[-1] if as_large else steps[0][1]
