"""Where the laws of a penalty are looked at: coefficients, gradients, steps."""

from __future__ import annotations

from itertools import cycle
from typing import Any

import numpy as np

from sklearn_erm.penalties import Penalty
from sklearn_erm.testing.laws import Array, number, quietly

STEPS = (0.3, 2.0, 0.07)
BASE = ("blocks", "support", "unpenalised", "kkt", "restrict", "parts")  # what the base class has for all


class PenaltyCase:
    """A penalty, bound, with coefficients of one shape.

    Parameters
    ----------
    penalty : Penalty
    shape : tuple of int
        (p,) or (p, k).
    rng : numpy.random.Generator
    """

    def __init__(self, penalty: Penalty, shape: tuple[int, ...], rng: np.random.Generator):
        self.penalty, self.shape, self.rng = penalty, shape, rng
        self.broken: dict[str, str] = {}
        first, second = self.draw(), self.draw()
        rows = (np.arange(shape[0]) % 3 > 0).astype(float)
        ties = np.sign(second) * np.resize([1.7, 1.7, 0.45], shape)
        self.coefs = [first, second, (rows * first.T).T, np.where(np.abs(first) < 0.5, 0.0, second), ties]
        self.coefs += [np.abs(first), 5.0 * second, 0.1 * first, np.zeros(shape)]

    def draw(self) -> Array:
        """Return random coefficients, none very near to zero, short to print."""
        W = np.round(self.rng.normal(size=self.shape), 2)
        return np.where(np.abs(W) < 0.05, 0.05, W)

    def has(self, method: str) -> bool:
        """Return whether the penalty has a method, be it the base class's."""
        return method in BASE or self.penalty.has(method)

    def ask(self, method: str, *args: Any) -> Any:
        """Return a method's answer; the arrays that it gets are copies."""
        return quietly(getattr(self.penalty, method), *args)

    def value(self, W: Array) -> float:
        """Return Omega(W), inf where it says nan."""
        value = float(self.ask("value", W))
        return np.inf if np.isnan(value) else value

    def pairs(self) -> list[tuple[Array, Array]]:
        """Return coefficients, each with some others."""
        return list(zip(self.coefs, self.coefs[1:] + self.coefs[:1], strict=True))

    def steps(self) -> list[tuple[Array, Any]]:
        """Return coefficients, each with a step, or with a step for every entry as well where the prox takes that."""
        found: list[tuple[Array, Any]] = list(zip(self.coefs, cycle(STEPS), strict=False))
        if self.penalty.scaled_prox:
            found += [(W, step * np.exp(self.rng.normal(size=W.shape))) for W, step in found]
        return found

    def units(self) -> list[Array]:
        """Return the unit matrices."""
        return list(np.eye(int(np.prod(self.shape))).reshape(-1, *self.shape))

    def admitted(self) -> list[Array]:
        """Return the coefficients where the value is finite."""
        return [W for W in self.coefs if np.isfinite(self.value(W))]

    def directions(self, W: Array) -> list[Array]:
        """Return directions in which coefficients may have to move together."""
        largest = np.argsort(-np.abs(W), axis=None)
        signs, found = np.where(W < 0, -1.0, 1.0), self.units()
        for count in range(2, W.size + 1):
            chosen = np.isin(np.arange(W.size), largest[:count]).reshape(W.shape)
            found += [chosen * signs, (np.arange(W.size) < count).reshape(W.shape).astype(float)]
        found += [W, *self.rng.normal(size=(4, *self.shape))]
        return [d / np.linalg.norm(d) for d in found if np.any(d)]

    def at(self, W: Array, **more: Any) -> str:
        """Return in words where coefficients are."""
        extra = "".join(f", {name}={number(value)}" for name, value in more.items())
        return f"W={number(W)}{extra}"


def inner(A: Array, B: Array) -> float:
    """Return the inner product of two arrays of one shape."""
    return float(np.vdot(A, B))


def jacobian_of(derivative: Any) -> Array:
    """Return a derivative of a prox as one array."""
    d, U = derivative
    jacobian: Array = np.diag(np.ravel(d)) if U is None else np.diag(np.ravel(d)) + U @ U.T
    return jacobian
