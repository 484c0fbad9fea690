"""What the augmented Lagrangian makes of an objective: smooth problems, their multipliers, points worth a look."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import OptimizeResult

from sklearn_erm.certificate import Pair, splits
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.objective import Objective
from sklearn_erm.penalties import Part
from sklearn_erm.penalties.split import Split
from sklearn_erm.solvers.least_norm import least_norm, stacked_rows

Array = NDArray[Any]
Share = tuple[Part, Pair]

SLIGHT = 1e-6  # move of a coefficient, in units of one that would use up the risk, at which a kink shows its slope
ROUNDS, EXACT = 30, 2  # of the proxes of a sum: at most, and where the first was exact
SETTLED = 1e-12  # relative change that ends them
INSIDE = 1e-3  # violation, in units of the tolerance, of a point that is moved to the constraints


class Dual(NamedTuple):
    """The multipliers: of the loss, per sample, and of the penalty's parts; None where that is not split."""

    loss: Array | None
    pairs: list[Pair] | None


def needs_splitting(objective: Objective) -> bool:
    """Return whether loss or penalty have kinks that no other method takes care of."""
    return objective.has_kinks or splits_penalty(objective)


def splits_penalty(objective: Objective) -> bool:
    """Return whether the penalty must be split, because of its own kinks or for want of a Hessian of the risk."""
    return splits(objective.penalty) or not (objective.penalty.smooth or objective.has_curvature)


def first_dual(objective: Objective, x: Array) -> Dual:
    """Return multipliers to start from."""
    return Dual(np.zeros_like(objective.at(x).eta) if objective.has_kinks else None, None)


def fits(dual: Dual | None, objective: Objective) -> bool:
    """Return whether multipliers are there for the loss, if that is to be split; a null model has none."""
    return dual is not None and (dual.loss is not None) == objective.has_kinks


def step_at(error: float, steps: list[tuple[float, float]]) -> float:
    """Return the step that a neighbour took when its error was last as large, its first one if it never was."""
    larger = [step for before, step in steps if before >= error]
    return (larger or [step for _, step in steps[:1]] or [0.0])[-1]


def lifted(found: OptimizeResult, lift: Callable[[Any], Any]) -> OptimizeResult:
    """Return a solution in the row space as a neighbour of the whole problem; of multipliers, the loss's carry over."""
    dual = found.get("multiplier")
    kept = None if dual is None or dual.pairs is not None else dual
    return OptimizeResult(found, x=lift(found.x), multiplier=kept)


def smooth_problem(objective: Objective, dual: Dual, step: float) -> Objective:
    """Return the augmented Lagrangian, what was split off minimised out; ``step`` is that of the loss."""
    split = splits_penalty(objective)
    if dual.loss is not None:
        objective = objective.with_loss(Smoothed(objective.loss, dual.loss, step))
    if not split:
        return objective
    parts = objective.penalty.parts()
    if dual.pairs is None:
        multipliers = [_zeros(objective, part) for part in parts]
    else:
        multipliers = [pair.subgradient for pair in dual.pairs]
    steps = coef_steps(objective, step)
    return objective.with_penalty(Split(parts, multipliers, [step_of(part, steps) for part in parts]))


def _zeros(objective: Objective, part: Part) -> Array:
    rows = objective.design.n_features if part.matrix is None else part.matrix.shape[0]
    return np.zeros((rows, *objective.shape))


def coef_steps(objective: Objective, step: float) -> Array:
    """Return the steps for the penalty, in the shape of W, that go with one for the loss.

    With them the envelope of a part bends as much as risk and smooth parts do along each coefficient. If alpha is
    beyond what the risk can resist, then it counts no more, because the coefficients do not move.
    """
    bends = _risk_bends(objective, step) + _own_bends(objective)
    return min(objective.alpha, _resistance(objective) or np.inf) / bends


def step_of(part: Part, steps: Array) -> Any:
    """Return the step of a part, given those of the coefficients.

    Coefficients that are penalised together share the geometric mean, and so do all of a penalty that is not separable,
    or whose rows tie coefficients to each other. The row of a constraint has the step of the sum of its terms.
    """
    if not part.penalty.separable or not (part.matrix is None or part.penalty.has("violation")):
        return float(np.exp(np.mean(np.log(steps)))) if steps.size else 1.0
    if part.matrix is not None:
        entries = part.matrix.power(2) if sparse.issparse(part.matrix) else part.matrix**2
        rows = np.asarray(entries @ steps)
        return np.where(rows > 0, rows, 1.0)
    labels = part.penalty.blocks(steps)
    return np.exp(np.bincount(labels.ravel(), np.log(steps).ravel()) / np.bincount(labels.ravel()))[labels]


def risk_share(objective: Objective) -> float:
    """Return how strong the penalty is beside the risk, at most 1: by their slopes, and by their curvatures."""
    if objective.penalty.unconstrained().value(_probe(objective)) == 0:
        return 1.0
    bends = _own_bends(objective) / _risk_bends(objective, objective.natural_step)
    resistance = _resistance(objective)
    slopes = objective.alpha / resistance if resistance > 0 else 1.0  # a risk without a slope resists nothing
    return min(max(slopes, float(np.mean(bends))), 1.0)


def _risk_bends(objective: Objective, step: float) -> Array:
    """Return the curvature of the risk along each coefficient, if that of the loss is one over a step.

    A constant column stands for one of typical size.
    """
    squares = objective.design.squares
    typical = float(np.exp(np.mean(np.log(squares[squares > 0])))) if np.any(squares > 0) else 1.0
    return np.broadcast_to(np.where(squares > 0, squares, typical) / step, (*objective.shape, len(squares))).T


def _own_bends(objective: Objective) -> Array:
    """Return the curvature of the penalty's smooth parts along each coefficient, alpha included."""
    move = _probe(objective)
    bends = np.zeros(move.shape)
    for part in objective.penalty.unconstrained().parts():
        if not part.penalty.smooth or part.matrix is not None or not move.any():
            continue
        if part.penalty.has("curvature"):
            diagonal, _, matrix = part.penalty.curvature(np.zeros(move.shape))
            bends += part.factor * (diagonal if matrix is None else diagonal + matrix.diagonal().reshape(move.shape))
        else:
            rise = part.penalty.gradient(move) - part.penalty.gradient(np.zeros(move.shape))
            bends += part.factor * float(np.vdot(move, rise)) / float(np.vdot(move, move))
    return objective.alpha * bends


def _resistance(objective: Objective) -> float:
    """Return the alpha whose kink at zero the risk cannot overcome along its steepest coefficient; inf without one."""
    move = _probe(objective)
    kinks = [part for part in objective.penalty.unconstrained().parts() if not part.penalty.smooth]
    height = sum(
        part.factor * part.penalty.value(move if part.matrix is None else part.matrix @ move) for part in kinks
    )
    slope = height / float(np.abs(move).max(initial=0.0)) if height > 0 else 0.0
    return float(objective.gradient_scale.max(initial=0.0)) / slope if slope > 0 else np.inf


def _probe(objective: Objective) -> Array:
    """Return a small move of the coefficient along which the risk may be steepest."""
    move = np.zeros(objective.gradient_scale.shape)
    if move.size:
        steepest = np.unravel_index(objective.gradient_scale.argmax(), move.shape)
        scale = float(objective.gradient_scale[steepest])
        move[steepest] = SLIGHT * abs(objective.reference[0]) / scale if scale > 0 else SLIGHT
    return move


def next_dual(objective: Objective, smooth: Objective, x: Array) -> Dual:
    """Return the multipliers at the minimiser of a smooth problem."""
    point = smooth.at(x)
    loss = point.dual if objective.has_kinks else None
    if not splits_penalty(objective):
        return Dual(loss, None)
    return Dual(loss, [Pair(*pair) for pair in smooth.penalty.pairs(point.W)])


def proposals(objective: Objective, x: Array, dual: Dual, step: float) -> list[Array]:
    """Return x within its bounds, and a point near it with the zeros, ties and active constraints of a solution."""
    if dual.pairs is None:
        return [x]
    W, b = objective.split(x)
    penalty = objective.penalty.unconstrained()
    shares: list[Share] = list(zip(objective.penalty.parts(), dual.pairs, strict=True))
    own, limits = shares[: len(penalty.parts())], shares[len(penalty.parts()) :]
    W = objective.penalty.inside(W)
    if penalty.smooth:
        C = W
    elif penalty.has("prox"):
        C = _proximal_step(objective, x, dual.loss, step, limits, own)
    else:
        C = np.where(_proximal_step(objective, x, dual.loss, step, limits, own) == 0, 0.0, W)
    movable = np.ones(W.shape, dtype=bool)
    for part, pair in limits:
        if part.matrix is None:
            C = np.where(part.penalty.at_bound(pair.point), pair.point, part.penalty.prox(C, 1.0))
            movable &= part.penalty.prox_derivative(C, 1.0)[0] > 0
    rows = [(part, pair) for part, pair in limits if part.matrix is not None]
    if rows:
        C = objective.penalty.inside(_on_rows(C, rows, movable & ((C != 0) | penalty.smooth), movable))
    return [objective.join(W, b), objective.join(C, b)]


def _proximal_step(
    objective: Objective, x: Array, u: Array | None, step: float, limits: list[Share], own: list[Share]
) -> Array:
    """Return W after a proximal gradient step of the penalty, the constraints' multipliers counted to the gradient."""
    W = objective.split(x)[0]
    gradient = objective.at(x).risk_gradient[0] if u is None else objective.pull_back(u)[0]
    slope = gradient / objective.alpha
    proxed = [part for part, _ in own if part.matrix is None and not part.penalty.smooth]
    for part, pair in [*limits, *(share for share in own if not any(share[0] is part for part in proxed))]:
        slope = slope + part.factor * (pair.subgradient if part.matrix is None else part.matrix.T @ pair.subgradient)
    t = common_step(proxed, coef_steps(objective, step))
    return prox_of_sum(proxed, W - t * slope, t)


def common_step(parts: list[Part], steps: Array) -> Any:
    """Return steps that are constant on the blocks of every part: those of the largest blocks, or one for all."""
    largest = min(parts, key=lambda part: len(np.unique(part.penalty.blocks(steps))))
    shared = step_of(largest, steps)
    for part in parts:
        each = np.broadcast_to(step_of(part, np.broadcast_to(shared, steps.shape)), steps.shape)
        if not np.allclose(each, shared, rtol=1e-9, atol=0.0):
            return float(np.exp(np.mean(np.log(steps))))
    return shared


def prox_of_sum(parts: list[Part], W: Array, step: Any) -> Array:
    """Return the prox of a sum, by the proxes of its parts in turn.

    Of the multipliers of several parts where all vanish, only the sum is determined: a zero need not show in any of
    them, but it does here. In one order or the other, one round is often exact: groups after the lasso, the lasso after
    differences.

    References
    ----------
    Bauschke, Combettes, "A Dykstra-like algorithm for two monotone operators", Pacific Journal of Optimization 4(3),
    2008; Yu, "On decomposing the proximal map", NeurIPS 2013.
    """
    parts = sorted(parts, key=lambda part: -len(np.unique(part.penalty.blocks(W))))
    Z, rounds = _in_turn(parts, W, step)
    if rounds > EXACT:
        other, fewer = _in_turn(parts[::-1], W, step)
        return other if fewer < rounds else Z
    return Z


def _in_turn(parts: list[Part], W: Array, step: Any) -> tuple[Array, int]:
    """Return the limit of the proxes in turn, with the zeros of all of them, and the number of rounds."""
    left, zero = [np.zeros(W.shape) for _ in parts], np.zeros(W.shape, dtype=bool)
    count = 0
    while count < ROUNDS:
        count += 1
        before, zero[...] = W, False
        for k, part in enumerate(parts):
            shifted = W + left[k]
            W = part.penalty.prox(shifted, part.factor * step)
            left[k] = shifted - W
            zero |= W == 0
        if len(parts) == 1 or np.max(np.abs(W - before), initial=0.0) <= SETTLED * np.max(np.abs(W), initial=0.0):
            break
    return np.where(zero, 0.0, W), count


def _on_rows(C: Array, rows: list[Share], first: Array, second: Array) -> Array:
    """Return C moved least, in the entries that may move, to where active rows are at their bounds."""
    for movable in (first, second):
        moved = _least_move(C, rows, movable)
        if all(part.violation(moved) <= INSIDE for part, _ in rows):
            return moved
    return moved


def _least_move(C: Array, rows: list[Share], movable: Array) -> Array:
    moved = C.reshape(len(C), -1).copy()
    free = movable.reshape(moved.shape)
    for c in range(moved.shape[1]):
        matrices, missing = [], []
        for part, pair in rows:
            Z = pair.point.reshape(len(pair.point), -1)[:, c]
            active = part.penalty.at_bound(Z)
            matrices.append(part.matrix[active])
            missing.append(Z[active] - matrices[-1] @ moved[:, c])
        A = stacked_rows(matrices)[:, free[:, c]]
        if A.shape[0] and A.shape[1]:
            moved[free[:, c], c] += least_norm(A, np.concatenate(missing))
    return moved.reshape(C.shape)
