"""The Hessian of the objective as a linear operator, and the Newton systems it stands in."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Curvature
from sklearn_erm.problem.contract import AtPoint
from sklearn_erm.samples.contract import Samples
from sklearn_erm.samples.sketch import Sketch
from sklearn_erm.solvers.linear import Factor, conjugate_gradients, is_definite, solve_positive
from sklearn_erm.solvers.quadratic_form import FewRows, Matrix, Products

Array = NDArray[Any]

# If the curvature is below this share of the one that slope and value suggest, then the loss counts as flat.
VANISHING = 1e-6
# If the Hessian may be flat where the objective is not, then this is the least damping, because steps would run away.
FLAT = 1e-8
# The same for the first Hessian, because the start may be far from a solution.
CAREFUL = 1e-2
# The same for the first Hessian of a joint loss, because its samples are flat along some scores only.
JOINTLY = 1e-4
# If coefficients are more, then a model may be left in products, because its matrix takes long to form.
LARGE = 1000
# If that matrix has more entries than so many times those of X, then it is, because products are cheaper.
MANY_TIMES = 4
# If features are so many times the rows with curvature, then the model is left as a product of these rows.
FEW = 2
# If those rows have more entries, then it is not, because they would take over 128 MB.
MOST_ENTRIES = 2**24
# If coefficients are at most so many, then Newton systems are solved by Cholesky, because nothing is faster.
DIRECT = 1000
# Conjugate gradients end after so many products, because a rough direction descends as well.
MOST_PRODUCTS = 500


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
    """A^T diag(h) A + diag(d) - U U^T + M with A = [X - 1 m^T, 1], in the layout of the flat vector.

    Parameters
    ----------
    samples : Samples
    loss : Loss
    point : Point
        Where h are the weighted second derivatives of the loss.
    curvature : Curvature
        That of the penalty: d, U and M.
    positive : bool
        Whether a negative h, of a loss that is not convex, counts by its size.
    """

    def __init__(self, samples: Samples, loss: Loss, point: AtPoint, curvature: Curvature, positive: bool = False):
        self.samples = samples
        self.loss = loss
        self.point = point
        self.bend = samples.bend(loss, point.scores, positive)
        self.curvature = curvature
        self.m = curvature.diagonal.size  # coefficients
        self.outputs: tuple[int, ...] = samples.shape
        self._factor: tuple[float, Factor] | None = None
        self._least_damping: float | None = None
        self.formed: Array | None = None
        self.sketch: Sketch | None = None
        self.n_outputs = self.outputs[0] if self.outputs else 1
        self.size = self.m + samples.intercept * self.n_outputs

    def matvec(self, v: Array) -> Array:
        """Return the Hessian times a flat vector."""
        V = v[: self.m].reshape(self.curvature.diagonal.shape)
        shift = v[self.m :].reshape(self.outputs) if self.samples.intercept else 0.0
        bent, total = self.bend.product(V, shift)
        top = bent.ravel() + self.curvature.product(V.ravel())
        return np.concatenate([top, np.ravel(total)]) if self.samples.intercept else top

    def with_bend(self, other: Hessian) -> Hessian:
        """Return the Hessian with the curvature of the penalty of another one."""
        twin = copy(self)
        twin.curvature = other.curvature
        twin._factor = twin._least_damping = None
        return twin

    def descending(self) -> Hessian:
        """Return it, or where Newton's step may ascend, because the loss is not convex, the one that bends upwards."""
        if self.loss.convex or (self.is_dense and is_definite(self.keep().dense())):
            return self
        return Hessian(self.samples, self.loss, self.point, self.curvature, positive=True)

    def keep(self) -> Hessian:
        """Form the risk's share now, for the Hessians with another curvature of the penalty too."""
        self.formed = self.bend.gram()
        return self

    @property
    def is_dense(self) -> bool:
        """Whether systems are solved by a factorisation."""
        twice = not self.outputs and not self.samples.scattered and self.size <= self.samples.n_samples
        return self.sketch is None and self.size <= (2 if twice else 1) * DIRECT

    def dense(self) -> Array:
        """Return the Hessian as an array."""
        return self.with_penalty(self.bend.gram() if self.formed is None else self.formed.copy())

    def with_penalty(self, H: Array) -> Array:
        """Return the risk's share, an array which is overwritten, with that of the penalty."""
        self.curvature.add_to(H)
        return H

    @cached_property
    def typical(self) -> float:
        """The mean curvature of the loss along a score.

        If it nearly vanishes, then a small share of the curvature that slope and value suggest takes its place, because
        a damping in units of nothing damps nothing.
        """
        mean = self.bend.mean
        return mean if mean > VANISHING * self.loss.max_curvature else max(mean, VANISHING * self._presumed)

    @property
    def _presumed(self) -> float:
        """The curvature of a parabola with the slope and the value of the loss; 1 where it has none."""
        u, value = self.point.slopes, abs(self.point.risk)
        curvature = self.samples.inner(u, u) / value if value > 0 else 0.0
        return curvature if 0 < curvature < np.inf else 1.0

    @cached_property
    def _tilted(self) -> bool:
        """Whether samples without curvature have slopes, where the penalty may have no curvature either."""
        return bool(self.bend.tilted)

    @property
    def least_damping(self) -> float:
        """The damping without which directions of no curvature would run away: only where some may exist.

        The gradient of the risk has no part in the null space of X, but a kink that was smoothed has.
        """
        if self._least_damping is None:
            self._least_damping = self._find_least_damping()
        return self._least_damping

    def _find_least_damping(self) -> float:
        minus = self.curvature.minus
        if minus is None and (self.curvature.diagonal > 0).all():
            return 0.0
        known = np.count_nonzero(self.ridge() > 0) + self.bend.curved
        unknown = known - (0 if minus is None else minus.shape[1]) < self.size
        return FLAT if self._tilted or unknown else 0.0

    @property
    def first_damping(self) -> float:
        """The damping to start with: less for a joint loss, whose samples are flat along some of their scores only."""
        careful = JOINTLY if self.loss.joint else CAREFUL
        return careful if self.least_damping > 0 and self._tilted else 0.0

    def scale(self) -> Array:
        """Return a diagonal that stands for the Hessian: typical curvature times mean squares.

        A constant column, on which the risk does not depend, has the penalty's curvature, if there is any.
        """
        diagonal = self._per_column(self.samples.squares)
        if self.samples.squares.all():
            return diagonal
        still = np.zeros(self.size, dtype=bool)
        still[: self.m] = np.repeat(self.samples.squares == 0, self.n_outputs)
        own = self.ridge()
        return np.where(still & (own > 0), own, diagonal)

    def _per_column(self, squares: Array) -> Array:
        """Return typical curvature times squares of the columns, for every coefficient, and typical curvature.

        A constant column stands for one of its size, because what damps it must be in its unit.
        """
        if not squares.all():
            squares = np.where(squares > 0, squares, self.samples.sizes**2)
        columns = np.broadcast_to(squares.reshape((-1,) + (1,) * len(self.outputs)), self.curvature.diagonal.shape)
        diagonal = (self.typical * columns).ravel()
        if self.samples.intercept:
            diagonal = np.concatenate([diagonal, np.full(self.size - self.m, self.typical)])
        return diagonal

    def ridge(self) -> Array:
        """Return the diagonal of the penalty's curvature, what is subtracted from it left out, as a flat vector."""
        return np.concatenate([self.curvature.ridge().ravel(), np.zeros(self.size - self.m)])

    def without_intercept(self, damping: float = 0.0, diagonal: bool = False) -> Reduced:
        """Return the Hessian with the intercept minimised out, damping times ``scale`` added before.

        ``diagonal`` says that nothing but a diagonal will be added to it.
        """
        m = self.m
        if diagonal and not self.outputs:
            few = self.bend.few_rows(m / FEW, MOST_ENTRIES)
            if few is not None:
                rows, centre, mass = few
                extra = self.ridge()[:m] + (damping * self.scale()[:m] if damping else 0.0)
                corner = np.full((1, 1), mass) if self.samples.intercept else np.zeros((0, 0))
                return Reduced(FewRows(rows, extra), centre[:, None], corner)
        if m > LARGE and m * m > MANY_TIMES * self.samples.entries:
            return self._products_without_intercept(damping)
        H = self.dense()
        if damping:
            H.flat[:: self.size + 1] += damping * self.scale()
        if not self.samples.intercept:
            return Reduced(Matrix(H), np.zeros((m, self.n_outputs)), np.zeros((0, 0)))
        across = solve_positive(H[m:, m:].copy(), H[m:, :m]).T
        return Reduced(Matrix(H[:m, :m] - across @ H[m:, :m]), across, H[m:, m:])

    def _products_without_intercept(self, damping: float) -> Reduced:
        m, k = self.m, self.size - self.m
        extra = damping * self.scale()
        units = np.zeros((k, self.size))
        units[np.arange(k), m + np.arange(k)] = 1.0
        rows = np.array([self.matvec(unit) + extra * unit for unit in units]).reshape(k, self.size)
        across = solve_positive(rows[:, m:].copy(), rows[:, :m]).T if k else np.zeros((m, self.n_outputs))

        def product(v: Array) -> Array:
            out = self.matvec(np.concatenate([v, np.zeros(k)]))
            inner: Array = out[:m] + extra[:m] * v
            return inner - across @ out[m:] if k else inner

        return Reduced(Products(product, self._per_column(self.samples.squares)[:m] + extra[:m]), across, rows[:, m:])

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
        rows = solution.reshape(-1, self.n_outputs)
        free = np.ones((len(rows), 1), dtype=bool)
        free[: len(self.curvature.diagonal)] = ~self.curvature.diagonal.any(axis=1, keepdims=True)
        return np.where(free, rows - rows.sum(axis=1, keepdims=True) / self.n_outputs, rows).ravel()

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
        diagonal, minus, matrix = self.curvature
        ridge = float(diagonal.flat[0])
        if not self.outputs and ridge > 0 and matrix is None and np.all(diagonal == ridge) and _thin(minus):
            u = None if minus is None else minus[:, 0]

            def damped() -> float:
                return ridge + (damping * float(np.mean(self.scale()[: self.m])) if damping else 0.0)

            found: Array | None = self.bend.solve_in_row_space(damped, u, v, accuracy)
            if found is not None:
                return found
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
        diagonal = self.ridge() + self._per_column(self.samples.units)
        diagonal[diagonal <= 0] = 1.0
        return conjugate_gradients(product, lambda r: r / diagonal, v, accuracy, MOST_PRODUCTS)[0]
