"""What is known of the data that ``fit`` was given, apart from the samples."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]


class Given(NamedTuple):
    """What ``fit`` was given, apart from the samples.

    Attributes
    ----------
    n_rows : int
        The number of the user's rows, those of weight 0 included.
    dtype : dtype
        Of X, and so of the coefficients.
    shape : tuple
        That of the scores of one sample.
    location : float or ndarray of shape (n_targets,)
        What was taken off the targets, and belongs to the intercept.
    classes : ndarray or None
        The labels of positive weight, of a classification.
    close : callable
        Gives up what is held of rows that are elsewhere.
    """

    n_rows: int
    dtype: Any
    shape: tuple[int, ...]
    location: Any = 0.0
    classes: Array | None = None
    close: Callable[[], None] = lambda: None
