"""The certificate: how far a point is from optimal, by the duality gap or by the optimality conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Part, Penalty
from sklearn_erm.problem.contract import AtPoint, Problem
from sklearn_erm.problem.multipliers import Pair
from sklearn_erm.samples.contract import State

Array = NDArray[Any]

# The gap is relative to the objective, but never to less than this share of the null model's, which may be far larger.
FLOOR = 1e-3
# If the dual variables are out of balance by less than this share, then rounding explains it and they stay.
NOISE = 1e-14


@dataclass(frozen=True)
class Certificate:
    """How far a point is from optimal.

    Attributes
    ----------
    objective, risk : float
        The value of the objective, and of its mean loss.
    gap : float
        The relative duality gap, an upper bound of (objective - minimum) / scale; nan where the dual says nothing, or
        where rounding alone makes the gap large.
    optimality : float
        The largest violation of the optimality conditions, relative to the null model's gradient.
    """

    objective: float
    risk: float
    gap: float
    optimality: float

    @property
    def error(self) -> float:
        """The number that ``tol`` bounds: the gap where there is one, the optimality residual elsewhere."""
        return self.optimality if np.isnan(self.gap) else self.gap


def no_dual(loss: Loss, penalty: Penalty) -> str:
    """Return why the duality gap says nothing, "" if it does: a dual point near any given one must be at hand."""
    if not (loss.convex and penalty.convex):
        return f"the {'penalty' if loss.convex else 'loss'} is not convex"
    if not loss.has("conjugate"):
        return "the loss has no conjugate"
    known = absorbers(penalty.parts()) if splits(penalty) else penalty.coercive and has_conjugate(penalty)
    if known:
        return ""
    return "the penalty's conjugate is not known" if penalty.coercive else "some directions have no penalty"


def has_conjugate(penalty: Penalty) -> bool:
    """Return whether a subgradient near any given one, and the conjugate there, are known: a norm needs the factor."""
    return penalty.has("conjugate") and (penalty.has("critical_alpha") or not penalty.homogeneous)


def splits(penalty: Penalty) -> bool:
    """Return whether the solver must split the penalty into its parts."""
    return not (penalty.smooth or penalty.blockwise)


def absorbers(parts: list[Part]) -> list[int]:
    """Return the parts whose conjugate is finite near every subgradient."""
    return [
        k
        for k, part in enumerate(parts)
        if part.matrix is None and part.penalty.coercive and has_conjugate(part.penalty)
    ]


def error(problem: Problem, point: AtPoint, dual: State | None = None, pairs: list[Pair] | None = None) -> float:
    """Return the number that ``tol`` bounds."""
    return (gap if problem.has_dual else optimality)(problem, point, dual, pairs)


def gap(problem: Problem, point: AtPoint, dual: State | None = None, pairs: list[Pair] | None = None) -> float:
    """Return the relative gap between the objective and a dual value, in size."""
    if dual is None and pairs is None:
        return float(point.gap)
    return gap_at(problem, point, dual, pairs)


def gap_at(problem: Problem, point: AtPoint, dual: State | None, pairs: list[Pair] | None) -> float:
    """Return the gap, computed afresh."""
    u, gradient = (point.slopes, point.risk_gradient) if dual is None else (dual, problem.samples.pull_back(dual))
    if splits(problem.penalty) and pairs is None and not problem.penalty.has("conjugate"):
        return np.inf
    value = problem.fun(point.x)
    if not np.isfinite(value):
        return np.inf
    # negative where rounding, or constraints met to their tolerance only, put the point below the dual value
    return abs(value - _dual_value(problem, u, gradient, pairs)) / problem.scale(point.x)


def optimality(problem: Problem, point: AtPoint, dual: State | None = None, pairs: list[Pair] | None = None) -> float:
    """Return the largest violation of the optimality conditions, relative.

    Where the dual is infinite, that counts what the gap would be if unpenalised coefficients were stationary.
    """
    if not np.isfinite(problem.fun(point.x)):
        return np.inf
    residual = _violation(problem, point, dual, pairs)
    if dual is not None and problem.loss.has("conjugate"):
        residual = min(residual, _violation(problem, point, _balanced(problem, dual), pairs))
    pairs = pairs if pairs is not None and absorbers(problem.penalty.parts()) else None
    if problem.has_dual or not _has_pseudo_gap(problem, pairs):
        return residual
    return max(residual, gap(problem, point, dual, pairs))


def _violation(problem: Problem, point: AtPoint, u: State | None, pairs: list[Pair] | None) -> float:
    """Return the violation of the optimality conditions that one choice of the dual variables shows."""
    gradient = point.risk_gradient if u is None else problem.samples.pull_back(u)
    if splits(problem.penalty) and (pairs is not None or not problem.penalty.has("prox")):
        residual = _split_residual(problem, point, gradient, pairs)
    else:
        residual = _residual(problem, _distance(problem, point.W, gradient[0]), gradient[1])
    if u is None:
        return residual
    slack = abs(_loss_slack(problem, point, u)) / problem.scale(point.x)
    return float(np.maximum(residual, slack))  # which keeps a NaN


def _balanced(problem: Problem, u: State) -> State:
    """Return u moved to where the intercept is stationary, if it is not."""
    samples = problem.samples
    if samples.intercept:
        positive, negative = samples.sides(u)
        if (np.abs(positive - negative) > NOISE * (positive + negative)).any():
            balanced: State = samples.balanced(problem.loss, u, samples.balance_sums(problem.loss, u))
            return balanced
    return u


def _has_pseudo_gap(problem: Problem, pairs: list[Pair] | None) -> bool:
    loss, penalty = problem.loss, problem.penalty
    known = pairs is not None or has_conjugate(penalty)
    return bool(loss.convex and penalty.convex and loss.has("conjugate") and known)


def _dual_value(problem: Problem, u: State, gradient: tuple[Array, Array], pairs: list[Pair] | None = None) -> float:
    """Return the dual objective near u, as far as a finite one goes: coefficients unpenalised or blurred are left out.

    u is moved into the domain: first to balance the intercept, then, for a norm, by a factor.
    """
    balanced = _balanced(problem, u)
    V = gradient[0] if balanced is u else problem.samples.pull_back(balanced)[0]
    u = balanced
    if pairs is not None:
        parts = problem.penalty.parts()
        V = np.where(problem.blurred, _combined(parts, pairs), -V / problem.alpha)
        shrink, conjugate = _split_conjugate(parts, V, pairs)
    else:
        known = np.where(problem.blurred, 0.0, problem.penalty.penalised(V))
        shrink, conjugate = problem.penalty.scaled_conjugate(-known / problem.alpha)
    samples = problem.samples
    shrunk = u if shrink == 1.0 else samples.scaled(u, shrink)
    value = shrink * samples.offset_term(u) - samples.total(problem.loss, "conjugate", shrunk)
    return float(value - problem.alpha * conjugate)


def _split_conjugate(parts: list[Part], V: Array, pairs: list[Pair]) -> tuple[float, float]:
    """Return a factor s <= 1, and an upper bound of the conjugate of the sum of the parts at s V.

    V is shared out as the parts' subgradients say; what is left over goes to the part that takes it at the least cost.
    A part's conjugate at its subgradient is what Fenchel's equality says, at s times that at most s times as much.
    """
    # rounding may leave a subgradient just outside the conjugate's domain, where that is thin: the rest moves on
    pairs = [
        Pair(part.penalty.penalised(pair.subgradient), pair.point) for part, pair in zip(parts, pairs, strict=True)
    ]
    residual = V - _combined(parts, pairs)
    found = [_absorbed(parts, pairs, k, pairs[k].subgradient + residual / parts[k].factor) for k in absorbers(parts)]
    if not found:
        raise ValueError("no part of the penalty has a conjugate that is finite everywhere")
    return max(found, key=lambda each: (each[0], -each[1]))


def _absorbed(parts: list[Part], pairs: list[Pair], k: int, taken: Array) -> tuple[float, float]:
    """Return the factor and the bound with ``taken`` as the subgradient of part k."""
    part = parts[k]
    shrink, conjugate = part.penalty.scaled_conjugate(taken)
    for j, other in enumerate(parts):
        if j != k and other.penalty.homogeneous:
            critical = other.penalty.critical_alpha(pairs[j].subgradient) if other.penalty.has("critical_alpha") else 1
            shrink = min(shrink, 1.0 / max(critical, 1.0))
    if not part.penalty.homogeneous:
        conjugate = part.penalty.conjugate(shrink * taken)
    total = part.factor * conjugate
    for j, (other, pair) in enumerate(zip(parts, pairs, strict=True)):
        if j != k and not other.penalty.homogeneous:
            equal = float(np.vdot(pair.subgradient, pair.point)) - other.penalty.value(pair.point)
            total += shrink * other.factor * equal
    return shrink, total


def _combined(parts: list[Part], pairs: list[Pair]) -> Array:
    """Return the subgradient of the whole penalty that the parts' subgradients make."""
    each = [part.factor * part.back(pair.subgradient) for part, pair in zip(parts, pairs, strict=True)]
    return np.sum(each, axis=0)


def _split_residual(problem: Problem, point: AtPoint, gradient: tuple[Array, Array], pairs: list[Pair] | None) -> float:
    """Return the violation of stationarity, and by how much the pairs are no subgradients at the point itself."""
    if pairs is None:
        return np.inf
    parts = problem.penalty.parts()
    stationarity = np.abs(gradient[0] + problem.alpha * _combined(parts, pairs))
    slack = 0.0
    for part, pair in zip(parts, pairs, strict=True):
        rise = part.value(point.W) - part.penalty.value(pair.point)
        slack += part.factor * abs(rise - float(np.vdot(pair.subgradient, part.image(point.W) - pair.point)))
    if not np.isfinite(slack):
        return np.inf
    return max(_residual(problem, stationarity, gradient[1]), problem.alpha * slack / problem.scale(point.x))


def _loss_slack(problem: Problem, point: AtPoint, u: State) -> float:
    """Return how far u is from being a derivative of the loss at the point: the Fenchel-Young gap.

    For want of the conjugate, take z = prox(eta + t u): then l(eta) - l(z) - u (eta - z) >= (eta - z)^2 / t, which
    vanishes if and only if u is a derivative at eta = z.
    """
    samples, loss, scores = problem.samples, problem.loss, point.scores
    if loss.has("conjugate"):
        rise = point.risk + samples.total(loss, "conjugate", u)
    else:
        z = samples.proxed(loss, scores, u, problem.natural_step)
        rise = point.risk - samples.total(loss, "value", z)
        scores = samples.moved(scores, -1.0, z)
    return float(rise - samples.inner(u, scores))


def _distance(problem: Problem, W: Array, gradient: Array) -> Array:
    """Return how far each coefficient is from stationary: of a smooth penalty by itself, else with its block."""
    penalty, alpha = problem.penalty, problem.alpha
    return np.abs(gradient + alpha * penalty.gradient(W)) if penalty.smooth else penalty.kkt(W, gradient, alpha)


def _residual(problem: Problem, kkt: Array, slope: Array) -> float:
    """Return the largest violation of stationarity, each coordinate relative to the null model's scale."""
    scale = problem.gradient_scale
    if not problem.penalty.smooth:
        labels = problem.penalty.blocks(kkt)
        scale = np.sqrt(np.bincount(labels.ravel(), (scale**2).ravel())[labels])
    relative = np.divide(kkt, scale, out=kkt.copy(), where=scale > 0)
    intercept = np.max(np.abs(slope)) / problem.reference[1] if problem.samples.intercept else 0.0
    return float(max(relative.max(initial=0.0), intercept))
