"""Approximate leave-one-out: the scores that fits without one sample would give it, from the fit to all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.leave_out.newton_step import shifts_without
from sklearn_erm.leave_out.refits import KNOWN, is_quadratic, own_error, refit_influential, solved
from sklearn_erm.leave_out.tangents import lacks, tangents
from sklearn_erm.losses import Loss
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import Point
from sklearn_erm.samples.strips import each

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


def leave_one_out_scores(objective: Objective, result: OptimizeResult, *, refits: int = 10) -> Array:
    r"""Return for every sample the score that a fit without it would give it, by one Newton step from the full fit.

    .. math:: \eta_i^{(-i)} \approx \eta_i + \left(I - h_i s_i \ell_i''\right)^{-1} h_i s_i u_i, \qquad
        h_i = a_i^\top H^{-1} a_i, \quad H = \sum_i s_i \ell_i'' a_i a_i^\top + \alpha \Omega'', \quad a_i = (x_i, 1)

    with u the derivatives of the loss, multipliers at its kinks; all within the tangent space of the penalty, where
    what its kinks hold (zeros, ties, active constraints) is held. Exact for squared error under a quadratic penalty.

    Parameters
    ----------
    objective : Objective
    result : OptimizeResult
        What ``minimize(objective)`` returned.
    refits : int, default=10
        So many samples at most are left out in fact, the most influential first, until the step proves close. Those
        whose score nothing else determines (the only one of a category) always are, if there is a penalty to decide.

    Returns
    -------
    scores : ndarray of shape (n,) or (n, k)
        nan where nothing but the sample determines its score, and where no fit without it could be found.

    Raises
    ------
    ValueError
        If loss or penalty lack the derivatives that are needed.

    Notes
    -----
    A sample is left out of the *sum*: other weights and alpha stay, as in scikit-learn's ``RidgeCV``. An estimator that
    is refitted to n - 1 samples at the same ``alpha`` averages over those: it is this one at alpha (1 - 1 / n).

    A loss with kinks has no second derivative. That of its mean over a window around the score takes its place. The
    window is the narrowest in which sqrt(n) samples have a kink, those on a kink not counted. If all samples are on
    kinks, then the window vanishes, and the formula is that of Wang et al. If as many samples are on kinks as there are
    coefficients, then that formula is infinite, because no other sample determines the coefficients.

    A fit that interpolates tells nothing by its residuals, which are rounding. There the step is computed in the space
    of the samples, where the curvature is no difference of two numbers that are almost equal, with the remaining
    gradient; and fits, to all samples and without one, are solved to a gap relative to their own objective. Steps that
    refits do not confirm are replaced by refits, or undefined if they are many.

    Time is that of a Newton step, O(n r^2), and memory is O(r^2), with r the number of coefficients that move. Under a
    penalty with curvature along all coefficients, r is n at most. Coupled outputs multiply r. A penalty that is split
    (``parts``) costs O(p r) memory.

    References
    ----------
    Rahnama Rad, Maleki, "A scalable estimate of the out-of-sample prediction error via approximate leave-one-out
    cross-validation", JRSS B 82(4), 2020. Kinks: Wang, Zhou, Lu, Maleki, Mirrokni, "Approximate leave-one-out for fast
    parameter tuning in high dimensions", ICML 2018.
    """
    if not is_quadratic(objective) and own_error(objective, result) > KNOWN:
        result, known = solved(objective, result.x, result)
        if not known:
            return np.full((objective.samples.n_samples, *objective.shape), np.nan)
    point, samples = objective.at(result.x), objective.samples.local()
    dual, pairs = result.get("dual") or (None, None)
    u = point.slopes if dual is None else dual
    bend = _bending(objective, point, u.values)
    scores = _as_columns(point.scores.values).copy()
    gradient = samples.weight[:, None] * _as_columns(u.values)
    for tangent in tangents(objective, point, u, pairs):
        own = tangent.outputs
        stiffness = bend if objective.loss.joint else bend[:, own, None] * np.eye(len(own))
        invariant = objective.loss.shift_invariant
        scores[:, own] += shifts_without(samples.design, tangent, stiffness, gradient[:, own], invariant)
    scores = scores.reshape(point.scores.values.shape)
    refit_influential(objective, point, u, scores, refits)
    return scores


def _as_columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _bending(objective: Objective, point: Point, u: Array) -> Array:
    """Return the weighted curvature of the loss, (n, k), or (n, k, k) of a joint one."""
    samples = objective.samples.local()
    loss, y, eta, s = objective.loss, samples.y, point.scores.values, samples.weight
    if objective.has_kinks:
        curvature = _averaged(loss, y, eta, _window(objective, eta, u))
    elif loss.has("curvature"):
        curvature = each(loss, "curvature", y, eta)
    else:
        raise lacks("loss", loss, "curvature(y, eta)")
    return s[:, None, None] * curvature if loss.joint else s[:, None] * _as_columns(curvature)


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
