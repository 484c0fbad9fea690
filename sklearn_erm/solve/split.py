"""Kinks split off: a loop over smooth problems from the augmented Lagrangian, and their multipliers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.carrier import Crossover, carries
from sklearn_erm.exact.proximal_points import ProximalPoints
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import Part
from sklearn_erm.penalties.split import Split
from sklearn_erm.problem.multipliers import Dual, Pair, fits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.choose import splits_penalty
from sklearn_erm.solve.penalty_steps import kink_slopes, penalty_steps, resistance, risk_share
from sklearn_erm.solve.proposals import proposals
from sklearn_erm.solve.request import Plan, Request
from sklearn_erm.solvers.augmented_lagrangian import augmented_lagrangian, step_at

Array = NDArray[Any]

# An inner problem is solved to this share of the error reached, because its own error then hardly matters.
SHARE = 0.1
# If there is no duality gap or the penalty is split, then the share is this, because the gradient counts in full.
SHARE_WITHOUT_DUAL = 0.003
# If the penalty is split and the error stays, then the share falls to this, because the gap magnifies the gradient.
LEAST_SHARE = 1e-5
# If products solve the systems and the error falls to this share, then the step stays: shorter ones need more.
STEADY = 0.4


def by_splitting(request: Request) -> Plan:
    """Return the augmented Lagrangian method, for kinks of the loss and those of the penalty that need it."""
    objective, neighbour = request.objective, request.neighbour
    dual, step = Dual(objective.samples.zeros() if objective.has_kinks else None, None), objective.natural_step
    if neighbour is not None and fits(neighbour.get("dual"), objective.has_kinks):
        dual = neighbour.dual
        step = step_at(objective.error(request.start, *dual), neighbour.get("steps", [])) or step

    def inner(x: Array, dual: Dual, step: float, accuracy: float, limit: int) -> tuple[OptimizeResult, Dual]:
        smooth = smooth_problem(objective, dual, step)
        result = request.solve(smooth, x, accuracy, limit)
        if not np.isfinite(result.fun):  # overflow led it astray
            result.update(x=x, success=False)
        objective.remember_scores(smooth.at(result.x))
        return result, next_dual(objective, smooth, result.x)

    share = least_share = SHARE if objective.has_dual else SHARE_WITHOUT_DUAL
    if splits_penalty(objective):
        share, least_share = SHARE_WITHOUT_DUAL * risk_share(objective) ** 0.5, LEAST_SHARE * risk_share(objective)
    options = {
        "inner": inner,
        "finish": Crossover(objective) if request.solver == "auto" and carries(objective) else lambda *_: None,
        "proposals": lambda x, dual, step: proposals(objective, x, dual, step),
        "dual": dual,
        "step": step,
        "share": share,
        "least_share": least_share,
        "steady": STEADY if objective.solves_by_products else 0.0,
    }
    return _over_multipliers(request, options)


def by_proximal_points(request: Request) -> Plan:
    """Return proximal points, each found by Newton's method on its dual problem."""
    return _over_multipliers(request, ProximalPoints(request.objective).options(request.start, request.neighbour))


def _over_multipliers(request: Request, options: dict[str, Any]) -> Plan:
    """Return the outer loop that moves multipliers and steps, with the inner problems that the options hold."""
    error = {"error": lambda x, dual: request.objective.error(x, *dual), "tol": request.tol}
    return Plan(augmented_lagrangian, {**options, **error})


def smooth_problem(objective: Objective, dual: Dual, step: float) -> Objective:
    """Return the augmented Lagrangian, what was split off minimised out; ``step`` is that of the loss."""
    apart = splits_penalty(objective)
    if dual.loss is not None:
        objective = objective.with_loss(Smoothed(objective.loss, dual.loss, step))
    if not apart:
        return objective
    parts = objective.penalty.parts()
    if dual.pairs is None:
        multipliers = [_zeros(objective, part) for part in parts]
    else:
        multipliers = [pair.subgradient for pair in dual.pairs]
    steps = penalty_steps(objective, step)
    split = Split(parts, multipliers, [steps.of(part) for part in parts])
    held = min(objective.alpha, resistance(objective)) * kink_slopes(objective)
    return objective.with_penalty(split, held)  # what a kink holds at 0 need not be known better


def _zeros(objective: Objective, part: Part) -> Array:
    rows = objective.samples.n_features if part.matrix is None else part.matrix.shape[0]
    return np.zeros((rows, *objective.shape))


def next_dual(objective: Objective, smooth: Objective, x: Array) -> Dual:
    """Return the multipliers at the minimiser of a smooth problem."""
    point = smooth.at(x)
    loss = point.slopes if objective.has_kinks else None
    if not splits_penalty(objective):
        return Dual(loss, None)
    return Dual(loss, [Pair(*pair) for pair in smooth.penalty.pairs(point.W)])
