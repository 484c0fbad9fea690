"""Laws of a loss's prox and conjugate."""

from __future__ import annotations

import numpy as np

from sklearn_erm.testing.laws import Array, Finding, Laws, number, ratio, skip_unless, worst
from sklearn_erm.testing.loss_case import LossCase
from sklearn_erm.testing.loss_laws import H, rounding

LAWS = Laws()

LENGTHS = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01, 1e-3, 1e-4)


@LAWS.law("value", "prox", guards="prox")
def prox_is_the_minimiser(case: LossCase) -> Finding | None:
    """No z does better than prox(y, eta, step) in value(y, z) + |z - eta|^2 / (2 step)."""

    def objective(z: Array) -> Array:
        value = case.ask("value", case.y, z) + 0.5 * case.dot(z - case.eta, z - case.eta) / case.step
        return np.where(np.isnan(value), np.inf, value)

    z = np.stack([case.ask("prox", *sample) for sample in _one_step_each(case)])[:, 0]
    units = [*np.eye(case.n_scores), *case.rng.normal(size=(5, case.n_scores))] if case.joint else [1.0]
    rivals = [case.eta, case.other]
    rivals += [z + side * length * unit for unit in units for length in LENGTHS for side in (-1, 1)]
    costs, least = np.array([objective(rival) for rival in rivals]), objective(z)
    k = np.argmin(costs, axis=0)
    cost = costs.min(axis=0)
    slack = 10 * rounding(case, least, cost, case.size(case.eta) ** 2 / case.step)
    slack = slack + 1e-10 * (1.0 + np.where(np.isfinite(cost), np.abs(cost), 0.0))
    i = worst(np.where(np.isinf(least) & np.isinf(cost), 0.0, least - cost), slack, case.near)
    if i is None:
        return None
    return Finding(
        case.at(i, step=case.step[i]),
        f"prox says z={number(z[i])}, where the sum is {number(least[i])}; at z={number(rivals[k[i]][i])} it is "
        f"{number(cost[i])}",
        "prox: step multiplies the gradient, z = eta - step * gradient(y, z); the kinks; the sign",
    )


def _one_step_each(case: LossCase) -> list[tuple[Array, Array, float]]:
    """Return the samples one by one, each with its step, a number."""
    return [(case.y[i : i + 1], case.eta[i : i + 1], float(case.step[i])) for i in range(len(case.y))]


@LAWS.law("prox")
def prox_does_not_move_points_apart(case: LossCase) -> Finding | None:
    """Two scores are not further apart after the prox than before."""
    skip_unless(case.loss.convex, "convex=False")
    here, there = (case.ask("prox", case.y, eta, 0.7) for eta in (case.eta, case.other))
    moved, apart = case.size(here - there), case.size(case.eta - case.other)
    i = worst(moved - apart, 1e-9 * (1.0 + apart + case.size(case.eta)), case.near)
    if i is None:
        return None
    found = f"{number(apart[i])} apart before, {number(moved[i])} after"
    return Finding(case.at(i, other=case.other[i], step=0.7), found, "prox: the sign of step")


@LAWS.law("prox", "prox_derivative")
def prox_derivative_is_the_derivative_of_prox(case: LossCase) -> Finding | None:
    """prox_derivative is the derivative of prox in eta; at a kink of prox it lies between the two slopes."""
    way, step = np.sign(case.direction) if case.joint else np.ones(case.eta.shape), 0.7
    before, here, after = (case.ask("prox", case.y, case.eta + side * H * way, step) for side in (-1, 0, 1))
    left, right = case.dot(way, here - before) / H, case.dot(way, after - here) / H
    said = case.bent(case.ask("prox_derivative", case.y, case.eta, step), way)
    low, high = np.minimum(left, right), np.maximum(left, right)
    i = worst(np.maximum(low - said, said - high), 1e-5 + 10 * rounding(case) / H, case.near)
    if i is None:
        return None
    middle = 0.5 * (left[i] + right[i])
    return Finding(
        case.at(i, step=step),
        f"prox_derivative says {number(said[i])}, difference quotients of prox say {number(middle)}"
        f"{ratio(said[i], middle)}",
        "prox_derivative: 1 / (1 + step * curvature) at the prox, 0 where the prox stays on a kink",
    )


# Conjugate -----------------------------------------------------------------------------------------------------------


@LAWS.law("value", "gradient", "conjugate")
def conjugate_and_value_meet_at_the_gradient(case: LossCase) -> Finding | None:
    """At u = gradient(y, eta), and there only, value(y, eta) + conjugate(y, u) = u eta (Fenchel-Young)."""
    u = case.ask("gradient", case.y, case.eta)
    value, conjugate, product = case.ask("value", case.y, case.eta), case.ask("conjugate", case.y, u), None
    product = case.dot(u, case.eta)
    slack = 1e-9 * (1.0 + np.abs(value) + case.size(u) * case.size(case.eta)) + rounding(case)
    i = worst(np.abs(value + conjugate - product), slack, case.near)
    if i is None:
        return None
    return Finding(
        case.at(i, u=u[i]),
        f"conjugate says {number(conjugate[i])}, u eta - value is {number(product[i] - value[i])}"
        f"{ratio(conjugate[i], product[i] - value[i])}",
        "conjugate: the term u y; where it is inf, rounding may have led u out of the domain (np.clip it)",
    )


@LAWS.law("value", "gradient", "conjugate")
def conjugate_is_never_too_small(case: LossCase) -> Finding | None:
    """For all u and eta, value(y, eta) + conjugate(y, u) >= u eta: else the duality gap would be too small."""
    slope, rival = case.ask("gradient", case.y, case.eta), case.ask("gradient", case.y, case.other)
    for u in (0.5 * (slope + rival), slope + 2.0 * case.direction, 3.0 * case.direction):
        conjugate = case.ask("conjugate", case.y, u)
        for eta in (case.eta, case.other, 10.0 * case.eta, case.eta + 50.0 * case.direction):
            value, product = case.ask("value", case.y, eta), case.dot(u, eta)
            value = np.where(np.isnan(value), np.inf, value)
            missing = np.where(np.isinf(value), 0.0, product - value - conjugate)
            slack = 1e-9 * (1.0 + np.where(np.isinf(value), 0.0, np.abs(value)) + case.size(u) * case.size(eta))
            i = worst(missing, slack + rounding(case), case.near)
            if i is not None:
                return Finding(
                    f"y={number(case.y[i])}, eta={number(eta[i])}, u={number(u[i])}",
                    f"conjugate says {number(conjugate[i])}, but u eta - value is {number(product[i] - value[i])}",
                    "conjugate: it must be inf where no slope of the loss reaches; its sign",
                )
    return None


@LAWS.law("gradient", "conjugate")
def dual_domain_is_where_the_conjugate_is_finite(case: LossCase) -> Finding | None:
    """dual_domain(y) is the interval that holds all gradients; the conjugate is finite inside, and inf outside."""
    skip_unless(not case.joint, "a joint loss")
    low, high = (np.broadcast_to(np.asarray(end, float), case.y.shape) for end in case.loss.dual_domain(case.y.copy()))
    u = case.ask("gradient", case.y, case.eta)
    i = worst(np.maximum(low - u, u - high), 1e-9 * (1.0 + np.abs(u)), case.near)
    if i is not None:
        found = f"the gradient {number(u[i])} lies outside [{number(low[i])}, {number(high[i])}]"
        return Finding(case.at(i), found, "dual_domain: the least and the largest slope of the loss")
    inner = np.clip(u + 3.0 * case.direction, low + 1e-6, high - 1e-6)
    for v, inside in ((inner, True), (low - 1e-3, False), (high + 1e-3, False)):
        usable = np.isfinite(v) & (low + 1e-6 < high - 1e-6)
        finite = np.isfinite(case.ask("conjugate", case.y, np.where(usable, v, u)))
        i = worst(np.where(usable & (finite != inside), 1.0, 0.0), np.full(len(v), 0.5), case.near)
        if i is not None:
            side, said = ("inside", "inf") if inside else ("outside", "finite")
            return Finding(
                f"y={number(case.y[i])}, u={number(v[i])}",
                f"the conjugate is {said} {side} of dual_domain, [{number(low[i])}, {number(high[i])}]",
                "dual_domain(y), which is all numbers unless it is written; or the conjugate",
            )
    return None


@LAWS.law("gradient", "conjugate")
def balance_stays_where_the_conjugate_is_finite(case: LossCase) -> Finding | None:
    """balance(y, u, weight) has weighted sum 0, and a finite conjugate."""
    weight = case.rng.dirichlet(np.ones(len(case.y)))
    u = 0.5 * (case.ask("gradient", case.y, case.eta) + case.ask("gradient", case.y, case.other))
    balanced = case.ask("balance", case.y, u, weight)
    total = float(np.max(np.abs(weight @ balanced)))
    if total > 1e-10 * (1.0 + np.abs(u).max()):
        return Finding(f"{len(case.y)} samples", f"the weighted sum is {number(total)}", "balance")
    conjugate = case.ask("conjugate", case.y, balanced)
    i = worst(np.where(np.isfinite(conjugate), 0.0, 1.0), np.full(len(conjugate), 0.5), case.near)
    if i is None:
        return None
    found = f"conjugate is {number(conjugate[i])} at the balanced u={number(balanced[i])}"
    return Finding(case.at(i), found, "balance, or dual_domain: 0 lies in it if the loss is bounded below")


@LAWS.law("value", "pieces")
def pieces_are_those_of_value(case: LossCase) -> Finding | None:
    """Slopes and kinks of pieces say how much the loss rises between any two scores."""
    kinks, slopes, c, d = case.loss.pieces(case.y.copy())
    if len(slopes) != len(kinks) + 1 or np.any(np.diff(kinks) < 0):
        found = f"{len(kinks)} kinks, {len(slopes)} slopes, the kinks {number(kinks)}"
        return Finding("any target", found, "pieces: kinks rise, and there is one slope more than kinks")

    def height(eta: Array) -> Array:
        t = c * eta + d
        bends = [bend * np.maximum(t - k, 0.0) for k, bend in zip(kinks, np.diff(slopes), strict=True)]
        return np.asarray(slopes[0] * t + sum(bends))

    here, there = case.ask("value", case.y, case.eta), case.ask("value", case.y, case.other)
    said, wanted = height(case.eta) - height(case.other), here - there
    i = worst(np.abs(said - wanted), 1e-10 * (1.0 + np.abs(here) + np.abs(there) + np.abs(case.y)), case.near)
    if i is None:
        return None
    found = f"value rises by {number(wanted[i])}, its pieces by {number(said[i])}{ratio(said[i], wanted[i])}"
    return Finding(case.at(i, other=case.other[i]), found, "pieces: the signs c, the shifts d, the slopes")
