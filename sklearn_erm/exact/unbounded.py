"""Whether an objective has a minimiser at all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import null_space, qr
from scipy.optimize import linprog

from sklearn_erm.penalties import Penalty
from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]

# If a slope is below this share of the null model's, then its score may be on its way to infinity.
SMALL = 1e-2
# If it is below this share, then a program is asked, because Newton's step need not show it.
VANISHED = 1e-8
# If Newton's step moves a score by more, then no minimiser is near: far out on a way down it moves by 1.
MOVES = 0.1
# If losses rise along a direction by less than this share of the fall, then rounding may explain it.
ROUNDING = 1e-9
# The first linear program looks at so many samples per unknown.
ROWS = 5
# So many linear programs are asked at most, each with the samples that contradict the last one's solution.
ROUNDS = 100


def recedes(problem: Objective, x: Array) -> bool:
    """Return whether the objective falls for ever along some direction, or towards a value that it does not reach.

    Along such a direction of recession no sample's loss rises at infinity, that of some sample falls, and neither
    penalty nor constraints hold it back. A convex function that has none has a minimiser. Linear programs look for one,
    where x looks as if it were on its way along one.

    References
    ----------
    Rockafellar, *Convex Analysis*, section 27; Albert, Anderson, "On the existence of maximum likelihood estimates in
    logistic regression models", Biometrika 71(1), 1984.
    """
    if problem.penalty.coercive or problem.loss.attained or not (problem.samples.here and _suspicious(problem, x)):
        return False
    return any(cone.holds_one(x) for cone in _cones(problem))


def _suspicious(problem: Objective, x: Array) -> bool:
    """Return whether the losses of some samples have nearly ceased to fall, and x is not clearly near a minimiser."""
    u = np.abs(problem.at(x).slopes.values).reshape(problem.samples.n_samples, -1).min(axis=1)
    slopes = _far_slopes(problem)
    free = np.any(~slopes.any(axis=-1), axis=0).reshape(len(u), -1).any(axis=1)
    least = float((u / problem.reference[1])[free].min(initial=np.inf))
    if least > SMALL:
        return False
    if least <= VANISHED or problem.penalty.unconstrained() is not problem.penalty:
        return True
    moved = problem.line(x, problem.unpenalised_step(x)).change.values
    if problem.loss.shift_invariant:
        moved = moved - moved.mean(axis=1, keepdims=True)
    return not float(np.abs(moved).max(initial=0.0)) <= MOVES


def _far_slopes(problem: Objective) -> Array:
    """Return the extreme slopes of every sample's loss, (m, n, outputs, 1), or (m, n, 1, k) if the loss is joint."""
    y = problem.samples.local().y
    n, k = len(y), problem.n_outputs
    slopes = problem.loss.far_slopes(y, np.zeros((n, *problem.shape)))
    return slopes.reshape(len(slopes), n, *((1, k) if problem.loss.joint else (k, 1)))


def _cones(problem: Objective) -> Iterator[_Cone]:
    """Yield the cone of directions of recession of every output, of all of them together under a joint loss."""
    slopes = _far_slopes(problem)
    for output in range(slopes.shape[2]):
        yield _Cone(problem, slopes[:, :, output], output)


class _Cone:
    """The directions in which no loss rises at infinity, penalty-free, and inside what constraints allow for ever.

    Parameters
    ----------
    problem : Objective
    slopes : ndarray of shape (m, n, j)
        Extreme slopes of every sample's loss in its j scores: along delta the loss rises at the rate of the largest
        product with them, and falls if none is positive and some are negative.
    output : int
        The first of the j outputs.
    """

    def __init__(self, problem: Objective, slopes: Array, output: int):
        self.problem, self.slopes = problem, slopes
        self.outputs = slice(output, output + slopes.shape[2])
        design = problem.samples.local().design
        zeros = np.zeros((design.n_features, problem.n_outputs))
        penalty = problem.penalty.unconstrained()
        self.unit = np.where(design.deviations > 0, design.deviations, 1.0)
        free = penalty.unpenalised(zeros.reshape(-1, *problem.shape)).reshape(zeros.shape)[:, self.outputs]
        self.limits = list(getattr(problem.penalty, "constraints", []))
        self.basis: Any = sparse.diags_array(1.0 / self.unit, format="csr")  # W = basis @ what programs solve for
        self.tied = penalty.convex and _ties(penalty, free[:, 0])
        if self.tied:
            self.basis = _kernel(penalty, self.unit)
        if self.tied or not penalty.convex:  # beyond a knot nothing holds a coefficient back
            free = np.full((self.basis.shape[1], free.shape[1]), True)
        self.free = np.vstack([free, np.full((int(design.intercept), free.shape[1]), True)])

    def holds_one(self, x: Array) -> bool:
        """Return whether a direction exists: x itself perhaps, else what a linear program says."""
        if not self.free.any():
            return False
        for direction in (x, x - self.problem.null):
            if self._costs_nothing(direction) and self._falls(self._scores(direction)):
                return True
        return self._program(x)

    def _scores(self, direction: Array) -> Array:
        W, b = self.problem.split(direction)
        scores = self.problem.samples.change(W, b).values
        return scores.reshape(len(scores), -1)[:, self.outputs]

    def _costs_nothing(self, direction: Array) -> bool:
        """Return whether a direction leaves out what is penalised; constraints are left to linear programs."""
        if self.tied or self.limits:
            return False
        W = self.problem.split(direction)[0].reshape(len(self.unit), -1)[:, self.outputs]
        return not W[~self.free[: len(W)]].any()

    def _rates(self, scores: Array) -> Array:
        """Return the products of scores with the extreme slopes, (m, n)."""
        rates: Array = np.einsum("mnj,nj->mn", self.slopes, scores)
        return rates

    def _falls(self, scores: Array) -> bool:
        rates = self._rates(scores)
        fall = float(-rates.min(initial=0.0))
        return fall > 0 and float(rates.max(initial=0.0)) <= ROUNDING * fall

    def _program(self, x: Array) -> bool:
        """Return whether a direction of recession exists, by linear programs over growing sets of samples."""
        problem = self.problem
        size = int(self.free.sum())
        u = np.abs(problem.at(x).slopes.values).reshape(problem.samples.n_samples, -1)[:, self.outputs].max(axis=1)
        samples = np.sort(np.argsort(-u, kind="stable")[: ROWS * size])
        rng = np.random.default_rng(0)
        for _ in range(ROUNDS):
            equal, below, rows = self._rows(samples)
            found = self._solve(equal, below)
            if found is None:
                return False
            scores = self._scores_of(found)
            if self._falls(scores):
                return True
            rates = self._rates(scores)
            against = rates.max(axis=0) > ROUNDING * max(float(-rates.min(initial=0.0)), 1.0)
            if not against.any():
                kernel = null_space(rows) if len(rows) else np.eye(size)
                probe = self._scores_of(kernel @ rng.standard_normal(kernel.shape[1])) if kernel.size else 0.0 * scores
                against = np.abs(self._rates(probe)).max(axis=0) > ROUNDING
            new = np.setdiff1d(np.flatnonzero(against), samples)
            if not len(new):
                return False
            samples = np.union1d(samples, rng.choice(new, min(len(new), 2 * size), replace=False))
        return False

    def _scores_of(self, found: Array) -> Array:
        """Return the scores of a linear program's solution: the free entries, in units of their columns."""
        whole = np.zeros(self.free.shape)
        whole[self.free] = found
        count = self.basis.shape[1]
        return np.asarray(self.problem.samples.change(self.basis @ whole[:count], whole[count:].sum(axis=0)).values)

    def _rows(self, samples: Array) -> tuple[Array, Array, Array]:
        """Return what the samples want of the free entries: rows that are to be 0, at most 0, and all of them."""
        design, slopes = self.problem.samples.local().design, self.slopes[:, samples]
        A = np.vstack([block.copy() for _, block in design.blocks(samples)])
        A = np.hstack([A[:, : len(self.unit)] @ self.basis, A[:, len(self.unit) :]])
        rows = (slopes[:, :, None, :] * A[None, :, :, None])[:, :, self.free]
        size = np.abs(rows).max(axis=2, keepdims=True, initial=0.0)
        rows = rows / np.where(size > 0, size, 1.0)
        pinned = np.all(slopes.any(axis=2), axis=0) & (slopes.shape[2] == 1)  # slopes of both signs: no way to go
        below = rows[:, ~pinned].reshape(-1, rows.shape[2])
        below = np.unique(below[below.any(axis=1)], axis=0)
        equal = rows[0, pinned]
        return equal, below, np.vstack([equal, below])

    def _solve(self, equal: Array, below: Array) -> Array | None:
        """Return the direction along which most of the rows fall, each by at most 1; None if there is no answer."""
        more_equal, more_below = self._limit_rows()
        count, size = len(below), int(self.free.sum())
        A = sparse.vstack(
            [
                sparse.hstack([sparse.csr_array(below), sparse.eye_array(count, format="csr")]),
                sparse.hstack([sparse.csr_array(more_below), sparse.csr_array((len(more_below), count))]),
            ]
        )
        E = np.vstack([equal, more_equal])
        E = sparse.hstack([sparse.csr_array(E), sparse.csr_array((len(E), count))])
        result = linprog(
            np.concatenate([np.zeros(size), -np.ones(count)]),
            A_ub=A,
            b_ub=np.zeros(A.shape[0]),
            A_eq=E if E.shape[0] else None,
            b_eq=np.zeros(E.shape[0]) if E.shape[0] else None,
            bounds=[(None, None)] * size + [(0, 1)] * count,
            method="highs",
            options={"primal_feasibility_tolerance": 1e-10},
        )
        return None if result.x is None else result.x[:size]

    def _limit_rows(self) -> tuple[Array, Array]:
        """Return the rows of constraints, in the free entries: those that are to be 0, and at most 0."""
        p, j = len(self.unit), self.free.shape[1]
        equal, below = [np.zeros((0, p))], [np.zeros((0, p))]
        for part in self.limits:
            rows = np.eye(p) if part.matrix is None else _dense(part.matrix)
            box: Any = part.penalty
            low, high = np.isfinite(box.low), np.isfinite(box.high)
            equal.append(rows[low & high])
            below += [rows[high & ~low], -rows[low & ~high]]
        return self._of_each_output(np.vstack(equal), j), self._of_each_output(np.vstack(below), j)

    def _of_each_output(self, rows: Array, outputs: int) -> Array:
        rows = rows @ self.basis
        size = np.abs(rows).max(axis=1, keepdims=True, initial=0.0)
        rows = np.pad(rows / np.where(size > 0, size, 1.0), ((0, 0), (0, len(self.free) - rows.shape[1])))
        each = rows[:, None, :, None] * np.eye(outputs)[None, :, None, :]
        return each.reshape(-1, *self.free.shape)[:, self.free]


def _ties(penalty: Penalty, free: Array) -> bool:
    """Return whether other directions than those of free entries are unpenalised, as a random gradient tells."""
    v = np.random.default_rng(0).standard_normal(len(free))
    return not np.allclose(penalty.penalised(v), np.where(free, 0.0, v))


def _kernel(penalty: Penalty, unit: Array) -> Array:
    """Return a basis of the directions that a penalty leaves free, orthonormal if columns are in these units.

    What is penalised of a gradient is a projection M, so that they are the range of I - M^T, and its rank is the trace.
    """
    projection = np.eye(len(unit)) - penalty.penalised(np.eye(len(unit))).T
    rank = round(float(np.trace(projection)))
    sample = projection @ np.random.default_rng(0).standard_normal((len(unit), rank))
    return np.asarray(qr(unit[:, None] * sample, mode="economic")[0] / unit[:, None])


def _dense(matrix: Any) -> Array:
    return np.asarray(matrix.toarray() if sparse.issparse(matrix) else matrix, dtype=float)
