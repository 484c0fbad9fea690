"""The curvature of a loss that has kinks: its slope, averaged over a window around each score."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.state import State
from sklearn_erm.samples.strips import beside, each

Array = NDArray[Any]

# If a multiplier differs from the slope by more than this share of a typical slope, then the sample is on a kink,
# because elsewhere the two are equal up to the accuracy of the fit.
ON_KINK = 1e-3
# No window is narrower than this, in units of a typical distance to a kink, because rounding moves scores across kinks.
NARROW = 1e-6
# No window is wider than this, in the same unit, because all samples have a kink within it.
FAR = 1e3
# The logarithm of the width is bisected so many times, because that leaves rounding only.
HALVINGS = 40


def weighted_curvature(objective: Objective, scores: State, u: State) -> Array | None:
    """Return the weighted curvature of the loss, (n, k), or (n, k, k) of a joint one; None if it is not known.

    u are the slopes, multipliers at kinks.
    """
    samples, loss = objective.samples.local(), objective.loss
    eta, weight = scores.values, samples.weight
    if objective.has_kinks:
        curvature = _averaged(loss, samples.y, eta, _window(objective, eta, u.values))
    elif loss.has("curvature"):
        curvature = each(loss, "curvature", samples.y, eta)
    else:
        return None
    curvature = curvature if loss.joint else curvature.reshape(len(curvature), -1)
    return beside(weight, curvature) * curvature


def _rises(loss: Loss, y: Array, eta: Array, width: Array) -> Array:
    """Return the rise of the slope over ``width`` to either side of each score; of all k slopes in a joint loss."""
    if not loss.joint:
        return loss.gradient(y, eta + width) - loss.gradient(y, eta - width)
    return np.stack([loss.gradient(y, eta + step) - loss.gradient(y, eta - step) for step in np.diag(width)], axis=2)


def _averaged(loss: Loss, y: Array, eta: Array, width: Array) -> Array:
    """Return the second derivative of the loss averaged over ``width`` to either side, score by score."""
    mean = _rises(loss, y, eta, width) / (2.0 * width)
    if not loss.joint:
        return np.maximum(mean, 0.0)
    values, vectors = np.linalg.eigh(0.5 * (mean + mean.transpose(0, 2, 1)))
    return (vectors * np.maximum(values, 0.0)[:, None, :]) @ vectors.transpose(0, 2, 1)


def _window(objective: Objective, eta: Array, u: Array) -> Array:
    """Return half the width of the window around a score over which slopes are averaged, output by output.

    It is the least at which the windows of sqrt(n) samples contain a kink; samples that are on a kink are not counted.
    If kinks are equally dense within the window, then its width does not matter.
    """
    loss, y, n = objective.loss, objective.samples.local().y, len(eta)
    slope = loss.gradient(y, eta)
    jump = ON_KINK * float(np.sqrt(np.mean(slope**2))) or ON_KINK  # the least rise of a slope that is one
    on_kink = np.abs(u - slope) > jump
    wanted = np.minimum(on_kink.sum(axis=0) + n**0.5, n)

    def enough(width: Array) -> Array:
        jumps = np.abs(_rises(loss, y, eta, width)) > jump
        have_kink = on_kink | (jumps.any(axis=1) if loss.joint else jumps)
        count: Array = have_kink.sum(axis=0)
        return count >= wanted

    unit = objective.natural_step * objective.reference[1]
    low = np.full(eta.shape[1:], NARROW * unit)
    high = np.where(enough(low), low, FAR * unit)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        good = enough(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return high
