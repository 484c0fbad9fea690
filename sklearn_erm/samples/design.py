"""The data as one linear operator: dense or sparse, centred without copying, with the intercept as its last column."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.samples.gram import sparse_gram
from sklearn_erm.samples.location import Located, locate, sizes_of, spread_of, stored_everywhere, sums_of
from sklearn_erm.samples.parts import HereParts
from sklearn_erm.solvers.linear import ridged_cholesky

Array = NDArray[Any]

# A block of rows has so many entries in double precision, because 1 MB stays in a second-level cache.
BLOCK_ENTRIES = 2**17
# So many entries of X are multiplied from both sides at once, because two products share them in the cache.
STRIP_ENTRIES = 2**18
# If more entries are stored, then dense blocks make Gram matrices, because they beat sparse products (a9a: 0.11).
DENSE_ENOUGH = 0.15
# What a design is made of; all else follows from these.
OWN = ("X", "weight", "intercept", "sparse", "n_samples", "n_features", "_wide_type", "shift", "centre", "_varying")


class Design:
    """The operator (W, b) -> (X - 1 m^T) W + 1 b^T, with m the weighted column means.

    Without an intercept m = 0 and there is no b. With one, constant columns are treated as columns of zeros: the
    intercept already says what they could say.

    Parameters
    ----------
    X : ndarray, sparse matrix or sparse array of shape (n, p)
        Never changed, and not copied but for the entries of a sparse X with columns far from zero. Row by row block,
        float32 is widened and columns far from zero are moved near it.
    weight : ndarray of shape (n,)
        Sample weights with sum 1.
    intercept : bool
        Whether there is one.

    Attributes
    ----------
    shift : ndarray of shape (p,) or None
        What was taken off the columns far from zero, such as timestamps.
    centre : ndarray of shape (p,)
        Weighted means of the columns less ``shift``; 0 without intercept.
    """

    def __init__(self, X: Any, weight: Array, intercept: bool, located: Located | None = None):
        self.X = X
        self.weight = weight
        self.intercept = intercept
        self.sparse = sparse.issparse(X)
        self.n_samples, self.n_features = X.shape
        self._wide_type = X.dtype == np.float64
        self.shift: Array | None = None
        self.centre = np.zeros(self.n_features)
        self._varying: Array | None = None
        if intercept:
            self._take(located or locate(HereParts([self]), alone=True))

    def _take(self, located: Located) -> None:
        """Take over where the columns are."""
        self.shift, self.centre, self._varying, squares = located
        if self.sparse and self.shift is not None:
            X = self.X.tocsc()
            data = X.data.astype(float) - np.repeat(self.shift, np.diff(X.indptr))
            self.X = type(X)((data, X.indices, X.indptr), shape=X.shape)
            self._wide_type = True
            self.__dict__.pop("_by_column", None)
        if squares is not None:
            self.squares = squares

    def sums(self, shift: Array | None = None) -> Array:
        """Return the weighted sums of the columns of X, less shift."""
        return sums_of(self, shift)

    def spread(self, centre: Array) -> Array:
        """Return the weighted sum of squares of each column of X - 1 centre^T."""
        return spread_of(self, centre)

    def stored_everywhere(self) -> Array:
        """Return a mask of the columns of which every entry is stored."""
        return stored_everywhere(self)

    @property
    def means(self) -> Array:
        """The weighted means of the columns of X; 0 without intercept."""
        return self.centre if self.shift is None else self.centre + self.shift

    # -- products ---------------------------------------------------------------------------------------------------

    def dot(self, W: Array) -> Array:
        """Return (X - 1 m^T) W for W of shape (p,) or (p, k)."""
        if not W.any():
            return np.zeros((self.n_samples, *W.shape[1:]))
        return self._raw_dot(W) - self.centre @ W

    def rdot(self, R: Array) -> Array:
        """Return (X - 1 m^T)^T R for R of shape (n,) or (n, k)."""
        return self.adjoint(R)[0]

    def adjoint(self, R: Array) -> tuple[Array, Array]:
        """Return (X - 1 m^T)^T R and 1^T R for R of shape (n,) or (n, k)."""
        total = R.sum(axis=0)
        return self._centred(self.raw_rdot(R), total), total

    def _centred(self, product: Array, total: Any) -> Array:
        """Return (X - 1 m^T)^T R, given X^T R, which is overwritten, and 1^T R."""
        if self.intercept:
            product -= np.multiply.outer(self.centre, total)
        if self._varying is not None:
            product[~self._varying] = 0.0
        return product

    def sandwich(self, W: Array, b: Any, middle: Callable[[Array, Any], Array]) -> tuple[Array, Array]:
        """Return A^T middle(A (W, b)) in W and in b, in one pass over X.

        Parameters
        ----------
        W, b : ndarray
            As in ``dot``; b is 0 without intercept.
        middle : callable
            (scores, rows) -> what to do with the scores of some rows; rows is a slice.
        """
        shift = b - self.centre @ W
        product, total = np.zeros(W.shape), np.zeros(W.shape[1:])
        for part in self._strips():
            X = self.wide(part) if part != slice(None) else self.X
            scores = X @ W
            scores += shift
            inside = middle(scores, part)
            product += X.T @ inside
            total += inside.sum(axis=0)
        return self._centred(product, total), total

    def _strips(self) -> Iterator[slice]:
        """Return slices of rows that stay in a cache; of a sparse X in double precision, all at once."""
        return iter([slice(None)]) if self.sparse and self._wide_type else self.parts(STRIP_ENTRIES)

    def gram(self, left: Array) -> Array:
        """Return A^T diag(left) A with A = [X - 1 m^T, 1], or without the column of ones if there is no intercept."""
        least = left.min(initial=0.0)
        if least < 0 >= left.max(initial=0.0):
            return -self.gram(-left)
        rows = np.flatnonzero(left) if 2 * np.count_nonzero(left) < self.n_samples else None
        size = self.n_features + self.intercept
        if self.scattered:
            return self._sparse_gram(left, rows)
        gram = np.zeros((size, size))
        if least < 0:
            for part, block in self.blocks(rows):
                gram += block.T @ (left[part, None] * block)
            return gram
        root = np.sqrt(left)[:, None]
        for part, block in self.blocks(rows):
            scaled = np.multiply(root[part], block, out=None if self._small else block)
            gram += scaled.T @ scaled
        return gram

    def product_gram(self, V: Array) -> Array:
        """Return Z^T Z, Z the products of each column of A with each of V, those of one column of A side by side."""
        size = (self.n_features + self.intercept) * V.shape[1]
        gram = np.zeros((size, size))
        height = max(64, BLOCK_ENTRIES // max(size, 1))
        for part, block in self.blocks():
            left = V[part]
            for start in range(0, len(block), height):
                rows = slice(start, start + height)
                Z = (block[rows, :, None] * left[rows, None, :]).reshape(-1, size)
                gram += Z.T @ Z
        return gram

    @property
    def scattered(self) -> bool:
        """Whether X is so sparse that sparse products beat dense blocks."""
        return bool(self.sparse and self.X.nnz < DENSE_ENOUGH * self.n_samples * self.n_features)

    @property
    def entries(self) -> int:
        """The number of entries of X that are stored."""
        return int(self.X.nnz) if self.sparse else self.n_samples * self.n_features

    def row_gram(self, rows: Array) -> Array:
        """Return Z Z^T for Z the given rows of X - 1 m^T."""
        if self.n_samples <= 2 * len(rows):
            return self._row_gram_of_all[np.ix_(rows, rows)]
        return self._row_products(rows)

    def row_factor(self) -> Array:
        """Return a lower triangular L with L L^T = Z Z^T, Z = X - 1 m^T, and 1e-14 of its mean diagonal as a ridge."""
        return ridged_cholesky(self._row_gram_of_all.copy())

    @cached_property
    def _row_gram_of_all(self) -> Array:
        return self._row_products(np.arange(self.n_samples))

    def _row_products(self, rows: Array) -> Array:
        picked = self.rows(rows)
        if self.sparse:
            picked = picked.astype(float)
            product = (picked @ picked.T).toarray()
            cross = picked @ self.centre
            return product - cross[:, None] - cross[None, :] + self.centre @ self.centre
        product = np.zeros((len(rows), len(rows)))
        width = max(64, BLOCK_ENTRIES // max(len(rows), 1))
        for start in range(0, self.n_features, width):
            part = slice(start, start + width)
            block = picked[:, part] - self.centre[part]
            product += block @ block.T
        return product

    # -- columns, rows, blocks --------------------------------------------------------------------------------------

    @cached_property
    def squares(self) -> Array:
        """The weighted mean of (X - 1 m^T) squared, entrywise, per column."""
        spread = self.spread(self.centre)
        return spread if self._varying is None else spread * self._varying

    @cached_property
    def units(self) -> Array:
        """The mean square of the stored entries of each column of a sparse X; ``squares`` for a dense one."""
        if not self.sparse:
            return self.squares
        counts = np.diff(self._by_column.indptr)
        column = np.repeat(np.arange(self.n_features), counts)
        total = np.bincount(column, self._by_column.data.astype(float) ** 2, self.n_features)
        return total / np.maximum(counts, 1)

    @property
    def stored(self) -> Array | None:
        """The number of stored entries of each column of a sparse X."""
        return np.diff(self._by_column.indptr) if self.sparse else None

    @property
    def deviations(self) -> Array:
        """The weighted root mean square of each column of X - 1 m^T."""
        return np.sqrt(self.squares)

    @property
    def sizes(self) -> Array:
        """The deviations; of a constant column its size instead, of one of zeros the mean of the others."""
        return sizes_of(self.squares, self.means)

    def blocks(self, rows: Array | None = None, ones: bool = True) -> Iterator[tuple[Any, Array]]:
        """Yield (rows, block) over row blocks of A = [X - 1 m^T, 1] as float64, for all or for the given rows.

        A block lives until the next one; it is the caller's to change unless X is a single one, which is kept.
        """
        ones = ones and self.intercept
        if rows is None and self._small:
            yield slice(None), self._whole if ones or not self.intercept else self._whole[:, :-1]
        else:
            yield from self._make_blocks(rows, ones)

    @property
    def _small(self) -> bool:
        """Whether X is one row block, which is then made once and kept."""
        return bool(self.n_samples * self.n_features <= BLOCK_ENTRIES)

    @cached_property
    def _whole(self) -> Array:
        return next(self._make_blocks(None, self.intercept))[1]

    def _make_blocks(self, rows: Array | None, ones: bool) -> Iterator[tuple[Any, Array]]:
        """Yield the blocks, each written over the one before."""
        p = self.n_features
        count = self.n_samples if rows is None else len(rows)
        height = min(max(64, BLOCK_ENTRIES // max(p, 1)), max(count, 1))
        buffer = np.empty((height, p + ones))
        dense = np.empty((height, p)) if self.sparse else None
        for start in range(0, max(count, rows is None), height):
            part = slice(start, min(start + height, count)) if rows is None else rows[start : start + height]
            picked = self.rows(part)
            block = buffer[: picked.shape[0]]
            if dense is not None:
                picked = picked.astype(float, copy=False).toarray(out=dense[: picked.shape[0]])
            np.subtract(picked, self.centre, out=block[:, :p])
            if self._varying is not None:
                block[:, :p] *= self._varying
            block[:, p:] = 1.0
            yield part, block

    def columns(self, index: Array) -> Design:
        """Return the design with the given columns only."""
        return self._with(
            X=self._by_column[:, index] if self.sparse else np.take(self.X, index, axis=1),
            n_features=len(index),
            shift=None if self.shift is None else self.shift[index],
            centre=self.centre[index],
            _varying=None if self._varying is None else self._varying[index],
        )

    def divided(self, index: Array, sizes: Array) -> Design:
        """Return the design with the given columns only, each divided by a size."""
        part = self.columns(index)
        X = part.X @ sparse.diags_array(1.0 / sizes) if self.sparse else part.X / sizes
        return Design(X, self.weight, self.intercept)

    def restricted(self, rows: Array) -> Design:
        """Return the design with the given rows only, centred as before: not at the means of these rows."""
        return self._with(X=self._raw_rows(rows), weight=self.weight[rows], n_samples=len(rows))

    def _with(self, **changes: Any) -> Design:
        """Return the design with other rows or columns, centred as before."""
        part = object.__new__(Design)
        part.__dict__.update({name: vars(self)[name] for name in OWN}, **changes)
        return part

    def column(self, j: int) -> tuple[Array, Array]:
        """Return the rows and the values of the stored entries of a column of a sparse X."""
        entries = slice(self._by_column.indptr[j], self._by_column.indptr[j + 1])
        return self._by_column.indices[entries], self._by_column.data[entries]

    @cached_property
    def _by_column(self) -> Any:
        return self.X.tocsc()

    @cached_property
    def _by_row(self) -> Any:
        return self.X.tocsr()

    def rows(self, part: Any) -> Any:
        """Return the given rows of X less ``shift``, a view where they are a slice of a dense X that is not moved."""
        rows = self._raw_rows(part)
        return rows if self.sparse or self.shift is None else rows - self.shift

    def _raw_rows(self, part: Any) -> Any:
        return self._by_row[part] if self.sparse else self.X[part]

    # -- products that are not centred ----------------------------------------------------------------

    @property
    def _as_it_is(self) -> bool:
        """Whether products need X as it is: in double precision, no column to be moved."""
        return bool(self._wide_type and (self.sparse or self.shift is None))

    def _raw_dot(self, W: Array) -> Array:
        if self._as_it_is:
            return self.X @ W
        return np.concatenate([self.wide(part) @ W for part in self.parts(BLOCK_ENTRIES)])

    def raw_rdot(self, R: Array) -> Array:
        """Return X^T R, X less ``shift``."""
        if self._as_it_is:
            return self.X.T @ R
        return sum(self.wide(part).T @ R[part] for part in self.parts(BLOCK_ENTRIES))

    def parts(self, entries: int | None = None) -> Iterator[slice]:
        """Return slices of rows with about so many entries."""
        entries = BLOCK_ENTRIES if entries is None else entries
        height = max(64, entries // max(self.n_features, 1))
        if self.sparse:
            height = max(64, int(entries * self.n_samples / max(self.X.nnz, 1)))
        return (slice(start, start + height) for start in range(0, max(self.n_samples, 1), height))

    def wide(self, part: slice) -> Any:
        """Return some rows in double precision, less ``shift``."""
        return self.rows(part).astype(np.float64, copy=False)

    def _sparse_gram(self, left: Array, rows: Array | None) -> Array:
        """Return the Gram matrix of a very sparse X by a sparse product."""
        if rows is None:
            gram = sparse_gram(self._by_row, self._by_column.T, left, self.centre, self.intercept)
        else:
            X = self._by_row[rows]
            gram = sparse_gram(X, X.T.tocsr(), left[rows], self.centre, self.intercept)
        if self._varying is not None:
            varying = np.append(self._varying, True)[: len(gram)]
            gram *= varying[:, None] & varying
        return gram
