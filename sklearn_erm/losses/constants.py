"""Constants at which a weighted risk is least."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses.strips import strips

if TYPE_CHECKING:
    from sklearn_erm.losses.base import Loss

Array = NDArray[Any]

DOUBLINGS, HALVINGS = 60, 120  # of an interval in search of a minimiser
EPS = np.finfo(float).eps


def weighted_quantile(values: Array, weight: Array, quantile: float) -> Any:
    """Return a minimiser of the weighted pinball loss over constants: the weighted quantile, column by column."""
    if values.ndim == 2:
        return np.array([weighted_quantile(column, weight, quantile) for column in values.T])
    order = np.argsort(values)
    mass = np.cumsum(weight[order])
    position = int(np.searchsorted(mass, quantile * mass[-1] * (1 - 1e-15)))
    return float(values[order[min(position, len(values) - 1)]])


def constant_minimiser(loss: Loss, y: Array, weight: Array, low: Any, high: Any, offset: Any = 0.0) -> Any:
    """Return a constant in [low, high] at which the weighted risk of constant + offset is least.

    An interval at whose end the risk still falls beyond is widened first. Then the point where the chord between the
    slopes at its ends vanishes, and its middle, take turns to cut it (Illinois' rule beside bisection).
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    offset = np.broadcast_to(np.asarray(offset, dtype=float), y.shape)
    parts = strips(y)

    def slope_at(b: Array) -> tuple[Array, Array]:
        slope, rounding = np.zeros(b.shape), np.zeros(b.shape)
        for part in parts:
            gradient = loss.gradient(y[part], b + offset[part])
            slope = slope + weight[part] @ gradient
            rounding = rounding + EPS * (weight[part] @ np.abs(gradient))
        return slope, rounding

    for _ in range(DOUBLINGS):
        below, above = slope_at(low)[0], slope_at(high)[0]
        early, late = below > 0, above < 0
        if not np.any(early | late):
            break
        width = 2.0 * (high - low) + 1.0
        low, high = np.where(early, low - width, low), np.where(late, high + width, high)
    for turn in range(HALVINGS):
        middle = 0.5 * (low + high)
        if np.all((middle <= low) | (middle >= high)):
            break
        if turn % 2 == 0:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                chord = low - below * (high - low) / (above - below)
            middle = np.where((chord > low) & (chord < high), chord, middle)
        slope, rounding = slope_at(middle)
        left, right = slope <= rounding, slope >= -rounding
        low, below = np.where(left, middle, low), np.where(left, slope, below)
        high, above = np.where(right, middle, high), np.where(right, slope, above)
    return 0.5 * (low + high)
