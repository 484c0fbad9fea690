"""Strips of samples: what is computed of one on the way stays in a cache."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]

STRIP = 2**14  # scores that are looked at together


def strips(eta: Array) -> list[slice]:
    """Return slices of the samples, so many at a time that a few arrays of their scores stay in a cache."""
    height = max(1, STRIP // max(1, eta[:1].size))
    return [slice(start, start + height) for start in range(0, max(len(eta), 1), height)]
