"""Approximate leave-one-out: the scores that fits without one sample would give it, from the fit to all."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.curvature_at_kinks import weighted_curvature
from sklearn_erm.leave_out.newton_step import shifts_without
from sklearn_erm.leave_out.refits import KNOWN, is_quadratic, own_error, refit_influential, solved
from sklearn_erm.leave_out.tangents import lacks, tangents
from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]


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
        If loss or penalty lack the derivatives that are needed, or rows are in several places.

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
    if not objective.samples.here:
        raise ValueError("leaving out one needs all samples in one place, but these are in several; use folds: cv=5.")
    if not is_quadratic(objective) and own_error(objective, result) > KNOWN:
        result, known = solved(objective, result.x, result)
        if not known:
            return np.full((objective.samples.n_samples, *objective.shape), np.nan)
    point, samples = objective.at(result.x), objective.samples.local()
    dual, pairs = result.get("dual") or (None, None)
    u = point.slopes if dual is None else dual
    curvature = weighted_curvature(objective, point.scores, u)
    if curvature is None:
        raise lacks("loss", objective.loss, "curvature(y, eta)")
    scores = samples.as_columns(point.scores).copy()
    gradient = samples.weighted(u)
    for tangent in tangents(objective, point, u, pairs):
        own = tangent.outputs
        stiffness = curvature if objective.loss.joint else curvature[:, own, None] * np.eye(len(own))
        invariant = objective.loss.shift_invariant
        scores[:, own] += shifts_without(samples.design, tangent, stiffness, gradient[:, own], invariant)
    scores = scores.reshape(len(scores), *objective.shape)
    refit_influential(objective, point, u, scores, refits)
    return scores
