"""What samples promise to those who hold no rows: facts, states, sums, second derivatives, other samples.

n samples, p features, k scores per sample; ``shape`` is () for one score, (k,) for several. W is (p, *shape), b is
``shape``. A state is an opaque handle of what is as long as the data; all other answers are small. f is a loss, or a
``Smoothed`` one, whose multiplier is a state.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import NDArray

from sklearn_erm.losses import Loss

Array = NDArray[Any]
State = Any  # opaque: passed on unopened


class Bend(Protocol):
    """A^T diag(h) A, A = [X - 1 m^T, 1], h the weighted second derivatives of a loss; size p k, and k for intercepts.

    Attributes
    ----------
    mass : ndarray of shape (k,)
        The weighted sum of the curvature along each score.
    mean : float
        The mean curvature along a score.
    curved : int
        The number of scores with curvature.
    widely : bool
        Whether most have some.
    tilted : bool
        Whether some samples have a slope, but no curvature.
    """

    @property
    def mass(self) -> Array: ...
    @property
    def mean(self) -> float: ...
    @property
    def curved(self) -> int: ...
    @property
    def widely(self) -> bool: ...
    @property
    def tilted(self) -> bool: ...

    def product(self, V: Array, shift: Any) -> tuple[Array, Array]:
        """Return the product with (V, shift), in the shapes of W and b."""

    def gram(self) -> Array:
        """Return it as an array of shape (size, size), outputs side by side."""

    def block(self, c: int) -> Array:
        """Return the diagonal block of one output, of shape (p + intercept,) * 2."""

    def sampled(self, draws: int, output: int | None = None) -> Bend:
        """Return it on rows drawn in proportion to their curvature, along one or all scores, the mean kept."""

    def few_rows(self, most: float, entries: int) -> tuple[Array, Array, float] | None:
        """Return the rows with curvature, less their mean and times its root; the mean; the mass; None if many."""

    def solve_in_row_space(
        self, ridge: Callable[[], float], u: Array | None, v: Array, accuracy: float
    ) -> Array | None:
        """Return (self + ridge() - u u^T)^-1 v in the space of the rows; None if that does not pay."""


class Samples(Protocol):
    """X, y, weights s with sum 1, offsets.

    Attributes
    ----------
    n_samples, n_features : int
    shape : tuple
        That of the scores of one sample.
    intercept : bool
    means, squares, deviations, sizes, units : ndarray of shape (p,)
        Of the columns of X: weighted means (0 without intercept); mean squares of the centred columns, their roots;
        these without zeros; mean squares of stored entries.
    entries : int
        Stored entries of X.
    scattered : bool
        Whether sparse products beat dense blocks.
    gram_cost : float
        Multiplications in a Gram matrix.
    largest_offset : float
    """

    shape: tuple[int, ...]

    @property
    def n_samples(self) -> int: ...
    @property
    def n_features(self) -> int: ...
    @property
    def intercept(self) -> bool: ...
    @property
    def means(self) -> Array: ...
    @property
    def squares(self) -> Array: ...
    @property
    def deviations(self) -> Array: ...
    @property
    def sizes(self) -> Array: ...
    @property
    def units(self) -> Array: ...
    @property
    def entries(self) -> int: ...
    @property
    def scattered(self) -> bool: ...
    @property
    def gram_cost(self) -> float: ...
    @property
    def largest_offset(self) -> float: ...

    def intercept_of(self, W: Array, b: Array) -> Array:
        """Return the intercept that belongs to X itself, for b that belongs to centred columns."""

    # -- states

    def zeros(self) -> State:
        """Return zeros, one per score."""

    def scores(self, W: Array, b: Any) -> State:
        """Return X W + 1 b^T + offset."""

    def change(self, W: Array, b: Any) -> State:
        """Return X W + 1 b^T."""

    def moved(self, state: State, t: float, change: State) -> State:
        """Return state + t change."""

    def scaled(self, state: State, factor: float) -> State:
        """Return factor times state."""

    def slopes(self, f: Loss, eta: State) -> State:
        """Return the derivative of f at the scores; of a smoothed loss that is the next multiplier."""

    def proxed(self, f: Loss, eta: State, u: State, step: float) -> State:
        """Return the prox of f at eta + step u."""

    def balanced(self, f: Loss, u: State, sums: Any) -> State:
        """Return dual variables near u with weighted sum zero, given ``balance_sums(f, u)``."""

    def residuals(self, eta: State) -> State:
        """Return y less the scores, for one score of each sample."""

    def in_score_domain(self, f: Loss, eta: State) -> State:
        """Return the scores nearest to eta at which f is finite; eta itself where it is."""

    # -- sums

    def total(self, f: Loss, method: str, state: State) -> float:
        """Return the weighted sum of ``f.method``; samples of weight 0 count for nothing."""

    def inner(self, u: State, v: State) -> float:
        """Return the weighted sum of the products."""

    def pull_back(self, u: State) -> tuple[Array, Array]:
        """Return A^T diag(s) u, in the shapes of W and b."""

    def offset_term(self, u: State) -> float:
        """Return the weighted sum of u times offset."""

    def sides(self, u: State) -> tuple[Array, Array]:
        """Return the weighted sums of the positive and of the negative numbers, by size, in ``shape``."""

    def quantile(self, u: State, share: float, by_size: bool = False) -> float:
        """Return the weighted quantile of a state of one number for each sample, or of the sizes of these."""

    def balance_sums(self, f: Loss, u: State) -> Any:
        """Return the sums that ``balanced`` needs."""

    def way_into_domain(self, f: Loss, here: State, there: State) -> float:
        """Return the least share of the way to other scores beyond which f is finite; f has ``score_rows``."""

    def null(self, f: Loss) -> Any:
        """Return the best constant beside the offset; None where it has to be searched for."""

    def null_without_offset(self, f: Loss) -> Any:
        """Return the best constant without the offset, less the mean offset."""

    def extremes(self) -> tuple[Array, Array]:
        """Return the least and the largest target, column by column."""

    def fits(self, f: Loss, eta: State, u: State) -> bool:
        """Return whether scores fit every target up to rounding, u being the slopes there."""

    # -- second derivatives and other samples

    def bend(self, f: Loss, eta: State, positive: bool = False) -> Bend:
        """Return A^T diag(h) A."""

    def columns(self, index: Array) -> Samples:
        """Return the samples with the given features only."""

    def target(self, j: int) -> Samples:
        """Return the samples of one column of the targets, where these are columns."""

    def beside(self, eta: State, W: Array, b: Any) -> Samples:
        """Return the samples with such an offset that (W, b) has the scores eta."""

    def with_doubled_targets(self) -> Samples:
        """Return the samples with twice their targets."""

    def draw(self, count: int) -> Any:
        """Return so many samples at random, on this machine."""

    def local(self) -> Any:
        """Return the samples with all their arrays on this machine; None where they are not in one place."""

    @property
    def here(self) -> bool:
        """Whether ``local`` returns something."""
