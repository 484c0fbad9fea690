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
    parts = strips(eta)
    if len(parts) == 1:
        answer: Array = getattr(loss, method)(y, eta)
        return answer
    out: Any = None
    for part in parts:
        found = getattr(loss.on_rows(part), method)(y[part], eta[part])
        if out is None:
            out = np.empty((len(eta), *found.shape[1:]), found.dtype)
        out[part] = found
    return np.asarray(out)


def total(loss: Loss, method: str, weight: Array, y: Array, eta: Array) -> float:
    """Return the weighted sum of what a method of the loss says; where the weight is 0, that counts for nothing."""
    parts, answer = strips(eta), 0.0
    for part in parts:
        if len(parts) == 1:
            values, w = getattr(loss, method)(y, eta), weight
        else:
            values, w = getattr(loss.on_rows(part), method)(y[part], eta[part]), weight[part]
        if not w.all():
            values = np.where(w.reshape(-1, *[1] * (values.ndim - 1)) > 0, values, 0.0)
        answer += float((w @ values).sum())
    return answer
