"""Linearly dependent columns: a basis of them, and the coefficients of least norm that give the same scores."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack, qr, solve_triangular

from sklearn_erm.samples.design import Design

Array = NDArray[Any]

EPS = float(np.finfo(float).eps)
DEPENDENT = 10.0  # a column is dependent if so many roundings of its entries explain what the others leave of it
DISTINCT = 1e-8  # if all pivots of a scaled Gram matrix exceed this, then the columns are independent
SAMPLE = 4  # rows per column on which dependence is looked for first
MOST = 2**26  # entries of X, at most, of those rows: in memory as a dense array, in double precision
PROBES = 8  # random combinations of the dependent columns, which reveal rows that contradict the dependence


class ColumnBasis:
    """Independent columns that span all columns of X - 1 m^T.

    Every other column is their combination: with the columns in units of their size, Z_rest = Z_index T. So the scores
    of coefficients W are those of W_index + D^-1 T D_rest W_rest alone, D the sizes.

    Parameters
    ----------
    index, rest : ndarray of int
        The basis, and the other columns.
    T : ndarray of shape (r, p - r)
    size : ndarray of shape (p,)
        The columns' units; 0 for columns of zeros.
    """

    def __init__(self, index: Array, rest: Array, T: Array, size: Array):
        self.index, self.rest, self.size = index, rest, size
        self._across = T * (size[rest] / size[index, None])  # D^-1 T D_rest

    def restrict(self, W: Array) -> Array:
        """Return the coefficients of the basis that give the scores of W."""
        restricted: Array = W[self.index] + self._across @ W[self.rest]
        return restricted

    def extend(self, V: Array) -> Array:
        """Return the coefficients of least Euclidean norm that give the scores of coefficients V of the basis.

        They solve G W = V, G = [I, D^-1 T D_rest], and lie in the row space of G, which is that of X - 1 m^T. What the
        second pass leaves of G W - V is rounding in units of the scores, whatever the units of the columns.
        """
        W = np.zeros((len(self.index) + len(self.rest), *V.shape[1:]))
        for _ in range(2):
            missing = V - self.restrict(W)
            order, Q, R = self._factor
            W[order] += Q @ solve_triangular(R, missing, trans=1)
        return W

    def magnification(self, deviations: Array) -> float:
        """Return how much larger the gradient in some other column can be than all in the basis, in columns' units."""
        apart = deviations[self.rest] > 0
        across = np.abs(self._across[:, apart]) * (deviations[self.index, None] / deviations[self.rest[apart]])
        return float(across.sum(axis=0).max(initial=1.0))

    @cached_property
    def _factor(self) -> tuple[Array, Array, Array]:
        """Return an order of the columns, Q and R with G^T = Q R, rows in that order: large ones first."""
        G = np.hstack([np.eye(len(self.index)), self._across])
        order = np.argsort(-np.abs(G).max(axis=0, initial=0.0), kind="stable")
        Q, R = qr(G.T[order], mode="economic")
        return np.concatenate([self.index, self.rest])[order], Q, R


def column_basis(design: Design) -> ColumnBasis | None:
    """Return independent columns that span all of them; None if all or none are, or X is too large to tell.

    Dependence is looked for on some rows first: columns that are independent there are so everywhere. If some are not,
    then all rows are asked whether they agree, and those that do not are added, until none is left.
    """
    n, p = design.n_samples, design.n_features
    if min(n, SAMPLE * p) * p > MOST:
        return None
    rng = np.random.default_rng(0)
    rows = np.arange(n) if n <= SAMPLE * p else np.sort(rng.choice(n, SAMPLE * p, replace=False))
    Z, size = _unit_columns(design, rows)
    if _independent(Z):
        return None
    while True:
        noise = _noise(design, size, len(rows))
        index, rest, T = _pivots(Z / noise, design.intercept, rng)
        if not len(rest) or not len(index):
            return None
        basis = ColumnBasis(index, rest, T, size * noise)
        against = _contradicting(design, basis, rows, rng) if len(rows) < n else rows[:0]
        if not len(against):
            return basis
        few = rng.choice(against, min(len(against), 2 * len(rest) + PROBES), replace=False)
        rows = np.union1d(rows, few)
        Z, size = _unit_columns(design, rows)


def _pivots(Z: Array, centred: bool, rng: Any) -> tuple[Array, Array, Array]:
    """Return independent columns, the others, and T with Z_others = Z_independent T, columns in units of their noise.

    If there are many more columns than rows, then some of them usually span the space; all are looked at if not.
    """
    n, p = Z.shape
    some = np.sort(rng.choice(p, 2 * n, replace=False)) if p > 4 * n else np.arange(p)
    while True:
        Q, R, order = qr(Z[:, some], mode="economic", pivoting=True)
        rank = int(np.count_nonzero(np.abs(np.diag(R)) > 1.0))
        if len(some) == p or rank == n - centred:
            break
        some = np.arange(p)
    index = some[order[:rank]]
    rest = np.setdiff1d(np.arange(p), index)
    return index, rest, solve_triangular(R[:rank, :rank], Q[:, :rank].T @ Z[:, rest])


def _unit_columns(design: Design, rows: Array) -> tuple[Array, Array]:
    """Return some rows of X, columns divided by their norms, and these norms, 0 for columns of zeros.

    With an intercept, columns are centred at the means of these rows: rounding of the means of all would be seen.
    """
    Z = np.vstack([block.copy() for _, block in design.blocks(rows, ones=False)])
    if design.intercept:
        Z -= Z.mean(axis=0)
    largest = np.abs(Z).max(axis=0, initial=0.0)  # squares may overflow or vanish where norms do not
    constant = largest <= _rounding(design, len(rows)) * np.abs(design.means)
    largest[constant] = Z[:, constant] = 0.0
    Z /= _or_one(largest)
    norms = np.linalg.norm(Z, axis=0)
    Z /= _or_one(norms)
    if design.intercept:
        Z -= Z.mean(axis=0)
    return Z, largest * norms


def _independent(Z: Array) -> bool:
    """Return whether columns of norm 1 are clearly independent."""
    if Z.shape[0] < Z.shape[1] or not Z.any(axis=0).all():
        return False
    factor, failed = lapack.dpotrf(Z.T @ Z, lower=1)
    return not failed and bool(np.diag(factor).min(initial=1.0) ** 2 > DISTINCT)


def _rounding(design: Design, count: int) -> float:
    """Return what rounding may do to the entries of so many rows and to their combinations, in their unit."""
    return DEPENDENT * float(np.finfo(design.X.dtype).eps) + max(count, design.n_features) * EPS


def _noise(design: Design, size: Array, count: int) -> Array:
    """Return what rounding may do to columns, in units of their norms in so many rows: much to those far from zero."""
    offset = np.divide(np.abs(design.means), size, out=np.zeros(len(size)), where=size > 0)
    return _rounding(design, count) * (1.0 + np.sqrt(count) * offset)


def _contradicting(design: Design, basis: ColumnBasis, known: Array, rng: Any) -> Array:
    """Return the rows in which some column is not the combination of the basis that it is in the known rows."""
    W = np.zeros((design.n_features, PROBES))
    W[basis.rest] = rng.standard_normal((len(basis.rest), PROBES)) / _or_one(basis.size[basis.rest])[:, None]
    W[basis.index] = -basis.restrict(W)
    slack = _rounding(design, len(known)) * (_reach(design) @ np.abs(W))
    scores = design.dot(W)
    if design.intercept:
        scores -= scores[known].mean(axis=0)
    return np.flatnonzero(np.any(np.abs(scores) > slack, axis=1))


def _reach(design: Design) -> Array:
    """Return the largest size of the entries of each column of X."""
    high, low = design.X.max(axis=0), design.X.min(axis=0)
    if design.sparse:
        high, low = high.toarray(), low.toarray()
    return np.ravel(np.maximum(high, -low)).astype(float)


def _or_one(size: Array) -> Array:
    """Return sizes to divide by, 1 for 0."""
    return np.where(size > 0, size, 1.0)
