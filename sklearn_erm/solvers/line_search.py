"""Line search on the slope of a convex function, which rounding spares longer than the values."""

from __future__ import annotations

from typing import Any

import numpy as np

SLOPE = 0.3  # share of the first slope that may be left
STEPS = 60


def search(line: Any, start: float | None = None, most: float = np.inf) -> float:
    """Return a step t with a slope of at most ``SLOPE`` times the slope at 0, in size.

    The slope of a convex function increases along the line. Grow t until the slope turns positive, then halve the
    bracket by the secant rule, kept away from its ends. Values that are not finite count as a positive slope.

    Parameters
    ----------
    line : object
        With ``slope(t)`` and ``value(t)``.
    start : float or None
        The slope at 0, where ``line`` cannot tell it (the penalty has a kink there).
    most : float >= 1
        The largest step; the function is infinite beyond.

    Returns
    -------
    t : float
        0 if the direction does not descend or no step could be found.
    """
    start = line.slope(0.0) if start is None else start
    if not start < 0:
        return 0.0
    low, low_slope, high, high_slope = 0.0, start, np.inf, np.inf
    t = 1.0
    for _ in range(STEPS):
        with np.errstate(over="ignore", invalid="ignore"):
            slope = line.slope(t)
        if abs(slope) <= -SLOPE * start and (slope <= 0 or _descends(line, t, slope)):
            return t
        if slope < 0 and t >= most:
            return t
        if slope < 0:
            low, low_slope = t, slope
        else:
            high, high_slope = t, slope
        t = min(4.0 * low, most) if np.isinf(high) else _inside(low, low_slope, high, high_slope)
    return low


def _descends(line: Any, t: float, slope: float) -> bool:
    """Return whether the value at t is below that at 0, up to rounding."""
    start = line.value(0.0)
    return line.value(t) <= start + 1e-12 * abs(start)


def _inside(low: float, low_slope: float, high: float, high_slope: float) -> float:
    """Return the secant point of a bracket, at least a tenth of its length from either end."""
    width = high - low
    if not np.isfinite(high_slope):
        return low + 0.1 * width if low > 0 else 0.25 * high
    rise = high_slope - low_slope
    t = low - low_slope * width / rise if rise > 0 else low + 0.5 * width
    return float(np.clip(t, low + 0.1 * width, high - 0.1 * width))
