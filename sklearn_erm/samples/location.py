"""Where the columns of X are, and how far they spread: of all rows, or of the rows of several designs together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.samples.parts import Parts

if TYPE_CHECKING:
    from sklearn_erm.samples.design import Design

Array = NDArray[Any]

# If the relative spread is below this, then it is summed afresh, because a difference of sums lost its digits.
CANCELLED = 1e-6
# If it is below this, then the column counts as constant, because rounding explains it.
CONSTANT = 1e-13
# If a mean is so many deviations from zero, then the column is moved, because products would cancel.
FAR = 1e3


class Located(NamedTuple):
    """What was taken off columns far from 0, the means of the rest, which columns vary, mean squares about the means.

    None if no column is far, if all vary, if the mean squares are not those of all rows.
    """

    shift: Array | None
    centre: Array
    varying: Array | None
    squares: Array | None


def locate(parts: Parts, alone: bool = False) -> Located:
    """Return where the columns of the rows of several designs are, whose weights sum to one together.

    Multiples of a power of two near the mean are taken off columns that are far from 0 beside their deviations, which
    costs the entries no digits. A column that deviates by rounding alone is constant. ``alone`` says that there are no
    other rows, so that the mean squares are those of the design.
    """
    centre = np.asarray(parts.sum("sums"))
    squares = np.asarray(parts.sum("spread", centre))
    deviations, size = np.sqrt(squares), np.abs(centre)
    far = deviations * FAR < size
    if not far.any():
        return Located(None, centre, None, squares if alone else None)
    constant = far & (deviations <= CONSTANT * size)
    varying = ~constant if constant.any() else None
    movable = far & ~constant & np.all(parts.answers("stored_everywhere"), axis=0)
    if not movable.any():
        return Located(None, centre, varying, None)
    unit = 2.0 ** np.ceil(np.log2(deviations, out=np.zeros(len(centre)), where=movable))
    shift = np.where(movable, unit * np.round(centre / unit), 0.0)
    return Located(shift, np.asarray(parts.sum("sums", shift)), varying, None)


def intercept_of(means: Array, W: Array, b: Array) -> Array:
    """Return the intercept that belongs to X itself, for b that belongs to centred columns."""
    return b - means @ W


def sums_of(design: Design, shift: Array | None = None) -> Array:
    """Return the weighted sums of the columns of X less shift."""
    if shift is None:
        return np.asarray(design.raw_rdot(design.weight))
    if design.sparse:
        X = design.X.tocsc()
        data = X.data.astype(float) - np.repeat(shift, np.diff(X.indptr))
        return np.asarray(type(X)((data, X.indices, X.indptr), shape=X.shape).T @ design.weight)
    return np.asarray(sum(design.weight[part] @ (design.wide(part) - shift) for part in design.parts()))


def spread_of(design: Design, centre: Array) -> Array:
    """Return the weighted sum of (X - 1 centre^T) squared, entrywise, per column, X less the shift of the design."""
    if not sparse.issparse(design.X):
        total = np.zeros(design.n_features)
        with np.errstate(over="ignore"):  # of squares that are too large, which is told where they matter
            for part in design.parts():
                block = design.wide(part) - centre
                total += design.weight[part] @ np.square(block, out=block)
        return total
    X, mass = design.X, float(design.weight.sum())
    squared = type(X)((X.data.astype(float) ** 2, X.indices, X.indptr), shape=X.shape)
    spread = squared.T @ design.weight - centre * (2.0 * design.raw_rdot(design.weight) - mass * centre)
    for j in np.flatnonzero((spread <= CANCELLED * mass * centre**2) & (centre != 0)):
        spread[j] = _spread_of_column(design, int(j), float(centre[j]), mass)
    return np.asarray(spread)


def sizes_of(squares: Array, means: Array) -> Array:
    """Return deviations; of a constant column its size instead, of one of zeros the mean of the others."""
    sizes = np.where(squares > 0, np.sqrt(squares), np.abs(means))
    known = sizes**2 > 0
    return sizes if known.all() else np.where(known, sizes, sizes[known].mean() if known.any() else 1.0)


def _spread_of_column(design: Design, j: int, centre: float, mass: float) -> float:
    """Return the weighted sum of squares of one column of a sparse X - 1 centre^T, without cancellation."""
    rows, values = design.column(j)
    stored = design.weight[rows]
    inside = stored @ (values.astype(float) - centre) ** 2
    return float(inside + max(mass - stored.sum(), 0.0) * centre**2 * (len(stored) < design.n_samples))


def stored_everywhere(design: Design) -> Array:
    """Return a mask of the columns of which every entry is stored: those of a sparse X that can be moved."""
    if not design.sparse:
        return np.ones(design.n_features, dtype=bool)
    return np.diff(design.X.tocsc().indptr) == design.n_samples
