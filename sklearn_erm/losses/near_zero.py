"""Functions that are small where a fit is close, without the cancellation of their usual formulas."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from scipy.special import xlog1py

from sklearn_erm.losses.base import TINY, Array

NEAR = 0.1  # size of z up to which the series is summed; beyond, e^z - 1 - z loses less than five bits
COEFFICIENTS = [1.0 / factorial(k + 2) for k in range(10)]  # at z = NEAR the next term is below 1e-17 of the sum
LN2_HIGH = float.fromhex("0x1.62e42feep-1")  # its last bits are zero: times an exponent of a double, it is exact
LN2_LOW = 1.9082149292705877e-10  # ln 2 less that


def times_log(a: Array) -> Array:
    """Return a ln a, 0 at 0, for a >= 0: several times faster than ``scipy.special.xlogy``."""
    return a * np.log(np.maximum(a, TINY))


def refined(rough: Array, where: Array, careful: Callable[..., Array], *args: Array) -> Array:
    """Return ``rough``, which is a formula's value, with ``careful(*args)`` in its place where that is wanted."""
    if not np.any(where):
        return rough
    better = np.array(rough)
    better[where] = careful(*(each[where] for each in np.broadcast_arrays(*args)))
    return better


def log_ratio(y: Array, eta: Array) -> Array:
    """Return ln y - eta for y > 0, correct to about 1e-16 where the difference is small, however large ln y is.

    With y = m 2^k it is (k ln 2 - eta) + ln m: the large terms cancel before the small one is added.
    """
    m, k = np.frexp(y)
    low = m < np.sqrt(0.5)  # so that k = 0 for y near 1, where ln m has digits that k ln 2 would cost
    k = k - low
    return (k * LN2_HIGH - eta) + (k * LN2_LOW + np.log(m + low * m))


def exp_excess(z: Array) -> Array:
    """Return e^z - 1 - z."""
    with np.errstate(over="ignore"):
        return refined(np.expm1(z) - z, np.abs(z) <= NEAR, lambda z: z * z * exp_rest(z), z)


def exp_rest(z: Array) -> Array:
    """Return (e^z - 1 - z) / z^2 for abs(z) <= 2 NEAR: 1/2 at 0."""
    total = z * COEFFICIENTS[-1]
    for coefficient in reversed(COEFFICIENTS[1:-1]):
        total += coefficient
        total *= z
    return total + COEFFICIENTS[0]


def entropy_excess(v: Array) -> Array:
    """Return (1 + v) ln(1 + v) - v for v >= -1: the conjugate of ``exp_excess``.

    With w = ln(1 + v) it is e^w (e^-w - 1 + w).
    """
    rough = xlog1py(1.0 + v, v) - v
    return refined(rough, np.abs(v) <= NEAR, lambda v: (1.0 + v) * exp_excess(-np.log1p(v)), v)
