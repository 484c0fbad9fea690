"""Approximate leave-one-out: the scores that fits without one sample would give it, from the fit to all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import block_diag
from scipy.optimize import OptimizeResult

from sklearn_erm.certificate import splits
from sklearn_erm.design import Design
from sklearn_erm.left_out import refit_influential
from sklearn_erm.losses import Loss
from sklearn_erm.losses.strips import each
from sklearn_erm.objective import Objective
from sklearn_erm.penalties import Part
from sklearn_erm.point import Point
from sklearn_erm.solvers.linear import Factor, ridged_cholesky

Array = NDArray[Any]

PULLED = 1e-3  # of a typical slope, by which a multiplier differs from the slope where the sample is on a kink
NARROW, FAR = 1e-6, 1e3  # of a typical distance to a kink: the least and the largest window that is looked at
HALVINGS = 40  # of the interval in search of the window
ALONE = 1e-9  # share of a score's stiffness that is not the sample's own, below which nothing else determines it
HELD = 1e-10  # of a generalised Jacobian's eigenvalues, those of directions that a kink holds


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
        nan where nothing but the sample determines its score.

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

    Time is that of a Newton step, O(n r^2), memory O(r^2), with r the coefficients that move, n of them at most under a
    penalty that bends in all. Coupled outputs multiply r. A penalty that is split (``parts``) costs O(p r) memory.

    References
    ----------
    Rahnama Rad, Maleki, "A scalable estimate of the out-of-sample prediction error via approximate leave-one-out
    cross-validation", JRSS B 82(4), 2020. Kinks: Wang, Zhou, Lu, Maleki, Mirrokni, "Approximate leave-one-out for fast
    parameter tuning in high dimensions", ICML 2018.
    """
    point = objective.at(result.x)
    dual, pairs = result.get("multiplier") or (None, None)
    u = point.dual if dual is None else dual
    bend = _bending(objective, point, u)
    scores = _as_columns(point.eta).copy()
    pull = objective.weight[:, None] * _as_columns(u)
    for tangent in _tangents(objective, point, pairs):
        own = tangent.outputs
        stiffness = bend if objective.loss.joint else bend[:, own, None] * np.eye(len(own))
        scores[:, own] += _shifts(objective, tangent, stiffness, pull[:, own])
    scores = scores.reshape(point.eta.shape)
    refit_influential(objective, point, u, scores, refits)
    return scores


def _as_columns(values: Array) -> Array:
    return values.reshape(len(values), -1)


def _bending(objective: Objective, point: Point, u: Array) -> Array:
    """Return the weighted curvature of the loss, (n, k), or (n, k, k) of a joint one."""
    loss, y, eta, s = objective.loss, objective.y, point.eta, objective.weight
    if objective.has_kinks:
        curvature = _averaged(loss, y, eta, _window(objective, eta, u))
    elif loss.has("curvature"):
        curvature = each(loss, "curvature", y, eta)
    else:
        raise _lacks("loss", loss, "curvature(y, eta)")
    return s[:, None, None] * curvature if loss.joint else s[:, None] * _as_columns(curvature)


def _lacks(what: str, thing: Any, method: str) -> ValueError:
    cure = f"write {method}, or use cross-validation, cv=5"
    return ValueError(f"approximate leave-one-out needs second derivatives, which {what}={thing!r} lacks: {cure}.")


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
    loss, y, n = objective.loss, objective.y, len(eta)
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


class Tangent(NamedTuple):
    """Coordinates in which the coefficients of k outputs move, r of them, and the penalty's curvature in these.

    ``rows`` makes of a slice of the samples, and of their rows in ``features``, what every coordinate adds to every
    score: an array of shape (b, k, r).
    """

    outputs: Array
    features: Array
    rows: Callable[[Any, Array], Array]
    bend: Array

    def blocks(self, design: Design) -> Iterator[tuple[Any, Array]]:
        """Yield slices of the samples, and their rows with the intercepts' last."""
        k = len(self.outputs)
        needed = self.features if len(self.features) else np.zeros(1, dtype=np.intp)
        for part, block in design.columns(needed).blocks(ones=False):
            rows = self.rows(part, block)
            ones = np.broadcast_to(np.eye(k), (len(rows), k, k))
            yield part, np.concatenate([rows, ones], axis=2) if design.intercept else rows


def _shifts(objective: Objective, tangent: Tangent, bend: Array, pull: Array) -> Array:
    """Return what leaving each sample out adds to its scores, (n, k), given the weighted derivatives of the loss."""
    design, k, r = objective.design, pull.shape[1], len(tangent.bend)
    H = block_diag(tangent.bend, np.zeros((k * design.intercept,) * 2))
    if not len(H):
        return np.zeros(pull.shape)
    for part, rows in tangent.blocks(design):
        H += rows.reshape(-1, len(H)).T @ (bend[part] @ rows).reshape(-1, len(H))
    if objective.loss.shift_invariant and design.intercept:
        H[r:, r:] += 1.0 / k  # along a common shift nothing pulls, but nothing would stop rounding either
    shift, factor = np.empty(pull.shape), Factor(H)
    for part, rows in tangent.blocks(design):
        solved = factor.solve(rows.reshape(-1, rows.shape[2]).T).T.reshape(rows.shape)
        h = np.einsum("nar,nbr->nab", rows, solved)
        rest = np.eye(k) - h @ bend[part]
        least = rest[:, 0, 0] if k == 1 else np.linalg.svd(rest, compute_uv=False)[:, -1]
        rest[least <= ALONE] = np.nan
        shift[part] = np.linalg.solve(rest, h @ pull[part][:, :, None])[:, :, 0]
    return shift


def _tangents(objective: Objective, point: Point, pairs: Any) -> list[Tangent]:
    """Return coordinates of the ways that coefficients can move, the outputs apart where nothing couples them."""
    penalty, outputs = objective.penalty, np.arange(objective.n_outputs)
    if penalty.convex and (splits(penalty) or pairs is not None):
        return [_along_parts(objective, point, pairs)]
    if not penalty.has("curvature"):
        raise _lacks("penalty", penalty, "curvature(W)")
    coupled = objective.loss.joint or penalty.couples_outputs
    return [_on_support(objective, point, columns) for columns in ([outputs] if coupled else outputs[:, None])]


def _on_support(objective: Objective, point: Point, outputs: Array) -> Tangent:
    """Return the coefficients around which the penalty is smooth, or what the rows of X can tell of them."""
    penalty, k = objective.penalty, objective.n_outputs
    diagonal, U, M = penalty.curvature(point.W).scaled(objective.alpha)
    label = np.arange(point.W.size).reshape(-1, k)[:, outputs]
    entries = label[_as_columns(penalty.support(point.W))[:, outputs]]
    d, U = diagonal.ravel()[entries], None if U is None else U[entries]
    owner, output = entries // k, np.searchsorted(outputs, entries % k)
    stiff = d > 0
    if M is None and (U is None or len(outputs) == 1) and np.count_nonzero(stiff) > objective.design.n_samples:
        kept = np.flatnonzero(~stiff)
        factors = [
            (c, *_row_factor(objective.design, owner[own], d[own], None if U is None else U[own]))
            for c in range(len(outputs))
            for own in (np.flatnonzero(stiff & (output == c)),)
        ]
    else:
        kept, factors = np.arange(len(entries)), []
    bend = np.diag(d[kept])
    if U is not None and not factors:
        bend -= U @ U.T
    if M is not None:
        M = M[entries][:, entries]
        bend += M.toarray() if sparse.issparse(M) else M
    features, column, count = np.unique(owner[kept], return_inverse=True, return_counts=True)
    if objective.loss.shift_invariant:  # see _shifts
        for j in np.flatnonzero(count == k):
            group = np.flatnonzero(column == j)
            if not bend[group].any():
                bend[np.ix_(group, group)] = objective.design.squares[features[j]] / k
    whole = block_diag(bend, *(own for _, _, own in factors))
    ends = np.cumsum([len(kept), *(len(own) for _, _, own in factors)])

    def rows(part: Any, block: Array) -> Array:
        found = np.zeros((len(block), len(outputs), len(whole)))
        found[:, output[kept], np.arange(len(kept))] = block[:, column]
        for (c, L, _), start, end in zip(factors, ends[:-1], ends[1:], strict=True):
            found[:, c, start:end] = L[part]
        return found

    return Tangent(outputs, features, rows, whole)


def _row_factor(design: Design, features: Array, d: Array, U: Array | None) -> tuple[Array, Array]:
    """Return some columns of X and a curvature diag(d) - U U^T in coordinates of the space that X and U span.

    In coefficients times the root of d, rows are those of X / root d; with U / root d below them, their Gram matrix is
    L L^T, and L has their coordinates in an orthonormal basis.
    """
    root, part = np.sqrt(d), design.columns(features)
    X = part.X @ sparse.diags_array(1.0 / root) if part.sparse else part.X / root
    scaled = Design(X, design.weight, design.intercept)
    below = np.zeros((len(root), 0)) if U is None else U / root[:, None]
    across = scaled.dot(below)
    gram = np.block([[scaled.row_gram(np.arange(design.n_samples)), across], [across.T, below.T @ below]])
    L = ridged_cholesky(gram)
    minus = L[design.n_samples :]
    return L[: design.n_samples], np.eye(len(L)) - minus.T @ minus


def _along_parts(objective: Objective, point: Point, pairs: Any) -> Tangent:
    """Return the directions that no part of the penalty holds: those in the range of its prox's Jacobian P.

    There a part bends by (P^-1 - 1) / t, t being the step of the prox.
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
        matrix = part.matrix
        if matrix is not None and k > 1:
            matrix = sparse.kron(matrix, sparse.eye_array(k), format="csr")
        image = B if matrix is None else matrix @ B
        if found is None:
            bend += objective.alpha * part.factor * _smooth_bend(part, matrix, point.W, image)
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
    B = B.reshape(len(B) // k, k, B.shape[1])
    features = np.flatnonzero(B.any(axis=(1, 2)))
    used = B[features]
    return Tangent(np.arange(k), features, lambda part, block: np.tensordot(block[:, : len(used)], used, axes=1), bend)


def _jacobian(part: Part, W: Array, pair: Any) -> tuple[float, Array, Array | None]:
    """Return a step t, and d and U of the generalised Jacobian diag(d) + U U^T of the prox at the solution."""
    if not part.penalty.has("prox_derivative"):
        raise _lacks("penalty", part.penalty, "prox_derivative(W, step)")
    if pair is None:  # the null model of a fit that failed
        image = W if part.matrix is None else part.matrix @ W
        pair = (np.zeros(image.shape), image)
    v, Z = pair
    pulled, size = float(np.abs(v).max(initial=0.0)), float(np.abs(Z).max(initial=0.0))
    t = size / pulled if pulled > 0 and size > 0 else 1.0
    d, U = part.penalty.prox_derivative(Z + t * v, t)
    return t, d.ravel(), U


def _smooth_bend(part: Part, matrix: Any, W: Array, image: Array) -> Array:
    """Return the curvature of a smooth part along some directions, given their images."""
    if not part.penalty.has("curvature"):
        raise _lacks("penalty", part.penalty, "curvature(W)")
    d, U, M = part.penalty.curvature(W if matrix is None else part.matrix @ W)
    bend = image.T @ (d.reshape(-1, 1) * image)
    if U is not None:
        bend -= (image.T @ U) @ (U.T @ image)
    return bend if M is None else bend + image.T @ (M @ image)


def _null_space(C: Array) -> Array:
    """Return an orthonormal basis of the vectors that C maps to zero."""
    if not C.any():
        return np.eye(C.shape[1])
    _, sizes, right = np.linalg.svd(C)
    rank = int(np.count_nonzero(sizes > HELD * max(sizes[0], 1.0)))
    return right[rank:].T
