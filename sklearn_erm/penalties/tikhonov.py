"""A general Gaussian prior."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve, eigh, solve
from scipy.sparse.linalg import lsmr, splu

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.smooth import SmoothPenalty

NOISE = 1e-10  # of a matrix, relative to its largest entry, eigenvalue or pivot, that counts as zero
RANGE = 1e-7  # relative distance from the range of a singular precision that counts as zero
COMPUTED = ("_spectrum", "_factor")  # what is kept of a precision once it was asked for


class Tikhonov(SmoothPenalty):
    r"""General Tikhonov regularisation, ``"tikhonov"``: a Gaussian prior with any mean and covariance.

    .. math:: \Omega(W) = \tfrac12 (w - m)^\top P (w - m)

    For coefficients that are known beforehand to be near m, to vary together, or to be smooth (P a product of
    differences). With several outputs, each has this prior by itself.

    Unlike other penalties it need not be least at 0: ``critical_alpha`` is finite only for gradients proportional to
    P m, and W = 0 is optimal then for this alpha alone. The conjugate is finite on the range of P.

    Parameters
    ----------
    precision : array-like or sparse array of shape (n_features, n_features), default=None
        P, symmetric and positive semidefinite. None means the identity, or the inverse of the covariance.
    mean : float or array-like of shape (n_features,), default=0
        The mean m; a number is that of every coefficient.
    covariance : array-like of shape (n_features, n_features), default=None
        The inverse of P, instead of it; symmetric and positive definite.

    References
    ----------
    Tikhonov, Arsenin, "Solutions of ill-posed problems", Wiley 1977. Hastie, Tibshirani, Friedman, "The elements of
    statistical learning", 2nd ed., Springer 2009, section 5.8.
    """

    separable = False

    def __init__(self, precision: Any = None, mean: Any = 0.0, covariance: Any = None):
        self.precision = precision
        self.mean = mean
        self.covariance = covariance

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        lags = np.abs(np.subtract.outer(np.arange(n_features), np.arange(n_features)))
        ones = np.ones(n_features)
        second = sparse.diags_array([-ones[1:], 2.0 * ones, -ones[1:]], offsets=[-1, 0, 1], format="csr")
        differences = np.diff(np.eye(n_features), axis=0)
        return [
            cls(second),
            cls(covariance=0.5**lags, mean=np.linspace(-0.3, 0.5, n_features)),
            cls(differences.T @ differences),
        ]

    def bind(self, n_features: int) -> Penalty:
        if self.precision is not None and self.covariance is not None:
            raise ValueError("Tikhonov(precision=..., covariance=...): each is the other's inverse; pass one of them.")
        if self.covariance is not None:
            precision = _inverse(_checked(self, "covariance", self.covariance, n_features))
        elif self.precision is not None:
            precision = _checked(self, "precision", self.precision, n_features)
        else:
            precision = sparse.eye_array(n_features, format="csr")
        bound = Tikhonov(precision, _mean(self, self.mean, n_features))
        if bound._least < -NOISE:
            raise ValueError(
                "Tikhonov(precision=...): the matrix must be positive semidefinite, but has a negative eigenvalue "
                f"({bound._least:.2g} of its largest)."
            )
        return bound

    def __getstate__(self) -> Any:
        """Leave out of a pickle what can be computed again, such as a sparse factor, which cannot be pickled."""
        return {name: value for name, value in super().__getstate__().items() if name not in COMPUTED}

    @cached_property
    def _root(self) -> Array:
        """The roots of the diagonal, by which the precision is divided: units of features decide nothing."""
        diagonal = self.precision.diagonal()
        return np.sqrt(np.where(diagonal > 0, diagonal, 1.0))

    @cached_property
    def _scaled(self) -> Any:
        """The precision with a diagonal of ones."""
        if sparse.issparse(self.precision):
            inverse = sparse.diags_array(1.0 / self._root)
            return (inverse @ self.precision @ inverse).tocsr()
        return self.precision / self._root / self._root[:, None]

    @cached_property
    def _spectrum(self) -> tuple[Array, Array]:
        """The eigenvalues, in increasing order, and eigenvectors of a dense precision, scaled."""
        return eigh(self._scaled)

    @cached_property
    def _least(self) -> float:
        """The least eigenvalue relative to the largest; of a sparse precision, the least pivot instead."""
        if not sparse.issparse(self.precision):
            values = self._spectrum[0]
        else:
            values = self._scaled.diagonal()
            if np.all(values > 0):
                try:
                    values = self._factor.U.diagonal()
                except RuntimeError:  # singular
                    return 0.0
        largest = np.abs(values).max(initial=0.0)
        return float(values.min() / largest) if largest > 0 else 0.0

    @cached_property
    def _factor(self) -> Any:
        """A sparse precision, scaled, as L D L^T, the pivots on the diagonal."""
        options = {"SymmetricMode": True}
        matrix = self._scaled.tocsc()
        return splu(matrix, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0, options=options)

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether the precision is positive definite."""
        return self._least > NOISE

    def restrict(self, index: Array) -> Penalty:
        return Tikhonov(self.precision[index][:, index], self.mean[index])

    def unpenalised(self, W: Array) -> Array:
        rows = np.asarray(abs(self.precision).sum(axis=1)).ravel() == 0
        return rows if W.ndim == 1 else np.repeat(rows[:, None], W.shape[1], axis=1)

    def penalised(self, V: Array) -> Array:
        if self.coercive:
            return V
        solution = self._least_squares(V)
        return np.asarray(self.precision @ solution)

    def _centre(self, W: Array) -> Array:
        return self.mean if W.ndim == 1 else self.mean[:, None]

    def value(self, W: Array) -> float:
        return 0.5 * max(float(np.vdot(W - self._centre(W), self.gradient(W))), 0.0)

    def gradient(self, W: Array) -> Array:
        return self.precision @ (W - self._centre(W))

    def curvature(self, W: Array) -> Curvature:
        matrix = self.precision
        if W.ndim > 1 and sparse.issparse(matrix):
            matrix = sparse.kron(matrix, sparse.eye_array(W.shape[1]), format="csr")
        elif W.ndim > 1:
            matrix = np.kron(matrix, np.eye(W.shape[1]))
        return Curvature(np.zeros(W.shape), matrix=matrix)

    def prox(self, W: Array, step: Any) -> Array:
        step = float(np.max(step))
        change = -step * self.gradient(W)
        if sparse.issparse(self.precision):
            system = sparse.eye_array(len(W)) + step * self.precision
            return W + splu(system.tocsc()).solve(change)
        return W + solve(np.eye(len(W)) + step * self.precision, change, assume_a="pos")

    def critical_alpha(self, gradient: Array) -> float:
        pull = -self.gradient(np.zeros(gradient.shape))
        size = float(np.vdot(pull, pull))
        alpha = float(np.vdot(pull, gradient)) / size if size > 0 else 0.0
        rest = np.abs(gradient - alpha * pull).max(initial=0.0)
        return alpha if alpha >= 0 and rest <= NOISE * np.abs(gradient).max(initial=0.0) else np.inf

    def entrywise(self, n_features: int) -> tuple[Array, Array, Array] | None:
        diagonal = self.precision.diagonal()
        rows, columns = self.precision.nonzero()
        return None if np.any(rows != columns) else (np.zeros(n_features), 1.0 * diagonal, self.mean)

    def conjugate(self, V: Array) -> float:
        solution = self._solve(V)
        return np.inf if solution is None else float(np.vdot(V, self._centre(V) + 0.5 * solution))

    def prior_scale(self, prior_variance: float) -> float:
        """Return c such that c Omega is minus the log-density of N(m, prior_variance P^-1), up to a constant."""
        return 1.0 / prior_variance

    def prior_variance(self, scale: float) -> float:
        """Return the inverse of ``prior_scale``."""
        return 1.0 / scale

    def _least_squares(self, V: Array) -> Array:
        """Return X with P X nearest to V, in the units of the features."""
        scaled = (V.T / self._root).T
        return (self._scaled_least_squares(scaled).T / self._root).T

    def _scaled_least_squares(self, V: Array) -> Array:
        if not sparse.issparse(self.precision):
            values, vectors = self._spectrum
            held = values > NOISE * values.max(initial=0.0)
            return np.asarray(vectors[:, held] @ ((vectors[:, held].T @ V).T / values[held]).T)
        if self.coercive:
            return np.asarray(self._factor.solve(V))
        columns = V.reshape(len(V), -1).T
        solution = np.reshape([lsmr(self._scaled, v, atol=1e-14, btol=1e-14)[0] for v in columns], columns.shape)
        return solution.T.reshape(V.shape)

    def _solve(self, V: Array) -> Array | None:
        """Return some X with P X = V, None if there is none."""
        solution = self._least_squares(V)
        rest, size = ((values.T / self._root).T for values in (self.precision @ solution - V, V))
        return solution if np.linalg.norm(rest) <= RANGE * np.linalg.norm(size) else None


def _checked(owner: Penalty, name: str, matrix: Any, n_features: int) -> Any:
    """Return a symmetric matrix of floats, a sparse one as CSR.

    Raises
    ------
    ValueError, TypeError
        If it is not one, or not of the right shape, or not finite.
    """
    label = f"{type(owner).__name__}({name}=...)"
    try:
        array = sparse.csr_array(matrix, dtype=float) if sparse.issparse(matrix) else np.asarray(matrix, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{label}: expected a matrix of real numbers, got {type(matrix).__name__}.") from None
    if array.shape != (n_features, n_features):
        raise ValueError(
            f"{label}: expected a row and a column per feature, shape ({n_features}, {n_features}), "
            f"got shape {array.shape}."
        )
    if not np.all(np.isfinite(array.data if sparse.issparse(array) else array)):
        raise ValueError(f"{label}: the matrix must be finite.")
    if abs(array - array.T).max() > NOISE * abs(array).max():
        raise ValueError(f"{label}: the matrix must be symmetric; (A + A.T) / 2 is.")
    return (array + array.T) / 2


def _inverse(covariance: Any) -> Array:
    dense = covariance.toarray() if sparse.issparse(covariance) else covariance
    try:
        inverse = cho_solve(cho_factor(dense), np.eye(len(dense)))
    except LinAlgError:
        raise ValueError("Tikhonov(covariance=...): the matrix must be positive definite.") from None
    return (inverse + inverse.T) / 2


def _mean(owner: Penalty, mean: Any, n_features: int) -> Array:
    label = f"{type(owner).__name__}(mean=...)"
    try:
        array = np.asarray(mean, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{label}: expected real numbers, got {type(mean).__name__}.") from None
    if array.shape not in ((), (n_features,)):
        raise ValueError(f"{label}: expected a number, or one per feature, shape ({n_features},); got {array.shape}.")
    if not np.all(np.isfinite(array)):
        raise ValueError(f"{label}: the mean must be finite.")
    return np.full(n_features, array)
