"""Numbers by feature: checked, and shaped for coefficients of several outputs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.penalties.base import Penalty

Array = NDArray[Any]


def feature_weights(owner: Penalty, name: str, weights: Any, length: int, unit: str) -> Array:
    """Return weights as a float array, all ones for None.

    Raises
    ------
    ValueError
        If the length is wrong, or a weight is negative or not finite.
    """
    label = type(owner).__name__
    if weights is None:
        return np.ones(length)
    try:
        array = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{label}({name}={weights!r}): weights must be real numbers, one per {unit}.") from None
    if array.shape != (length,):
        raise ValueError(
            f"{label}({name}=...): expected one weight per {unit}, shape ({length},), got shape {array.shape}. "
            "A factor of the whole penalty is what alpha is for."
        )
    if not np.all(np.isfinite(array)) or np.any(array < 0):
        bad = int(np.flatnonzero(~(array >= 0) | ~np.isfinite(array))[0])
        raise ValueError(f"{label}({name}=...): weights must be finite and >= 0, but entry {bad} is {array[bad]}.")
    return array


def along_features(values: Array | None, W: Array) -> Any:
    """Return per-feature values shaped to broadcast against W; None is 1."""
    if values is None:
        return 1.0
    return values if W.ndim == values.ndim else values[:, None]
