"""Ways that coefficients can move without a jump of the penalty's slope, and what a sample's score learns of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag

from sklearn_erm.penalties import Curvature, Part
from sklearn_erm.penalties.ties import as_dense
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import Point
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.state import State

Array = NDArray[Any]

# If an eigenvalue or a singular value is less than this, relative to 1 or to the largest, then it counts as 0, because
# it may be rounding. In its direction, a kink of the penalty holds the coefficients.
HELD = 1e-10


def lacks(what: str, thing: Any, method: str) -> ValueError:
    """Return the error of a loss or a penalty without second derivatives."""
    cure = f"write {method}, or use cross-validation, cv=5"
    return ValueError(f"approximate leave-one-out needs second derivatives, which {what}={thing!r} lacks: {cure}.")


class Kernel(NamedTuple):
    """What the penalty says of the scores of n samples in k outputs, the m = n k of them in one axis.

    Attributes
    ----------
    outputs : ndarray of shape (k,)
    covariance : ndarray of shape (m, m)
        X P^-1 X^T of the coefficients along which the penalty has the curvature P, which is positive.
    free : ndarray of shape (m, q)
        What the other directions add to the scores, the intercepts last.
    bend : ndarray of shape (q, q)
        The penalty's curvature along these, which may be 0.
    step : ndarray of shape (m,)
        X P^-1 g, g being the remaining gradient of the objective in these coefficients.
    slope : ndarray of shape (q,)
        The remaining gradient along the others.
    """

    outputs: Array
    covariance: Array
    free: Array
    bend: Array
    step: Array
    slope: Array


class Tangent(NamedTuple):
    """Coordinates in which the coefficients of k outputs move, r of them, and the penalty's curvature in these.

    ``rows`` makes of a slice of the samples, and of their rows in ``features``, what every coordinate adds to every
    score: an array of shape (b, k, r). ``slope`` is what is left of the objective's gradient in these coordinates and
    the intercepts.
    """

    outputs: Array
    features: Array
    rows: Callable[[Array], Array]
    bend: Array
    slope: Array

    def blocks(self, design: Design) -> Iterator[tuple[Any, Array]]:
        """Yield slices of the samples, and their rows with the intercepts' last."""
        k = len(self.outputs)
        needed = self.features if len(self.features) else np.zeros(1, dtype=np.intp)
        for part, block in design.columns(needed).blocks(ones=False):
            rows = self.rows(block)
            ones = np.broadcast_to(np.eye(k), (len(rows), k, k))
            yield part, np.concatenate([rows, ones], axis=2) if design.intercept else rows

    def kernel(self, design: Design) -> Kernel | None:
        """Return the same in the space of the samples; None where the penalty has no curvature."""
        values, vectors = np.linalg.eigh(self.bend)
        stiff = values > HELD * values.max(initial=0.0)
        if not stiff.any():
            return None
        rows = np.concatenate([block.copy() for _, block in self.blocks(design)])
        rows, r = rows.reshape(-1, rows.shape[2]), len(values)
        turned, slope = rows[:, :r] @ vectors, vectors.T @ self.slope[:r]
        scaled = turned[:, stiff] / np.sqrt(values[stiff])
        return Kernel(
            self.outputs,
            scaled @ scaled.T,
            np.hstack([turned[:, ~stiff], rows[:, r:]]),
            np.zeros((rows.shape[1] - stiff.sum(),) * 2),
            scaled @ (slope[stiff] / np.sqrt(values[stiff])),
            np.concatenate([slope[~stiff], self.slope[r:]]),
        )


def tangents(objective: Objective, point: Point, u: State, pairs: Any) -> list[Tangent | Kernel]:
    """Return coordinates of the ways that coefficients can move, the outputs apart where nothing couples them.

    u are the derivatives of the loss, multipliers at its kinks; ``pairs`` those of a penalty that is split.
    """
    penalty, outputs = objective.penalty, np.arange(objective.n_outputs)
    if penalty.convex and (splits(penalty) or pairs is not None):
        return [_along_parts(objective, point, pairs)]
    if not penalty.has("curvature"):
        raise lacks("penalty", penalty, "curvature(W)")
    coupled = objective.loss.joint or penalty.couples_outputs
    return [_on_support(objective, point, u, columns) for columns in ([outputs] if coupled else outputs[:, None])]


def _on_support(objective: Objective, point: Point, u: State, outputs: Array) -> Tangent | Kernel:
    """Return the coefficients around which the penalty is smooth, or what the rows of X can tell of them."""
    penalty, k, design = objective.penalty, objective.n_outputs, objective.samples.local().design
    label = np.arange(point.W.size).reshape(-1, k)[:, outputs]
    entries = label[penalty.support(point.W).reshape(-1, k)[:, outputs]]
    own = penalty.curvature(point.W).scaled(objective.alpha).on(entries)
    gW, gb = _left_over(objective, point, u)
    g, slope = gW.ravel()[entries], np.ravel(gb)[outputs] if design.intercept else np.zeros(0)
    owner, output, stiff = entries // k, np.searchsorted(outputs, entries % k), own.diagonal > 0
    few = np.count_nonzero(stiff) <= design.n_samples
    in_coefficients = few or own.matrix is not None or not (own.minus is None or len(outputs) == 1)
    kept = np.arange(len(entries)) if in_coefficients else np.flatnonzero(~stiff)
    bend = own.on(kept).dense()
    features, column, count = np.unique(owner[kept], return_inverse=True, return_counts=True)
    if objective.loss.shift_invariant:  # see shifts_without
        for j in np.flatnonzero(count == k):
            group = np.flatnonzero(column == j)
            if not bend[group].any():
                bend[np.ix_(group, group)] = design.squares[features[j]] / k

    def rows(block: Array) -> Array:
        found = np.zeros((len(block), len(outputs), len(kept)))
        found[:, output[kept], np.arange(len(kept))] = block[:, column]
        return found

    moved = Tangent(outputs, features, rows, bend, np.concatenate([g[kept], slope]))
    if in_coefficients:
        return moved
    return _in_rows(design, moved, [(owner[o], own.on(o), g[o]) for o in _split(output, stiff)])


def _left_over(objective: Objective, point: Point, u: State) -> tuple[Array, Array]:
    """Return what is left of the objective's gradient where the penalty has one; of kinks it says nothing."""
    gW, gb = objective.samples.pull_back(u)
    if objective.has_kinks or not objective.penalty.has("gradient"):
        return np.zeros(gW.shape), np.zeros(np.shape(gb))
    return gW + objective.alpha * objective.penalty.gradient(point.W), gb


def _split(output: Array, stiff: Array) -> list[Array]:
    """Return the stiff entries of every output."""
    return [np.flatnonzero(stiff & (output == c)) for c in range(int(output.max()) + 1)]


def _in_rows(design: Design, moved: Tangent, stiff: list[tuple[Array, Curvature, Array]]) -> Kernel:
    """Return what the rows of X tell of stiff coefficients, given their features, curvature and gradient, by output.

    Where the curvature is diag(d) - U U^T, the directions U / d are free as far as 1 - U^T diag(1 / d) U is.
    """
    n, k = design.n_samples, len(moved.outputs)
    K, step, columns, bends, slopes = np.zeros((n * k, n * k)), np.zeros(n * k), [], [moved.bend], []
    for c, (features, own, g) in enumerate(stiff):
        root = np.sqrt(own.diagonal)
        scaled = design.divided(features, root)
        K[c::k, c::k] = scaled.row_gram(np.arange(n))
        step[c::k] = scaled.dot(g / root)
        if own.minus is not None:
            below = own.minus / root[:, None]
            columns.append(scaled.dot(below))
            bends.append(np.eye(below.shape[1]) - below.T @ below)
            slopes.append(below.T @ (g / root))
    rows = np.concatenate([block.copy() for _, block in moved.blocks(design)]).reshape(n * k, -1)
    free = np.hstack([rows[:, : len(moved.bend)], *columns, rows[:, len(moved.bend) :]])
    bend = block_diag(*bends, np.zeros((k * design.intercept,) * 2))
    slope = np.concatenate([moved.slope[: len(moved.bend)], *slopes, moved.slope[len(moved.bend) :]])
    return Kernel(moved.outputs, K, free, bend, step, slope)


def _along_parts(objective: Objective, point: Point, pairs: Any) -> Tangent:
    """Return the directions that no part of the penalty holds: those in the range of its prox's Jacobian P.

    There a part has the curvature (P^-1 - 1) / t, t being the step of the prox.
    """
    parts, k = objective.penalty.parts(), objective.n_outputs
    free = np.ones(point.W.size, dtype=bool)
    known = pairs or [None] * len(parts)
    jacobians = [
        None if part.penalty.smooth else _jacobian(part, point.W, pair) for part, pair in zip(parts, known, strict=True)
    ]
    for part, found in zip(parts, jacobians, strict=True):
        if part.matrix is None and found is not None:
            free &= (found[1] != 0) | (False if found[2] is None else found[2].any(axis=1))
    B = np.zeros((len(free), np.count_nonzero(free)))
    B[free] = np.eye(B.shape[1])
    bend = np.zeros((B.shape[1],) * 2)
    for part, found in zip(parts, jacobians, strict=True):
        image = part.image(B.reshape(len(B) // k, k * B.shape[1]))
        image = image.reshape(len(image) * k, B.shape[1])
        if found is None:
            bend += objective.alpha * part.factor * _smooth_bend(part, point.W, image)
            continue
        t, d, U = found
        values = d
        if U is not None:
            touched = np.flatnonzero(image.any(axis=1) | (d != 0) | U.any(axis=1))
            values, vectors = np.linalg.eigh(np.diag(d[touched]) + U[touched] @ U[touched].T)
            image = vectors.T @ image[touched]
        moves = values > HELD
        stiffness = np.maximum(1.0 / values[moves] - 1.0, 0.0) / t
        bend += objective.alpha * part.factor * image[moves].T @ (stiffness[:, None] * image[moves])
        basis = _null_space(image[~moves])
        B, bend = B @ basis, basis.T @ bend @ basis
    slope = np.zeros(B.shape[1] + k * objective.samples.intercept)
    B = B.reshape(len(B) // k, k, B.shape[1])
    features = np.flatnonzero(B.any(axis=(1, 2)))
    used = B[features]

    def rows(block: Array) -> Array:
        return np.tensordot(block[:, : len(used)], used, axes=1)

    return Tangent(np.arange(k), features, rows, bend, slope)


def _jacobian(part: Part, W: Array, pair: Any) -> tuple[float, Array, Array | None]:
    """Return a step t, and d and U of the generalised Jacobian diag(d) + U U^T of the prox at the solution."""
    if not part.penalty.has("prox_derivative"):
        raise lacks("penalty", part.penalty, "prox_derivative(W, step)")
    if pair is None:  # the null model of a fit that failed
        image = part.image(W)
        pair = (np.zeros(image.shape), image)
    v, Z = pair
    pulled, size = float(np.abs(v).max(initial=0.0)), float(np.abs(Z).max(initial=0.0))
    t = size / pulled if pulled > 0 and size > 0 else 1.0
    d, U = part.penalty.prox_derivative(Z + t * v, t)
    return t, d.ravel(), as_dense(U)


def _smooth_bend(part: Part, W: Array, image: Array) -> Array:
    """Return the curvature of a smooth part along some directions, given their images."""
    if not part.penalty.has("curvature"):
        raise lacks("penalty", part.penalty, "curvature(W)")
    bend: Array = image.T @ part.penalty.curvature(part.image(W)).product(image)
    return bend


def _null_space(C: Array) -> Array:
    """Return an orthonormal basis of the vectors that C maps to zero."""
    if not C.any():
        return np.eye(C.shape[1])
    _, sizes, right = np.linalg.svd(C)
    rank = int(np.count_nonzero(sizes > HELD * max(sizes[0], 1.0)))
    return right[rank:].T
