"""A quantile of numbers that lie elsewhere, of which is asked how much weight they have up to some ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses.constants import TIE

Array = NDArray[Any]

ENDS = 255  # of one question, so that eight or nine questions tell all doubles apart


def quantile_by_counting(mass_up_to: Callable[[Array], Array], share: float) -> float:
    """Return the least double up to which numbers have a positive share of their weight: one of the numbers.

    Doubles are counted by their ranks. Each question leaves one of 256 parts of the ranks where it may be.
    """
    wanted = share * float(mass_up_to(np.array([np.inf]))[0]) * (1 - TIE)
    below, reached = (int(_rank(np.array(end))) for end in (-np.inf, np.inf))
    while reached - below > 1:
        ranks = sorted({below + (reached - below) * k // (ENDS + 1) for k in range(1, ENDS + 1)} - {below})
        first = int(np.count_nonzero(mass_up_to(_double(np.array(ranks))) < wanted))
        ends = [below, *ranks, reached]
        below, reached = ends[first], ends[first + 1]
    return float(_double(np.array(reached)))


def _rank(values: Array) -> Array:
    """Return integers in the order of doubles, one apart for neighbours."""
    bits = values.astype(np.float64).view(np.int64)
    return np.where(bits < 0, np.iinfo(np.int64).min - bits, bits)


def _double(ranks: Array) -> Array:
    """Return the doubles of some ranks."""
    return np.where(ranks < 0, np.iinfo(np.int64).min - ranks, ranks).astype(np.int64).view(np.float64)
