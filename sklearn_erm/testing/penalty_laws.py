"""Laws of a penalty's value and derivatives, of its flags, and of its blocks."""

# ruff: noqa: D401  (the docstring of a law is the law)

from __future__ import annotations

import numpy as np

from sklearn_erm.testing.laws import Array, Finding, Laws, number, ratio, skip_unless, steepest_rise
from sklearn_erm.testing.penalty_case import PenaltyCase, inner

LAWS = Laws()

H = 1e-5  # of a difference quotient
SHARES = (0.5, 0.1, 0.9)


def differ(a: float, b: float) -> bool:
    """Return whether two numbers differ by more than rounding explains."""
    if np.isinf(a) or np.isinf(b):
        return a != b
    return not abs(a - b) <= 1e-9 * (1.0 + abs(a) + abs(b))


@LAWS.law("value")
def value_is_convex(case: PenaltyCase) -> Finding | None:
    """Between two matrices the penalty lies below the straight line, unless it says convex=False."""
    skip_unless(case.penalty.convex, "convex=False")
    pairs = [*case.pairs(), *((W, -W) for W in case.coefs)]
    for W, V in pairs:
        ends = case.value(W), case.value(V)
        for share in SHARES:
            chord = (1 - share) * ends[0] + share * ends[1]
            middle = (1 - share) * W + share * V
            inside = case.value(middle)
            if inside > chord + 1e-9 * (1.0 + abs(chord)):
                found = f"value halfway is {number(inside)}, the straight line there {number(chord)}"
                return Finding(case.at(middle), found, "value; or say convex=False and write majorise")
    return None


@LAWS.law("value")
def parts_add_up_to_value(case: PenaltyCase) -> Finding | None:
    """The sum of factor * penalty(matrix W) over parts() is the value."""
    for W in case.coefs:
        terms = [part.factor * part.penalty.value(part.image(W.copy())) for part in case.penalty.parts()]
        if differ(sum(terms), case.value(W)):
            found = f"the parts add up to {number(sum(terms))}, value is {number(case.value(W))}"
            return Finding(case.at(W), found, "parts: factors and matrices")
    return None


@LAWS.law("value", "elastic")
def elastic_adds_up_to_value(case: PenaltyCase) -> Finding | None:
    """The sum of lasso |w| + bend w^2 / 2 over the coefficients is the value."""
    lasso, bend = case.penalty.elastic(case.shape[0])
    for W in case.coefs:
        size, square = np.abs(W).reshape(len(W), -1), (W**2).reshape(len(W), -1)
        total = float(np.sum(lasso @ size + 0.5 * bend @ square))
        if differ(total, case.value(W)):
            found = f"elastic says {number(total)}, value is {number(case.value(W))}"
            return Finding(case.at(W), found, "elastic: a forgotten factor or weight")
    return None


@LAWS.law("value")
def homogeneous_means_proportional(case: PenaltyCase) -> Finding | None:
    """If homogeneous, value(c W) = c value(W) for c > 0."""
    skip_unless(case.penalty.homogeneous, "homogeneous=False")
    for W in case.coefs:
        for factor in (0.25, 3.0):
            said, wanted = case.value(factor * W), factor * case.value(W)
            if differ(said, wanted):
                found = f"value({factor} W) is {number(said)}, {factor} value(W) is {number(wanted)}"
                return Finding(case.at(W), found, "the attribute homogeneous: it is for norms, not for squares")
    return None


@LAWS.law("value")
def coercive_means_growth(case: PenaltyCase) -> Finding | None:
    """If coercive, the value grows without bound in every direction."""
    skip_unless(case.penalty.coercive, "coercive=False")
    units = case.units()
    directions = case.directions(case.coefs[0]) + [units[0] - unit for unit in units[1:]] + case.coefs[:-1]
    if case.has("prox") and "prox" not in case.broken:  # what the longest step leaves
        directions += [case.ask("prox", W, 1e9) for W in case.coefs]
    for direction in directions:
        size = np.linalg.norm(direction)
        if size < 1e-6:
            continue
        for side in (1.0, -1.0):
            near, far = (case.value(length * side * direction / size) for length in (1e3, 1e6))
            if not far > max(1.5 * near, 0.0) and np.isfinite(near):
                found = f"value is {number(near)} at a thousand times W, {number(far)} at a million times"
                where = f"the direction W={number(side * direction / size)}"
                return Finding(where, found, "the attribute coercive; unpenalised, if single features are free")
    if np.any(case.ask("unpenalised", case.coefs[0])):
        return Finding("every point", "coercive=True, but some entries are unpenalised", "the attribute coercive")
    return None


@LAWS.law("value")
def rotation_invariant_means_rotations_change_nothing(case: PenaltyCase) -> Finding | None:
    """If rotation_invariant, value(Q W) = value(W) for every orthogonal Q."""
    skip_unless(case.penalty.rotation_invariant, "rotation_invariant=False")
    Q = np.linalg.qr(case.rng.normal(size=(case.shape[0], case.shape[0])))[0]
    for W in case.coefs:
        if differ(case.value(Q @ W), case.value(W)):
            found = f"value is {number(case.value(W))}, and {number(case.value(Q @ W))} after a rotation"
            return Finding(case.at(W), found, "the attribute rotation_invariant")
    return None


@LAWS.law("value")
def outputs_add_up_unless_coupled(case: PenaltyCase) -> Finding | None:
    """For W of shape (p, k) the value is the sum over columns; of one, if the penalty says couples_outputs=True."""
    skip_unless(len(case.shape) == 2, "one output")
    for W in case.coefs:
        W = W[:, :1] if case.penalty.couples_outputs else W
        said, wanted = case.value(W), sum(case.value(column) for column in W.T)
        if differ(said, wanted):
            found = f"value is {number(said)}, the columns' add up to {number(wanted)}"
            return Finding(case.at(W), found, "the attribute couples_outputs; axis arguments in value")
    return None


@LAWS.law("value", "unpenalised")
def unpenalised_entries_do_not_count(case: PenaltyCase) -> Finding | None:
    """The value does not depend on entries that unpenalised(W) marks."""
    free = np.asarray(case.ask("unpenalised", case.coefs[0]))
    skip_unless(free.any(), "none is marked")
    for W in case.coefs:
        moved = W + 1.3 * free
        if differ(case.value(moved), case.value(W)):
            found = f"value changes from {number(case.value(W))} to {number(case.value(moved))} if they do"
            return Finding(case.at(W), found, "unpenalised")
    return None


# Blocks --------------------------------------------------------------------------------------------------------------


@LAWS.law("value", "blocks")
def separable_means_a_sum_over_blocks(case: PenaltyCase) -> Finding | None:
    """If separable, the value less that at 0 is such a sum over the blocks, others being zero, and so does prox act."""
    skip_unless(case.penalty.separable, "separable=False")
    nothing = case.value(np.zeros(case.shape))
    skip_unless(np.isfinite(nothing), "zero is not admitted")
    for W, V in case.pairs():
        labels = np.asarray(case.ask("blocks", W))
        terms = [case.value(np.where(labels == label, W, 0.0)) - nothing for label in np.unique(labels)]
        total = nothing + sum(terms)
        if differ(total, case.value(W)):
            found = f"the blocks' values add up to {number(total)}, the value is {number(case.value(W))}"
            return Finding(case.at(W), found, "the attribute separable; blocks")
        if not case.has("prox") or "prox" in case.broken:
            continue
        inside = labels == labels.ravel()[0]
        moved, here = (case.ask("prox", np.where(inside, W, other), 0.3)[inside] for other in (V, W))
        if not np.allclose(moved, here, rtol=1e-9, atol=1e-12):
            found = f"prox of the first block is {number(here)}, or {number(moved)} when other blocks move"
            return Finding(case.at(W), found, "the attribute separable; prox")
    return None


@LAWS.law("value", "restrict", "blocks")
def restrict_is_the_penalty_on_some_features(case: PenaltyCase) -> Finding | None:
    """If separable, restrict(index) is the penalty on these features, the others being zero, but for a constant."""
    penalty, nothing = case.penalty, case.value(np.zeros(case.shape))
    skip_unless(penalty.separable and (penalty.smooth or penalty.blockwise), "not separable in features")
    skip_unless(np.isfinite(nothing), "zero is not admitted")
    for W in case.coefs:
        labels = np.asarray(case.ask("blocks", W)).reshape(len(W), -1)[:, 0]
        index = np.flatnonzero(np.isin(labels, np.unique(labels)[::2]))
        part, alone = penalty.restrict(index), np.zeros(W.shape)
        alone[index] = W[index]
        said = float(part.value(W[index])) - float(part.value(np.zeros(W[index].shape)))
        wanted = case.value(alone) - nothing
        if differ(said, wanted):
            found = f"restricted to {index.tolist()} it is {number(said)}, expected {number(wanted)}"
            return Finding(case.at(W), found, "restrict(index): it has to pick the weights of these features")
    return None


# Derivatives ---------------------------------------------------------------------------------------------------------


@LAWS.law("value", "support", guards="support")
def support_has_no_kinks(case: PenaltyCase) -> Finding | None:
    """Around the entries that support(W) marks, value has no kink: the slopes on both sides agree."""
    step = 1e-7
    for W in case.admitted():
        support = np.asarray(case.ask("support", W))
        for unit in case.units():
            bend = case.value(W + step * unit) + case.value(W - step * unit) - 2.0 * case.value(W)
            if np.all(support[unit > 0]) and not bend <= 1e-3 * step * (1.0 + abs(case.value(W))):
                found = f"the slope jumps by {number(bend / step)} at entry {int(np.argmax(unit))}"
                return Finding(case.at(W), found, "support, which marks where the penalty is twice differentiable")
    return None


@LAWS.law("value", "gradient", "support", guards="gradient")
def gradient_is_the_derivative_of_value(case: PenaltyCase) -> Finding | None:
    """On the support (everywhere, if smooth) the gradient is the derivative of value."""
    for W in case.admitted():
        support, said = np.asarray(case.ask("support", W)), case.ask("gradient", W)
        for unit in case.units():
            if not np.all(support[unit > 0]):
                continue
            left, right = (side * (case.value(W + side * H * unit) - case.value(W)) / H for side in (-1, 1))
            slope, slack = inner(said, unit), 1e-7 + 1e-9 / H * 1e-3 * (1.0 + abs(case.value(W)))
            slack += 1e-7 * (abs(left) + abs(right)) + (0.0 if case.penalty.convex else H * H + abs(right - left))
            if not min(left, right) - slack <= slope <= max(left, right) + slack:
                middle, entry = 0.5 * (left + right), tuple(int(i) for i in np.argwhere(unit)[0])
                found = (
                    f"gradient says {number(slope)} at entry {entry}, difference quotients of value say "
                    f"{number(middle)}{ratio(slope, middle)}"
                )
                return Finding(case.at(W), found, "gradient: a forgotten sign or factor")
    return None


def _rise(case: PenaltyCase, start: Array, way: Array) -> tuple[float, float, Array]:
    """Return the slopes on both sides of where the gradient changes most on a segment, and the point."""

    def slope(t: Array) -> Array:
        return np.array([inner(case.ask("gradient", start + t[0] * way), way)])

    low, high = steepest_rise(slope, np.zeros(1), np.ones(1))
    return float(slope(low)[0]), float(slope(high)[0]), start + low[0] * way


@LAWS.law("gradient")
def smooth_means_no_kinks(case: PenaltyCase) -> Finding | None:
    """A penalty that says smooth=True has no kinks: its gradient does not jump."""
    skip_unless(case.penalty.smooth, "smooth=False")
    segments = [(W, V - W) for W, V in case.pairs()] + [(-unit, 2.0 * unit) for unit in case.units()]
    segments += [(W - W * unit + unit, -2.0 * unit) for W in case.coefs[:1] for unit in case.units()]
    for start, way in segments:
        before, after, point = _rise(case, start, way)
        size = float(np.linalg.norm(way))
        if size > 0 and abs(after - before) > 1e-3 * (size + min(abs(before), abs(after))):
            found = f"the gradient jumps from {number(before / size)} to {number(after / size)} along a segment"
            return Finding(case.at(point), found, "the attribute smooth: set smooth = False and write prox")
    return None


@LAWS.law("gradient", "curvature", "support", guards="curvature")
def curvature_is_the_derivative_of_gradient(case: PenaltyCase) -> Finding | None:
    """On the support, the curvature is the Hessian of the penalty."""
    for W in case.coefs:
        W = W * (1.0 + 1e-3 * case.rng.normal(size=W.shape))  # off the knots
        support, bend = np.asarray(case.ask("support", W)), case.ask("curvature", W).dense()
        for unit in [*case.units(), case.rng.normal(size=case.shape)]:
            way = np.where(support, unit, 0.0)
            low, here, high = (case.ask("gradient", W + side * H * way) for side in (-1, 0, 1))
            said = inner(way, (bend @ way.ravel()).reshape(way.shape))
            left, right = inner(way, here - low) / H, inner(way, high - here) / H
            slack = 1e-6 * (1.0 + abs(left) + abs(right) + float(np.abs(here).max(initial=0.0)))
            if not min(left, right) - slack <= said <= max(left, right) + slack:
                middle = 0.5 * (left + right)
                found = (
                    f"curvature says {number(said)}, difference quotients of gradient say {number(middle)}"
                    f"{ratio(said, middle)}"
                )
                return Finding(case.at(W, direction=way), found, "curvature: a forgotten factor")
    return None
