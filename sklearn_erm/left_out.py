"""Fits without a sample, where one step from the fit to all is not close enough."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.design import Design
from sklearn_erm.minimize import minimize
from sklearn_erm.objective import Objective
from sklearn_erm.piecewise import carries, scores_without
from sklearn_erm.point import Point

Array = NDArray[Any]

CLOSE, TWICE = 0.02, 2  # disagreement with a refit, relative to the shift, that is none; so often, and no more refits
EVENTFUL = 15  # solutions without a sample that cost, event by event, what a refit does


def _as_columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def refit_influential(objective: Objective, point: Point, u: Array, scores: Array, refits: int) -> None:
    """Replace, in place, scores that are not defined, and those of the largest rise of the loss while they are off."""
    undefined = np.flatnonzero(~np.isfinite(_as_columns(scores)).all(axis=1))
    if not objective.penalty.unpenalised(point.W).all():
        for i in undefined:
            scores[i] = _score_without(objective, point.x, int(i))
    if carries(objective) and not objective.shape:
        _leave_out_exactly(objective, point, u, scores, refits)
    elif not (objective.has_kinks or _is_quadratic(objective, point, scores)):
        _refit_while_off(objective, point, scores, refits)


def _rise(objective: Objective, point: Point, scores: Array) -> Array:
    """Return how much more a sample's loss is at the new scores, -inf where these are not defined."""
    value = objective.loss.value
    with np.errstate(all="ignore"):
        rise = _as_columns(value(objective.y, scores) - value(objective.y, point.eta)).sum(axis=1) * objective.weight
    return np.where(np.isfinite(_as_columns(scores)).all(axis=1), rise, -np.inf)


def _leave_out_exactly(objective: Objective, point: Point, u: Array, scores: Array, refits: int) -> None:
    """Replace the scores of samples that pull: of all, if those are few, else of the most influential."""
    pulling = np.flatnonzero((u != 0) & (objective.weight > 0))
    if len(pulling) > EVENTFUL * refits:
        pulling = pulling[np.argsort(-_rise(objective, point, scores)[pulling])[:refits]]
    found = scores_without(objective, point.x, u, pulling)
    scores[pulling] = np.where(np.isnan(found), scores[pulling], found)


def _refit_while_off(objective: Objective, point: Point, scores: Array, refits: int) -> None:
    """Replace the scores of the largest rise of the loss, until the step proves close."""
    rise = _rise(objective, point, scores)
    agreed = 0
    for i in np.argsort(-rise)[: min(refits, np.count_nonzero(rise > -np.inf))]:
        found = _score_without(objective, point.x, int(i))
        if np.linalg.norm(found - scores[i]) <= CLOSE * np.linalg.norm(found - point.eta[i]):
            agreed += 1
        else:
            scores[i], agreed = found, 0
        if agreed == TWICE:
            return


def _is_quadratic(objective: Objective, point: Point, scores: Array) -> bool:
    """Return whether the loss bends at the new scores as before, and the penalty everywhere the same."""
    if not objective.penalty.smooth:
        return False
    defined = np.isfinite(_as_columns(scores)).all(axis=1)
    with np.errstate(all="ignore"):
        before, after = (objective.loss.curvature(objective.y, eta)[defined] for eta in (point.eta, scores))
    return bool(np.allclose(before, after, rtol=1e-9, atol=0.0))


def _score_without(objective: Objective, x: Array, i: int) -> Any:
    """Return the score that the fit to all other samples gives sample i."""
    design, joint = objective.design, objective.loss.joint
    rows = np.delete(np.arange(design.n_samples), i)
    weight, y, offset = objective.weight[rows], objective.y[rows], objective.offset
    kept = float(weight.sum())
    part = Design(design.rows(rows), weight / kept, design.intercept)
    offset, k = None if offset is None else offset[rows], objective.n_outputs if joint else None
    loss = objective.loss.on_rows(rows)
    without = Objective(loss, objective.penalty, objective.alpha / kept, part, y, offset, k)
    W, b = objective.split(x)
    start = without.join(W, b + (part.means - design.centre) @ W)
    W, b = without.split(minimize(without, x0=start).x)
    own = Design(design.rows(np.array([i])), np.ones(1), False)
    score = own.dot(W)[0] + part.intercept_of(W, b)
    return score if objective.offset is None else score + objective.offset[i]
