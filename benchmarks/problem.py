"""One problem of the benchmark: data, loss, penalty, and the value of its objective by a formula of its own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from formulas import CLASSIFICATION, LOSSES, null_residual
from scipy import sparse


class Answer(NamedTuple):
    """What a solver found.

    ``bound`` is a proved lower bound of the minimum, where the solver gives one; ``exact`` says that the solver has no
    tolerance, so that one run is all there is.
    """

    coef: Any
    intercept: Any = 0.0
    bound: float | None = None
    exact: bool = False


@dataclass(frozen=True)
class Problem:
    """Minimise  sum_i s_i loss(y_i, x_i w + b) + l1 |w|_1 + l2 |w|^2 / 2 + group sum_g sqrt(size_g) |w_g|.

    The s_i sum to 1. Labels are -1 and +1, or class numbers where there are more than two.
    """

    X: Any
    y: Any
    loss: str
    parameter: float | None = None
    l1: float = 0.0
    l2: float = 0.0
    group: float = 0.0
    groups: Any = None
    weight: Any = None
    intercept: bool = True

    @property
    def n(self) -> int:
        return int(self.X.shape[0])

    @property
    def p(self) -> int:
        return int(self.X.shape[1])

    @property
    def sparse(self) -> bool:
        return bool(sparse.issparse(self.X))

    @property
    def classification(self) -> bool:
        return self.loss in CLASSIFICATION

    @property
    def multinomial(self) -> bool:
        return self.classification and self.y.dtype.kind == "i"

    @property
    def penalty(self) -> str:
        """The name of the penalty: none, l1, l2, elasticnet or group_lasso."""
        if self.group:
            return "group_lasso"
        return {(0, 0): "none", (1, 0): "l1", (0, 1): "l2", (1, 1): "elasticnet"}[bool(self.l1), bool(self.l2)]

    @property
    def alpha(self) -> float:
        """The strength of an elastic net in the manner of scikit-learn: l1 + l2."""
        return self.l1 + self.l2

    @property
    def l1_ratio(self) -> float:
        return self.l1 / self.alpha if self.alpha else 0.0

    @cached_property
    def s(self) -> Any:
        """The weights, summing to 1."""
        return np.full(self.n, 1 / self.n) if self.weight is None else self.weight / self.weight.sum()

    @cached_property
    def group_sizes(self) -> Any:
        return np.bincount(self.groups)

    def value(self, answer: Answer) -> float:
        """Return the objective at an answer, nan where its numbers are not finite."""
        W = np.asarray(answer.coef, dtype=float)
        b = np.asarray(answer.intercept, dtype=float)
        if self.multinomial:
            eta = np.asarray(self.X @ W.T) + b
        else:
            W = W.ravel()
            eta = np.asarray(self.X @ W).ravel() + float(b.ravel()[0])
        if not (np.isfinite(eta).all() and np.isfinite(W).all()):
            return float("nan")
        total = self.s @ LOSSES[self.loss](self.y, eta, self.parameter)
        total += self.l1 * np.abs(W).sum() + 0.5 * self.l2 * (W**2).sum()
        if self.group:
            norms = np.sqrt(np.bincount(self.groups, weights=W**2))
            total += self.group * np.sqrt(self.group_sizes) @ norms
        return float(total)

    def alpha_max(self) -> float:
        """Return the smallest strength of the L1 or group penalty at which w = 0 is optimal."""
        residual = null_residual(self.loss, self.y, self.s, self.intercept, self.parameter)
        gradient = np.asarray(self.X.T @ (self.s * residual.T).T)
        if self.groups is None:
            return float(np.abs(gradient).max())
        return float(np.max(np.sqrt(np.bincount(self.groups, weights=gradient**2) / self.group_sizes)))

    def sample(self, size: int = 200) -> Problem:
        """Return the problem on a few of the rows, every class among them: for a warm-up."""
        if self.classification:
            classes = np.unique(self.y)
            share = max(2, size // len(classes))
            rows = np.concatenate([np.flatnonzero(self.y == label)[:share] for label in classes])
        else:
            rows = np.arange(min(size, self.n))
        return replace(self, X=self.X[rows], y=self.y[rows], weight=None if self.weight is None else self.weight[rows])
