"""The data as one linear operator: dense or sparse, centred without copying, with the intercept as its last column."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

BLOCK_ENTRIES = 2**18  # float64 entries of a row block: 2 MB stay in a second-level cache
DENSE_ENOUGH = 0.02  # above this share of non-zeros, dense blocks beat sparse products for Gram matrices
CONSTANT = 1e-13  # relative spread below which a column is taken for constant


class Design:
    """The operator (W, b) -> (X - 1 m^T) W + 1 b^T, with m the weighted column means.

    Without an intercept m = 0 and there is no b. With one, constant columns are treated as columns of zeros: the
    intercept already says what they could say.

    Parameters
    ----------
    X : ndarray, sparse matrix or sparse array of shape (n, p)
        Never copied, never changed; float32 is widened one row block at a time.
    weight : ndarray of shape (n,)
        Sample weights with sum 1.
    intercept : bool
        Whether there is one.
    """

    def __init__(self, X: Any, weight: Array, intercept: bool):
        self.X = X
        self.weight = weight
        self.intercept = intercept
        self.sparse = sparse.issparse(X)
        self.n_samples, self.n_features = X.shape
        self._wide_type = X.dtype == np.float64
        self.means = np.zeros(self.n_features)
        self._varying: Array | None = None
        if intercept:
            self.means = self._raw_rdot(weight)
            constant = self.deviations <= CONSTANT * np.abs(self.means)
            if constant.any():
                self._varying = ~constant

    # -- products ---------------------------------------------------------------------------------------------------

    def dot(self, W: Array) -> Array:
        """Return (X - 1 m^T) W for W of shape (p,) or (p, k)."""
        return self._raw_dot(W) - self.means @ W

    def rdot(self, R: Array) -> Array:
        """Return (X - 1 m^T)^T R for R of shape (n,) or (n, k)."""
        product = self._raw_rdot(R)
        if self.intercept:
            total = R.sum(axis=0)
            product -= self.means * total if R.ndim == 1 else np.outer(self.means, total)
            if self._varying is not None:
                product[~self._varying] = 0.0
        return product

    def gram(self, left: Array, right: Array | None = None) -> Array:
        """Return A^T diag(left) A with A = [X - 1 m^T, 1], or without the column of ones if there is no intercept.

        ``left`` is >= 0, or has any sign if ``right`` is given: then A^T diag(left * right) A.
        """
        if right is not None:
            left = left * right
        rows = np.flatnonzero(left)
        if 2 * len(rows) > self.n_samples:
            rows = None
        size = self.n_features + self.intercept
        if self.sparse and self.X.nnz < DENSE_ENOUGH * self.n_samples * self.n_features:
            return self._sparse_gram(left, rows)
        gram = np.zeros((size, size))
        signed = bool(left.min(initial=0.0) < 0)
        for part, block in self.blocks(rows):
            scaled = left[part, None] * block if signed else np.sqrt(left[part])[:, None] * block
            gram += block.T @ scaled if signed else scaled.T @ scaled
        return gram

    def row_gram(self, rows: Array) -> Array:
        """Return Z Z^T for Z the given rows of X - 1 m^T."""
        if self.n_samples <= 2 * len(rows):
            return self._row_gram_of_all[np.ix_(rows, rows)]
        return self._row_products(rows)

    def row_factor(self) -> Array:
        """Return a lower triangular L with L L^T = Z Z^T, Z = X - 1 m^T, up to a relative ridge of 1e-14."""
        gram = self._row_gram_of_all.copy()
        size = np.trace(gram) / max(len(gram), 1) or 1.0
        ridge = 1e-14
        while True:
            gram[np.diag_indices_from(gram)] += ridge * size
            try:
                return np.linalg.cholesky(gram)
            except np.linalg.LinAlgError:
                ridge *= 10.0

    @cached_property
    def _row_gram_of_all(self) -> Array:
        return self._row_products(np.arange(self.n_samples))

    def _row_products(self, rows: Array) -> Array:
        picked = self._rows(rows)
        if self.sparse:
            product = (picked @ picked.T).toarray().astype(float)
            cross = picked @ self.means
            return product - cross[:, None] - cross[None, :] + self.means @ self.means
        product = np.zeros((len(rows), len(rows)))
        width = max(64, BLOCK_ENTRIES // max(len(rows), 1))
        for start in range(0, self.n_features, width):
            part = slice(start, start + width)
            block = picked[:, part] - self.means[part]
            product += block @ block.T
        return product

    # -- columns, rows, blocks --------------------------------------------------------------------------------------

    @cached_property
    def squares(self) -> Array:
        """The weighted mean of (X - 1 m^T) squared, entrywise, per column."""
        if not self.sparse:
            return sum(self.weight[part] @ (block * block) for part, block in self.blocks(ones=False))
        entries = self.X.tocoo()
        column, mass = entries.col, self.weight[entries.row]
        p = self.n_features
        seen = np.bincount(column, mass, minlength=p)
        unseen = np.where(np.bincount(column, minlength=p) < self.n_samples, np.maximum(1.0 - seen, 0.0), 0.0)
        spread = (entries.data.astype(float) - self.means[column]) ** 2
        return np.bincount(column, mass * spread, minlength=p) + unseen * self.means**2

    @property
    def deviations(self) -> Array:
        """The weighted root mean square of each column of X - 1 m^T."""
        return np.sqrt(self.squares)

    def blocks(self, rows: Array | None = None, ones: bool = True) -> Iterator[tuple[Any, Array]]:
        """Yield (rows, block) over row blocks of A = [X - 1 m^T, 1] as float64, for all or for the given rows."""
        ones = ones and self.intercept
        count = self.n_samples if rows is None else len(rows)
        height = max(64, BLOCK_ENTRIES // max(self.n_features, 1))
        for start in range(0, count, height):
            part = slice(start, min(start + height, count)) if rows is None else rows[start : start + height]
            picked = self._rows(part)
            block = np.ones((picked.shape[0], self.n_features + ones))
            values = picked.toarray() if self.sparse else picked
            np.subtract(values, self.means, out=block[:, : self.n_features])
            if self._varying is not None:
                block[:, : self.n_features] *= self._varying
            yield part, block

    def columns(self, index: Array) -> Design:
        """Return the design with the given columns only."""
        part = object.__new__(Design)
        part.__dict__.update(
            X=self._by_column[:, index] if self.sparse else self.X[:, index],
            weight=self.weight,
            intercept=self.intercept,
            sparse=self.sparse,
            n_samples=self.n_samples,
            n_features=len(index),
            _wide_type=self._wide_type,
            means=self.means[index],
            _varying=None if self._varying is None else self._varying[index],
        )
        return part

    @cached_property
    def _by_column(self) -> Any:
        return self.X.tocsc()

    @cached_property
    def _by_row(self) -> Any:
        return self.X.tocsr()

    def _rows(self, part: Any) -> Any:
        return self._by_row[part] if self.sparse else self.X[part]

    def intercept_of(self, W: Array, b: Array) -> Array:
        """Return the intercept that belongs to X itself, for b that belongs to X - 1 m^T."""
        return b - self.means @ W

    # -- the uncentred products, float32 and float64 ----------------------------------------------------------------

    def _raw_dot(self, W: Array) -> Array:
        if self._wide_type:
            return self.X @ W
        return np.concatenate([self._wide(part) @ W for part in self._parts()])

    def _raw_rdot(self, R: Array) -> Array:
        if self._wide_type:
            return self.X.T @ R
        return sum(self._wide(part).T @ R[part] for part in self._parts())

    def _parts(self) -> Iterator[slice]:
        height = max(64, BLOCK_ENTRIES // max(self.n_features, 1))
        if self.sparse:
            height = max(64, int(BLOCK_ENTRIES * self.n_samples / max(self.X.nnz, 1)))
        return (slice(start, start + height) for start in range(0, self.n_samples, height))

    def _wide(self, part: slice) -> Any:
        return self._rows(part).astype(np.float64)

    def _sparse_gram(self, left: Array, rows: Array | None) -> Array:
        """Return the Gram matrix of a very sparse X by a sparse product, centred afterwards."""
        p = self.n_features
        X = self._by_row if rows is None else self._by_row[rows]
        left = left if rows is None else left[rows]
        scaled = sparse.diags_array(left) @ X
        gram = np.zeros((p + self.intercept, p + self.intercept))
        gram[:p, :p] = (X.T @ scaled).toarray()
        if self.intercept:
            total = left.sum()
            raw = np.asarray(X.T @ left).ravel()
            centred = raw - total * self.means
            gram[:p, :p] -= np.outer(self.means, raw) + np.outer(raw, self.means) - total * np.outer(
                self.means, self.means
            )
            gram[p, :p] = gram[:p, p] = centred
            gram[p, p] = total
            if self._varying is not None:
                gram[:p] *= np.append(self._varying, True)[: p + 1][None, :]
                gram[:, :p] *= self._varying[None, :]
        return gram
