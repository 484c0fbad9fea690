"""Fits without a sample, where one step from the fit to all is not close enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.carrier import carries, scores_without
from sklearn_erm.problem.certificate import FLOOR
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import Point
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solvers.loop import UNBOUNDED

Array = NDArray[Any]

# A fit without a sample is solved to this gap, relative to its own objective, because that may be far below the null
# model's.
ACCURATE = 1e-6
# If the gap stays larger than this, then the fit is not used, because its scores may be far from the solution's.
KNOWN = 1e-3
# So many tolerances are tried, each from the objective that the last one found.
ROUNDS = 3
# If a step differs from a refit by less than this share of the refit's shift, then the step is close.
CLOSE = 0.02
# If the loss has kinks, then this share decides, because its scores jump from vertex to vertex.
ROUGH = 0.25
# If so many steps in a row are close, then no more samples are refitted, because later ones are less influential.
TWICE = 2
# If the median difference of the steps that were checked is more than this share, then no step is used.
WORTHLESS = 0.5
# About so many solutions without a sample, found event by event, take the time of one refit. If more samples than this
# multiple of the refits allowed are to be left out, then only the most influential are.
EVENTFUL = 15


def solved(problem: Objective, x0: Array, result: OptimizeResult | None = None) -> tuple[OptimizeResult, bool]:
    """Return a solution that is accurate relative to its own objective, and whether it is accurate enough to use.

    ``tol`` is relative to the null model's objective where a fit has a far smaller one, as where it interpolates. With
    it, a fit without a sample would be over where it starts, at the fit to all.
    """
    error, share = np.inf, _share(problem, problem.fun(x0))
    for _ in range(ROUNDS):
        if share == 0:
            break
        result = minimize(problem, x0=x0, neighbour=result, tol=ACCURATE * share)
        x0, error, share = result.x, own_error(problem, result), _share(problem, result.fun)
        if error <= ACCURATE or result.status == UNBOUNDED:
            break
    if result is None:
        result = minimize(problem, x0=x0)
    return result, error <= KNOWN and result.status != UNBOUNDED


def own_error(problem: Objective, result: OptimizeResult) -> float:
    """Return what ``tol`` bounds, relative to the objective itself instead of the null model's."""
    error, share = result.certificate.error, _share(problem, result.certificate.objective)
    return float(error / share) if share > 0 else float(np.inf if error > 0 else 0.0)


def is_quadratic(problem: Objective) -> bool:
    """Return whether the problem is quadratic, so that Newton's step is exact wherever it starts."""
    return problem.loss.is_square and problem.penalty.smooth


def _share(problem: Objective, value: float) -> float:
    """Return a value of the objective over what ``tol`` is relative to, at most 1: below, ``tol`` says little of it."""
    whole = abs(problem.reference[0]) * (FLOOR if problem.has_dual else 1.0)
    return min(1.0, abs(value) / whole) if np.isfinite(value) and whole > 0 else 1.0


def _as_columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def refit_influential(objective: Objective, point: Point, u: State, scores: Array, refits: int) -> None:
    """Replace, in place, scores that are not defined, and those of the largest rise of the loss while they are off.

    Where no penalty decides about directions that only one sample has, its score stays undefined.
    """
    decided = not objective.penalty.unpenalised(point.W).all()
    doubtful = np.arange(len(scores))
    traceable = _share(objective, point.value) == 1.0  # elsewhere, events differ by less than rounding
    if carries(objective) and not objective.shape and traceable:
        doubtful = _leave_out_exactly(objective, point, u, scores, refits, decided)
    for i in _undefined(scores) if decided else []:
        scores[i] = _score_without(objective, point.x, int(i))
        if np.isnan(scores[i]).any():
            return
    if not is_quadratic(objective):
        interpolates = _share(objective, point.risk) < 1.0
        _refit_while_off(objective, point, scores, doubtful, refits, interpolates)


def _undefined(scores: Array) -> Array:
    return np.flatnonzero(~np.isfinite(_as_columns(scores)).all(axis=1))


def _rise(objective: Objective, point: Point, scores: Array) -> Array:
    """Return how much more a sample's loss is at the new scores, -inf where these are not defined."""
    rise = objective.samples.local().rises(objective.loss, point.scores, scores)
    return np.where(np.isfinite(_as_columns(scores)).all(axis=1), rise, -np.inf)


def _leave_out_exactly(
    objective: Objective, point: Point, u: State, scores: Array, refits: int, decided: bool
) -> Array:
    """Replace the scores of samples with a slope, or of the most influential; return those that were not reached."""
    sloped = objective.samples.local().sloped(u)
    if len(sloped) > EVENTFUL * refits:
        first = sloped[np.argsort(-_rise(objective, point, scores)[sloped])[:refits]]
        sloped = np.union1d(first, np.intersect1d(sloped, _undefined(scores)))
    if not decided:
        sloped = np.setdiff1d(sloped, _undefined(scores))
    found = scores_without(objective, point.x, u, sloped)
    reached = ~np.isnan(found)
    scores[sloped[reached]] = found[reached]
    return sloped[~reached]


def _refit_while_off(
    objective: Objective, point: Point, scores: Array, samples: Array, refits: int, interpolates: bool
) -> None:
    """Replace the scores of the largest rise of the loss, of some samples, until the step proves close.

    If it never does, and is off by most of the shift, or if the fit interpolates, then refit all of the
    samples; if those are many, their scores are undefined.
    """
    close = ROUGH if objective.has_kinks and not interpolates else CLOSE
    rise = _rise(objective, point, scores)[samples]
    order = samples[np.argsort(-rise)][: np.count_nonzero(rise > -np.inf)]
    agreed, off, before = 0, np.zeros(0), point.scores.values
    for i in order[:refits]:
        found = _score_without(objective, point.x, int(i))
        shift, difference = np.linalg.norm(found - before[i]), np.linalg.norm(found - scores[i])
        with np.errstate(divide="ignore"):  # the score may stay
            off = np.append(off, np.divide(difference, shift) if difference > 0 else 0.0)
        agreed, scores[i] = agreed + 1 if off[-1] <= close else 0, found
        if agreed == TWICE or np.isnan(found).any():
            return
    rest = order[refits:]
    if not (len(off) and (interpolates or np.median(off) > WORTHLESS)):
        return
    if len(rest) > EVENTFUL * refits:
        scores[rest] = np.nan
        return
    for i in rest:
        scores[i] = _score_without(objective, point.x, int(i))


def _score_without(objective: Objective, x: Array, i: int) -> Any:
    """Return the score that the fit to all other samples gives sample i, nan where that cannot be found."""
    samples = objective.samples.local()
    kept, part = samples.without(i)
    without = Objective(objective.loss, objective.penalty, objective.alpha / kept, part)
    W, b = objective.split(x)
    start = without.join(W, b + (part.means - samples.design.centre) @ W)
    result, known = solved(without, start)
    if not known:
        return np.nan
    W, b = without.split(result.x)
    return samples.score_of(i, W, part.intercept_of(W, b))
