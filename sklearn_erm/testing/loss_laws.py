"""Laws of a loss's value and derivatives, of its flags, and of the null model."""

# ruff: noqa: D401  (the docstring of a law is the law)

from __future__ import annotations

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.testing.laws import (
    Array,
    Finding,
    Laws,
    number,
    overrides,
    ratio,
    skip_unless,
    steepest_rise,
    worst,
)
from sklearn_erm.testing.loss_case import LossCase

LAWS = Laws()

H = 1e-5  # of a difference quotient
FAR = 300.0  # e^300 does not overflow, and e^-300 is not 0
SHARES = (0.5, 0.1, 0.9)


def rounding(case: LossCase, *sizes: Array) -> Array:
    """Return what rounding may do to a sum of numbers of these sizes, sample by sample."""
    size = case.size(case.eta)
    total: Array = 1.0 + np.abs(case.y) + size + np.abs(case.y) * size + sum(np.abs(each) for each in sizes)
    return 1e-14 * total


@LAWS.law("value", "gradient", guards="gradient")
def gradient_is_the_derivative_of_value(case: LossCase) -> Finding | None:
    """The gradient is the derivative of value in eta; at a kink of a convex loss it lies between the two slopes."""
    for direction in np.eye(case.n_scores) if case.joint else np.ones((1, 1)):
        move = H * direction if case.joint else H
        before, here, after = (case.ask("value", case.y, case.eta + side * move) for side in (-1, 0, 1))
        left, right = (here - before) / H, (after - here) / H
        said = case.ask("gradient", case.y, case.eta)
        said = said @ direction if case.joint else said
        low, high = np.minimum(left, right), np.maximum(left, right)
        slack = 10 * rounding(case, here) / H + 1e-7 * (np.abs(left) + np.abs(right))
        excess = np.where(np.isfinite(low) & np.isfinite(high), np.maximum(low - said, said - high), 0.0)
        i = worst(excess, slack, case.near)
        if i is not None:
            middle = 0.5 * (left[i] + right[i])
            where = f" in column {int(np.argmax(direction))}" if case.joint else ""
            return Finding(
                case.at(i),
                f"gradient says {number(said[i])}{where}, difference quotients of value say {number(middle)}"
                f"{ratio(said[i], middle)}",
                "gradient: a forgotten sign or factor, the inner derivative",
            )
    return None


@LAWS.law("value")
def value_is_convex(case: LossCase) -> Finding | None:
    """Between two scores the loss lies below the straight line, unless the loss says convex=False."""
    skip_unless(case.loss.convex, "convex=False")
    ends = [case.ask("value", case.y, eta) for eta in (case.eta, case.other)]
    for share in SHARES:
        middle = (1 - share) * case.eta + share * case.other
        inside, chord = case.ask("value", case.y, middle), (1 - share) * ends[0] + share * ends[1]
        i = worst(inside - chord, 10 * rounding(case, *ends) + 1e-9 * np.abs(chord), case.near)
        if i is not None:
            return Finding(
                case.at(i, other=case.other[i]),
                f"value at {number(middle[i])} is {number(inside[i])}, the straight line there {number(chord[i])}",
                "value: its sign, a minus in front; or say convex=False",
            )
    return None


@LAWS.law("gradient")
def smooth_means_no_kinks(case: LossCase) -> Finding | None:
    """A loss that says smooth=True has no kinks: its gradient does not jump."""
    skip_unless(case.loss.smooth, "smooth=False")

    def slope(t: Array) -> Array:
        eta = case.eta + case.along(t) * way
        return case.dot(case.ask("gradient", case.y, eta), way)

    for way in (case.direction, case.other - case.eta, np.sign(case.direction)):
        low, high = steepest_rise(slope, np.zeros(len(case.y)), np.ones(len(case.y)))
        ends = slope(low), slope(high)
        slack = 1e-3 * (case.size(way) + np.minimum(np.abs(ends[0]), np.abs(ends[1])))
        i = worst(np.abs(ends[1] - ends[0]), slack, case.near)
        if i is not None:
            length = max(float(case.size(way)[i]), 1e-300)
            return Finding(
                f"y={number(case.y[i])}, eta={number((case.eta + case.along(low) * way)[i])}",
                f"the gradient jumps from {number(ends[0][i] / length)} to {number(ends[1][i] / length)}",
                "the class attribute smooth: set smooth = False and write prox",
            )
    return None


@LAWS.law("value", "gradient")
def attained_means_a_minimum(case: LossCase) -> Finding | None:
    """A loss that says attained=True stops falling somewhere, for every target."""
    skip_unless(case.loss.attained, "attained=False")
    for unit in np.eye(case.n_scores) if case.joint else np.ones((1, 1)):
        for side in (-1.0, 1.0):
            eta = np.broadcast_to(side * FAR * (unit if case.joint else 1.0), case.eta.shape)
            eta = eta + case.along(case.y) if case.loss.target == "real" else eta
            slope = side * case.ask("gradient", case.y, eta)
            slope = slope @ unit if case.joint else slope
            finite = np.isfinite(case.ask("value", case.y, eta))
            i = worst(np.where(finite, -slope, 0.0), np.full(len(slope), 1e-200), case.near)
            if i is not None:
                return Finding(
                    f"y={number(case.y[i])}, eta={number(eta[i])}",
                    f"the loss still falls: its slope outwards is {slope[i]:.3g}",
                    "the class attribute attained: set attained = False, so that a fit without a minimiser is noticed",
                )
    return None


@LAWS.law("gradient", "curvature", guards="curvature")
def curvature_is_the_derivative_of_gradient(case: LossCase) -> Finding | None:
    """The curvature is the second derivative in eta."""
    for way in _ways(case):
        before, here, after = (case.ask("gradient", case.y, case.eta + side * H * way) for side in (-1, 0, 1))
        left, right = case.dot(way, here - before) / H, case.dot(way, after - here) / H
        said = case.bent(case.ask("curvature", case.y, case.eta), way)
        low, high = np.minimum(left, right), np.maximum(left, right)
        slack = rounding(case, case.size(here)) / H + 1e-6 * (1.0 + np.abs(left) + np.abs(right))
        kink = np.zeros(len(said), bool) if case.loss.smooth else high > 1e-3 / H
        i = worst(np.where(kink, 0.0, np.maximum(low - said, said - high)), slack, case.near)
        if i is not None:
            middle = 0.5 * (left[i] + right[i])
            return Finding(
                case.at(i, **({"direction": way[i]} if case.joint else {})),
                f"curvature says {number(said[i])}, difference quotients of gradient say {number(middle)}"
                f"{ratio(said[i], middle)}",
                "curvature: a forgotten factor, the inner derivative squared",
            )
    return None


def _ways(case: LossCase) -> list[Array]:
    if not case.joint:
        return [np.ones(case.eta.shape)]
    units = [np.broadcast_to(unit, case.eta.shape) for unit in np.eye(case.n_scores)]
    return [*units, case.direction]


@LAWS.law("curvature")
def hessp_is_curvature_times_direction(case: LossCase) -> Finding | None:
    """hessp(y, eta, direction) is the curvature times the direction, sample by sample."""
    skip_unless(case.joint or overrides(case.loss, Loss, "hessp"), "inherited")
    said = case.ask("hessp", case.y, case.eta, case.direction)
    curvature = case.ask("curvature", case.y, case.eta)
    wanted = np.einsum("nij,nj->ni", curvature, case.direction) if case.joint else curvature * case.direction
    if said.shape != wanted.shape:
        return Finding("every point", f"hessp has shape {said.shape}, expected {wanted.shape}", "hessp")
    i = worst(case.size(said - wanted), 1e-8 * (1.0 + case.size(wanted)), case.near)
    if i is None:
        return None
    found = f"hessp says {number(said[i])}, curvature times direction is {number(wanted[i])}"
    return Finding(case.at(i, direction=case.direction[i]), found, "hessp")


@LAWS.law("gradient")
def max_curvature_bounds_the_curvature(case: LossCase) -> Finding | None:
    """Where max_curvature is a number, no second derivative exceeds it."""
    bound = float(case.loss.max_curvature)
    skip_unless(not np.isnan(bound), "max_curvature is nan")
    way = case.direction / case.along(np.maximum(case.size(case.direction), 1e-300))
    here, after = (case.ask("gradient", case.y, case.eta + side * H * way) for side in (0, 1))
    bend = case.dot(way, after - here) / H
    i = worst(bend - bound, 1e-5 * bound + rounding(case, case.size(here)) / H, case.near)
    if i is None:
        return None
    found = f"max_curvature is {number(bound)}, the second derivative {number(bend[i])}"
    return Finding(case.at(i), found, "max_curvature: the largest curvature over all y and eta; nan if there is none")


@LAWS.law("value", "gradient")
def shift_invariant_means_shifts_change_nothing(case: LossCase) -> Finding | None:
    """If shift_invariant, adding one number to all scores of a sample changes nothing."""
    skip_unless(case.loss.shift_invariant, "shift_invariant=False")
    here, moved = case.ask("value", case.y, case.eta), case.ask("value", case.y, case.eta + 1.7)
    i = worst(np.abs(moved - here), 100 * rounding(case, here), case.near)
    if i is None:
        return None
    found = f"value is {number(here[i])}, and {number(moved[i])} at eta + 1.7"
    return Finding(case.at(i), found, "the class attribute shift_invariant")


@LAWS.law("value", "gradient")
def location_equivariant_shifts_change_nothing(case: LossCase) -> Finding | None:
    """If location_equivariant, adding one number to target and scores of a sample changes nothing."""
    skip_unless(case.loss.location_equivariant, "location_equivariant=False")
    here, moved = case.ask("value", case.y, case.eta), case.ask("value", case.y + 4.0, case.eta + 4.0)
    i = worst(np.abs(moved - here), 100 * rounding(case, here), case.near)
    if i is None:
        return None
    found = f"value is {number(here[i])}, and {number(moved[i])} at y + 4, eta + 4"
    return Finding(case.at(i), found, "the class attribute location_equivariant")


@LAWS.law("value", "gradient")
def null_is_the_best_constant(case: LossCase) -> Finding | None:
    """null(y, weight) is the constant score of least weighted mean loss: a number, (k,) for a joint loss."""
    skip_unless(not case.joint or overrides(case.loss, Loss, "null"), "no null")
    y = case.rng.permutation(np.resize(case.targets, 3 * len(case.targets) + 1))
    weight = case.rng.dirichlet(np.ones(len(y)))
    best = case.ask("null", y, weight)
    if best.shape != ((case.n_scores,) if case.joint else ()):
        return Finding(f"{len(y)} targets", f"null has shape {best.shape}", "null: one score, (k,) for a joint loss")

    def risk(score: Array) -> float:
        eta = np.broadcast_to(score, (len(y), *score.shape)).astype(float)
        return float(weight @ case.ask("value", y, eta))

    least = risk(best)
    units = np.eye(case.n_scores) if case.joint else np.ones(1)
    moves = [side * length * unit for unit in units for length in (3, 1, 0.3, 0.1, 0.01) for side in (-1, 1)]
    rival = min((best + move for move in moves), key=risk)
    if risk(rival) >= least - 1e-9 * (1.0 + abs(least)):
        return None
    return Finding(
        f"{len(y)} targets, random weights",
        f"null is {number(best)} with mean loss {number(least)}, but {number(rival)} has {number(risk(rival))}",
        "null: a weighted mean, median or quantile, through the link; or leave it out, and it is searched for",
    )
