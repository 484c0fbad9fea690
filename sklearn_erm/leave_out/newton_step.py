"""Newton's step from the fit to all samples to the fit without one, for every sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import block_diag, cho_factor, cho_solve

from sklearn_erm.leave_out.tangents import Kernel, Tangent
from sklearn_erm.samples.design import Design
from sklearn_erm.solvers.linear import Factor

Array = NDArray[Any]

# If other samples and the penalty give less than this share of the curvature along a score, then the score is undefined
# without the sample, because rounding may explain that share.
ALONE = 1e-9
# If they give less than this share, then the step is computed from a matrix of all scores, because the difference of
# two numbers that are almost equal has too few digits.
CANCELLED = 1e-5
# If there are more scores than this, then it is not, because the matrix has their square as entries.
LARGEST = 2000
# If a sample has no curvature, then this share of the penalty's along its score takes its place, because its square
# root is inverted.
FAINT = 1e-8


def shifts_without(design: Design, tangent: Tangent | Kernel, bend: Array, gradient: Array, invariant: bool) -> Array:
    """Return what leaving each sample out adds to its scores, (n, k); nan where nothing else determines them.

    Parameters
    ----------
    design : Design
    tangent : Tangent or Kernel
    bend : ndarray of shape (n, k, k)
        Weighted second derivatives of the loss.
    gradient : ndarray of shape (n, k)
        Weighted first derivatives.
    invariant : bool
        Whether a shift common to all scores of a sample changes nothing.
    """
    if isinstance(tangent, Kernel):
        return _in_row_space(tangent, bend, gradient, invariant and design.intercept)
    shift, least = _in_coefficients(design, tangent, bend, gradient, invariant)
    if least <= CANCELLED and gradient.size <= LARGEST and (kernel := tangent.kernel(design)) is not None:
        return _in_row_space(kernel, bend, gradient, invariant and design.intercept)
    return shift


def _in_coefficients(
    design: Design, tangent: Tangent, bend: Array, gradient: Array, invariant: bool
) -> tuple[Array, float]:
    """Return the shifts, and the least share of a score's stiffness that is not the sample's own."""
    k, r = gradient.shape[1], len(tangent.bend)
    H = block_diag(tangent.bend, np.zeros((k * design.intercept,) * 2))
    if not len(H):
        return np.zeros(gradient.shape), 1.0
    for part, rows in tangent.blocks(design):
        H += rows.reshape(-1, len(H)).T @ (bend[part] @ rows).reshape(-1, len(H))
    if invariant and design.intercept:
        H[r:, r:] += 1.0 / k  # the loss has no curvature along a common shift, and rounding would decide on it
    shift, factor, smallest = np.empty(gradient.shape), Factor(H), 1.0
    step = -factor.solve(tangent.slope)
    for part, rows in tangent.blocks(design):
        solved = factor.solve(rows.reshape(-1, rows.shape[2]).T).T.reshape(rows.shape)
        h, change = np.einsum("nar,nbr->nab", rows, solved), rows @ step
        rest = np.eye(k) - h @ bend[part]
        least = _least(rest)
        smallest = min(smallest, float(least.min(initial=1.0)))
        rest[least <= ALONE] = np.nan
        slope = gradient[part] + np.einsum("nab,nb->na", bend[part], change)
        shift[part] = change + np.linalg.solve(rest, h @ slope[:, :, None])[:, :, 0]
    return shift, smallest


def _in_row_space(kernel: Kernel, bend: Array, gradient: Array, invariant: bool) -> Array:
    """Return the shifts from the covariance K + F S^-1 F^T that the penalty gives the scores a priori.

    With R the root of the curvature B, what resists the shift of a sample's scores is its block of
    (1 + R (K + F S^-1 F^T) R)^-1, which is not a difference: it has all its digits where the fit interpolates. Since S
    may be singular, as it is in the intercept, t F F^T is added to K and taken off again in S.
    """
    (n, k), size = gradient.shape, gradient.size
    scale = np.sqrt(np.mean(kernel.free**2, axis=0))
    scale[scale == 0] = 1.0
    F, S, slope = kernel.free / scale, kernel.bend / np.outer(scale, scale), kernel.slope / scale
    t = float(np.mean(np.diag(kernel.covariance))) or 1.0
    if (stiffest := float(np.linalg.norm(S))) > 0:
        t = min(t, 0.5 / stiffest)
    if invariant:
        S[-k:, -k:] += 0.5 / (k * t)  # as in coefficients
    K = kernel.covariance + t * F @ F.T
    S = np.linalg.solve(np.eye(len(S)) - t * S, S)

    diagonal = np.diag(K).reshape(n, k)
    floor = FAINT / np.maximum(diagonal, 1e-6 * diagonal.mean() or 1.0)
    values, vectors = np.linalg.eigh(bend + floor[:, :, None] * np.eye(k))
    values = np.maximum(values, floor.min(axis=1, keepdims=True))  # rounding may leave less
    root, inverse_root = (_with_values(values**power, vectors) for power in (0.5, -0.5))

    M = _times(root, _times(root, K).T)
    M[np.diag_indices(size)] += 1.0
    inner = cho_solve(cho_factor(M), np.eye(size))
    F = _times(root, F)
    solved = inner @ F
    settle = Factor(S + F.T @ solved).solve if len(S) else np.asarray
    rest, before = _own_blocks(inner - solved @ settle(solved.T), k), _own_blocks(inner, k)
    rest[_least(rest) <= ALONE * _least(before)] = np.nan

    start = -_times(root, kernel.step.ravel() + t * (kernel.free @ (slope / scale)))
    left = inner @ start - solved @ settle(slope + solved.T @ start)  # Newton's step for all samples, in R scores
    scaled = _times(inverse_root, gradient.ravel())
    alone = np.linalg.solve(rest, (scaled + left).reshape(n, k, 1)).ravel()
    return _times(inverse_root, alone - scaled).reshape(n, k)


def _with_values(values: Array, vectors: Array) -> Array:
    """Return symmetric matrices, (n, k, k), with the given eigenvalues and eigenvectors."""
    return np.asarray((vectors * values[:, None, :]) @ vectors.transpose(0, 2, 1))


def _times(blocks: Array, V: Array) -> Array:
    """Return a block diagonal matrix times V, whose rows are n times k."""
    n, k, _ = blocks.shape
    return np.asarray((blocks @ V.reshape(n, k, -1)).reshape(V.shape))


def _own_blocks(matrix: Array, k: int) -> Array:
    """Return the diagonal blocks of a matrix, (n, k, k)."""
    n = len(matrix) // k
    return np.einsum("iaib->iab", matrix.reshape(n, k, n, k)).copy()


def _least(blocks: Array) -> Array:
    """Return the least singular value of every block."""
    if blocks.shape[1] == 1:
        return np.abs(blocks[:, 0, 0])
    return np.asarray(np.linalg.svd(blocks, compute_uv=False)[:, -1])
