"""A problem with a proximal term around a point, in the space of its dual variables: smooth, however many kinks it has.

Penalties that tie coefficients to one another (sorted, fused, capped ones) are solved through it: the Newton systems
have one row per sample, whatever the number of features.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.problem.multipliers import Pair
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solvers.linear import Factor

Array = NDArray[Any]

RIDGE = 1e-9
# Damping is in units of this share of a typical diagonal, because the proximal terms damp already.
MILD = 1e-6
# If at most one in so many columns is used, then a product with X takes those by themselves.
FEW = 3
# If free directions are fewer than this share of the dual variables, then systems are solved in these.
THIN = 0.7


class Steps(NamedTuple):
    """Lengths of the proximal steps of the scores, the coefficients and the intercept."""

    eta: float
    coef: float
    intercept: float


class Rows:
    """The samples of positive weight, centred, and Gram matrices of some of their columns."""

    def __init__(self, problem: Objective):
        samples = problem.samples.local()
        self.index = np.flatnonzero(samples.weight > 0)
        blocks = samples.design.blocks(self.index, ones=False)
        self.columns = np.ascontiguousarray(np.vstack([block.copy() for _, block in blocks]).T)  # (p, n)
        self.mean_square = float(np.mean(self.columns**2)) if self.columns.size else 0.0
        self._all: Array | None = None
        self._last: dict[int, tuple[Array, Array]] = {}

    def dot(self, W: Array) -> Array:
        """Return X W; most rows of W may be zero."""
        used = np.flatnonzero(W if W.ndim == 1 else W.any(axis=1))
        if FEW * len(used) > len(W):
            return self.columns.T @ W
        product: Array = self.columns[used].T @ W[used]
        return product

    def rdot(self, theta: Array) -> Array:
        """Return X^T theta."""
        return self.columns @ theta

    def gram(self, d: Array, output: int) -> Array:
        """Return X diag(d) X^T for 0 <= d <= 1; where d is 0 or 1, from the last one of this output."""
        mask = d > 0
        if np.any(d[mask] != 1.0):
            part = self.columns[mask]
            scaled: Array = part.T @ (d[mask, None] * part)
            return scaled
        count = int(mask.sum())
        if output in self._last:
            before, gram = self._last[output]
            on, off = mask & ~before, before & ~mask
            if int(on.sum()) + int(off.sum()) <= min(count, len(mask) - count):
                gram = gram + self._product(on) - self._product(off)
                self._last[output] = mask, gram
                return gram
        gram = self._product(mask) if 2 * count <= len(mask) else self._everything() - self._product(~mask)
        self._last[output] = mask, gram
        return gram

    def _everything(self) -> Array:
        if self._all is None:
            self._all = self.columns.T @ self.columns
        return self._all

    def _product(self, mask: Array) -> Array:
        part = self.columns[mask]
        product: Array = part.T @ part
        return product


class DualPoint:
    """Where the proximal problem is at some dual variables theta, and the slope of its dual function there."""

    def __init__(self, dual: ProximalDual, theta: Array, pulled: Array):
        self.dual = dual
        self.theta = theta
        self.pulled = pulled  # X^T theta
        steps, u = dual.steps, theta / dual.weight
        self.shifted = dual.eta + steps.eta * u
        self.z = dual.loss.prox(dual.y, self.shifted, steps.eta)
        self.coef_shifted = dual.W - steps.coef * pulled
        self.W = dual.penalty.prox(self.coef_shifted, dual.alpha * steps.coef)
        self.z_moved, self.W_moved = self.z - dual.eta, self.W - dual.W
        self.b_moved = -steps.intercept * theta.sum(axis=0) if dual.intercept else np.zeros(np.shape(dual.b))

    @cached_property
    def fitted_moved(self) -> Array:
        """By how much X W + b differs from the scores around which the proximal term is."""
        return self.dual.rows.dot(self.W_moved) + self.b_moved

    @property
    def slope(self) -> Array:
        """The gradient, z - X W - b."""
        return self.z_moved - self.fitted_moved

    def slope_along(self, direction: Array, pulled: Array) -> float:
        """Return the inner product of the gradient with a direction, of which X^T direction is known."""
        fitted = float(np.vdot(self.W_moved, pulled)) + float(np.vdot(self.b_moved, direction.sum(axis=0)))
        return float(np.vdot(self.z_moved, direction)) - fitted

    @cached_property
    def value(self) -> float:
        """The dual function, which is minimised."""
        dual = self.dual
        risk = float(np.sum(dual.weight * dual.loss.value(dual.y, self.z)))
        start = self.slope_along(self.theta, self.pulled)
        return start - risk - dual.alpha * dual.penalty.value(self.W) - self.energy

    @cached_property
    def energy(self) -> float:
        """The proximal term."""
        dual, steps = self.dual, self.dual.steps
        scores = float(np.sum(dual.weight * self.z_moved**2)) / steps.eta
        coef = float(np.sum(self.W_moved**2)) / steps.coef
        return 0.5 * (scores + coef + float(np.sum(self.b_moved**2)) / steps.intercept)

    @property
    def b(self) -> Array:
        """The intercept."""
        return self.dual.b + self.b_moved

    @property
    def derivatives(self) -> Array:
        """The derivative of z in the shifted scores."""
        return self.dual.loss.prox_derivative(self.dual.y, self.shifted, self.dual.steps.eta)

    def subgradient(self) -> Array:
        """Return a subgradient of the loss at z, of every sample of positive weight."""
        u = (self.shifted - self.z) / self.dual.steps.eta
        return self.dual.loss.into_dual_domain(self.dual.y, u)

    def pair(self) -> Pair:
        """Return a subgradient of the penalty at W."""
        return Pair((self.coef_shifted - self.W) / (self.dual.alpha * self.dual.steps.coef), self.W)


class ProximalDual:
    r"""The dual of an objective with a proximal term around a point, as a smooth function of theta.

    .. math:: \min_{W, b} \sum_i s_i \Big(\ell_i(z_i) + \frac{(z_i - \eta^0_i)^2}{2 r}\Big) + \alpha \Omega(W)
        + \frac{\|W - W^0\|^2}{2 t} + \frac{(b - b^0)^2}{2 q}, \quad z = X W + b

    Its Lagrangian is least at z = prox of the loss, W = prox of the penalty, both at points shifted by theta; the
    gradient in theta is z - X W - b, and the Hessian diag(r z' / s) + t X P X^T + q 1 1^T, P the Jacobian of the
    penalty's prox.

    References
    ----------
    Li, Sun, Toh, "A highly efficient semismooth Newton augmented Lagrangian method for solving lasso problems", SIAM J.
    Optimization 28(1), 2018; Luo, Sun, Toh, Xiu, "Solving the OSCAR and SLOPE models using a semismooth Newton-based
    augmented Lagrangian method", JMLR 20, 2019; Tang, Wang, Sun, Toh, "A sparse semismooth Newton based proximal
    majorization-minimization algorithm for nonconvex square-root-loss regression problems", JMLR 21, 2020.
    """

    def __init__(self, problem: Objective, rows: Rows, x: Array, steps: Steps):
        kept, samples = rows.index, problem.samples.local()
        self.rows, self.steps = rows, steps
        self.loss, self.y = problem.loss, samples.y[kept]
        self.penalty, self.alpha = problem.penalty, problem.alpha
        self.W, self.b = problem.split(x)
        self.intercept = samples.intercept
        self.offset: Any = 0.0 if samples.offset is None else samples.offset[kept]
        self.eta = problem.at(x).scores.values[kept]
        weight = samples.weight[kept]
        self.weight = weight.reshape((-1,) + (1,) * len(problem.shape))
        self._point: DualPoint | None = None

    def at(self, theta: Array) -> DualPoint:
        """Return the point at a flat theta, from memory if that is the last one."""
        if self._point is None or not np.array_equal(self._point.theta.ravel(), theta):
            full = theta.reshape(self.eta.shape)
            self._point = DualPoint(self, full, self.rows.rdot(full))
        return self._point

    def fun(self, theta: Array) -> float:
        """Return the dual function."""
        return self.at(theta).value

    def jac(self, theta: Array) -> Array:
        """Return its gradient."""
        return self.at(theta).slope.ravel()

    def hess(self, theta: Array) -> DualHessian:
        """Return its generalised Hessian."""
        return DualHessian(self.at(theta))

    def line(self, theta: Array, direction: Array) -> DualLine:
        """Return the function along a line."""
        return DualLine(self, theta, direction)

    def stop(self, accuracy: float, negligible: float, least: float) -> Callable[[Array, float | None], bool]:
        """Return the test whether theta is good enough.

        It is if z is near X W + b, relative to how far the scores have come, or if what a Newton step promises is
        negligible beside the proximal term, or at ``least``: scores that are right already need not move.
        """

        def good(theta: Array, promise: float | None = None) -> bool:
            point = self.at(theta)
            moves = (point.slope, point.z_moved, point.fitted_moved)
            apart, *far = (float(np.sqrt(np.sum(self.weight * move**2))) for move in moves)
            small = promise is not None and promise <= max(negligible * point.energy, least)
            return small or apart <= accuracy * sum(far)

        return good


class DualLine:
    """The dual function along theta + t d, at one product with X for the line."""

    def __init__(self, dual: ProximalDual, theta: Array, direction: Array):
        self.dual = dual
        self.start = dual.at(theta)
        self.direction = direction.reshape(self.start.theta.shape)
        self.pulled = dual.rows.rdot(self.direction)
        self._last: tuple[float, DualPoint] = (0.0, self.start)

    def _at(self, t: float) -> DualPoint:
        if t == 0.0:
            return self.start
        if self._last[0] != t:
            theta, pulled = self.start.theta + t * self.direction, self.start.pulled + t * self.pulled
            self._last = t, DualPoint(self.dual, theta, pulled)
        return self._last[1]

    def value(self, t: float) -> float:
        """Return the dual function at t."""
        return self._at(t).value

    def slope(self, t: float) -> float:
        """Return its derivative in t."""
        return self._at(t).slope_along(self.direction, self.pulled)

    def accept(self, t: float) -> Array:
        """Return theta + t d, and let the dual function remember what was computed there."""
        self.dual._point = self._at(t)
        return self.dual._point.theta.ravel()


class DualHessian:
    """diag(e) + t X P X^T + q 1 1^T, where P = diag(d) + U U^T."""

    first_damping = least_damping = 0.0

    def __init__(self, point: DualPoint):
        dual = point.dual
        self.rows, self.steps, self.intercept = dual.rows, dual.steps, dual.intercept
        most = dual.steps.eta / dual.weight
        self.e = (most * np.maximum(point.derivatives, RIDGE)).ravel()
        self.shape = point.theta.shape
        self.k = self.shape[1] if len(self.shape) > 1 else 1
        d, self.U = dual.penalty.prox_derivative(point.coef_shifted, dual.alpha * dual.steps.coef)
        self.d = d.reshape(len(d), self.k)
        self._inverse: Callable[[Array], Array] | None = None

    def decrement(self, gradient: Array) -> float | None:
        """Return g H^-1 g / 2, what a Newton step promises."""
        return None if self._inverse is None else 0.5 * float(gradient @ self._inverse(gradient))

    def solve(self, v: Array, damping: float = 0.0, accuracy: float = 0.0) -> Array:  # noqa: ARG002, it is exact
        """Return the inverse times v, with damping times a typical diagonal added."""
        e = self.e + damping * self.typical if damping > 0 else self.e
        free = np.count_nonzero(self.d) + (0 if self.U is None else self.U.shape[1]) + self.k
        self._inverse = self._thin(e) if free <= THIN * len(v) else self._factorised(e)
        return self._inverse(v)

    def _factorised(self, e: Array) -> Callable[[Array], Array]:
        H = self._dense()
        H.flat[:: len(H) + 1] += e
        return Factor(H).solve

    def scale(self) -> Array:
        """Return zeros: no step is limited to the length of a tiny one, because the proximal terms damp already."""
        return np.zeros(len(self.e))

    @cached_property
    def typical(self) -> float:
        """The diagonal that damping multiplies."""
        free = float(self.d.sum()) / self.k + (0 if self.U is None else self.U.shape[1] / self.k)
        return MILD * (self.steps.coef * self.rows.mean_square * max(free, 1.0) + float(self.e.max()))

    def _tied(self) -> Array | None:
        """Return X U, outputs side by side as in theta."""
        if self.U is None or self.U.shape[1] == 0:
            return None
        return times_columns(self.rows.columns, self.U, self.k)

    def _dense(self) -> Array:
        n, k = self.shape[0], self.k
        blocks = np.zeros((n, k, n, k))
        shift = self.steps.intercept if self.intercept else 0.0
        for c in range(k):
            blocks[:, c, :, c] = self.steps.coef * self.rows.gram(self.d[:, c], c) + shift
        H: Array = blocks.reshape(n * k, n * k)
        tied = self._tied()
        return H if tied is None else H + self.steps.coef * (tied @ tied.T)

    def _thin(self, e: Array) -> Callable[[Array], Array]:
        """Return the inverse by the Woodbury identity, in the free directions."""
        n, k = self.shape[0], self.k
        parts = []
        for c in range(k):
            mask = self.d[:, c] > 0
            single = self.rows.columns[mask].T * np.sqrt(self.steps.coef * self.d[mask, c])
            block = np.zeros((n, k, single.shape[1] + self.intercept))
            block[:, c, : single.shape[1]] = single
            block[:, c, single.shape[1] :] = np.sqrt(self.steps.intercept)
            parts.append(block.reshape(n * k, -1))
        tied = self._tied()
        root = np.sqrt(e)
        A = np.hstack(parts if tied is None else [*parts, np.sqrt(self.steps.coef) * tied])
        A /= root[:, None]
        inner = A.T @ A
        inner.flat[:: len(inner) + 1] += 1.0
        factor = Factor(inner)

        def inverse(v: Array) -> Array:
            scaled: Array = v / root
            return (scaled - A @ factor.solve(A.T @ scaled)) / root

        return inverse


def times_columns(columns: Array, U: Any, k: int) -> Array:
    """Return X U for U over the entries of W (p, k), as rows over the entries of the scores (n, k); X^T is given."""
    p, n = columns.shape
    if k == 1:
        return np.asarray((U.T @ columns).T)
    U = U.toarray() if sparse.issparse(U) else U
    product = np.tensordot(columns, U.reshape(p, k, -1), axes=(0, 0))  # (n, k, m)
    return product.reshape(n * k, -1)
