"""Piecewise linear losses along alpha: an objective's solution, column by column, as a homotopy."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.homotopy import LARGEST, SLACK, Homotopy, Problem
from sklearn_erm.problem.multipliers import Dual, fits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.state import State
from sklearn_erm.samples.strips import beside

Array = NDArray[Any]

# If X has more entries than this, then solutions are not carried, because that takes X in memory a second time (32 MB).
ENTRIES = 2**22
# If there are more samples on kinks than a solution has, by more than this, then it is not sought, because the way to
# it is long.
FAR = 20
# If it was sought so many times, then it is not sought again, because it was not reached.
TRIES = 3
# If the way to the next alpha has more events than this, then it is left, because a fit costs no more.
FEW = 100
# If X is large, then so many more events are allowed for each of its entries, because a fit costs more.
PER_ENTRY = 1 / 1000
# If the penalty has no curvature, then this many times as many events are allowed, because a fit costs so much more.
LINEAR = 2.5


def carries(problem: Objective) -> bool:
    """Return whether solutions of a problem can be carried from one alpha to another."""
    entries = problem.samples.n_samples * problem.samples.n_features * problem.n_outputs
    return problem.samples.here and problem.loss.has("pieces") and problem.penalty.has("elastic") and entries <= ENTRIES


class Carrier:
    """Solutions along alpha: from the last one, of whatever origin, to the next. Columns are brought to unit size."""

    def __init__(self, problem: Objective):
        samples = problem.samples.local()
        design = samples.design
        self.rows = np.flatnonzero(samples.weight > 0)
        self.size = 2.0 ** np.round(np.log2(design.sizes))  # of a power of two, so that rounding stays the same
        self.X = np.vstack([block / self.size for _, block in design.blocks(self.rows, ones=False)])
        self.weight = samples.weight[self.rows]
        self.kinks, self.slopes, c, d = problem.loss.pieces(samples.y)
        d = d if samples.offset is None else d + c * samples.offset
        shape = (samples.n_samples, problem.n_outputs)
        self.c, self.d = (part.reshape(shape)[self.rows] for part in (c, d))
        self.most = int((FEW + PER_ENTRY * self.X.size) * (1.0 if problem.penalty.smooth else LINEAR))
        self.lost = 0  # solutions in a row that were not reached
        self.rest = 0  # alphas to leave to fits before the next is carried
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
        if alpha <= 0 or self.rest > 0 or not fits(last.get("dual"), problem.has_kinks):
            self.at = None
            return last
        if not same:
            self.begin(problem, last, alpha)
        found = self.move(problem, min(self.most, most))
        found.steps, self.at = last.get("steps", []), found.x
        return found

    def move(self, problem: Objective, most: int) -> OptimizeResult:
        """Go to the solution of a problem, or as far as so many events allow."""
        lasso, bend = self._elastic(problem)
        events = 0
        for homotopy in self.homotopies:
            homotopy.problem = homotopy.problem._replace(lasso=lasso, bend=bend)
            events += homotopy.move(problem.alpha, most - events)
        W = np.stack([each.w / self.size for each in self.homotopies], axis=1)
        b = np.array([each.b for each in self.homotopies])
        x = problem.join(W.reshape(-1, *problem.shape), b)
        u = problem.at(x).slopes.values.copy()
        u.reshape(len(u), -1)[self.rows] = self.c * np.stack([each.v for each in self.homotopies], axis=1)
        return OptimizeResult(x=x, events=events, dual=Dual(State(u), None))

    def begin(self, problem: Objective, last: OptimizeResult, alpha: float) -> None:
        """Start at a solution, or near one, a homotopy for every output."""
        W, b = problem.split(last.x)
        W, b = W.reshape(len(W), -1), np.ravel(b)
        u = last.dual.loss.values.reshape(problem.samples.n_samples, -1)[self.rows]
        lasso, bend = self._elastic(problem)
        self.homotopies = []
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
                problem.samples.intercept,
            )
            self.homotopies.append(Homotopy(piecewise, self.size * W[:, k], float(b[k]), c * u[:, k], alpha))

    def _elastic(self, problem: Objective) -> tuple[Array, Array]:
        """Return lasso and ridge of coefficients of columns of unit size."""
        lasso, bend = problem.penalty.elastic(problem.samples.n_features)
        return lasso / self.size, bend / self.size**2


class Crossover:
    """From multipliers near those of a solution to the solution, if that is not far."""

    def __init__(self, problem: Objective):
        self.problem = problem
        self.kinks, self.slopes, self.c, _ = problem.loss.pieces(problem.samples.local().y)
        self.tries = 0
        self.least: float = FAR if problem.penalty.smooth else LINEAR * FAR

    def __call__(self, x: Array, dual: Dual, most: int) -> OptimizeResult | None:
        """Return the solution, or where the way to it ended; None if there are too many samples on kinks to set out.

        A solution has at most as many there as it has coefficients.
        """
        problem, weight = self.problem, self.problem.samples.local().weight
        assert dual.loss is not None  # carried losses have kinks
        v = self.c * dual.loss.values
        low, high = self.slopes[0], self.slopes[-1]
        apart = np.min([np.abs(v - slope) for slope in self.slopes], axis=0)
        inside = int(np.count_nonzero((apart > SLACK * (high - low)) & (beside(weight, v) > 0)))
        W, _ = problem.split(x)
        unknowns = int(np.count_nonzero(W)) + problem.n_outputs * problem.samples.intercept
        excess = inside - unknowns
        if excess > self.least or self.tries >= TRIES or unknowns + inside > LARGEST * problem.n_outputs:
            return None
        self.tries, self.least = self.tries + 1, excess / 2
        carrier = Carrier(problem)
        carrier.begin(problem, OptimizeResult(x=x, dual=dual), problem.alpha)
        return carrier.move(problem, min(most, FEW + 2 * max(excess, 0)))


def scores_without(problem: Objective, x: Array, dual: State, samples: Array) -> Array:
    """Return the scores that the solutions without some samples, one at a time, give these; nan where none was reached.

    From the solution to all, and for one score a sample. The samples have weights > 0.
    """
    carrier = Carrier(problem)
    carrier.begin(problem, OptimizeResult(x=x, dual=Dual(dual, None)), problem.alpha)
    whole = carrier.homotopies[0]
    whole.move(problem.alpha, FEW)
    scores = np.full(len(samples), np.nan)
    for k, i in enumerate(np.searchsorted(carrier.rows, samples) if whole.arrived else []):
        one = whole.without(int(i))
        one.move(problem.alpha, 10 * FEW)
        if one.arrived:
            scores[k] = carrier.X[i] @ one.w + one.b
    offset = problem.samples.local().offset
    return scores if offset is None else scores + offset[samples]
