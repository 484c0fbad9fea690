"""Smaller problems with the same solution, or with one near by: in the row space, in the column space, on some rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import SquaredError
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples import spaces
from sklearn_erm.samples.dependent import column_basis

Array = NDArray[Any]
Lift = Callable[[Array], Array]

# If features are at most so many, then the row space does not pay, because the problem is small anyway.
WIDE = 300
# If samples are more, then it does not pay, because factorising their Gram matrix takes too long.
TALL = 4000
# If X has fewer entries, then the column space does not pay.
MANY = 10**5
# If samples are at most so many, then a first fit to some of them does not pay.
LONG = 4000
# Such a fit is to one sample in so many.
SHARE = 8
# It is to so many at most, because they suffice for a first point however many there are.
ROWS = 50_000
# A basis of the columns may magnify a gradient by so much before the tolerance stops following.
MOST = 100.0


def row_space_pays(problem: Objective) -> bool:
    """Return whether the same problem in the row space of X is much smaller."""
    n, p = problem.samples.n_samples, problem.samples.n_features
    return problem.samples.here and problem.penalty.rotation_invariant and p > WIDE and 2 * n <= p and n <= TALL


def in_row_space(problem: Objective) -> tuple[Objective, Lift]:
    """Return the problem in the row space of X, and the map from its points to the whole one's.

    A rotation of the features changes neither scores nor penalty, and none but those in the row space matter.
    """
    small, back = spaces.in_row_space(problem.samples.local())
    reduced = Objective(problem.loss, problem.penalty, problem.alpha, small)

    def lift(x: Array) -> Array:
        V, b = reduced.split(x)
        return problem.join(back(V), small.intercept_of(V, b))

    return reduced, lift


def in_basis(problem: Objective) -> tuple[Objective, Lift, Lift, float] | None:
    """Return the problem in a basis of its columns, the map from the whole one's points to its, and the one back.

    The latter returns the coefficients of least Euclidean norm: among those of the same scores, and, of a joint loss
    that sees differences of scores only, with mean 0 over the outputs. The last number is the share of the tolerance
    that the gradient in the basis has to meet for that in all columns to meet it.

    None if the columns are independent, or if some coefficients are penalised or constrained.
    """
    if problem.penalty.coercive or not problem.samples.here:
        return None
    W = np.zeros((problem.samples.n_features, *problem.shape))
    if problem.penalty.unconstrained() is not problem.penalty or not np.all(problem.penalty.unpenalised(W)):
        return None
    basis = column_basis(problem.samples.local().design)
    if basis is None:
        return None
    reduced = problem.with_columns(basis.index)

    def restrict(x: Array) -> Array:
        W, b = problem.split(x)
        return reduced.join(basis.restrict(W), b)

    def lift(x: Array) -> Array:
        V, b = reduced.split(x)
        W = basis.extend(V)
        if problem.loss.shift_invariant:
            W -= W.mean(axis=1, keepdims=True)
        return problem.join(W, b)

    return reduced, restrict, lift, 1.0 / min(basis.magnification(problem.samples.deviations), MOST)


def column_space_pays(problem: Objective) -> bool:
    """Return whether the same problem with one row per feature is much smaller: of a square loss, many rows."""
    n, p = problem.samples.n_samples, problem.samples.n_features
    return problem.loss.is_square and 4 * p < n and max(p * p, MANY) <= problem.samples.entries


def in_column_space(problem: Objective) -> tuple[Objective, Lift]:
    """Return the problem with one row per feature, and the map from its points to the whole one's."""
    b = problem.split(problem.null)[1]
    small = spaces.in_column_space(problem.samples, b)
    reduced = Objective(SquaredError(), problem.penalty, problem.alpha, small)
    return reduced, lambda x: problem.join(reduced.split(x)[0], b)


def subsample_pays(problem: Objective) -> bool:
    """Return whether the rows are so many that some of them tell where to start."""
    n = problem.samples.n_samples
    return not problem.has_kinks and n > LONG and n > 40 * problem.samples.n_features * problem.n_outputs


def on_subsample(problem: Objective) -> Objective:
    """Return the problem on an eighth of the rows, or on ``ROWS`` if that is less, drawn at random by a fixed seed."""
    part = problem.samples.draw(min(problem.samples.n_samples // SHARE, ROWS))
    return Objective(problem.loss, problem.penalty, problem.alpha, part)


def newton_on_support(objective: Objective, x: Array) -> Array:
    """Return x after Newton's step in the coefficients that are not zero, or x itself if one would change sign."""
    W, b = objective.split(x)
    index = np.flatnonzero(W.reshape(len(W), -1).any(axis=1))
    small = objective.with_columns(index)
    start = small.join(W[index], b)
    free = np.concatenate([(W[index] != 0).ravel(), np.ones(start.size - W[index].size, dtype=bool)])
    step, H = np.zeros(start.size), small.hess(start).dense()[np.ix_(free, free)]
    root = np.sqrt(np.abs(np.diag(H)))  # so that the unit of a column does not decide what is singular
    root[root == 0] = 1.0
    step[free] = -np.linalg.lstsq(H / root / root[:, None], small.jac(start)[free] / root)[0] / root
    size = W[index].size
    same = np.all(np.sign(start[:size] + step[:size]) == np.sign(start[:size]))
    return objective.adopt(small, start + step, index) if same else x
