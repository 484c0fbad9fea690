"""The steps of the augmented Lagrangian for the parts of a penalty, in the units of the columns."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.penalties import Part
from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]

# A kink shows its slope at this move of a coefficient, in units of the move that would use up the risk.
SLIGHT = 1e-6


class Steps(NamedTuple):
    """The steps for a penalty that go with one for the loss.

    Attributes
    ----------
    each : ndarray in the shape of W
        For penalties of single coefficients, of groups and for constraints.
    common : float
        For penalties that know one unit of all coefficients only.
    """

    each: Array
    common: float

    def of(self, part: Part) -> Any:
        """Return the step of a part.

        Coefficients that are penalised together share the geometric mean, unless the prox takes a step for each. So do
        all, that of typical columns, if the penalty is not separable, or if its rows tie coefficients to each other.
        The row of a constraint has the step of the sum of its terms.
        """
        if part.penalty.scaled_prox and part.matrix is None:
            return self.each
        if not part.penalty.separable or not (part.matrix is None or part.penalty.has("violation")):
            return self.common
        if part.matrix is not None:
            entries = part.matrix.power(2) if sparse.issparse(part.matrix) else part.matrix**2
            rows = np.asarray(entries @ self.each)
            return np.where(rows > 0, rows, 1.0)
        labels = part.penalty.blocks(self.each).ravel()
        means = np.bincount(labels, np.log(self.each).ravel()) / np.bincount(labels)
        return np.exp(means)[labels].reshape(self.each.shape)

    def shared(self, parts: list[Part]) -> Any:
        """Return steps that are constant on the blocks of every part: those of the largest blocks, or one for all."""
        largest = min(parts, key=lambda part: len(np.unique(part.penalty.blocks(self.each))))
        found = self.of(largest)
        again = self._replace(each=np.broadcast_to(found, self.each.shape))
        same = all(np.allclose(again.of(part), found, rtol=1e-9, atol=0.0) for part in parts)
        return found if same else self.common


def penalty_steps(objective: Objective, step: float) -> Steps:
    """Return the steps for the penalty.

    With them the envelope of a part bends as much as risk and smooth parts do along each coefficient. If alpha is
    beyond what the risk can resist along one, then it counts no more, because the coefficient does not move.
    """
    bends = _risk_bends(objective, step) + _own_bends(objective)
    slopes, scale = kink_slopes(objective), objective.gradient_scale
    resisted = np.divide(scale, slopes, out=np.full(scale.shape, np.inf), where=(slopes > 0) & (scale > 0))
    common = min(objective.alpha, resistance(objective) or np.inf) / _geometric_mean(bends)
    return Steps(np.minimum(objective.alpha, resisted) / bends, common)


def risk_share(objective: Objective) -> float:
    """Return how strong the penalty is beside the risk, at most 1: by their slopes, and by their curvatures."""
    if objective.penalty.unconstrained().value(_probe(objective)) in (0.0, np.inf):
        return 1.0
    bends = _own_bends(objective) / _risk_bends(objective, objective.natural_step)
    most = resistance(objective)
    slopes = objective.alpha / most if most > 0 else 1.0  # a risk without a slope resists nothing
    return min(max(slopes, float(np.mean(bends))), 1.0)


def resistance(objective: Objective) -> float:
    """Return the alpha whose kink at zero the risk cannot overcome along its steepest coefficient; inf without one."""
    slope = _slope_of(_kinks(objective), _probe(objective))
    return float(objective.gradient_scale.max(initial=0.0)) / slope if slope > 0 else np.inf


def _geometric_mean(values: Array) -> float:
    return float(np.exp(np.mean(np.log(values)))) if values.size else 1.0


def _risk_bends(objective: Objective, step: float) -> Array:
    """Return the curvature of the risk along each coefficient, if that of the loss is one over a step."""
    sizes = objective.samples.sizes
    return np.broadcast_to(sizes**2 / step, (*objective.shape, len(sizes))).T


def _own_bends(objective: Objective) -> Array:
    """Return the curvature of the penalty's smooth parts along each coefficient, alpha included."""
    move = _probe(objective)
    bends = np.zeros(move.shape)
    for part in objective.penalty.unconstrained().parts():
        if not part.penalty.smooth or part.matrix is not None or not move.any():
            continue
        if part.penalty.has("curvature"):
            bends += part.factor * part.penalty.curvature(np.zeros(move.shape)).ridge()
        else:
            rise = part.penalty.gradient(move) - part.penalty.gradient(np.zeros(move.shape))
            bends += part.factor * float(np.vdot(move, rise)) / float(np.vdot(move, move))
    return objective.alpha * bends


def _kinks(objective: Objective) -> list[Part]:
    return [part for part in objective.penalty.unconstrained().parts() if not part.penalty.smooth]


def kink_slopes(objective: Objective) -> Array:
    """Return the slope that the penalty's kinks have at zero along each coefficient, roughly, alpha left out."""
    slopes = np.zeros(objective.gradient_scale.shape)
    for part in _kinks(objective):
        if part.penalty.separable and part.matrix is None and part.penalty.has("gradient"):
            slopes += part.factor * np.abs(part.penalty.gradient(np.ones(slopes.shape)))
        else:
            slopes += _slope_of([part], _probe(objective))
    return slopes


def _slope_of(parts: list[Part], move: Array) -> float:
    """Return the slope of some parts on the way to a small move of one coefficient; 0 if that leaves the domain."""
    height = sum(part.factor * part.penalty.value(part.image(move)) for part in parts)
    return height / float(np.abs(move).max(initial=0.0)) if 0 < height < np.inf else 0.0


def _probe(objective: Objective) -> Array:
    """Return a small move of the coefficient along which the risk may be steepest."""
    move = np.zeros(objective.gradient_scale.shape)
    if move.size:
        steepest = np.unravel_index(objective.gradient_scale.argmax(), move.shape)
        scale = float(objective.gradient_scale[steepest])
        move[steepest] = SLIGHT * abs(objective.reference[0]) / scale if scale > 0 else SLIGHT
    return move
