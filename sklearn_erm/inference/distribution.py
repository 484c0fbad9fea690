"""A Gaussian distribution of coefficients, and what it says of scores and predictions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.estimators.inputs import check_offset, validated

Array = NDArray[Any]


@dataclass(frozen=True)
class Posterior:
    """A Gaussian distribution of coefficients and intercept; made by :func:`posterior`.

    Attributes
    ----------
    mean : ndarray of shape (size,)
        ``coef_`` row by row, then ``intercept_`` if one was fitted: the fit itself.
    covariance : ndarray of shape (size, size)
        In the same order.
    coef_std, intercept_std : ndarray or float
        Standard deviations, in the shapes of ``coef_`` and ``intercept_``; 0 for an intercept that was not fitted.
    noise_variance : float
        Of y about its mean, given or estimated; nan where the loss has none.
    prior_variance : float
        That ``alpha`` stands for; inf for a flat prior, nan for a penalty that does not say.
    effective_parameters : float
        How many parameters the data determine: the trace of the hat matrix. Between the number of unpenalised ones and
        the number of all.
    n_samples : float
        The sum of the sample weights.
    """

    mean: Array = field(repr=False)
    covariance: Array = field(repr=False)
    noise_variance: float
    prior_variance: float
    effective_parameters: float
    n_samples: float
    _estimator: Any = field(repr=False)

    @property
    def std(self) -> Array:
        """Standard deviations, in the order of ``mean``."""
        return np.sqrt(np.maximum(self.covariance.diagonal(), 0.0))

    @property
    def coef_std(self) -> Array:
        """Standard deviations of the coefficients, in the shape of ``coef_``."""
        shape = self._estimator.coef_.shape
        return self.std[: np.prod(shape, dtype=int)].reshape(shape)

    @property
    def intercept_std(self) -> Any:
        """Standard deviation of the intercept, in the shape of ``intercept_``."""
        shape = np.shape(self._estimator.intercept_)
        rest = self.std[self.coef_std.size :]
        return (rest if len(rest) else np.zeros(np.prod(shape, dtype=int))).reshape(shape)[()]

    def sample(self, n_draws: int, random_state: int | np.random.Generator | None = None) -> Array:
        """Draw from the distribution.

        Parameters
        ----------
        n_draws : int
            How many.
        random_state : int, numpy.random.Generator or None, default=None
            Of the draws.

        Returns
        -------
        draws : ndarray of shape (n_draws, size)
            In the order of ``mean``.
        """
        rng = np.random.default_rng(random_state)
        return self.mean + rng.normal(size=(n_draws, len(self.mean))) @ _root(self.covariance).T

    def predict_scores(self, X: Any, offset: Any = None) -> tuple[Array, Array]:
        """Return mean and standard deviation of the scores X W + b + offset.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like or None, default=None
            Added to the scores, as in the estimator's ``predict``.

        Returns
        -------
        mean, std : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The uncertainty is that of coefficients and intercept, without noise.
        """
        X = validated(self._estimator, X, reset=False)
        shape = np.shape(self._estimator.intercept_)
        outputs = int(np.prod(shape, dtype=int))
        p = X.shape[1]
        W, b = self.mean[: p * outputs].reshape(outputs, p), self.mean[p * outputs :]
        offset = check_offset(offset, (X.shape[0], outputs) if outputs > 1 else (X.shape[0],))
        mean = X @ W.T + (b if len(b) else 0.0)
        std = np.empty(mean.shape)
        for c in range(outputs):
            index = [*range(c * p, (c + 1) * p), *range(p * outputs + c, len(self.mean), outputs)]
            root = _root(self.covariance[np.ix_(index, index)])
            std[:, c] = np.linalg.norm(X @ root[:p] + (root[p:] if len(b) else 0.0), axis=1)
        mean, std = (mean, std) if outputs > 1 else (mean[:, 0], std[:, 0])
        return mean if offset is None else mean + offset, std

    def predict(self, X: Any, offset: Any = None, return_std: bool = False) -> Any:
        """Return the mean of a new y and, if wanted, its standard deviation: of the score and of the noise together.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or None, default=None
            Added to the predictions.
        return_std : bool, default=False
            Whether to return the standard deviation too.

        Returns
        -------
        mean : ndarray of shape (n_samples,)
            The mean of y.
        std : ndarray of shape (n_samples,)
            Its standard deviation, only with ``return_std=True``.

        Raises
        ------
        ValueError
            If the loss has no noise variance: y is not Gaussian then, but the scores nearly are; see
            ``predict_scores``.
        """
        if np.isnan(self.noise_variance):
            raise ValueError(
                f"loss={self._estimator.loss_} has no Gaussian predictive distribution; use predict_scores(X), mean "
                "and standard deviation of the scores, or the estimator's own predict."
            )
        mean, std = self.predict_scores(X, offset)
        return (mean, np.sqrt(std**2 + self.noise_variance)) if return_std else mean


def _root(covariance: Array) -> Array:
    """Return R with R R^T = covariance, which may be singular."""
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))
