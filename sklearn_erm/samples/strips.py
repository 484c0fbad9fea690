"""A loss over many samples, strip by strip: what is computed on the way stays in a cache."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.losses import strips as cut
from sklearn_erm.samples.state import State

Array = NDArray[Any]


def opened(loss: Loss, rows: Any = slice(None)) -> Loss:
    """Return a loss for some samples: itself, unless it is smoothed around a multiplier for each of them."""
    return loss if loss.multiplier is None else loss.around(loss.multiplier.values[rows])


def taken(loss: Loss, rows: Any) -> Loss:
    """Return a loss for some samples, not opened."""
    return loss if loss.multiplier is None else loss.around(State(loss.multiplier.values[rows]))


def each(loss: Loss, method: str, y: Array, eta: Array) -> Array:
    """Return what a method of the loss says about every sample."""
    if eta.size <= cut.STRIP:
        answer: Array = getattr(opened(loss), method)(y, eta)
        return answer
    out: Any = None
    for part in cut.strips(eta):
        found = getattr(opened(loss, part), method)(y[part], eta[part])
        if out is None:
            out = np.empty((len(eta), *found.shape[1:]), found.dtype)
        out[part] = found
    return np.asarray(out)


def total(loss: Loss, method: str, weight: Array, y: Array, eta: Array, all_heard: bool | None = None) -> float:
    """Return the weighted sum of what a method of the loss says; where the weight is 0, that counts for nothing.

    ``all_heard`` says whether no weight is 0, if that is known.
    """
    if all_heard is None:
        all_heard = bool(weight.all())
    if eta.size <= cut.STRIP:
        return _weighted(getattr(opened(loss), method)(y, eta), weight, all_heard)
    return sum(
        _weighted(getattr(opened(loss, part), method)(y[part], eta[part]), weight[part], all_heard)
        for part in cut.strips(eta)
    )


def _weighted(values: Array, weight: Array, all_heard: bool) -> float:
    if not all_heard:
        values = np.where(beside(weight, values) > 0, values, 0.0)
    return float((weight @ values).sum())


def beside(weight: Array, values: Array) -> Array:
    """Return one number for each sample in a shape that multiplies what has one or several, or a matrix."""
    return weight.reshape(-1, *[1] * (values.ndim - 1))
