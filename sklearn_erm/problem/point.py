"""Points of the objective and lines between them: what was computed there is kept, and lines cost no pass over X."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.problem.certificate import gap_at
from sklearn_erm.problem.contract import Problem
from sklearn_erm.samples.contract import Samples, State

Array = NDArray[Any]


class RiskAt:
    """The risk at some scores, and its derivatives there, each computed once."""

    def __init__(self, samples: Samples, loss: Loss, scores: State):
        self.samples, self.loss, self.scores = samples, loss, scores

    @cached_property
    def value(self) -> float:
        """The weighted mean of the loss."""
        return float(self.samples.total(self.loss, "value", self.scores))

    @cached_property
    def slopes(self) -> State:
        """The derivative of the loss in the scores, per sample."""
        return self.samples.slopes(self.loss, self.scores)

    @cached_property
    def gradient(self) -> tuple[Array, Array]:
        """The gradient of the risk in W and in b."""
        return self.samples.pull_back(self.slopes)


class Point:
    """A point x, its scores, and what was computed there."""

    def __init__(self, objective: Problem, x: Array, scores: State, known: RiskAt | None = None):
        self.objective = objective
        self.x = x
        self.scores = scores
        self.W, self.b = objective.split(x)
        self.risk_at = RiskAt(objective.samples, objective.loss, scores) if known is None else known

    def of(self, objective: Problem) -> Point:
        """Return the same point of another problem with the same data."""
        return Point(objective, self.x, self.scores, self.risk_at if objective.loss is self.objective.loss else None)

    @property
    def risk(self) -> float:
        """The weighted mean of the loss."""
        return self.risk_at.value

    @property
    def slopes(self) -> State:
        """The derivative of the loss in the scores, per sample."""
        return self.risk_at.slopes

    @property
    def risk_gradient(self) -> tuple[Array, Array]:
        """The gradient of the risk in W and in b."""
        return self.risk_at.gradient

    @cached_property
    def value(self) -> float:
        """The objective."""
        return self.risk + self.objective.alpha * float(self.objective.penalty.value(self.W))

    @cached_property
    def gradient(self) -> Array:
        """The gradient of the objective, flat, without the penalty's share where that has none."""
        problem, (gW, gb) = self.objective, self.risk_gradient
        return problem.join(gW + problem.alpha * problem.penalty.gradient(self.W), gb)

    @cached_property
    def gap(self) -> float:
        """The relative duality gap that the derivative of the loss shows."""
        return gap_at(self.objective, self, None, None)


def inside(objective: Problem, x: Array) -> Array:
    """Return the point nearest to x within the bounds of an objective's penalty."""
    W, b = objective.split(x)
    inner = objective.penalty.inside(W)
    return x if inner is W or np.array_equal(inner, W) else objective.join(inner, b)


class Line:
    """The objective along x + t d, at no pass over X but the one that maps d to scores.

    ``end`` is x + d, free of rounding: entries at zero or at a bound are there exactly.
    """

    def __init__(self, objective: Problem, x: Array, direction: Array, end: Array | None = None):
        self.objective = objective
        self.start = objective.at(x)
        self.direction = direction
        self.end = x + direction if end is None else end
        self.dW, self.db = objective.split(direction)
        self.change = objective.samples.change(self.dW, self.db)
        self._last: Point | None = None
        self._at = 0.0

    @property
    def most(self) -> float:
        """The largest t: 1 where bounds lie ahead, inf where there are none."""
        ahead = np.isfinite(self.objective.penalty.reach(self.start.W, self.dW))
        return 1.0 if ahead.any() else np.inf

    def value(self, t: float) -> float:
        """Return the objective at t."""
        return (self.start if t == 0 else self._point(t)).value

    def slope(self, t: float) -> float:
        """Return the derivative of the objective in t."""
        problem, point = self.objective, self._point(t)
        penalty = float(np.vdot(problem.penalty.gradient(point.W), self.dW))
        return problem.samples.inner(point.slopes, self.change) + problem.alpha * penalty

    def accept(self, t: float) -> Array:
        """Return x + t d, and let the objective remember what was computed there."""
        point = self._point(t)
        self.objective.remember(point)
        return point.x

    def _point(self, t: float) -> Point:
        """Return the point x + t d, from memory if t is the last one."""
        if self._last is None or self._at != t:
            x = self.end if t == 1.0 else self.start.x + t * self.direction
            scores = self.objective.samples.moved(self.start.scores, t, self.change)
            self._last, self._at = Point(self.objective, x, scores), t
        return self._last
