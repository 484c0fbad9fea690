"""Line search on the slope of a convex function, which rounding spares longer than the values."""

from __future__ import annotations

import numpy as np

from sklearn_erm.solvers.contract import Line

# If a step leaves at most this share of the first slope, in size, then it is accepted, because the next direction does
# more than a more accurate minimum along this one.
SLOPE = 0.3
# If so many trials find no step to accept, then the longest one at which the slope is negative is taken.
STEPS = 60
# If a trial leaves more than this share of the bracket, then the rule that chose it is too slow. A good one leaves at
# most a half; a little more is allowed, because of rounding.
LEFT = 0.6
# If the value rises by less than this, relatively, then it counts as not risen, because that may be rounding.
ROUNDING = 1e-12
# If the slope at a step is positive, then the value must have fallen by this share of what the first slope promises,
# because the step is longer than the one to the minimiser.
ENOUGH = 1e-2
# If the slope at a step is negative, then the value may rise by this share of it, because that may be rounding.
TRUST = 1e-3


def search(line: Line, start: float | None = None, most: float = np.inf) -> float:
    """Return a step t with a slope of at most ``SLOPE`` times the slope at 0, in size.

    The slope of a convex function increases along the line. Grow t until the slope turns positive, then shrink the
    bracket by the secant rule, by tangents and by halves. Values that are not finite count as a positive slope.

    Parameters
    ----------
    line : Line
        The function.
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
    t, slow = 1.0, 0
    for _ in range(STEPS):
        slope = line.slope(t)
        small = abs(slope) <= -SLOPE * start
        falls = (small or slope < 0) and _descends(line, t, start * (ENOUGH if slope > 0 else -TRUST))
        if small and falls:
            return t
        if slope < 0 and not falls:
            slope = np.inf  # it lost its digits
        if slope < 0 and t >= most:
            return t
        width = high - low
        if slope < 0:
            low, low_slope = t, slope
        else:
            high, high_slope = t, slope
        slow = slow + 1 if high - low > LEFT * width else 0
        t = min(4.0 * low, most) if np.isinf(high) else _inside(line, low, low_slope, high, high_slope, slow)
    return low


def _descends(line: Line, t: float, least: float) -> bool:
    """Return whether the value falls by ``-least`` per unit of t at least, up to rounding.

    Where the slope at t is negative as well, some rise is rounding too. A larger one says that the slope is not to be
    trusted, because the scores are so large that it lost its digits.
    """
    value = line.value(0.0)
    return bool(line.value(t) <= value + ROUNDING * abs(value) + least * t)


def _inside(line: Line, low: float, low_slope: float, high: float, high_slope: float, slow: int) -> float:
    """Return the secant point of a bracket, at least a tenth of its length from either end.

    If two in a row did not halve the bracket, return where the tangents at its ends meet, since the slopes may differ
    in size by many decades; if that did not either, the middle, or a tenth of a bracket that begins at 0.
    """
    width, rise = high - low, high_slope - low_slope
    if not np.isfinite(high_slope):
        return low + 0.1 * width if low > 0 else 0.25 * high
    if slow > 2 or not rise > 0:
        return low + 0.5 * width if low > 0 else 0.1 * high
    if slow == 2:
        fall = line.value(low) - line.value(high) + high_slope * width
        if np.isfinite(fall) and 0.0 < fall < rise * width:
            return low + fall / rise
    return float(np.clip(low - low_slope * width / rise, low + 0.1 * width, high - 0.1 * width))
