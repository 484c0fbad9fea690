"""Second derivatives of penalties, as a symmetric matrix over the entries of W."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]


class Curvature(NamedTuple):
    """A symmetric matrix over the entries of W in C order: diag(diagonal) - minus minus^T + matrix.

    Parameters
    ----------
    diagonal : ndarray in the shape of W
        What is on the diagonal.
    minus : ndarray of shape (W.size, m), default=None
        The factor of what is subtracted; None is 0.
    matrix : ndarray or sparse array of shape (W.size, W.size), default=None
        What else there is; None is 0.
    """

    diagonal: Array
    minus: Array | None = None
    matrix: Any = None

    @property
    def is_diagonal(self) -> bool:
        """Whether there is nothing but the diagonal."""
        return self.minus is None and self.matrix is None

    def ridge(self) -> Array:
        """Return the diagonal of the matrix in the shape of W, what is subtracted left out."""
        if self.matrix is None:
            return self.diagonal
        ridge: Array = self.diagonal + self.matrix.diagonal().reshape(self.diagonal.shape)
        return ridge

    def product(self, V: Array) -> Array:
        """Return the matrix times a flat vector, or times every column of an array."""
        product: Array = (self.diagonal.ravel() * V.T).T
        if self.minus is not None:
            product -= self.minus @ (self.minus.T @ V)
        if self.matrix is not None:
            product += self.matrix @ V
        return product

    def add_to(self, H: Array) -> None:
        """Add the matrix, in place, to the first W.size rows and columns of an array."""
        m = self.diagonal.size
        H.flat[: m * len(H) : len(H) + 1] += self.diagonal.ravel()
        if self.minus is not None:
            H[:m, :m] -= self.minus @ self.minus.T
        if self.matrix is not None:
            H[:m, :m] += self.matrix.toarray() if sparse.issparse(self.matrix) else self.matrix

    def dense(self) -> Array:
        """Return the matrix as an array."""
        H = np.zeros((self.diagonal.size, self.diagonal.size))
        self.add_to(H)
        return H

    def on(self, entries: Array | slice) -> Curvature:
        """Return the rows and columns of some entries of W.ravel(): a mask of them, or their indices."""
        minus = None if self.minus is None else self.minus[entries]
        matrix = self.matrix
        if matrix is not None:
            matrix = (matrix.tocsr() if sparse.issparse(matrix) else matrix)[entries][:, entries]
        return Curvature(self.diagonal.ravel()[entries], minus, matrix)

    def scaled(self, factor: float) -> Curvature:
        """Return the matrix times a factor >= 0."""
        minus = None if self.minus is None else np.sqrt(factor) * self.minus
        return Curvature(factor * self.diagonal, minus, None if self.matrix is None else factor * self.matrix)

    def plus(self, other: Curvature) -> Curvature:
        """Return the sum of two such matrices."""
        minus = [part for part in (self.minus, other.minus) if part is not None]
        matrices = [part for part in (self.matrix, other.matrix) if part is not None]
        return Curvature(
            self.diagonal + other.diagonal,
            np.hstack(minus) if minus else None,
            sum(matrices[1:], matrices[0]) if matrices else None,
        )
