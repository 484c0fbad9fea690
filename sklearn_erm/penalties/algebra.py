"""Sums of penalties, and penalties times a number."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.none import NoPenalty
from sklearn_erm.penalties.part import Part


def multiply(penalty: Penalty, factor: float) -> Penalty:
    """Return factor * penalty; a sum is multiplied term by term, and 0 times a penalty is none.

    Raises
    ------
    TypeError, ValueError
        If the factor is not a real number, or negative or not finite.
    """
    require_in_range(Scaled(penalty, factor), "factor", factor, 0, np.inf, "[)")
    return _collect([(float(factor) * own, term) for own, term in penalty.terms()])


def divide(penalty: Penalty, divisor: float) -> Penalty:
    """Return penalty / divisor.

    Raises
    ------
    TypeError, ValueError
        If the divisor is not a real number, or not positive and finite.
    """
    require_in_range(Scaled(penalty), "divisor", divisor, 0, np.inf, "()")
    return multiply(penalty, 1.0 / divisor)


def add(first: Penalty, second: Penalty) -> Penalty:
    """Return first + second; the terms of sums are taken one by one."""
    return _collect(first.terms() + second.terms())


def _collect(terms: list[tuple[float, Penalty]]) -> Penalty:
    return _sum([term if factor == 1.0 else Scaled(term, factor) for factor, term in terms if factor > 0])


def _sum(terms: list[Penalty]) -> Penalty:
    return terms[0] if len(terms) == 1 else Sum(terms) if terms else NoPenalty()


class Scaled(Penalty):
    r"""A penalty times a number: what ``2.0 * L1()`` makes.

    .. math:: \Omega(W) = c \, \Omega_1(W)

    It has what the penalty has.

    Parameters
    ----------
    penalty : Penalty
        What is multiplied.
    factor : float >= 0
        What it is multiplied by. 0 is no penalty.
    """

    def __init__(self, penalty: Penalty, factor: float = 1.0):
        self.penalty = penalty
        self.factor = factor

    def terms(self) -> list[tuple[float, Penalty]]:
        return [(self.factor * factor, term) for factor, term in self.penalty.terms()]

    def has(self, method: str) -> bool:
        return self.penalty.has(method)

    def with_names(self, feature_names: Sequence[str] | None) -> Penalty:
        return Scaled(self.penalty.with_names(feature_names), self.factor)

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "factor", self.factor, 0, np.inf, "[)")
        bound = self.penalty.bind(n_features)
        return Scaled(bound, float(self.factor)) if self.factor > 0 else NoPenalty()

    def restrict(self, index: Array) -> Penalty:
        return Scaled(self.penalty.restrict(index), self.factor)

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """As the penalty; so are the other flags."""
        return self.penalty.convex

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        return self.penalty.smooth

    @property
    def separable(self) -> bool:  # type: ignore[override]
        return self.penalty.separable

    @property
    def blockwise(self) -> bool:  # type: ignore[override]
        return self.penalty.blockwise

    @property
    def couples_outputs(self) -> bool:  # type: ignore[override]
        return self.penalty.couples_outputs

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        return self.penalty.coercive

    @property
    def rotation_invariant(self) -> bool:  # type: ignore[override]
        return self.penalty.rotation_invariant

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return self.penalty.homogeneous

    @property
    def polyhedral(self) -> bool:  # type: ignore[override]
        return self.penalty.polyhedral

    @property
    def scaled_prox(self) -> bool:  # type: ignore[override]
        return self.penalty.scaled_prox

    def unpenalised(self, W: Array) -> Array:
        return self.penalty.unpenalised(W)

    def penalised(self, V: Array) -> Array:
        return self.penalty.penalised(V)

    def unconstrained(self) -> Penalty:
        return Scaled(self.penalty.unconstrained(), self.factor)

    def violation(self, Z: Array, size: Any) -> float:
        return self.penalty.violation(Z, size)

    def into_domain(self, W: Array) -> Array:
        return self.penalty.into_domain(W)

    def bounds_apart(self) -> Penalty:
        apart = self.penalty.bounds_apart()
        return self if apart is self.penalty else Scaled(apart, self.factor)

    def blocks(self, W: Array) -> Array:
        return self.penalty.blocks(W)

    def value(self, W: Array) -> float:
        return float(self.factor * self.penalty.value(W))

    def prox(self, W: Array, step: Any) -> Array:
        return self.penalty.prox(W, self.factor * step)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        return self.penalty.prox_derivative(W, self.factor * step)

    def gradient(self, W: Array) -> Array:
        return self.factor * self.penalty.gradient(W)

    def curvature(self, W: Array) -> Curvature:
        return self.penalty.curvature(W).scaled(self.factor)

    def support(self, W: Array) -> Array:
        return self.penalty.support(W)

    def parts(self) -> list[Part]:
        return [part._replace(factor=self.factor * part.factor) for part in self.penalty.parts()]

    def majorise(self, W: Array) -> Penalty:
        return Scaled(self.penalty.majorise(W), self.factor)

    def critical_alpha(self, gradient: Array) -> float:
        return self.penalty.critical_alpha(gradient) / self.factor

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        return self.penalty.kkt(W, gradient, self.factor * alpha)

    def elastic(self, n_features: int) -> tuple[Array, Array]:
        lasso, bend = self.penalty.elastic(n_features)
        return self.factor * lasso, self.factor * bend

    def entrywise(self, n_features: int) -> tuple[Array, Array, Array] | None:
        entries = self.penalty.entrywise(n_features)
        return None if entries is None else (self.factor * entries[0], self.factor * entries[1], entries[2])

    def conjugate(self, V: Array) -> float:
        return self.factor * self.penalty.conjugate(V / self.factor)

    def scaled_conjugate(self, V: Array) -> tuple[float, float]:
        share, conjugate = self.penalty.scaled_conjugate(V / self.factor)
        return share, self.factor * conjugate

    def inside(self, W: Array) -> Array:
        return self.penalty.inside(W)

    def within(self, W: Array, Z: Array) -> tuple[Array, Array]:
        return self.penalty.within(W, Z)

    def turns(self, W: Array, direction: Array) -> Array:
        return self.penalty.turns(W, direction)

    def reach(self, W: Array, direction: Array) -> Array:
        return self.penalty.reach(W, direction)


class Sum(Penalty):
    r"""A sum of penalties: what ``L1() + L2()`` makes.

    .. math:: \Omega(W) = \sum_i \Omega_i(W)

    A sum has no prox and no conjugate of its own, whatever its terms have. If it is not smooth, ``kkt`` is not there
    either: a sum is solved, and certified, by a multiplier for each of its ``parts``.

    Parameters
    ----------
    penalties : sequence of Penalty
        The terms.
    """

    def __init__(self, penalties: Sequence[Penalty]):
        self.penalties = penalties

    def terms(self) -> list[tuple[float, Penalty]]:
        return [term for penalty in self.penalties for term in penalty.terms()]

    def has(self, method: str) -> bool:
        if method in ("gradient", "curvature"):
            return all(penalty.has(method) for penalty in self.penalties)
        if method == "majorise":
            return not self.convex and all(penalty.convex or penalty.has(method) for penalty in self.penalties)
        return super().has(method)

    def with_names(self, feature_names: Sequence[str] | None) -> Penalty:
        return Sum([penalty.with_names(feature_names) for penalty in self.penalties])

    def bind(self, n_features: int) -> Penalty:
        bound = [penalty.bind(n_features) for penalty in self.penalties]
        return _sum([penalty for penalty in bound if penalty.terms()])

    def restrict(self, index: Array) -> Penalty:
        return Sum([penalty.restrict(index) for penalty in self.penalties])

    @property
    def convex(self) -> bool:  # type: ignore[override]
        """Whether every term is; so it is with the other flags, unless they say."""
        return all(penalty.convex for penalty in self.penalties)

    @property
    def smooth(self) -> bool:  # type: ignore[override]
        return all(penalty.smooth for penalty in self.penalties)

    @property
    def separable(self) -> bool:  # type: ignore[override]
        """Whether every term is, and smooth: kinks of several terms are not those of one block."""
        return all(penalty.smooth and penalty.separable for penalty in self.penalties)

    @property
    def couples_outputs(self) -> bool:  # type: ignore[override]
        """Whether any term does."""
        return any(penalty.couples_outputs for penalty in self.penalties)

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether any term is."""
        return any(penalty.coercive for penalty in self.penalties)

    @property
    def rotation_invariant(self) -> bool:  # type: ignore[override]
        return all(penalty.rotation_invariant for penalty in self.penalties)

    @property
    def homogeneous(self) -> bool:  # type: ignore[override]
        return all(penalty.homogeneous for penalty in self.penalties)

    @property
    def polyhedral(self) -> bool:  # type: ignore[override]
        return all(penalty.polyhedral for penalty in self.penalties)

    def unpenalised(self, W: Array) -> Array:
        return np.all([penalty.unpenalised(W) for penalty in self.penalties], axis=0)

    def support(self, W: Array) -> Array:
        return np.all([penalty.support(W) for penalty in self.penalties], axis=0)

    def value(self, W: Array) -> float:
        return sum(penalty.value(W) for penalty in self.penalties)

    def gradient(self, W: Array) -> Array:
        return np.sum([penalty.gradient(W) for penalty in self.penalties], axis=0)

    def curvature(self, W: Array) -> Curvature:
        return reduce(Curvature.plus, (penalty.curvature(W) for penalty in self.penalties))

    def parts(self) -> list[Part]:
        return [part for penalty in self.penalties for part in penalty.parts()]

    def entrywise(self, n_features: int) -> tuple[Array, Array, Array] | None:
        """Return the sums of what the terms say, if all are least at zero."""
        each = [penalty.entrywise(n_features) for penalty in self.penalties]
        known = [entries for entries in each if entries is not None and not np.any(entries[1] * entries[2])]
        if len(known) < len(each):
            return None
        lasso, bend = (np.sum([entries[k] for entries in known], axis=0) for k in (0, 1))
        return lasso, bend, np.zeros(n_features)

    def inside(self, W: Array) -> Array:
        return reduce(lambda Z, penalty: penalty.inside(Z), self.penalties, W)

    def majorise(self, W: Array) -> Penalty:
        return Sum([penalty if penalty.convex else penalty.majorise(W) for penalty in self.penalties])
