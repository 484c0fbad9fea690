"""The Hessian of the objective as a linear operator, and the Newton systems it stands in."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.losses import Loss
from sklearn_erm.losses.base import Bending
from sklearn_erm.losses.strips import each, total
from sklearn_erm.penalties import Curvature
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.row_space import centred_rows, row_space_pays, solve_in_row_space
from sklearn_erm.samples.sketch import Sketch
from sklearn_erm.solvers.linear import Factor, conjugate_gradients, is_definite, solve_positive
from sklearn_erm.solvers.quadratic_form import FewRows, Matrix, Products

Array = NDArray[Any]

VANISHING = 1e-6  # share of the curvature that slope and value suggest, below which the loss counts as flat
FLAT = 1e-8  # damping of a Hessian that may be flat where the objective is not
CAREFUL, JOINTLY = 1e-2, 1e-4  # the same, of the first Hessian; of a joint loss
LARGE, MANY_TIMES = 1000, 4  # coefficients, and multiple of the entries of X, from which a model is left in products
FEW = 2  # features per curved row from which a model is left as a product of these rows
MOST_ENTRIES = 2**24  # of such rows, as an array
DIRECT = 1000  # coefficients up to which a Newton system is solved by Cholesky in any case
MOST_PRODUCTS = 500  # that conjugate gradients may take


@dataclass(frozen=True)
class Reduced:
    """The Schur complement of the intercept in a Hessian.

    Attributes
    ----------
    inner : Matrix, FewRows or Products, of shape (m, m)
        The Hessian in W once the intercept follows its minimiser.
    across : ndarray of shape (m, k)
        The mixed part times the inverse of the corner.
    corner : ndarray of shape (k, k), or (0, 0) without intercept
        The Hessian in the intercept.
    """

    inner: Matrix | FewRows | Products
    across: Array
    corner: Array

    def intercept_step(self, slope: Array, step: Array) -> Array:
        """Return the intercept's step, given the gradient in the intercept and the step in W."""
        if not len(self.corner):
            return np.zeros(0)
        return -solve_positive(self.corner.copy(), slope) - self.across.T @ step


def _thin(U: Array | None) -> bool:
    return U is None or U.shape[1] == 1


class Hessian:
    """A^T diag(s l''(eta)) A + diag(d) - U U^T + M with A = [X - 1 m^T, 1], in the layout of the flat vector.

    Parameters
    ----------
    design, loss, y, eta
        As in the objective; eta is the point.
    bend : Curvature
        d, U and M: the curvature of the penalty.
    positive : bool
        Whether a negative l'', of a loss that is not convex, counts by its size.
    """

    def __init__(self, design: Design, loss: Loss, y: Array, eta: Array, bend: Curvature, positive: bool = False):
        self.design = design
        self.loss = loss
        self.y = y
        self.eta = eta
        self.positive = positive
        self.d, self.U, self.M = bend
        self.outputs = eta.shape[1:]
        self._factor: tuple[float, Factor] | None = None
        self.formed: Array | None = None
        self.sketch: Sketch | None = None
        self.n_outputs = self.outputs[0] if self.outputs else 1
        self.size = self.d.size + design.intercept * self.n_outputs

    @cached_property
    def rows(self) -> Array:
        """The weighted curvature of every sample, (n,) or (n, k); not for a joint loss."""
        curvature = each(self.loss, "curvature", self.y, self.eta)
        if self.positive:
            curvature = np.abs(curvature)
        return (self.design.weight if curvature.ndim == 1 else self.design.weight[:, None]) * curvature

    @cached_property
    def _curved(self) -> tuple[Design, Array]:
        """The rows that have curvature and what they have, if those are few; all rows otherwise."""
        curved = np.flatnonzero(self.rows if self.rows.ndim == 1 else self.rows.any(axis=1))
        if 2 * len(curved) > len(self.rows):
            return self.design, self.rows
        return self.design.restricted(curved), self.rows[curved]

    def matvec(self, v: Array) -> Array:
        """Return the Hessian times a flat vector."""
        V = v[: self.d.size].reshape(self.d.shape)
        shift = v[self.d.size :].reshape(self.outputs) if self.design.intercept else 0.0
        if self.loss.joint:
            bent, total = self.design.sandwich(V, shift, self._bend_jointly)
        else:
            design, rows = self._curved
            bent, total = design.sandwich(V, shift, lambda change, part: rows[part] * change)
        top = (bent + self.d * V).ravel()
        if self.U is not None:
            top -= self.U @ (self.U.T @ V.ravel())
        if self.M is not None:
            top += self.M @ V.ravel()
        return np.concatenate([top, np.ravel(total)]) if self.design.intercept else top

    @cached_property
    def _bending(self) -> Bending:
        return self.loss.bending(self.y, self.eta)

    def _bend_jointly(self, change: Array, rows: Any = slice(None)) -> Array:
        """Return the weighted Hessian of a joint loss times a change of the scores of some rows."""
        bent: Array = self.design.weight[rows, None] * self._bending(change, rows)
        return bent

    def with_bend(self, other: Hessian) -> Hessian:
        """Return the Hessian with the curvature of the penalty of another one."""
        twin = copy(self)
        twin.d, twin.U, twin.M = other.d, other.U, other.M
        twin._factor = None
        twin.__dict__.pop("least_damping", None)
        return twin

    def descending(self) -> Hessian:
        """Return it, or where Newton's step may ascend, because the loss is not convex, the one that bends upwards."""
        if self.loss.convex or (self.is_dense and is_definite(self.keep().dense())):
            return self
        return Hessian(self.design, self.loss, self.y, self.eta, Curvature(self.d, self.U, self.M), positive=True)

    def keep(self) -> Hessian:
        """Form the risk's share now, for the Hessians with another curvature of the penalty too."""
        self.formed = self._form()
        return self

    def _form(self) -> Array:
        """Return the risk's share as an array."""
        k = self.n_outputs
        if not self.outputs:
            return self.design.gram(self.rows)
        if self.loss.joint:
            return self._joint_gram(k)
        H = np.zeros((self.size, self.size))
        for c in range(k):
            H[c::k, c::k] = self.design.gram(self.rows[:, c])
        return H

    @property
    def is_dense(self) -> bool:
        """Whether systems are solved by a factorisation."""
        twice = not self.outputs and not self.design.scattered and self.size <= len(self.eta)
        return self.sketch is None and self.size <= (2 if twice else 1) * DIRECT

    def dense(self) -> Array:
        """Return the Hessian as an array."""
        H = self._form() if self.formed is None else self.formed.copy()
        H.flat[: self.d.size * self.size : self.size + 1] += self.d.ravel()
        if self.U is not None:
            H[: self.d.size, : self.d.size] -= self.U @ self.U.T
        if self.M is not None:
            H[: self.d.size, : self.d.size] += self.M.toarray() if sparse.issparse(self.M) else self.M
        return H

    def _joint_gram(self, k: int) -> Array:
        H = np.zeros((self.size, self.size))
        if self.loss.has("curvature_factors"):
            v = self.loss.curvature_factors(self.y, self.eta)[1]
            H -= self.design.product_gram(np.sqrt(self.design.weight)[:, None] * v)
            for c in range(k):  # d - v^2 as a whole: where it almost cancels, so would the two matrices
                H[c::k, c::k] = self.design.gram(self.bends()[:, c])
            return H
        for c in range(k):
            column = self._bend_along(c)
            for e in range(c + 1):
                H[c::k, e::k] = self.design.gram(column[:, e])
                H[e::k, c::k] = H[c::k, e::k].T
        return H

    @cached_property
    def typical(self) -> float:
        """The mean curvature of the loss along a score: the trace over their number.

        If it nearly vanishes, then a small share of the curvature that slope and value suggest takes its place, because
        a damping in units of nothing damps nothing.
        """
        diagonal = self.rows if self.loss.convex and not self.loss.joint else self.bends()
        mean = float(diagonal.sum()) / self.n_outputs
        return mean if mean > VANISHING * self.loss.max_curvature else max(mean, VANISHING * self._presumed)

    @property
    def _presumed(self) -> float:
        """The curvature of a parabola with the slope and the value of the loss; 1 where it has none."""
        slopes = self.design.weight @ each(self.loss, "gradient", self.y, self.eta) ** 2
        value = abs(total(self.loss, "value", self.design.weight, self.y, self.eta))
        curvature = float(np.sum(slopes)) / value if value > 0 else 0.0
        return curvature if 0 < curvature < np.inf else 1.0

    @cached_property
    def _pulled(self) -> bool:
        """Whether samples without curvature pull where the penalty may have none either."""
        flat = (self.bends() if self.loss.joint else self.rows) == 0
        return bool(flat.any() and not (self.loss.joint and not self.loss.gradient(self.y, self.eta)[flat].any()))

    @cached_property
    def least_damping(self) -> float:
        """The damping without which directions of no curvature would run away: only where some may exist.

        The gradient of the risk has no part in the null space of X, but a kink that was smoothed has.
        """
        if np.all(self.d > 0) and self.U is None:
            return 0.0
        bent = self.ridge() > 0
        known = np.count_nonzero(bent) + np.count_nonzero(self.bends() if self.loss.joint else self.rows)
        unknown = known - (0 if self.U is None else self.U.shape[1]) < self.size
        return FLAT if self._pulled or unknown else 0.0

    @property
    def first_damping(self) -> float:
        """The damping to start with: less for a joint loss, whose samples are flat along some of their scores only."""
        careful = JOINTLY if self.loss.joint else CAREFUL
        return careful if self.least_damping > 0 and self._pulled else 0.0

    def scale(self) -> Array:
        """Return a diagonal that stands for the Hessian: typical curvature times mean squares.

        A constant column, on which the risk does not depend, has the penalty's curvature, if there is any.
        """
        diagonal = self._per_column(self.design.squares)
        if self.design.squares.all():
            return diagonal
        still = np.zeros(self.size, dtype=bool)
        still[: self.d.size] = np.repeat(self.design.squares == 0, self.n_outputs)
        own = self.ridge()
        return np.where(still & (own > 0), own, diagonal)

    def _per_column(self, squares: Array) -> Array:
        """Return typical curvature times squares of the columns, for every coefficient, and typical curvature.

        A constant column stands for one of its size, because what damps it must be in its unit.
        """
        if not squares.all():
            squares = np.where(squares > 0, squares, self.design.sizes**2)
        columns = np.broadcast_to(squares.reshape((-1,) + (1,) * len(self.outputs)), self.d.shape)
        diagonal = (self.typical * columns).ravel()
        if self.design.intercept:
            diagonal = np.concatenate([diagonal, np.full(self.size - self.d.size, self.typical)])
        return diagonal

    def ridge(self) -> Array:
        """Return the diagonal of the penalty's curvature, what is subtracted from it left out, as a flat vector."""
        d = self.d.ravel() if self.M is None else self.d.ravel() + self.M.diagonal()
        return np.concatenate([d, np.zeros(self.size - self.d.size)])

    def without_intercept(self, damping: float = 0.0, diagonal: bool = False) -> Reduced:
        """Return the Hessian with the intercept minimised out, damping times ``scale`` added before.

        ``diagonal`` says that nothing but a diagonal will be added to it.
        """
        m = self.d.size
        if diagonal and not self.outputs:
            curved = np.flatnonzero(self.rows)
            if 0 < FEW * len(curved) < m and m * len(curved) < MOST_ENTRIES:
                return self._rows_without_intercept(curved, damping)
        if m > LARGE and m * m > MANY_TIMES * self.design.entries:
            return self._products_without_intercept(damping)
        H = self.dense()
        if damping:
            H.flat[:: self.size + 1] += damping * self.scale()
        if not self.design.intercept:
            return Reduced(Matrix(H), np.zeros((m, self.n_outputs)), np.zeros((0, 0)))
        across = solve_positive(H[m:, m:].copy(), H[m:, :m]).T
        return Reduced(Matrix(H[:m, :m] - across @ H[m:, :m]), across, H[m:, m:])

    def _rows_without_intercept(self, curved: Array, damping: float) -> Reduced:
        h = self.rows[curved]
        rows, centre = centred_rows(self.design, curved, h)
        extra = self.ridge()[: self.d.size] + damping * self.scale()[: self.d.size]
        inner = FewRows(np.sqrt(h)[:, None] * rows, extra)
        corner = np.full((1, 1), h.sum()) if self.design.intercept else np.zeros((0, 0))
        return Reduced(inner, centre[:, None], corner)

    def _products_without_intercept(self, damping: float) -> Reduced:
        m, k = self.d.size, self.size - self.d.size
        extra = damping * self.scale()
        units = np.zeros((k, self.size))
        units[np.arange(k), m + np.arange(k)] = 1.0
        rows = np.array([self.matvec(unit) + extra * unit for unit in units]).reshape(k, self.size)
        across = solve_positive(rows[:, m:].copy(), rows[:, :m]).T if k else np.zeros((m, self.n_outputs))

        def product(v: Array) -> Array:
            out = self.matvec(np.concatenate([v, np.zeros(k)]))
            inner: Array = out[:m] + extra[:m] * v
            return inner - across @ out[m:] if k else inner

        return Reduced(Products(product, self._per_column(self.design.squares)[:m] + extra[:m]), across, rows[:, m:])

    def solve(self, v: Array, damping: float = 0.0, accuracy: float = 0.05) -> Array:
        """Return H^-1 v, with damping times ``scale`` added to H.

        By conjugate gradients where there is a sketch; by Cholesky of H where it is small; in the row space where few
        rows have curvature and the penalty's is a multiple of the identity (the damping is then one as well); by
        conjugate gradients, to the relative accuracy given, elsewhere.
        """
        solution = self._solve(v, damping, accuracy)
        return self._without_shift(solution) if self.loss.shift_invariant and not damping else solution

    def _without_shift(self, solution: Array) -> Array:
        """Return a solution less the shift common to all outputs: nothing determines it, and rounding lets it drift."""
        W, b = solution[: self.d.size].reshape(self.d.shape), solution[self.d.size :]
        shift = np.where(self.d.any(axis=1, keepdims=True), 0.0, W.mean(axis=1, keepdims=True))
        return np.concatenate([(W - shift).ravel(), b - b.mean() if len(b) else b])

    @property
    def bends_widely(self) -> bool:
        """Whether most samples have curvature; the loss of few kinks, once split, has it there alone."""
        return self.loss.joint or bool(2 * np.count_nonzero(self.rows) > self.rows.size)

    @cached_property
    def _bends(self) -> Array:
        if not self.loss.joint:
            return np.abs(self.rows).reshape(len(self.rows), -1)
        return self.design.weight[:, None] * self.loss.own_curvature(self.y, self.eta)

    def bends(self) -> Array:
        """Return the weighted curvature of every sample along each of its scores, (n, k)."""
        return self._bends

    def _bend_along(self, c: int) -> Array:
        """Return column c of the weighted Hessian of a joint loss, sample by sample, (n, k)."""
        unit = np.zeros(self.eta.shape)
        unit[:, c] = 1.0
        return self._bend_jointly(unit)

    def on_rows(self, rows: Array, factor: Array) -> Hessian:
        """Return the Hessian on some of the rows, their weights multiplied by a factor each."""
        design = self.design.restricted(rows)
        design.weight = factor * design.weight
        bend = Curvature(self.d, self.U, self.M)
        return Hessian(design, self.loss.on_rows(rows), self.y[rows], self.eta[rows], bend, self.positive)

    def block(self, c: int) -> Array:
        """Return the diagonal block of one output."""
        rows = self._bend_along(c)[:, c] if self.loss.joint else self.rows[:, c]
        H = self.design.gram(rows)
        p = len(self.d)
        H[np.arange(p), np.arange(p)] += self.d.reshape(p, -1)[:, c]
        return H

    def _solve(self, v: Array, damping: float, accuracy: float) -> Array:
        if self.sketch is not None:
            return self._solve_iteratively(v, damping, accuracy)
        if self.is_dense:
            if self._factor is None or self._factor[0] != damping:
                H = self.dense()
                if damping:
                    H.flat[:: self.size + 1] += damping * self.scale()
                self._factor = damping, Factor(H, self.scale)
            return self._factor[1].solve(v)
        ridge = float(self.d.flat[0])
        if not self.outputs and ridge > 0 and self.M is None and np.all(self.d == ridge) and _thin(self.U):
            curved = np.flatnonzero(self.rows)
            if row_space_pays(self.design, len(curved), accuracy):
                u = None if self.U is None else self.U[:, 0]
                if damping:
                    ridge += damping * float(np.mean(self.scale()[: self.d.size]))
                return solve_in_row_space(self.design, self.rows, curved, ridge, u, v, accuracy)
        return self._solve_iteratively(v, damping, accuracy)

    def decrement(self, gradient: Array) -> float | None:
        """Return g H^-1 g / 2, what a Newton step promises; None if H is not factorised."""
        return None if self._factor is None else 0.5 * float(gradient @ self._factor[1].solve(gradient))

    def _solve_iteratively(self, v: Array, damping: float, accuracy: float) -> Array:
        extra = damping * self.scale() if damping else None

        def product(z: Array) -> Array:
            return self.matvec(z) if extra is None else self.matvec(z) + extra * z

        if self.sketch is not None:
            x, self.sketch.products = conjugate_gradients(product, self.sketch.solve, v, accuracy, MOST_PRODUCTS)
            return x
        diagonal = self.ridge() + self._per_column(self.design.units)
        diagonal[diagonal <= 0] = 1.0
        return conjugate_gradients(product, lambda r: r / diagonal, v, accuracy, MOST_PRODUCTS)[0]
