"""Scalar equations, sample by sample, that proximal operators come down to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import wrightomega

from sklearn_erm.losses.base import Array

CLOSE = 1e-8  # one more step of a method that converges quadratically, and only rounding is left


def exponential_root(a: Array, c: Array, k: float = 1.0) -> Array:
    """Return the root z of z + c e^(k z) = a, for c >= 0 and k > 0.

    k z = k a - omega with omega = k c e^(k z), Wright's function of k a + ln(k c). Where that subtraction would cancel,
    k z is the logarithm of omega / (k c).
    """
    with np.errstate(divide="ignore"):
        log_c = np.log(k * c)
    omega = wrightomega(k * a + log_c)
    return np.where(omega > 1.0, np.log(np.maximum(omega, 1.0)) - np.where(omega > 1.0, log_c, 0.0), k * a - omega) / k


def increasing_root(function: Callable[[Array], tuple[Array, Array]], low: Array, high: Array, start: Array) -> Array:
    """Return the root in [low, high] of an increasing function, by Newton's method; by bisection where that leaves.

    Parameters
    ----------
    function : callable
        z -> the values and the derivatives at z.
    low, high : ndarray
        Bounds of the root, finite.
    start : ndarray
        Where to begin.
    """
    z = np.clip(start, low, high)
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(100):
            value, slope = function(z)
            low, high = np.where(value < 0, z, low), np.where(value > 0, z, high)
            step = z - value / slope
            following = np.where((step >= low) & (step <= high), step, 0.5 * (low + high))
            near = np.all(np.abs(following - z) <= CLOSE)
            z = following
            if near:
                break
        value, slope = function(z)
        return z - value / slope
