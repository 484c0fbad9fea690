"""Samples whose arrays are on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.losses import Loss
from sklearn_erm.losses.constants import constant_minimiser, slopes_at, weighted_quantile
from sklearn_erm.samples.bend import LocalBend
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.gram import gram_cost
from sklearn_erm.samples.location import intercept_of
from sklearn_erm.samples.state import State
from sklearn_erm.samples.strips import beside, each, opened, total

Array = NDArray[Any]

# If a relative change of target or score by this turns a slope, then rounding may explain the slope.
ROUNDING = 1e-13


class Rows(NamedTuple):
    """The arrays of some rows; weights of any sum."""

    X: Any
    y: Array
    weight: Array
    offset: Array | None


class Facts(NamedTuple):
    """What is known of samples without a look at their rows; ``stored`` is None where X is dense."""

    shape: tuple[int, ...]
    n_samples: int
    n_features: int
    intercept: bool
    entries: int
    scattered: bool
    largest_offset: float
    means: Array
    squares: Array
    units: Array
    stored: Array | None


class LocalSamples:
    """X, y, weights and offset as arrays, and what is asked of all samples together.

    Parameters
    ----------
    design : Design
        X, its centring and the intercept. It also holds the weights s, which sum to one.
    y : ndarray of shape (n,) or (n, k)
        Targets, in the coding of the loss.
    offset : ndarray or None
        Added to the scores, in their shape.
    n_outputs : int or None
        The number of scores of a sample under a joint loss; None means as y.
    """

    def __init__(self, design: Design, y: Array, offset: Array | None = None, n_outputs: int | None = None):
        self.design = design
        self.y = y
        self.weight = design.weight
        self.offset = offset
        self.shape: tuple[int, ...] = y.shape[1:] if n_outputs is None else (n_outputs,)
        self._all_heard = bool(self.weight.all())
        self.n_samples: int = design.n_samples
        self.n_features: int = design.n_features
        self.intercept: bool = design.intercept

    # -- facts ------------------------------------------------------------------------------------------------------

    @property
    def means(self) -> Array:
        """The weighted means of the columns of X; 0 without intercept."""
        return self.design.means

    @property
    def squares(self) -> Array:
        """The weighted mean squares of the centred columns."""
        return self.design.squares

    @property
    def deviations(self) -> Array:
        """The square roots of these."""
        return self.design.deviations

    @property
    def sizes(self) -> Array:
        """The deviations, something else that has the unit of the column where that is 0."""
        return self.design.sizes

    @property
    def units(self) -> Array:
        """The mean squares of the stored entries of each column."""
        return self.design.units

    @property
    def entries(self) -> int:
        """The number of entries of X that are stored."""
        return self.design.entries

    @property
    def stored(self) -> Array | None:
        """The number of stored entries of each column of a sparse X."""
        return self.design.stored

    @property
    def scattered(self) -> bool:
        """Whether X is so sparse that sparse products beat dense blocks."""
        return self.design.scattered

    @property
    def gram_cost(self) -> float:
        """Multiplications in a Gram matrix, roughly."""
        return gram_cost(self.entries, self.n_samples)

    @property
    def largest_offset(self) -> float:
        """The largest size of an offset."""
        return 0.0 if self.offset is None else float(np.abs(self.offset).max(initial=0.0))

    def facts(self) -> Facts:
        """Return all of these together."""
        return Facts(*(getattr(self, name) for name in Facts._fields))

    def intercept_of(self, W: Array, b: Array) -> Array:
        """Return the intercept that belongs to X itself, for b that belongs to centred columns."""
        return intercept_of(self.means, W, b)

    # -- states -----------------------------------------------------------------------------------------------------

    def zeros(self) -> State:
        """Return zeros, one per score."""
        return State(np.zeros((self.n_samples, *self.shape)))

    def scores(self, W: Array, b: Any) -> State:
        """Return X W + 1 b^T + offset."""
        eta = self.design.dot(W) + b
        return State(eta if self.offset is None else eta + self.offset)

    def change(self, W: Array, b: Any) -> State:
        """Return X W + 1 b^T: what a move by (W, b) adds to the scores."""
        return State(self.design.dot(W) + b)

    def moved(self, state: State, t: float, change: State) -> State:
        """Return a state plus t times a change."""
        return State(state.values + t * change.values)

    def scaled(self, state: State, factor: float) -> State:
        """Return a factor times a state."""
        return State(factor * state.values)

    def slopes(self, f: Loss, eta: State) -> State:
        """Return the derivative of f in the scores, which for a smoothed loss is the next multiplier."""
        return State(each(f, "gradient", self.y, eta.values))

    def proxed(self, f: Loss, eta: State, u: State, step: float) -> State:
        """Return the prox of f at eta + step u."""
        return State(f.prox(self.y, eta.values + step * u.values, step))

    def balanced(self, f: Loss, u: State, sums: Any) -> State:
        """Return dual variables near u whose weighted sum is zero, as an intercept asks, given ``balance_sums``."""
        return State(f.balanced(self.y, u.values, sums))

    def residuals(self, eta: State) -> State:
        """Return y less the scores, for one score of each sample."""
        return State(self.y - eta.values)

    def in_score_domain(self, f: Loss, eta: State) -> State:
        """Return the scores nearest to eta at which f is finite: eta itself where it is."""
        inside = f.into_score_domain(eta.values)
        return eta if inside is eta.values else State(inside)

    def is_in_score_domain(self, f: Loss, eta: State) -> bool:
        """Return whether f is finite at the scores eta."""
        return self.in_score_domain(f, eta) is eta

    # -- sums -------------------------------------------------------------------------------------------------------

    def total(self, f: Loss, method: str, state: State) -> float:
        """Return the weighted sum of what a method of f says about every sample."""
        return total(f, method, self.weight, self.y, state.values, self._all_heard)

    def inner(self, u: State, v: State) -> float:
        """Return the weighted sum of the products of two states; a sample of weight 0 counts for nothing."""
        product = u.values * v.values
        if not self._all_heard:
            product[self.weight == 0] = 0.0
        return float((self.weight @ product).sum())

    def pull_back(self, u: State) -> tuple[Array, Array]:
        """Return the gradient in W and in b of a risk whose derivative in the scores is u."""
        values = u.values
        theta = beside(self.weight, values) * values
        return self.design.adjoint(theta)

    def offset_term(self, u: State) -> float:
        """Return the weighted sum of u times offset."""
        return 0.0 if self.offset is None else self.inner(u, State(self.offset))

    def sides(self, u: State) -> tuple[Array, Array]:
        """Return the weighted sums of the positive and of the negative numbers of a state, by size, per score."""
        whole, sizes = self.weight @ u.values, self.weight @ np.abs(u.values)
        return 0.5 * (sizes + whole), 0.5 * (sizes - whole)

    def quantile(self, u: State, share: float, by_size: bool = False) -> float:
        """Return the weighted quantile of a state of one number for each sample, or of the sizes of these."""
        return float(weighted_quantile(np.abs(u.values) if by_size else u.values, self.weight, share))

    def mass_up_to(self, u: State, ends: Array, by_size: bool = False) -> Array:
        """Return the weight of the numbers up to each of some ends, likewise."""
        values = np.abs(u.values) if by_size else u.values
        order = np.argsort(values)
        mass = np.concatenate([[0.0], np.cumsum(self.weight[order])])
        return np.asarray(mass[np.searchsorted(values[order], ends, side="right")])

    def balance_sums(self, f: Loss, u: State) -> Any:
        """Return the sums over the samples from which ``balanced`` knows what to do."""
        return f.balance_sums(self.y, u.values, self.weight)

    def way_into_domain(self, f: Loss, here: State, there: State) -> float:
        """Return the least share of the way to other scores beyond which the loss is finite."""
        rows = np.asarray(f.score_rows())
        missed, room = np.maximum(-here.values @ rows.T, 0.0), there.values @ rows.T
        share = np.divide(missed, room + missed, out=np.zeros(missed.shape), where=(missed > 0) & (room > 0))
        return float(share.max(initial=0.0))

    def null(self, f: Loss) -> Any:
        """Return the constant that, added to the offset, is the score of least risk; None where f does not say it."""
        if self.offset is None:
            return self._null_alone(f)
        if f.has("null_with_offset"):
            return f.null_with_offset(self.y, self.weight, self.offset)
        if f.joint:
            return None
        b = self.null_without_offset(f)
        return constant_minimiser(f, self.y, self.weight, b, b, self.offset)

    def null_without_offset(self, f: Loss) -> Any:
        """Return the constant of least risk without the offset, less the mean offset."""
        return self._null_alone(f) - self.offset_mean()

    def _null_alone(self, f: Loss) -> Any:
        if f.target != "class":
            return f.null(self.y, self.weight)
        return f.null(*of_all_classes(self.y, self.weight, *self.shape))

    def slopes_of_constant(self, f: Loss, b: Array) -> Array:
        """Return the slope of the risk of constant + offset, and what rounding may make of it, stacked."""
        shape = (self.n_samples, *self.shape)
        return slopes_at(f, self.y, self.weight, b, np.broadcast_to(0.0 if self.offset is None else self.offset, shape))

    def extremes(self) -> tuple[Array, Array]:
        """Return the least and the largest target, column by column."""
        if not self.n_samples:
            return np.full(self.y.shape[1:], np.inf), np.full(self.y.shape[1:], -np.inf)
        return self.y.min(axis=0), self.y.max(axis=0)

    def masses(self) -> tuple[Array, Array]:
        """Return the labels that occur, and the weight of each."""
        labels, place = np.unique(self.y, return_inverse=True)
        return labels, np.bincount(place, self.weight, len(labels))

    def offset_mean(self) -> Any:
        """Return the weighted sum of the offsets."""
        return 0.0 if self.offset is None else self.weight @ self.offset

    def fits(self, f: Loss, eta: State, u: State) -> bool:
        """Return whether scores fit every target up to rounding: nowhere is the sign of a slope u certain.

        The samples of the steepest slopes stand for all: if rounding explains theirs, then it explains the others. A
        slope rises with the score and falls with the target.
        """
        if f.target != "real":
            return not u.values.any()
        if not u.values.size:
            return True
        flat = u.values.reshape(len(u.values), -1)
        rows = np.array([flat.argmax() // flat.shape[1], flat.argmin() // flat.shape[1]])
        if not flat[rows].any():
            return True
        side = np.sign(u.values[rows])
        near = eta.values[rows] - ROUNDING * side * np.abs(eta.values[rows])
        y = self.y[rows] + ROUNDING * (side.max(axis=1) if f.joint else side) * np.abs(self.y[rows])
        return not np.any(side * opened(f, rows).gradient(y, near) > 0)

    # -- sample by sample, for those who have them all here ----------------------------------------------------------

    def as_columns(self, state: State) -> Array:
        """Return a state as an array of shape (n, k)."""
        return state.values.reshape(self.n_samples, -1)

    def weighted(self, state: State) -> Array:
        """Return a state times the weights, of shape (n, k)."""
        values = self.as_columns(state)
        return beside(self.weight, values) * values

    def sloped(self, u: State) -> Array:
        """Return the samples of positive weight whose slope, one for each, is not zero."""
        return np.flatnonzero((u.values != 0) & (self.weight > 0))

    def rises(self, f: Loss, before: State, eta: Array) -> Array:
        """Return how much more the weighted losses are at the scores eta than before, all scores of a sample summed."""
        with np.errstate(all="ignore"):
            rise = f.value(self.y, eta) - f.value(self.y, before.values)
            return np.asarray(rise.reshape(self.n_samples, -1).sum(axis=1) * self.weight)

    def score_of(self, i: int, W: Array, intercept: Any) -> Any:
        """Return the score of one sample under coefficients, the intercept being that of X itself less ``shift``."""
        score = Design(self.design.rows(np.array([i])), np.ones(1), False).dot(W)[0] + intercept
        return score if self.offset is None else score + self.offset[i]

    # -- second derivatives -----------------------------------------------------------------------------------------

    def bend(self, f: Loss, eta: State, positive: bool = False) -> LocalBend:
        """Return A^T diag(h) A, h the weighted second derivatives of f at the scores, by size if ``positive``."""
        return LocalBend(self.design, f, self.y, eta.values, positive)

    # -- other samples ----------------------------------------------------------------------------------------------

    def columns(self, index: Array) -> LocalSamples:
        """Return the samples with the given features only."""
        return self._with(design=self.design.columns(index))

    def target(self, j: int) -> LocalSamples:
        """Return the samples of one column of the targets."""
        return LocalSamples(self.design, self.y[:, j].copy(), None if self.offset is None else self.offset[:, j])

    def beside(self, eta: State, W: Array, b: Any) -> LocalSamples:
        """Return the samples with such an offset that (W, b) has the scores eta."""
        return self._with(offset=eta.values - self.change(W, b).values)

    def with_doubled_targets(self) -> LocalSamples:
        """Return the samples with twice their targets."""
        return self._with(y=2.0 * self.y)

    def arrays(self, index: Array) -> Rows:
        """Return the arrays of some of the samples; columns far from 0 are moved."""
        offset = None if self.offset is None else self.offset[index]
        return Rows(self.design.rows(index), self.y[index], self.weight[index], offset)

    def rows(self, index: Array) -> LocalSamples:
        """Return some of the samples, weights scaled to sum 1, columns centred afresh."""
        return joined([self.arrays(index)], self.intercept, self.shape[0] if self.shape else None)

    def draw(self, count: int) -> LocalSamples:
        """Return so many samples at random, by a fixed seed."""
        return self.rows(np.sort(np.random.default_rng(0).choice(self.n_samples, count, replace=False)))

    def without(self, i: int) -> tuple[float, LocalSamples]:
        """Return the samples without one, and the weight that the others had."""
        others = np.delete(np.arange(self.n_samples), i)
        return float(self.weight[others].sum()), self.rows(others)

    def with_design(self, design: Design) -> LocalSamples:
        """Return the samples with another X of as many rows."""
        return self._with(design=design)

    here = True

    def local(self) -> LocalSamples:
        """Return the samples with all their arrays here."""
        return self

    def _with(self, **changes: Any) -> LocalSamples:
        kept = {"design": self.design, "y": self.y, "offset": self.offset}
        return LocalSamples(**{**kept, **changes}, n_outputs=self.shape[0] if self.shape else None)


def of_all_classes(codes: Array, weight: Array, n_classes: int) -> tuple[Array, Array]:
    """Return the indices of all classes, those without a sample too, and the weight of each."""
    return np.arange(n_classes), np.bincount(codes.astype(np.intp), weight, n_classes)


def joined(parts: Sequence[Rows], intercept: bool, n_outputs: int | None) -> LocalSamples:
    """Return samples of the rows of several parts, weights scaled to sum 1."""
    X, y, weight, offset = parts[0]
    if len(parts) > 1:
        stack = sparse.vstack if sparse.issparse(X) else np.concatenate
        X = stack([part.X for part in parts])
        y, weight = (np.concatenate(each) for each in zip(*(part[1:3] for part in parts), strict=True))
        offset = None if offset is None else np.concatenate([part.offset for part in parts])
    return LocalSamples(Design(X, weight / weight.sum(), intercept), y, offset, n_outputs)
