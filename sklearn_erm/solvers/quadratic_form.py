"""Positive semidefinite matrices as a quadratic model needs them: an array, a product of few rows, products alone."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from sklearn_erm.solvers.contract import Array, Form, Stiffness
from sklearn_erm.solvers.linear import conjugate_gradients, solve_positive

# Conjugate gradients end when this share of the residual is left, because a rough Newton step is enough.
ACCURACY = 1e-2
# They end after so many products at most, because each may cost a pass over the data.
MOST = 100


class Matrix:
    """A matrix H that is an array."""

    worth_keeping = True

    def __init__(self, H: Array):
        self.H = H
        self.diagonal = H.diagonal()

    def __matmul__(self, v: Array) -> Array:
        return self.H @ v

    def solve(self, free: Array, bend: Stiffness, v: Array) -> Array:
        """Return the solution of (H + B) x = v in the free entries, B the curvature ``bend`` of a penalty."""
        every = bool(free.all())
        inner = self.H.copy() if every else self.H[free][:, free]
        if bend.is_diagonal:
            inner.flat[:: len(inner) + 1] += bend.diagonal.ravel()[free]
        else:
            (bend if every else bend.on(free)).add_to(inner)
        return solve_positive(inner, v[free])


class FewRows:
    """A matrix H = B^T B + diag(extra), B with fewer rows than columns."""

    worth_keeping = True

    def __init__(self, B: Array, extra: Array):
        self.B = B
        self.extra = extra
        self.diagonal = np.einsum("ij,ij->j", B, B) + extra

    def __matmul__(self, v: Array) -> Array:
        product: Array = self.B.T @ (self.B @ v) + self.extra * v
        return product

    def solve(self, free: Array, bend: Stiffness, v: Array) -> Array:
        """Return the solution of (H + B) x = v in the free entries; the curvature ``bend`` must be a diagonal.

        By Cholesky of the free part if that is smaller than the number of rows, by the Woodbury identity elsewhere.
        """
        part = self.B if free.all() else self.B[:, free]
        ridge = (self.extra + bend.diagonal.ravel())[free]
        if part.shape[1] <= len(part):
            inner = part.T @ part
            inner.flat[:: len(inner) + 1] += ridge
            return solve_positive(inner, v[free])
        ridge = np.where(ridge > 0, ridge, 1.0)  # of a column of zeros, whose entries stay 0
        scaled = part / ridge
        kernel = scaled @ part.T
        kernel.flat[:: len(kernel) + 1] += 1.0
        return (v[free] - part.T @ solve_positive(kernel, scaled @ v[free])) / ridge


class Products:
    """A matrix H of which products and the diagonal are known, roughly; systems by conjugate gradients."""

    worth_keeping = False

    def __init__(self, product: Callable[[Array], Array], diagonal: Array):
        self.product = product
        self.diagonal = diagonal

    def __matmul__(self, v: Array) -> Array:
        return self.product(v)

    def solve(self, free: Array, bend: Stiffness, v: Array) -> Array:
        """Return the solution of (H + B) x = v in the free entries, to a hundredth of v."""

        def product(part: Array) -> Array:
            x = np.zeros(len(v))
            x[free] = part
            whole: Array = self.product(x) + bend.product(x)
            return whole[free]

        diagonal = (self.diagonal + bend.ridge().ravel())[free]
        diagonal[diagonal <= 0] = 1.0
        return conjugate_gradients(product, lambda r: r / diagonal, v[free], ACCURACY, MOST)[0]


def largest_eigenvalue(form: Form, scale: Array) -> float:
    """Return an estimate of the largest eigenvalue of S^-1 H S^-1, S diagonal, by ten power iterations."""
    v = np.sqrt(np.maximum(form.diagonal, 0.0)) / scale
    size = math.sqrt(v @ v)
    for _ in range(10):
        if not size > 0:
            return 1.0
        v = (form @ (v / (size * scale))) / scale
        size = math.sqrt(v @ v)
    return size or 1.0
