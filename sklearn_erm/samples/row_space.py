"""Newton systems in the space of the rows that have curvature, where those are fewer than the features."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from sklearn_erm.samples.design import Design
from sklearn_erm.solvers.linear import JITTER, conjugate_gradients

Array = NDArray[Any]

KERNEL = (
    1500  # rows of a sparse X up to which the system is factorised (news20 with hinge: 13.8 s by Cholesky, 1.6 by CG)
)
DENSE_KERNEL = 4000  # and of a dense one
LOOSE = 0.1  # accuracy that is asked for far from the solution
MOST_PRODUCTS = 500  # that conjugate gradients may take


def solving_in_row_space_pays(design: Design, curved: int, accuracy: float) -> bool:
    """Return whether a Newton system is better solved in the space of so many curved rows.

    Of a sparse X, where they are few or the accuracy matters: there, a direction in the row space descends only once
    it is accurate, which takes long far from the solution, and less than elsewhere close to it (news20, counts).
    """
    if design.sparse:
        return curved <= design.n_features and (2 * curved <= design.n_samples or accuracy < LOOSE)
    return curved <= min(DENSE_KERNEL, design.n_features)


def centred_rows(design: Design, curved: Array, h: Array) -> tuple[Array, Array]:
    """Return the curved rows of the design as an array, centred at their mean with weights h, and that mean.

    The mean is what the intercept follows when coefficients move. Without an intercept it is 0, and nothing is centred.
    """
    blocks = [block.copy() for _, block in design.blocks(curved, ones=False)]
    rows = np.vstack([np.empty((0, design.n_features)), *blocks])
    if not (design.intercept and len(h)):
        return rows, np.zeros(design.n_features)
    mean = (h / h.sum()) @ rows
    return rows - mean, mean


def solve_in_row_space(
    design: Design, rows: Array, curved: Array, ridge: float, u: Array | None, v: Array, accuracy: float
) -> Array:
    """Return H^-1 v for H = A^T diag(rows) A + ridge - u u^T, by the Woodbury identity.

    The intercept is eliminated by centring the curved rows at their weighted mean, which no centring of X before
    changes. What is left is a system of their number, (ridge + R Z Z^T R) y = R Z v with Z the centred rows and R the
    root of their curvature: solved by Cholesky, or by conjugate gradients to the relative accuracy given.

    Parameters
    ----------
    design : Design
    rows : ndarray of shape (n,)
        Weighted curvature, not negative.
    curved : ndarray of int
        Where it is positive.
    ridge : float > 0
        Not on the intercept.
    u : ndarray of shape (p,) or None
    v : ndarray of shape (p,) or (p + 1,)
    accuracy : float
        Of conjugate gradients.
    """
    h, p = rows[curved], design.n_features
    total = float(h.sum())
    free = design.intercept and total > 0
    share = h / total if free else np.zeros_like(h)
    inverse = _inverse(design, curved, np.sqrt(h), share, ridge, accuracy)
    centre = design.restricted(curved).rdot(share) if free else np.zeros(p)
    solution = inverse(v[:p] - centre * v[p] if free else v[:p])
    if u is not None:
        turned = inverse(u)
        solution = solution + turned * (u @ solution) / max(1.0 - u @ turned, JITTER)
    if not design.intercept:
        return solution
    return np.append(solution, v[p] / total - centre @ solution if free else v[p])


def _inverse(
    design: Design, curved: Array, root: Array, share: Array, ridge: float, accuracy: float
) -> Callable[[Array], Array]:
    """Return the map z -> (ridge + Z^T R^2 Z)^-1 z."""
    X = design.rows(curved)
    if design.sparse:
        X = X.astype(float)
        used = np.flatnonzero(np.bincount(X.indices, minlength=X.shape[1]))
        X = X[:, used]
    else:
        used = np.arange(X.shape[1])
    centre = X.T @ share

    def across(z: Array) -> Array:
        return root * (X @ z - centre @ z)

    def back(y: Array) -> Array:
        q = root * y
        return X.T @ q - centre * q.sum()

    if len(curved) <= (KERNEL if design.sparse else DENSE_KERNEL):
        kernel = design.row_gram(curved)
        mean = kernel @ share
        kernel = kernel - mean[:, None] - mean[None, :] + share @ mean
        inner = root[:, None] * kernel * root[None, :]
        inner[np.diag_indices_from(inner)] += ridge
        factor = cho_factor(inner, overwrite_a=True)

        def solve(z: Array) -> Array:
            return cho_solve(factor, across(z[used]))

    else:
        squares = X.power(2).sum(axis=1) if design.sparse else np.einsum("ij,ij->i", X, X)
        diagonal = ridge + root**2 * np.ravel(squares)

        def product(y: Array) -> Array:
            return across(back(y)) + ridge * y

        def solve(z: Array) -> Array:
            inside = across(z[used])
            first = float(np.linalg.norm(back(inside)))  # over ridge: the residual of the whole system at y = 0
            goal = accuracy * min(1.0, ridge * float(np.linalg.norm(z)) / first) if first > 0 else accuracy
            return conjugate_gradients(product, lambda r: r / diagonal, inside, goal, MOST_PRODUCTS)[0]

    def inverse(z: Array) -> Array:
        solution = z.copy()
        solution[used] -= back(solve(z))
        return solution / ridge

    return inverse
