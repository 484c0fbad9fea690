"""The objective: loss + alpha * penalty over a design, with its derivatives and its certificate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from sklearn_erm.design import Design
from sklearn_erm.hessian import Hessian
from sklearn_erm.losses import Loss, constant_minimiser
from sklearn_erm.penalties import NoPenalty, Penalty
from sklearn_erm.point import Line, Point
from sklearn_erm.solvers.newton import newton

Array = NDArray[Any]

FLOOR = 1e-3  # the gap is relative to the objective, but never to less than this share of the null model's
SHARP = 1e3  # bend of a loss, in units of the data, from which splitting beats Newton's method (Huber, y of scale 1e3)
LONG = 4000  # samples from which a subsample may pay
WIDE, TALL = 300, 4000  # features above which, samples up to which the row space pays
CONSTANT = 1e-13  # slope of the loss, relative to the targets, that rounding may leave of zero
NOISE = 1e-14  # imbalance of the dual variables that rounding alone explains


@dataclass(frozen=True)
class Certificate:
    """How far a point is from optimal.

    Attributes
    ----------
    objective, risk : float
        The value of the objective, and of its mean loss.
    gap : float
        The relative duality gap, an upper bound of (objective - minimum) / scale; nan where the dual says nothing.
    optimality : float
        The largest violation of the optimality conditions, relative to the null model's gradient.
    """

    objective: float
    risk: float
    gap: float
    optimality: float

    @property
    def error(self) -> float:
        """The number that ``tol`` bounds: the gap where there is one, the optimality residual elsewhere."""
        return self.optimality if np.isnan(self.gap) else self.gap


class Objective:
    """F(x) = sum_i s_i l(y_i, eta_i) + alpha Omega(W), eta = X W + 1 b^T + offset, x = (W, b) in one flat vector.

    Parameters
    ----------
    loss, penalty : Loss, Penalty
        The penalty is bound to the number of features.
    alpha : float >= 0
        Factor of the penalty; 0 is no penalty.
    design : Design
        X, its centring and the intercept. It also holds the weights s, which sum to one.
    y : ndarray of shape (n,) or (n, k)
        Targets, in the coding of the loss.
    offset : ndarray or None
        Added to the scores, in their shape.
    n_outputs : int or None
        Columns of W for a joint loss; None means as y.
    """

    def __init__(
        self,
        loss: Loss,
        penalty: Penalty,
        alpha: float,
        design: Design,
        y: Array,
        offset: Array | None = None,
        n_outputs: int | None = None,
    ):
        self.loss = loss
        self.penalty = penalty if alpha > 0 else NoPenalty()
        self.alpha = float(alpha) if alpha > 0 else 1.0
        self.design = design
        self.weight = design.weight
        self.y = y
        self.offset = offset
        self.shape: tuple[int, ...] = y.shape[1:] if n_outputs is None else (n_outputs,)
        self.n_outputs = self.shape[0] if self.shape else 1
        self._point: Point | None = None

    # -- the flat vector --------------------------------------------------------------------------------------------

    def split(self, x: Array) -> tuple[Array, Array]:
        """Return W and b (0 without intercept) as views of x."""
        size = self.design.n_features * self.n_outputs
        b = x[size:].reshape(self.shape) if self.design.intercept else np.zeros(self.shape)
        return x[:size].reshape((self.design.n_features, *self.shape)), b

    def join(self, W: Array, b: Any) -> Array:
        """Return W and b as one flat vector."""
        return np.concatenate([W.ravel(), np.ravel(b)]) if self.design.intercept else W.ravel()

    def scores(self, W: Array, b: Array) -> Array:
        """Return X W + 1 b^T, without the offset."""
        return self.design.dot(W) + b

    def pull_back(self, u: Array) -> tuple[Array, Array]:
        """Return the gradient in W and b of a risk whose derivative in eta is u."""
        theta = self.weight * u if u.ndim == 1 else self.weight[:, None] * u
        return self.design.rdot(theta), theta.sum(axis=0)

    def forget(self) -> None:
        """Forget the last point, whose scores were carried along."""
        self._point = None

    # -- value and derivatives --------------------------------------------------------------------------------------

    def at(self, x: Array) -> Point:
        """Return the point x with its scores, from memory if x is the last point."""
        if self._point is None or not (self._point.x is x or np.array_equal(self._point.x, x)):
            eta = self.scores(*self.split(x))
            self.remember(Point(self, x.copy(), eta if self.offset is None else eta + self.offset))
        assert self._point is not None
        return self._point

    def remember(self, point: Point) -> None:
        """Make a point the last point."""
        self._point = point

    def fun(self, x: Array) -> float:
        """Return F(x)."""
        point = self.at(x)
        return point.risk + self.alpha * float(self.penalty.value(point.W))

    def jac(self, x: Array) -> Array:
        """Return the gradient of F at x, without the penalty's share where that has no gradient."""
        return self.at(x).gradient

    def hess(self, x: Array) -> Hessian:
        """Return the (generalised) Hessian of F at x."""
        point = self.at(x)
        d, U = self.penalty.curvature(point.W)
        root = np.sqrt(self.alpha)
        return Hessian(self.design, self.loss, self.y, point.eta, self.alpha * d, None if U is None else root * U)

    def risk_hess(self, x: Array) -> Hessian:
        """Return the (generalised) Hessian of the risk alone at x."""
        point = self.at(x)
        return Hessian(self.design, self.loss, self.y, point.eta, np.zeros(point.W.shape), None)

    def hessp(self, x: Array, v: Array) -> Array:
        """Return the Hessian of F at x times v."""
        return self.hess(x).matvec(v)

    def unpenalised_step(self, x: Array) -> Array:
        """Return Newton's step in the coefficients that the penalty does not depend on, 0 in the others."""
        point = self.at(x)
        index = np.flatnonzero(self.penalty.unpenalised(point.W).reshape(len(point.W), -1).any(axis=1))
        part = self.design.columns(index)
        gW, gb = point.risk_gradient
        gradient = np.concatenate([gW[index].ravel(), np.ravel(gb)[: self.n_outputs * part.intercept]])
        step = Hessian(part, self.loss, self.y, point.eta, np.zeros(gW[index].shape), None).solve(-gradient)
        W = np.zeros(gW.shape)
        W[index] = step[: gW[index].size].reshape(gW[index].shape)
        return self.join(W, step[gW[index].size :])

    def line(self, x: Array, direction: Array) -> Line:
        """Return F restricted to x + t direction."""
        return Line(self, x, direction)

    # -- related problems -------------------------------------------------------------------------------------------

    def with_loss(self, loss: Loss) -> Objective:
        """Return the same problem under another loss, measured against the same null model."""
        twin = object.__new__(Objective)
        twin.__dict__.update(self.__dict__, loss=loss, _point=None, null=self.null, reference=self.reference)
        if self._point is not None:
            twin.remember(Point(twin, self._point.x, self._point.eta))
        return twin

    def with_columns(self, index: Array, start: Array | None = None) -> Objective:
        """Return the problem in the given features only, the others' coefficients being 0.

        Its null model is this one's, or has the intercept ``start``.
        """
        b = self.split(self.null)[1] if start is None else start
        twin = object.__new__(Objective)
        twin.__dict__.update(self.__dict__, design=self.design.columns(index), penalty=self.penalty.restrict(index))
        twin.__dict__.pop("gradient_scale", None)
        twin.__dict__.update(_point=None, null=twin.join(np.zeros((len(index), *self.shape)), b))
        if start is None:
            twin.__dict__.update(reference=self.reference)
        return twin

    def adopt(self, small: Objective, x: Array, index: Array) -> Array:
        """Return x of the problem ``small`` in the given features as a point of this one, its scores remembered."""
        part, b = small.split(x)
        W = np.zeros((self.design.n_features, *self.shape))
        W[index] = part
        whole = self.join(W, b)
        self.remember(Point(self, whole, small.at(x).eta))
        return whole

    def remember_scores(self, point: Point) -> None:
        """Take over the scores of a point of a related problem with the same design."""
        self.remember(Point(self, point.x, point.eta))

    @property
    def natural_step(self) -> float:
        """A typical residual over a typical slope of the loss, at the null model: the width of a kink that matters."""
        risk, slope = self.reference
        return abs(risk) / slope**2 or 1.0

    @property
    def has_kinks(self) -> bool:
        """Whether the loss has kinks, or bends so sharp, at the scale of the data, that they might as well be."""
        return not self.loss.smooth or bool(self.loss.max_curvature * self.natural_step > SHARP)

    @property
    def subsample_pays(self) -> bool:
        """Whether the rows are so many that some of them tell where to start."""
        n = self.design.n_samples
        return not self.has_kinks and n > LONG and n > 40 * self.design.n_features * self.n_outputs

    def on_subsample(self) -> Objective:
        """Return the problem on an eighth of the rows, drawn at random by a fixed seed."""
        n = self.design.n_samples
        rows = np.sort(np.random.default_rng(0).choice(n, n // 8, replace=False))
        weight = self.weight[rows] / self.weight[rows].sum()
        design = Design(self.design.rows(rows), weight, self.design.intercept)
        offset = None if self.offset is None else self.offset[rows]
        return Objective(
            self.loss,
            self.penalty,
            self.alpha,
            design,
            self.y[rows],
            offset,
            self.n_outputs if self.loss.joint else None,
        )

    @property
    def row_space_pays(self) -> bool:
        """Whether the same problem in the row space of X is much smaller."""
        n, p = self.design.n_samples, self.design.n_features
        return self.penalty.rotation_invariant and p > WIDE and 2 * n <= p and n <= TALL

    def in_row_space(self) -> tuple[Objective, Callable[[Array], Array]]:
        """Return the problem with X replaced by L of X X^T = L L^T, and the map from its points to those of this one.

        A rotation of the features changes neither scores nor penalty, and none but those in the row space matter:
        W = X^T L^-T V. L has n columns instead of p.
        """
        L = self.design.row_factor()
        small = Design(L, self.weight, self.design.intercept)
        reduced = Objective(
            self.loss, self.penalty, self.alpha, small, self.y, self.offset, self.n_outputs if self.loss.joint else None
        )

        def lift(x: Array) -> Array:
            V, b = reduced.split(x)
            W = self.design.rdot(solve_triangular(L, V, lower=True, trans=1))
            return self.join(W, small.intercept_of(V, b))

        return reduced, lift

    @cached_property
    def null(self) -> Array:
        """The null model: W = 0 and the best constant."""
        b = self._best_constant() if self.design.intercept else 0.0
        return self.join(np.zeros((self.design.n_features, *self.shape)), np.broadcast_to(b, self.shape))

    def _best_constant(self) -> Any:
        b = self.loss.null(self.y, self.weight)
        if self.offset is None:
            return b
        b = b - self.weight @ self.offset
        if not self.loss.joint:
            return constant_minimiser(self.loss, self.y, self.weight, b, b, self.offset)
        alone = self.with_columns(np.zeros(0, dtype=np.intp), np.asarray(b, dtype=float))
        return newton(alone.fun, alone.null, jac=alone.jac, hess=alone.hess, line=alone.line, stop=lambda *_: False).x

    @cached_property
    def reference(self) -> tuple[float, float]:
        """The objective at the null model, and the root mean square of the loss's derivative there.

        Both are 1 where a constant fits every target, up to rounding: nothing else is there to compare with.
        """
        point = self.at(self.null)
        slope = float(np.sqrt(np.sum(self.weight @ point.dual**2)))
        return (point.risk, slope) if slope > CONSTANT * np.abs(self.y).max() else (1.0, 1.0)

    # -- the certificate --------------------------------------------------------------------------------------------

    def certificate(self, x: Array, dual: Array | None = None) -> Certificate:
        """Return how far x is from optimal.

        Parameters
        ----------
        x : ndarray
            The point.
        dual : ndarray or None
            Dual variables per sample, in the domain of the loss's conjugate; None takes the loss's derivative at x.
        """
        point = self.at(x)
        gap = self._gap(point, dual) if self.has_dual else np.nan
        return Certificate(self.fun(x), point.risk, gap, self._optimality(point, dual))

    def error(self, x: Array, dual: Array | None = None) -> float:
        """Return ``certificate(x, dual).error``, and compute no more than that."""
        point = self.at(x)
        return self._gap(point, dual) if self.has_dual else self._optimality(point, dual)

    @property
    def has_dual(self) -> bool:
        """Whether the duality gap says something."""
        return self.penalty.coercive and self.penalty.convex and self.loss.convex

    def scale(self, x: Array) -> float:
        """Return what the gap at x is relative to."""
        return max(abs(self.fun(x)), FLOOR * abs(self.reference[0])) or 1.0

    def _gap(self, point: Point, dual: Array | None) -> float:
        """Return the relative gap between the objective and ``_dual_value``, in size."""
        u, gradient = (point.dual, point.risk_gradient) if dual is None else (dual, self.pull_back(dual))
        difference = self.fun(point.x) - self._dual_value(u, gradient)
        return (max(difference, 0.0) if self.has_dual else abs(difference)) / self.scale(point.x)

    def _optimality(self, point: Point, dual: Array | None) -> float:
        """Return the largest violation of the optimality conditions, relative.

        Where the dual is infinite, that counts what the gap would be if unpenalised coefficients were stationary.
        """
        gradient = point.risk_gradient if dual is None else self.pull_back(dual)
        residual = self._residual(point, gradient)
        if dual is not None:
            residual = max(residual, self._loss_slack(point, dual) / self.scale(point.x))
        return residual if self.has_dual else max(residual, self._gap(point, dual))

    def _dual_value(self, u: Array, gradient: tuple[Array, Array]) -> float:
        """Return the dual objective near u, as far as a finite one goes: unpenalised coefficients are left out.

        u is moved into the domain: first to balance the intercept, then, for a norm, by a factor.
        """
        V = gradient[0]
        if self.design.intercept and np.any(np.abs(gradient[1]) > NOISE * (self.weight @ np.abs(u))):
            u = self.loss.balance(self.y, u, self.weight)
            V = self.pull_back(u)[0]
        V = np.where(self.penalty.unpenalised(V), 0.0, V)
        shrink = 1.0
        if self.penalty.homogeneous:
            critical = self.penalty.critical_alpha(V)
            shrink = self.alpha / critical if critical > self.alpha else 1.0
            penalty = 0.0
        else:
            penalty = self.alpha * self.penalty.conjugate(-V / self.alpha)
        conjugate = self.loss.conjugate(self.y, shrink * u)
        value = -float(np.sum(self._weighted(conjugate))) - penalty
        if self.offset is not None:
            value += shrink * float(np.sum(self._weighted(u * self.offset)))
        return value

    def _weighted(self, values: Array) -> Array:
        """Return weight * values, 0 where the weight is."""
        weight = self.weight if values.ndim == 1 else self.weight[:, None]
        return weight * np.where(weight > 0, values, 0.0)

    def _loss_slack(self, point: Point, u: Array) -> float:
        """Return how far u is from being a derivative of the loss at the point: the Fenchel-Young gap."""
        paired = u * point.eta
        paired = paired.sum(axis=1) if self.loss.joint else paired
        values = self.loss.value(self.y, point.eta) + self.loss.conjugate(self.y, u) - paired
        return float(np.sum(self._weighted(values)))

    def _residual(self, point: Point, gradient: tuple[Array, Array]) -> float:
        """Return the largest violation of stationarity, each coordinate relative to the null model's scale."""
        kkt = self.penalty.kkt(point.W, gradient[0], self.alpha)
        labels = self.penalty.blocks(point.W)
        scale = np.sqrt(np.bincount(labels.ravel(), (self.gradient_scale**2).ravel())[labels])
        relative = np.divide(kkt, scale, out=kkt.copy(), where=scale > 0)
        intercept = np.max(np.abs(gradient[1])) / self.reference[1] if self.design.intercept else 0.0
        return float(max(relative.max(initial=0.0), intercept))

    @cached_property
    def gradient_scale(self) -> Array:
        """The size of the gradient that each coefficient could have at the null model, by Cauchy-Schwarz."""
        each = self.design.deviations * self.reference[1]
        return np.broadcast_to(each.reshape((-1,) + (1,) * len(self.shape)), (len(each), *self.shape))
