"""A handle of what is as long as the data."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


class State:
    """Numbers for every sample: scores, slopes or multipliers. Only samples look inside."""

    __slots__ = ("values",)

    def __init__(self, values: Array):
        self.values = values
