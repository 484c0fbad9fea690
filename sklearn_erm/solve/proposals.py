"""Points near that of a smooth problem, with the zeros, ties and active constraints that a solution has."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.penalties import Part
from sklearn_erm.penalties.projection import moved_by
from sklearn_erm.problem.multipliers import Dual, Pair
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.contract import State
from sklearn_erm.solve.penalty_steps import penalty_steps
from sklearn_erm.solvers.least_norm import least_norm, stacked_rows, with_unit_rows

Array = NDArray[Any]
Share = tuple[Part, Pair]

# The proxes of a sum take turns so many times at most.
ROUNDS = 30
# If they settled within so many rounds, then the first one was exact.
EXACT = 2
# If a round changes W by less than this, relative, then the turns end.
SETTLED = 1e-12
# A point is moved to the constraints until it violates them by this share of the tolerance at most.
INSIDE = 1e-3


def proposals(objective: Objective, x: Array, dual: Dual, step: float) -> list[Array]:
    """Return x within its bounds, and a point near it with the zeros, ties and active constraints of a solution."""
    if dual.pairs is None:
        return [in_score_domain(objective, x)]
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
        C = objective.penalty.inside(
            _on_rows(C, rows, objective.samples.deviations, movable & ((C != 0) | penalty.smooth), movable)
        )
    return [in_score_domain(objective, objective.join(V, b)) for V in (W, C)]


def in_score_domain(objective: Objective, x: Array) -> Array:
    """Return x, or where its scores are out of order the first point towards the null model where they are not."""
    if objective.loss.score_rows() is None:
        return x
    here, there = objective.at(x).scores, objective.at(objective.null).scores
    return x + objective.samples.way_into_domain(objective.loss, here, there) * (objective.null - x)


def _proximal_step(
    objective: Objective, x: Array, u: State | None, step: float, limits: list[Share], own: list[Share]
) -> Array:
    """Return W after a proximal gradient step of the penalty, the constraints' multipliers counted to the gradient."""
    W = objective.split(x)[0]
    gradient = objective.at(x).risk_gradient[0] if u is None else objective.samples.pull_back(u)[0]
    slope = gradient / objective.alpha
    proxed = [part for part, _ in own if part.matrix is None and not part.penalty.smooth]
    for part, pair in [*limits, *(share for share in own if not any(share[0] is part for part in proxed))]:
        slope = slope + part.factor * part.back(pair.subgradient)
    t = penalty_steps(objective, step).shared(proxed)
    return prox_of_sum(proxed, W - t * slope, t)


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


def _on_rows(C: Array, rows: list[Share], units: Array, first: Array, second: Array) -> Array:
    """Return C moved least, by its units, in the entries that may move, to where active rows are at their bounds."""
    for movable in (first, second):
        moved = _least_move(C, rows, units, movable)
        if all(part.violation(moved) <= INSIDE for part, _ in rows):
            return moved
    return moved


def _least_move(C: Array, rows: list[Share], units: Array, movable: Array) -> Array:
    moved = C.reshape(len(C), -1).copy()
    free = movable.reshape(moved.shape)
    for c in range(moved.shape[1]):
        matrices, missing = [], []
        for part, pair in rows:
            Z = pair.point.reshape(len(pair.point), -1)[:, c]
            active = part.penalty.at_bound(Z)
            matrices.append(part.matrix[active])
            missing.append(Z[active] - matrices[-1] @ moved[:, c])
        here = units[free[:, c]]
        A, lengths = with_unit_rows(stacked_rows(matrices)[:, free[:, c]], here)
        if A.shape[0] and A.shape[1]:
            move = least_norm(A, np.concatenate(missing) / lengths)
            moved[free[:, c], c] = moved_by(moved[free[:, c], c], move, here)
    return moved.reshape(C.shape)
