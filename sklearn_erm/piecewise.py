"""Piecewise linear losses along alpha: an objective's solution, column by column, as a homotopy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.objective import Objective
from sklearn_erm.solvers.homotopy import Homotopy, Problem
from sklearn_erm.splitting import Dual, fits

Array = NDArray[Any]

ENTRIES = 2**22  # of X, at most, in memory a second time
FEW, PER_ENTRY, LINEAR = 100, 1 / 1000, 2.5  # events that cost a fit: of any, for X, the factor without curvature


def carries(problem: Objective) -> bool:
    """Return whether solutions of a problem can be carried from one alpha to another."""
    entries = problem.design.n_samples * problem.design.n_features * problem.n_outputs
    return problem.loss.has("pieces") and problem.penalty.has("elastic") and entries <= ENTRIES


class Carrier:
    """Solutions along alpha: from the last one, of whatever origin, to the next."""

    def __init__(self, problem: Objective):
        design = problem.design
        self.rows = np.flatnonzero(problem.weight > 0)
        self.X = np.vstack([block.copy() for _, block in design.blocks(self.rows, ones=False)])
        self.weight = problem.weight[self.rows]
        self.kinks, self.slopes, c, d = problem.loss.pieces(problem.y)
        d = d if problem.offset is None else d + c * problem.offset
        shape = (len(problem.y), problem.n_outputs)
        self.c, self.d = (part.reshape(shape)[self.rows] for part in (c, d))
        self.most = int((FEW + PER_ENTRY * self.X.size) * (1.0 if problem.penalty.smooth else LINEAR))
        self.lost = self.rest = 0  # ways in a row that led nowhere; alphas before another is tried
        self.at: Array | None = None
        self.homotopies: list[Homotopy] = []

    def carry(self, problem: Objective, last: OptimizeResult, alpha: float, most: int) -> OptimizeResult:
        """Return a point near the solution of a problem, if not that itself, given the solution at another alpha.

        There are at most so many events on the way.
        """
        same = self.at is not None and np.array_equal(self.at, last.x)
        if self.at is not None:
            self.lost = 0 if same else self.lost + 1
            self.rest = 2**self.lost // 2
        self.rest -= 1
        if alpha <= 0 or self.rest > 0 or not fits(last.get("multiplier"), problem):
            self.at = None
            return last
        if not same:
            self.homotopies = self._begin(problem, last, alpha)
        lasso, bend = problem.penalty.elastic(problem.design.n_features)
        events = 0
        for homotopy in self.homotopies:
            homotopy.problem = homotopy.problem._replace(lasso=lasso, bend=bend)
            events += homotopy.move(problem.alpha, min(self.most, most - events))
        found = self._found(problem, events, last)
        self.at = found.x
        return found

    def _begin(self, problem: Objective, last: OptimizeResult, alpha: float) -> list[Homotopy]:
        """Return a homotopy for every output."""
        W, b = problem.split(last.x)
        W, b, u = W.reshape(len(W), -1), np.ravel(b), last.multiplier.loss.reshape(len(problem.y), -1)[self.rows]
        lasso, bend = problem.penalty.elastic(len(W))
        homotopies = []
        for k in range(W.shape[1]):
            c = self.c[:, k]
            piecewise = Problem(
                c[:, None] * self.X,
                c,
                self.d[:, k],
                self.weight,
                self.kinks,
                self.slopes,
                lasso,
                bend,
                problem.design.intercept,
            )
            homotopies.append(Homotopy(piecewise, W[:, k], float(b[k]), c * u[:, k], alpha))
        return homotopies

    def _found(self, problem: Objective, events: int, last: OptimizeResult) -> OptimizeResult:
        """Return where the homotopies are, as a neighbour."""
        W = np.stack([each.w for each in self.homotopies], axis=1)
        b = np.array([each.b for each in self.homotopies])
        x = problem.join(W.reshape(-1, *problem.shape), b)
        u = problem.loss.gradient(problem.y, problem.at(x).eta)
        u.reshape(len(u), -1)[self.rows] = self.c * np.stack([each.v for each in self.homotopies], axis=1)
        return OptimizeResult(x=x, events=events, multiplier=Dual(u, None), steps=last.get("steps", []))
