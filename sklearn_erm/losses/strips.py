"""A loss over many samples, strip by strip: what is computed on the way stays in a cache."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn_erm.losses.base import Loss

Array = NDArray[Any]

STRIP = 2**14  # scores that are looked at together


def strips(eta: Array) -> list[slice]:
    """Return slices of the samples, so many at a time that a few arrays of their scores stay in a cache."""
    height = max(1, STRIP // max(1, eta[:1].size))
    return [slice(start, start + height) for start in range(0, max(len(eta), 1), height)]


def each(loss: Loss, method: str, y: Array, eta: Array) -> Array:
    """Return what a method of the loss says about every sample."""
    if eta.size <= STRIP:
        answer: Array = getattr(loss, method)(y, eta)
        return answer
    out: Any = None
    for part in strips(eta):
        found = getattr(loss.on_rows(part), method)(y[part], eta[part])
        if out is None:
            out = np.empty((len(eta), *found.shape[1:]), found.dtype)
        out[part] = found
    return np.asarray(out)


def total(loss: Loss, method: str, weight: Array, y: Array, eta: Array) -> float:
    """Return the weighted sum of what a method of the loss says; where the weight is 0, that counts for nothing."""
    if eta.size <= STRIP:
        return _weighted(getattr(loss, method)(y, eta), weight)
    return sum(_weighted(getattr(loss.on_rows(part), method)(y[part], eta[part]), weight[part]) for part in strips(eta))


def _weighted(values: Array, weight: Array) -> float:
    if not weight.all():
        values = np.where(weight.reshape(-1, *[1] * (values.ndim - 1)) > 0, values, 0.0)
    weighted = weight @ values
    return float(weighted if values.ndim == 1 else weighted.sum())
