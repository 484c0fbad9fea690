"""Proximal Newton method for a smooth risk and a penalty that is not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.composite_quadratic import CompositeQuadratic
from sklearn_erm.solvers.contract import Array, Composite, Segment
from sklearn_erm.solvers.damping import BLIND, FIRST, Damping
from sklearn_erm.solvers.line_search import search
from sklearn_erm.solvers.loop import STALLED, Loop

# If the full step brings this share of the promised decrease, then it is taken without a search, because it has the
# zeros of the model's minimiser exactly.
ARMIJO = 0.2
# Damping is at least this, because the Hessian may be singular.
LEAST = 1e-12
# If rounding hides what more than so many steps in a row promise, then the method gives up.
STEPS = 10
# If rounding does not hide what a step promises, then the value may be larger by this, relatively, because that may be
# rounding.
EPS = 1e-15
# If rounding hides what a step promises, then the value may be larger by this, relatively.
NOISE = 1e-14
# The quadratic model is minimised until this share of the violation of its optimality conditions is left, because a
# more accurate minimiser of the model is hardly nearer to that of the objective.
ACCURACY = 1e-2


@np.errstate(over="ignore", invalid="ignore")  # of trial points, which are then not gone to
def prox_newton(
    fun: Callable[..., float],
    x0: Array,
    args: tuple[Any, ...] = (),
    *,
    problem: Composite,
    stop: Callable[[Array], bool],
    maxiter: int = 100,
    damping: float = FIRST,
    contraction: float = 0.0,
    callback: Callable[[OptimizeResult], Any] | None = None,
    **unused: Any,
) -> OptimizeResult:
    """Minimise a smooth convex risk plus alpha Omega(W), few features.

    1. Form the Hessian of the risk and eliminate the intercept from it, so that a model of W alone is left:
       gradient and Hessian of the risk, and the penalty as it is.
    2. Minimise the model by an active-set Newton method.
    3. Search along the step for a small slope of the objective.
    4. Raise the damping after a short step, lower it after a long one. Keep the Hessian for another step while a full
       step leaves less of the violation of the optimality conditions than ``contraction``.

    Stops when ``stop(x)`` holds or when rounding leaves no descent. One iteration costs a Gram matrix of all features
    and a few factorisations of its part on the support.

    Parameters
    ----------
    fun, x0, args, callback
        As in ``scipy.optimize.minimize``.
    problem : Composite
        Risk and penalty.
    stop : callable
        x -> whether x is good enough.
    maxiter : int
        Iterations at most.
    damping : float
        Of the Hessian, relative to its diagonal, to start with.
    contraction : float
        0 to form the Hessian afresh at every step.

    References
    ----------
    Lee, Sun, Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J. Optimization 24(3),
    2014.
    """
    loop = Loop(fun, x0, maxiter, callback)
    x, model, previous, t = loop.x, None, 0.0, 1.0
    damp, blind = Damping(damping, least=LEAST), 0
    while not stop(x) and loop.goes_on():
        error, value = _violation(problem, x), fun(x)
        if model is None or not model.kept or t < 1.0 or error > contraction * previous:
            model = _Model(problem, x, damp)
        direction, end, promised = model.step(x)
        path = problem.line(x, direction, end)
        t = _step(path, value, promised)
        hidden = abs(promised) <= BLIND * abs(value)
        blind = blind + 1 if hidden else 0
        if blind > STEPS or (t == 0.0 and (hidden or damp.exhausted(value, promised))):
            return loop.result(STALLED)
        if t > 0.0:
            x = path.accept(t)
        damp.adapt(t, model.hessian, direction, promised)
        loop.step(x)
        previous = error
    return loop.result()


def _step(path: Segment, value: float, promised: float) -> float:
    """Return 1, which keeps the model's zeros, if it lowers the value enough; else search along the path.

    A decrease that rounding hides is taken on trust, unless the value rises.
    """
    change = path.value(1.0) - value
    slack = NOISE if abs(promised) <= BLIND * abs(value) else EPS
    enough = change <= slack * abs(value) - ARMIJO * max(promised, 0.0)
    return 1.0 if enough else search(path, start=-promised, most=path.most)


def _violation(problem: Composite, x: Array) -> float:
    """Return the norm of the violation of the optimality conditions."""
    point = problem.at(x)
    gradient, slope = point.risk_gradient
    return float(np.hypot(np.linalg.norm(problem.penalty.kkt(point.W, gradient, problem.alpha)), np.linalg.norm(slope)))


class _Model:
    """The risk's quadratic model, with the Hessian at one point, plus the penalty; the intercept minimised out."""

    def __init__(self, problem: Composite, x: Array, damp: Damping):
        self.problem = problem
        W = problem.at(x).W
        self.hessian = problem.risk_hess(x)
        diagonal = problem.penalty.curvature(W).is_diagonal
        self.curvature = self.hessian.without_intercept(damp.under(self.hessian), diagonal)
        self.quadratic = CompositeQuadratic(self.curvature.inner, W, problem.penalty, problem.alpha)

    @property
    def kept(self) -> bool:
        """Whether forming the Hessian took longer than another model would."""
        return bool(self.curvature.inner.worth_keeping)

    def step(self, x: Array) -> tuple[Array, Array, float]:
        """Return the step from x to the minimiser of the model there, that minimiser, and the decrease it promises."""
        problem, curvature = self.problem, self.curvature
        point = problem.at(x)
        W, (gradient, slope) = point.W, point.risk_gradient
        reduced = gradient - (curvature.across @ np.ravel(slope)).reshape(W.shape)
        self.quadratic.q = reduced - (curvature.inner @ W.ravel()).reshape(W.shape)
        Z = self.quadratic.solve(W, ACCURACY)
        step = Z - W
        shift = curvature.intercept_step(np.ravel(slope), step.ravel())
        promised = problem.alpha * (problem.penalty.value(W) - problem.penalty.value(Z))
        promised -= float(np.vdot(gradient, step)) + float(np.ravel(slope)[: len(shift)] @ shift)
        end = np.concatenate([Z.ravel(), x[Z.size :] + shift])
        return np.concatenate([step.ravel(), shift]), end, promised
