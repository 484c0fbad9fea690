"""The posterior distribution of a fit: exactly Gaussian, or Gaussian by Laplace's approximation."""

from __future__ import annotations

from copy import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import check_is_fitted

from sklearn_erm.checks import quantity
from sklearn_erm.estimators.base import LinearERM
from sklearn_erm.estimators.inputs import take_again
from sklearn_erm.inference.distribution import Posterior
from sklearn_erm.inference.priors import find_prior, likelihood_scale, require_likelihood
from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]

FAR = 0.1  # posterior standard deviations from the summit that still count as being there
FLAT = 1e-13  # curvature, relative to the largest, that is none
SMALLEST = 1e-14  # eigenvalue, relative to a unit diagonal, from which a Hessian is taken for singular


def posterior(
    estimator: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    offset: Any = None,
    *,
    noise_variance: float | None = None,
) -> Posterior:
    r"""Return the posterior distribution of a fitted estimator's coefficients and intercept.

    The covariance is the inverse Hessian of minus the log-posterior at the fit,

    .. math:: \Big( n c \sum_i s_i \ell''(y_i, \eta_i) \, a_i a_i^T + n c \, \alpha \, \Omega'' \Big)^{-1}, \qquad
        a_i = (x_i, 1)

    with n the sum of the sample weights and c such that :math:`c \ell` is minus the log-likelihood of one sample. The
    prior is the one that ``alpha`` stands for; the intercept's is flat. Under squared error with ``l2`` or ``tikhonov``
    this *is* the posterior, given the variances. Under the other smooth losses it is the Laplace approximation: the
    Gaussian with the summit and the curvature of the posterior. Where a common shift of all classes' coefficients
    changes neither loss nor penalty (the intercepts of a softmax, always), nothing determines that shift: the Hessian's
    pseudo-inverse then leaves it out, with variance 0.

    Parameters
    ----------
    estimator : ERMRegressor, ERMClassifier or one of their CV versions
        Fitted to these data, without bounds, constraints and class weights.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        The features that it was fitted to.
    y : array-like of shape (n_samples,)
        The targets, or labels, that it was fitted to; one target.
    sample_weight : float or array-like of shape (n_samples,), default=None
        What it was fitted with. Here their unit matters: they are counts, 2 being a repeated row.
    offset : float or array-like in the shape of the scores, default=None
        What it was fitted with.
    noise_variance : float > 0 or None, default=None
        Variance of y about its mean, for ``"squared_error"``. None estimates it: the weighted sum of squared residuals
        over n less the effective number of parameters; its own uncertainty is not accounted for.

    Returns
    -------
    posterior : Posterior
        Mean, covariance, and what follows from them.

    Raises
    ------
    ValueError
        If there is no such Gaussian: the loss is no likelihood, loss or penalty has kinks, the posterior is improper;
        if the estimator's fit is not the summit of these data's posterior.

    Notes
    -----
    Time and memory are those of a dense matrix with as many rows as there are coefficients.

    References
    ----------
    Bishop, *Pattern Recognition and Machine Learning*, sections 3.3 and 4.4-4.5. MacKay, "A practical Bayesian
    framework for backpropagation networks", Neural Computation 4(3), 1992.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ERMRegressor
    >>> from sklearn_erm.bayes import posterior
    >>> X, y = load_diabetes(return_X_y=True)
    >>> fit = posterior(ERMRegressor("squared_error", "l2", alpha=1e-3).fit(X, y), X, y)
    >>> mean, std = fit.predict(X[:2], return_std=True)
    >>> mean.round(), std.round()
    (array([196.,  76.]), array([55., 55.]))
    """
    loss = _check_estimator(estimator)
    problem, n_samples = _objective(estimator, X, y, sample_weight, offset)
    x = _point(estimator, problem)
    inverse, prior, shift = _invert(problem, x)
    effective = len(x) - shift.shape[1] - float(np.sum(inverse[: len(prior), : len(prior)] * prior))
    if noise_variance is None and hasattr(loss, "noise_variance"):
        noise_variance = _estimate_noise(problem, x, n_samples, effective)
    scale = n_samples * likelihood_scale("posterior", loss, noise_variance)
    _require_summit(problem, x, inverse, scale)
    return Posterior(
        mean=_mean(estimator),
        covariance=_translate(problem, inverse / scale, shift),
        noise_variance=np.nan if noise_variance is None else noise_variance,
        prior_variance=_prior_variance(problem, prior, scale),
        effective_parameters=effective,
        n_samples=n_samples,
        _estimator=copy(estimator),
    )


# -- the problem that was solved, and where ---------------------------------------------------------------------------


def _check_estimator(estimator: Any) -> Any:
    """Return the loss that was fitted; raise where there is no posterior to speak of, or no smooth one."""
    name = type(estimator).__name__
    if not isinstance(estimator, LinearERM):
        raise TypeError(f"posterior needs an ERMRegressor or ERMClassifier, not {name}; of a pipeline, the last step.")
    check_is_fitted(estimator, "coef_")
    loss = estimator.loss_
    require_likelihood("posterior", loss)
    if not loss.smooth:
        raise ValueError(f"posterior needs a curved log-likelihood, and loss={loss} has kinks: no second derivative.")
    for what in ("bounds", "constraints", "class_weight"):
        if getattr(estimator, what, None) is not None:
            raise ValueError(f"posterior: {name}({what}=...) has no Gaussian posterior; fit with {what}=None.")
    if np.size(estimator.intercept_) > 1 and not loss.joint:
        raise ValueError(
            f"posterior: {name}(loss={loss}) fitted several problems, each with a posterior of its own; fit them one "
            "by one, or classes jointly by loss='log_loss'."
        )
    return loss


def _objective(estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any) -> tuple[Objective, float]:
    """Return what the estimator minimised, and the sum of the sample weights."""
    samples, n_samples = take_again(estimator, X, y, sample_weight, offset)
    alpha = estimator.alpha_ if hasattr(estimator, "alpha_") else estimator.alpha
    problem = Objective(estimator.loss_, estimator.penalty_, alpha, samples)
    if not problem.penalty.smooth:
        raise ValueError(
            f"posterior needs a curved log-prior, and penalty={estimator.penalty_!r} has kinks, with the summit often "
            "upon one; use penalty='l2'."
        )
    return problem, n_samples


def _point(estimator: Any, problem: Objective) -> Array:
    """Return the fit in the coordinates of the problem, whose features are centred."""
    mean = _mean(estimator)
    size = problem.samples.n_features * problem.n_outputs
    W = mean[:size].reshape(problem.n_outputs, -1).T.reshape(-1, *problem.shape)
    b = mean[size:].reshape(problem.shape) if problem.samples.intercept else 0.0
    return problem.join(W, b + problem.samples.means @ W)


def _mean(estimator: Any) -> Array:
    """Return the fit in the order of ``Posterior.mean``."""
    coef = estimator.coef_.toarray() if sparse.issparse(estimator.coef_) else estimator.coef_
    parts = [coef.ravel(), np.ravel(estimator.intercept_)] if estimator.fit_intercept else [coef.ravel()]
    return np.concatenate(parts).astype(float)


def _require_summit(problem: Objective, x: Array, inverse: Array, scale: float) -> None:
    """Raise ValueError where Newton's step from x is long, in posterior standard deviations."""
    slope = problem.jac(x)
    far = float(np.sqrt(scale * max(float(slope @ inverse @ slope), 0.0)))
    if not far <= FAR:
        raise ValueError(
            f"posterior: the fit is {far:.2g} standard deviations from the summit. Pass the X, y, sample_weight and "
            "offset that the estimator was fitted to; if these are they, fit with a smaller tol."
        )


# -- its curvature ----------------------------------------------------------------------------------------------------


def _invert(problem: Objective, x: Array) -> tuple[Array, Array, Array]:
    """Return the inverse Hessian of the objective, the penalty's part of the Hessian, and a basis of its null space.

    The null space is that of shifts common to all classes; the inverse is any one of the Hessian on the rest.
    """
    H = problem.hess(x).dense()
    prior = problem.penalty.curvature(problem.split(x)[0]).scaled(problem.alpha).dense()
    shift = _common_shifts(problem, prior)
    root = np.sqrt(np.where(H.diagonal() > 0, H.diagonal(), 1.0))
    basis = np.linalg.qr(root[:, None] * shift)[0]
    values, vectors = np.linalg.eigh(H / np.outer(root, root) + basis @ basis.T)
    if values[0] <= SMALLEST * len(values):
        raise ValueError(
            "posterior: it is improper, for neither the data nor a prior determine every coefficient; use a penalty "
            "with alpha > 0, or fewer features."
        )
    half = vectors / np.sqrt(values) / root[:, None]
    return half @ half.T, prior, shift


def _common_shifts(problem: Objective, prior: Array) -> Array:
    """Return an orthonormal basis of the shifts of all outputs at once that neither loss nor penalty depends on."""
    k = problem.n_outputs
    size = len(prior) + k * problem.samples.intercept
    if not problem.loss.shift_invariant:
        return np.zeros((size, 0))
    shifts = np.kron(np.eye(size // k), np.full((k, 1), k**-0.5))
    values, vectors = np.linalg.eigh(shifts[: len(prior)].T @ prior @ shifts[: len(prior)])
    return shifts @ vectors[:, values <= FLAT * values[-1]]


def _translate(problem: Objective, covariance: Array, shift: Array) -> Array:
    """Return a covariance in the order of ``Posterior.mean``, of the intercept that belongs to X as it is."""
    k, means = problem.n_outputs, problem.samples.means
    T = np.eye(len(covariance))
    if problem.samples.intercept:
        T[len(means) * k :, : len(means) * k] = -np.kron(means, np.eye(k))
    basis = np.linalg.qr(T @ shift)[0]
    T -= basis @ (basis.T @ T)
    moved = T @ covariance @ T.T
    index = _reorder(problem, np.arange(len(moved)))
    return 0.5 * (moved + moved.T)[np.ix_(index, index)]


def _reorder(problem: Objective, x: Array) -> Array:
    """Return a flat vector of the problem, feature by feature, as ``coef_`` row by row and the intercept."""
    size = problem.samples.n_features * problem.n_outputs
    return np.concatenate([x[:size].reshape(-1, problem.n_outputs).T.ravel(), x[size:]])


def _prior_variance(problem: Objective, prior: Array, scale: float) -> float:
    if not np.any(prior):
        return np.inf
    factor, known = find_prior(problem.penalty)
    return np.nan if known is None else float(known.prior_variance(factor * scale * problem.alpha))


def _estimate_noise(problem: Objective, x: Array, n_samples: float, effective: float) -> float:
    """Return the noise variance of largest likelihood, times n / (n - effective number of parameters)."""
    left = n_samples - effective
    risk = problem.at(x).risk
    if left <= 1e-8 * n_samples or risk <= 0:
        raise ValueError(
            f"posterior: {quantity(n_samples, 'sample')}, by the sum of their weights, and "
            f"{effective:.3g} effective parameters leave no residuals to estimate the noise "
            "from; pass noise_variance=..."
        )
    loss: Any = problem.loss
    return float(loss.noise_variance(risk * n_samples / left))
