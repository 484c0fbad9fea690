"""A sum of samples: what is asked of all is asked of each part, and added."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.losses.constants import where_slopes_vanish
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.gram import gram_cost
from sklearn_erm.samples.local import Facts, LocalSamples, Rows, joined, of_all_classes
from sklearn_erm.samples.location import intercept_of, locate, sizes_of
from sklearn_erm.samples.parts import HereParts, OneEach, Parts, added
from sklearn_erm.samples.quantile import quantile_by_counting

Array = NDArray[Any]


class BlockSamples:
    """Samples in parts, here or elsewhere: answers are those of the parts, added.

    A state is the parts' states. Methods that need all rows on one machine are not offered.

    Parameters
    ----------
    parts : Parts
        Samples, with weights that sum to one together, and columns centred alike: ``in_blocks`` makes such of arrays.
    """

    def __init__(self, parts: Parts):
        self.parts = parts
        facts = [Facts(*each) for each in parts.answers("facts")]
        first = facts[0]
        self.shape: tuple[int, ...] = first.shape
        self.n_features: int = first.n_features
        self.intercept: bool = first.intercept
        self.means: Array = first.means
        self.counts = [each.n_samples for each in facts]
        self.n_samples = sum(self.counts)
        self.entries = sum(each.entries for each in facts)
        self.scattered = all(each.scattered or not each.n_samples for each in facts)
        self.largest_offset = max(each.largest_offset for each in facts)
        self.squares: Array = added([each.squares for each in facts])
        self.units: Array = self.squares if first.stored is None else _units(facts)

    # -- facts ------------------------------------------------------------------------------------------------------

    @property
    def deviations(self) -> Array:
        """The roots of ``squares``."""
        return np.sqrt(self.squares)

    @property
    def sizes(self) -> Array:
        """The deviations, something else that has the unit of the column where that is 0."""
        return sizes_of(self.squares, self.means)

    @property
    def gram_cost(self) -> float:
        """Multiplications in a Gram matrix, roughly."""
        return gram_cost(self.entries, self.n_samples)

    def intercept_of(self, W: Array, b: Array) -> Array:
        """Return the intercept that belongs to X itself, for b that belongs to centred columns."""
        return intercept_of(self.means, W, b)

    # -- states -----------------------------------------------------------------------------------------------------

    def zeros(self) -> Parts:
        """Return zeros, one per score."""
        return self.parts.each("zeros")

    def scores(self, W: Array, b: Any) -> Parts:
        """Return X W + 1 b^T + offset."""
        return self.parts.each("scores", W, b)

    def change(self, W: Array, b: Any) -> Parts:
        """Return X W + 1 b^T."""
        return self.parts.each("change", W, b)

    def moved(self, state: Parts, t: float, change: Parts) -> Parts:
        """Return state + t change."""
        return self.parts.each("moved", state, t, change)

    def scaled(self, state: Parts, factor: float) -> Parts:
        """Return factor times state."""
        return self.parts.each("scaled", state, factor)

    def slopes(self, f: Loss, eta: Parts) -> Parts:
        """Return the derivative of f at the scores."""
        return self.parts.each("slopes", f, eta)

    def proxed(self, f: Loss, eta: Parts, u: Parts, step: float) -> Parts:
        """Return the prox of f at eta + step u."""
        return self.parts.each("proxed", f, eta, u, step)

    def balanced(self, f: Loss, u: Parts, sums: Any) -> Parts:
        """Return dual variables near u with weighted sum zero."""
        return self.parts.each("balanced", f, u, sums)

    def residuals(self, eta: Parts) -> Parts:
        """Return y less the scores."""
        return self.parts.each("residuals", eta)

    def in_score_domain(self, f: Loss, eta: Parts) -> Parts:
        """Return the scores nearest to eta at which f is finite; eta itself where it is."""
        if f.score_rows() is None:
            return eta
        inside = all(self.parts.answers("is_in_score_domain", f, eta))
        return eta if inside else self.parts.each("in_score_domain", f, eta)

    # -- sums -------------------------------------------------------------------------------------------------------

    def total(self, f: Loss, method: str, state: Parts) -> float:
        """Return the weighted sum of what a method of f says about every sample."""
        return float(self.parts.sum("total", f, method, state))

    def inner(self, u: Parts, v: Parts) -> float:
        """Return the weighted sum of the products of two states."""
        return float(self.parts.sum("inner", u, v))

    def pull_back(self, u: Parts) -> tuple[Array, Array]:
        """Return A^T diag(s) u, in the shapes of W and b."""
        W, b = self.parts.sum("pull_back", u)
        return W, b

    def offset_term(self, u: Parts) -> float:
        """Return the weighted sum of u times offset."""
        return float(self.parts.sum("offset_term", u)) if self.largest_offset else 0.0

    def sides(self, u: Parts) -> tuple[Array, Array]:
        """Return the weighted sums of the positive and of the negative numbers, by size."""
        positive, negative = self.parts.sum("sides", u)
        return positive, negative

    def quantile(self, u: Parts, share: float, by_size: bool = False) -> float:
        """Return the weighted quantile of a state, or of the sizes of its numbers, in rounds of sums."""
        return quantile_by_counting(lambda ends: self.parts.sum("mass_up_to", u, ends, by_size), share)

    def balance_sums(self, f: Loss, u: Parts) -> Any:
        """Return the sums that ``balanced`` needs."""
        return self.parts.sum("balance_sums", f, u)

    def way_into_domain(self, f: Loss, here: Parts, there: Parts) -> float:
        """Return the least share of the way to other scores beyond which f is finite."""
        return max(self.parts.answers("way_into_domain", f, here, there))

    def null(self, f: Loss) -> Any:
        """Return the best constant beside the offset; None where it has to be searched for."""
        if f.target != "real" and self.largest_offset == 0:
            return self._null_of_labels(f)
        return None if f.joint and f.target != "real" else self._search(f)

    def _search(self, f: Loss) -> Any:
        """Return where the slope of the risk of a constant vanishes, in rounds of sums."""
        low, high = self.extremes()
        if (low == high).all() and not np.isfinite(same := f.null(low[None], np.ones(1))).all():
            return same
        ends = (np.broadcast_to(end, self.shape) for end in (low, high))
        return where_slopes_vanish(lambda b: self.slopes_of_constant(f, b), *ends)

    def null_without_offset(self, f: Loss) -> Any:
        """Return the best constant without the offset, less the mean offset; f has labels for targets."""
        return self._null_of_labels(f) - self.offset_mean()

    def _null_of_labels(self, f: Loss) -> Any:
        labels, weights = self.masses()
        return f.null(*(of_all_classes(labels, weights, *self.shape) if f.target == "class" else (labels, weights)))

    def slopes_of_constant(self, f: Loss, b: Array) -> Array:
        """Return the slope of the risk of constant + offset, and what rounding may make of it."""
        return np.asarray(self.parts.sum("slopes_of_constant", f, b))

    def extremes(self) -> tuple[Array, Array]:
        """Return the least and the largest target, column by column."""
        lows, highs = zip(*self.parts.answers("extremes"), strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def masses(self) -> tuple[Array, Array]:
        """Return the labels that occur, and the weight of each."""
        labels, weights = (np.concatenate(each) for each in zip(*self.parts.answers("masses"), strict=True))
        known, place = np.unique(labels, return_inverse=True)
        return known, np.bincount(place, weights, len(known))

    def offset_mean(self) -> Any:
        """Return the weighted sum of the offsets."""
        return self.parts.sum("offset_mean")

    def fits(self, f: Loss, eta: Parts, u: Parts) -> bool:
        """Return whether scores fit every target up to rounding."""
        return all(self.parts.answers("fits", f, eta, u))

    # -- second derivatives and other samples -----------------------------------------------------------------------

    def bend(self, f: Loss, eta: Parts, positive: bool = False) -> BlockBend:
        """Return A^T diag(h) A."""
        return BlockBend(self.parts.each("bend", f, eta, positive), self, f.joint)

    def columns(self, index: Array) -> BlockSamples:
        """Return the samples with the given features only."""
        return BlockSamples(self.parts.each("columns", index))

    def target(self, j: int) -> BlockSamples:
        """Return the samples of one column of the targets."""
        return BlockSamples(self.parts.each("target", j))

    def beside(self, eta: Parts, W: Array, b: Any) -> BlockSamples:
        """Return the samples with such an offset that (W, b) has the scores eta."""
        return BlockSamples(self.parts.each("beside", eta, W, b))

    def with_doubled_targets(self) -> BlockSamples:
        """Return the samples with twice their targets."""
        return BlockSamples(self.parts.each("with_doubled_targets"))

    def draw(self, count: int) -> LocalSamples:
        """Return so many samples at random, on this machine; the same as of one part with all of them."""
        chosen = np.sort(np.random.default_rng(0).choice(self.n_samples, count, replace=False))
        ends = np.cumsum(self.counts)
        places = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
        mine = [place - (end - size) for place, end, size in zip(places, ends, self.counts, strict=True)]
        return joined(
            self.parts.answers("arrays", OneEach(mine)), self.intercept, self.shape[0] if self.shape else None
        )

    here = False

    def local(self) -> None:
        """Return None: the rows are not in one place."""


class BlockBend:
    """A sum of A^T diag(h) A over parts."""

    def __init__(self, parts: Parts, samples: BlockSamples, joint: bool):
        self.parts = parts
        self.samples = samples
        self.joint = joint

    @property
    def mass(self) -> Array:
        """The weighted sum of the curvature along each score."""
        return np.asarray(self.parts.sum("mass"))

    @property
    def mean(self) -> float:
        """The mean curvature along a score."""
        return float(self.parts.sum("mean"))

    @property
    def curved(self) -> int:
        """The number of scores with curvature."""
        return int(self.parts.sum("curved"))

    @property
    def widely(self) -> bool:
        """Whether most scores have curvature."""
        return self.joint or 2 * self.curved > self.samples.n_samples * int(np.prod(self.samples.shape))

    @property
    def tilted(self) -> bool:
        """Whether some samples have a slope, but no curvature."""
        return any(self.parts.answers("tilted"))

    def product(self, V: Array, shift: Any) -> tuple[Array, Array]:
        """Return the product with (V, shift)."""
        W, b = self.parts.sum("product", V, shift)
        return W, b

    def gram(self) -> Array:
        """Return it as an array."""
        return np.asarray(self.parts.sum("gram"))

    def block(self, c: int) -> Array:
        """Return the diagonal block of one output."""
        return np.asarray(self.parts.sum("block", c))

    def sampled(self, draws: int, output: int | None = None) -> BlockBend:
        """Return all of it: nobody draws rows that are not here."""
        return self

    def few_rows(self, most: float, entries: int) -> None:
        """Return None: rows are not here."""

    def solve_in_row_space(self, ridge: Any, u: Array | None, v: Array, accuracy: float) -> None:
        """Return None: rows are not here."""


def _units(facts: list[Facts]) -> Array:
    """Return the mean squares of the stored entries of each column."""
    stored = np.array([each.stored for each in facts])
    return np.asarray((stored * [each.units for each in facts]).sum(axis=0) / np.maximum(stored.sum(axis=0), 1))


def in_blocks(rows: Sequence[Rows], intercept: bool, n_outputs: int | None = None) -> BlockSamples:
    """Return samples in blocks, columns centred at the means of all rows."""
    mass = sum(float(each.weight.sum()) for each in rows)
    weights = [each.weight / mass for each in rows]
    located = None
    if intercept:
        raw = [Design(each.X, weight, False) for each, weight in zip(rows, weights, strict=True)]
        located = locate(HereParts(raw))
    designs = [Design(each.X, weight, intercept, located) for each, weight in zip(rows, weights, strict=True)]
    pairs = zip(designs, rows, strict=True)
    return BlockSamples(HereParts([LocalSamples(design, each.y, each.offset, n_outputs) for design, each in pairs]))
