"""A sum of samples: what is asked of all is asked of each part, and added."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.losses.constants import where_slopes_vanish
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples, Rows, joined
from sklearn_erm.samples.location import locate, sizes_of

Array = NDArray[Any]


class BlockState(NamedTuple):
    """A state of every part."""

    parts: tuple[Any, ...]


class BlockSamples:
    """Samples in parts, here or elsewhere: answers are those of the parts, added in their order.

    Methods that need all rows on one machine are not offered.

    Parameters
    ----------
    parts : sequence of Samples
        With weights that sum to one together, and columns centred alike: ``in_blocks`` makes such parts of arrays.
    """

    def __init__(self, parts: Sequence[Any]):
        self.parts = list(parts)
        first = self.parts[0]
        self.shape: tuple[int, ...] = first.shape
        self.n_features: int = first.n_features
        self.intercept: bool = first.intercept
        self.means: Array = first.means
        self.n_samples = sum(part.n_samples for part in self.parts)
        self.entries = sum(part.entries for part in self.parts)
        self.scattered = all(part.scattered or not part.n_samples for part in self.parts)
        self.squares: Array = self._sum(lambda part: part.squares)
        self.units: Array = self._units()

    def _units(self) -> Array:
        counts = [part.stored for part in self.parts]
        if any(count is None for count in counts):
            return self.squares
        total = sum(count * part.units for count, part in zip(counts, self.parts, strict=True))
        return np.asarray(total / np.maximum(sum(counts), 1))

    def _sum(self, ask: Callable[..., Any], *states: Any, f: Loss | None = None) -> Any:
        """Return the sum of what the parts answer, asked with their own shares of states, and of a smoothed loss."""
        return sum(ask(part, *mine) for part, *mine in self._shares(states, f))

    def _each(self, ask: Callable[..., Any], *states: Any, f: Loss | None = None) -> BlockState:
        """Return the states that the parts answer with."""
        return BlockState(tuple(ask(part, *mine) for part, *mine in self._shares(states, f)))

    def _shares(self, states: tuple[Any, ...], f: Loss | None) -> list[tuple[Any, ...]]:
        columns: list[Any] = [self.parts, *(state.parts for state in states)]
        if f is not None:
            known = f.multiplier
            columns.append([f if known is None else f.around(known.parts[i]) for i in range(len(self.parts))])
        return list(zip(*columns, strict=True))

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
        return float(self.entries) ** 2 / max(self.n_samples, 1)

    @property
    def largest_offset(self) -> float:
        """The largest size of an offset."""
        return max(part.largest_offset for part in self.parts)

    def intercept_of(self, W: Array, b: Array) -> Array:
        """Return the intercept that belongs to X itself, for b that belongs to centred columns."""
        return b - self.means @ W

    # -- states -----------------------------------------------------------------------------------------------------

    def zeros(self) -> BlockState:
        """Return zeros, one per score."""
        return self._each(lambda part: part.zeros())

    def scores(self, W: Array, b: Any) -> BlockState:
        """Return X W + 1 b^T + offset."""
        return self._each(lambda part: part.scores(W, b))

    def change(self, W: Array, b: Any) -> BlockState:
        """Return X W + 1 b^T."""
        return self._each(lambda part: part.change(W, b))

    def moved(self, state: BlockState, t: float, change: BlockState) -> BlockState:
        """Return state + t change."""
        return self._each(lambda part, mine, move: part.moved(mine, t, move), state, change)

    def scaled(self, state: BlockState, factor: float) -> BlockState:
        """Return factor times state."""
        return self._each(lambda part, mine: part.scaled(mine, factor), state)

    def slopes(self, f: Loss, eta: BlockState) -> BlockState:
        """Return the derivative of f at the scores."""
        return self._each(lambda part, mine, g: part.slopes(g, mine), eta, f=f)

    def proxed(self, f: Loss, eta: BlockState, u: BlockState, step: float) -> BlockState:
        """Return the prox of f at eta + step u."""
        return self._each(lambda part, mine, v, g: part.proxed(g, mine, v, step), eta, u, f=f)

    def balanced(self, f: Loss, u: BlockState, sums: Any) -> BlockState:
        """Return dual variables near u with weighted sum zero."""
        return self._each(lambda part, mine, g: part.balanced(g, mine, sums), u, f=f)

    def in_score_domain(self, f: Loss, eta: BlockState) -> BlockState:
        """Return the scores nearest to eta at which f is finite; eta itself where it is."""
        inside = self._each(lambda part, mine, g: part.in_score_domain(g, mine), eta, f=f)
        return eta if all(one is other for one, other in zip(inside.parts, eta.parts, strict=True)) else inside

    # -- sums -------------------------------------------------------------------------------------------------------

    def total(self, f: Loss, method: str, state: BlockState) -> float:
        """Return the weighted sum of what a method of f says about every sample."""
        return float(self._sum(lambda part, mine, g: part.total(g, method, mine), state, f=f))

    def inner(self, u: BlockState, v: BlockState) -> float:
        """Return the weighted sum of the products of two states."""
        return float(self._sum(lambda part, one, other: part.inner(one, other), u, v))

    def pull_back(self, u: BlockState) -> tuple[Array, Array]:
        """Return A^T diag(s) u, in the shapes of W and b."""
        found = [part.pull_back(mine) for part, mine in self._shares((u,), None)]
        return sum(W for W, _ in found), sum(b for _, b in found)

    def offset_term(self, u: BlockState) -> float:
        """Return the weighted sum of u times offset."""
        return float(self._sum(lambda part, mine: part.offset_term(mine), u))

    def sides(self, u: BlockState) -> tuple[Array, Array]:
        """Return the weighted sums of the positive and of the negative numbers, by size."""
        positive, negative = self._sum(lambda part, mine: np.array(part.sides(mine)), u)
        return positive, negative

    def balance_sums(self, f: Loss, u: BlockState) -> Any:
        """Return the sums that ``balanced`` needs."""
        return self._sum(lambda part, mine, g: part.balance_sums(g, mine), u, f=f)

    def way_into_domain(self, f: Loss, here: BlockState, there: BlockState) -> float:
        """Return the least share of the way to other scores beyond which f is finite."""
        shares = self._shares((here, there), f)
        return max(part.way_into_domain(g, one, other) for part, one, other, g in shares)

    def null(self, f: Loss) -> Any:
        """Return the best constant beside the offset; None where it has to be searched for."""
        if f.target != "real" and self.largest_offset == 0:
            return f.null(*self.masses())
        return None if f.joint and f.target != "real" else self._search(f)

    def _search(self, f: Loss) -> Any:
        """Return where the slope of the risk of a constant vanishes, in rounds of sums."""
        low, high = self.extremes()
        ends = (np.broadcast_to(end, self.shape) for end in (low, high))
        return where_slopes_vanish(lambda b: self.slopes_of_constant(f, b), *ends)

    def null_without_offset(self, f: Loss) -> Any:
        """Return the best constant without the offset, less the mean offset; f has labels for targets."""
        return f.null(*self.masses()) - self.offset_mean()

    def slopes_of_constant(self, f: Loss, b: Array) -> Array:
        """Return the slope of the risk of constant + offset, and what rounding may make of it."""
        return np.asarray(self._sum(lambda part: part.slopes_of_constant(f, b)))

    def extremes(self) -> tuple[Array, Array]:
        """Return the least and the largest target, column by column."""
        lows, highs = zip(*(part.extremes() for part in self.parts), strict=True)
        return np.min(lows, axis=0), np.max(highs, axis=0)

    def masses(self) -> tuple[Array, Array]:
        """Return the labels that occur, and the weight of each."""
        labels, weights = (np.concatenate(each) for each in zip(*(part.masses() for part in self.parts), strict=True))
        known, place = np.unique(labels, return_inverse=True)
        return known, np.bincount(place, weights, len(known))

    def offset_mean(self) -> Any:
        """Return the weighted sum of the offsets."""
        return self._sum(lambda part: part.offset_mean())

    def fits(self, f: Loss, eta: BlockState, u: BlockState) -> bool:
        """Return whether scores fit every target up to rounding."""
        return all(part.fits(g, mine, v) for part, mine, v, g in self._shares((eta, u), f))

    # -- second derivatives and other samples -----------------------------------------------------------------------

    def bend(self, f: Loss, eta: BlockState, positive: bool = False) -> BlockBend:
        """Return A^T diag(h) A."""
        return BlockBend([part.bend(g, mine, positive) for part, mine, g in self._shares((eta,), f)], self, f.joint)

    def columns(self, index: Array) -> BlockSamples:
        """Return the samples with the given features only."""
        return BlockSamples([part.columns(index) for part in self.parts])

    def beside(self, eta: BlockState, W: Array, b: Any) -> BlockSamples:
        """Return the samples with such an offset that (W, b) has the scores eta."""
        return BlockSamples([part.beside(mine, W, b) for part, mine in self._shares((eta,), None)])

    def with_doubled_targets(self) -> BlockSamples:
        """Return the samples with twice their targets."""
        return BlockSamples([part.with_doubled_targets() for part in self.parts])

    def draw(self, count: int) -> LocalSamples:
        """Return so many samples at random, on this machine; the same as of one part with all of them."""
        chosen = np.sort(np.random.default_rng(0).choice(self.n_samples, count, replace=False))
        ends = np.cumsum([part.n_samples for part in self.parts])
        places = np.split(chosen, np.searchsorted(chosen, ends[:-1]))
        starts = ends - [part.n_samples for part in self.parts]
        rows = [part.arrays(mine - start) for part, mine, start in zip(self.parts, places, starts, strict=True)]
        return joined(rows, self.intercept, self.shape[0] if self.shape else None)

    here = False

    def local(self) -> None:
        """Return None: the rows are not in one place."""


class BlockBend:
    """A sum of A^T diag(h) A over parts."""

    def __init__(self, parts: list[Any], samples: BlockSamples, joint: bool):
        self.parts = parts
        self.samples = samples
        self.joint = joint

    @property
    def mass(self) -> Array:
        """The weighted sum of the curvature along each score."""
        return np.asarray(sum(part.mass for part in self.parts))

    @property
    def mean(self) -> float:
        """The mean curvature along a score."""
        return float(sum(part.mean for part in self.parts))

    @property
    def curved(self) -> int:
        """The number of scores with curvature."""
        return sum(part.curved for part in self.parts)

    @property
    def widely(self) -> bool:
        """Whether most scores have curvature."""
        return self.joint or 2 * self.curved > self.samples.n_samples * int(np.prod(self.samples.shape))

    @property
    def tilted(self) -> bool:
        """Whether some samples have a slope, but no curvature."""
        return any(part.tilted for part in self.parts)

    def product(self, V: Array, shift: Any) -> tuple[Array, Array]:
        """Return the product with (V, shift)."""
        found = [part.product(V, shift) for part in self.parts]
        return sum(W for W, _ in found), sum(b for _, b in found)

    def gram(self) -> Array:
        """Return it as an array."""
        return np.asarray(sum(part.gram() for part in self.parts))

    def block(self, c: int) -> Array:
        """Return the diagonal block of one output."""
        return np.asarray(sum(part.block(c) for part in self.parts))

    def sampled(self, draws: int, output: int | None = None) -> BlockBend:
        """Return all of it: nobody draws rows that are not here."""
        return self

    def few_rows(self, most: float, entries: int) -> None:
        """Return None: rows are not here."""

    def solve_in_row_space(self, ridge: Any, u: Array | None, v: Array, accuracy: float) -> None:
        """Return None: rows are not here."""


def in_blocks(rows: Sequence[Rows], intercept: bool, n_outputs: int | None = None) -> BlockSamples:
    """Return samples in blocks, columns centred at the means of all rows."""
    mass = sum(float(each.weight.sum()) for each in rows)
    weights = [each.weight / mass for each in rows]
    located = None
    if intercept:
        located = locate([Design(each.X, weight, False) for each, weight in zip(rows, weights, strict=True)])
    designs = [Design(each.X, weight, intercept, located) for each, weight in zip(rows, weights, strict=True)]
    pairs = zip(designs, rows, strict=True)
    return BlockSamples([LocalSamples(design, each.y, each.offset, n_outputs) for design, each in pairs])
