"""Laws of a penalty's prox, conjugate, critical alpha, and optimality conditions."""

# ruff: noqa: D401  (the docstring of a law is the law)

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties import Penalty
from sklearn_erm.testing.laws import Array, Finding, Laws, number, overrides, ratio, skip_unless
from sklearn_erm.testing.penalty_case import PenaltyCase, inner, jacobian_of

LAWS = Laws()

H = 1e-6  # of a difference quotient
LENGTHS = (1.0, 0.03, 1e-3)


@LAWS.law("value", "prox", guards="prox")
def prox_is_the_minimiser(case: PenaltyCase) -> Finding | None:
    """No Z does better than prox(W, step) in value(Z) + sum (Z - W)^2 / (2 step)."""
    for W, step in case.steps():

        def objective(Z: Array, W: Array = W, step: Any = step) -> float:
            return case.value(Z) + 0.5 * inner(Z - W, (Z - W) / step)

        Z = case.ask("prox", W, step)
        rivals = [W, 0.0 * W, *case.coefs]
        for direction in [*case.directions(Z), W - Z]:
            rivals += [Z + side * length * direction for length in LENGTHS for side in (-1, 1)]
        best = min(rivals, key=objective)
        least, cost = objective(Z), objective(best)
        if least > cost + 1e-9 * (1.0 + abs(cost)):
            return Finding(
                case.at(W, step=step),
                f"prox says Z={number(Z)}, where the sum is {number(least)}; at Z={number(best)} it is {number(cost)}",
                "prox: how step enters; the sign; a factor of value",
            )
    return None


@LAWS.law("value", "prox")
def prox_of_no_step_stays(case: PenaltyCase) -> Finding | None:
    """prox(W, 0) is W, where value(W) is finite."""
    for W in case.coefs:
        Z = case.ask("prox", W, 0.0)
        if np.isfinite(case.value(W)) and not np.allclose(Z, W, rtol=1e-9, atol=1e-12):
            return Finding(case.at(W, step=0), f"prox says {number(Z)}", "prox: division by step, or a fixed step")
    return None


@LAWS.law("prox")
def prox_does_not_move_points_apart(case: PenaltyCase) -> Finding | None:
    """Two matrices are not further apart after the prox than before."""
    skip_unless(case.penalty.convex, "convex=False")
    for W, V in case.pairs():
        moved = np.linalg.norm(case.ask("prox", W, 0.3) - case.ask("prox", V, 0.3))
        if moved > np.linalg.norm(W - V) * (1 + 1e-9) + 1e-9:
            found = f"{number(np.linalg.norm(W - V))} apart before, {number(moved)} after"
            return Finding(case.at(W, other=V), found, "prox: the sign of step")
    return None


@LAWS.law("prox", "blocks")
def prox_takes_one_step_per_block(case: PenaltyCase) -> Finding | None:
    """If blockwise, prox takes an array of steps in the shape of W, constant on blocks: each block has its own."""
    skip_unless(case.penalty.blockwise, "blockwise=False")
    for W in case.coefs:
        labels = np.asarray(case.ask("blocks", W))
        together = case.ask("prox", W, np.where(labels % 2 == 0, 0.3, 2.0))
        alone = np.where(labels % 2 == 0, case.ask("prox", W, 0.3), case.ask("prox", W, 2.0))
        if np.shape(together) != W.shape or not np.allclose(together, alone, rtol=1e-9, atol=1e-12):
            found = f"steps 0.3 and 2 in turn give {number(together)}, each by itself {number(alone)}"
            return Finding(case.at(W), found, "prox")
    return None


@LAWS.law("prox", "prox_derivative")
def prox_derivative_is_the_derivative_of_prox(case: PenaltyCase) -> Finding | None:
    """diag(d) + U U^T, in [0, 1], is the Jacobian of prox, in units of sqrt(step), where it has one."""
    for W, step in case.steps():
        ends = np.linalg.eigvalsh(jacobian_of(case.ask("prox_derivative", W, step)))
        if case.penalty.convex and not (ends[0] >= -1e-8 and ends[-1] <= 1 + 1e-8):
            found = f"an eigenvalue is {number(ends[0] if ends[0] < -1e-8 else ends[-1])}, outside [0, 1]"
            return Finding(case.at(W, step=step), found, "prox_derivative: U U^T is added to diag(d)")
        W = W + 1e-3 * case.rng.normal(size=W.shape)  # off the kinks, where a Jacobian is one of many
        root = np.sqrt(np.broadcast_to(step, W.shape)).ravel()
        jacobian = root[:, None] * jacobian_of(case.ask("prox_derivative", W, step)) / root
        for way in [*case.units(), case.rng.normal(size=case.shape)]:
            low, here, high = (case.ask("prox", W + side * H * way, step) for side in (-1, 0, 1))
            left, right = inner(way, here - low) / H, inner(way, high - here) / H
            said = inner(way, (jacobian @ way.ravel()).reshape(way.shape))
            slack = 1e-4 * (1.0 + inner(way, way))
            if abs(left - right) <= slack and not abs(said - 0.5 * (left + right)) <= slack:
                middle = 0.5 * (left + right)
                found = (
                    f"prox_derivative says {number(said)}, difference quotients of prox say {number(middle)}"
                    f"{ratio(said, middle)}"
                )
                return Finding(case.at(W, step=step, direction=way), found, "prox_derivative: where prox is flat, 0")
    return None


# Conjugate -----------------------------------------------------------------------------------------------------------


def subgradients(case: PenaltyCase) -> list[tuple[Array, Array]]:
    """Return points P = prox(W, step) and subgradients (W - P) / step there, a hair inside the domain."""
    found = []
    for W, step in case.steps():
        P = case.ask("prox", W, step)
        V = (1 - 1e-12) * (W - P) / step
        found.append((P, np.where(np.abs(V) < 1e-11, 0.0, V)))
    return found


@LAWS.law("value", "prox", "conjugate")
def conjugate_and_value_meet_at_subgradients(case: PenaltyCase) -> Finding | None:
    """At V = (W - P) / step with P = prox(W, step), value(P) + conjugate(V) = <P, V> (Fenchel-Young)."""
    skip_unless(case.penalty.convex, "convex=False")
    for P, V in subgradients(case):
        said, wanted = float(case.ask("conjugate", V)), inner(P, V) - case.value(P)
        if not abs(said - wanted) <= 1e-8 * (1.0 + abs(inner(P, V)) + inner(V, V)):
            found = f"conjugate says {number(said)}, <P, V> - value is {number(wanted)}{ratio(said, wanted)}"
            return Finding(f"P={number(P)}, V={number(V)}", found, "conjugate: sup over W of <V, W> - value(W)")
    return None


@LAWS.law("value", "conjugate")
def conjugate_is_never_too_small(case: PenaltyCase) -> Finding | None:
    """For all W and V, value(W) + conjugate(V) >= <W, V>: else the duality gap would be too small."""
    for V in [*case.coefs, *(0.1 * W for W in case.coefs)]:
        conjugate = float(case.ask("conjugate", V))
        for W in [*case.coefs, *(100.0 * W for W in case.coefs), 100.0 * V, V]:
            value, product = case.value(W), inner(W, V)
            if value + conjugate < product - 1e-9 * (1.0 + abs(product)):
                found = f"conjugate says {number(conjugate)}, but <W, V> - value is {number(product - value)}"
                return Finding(case.at(W, V=V), found, "conjugate: inf where V is outside the dual ball")
    return None


@LAWS.law("conjugate", "critical_alpha")
def homogeneous_means_a_dual_ball(case: PenaltyCase) -> Finding | None:
    """If homogeneous, conjugate(V) is 0 where critical_alpha(-V) <= 1 and inf elsewhere."""
    skip_unless(case.penalty.homogeneous, "homogeneous=False")
    for V in case.coefs:
        edge = float(case.ask("critical_alpha", -V))
        if not (np.isfinite(edge) and edge > 0):
            continue
        for factor, wanted in ((1 - 1e-6, 0.0), (1 + 1e-6, np.inf)):
            said = float(case.ask("conjugate", factor * V / edge))
            if not (said == wanted or abs(said) < 1e-12 == (wanted == 0)):
                found = f"conjugate is {number(said)} at V times {factor}, expected {number(wanted)}"
                return Finding(f"V={number(V / edge)}", found, "conjugate or critical_alpha: the dual norm")
    return None


@LAWS.law("prox", "critical_alpha")
def critical_alpha_is_where_zero_becomes_optimal(case: PenaltyCase) -> Finding | None:
    """W = 0 is optimal from critical_alpha(gradient) on, and not below: prox(-step gradient / alpha, step) is 0."""
    step = 0.1
    for G in case.coefs[:-1]:
        alpha = float(case.ask("critical_alpha", G))
        above = () if np.isinf(alpha) else ((alpha * (1 + 1e-6), True),)
        below = 1e6 if np.isinf(alpha) else alpha * (1 - 1e-3)
        for trial, zero in (*above, (below, False)):
            if trial <= 0:
                continue
            Z = case.ask("prox", -step * G / trial, step)
            if (np.abs(Z).max() <= 1e-12) != zero:
                found = (
                    f"it is {number(alpha)}, but with alpha={number(trial)} zero is "
                    f"{'not ' if zero else ''}optimal: prox says {number(Z)}"
                )
                return Finding(f"gradient={number(G)}", found, "critical_alpha: the dual norm of the gradient")
    return None


# Optimality ----------------------------------------------------------------------------------------------------------


@LAWS.law("prox", "kkt")
def kkt_is_zero_at_an_optimum(case: PenaltyCase) -> Finding | None:
    """kkt(W, gradient, alpha) is 0 where -gradient / alpha is a subgradient at W, and not where it is none."""
    alpha = 0.7
    for P, V in subgradients(case):
        kkt = np.asarray(case.ask("kkt", P, -alpha * V, alpha))
        if kkt.shape != P.shape or not np.abs(kkt).max() <= 1e-7 * (1.0 + np.abs(V).max()):
            found = f"kkt says {number(kkt)}, expected 0"
            return Finding(case.at(P, gradient=-alpha * V, alpha=alpha), found, "kkt")
    return None


@LAWS.law("prox", "kkt", "blocks")
def kkt_is_the_distance_to_an_optimum(case: PenaltyCase) -> Finding | None:
    """A kkt of your own is, block by block, the distance of -gradient from alpha times the subgradients at W."""
    skip_unless(overrides(case.penalty, Penalty, "kkt"), "inherited")
    alpha, step = 0.7, 1e-8  # of a proximal gradient step, whose length per step tends to the distance
    for W, G in zip(case.admitted(), case.coefs, strict=False):
        G = np.roll(G, 1, axis=0)
        moved = (W - case.ask("prox", W - step * G, step * alpha)) / step
        labels = np.asarray(case.ask("blocks", W))
        wanted = np.sqrt(np.bincount(labels.ravel(), moved.ravel() ** 2))[labels]
        kkt = np.asarray(case.ask("kkt", W, G, alpha))
        if not np.allclose(kkt, wanted, rtol=1e-5, atol=1e-5):
            found = f"kkt says {number(kkt)}, a small proximal step says {number(wanted)}"
            return Finding(case.at(W, gradient=G, alpha=alpha), found, "kkt")
    return None


@LAWS.law("value", "majorise")
def majorise_lies_above(case: PenaltyCase) -> Finding | None:
    """majorise(W) is convex, and grows at least as much as the penalty from W to anywhere."""
    skip_unless(not case.penalty.convex, "convex=True")
    for W in case.coefs:
        bound = case.penalty.majorise(W.copy())
        if not bound.convex:
            return Finding(case.at(W), f"majorise returns {bound!r}, which is not convex", "majorise")
        for V in case.coefs:
            rise, most = case.value(V) - case.value(W), float(bound.value(V)) - float(bound.value(W))
            if rise > most + 1e-9 * (1.0 + abs(rise)):
                found = f"the penalty rises by {number(rise)} up to V={number(V)}, the majorant by {number(most)}"
                return Finding(case.at(W), found, "majorise: the tangent in |W|")
    return None
