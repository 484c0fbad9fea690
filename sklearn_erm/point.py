"""Points of the objective and lines between them: what was computed there is kept, and lines cost no pass over X."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Point:
    """A point x, its scores, and what was computed there."""

    def __init__(self, objective: Any, x: Array, eta: Array):
        self.objective = objective
        self.x = x
        self.eta = eta
        self.W, self.b = objective.split(x)

    @cached_property
    def risk(self) -> float:
        """The weighted mean of the loss."""
        problem = self.objective
        return float(np.sum(problem.weight @ problem.loss.value(problem.y, self.eta)))

    @cached_property
    def dual(self) -> Array:
        """The derivative of the loss in eta, per sample."""
        return self.objective.loss.gradient(self.objective.y, self.eta)

    @cached_property
    def risk_gradient(self) -> tuple[Array, Array]:
        """The gradient of the risk in W and in b."""
        return self.objective.pull_back(self.dual)

    @cached_property
    def gradient(self) -> Array:
        """The gradient of the objective, flat, without the penalty's share where that has none."""
        problem, (gW, gb) = self.objective, self.risk_gradient
        return problem.join(gW + problem.alpha * problem.penalty.gradient(self.W), gb)


class Line:
    """The objective along x + t d, at no pass over X but the one that maps d to scores."""

    def __init__(self, objective: Any, x: Array, direction: Array):
        self.objective = objective
        self.start = objective.at(x)
        self.direction = direction
        self.dW, self.db = objective.split(direction)
        self.delta = objective.scores(self.dW, self.db)
        self._last: tuple[float, Array, Array] | None = None

    def value(self, t: float) -> float:
        """Return the objective at t."""
        problem = self.objective
        eta = self.start.eta + t * self.delta
        risk = float(np.sum(problem.weight @ problem.loss.value(problem.y, eta)))
        return risk + problem.alpha * problem.penalty.value(self.start.W + t * self.dW)

    def slope(self, t: float) -> float:
        """Return the derivative of the objective in t."""
        problem = self.objective
        eta = self.start.eta + t * self.delta
        u = problem.loss.gradient(problem.y, eta)
        self._last = t, eta, u
        penalty = float(np.vdot(problem.penalty.gradient(self.start.W + t * self.dW), self.dW))
        return float(np.sum(problem.weight @ (u * self.delta)) + problem.alpha * penalty)

    def accept(self, t: float) -> Array:
        """Return x + t d, and let the objective remember its scores."""
        x = self.start.x + t * self.direction
        if self._last is None or self._last[0] != t:
            point = Point(self.objective, x, self.start.eta + t * self.delta)
        else:
            point = Point(self.objective, x, self._last[1])
            point.__dict__["dual"] = self._last[2]
        self.objective.remember(point)
        return x
