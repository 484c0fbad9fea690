"""Linear systems: a Cholesky factorisation that survives singular matrices, and conjugate gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from sklearn_erm.solvers.contract import Array

# This ridge is added to a diagonal of ones, because the factorisation of a singular matrix may fail without it.
JITTER = 1e-13


class Factor:
    """The factorisation of a positive semidefinite H, scaled to unit diagonal; H is overwritten.

    A relative ridge of 1e-13, raised until the factorisation exists, stands for what rounding left of H's null space.

    Parameters
    ----------
    H : ndarray of shape (m, m)
    stand_in : callable or None
        Of no argument; returns the diagonal that counts where that of H is not positive, in its units. The mean of the
        other entries if it is not given.
    """

    def __init__(self, H: Array, stand_in: Callable[[], Array] | None = None):
        diagonal = H.diagonal().copy()
        positive = diagonal > 0
        if not positive.all():
            mean = diagonal[positive].mean() if positive.any() else 1.0
            diagonal[~positive] = mean if stand_in is None else stand_in()[~positive]
        self.root = np.sqrt(diagonal)
        H /= self.root
        H /= self.root[:, None]
        ridge = JITTER
        while True:
            H.flat[:: len(H) + 1] = 1.0 + ridge
            self.factor, failed = dpotrf(H, lower=1)
            if not failed:
                return
            if not np.all(np.isfinite(H)):
                raise np.linalg.LinAlgError("the matrix is not finite")
            ridge *= 100.0

    def solve(self, v: Array) -> Array:
        """Return H^-1 v, for a vector or a matrix v."""
        if not len(self.root):  # LAPACK takes no empty matrices
            return np.zeros_like(v)
        solution: Array = dpotrs(self.factor, (v.T / self.root).T, lower=1)[0]
        return (solution.T / self.root).T


def solve_positive(H: Array, v: Array) -> Array:
    """Return H^-1 v for a positive semidefinite H, which is overwritten."""
    return Factor(H).solve(v)


def is_definite(H: Array) -> bool:
    """Return whether a symmetric matrix is positive definite, by its factorisation."""
    return bool(np.all(np.isfinite(H))) and not dpotrf(H, lower=1)[1]


def ridged_cholesky(gram: Array) -> Array:
    """Return the factor of a positive semidefinite matrix, which is overwritten, with a ridge that lets it exist."""
    size = np.trace(gram) / max(len(gram), 1) or 1.0
    ridge = 1e-14
    while True:
        gram[np.diag_indices_from(gram)] += ridge * size
        try:
            return np.linalg.cholesky(gram)
        except np.linalg.LinAlgError:
            ridge *= 10.0


def conjugate_gradients(
    product: Callable[[Array], Array], precondition: Callable[[Array], Array], b: Array, accuracy: float, maxiter: int
) -> tuple[Array, int]:
    """Return H^-1 b and the number of products with H, positive semidefinite, that it took.

    Stops when the residual r, measured by r^T M^-1 r with M the preconditioner, is ``accuracy`` of the first one.

    References
    ----------
    Hestenes, Stiefel, "Methods of conjugate gradients for solving linear systems", Journal of Research of the National
    Bureau of Standards 49(6), 1952.
    """
    x, r = np.zeros_like(b), b.copy()
    z = precondition(r)
    d, rho = z.copy(), float(r @ z)
    goal = accuracy**2 * rho
    for count in range(maxiter):
        if not rho > goal:
            return x, count
        q = product(d)
        curvature = float(d @ q)
        if not curvature > 0:
            return (x if count else z), count
        t = rho / curvature
        x += t * d
        r -= t * q
        z = precondition(r)
        before, rho = rho, float(r @ z)
        d *= rho / before
        d += z
    return x, maxiter
