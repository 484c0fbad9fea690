"""The objective: risk + alpha * penalty, with its derivatives and its certificate."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import Curvature, NoPenalty, Penalty
from sklearn_erm.penalties.none import positive_multiple
from sklearn_erm.penalties.split import Split
from sklearn_erm.problem.carried import NOTHING, Carried, Known
from sklearn_erm.problem.certificate import FLOOR, Certificate, absorbers, error, gap, no_dual, optimality, splits
from sklearn_erm.problem.multipliers import Pair
from sklearn_erm.problem.newton_system import DIRECT, Hessian
from sklearn_erm.problem.point import Line, Point
from sklearn_erm.problem.rounding import blurred
from sklearn_erm.samples.contract import Samples, State
from sklearn_erm.samples.sketch import sketch, sketch_pays
from sklearn_erm.solvers.newton import newton

Array = NDArray[Any]

# If a loss bends more sharply than this, in units of the data, then splitting beats Newton's method (Huber, y ~ 1e3).
SHARP = 1e3
BLURRED = "rounding alone would make it large: columns of X are too large beside alpha (standardise them)"
# If a Hessian takes more multiplications to form, then a path hands it on.
DEAR = 1e6
# A joint loss with kinks is smoothed by this step, for its best constant beside an offset.
BLUR = 1e-2


class Objective:
    """F(x) = sum_i s_i l(y_i, eta_i) + alpha Omega(W), eta = X W + 1 b^T + offset, x = (W, b) in one flat vector.

    Parameters
    ----------
    loss, penalty : Loss, Penalty
        The penalty is bound to the number of features.
    alpha : float >= 0
        Factor of the penalty; 0 is no penalty.
    samples : Samples
        X, y, weights that sum to one, offsets, and whether there is an intercept.
    known : Known
        From a problem with the same null model.
    carried : Carried or None
        From the last problem of a path. All that changes while the problem is solved is in there.
    """

    def __init__(
        self,
        loss: Loss,
        penalty: Penalty,
        alpha: float,
        samples: Samples,
        known: Known = NOTHING,
        carried: Carried | None = None,
    ):
        self.loss = loss
        self.penalty, self.alpha = positive_multiple(penalty, alpha)
        self.samples = samples
        self.shape = samples.shape
        self.n_outputs = self.shape[0] if self.shape else 1
        self._shape = (samples.n_features, *self.shape)  # of W
        self._n_coef = samples.n_features * self.n_outputs
        self._known = known
        self._null_risk = known.null_risk
        self.carried = Carried() if carried is None else carried

    # -- the flat vector --------------------------------------------------------------------------------------------

    def split(self, x: Array) -> tuple[Array, Array]:
        """Return W and b (0 without intercept) as views of x."""
        b = x[self._n_coef :].reshape(self.shape) if self.samples.intercept else np.zeros(self.shape)
        return x[: self._n_coef].reshape(self._shape), b

    def join(self, W: Array, b: Any) -> Array:
        """Return W and b as one flat vector."""
        return np.concatenate([W.ravel(), np.ravel(b)]) if self.samples.intercept else W.ravel()

    def forget(self) -> None:
        """Forget the last point, whose scores were carried along."""
        self.carried.point = None

    # -- value and derivatives --------------------------------------------------------------------------------------

    def at(self, x: Array) -> Point:
        """Return the point x with its scores, from memory if x is the last point."""
        point = self.carried.point
        if point is None or point.objective is not self or not (point.x is x or (point.x == x).all()):
            point = self._fresh(x.copy())
            self.remember(point)
        return point

    def _fresh(self, x: Array) -> Point:
        return Point(self, x, self.samples.scores(*self.split(x)))

    def remember(self, point: Point) -> None:
        """Make a point the last point."""
        self.carried.point = point

    def fun(self, x: Array) -> float:
        """Return F(x)."""
        return self.at(x).value

    def jac(self, x: Array) -> Array:
        """Return the gradient of F at x, without the penalty's share where that has no gradient."""
        return self.at(x).gradient

    def hess(self, x: Array) -> Hessian:
        """Return the (generalised) Hessian of F at x."""
        point = self.at(x)
        return Hessian(self.samples, self.loss, point, self.penalty.curvature(point.W).scaled(self.alpha))

    def hess_to_solve(self, x: Array) -> Hessian:
        """Return ``hess(x).descending()``, with a preconditioner where conjugate gradients beat a factorisation.

        Asked first, it is that of the last problem along alpha with the penalty of this one, if that was dear to form.
        """
        hessian, carried = self.hess(x).descending(), self.carried
        first, carried.asked = carried.asked is not self, self
        if first and carried.hessian is not None:
            return carried.hessian.with_bend(hessian)
        if self.sketches and hessian.bend.widely:
            if carried.sketch is None or carried.sketch.worn:
                carried.sketch = None  # so that two are never in memory
                carried.sketch = sketch(hessian)
            hessian.sketch = carried.sketch
        elif carried.along and self.samples.gram_cost > DEAR and hessian.is_dense:
            carried.hessian = hessian.keep()
        return hessian

    @property
    def solves_by_products(self) -> bool:
        """Whether Newton systems are solved by products with the Hessian, the more the worse its condition."""
        return min(self.null.size // 2, self.samples.n_samples) > DIRECT

    @property
    def sketches(self) -> bool:
        """Whether Newton systems are solved with the help of sketches: where they pay, until one was of no use."""
        return self._sketch_pays and not (self.carried.sketch is not None and self.carried.sketch.useless)

    @cached_property
    def _sketch_pays(self) -> bool:
        coupled = self.n_outputs if self.loss.joint else 1
        return sketch_pays(self.samples, coupled)

    def risk_hess(self, x: Array) -> Hessian:
        """Return the (generalised) Hessian of the risk alone at x, or one that bends upwards where that may not."""
        point = self.at(x)
        return Hessian(self.samples, self.loss, point, Curvature(np.zeros(point.W.shape))).descending()

    def hessp(self, x: Array, v: Array) -> Array:
        """Return the Hessian of F at x times v."""
        return self.hess(x).matvec(v)

    def unpenalised_step(self, x: Array) -> Array:
        """Return Newton's step in coefficients without penalty, 0 in the others; 0 for a loss without curvature."""
        point = self.at(x)
        if not self.loss.has("curvature") or not (self.samples.intercept or self.penalty.unpenalised(point.W).any()):
            return np.zeros(x.shape)
        index = np.flatnonzero(self.penalty.unpenalised(point.W).reshape(len(point.W), -1).any(axis=1))
        part = self.samples.columns(index)
        gW, gb = point.risk_gradient
        gradient = np.concatenate([gW[index].ravel(), np.ravel(gb)[: self.n_outputs * part.intercept]])
        step = Hessian(part, self.loss, point, Curvature(np.zeros(gW[index].shape))).solve(-gradient)
        W = np.zeros(gW.shape)
        W[index] = step[: gW[index].size].reshape(gW[index].shape)
        return self.join(W, step[gW[index].size :])

    def line(self, x: Array, direction: Array, end: Array | None = None) -> Line:
        """Return F restricted to x + t direction; ``end`` is x + direction, if that is known without rounding."""
        return Line(self, x, direction, end)

    # -- related problems -------------------------------------------------------------------------------------------

    def with_loss(self, loss: Loss) -> Objective:
        """Return the same problem under another loss, measured against the same null model."""
        known = self._known_here()._replace(null_risk=None)
        return self._near(Objective(loss, self.penalty, self.alpha, self.samples, known))

    def with_penalty(self, penalty: Penalty, least_scale: Array | float = 0.0) -> Objective:
        """Return the same problem under another penalty, measured against the same null model.

        The optimality residual of each coefficient is relative to ``least_scale`` at least.
        """
        known = self._known_here()._replace(gradient_scale=np.maximum(self.gradient_scale, least_scale))
        return self._near(Objective(self.loss, penalty, self.alpha, self.samples, known))

    def at_alpha(self, penalty: Penalty, alpha: float, carried: Carried | None = None) -> Objective:
        """Return the same problem under another penalty and alpha, measured against the same null model."""
        return self._near(Objective(self.loss, penalty, alpha, self.samples, self._known_here(), carried))

    def with_columns(self, index: Array, around: Array | None = None) -> Objective:
        """Return the problem in the given features only; the others' coefficients are 0, or as at ``around``.

        Its null model has the intercept of this one's.
        """
        part = self.samples.columns(index)
        if around is not None:
            W, b = self.split(around)
            if np.any(np.delete(W, index, axis=0)):
                part = part.beside(self.at(around).scores, W[index], b)
        null = self.join(np.zeros((len(index), *self.shape)), self.split(self.null)[1])
        known = Known(null, self.reference, blurred=self.blurred[index])
        return Objective(self.loss, self.penalty.restrict(index), self.alpha, part, known)

    def _known_here(self) -> Known:
        """Return what a problem with the same samples and null model may know."""
        return Known(self.null, self.reference, self.gradient_scale, self._null_risk)

    def _near(self, twin: Objective) -> Objective:
        """Return another problem with the same samples, the last point remembered there."""
        if self.carried.point is not None:
            twin.remember(self.carried.point.of(twin))
        return twin

    def adopt(self, small: Objective, x: Array, index: Array, around: Array | None = None) -> Array:
        """Return x of the problem ``small`` in the given features as a point of this one, its scores remembered."""
        part, b = small.split(x)
        W = np.zeros((self.samples.n_features, *self.shape)) if around is None else self.split(around)[0].copy()
        W[index] = part
        whole = self.join(W, b)
        self.remember(Point(self, whole, small.at(x).scores))
        return whole

    def remember_scores(self, point: Point) -> None:
        """Take over the scores of a point of a related problem with the same design."""
        self.remember(point.of(self))

    @cached_property
    def natural_step(self) -> float:
        """A typical residual over a typical slope of the loss, at the null model: the width of a kink that matters."""
        risk, slope = self.reference
        return abs(risk) / slope / slope or 1.0

    @cached_property
    def has_kinks(self) -> bool:
        """Whether the loss has kinks, or bends so sharp, at the scale of the data, that they might as well be."""
        sharp = self.loss.has("prox") and self.loss.max_curvature * self.natural_step > SHARP
        return not self.loss.smooth or bool(sharp)

    @cached_property
    def has_curvature(self) -> bool:
        """Whether the smooth problem that is solved has second derivatives."""
        if not (Smoothed(self.loss, None, 1.0) if self.has_kinks else self.loss).has("curvature"):
            return False
        if self.penalty.smooth or self.penalty.blockwise:
            return self.penalty.has("curvature")
        return Split.has_curvature(self.penalty.parts(), self.samples.n_features * self.n_outputs)

    @cached_property
    def null(self) -> Array:
        """The null model: W = 0 and the best constant."""
        if self._known.null is not None:
            return self._known.null
        b = self._best_constant() if self.samples.intercept else 0.0
        return self.join(np.zeros((self.samples.n_features, *self.shape)), np.full(self.shape, b))

    def _best_constant(self) -> Any:
        known = self.samples.null(self.loss)
        if known is not None:
            return known
        loss = self.loss if self.loss.smooth else Smoothed(self.loss, self.samples.zeros(), BLUR)
        alone = Objective(loss, NoPenalty(), 0.0, self.samples.columns(np.zeros(0, dtype=np.intp)))
        start = np.broadcast_to(self.samples.null_without_offset(self.loss), self.shape).astype(float)
        return newton(alone.fun, start, jac=alone.jac, hess=alone.hess, line=alone.line, stop=lambda *_: False).x

    @property
    def null_risk(self) -> float:
        """The risk at the null model; the last point is kept in memory."""
        if self._null_risk is None:
            self._null_risk = self._fresh(self.null).risk
        return self._null_risk

    @property
    def null_value(self) -> float:
        """The objective at the null model."""
        return self.null_risk + self.alpha * float(self.penalty.value(self.split(self.null)[0]))

    @cached_property
    def reference(self) -> tuple[float, float]:
        """The objective at the null model, and the root mean square of the loss's derivative there.

        If a constant fits every target up to rounding, then both are those of doubled targets instead, because what
        rounding leaves is nothing to compare with; they have the same units. If those vanish too, they are 1. Those of
        a null model of infinite loss are the ones of the nearest scores in the loss's domain.
        """
        if self._known.reference is not None:
            return self._known.reference
        samples, point = self.samples, self.at(self.null)
        inside = samples.in_score_domain(self.loss, point.scores)
        if inside is not point.scores:
            point = Point(self, point.x, inside)
        if not samples.fits(self.loss, point.scores, point.slopes):
            return point.risk, self._size(samples, point.slopes)
        doubled = samples.with_doubled_targets()
        risk = doubled.total(self.loss, "value", point.scores)
        slope = self._size(doubled, doubled.slopes(self.loss, point.scores))
        return (risk, slope) if risk > 0 and slope > 0 else (1.0, 1.0)

    @staticmethod
    def _size(samples: Samples, slopes: State) -> float:
        """Return the root mean square of the loss's derivative."""
        return float(np.sqrt(samples.inner(slopes, slopes)))

    # -- the certificate --------------------------------------------------------------------------------------------

    def certificate(self, x: Array, dual: State | None = None, pairs: list[Pair] | None = None) -> Certificate:
        """Return how far x is from optimal.

        Parameters
        ----------
        x : ndarray
            The point.
        dual : State or None
            Dual variables per sample, in the domain of the loss's conjugate; None takes the loss's derivative at x.
        pairs : list or None
            For a penalty that is split: a subgradient of each of its parts, and where it is one.
        """
        bound = gap(self, self.at(x), dual, pairs) if self.has_dual else np.nan
        return Certificate(self.fun(x), self.at(x).risk, bound, optimality(self, self.at(x), dual, pairs))

    def error(self, x: Array, dual: State | None = None, pairs: list[Pair] | None = None) -> float:
        """Return ``certificate(x, dual, pairs).error``, and compute no more than that."""
        return error(self, self.at(x), dual, pairs)

    @property
    def has_dual(self) -> bool:
        """Whether the duality gap says something."""
        return not self.no_gap

    @cached_property
    def no_gap(self) -> str:
        """Why the duality gap says nothing, "" if it does."""
        return no_dual(self.loss, self.penalty) or (BLURRED if self.blurred.any() else "")

    @cached_property
    def blurred(self) -> Array:
        """A mask of the coefficients whose gradient rounding blurs too much for a duality gap."""
        if self._known.blurred is not None:
            return self._known.blurred
        parts = [self.penalty.parts()[k] for k in absorbers(self.penalty.parts())] if splits(self.penalty) else None
        terms = [(1.0, self.penalty)] if parts is None else [(part.factor, part.penalty) for part in parts]
        masks = [
            blurred(penalty, factor * self.alpha, self.gradient_scale, self.reference[0])
            for factor, penalty in terms
            if penalty.has("conjugate")
        ]
        nothing = np.zeros(self.gradient_scale.shape, dtype=bool)
        return min(masks, key=np.count_nonzero, default=nothing)

    def scale(self, x: Array) -> float:
        """Return what the gap at x is relative to."""
        return max(abs(self.fun(x)), FLOOR * abs(self.reference[0])) or 1.0

    @cached_property
    def gradient_scale(self) -> Array:
        """The size of the gradient that each coefficient could have at the null model, by Cauchy-Schwarz."""
        if self._known.gradient_scale is not None:
            return self._known.gradient_scale
        return np.multiply.outer(self.samples.deviations * self.reference[1], np.ones(self.shape))
