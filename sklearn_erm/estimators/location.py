"""Where targets are: a number near them, which the intercept takes over. Blocks of rows answer one by one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Extent(NamedTuple):
    """The least and the largest target of a block, their sum and their number, column by column."""

    low: Array
    high: Array
    total: Array
    n_rows: int


def extent(y: Array) -> Extent:
    """Return the extent of a block of targets."""
    return Extent(y.min(axis=0), y.max(axis=0), y.sum(axis=0), len(y))


def find_location(blocks: Iterable[Extent]) -> Any:
    """Return a number near the targets, column by column; 0 if those are not far from zero, beside their spread.

    It is a multiple of a power of two of the size of the spread, because then taking it off costs no digits.
    """
    lows, highs, totals, counts = zip(*blocks, strict=True)
    low = np.min(lows, axis=0)
    spread, middle = np.max(highs, axis=0) - low, sum(totals) / sum(counts)
    if (2.0 * np.abs(middle) < spread).all():
        return 0.0
    unit = 2.0 ** np.ceil(np.log2(spread, out=np.zeros(spread.shape), where=spread > 0))
    return np.where(spread > 0, unit * np.round(middle / unit), low)
