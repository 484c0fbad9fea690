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

PULLED = 1e-3  # of a typical slope, by which a multiplier differs from the slope where the sample is on a kink
NARROW, FAR = 1e-6, 1e3  # of a typical distance to a kink: the least and the largest window that is looked at
HALVINGS = 40  # of the interval in search of the window


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

    A loss with kinks has no second derivative. Its slope is averaged over a window around each score, as narrow as
    leaves sqrt(n) samples inside beside those on a kink: the kinks that scores pass when a sample is left out are what
    resists. Where all samples are on kinks the window vanishes, which leaves the formula of Wang et al.; where those
    are as many as the coefficients, that formula is infinite, for nothing is left that resists.

    A fit that interpolates tells nothing by its residuals, which are rounding. There the step is computed in the space
    of the samples, where what resists is no difference of two numbers that are almost equal, with what is left of the
    gradient; and fits, to all samples and without one, are solved to a gap relative to their own objective. Steps that
    refits do not confirm are replaced by refits, or undefined if they are many.

    Time is that of a Newton step, O(n r^2), memory O(r^2), with r the coefficients that move, n of them at most under a
    penalty that bends in all. Coupled outputs multiply r. A penalty that is split (``parts``) costs O(p r) memory.

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
    pull = samples.weight[:, None] * _as_columns(u.values)
    for tangent in tangents(objective, point, u, pairs):
        own = tangent.outputs
        stiffness = bend if objective.loss.joint else bend[:, own, None] * np.eye(len(own))
        invariant = objective.loss.shift_invariant
        scores[:, own] += shifts_without(samples.design, tangent, stiffness, pull[:, own], invariant)
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
    """Return the distance, output by output, within which sqrt(n) samples have a kink, beside those that are on one.

    Where kinks are equally dense across the window, its width does not matter.
    """
    loss, y, n = objective.loss, objective.samples.local().y, len(eta)
    slope = loss.gradient(y, eta)
    least = PULLED * float(np.sqrt(np.mean(slope**2))) or PULLED
    pinned = np.abs(u - slope) > least
    wanted = np.minimum(pinned.sum(axis=0) + n**0.5, n)

    def enough(width: Array) -> Array:
        rises = np.abs(_rises(loss, y, eta, width)) > least
        reached: Array = (pinned | (rises.any(axis=1) if loss.joint else rises)).sum(axis=0)
        return reached >= wanted

    unit = objective.natural_step * objective.reference[1]
    low = np.full(eta.shape[1:], NARROW * unit)
    high = np.where(enough(low), low, FAR * unit)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        good = enough(middle)
        low, high = np.where(good, low, middle), np.where(good, middle, high)
    return high
