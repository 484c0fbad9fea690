"""Sum of singular values."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty


def _matrix(W: Array) -> Array:
    return W.reshape(len(W), -1)


class Nuclear(Penalty):
    r"""The nuclear norm, ``"nuclear"``.

    .. math:: \Omega(W) = \sum_i \sigma_i(W)

    For several outputs: W gets a low rank, so that a few directions of the features serve all outputs. With one output
    it is ``L2Norm``.

    References
    ----------
    Yuan, Ekici, Lu, Monteiro, "Dimension reduction and coefficient estimation in multivariate linear regression", JRSS
    B 69(3), 2007. The derivative of the prox: Ding, Sun, Sun, Toh, "Spectral operators of matrices", Mathematical
    Programming 168, 2018.
    """

    coercive = True
    rotation_invariant = True
    homogeneous = True
    couples_outputs = True

    def value(self, W: Array) -> float:
        return float(np.linalg.svd(_matrix(W), compute_uv=False).sum())

    def prox(self, W: Array, step: Any) -> Array:
        if not np.any(step):
            return W.copy()
        left, sizes, right = np.linalg.svd(_matrix(W), full_matrices=False)
        return ((left * np.maximum(sizes - np.max(step), 0.0)) @ right).reshape(W.shape)

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        """Return 0 and U: its columns are the Jacobian's eigenvectors, times the root of their eigenvalues.

        They are known from the singular vectors u_i, v_j of W: u_i v_j^T + u_j v_i^T, whose eigenvalue is the divided
        difference of the soft threshold at sigma_i, sigma_j, and u_i v_j^T - u_j v_i^T, with sigma_i, -sigma_j.
        """
        if step == 0:
            return np.ones(W.shape), None
        X = _matrix(W)
        left, sizes, right = np.linalg.svd(X, full_matrices=True)
        padded = [np.concatenate([sizes, np.zeros(side - len(sizes))]) for side in X.shape]
        s, t = padded[0][:, None], padded[1][None, :]
        alike, opposite = _divided_difference(s, t, step), _divided_difference(s, -t, step)
        within, (i, j) = (
            len(sizes),
            np.nonzero(alike),
        )  # the Jacobian's eigenvalues: opposite <= alike, where both count
        pair = (i != j) & (np.maximum(i, j) < within)
        first, last = i[~pair], j[~pair]
        low, high = i[pair & (i < j)], j[pair & (i < j)]
        here, there = _products(left, low, right, high), _products(left, high, right, low)
        columns = [
            np.sqrt(alike[first, last]) * _products(left, first, right, last),
            np.sqrt(0.5 * alike[low, high]) * (here + there),
            np.sqrt(0.5 * opposite[low, high]) * (here - there),
        ]
        U = np.concatenate(columns, axis=2).reshape(W.size, -1)
        return np.zeros(W.shape), U if U.shape[1] else None

    def critical_alpha(self, gradient: Array) -> float:
        return float(np.linalg.svd(_matrix(gradient), compute_uv=False).max(initial=0.0))

    def conjugate(self, V: Array) -> float:
        return 0.0 if self.critical_alpha(V) <= 1.0 else np.inf


def _products(left: Array, i: Array, right: Array, j: Array) -> Array:
    """Return the matrices u_i v_j^T of singular vectors, one behind the other: (p, k, number)."""
    return np.asarray(left[:, None, i] * right.T[None, :, j])


def _divided_difference(s: Array, t: Array, step: float) -> Array:
    """Return (f(s) - f(t)) / (s - t) for the soft threshold f, its derivative where s = t."""
    rise = (s - np.clip(s, -step, step)) - (t - np.clip(t, -step, step))
    apart = s - t
    slope = np.where(np.abs(s) > step, 1.0, 0.0) + np.zeros_like(t)
    return np.clip(np.divide(rise, apart, out=slope, where=apart != 0), 0.0, 1.0)
