"""Constants at which a weighted risk is least."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses.strips import strips

if TYPE_CHECKING:
    from sklearn_erm.losses.base import Loss

Array = NDArray[Any]

DOUBLINGS, HALVINGS = 60, 120  # of an interval in search of a minimiser
EPS = np.finfo(float).eps
# If a sum of weights misses a share of all by less than this, relatively, then it has reached it, because rounding may
# explain that: of two middle numbers, the lower one is taken, however sums were formed.
TIE = 1e-12


def weighted_quantile(values: Array, weight: Array, quantile: float) -> Any:
    """Return a minimiser of the weighted pinball loss over constants: the weighted quantile, column by column."""
    if values.ndim == 2:
        return np.array([weighted_quantile(column, weight, quantile) for column in values.T])
    order = np.argsort(values)
    mass = np.cumsum(weight[order])
    position = int(np.searchsorted(mass, quantile * mass[-1] * (1 - TIE)))
    return float(values[order[min(position, len(values) - 1)]])


def constant_minimiser(loss: Loss, y: Array, weight: Array, low: Any, high: Any, offset: Any = 0.0) -> Any:
    """Return a constant in [low, high], or beyond, at which the weighted risk of constant + offset is least."""
    offset = np.broadcast_to(np.asarray(offset, dtype=float), y.shape)
    return where_slopes_vanish(lambda b: slopes_at(loss, y, weight, b, offset), low, high)


def slopes_at(loss: Loss, y: Array, weight: Array, b: Array, offset: Array) -> Array:
    """Return the slope of the weighted risk of constant + offset, and what rounding may make of it, stacked."""
    sums = np.zeros((2, *b.shape))
    for part in strips(offset):
        gradient = loss.gradient(y[part], b + offset[part])
        sums += weight[part] @ gradient, EPS * (weight[part] @ np.abs(gradient))
    return sums


def where_slopes_vanish(slopes: Callable[[Array], Array], low: Any, high: Any) -> Any:
    """Return where an increasing slope vanishes up to rounding, given b -> slope and rounding, as arrays.

    An interval at whose end the risk still falls beyond is widened first. Then the point where the chord between the
    slopes at its ends vanishes, and its middle, take turns to cut it (Illinois' rule beside bisection).
    """
    low, high = np.array(low, dtype=float), np.array(high, dtype=float)
    for _ in range(DOUBLINGS):
        below, above = slopes(low)[0], slopes(high)[0]
        early, late = below > 0, above < 0
        if not (early | late).any():
            break
        width = 2.0 * (high - low) + 1.0
        low, high = np.where(early, low - width, low), np.where(late, high + width, high)
    for turn in range(HALVINGS):
        middle = 0.5 * (low + high)
        if ((middle <= low) | (middle >= high)).all():
            break
        if turn % 2 == 0:
            with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
                chord = low - below * (high - low) / (above - below)
            middle = np.where((chord > low) & (chord < high), chord, middle)
        slope, rounding = slopes(middle)
        left, right = slope <= rounding, slope >= -rounding
        low, below = np.where(left, middle, low), np.where(left, slope, below)
        high, above = np.where(right, middle, high), np.where(right, slope, above)
    return 0.5 * (low + high)
