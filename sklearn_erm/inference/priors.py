"""The factor of the penalty and the variance of the prior: one from the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.estimators.names import find_loss, find_penalty, loss_names
from sklearn_erm.penalties import PENALTIES

TARGETS = frozenset({"real", "sign", "class"})


def alpha_from_prior(
    loss: Any, penalty: Any, *, n_samples: float, prior_variance: float, noise_variance: float | None = None
) -> float:
    """Return the alpha whose fit is the maximum a posteriori estimate.

    ``c * loss`` is minus a log-likelihood and ``d * penalty`` minus the logarithm of a prior density, so that their sum
    over the samples is ``n_samples * c`` times the objective with ``alpha = d / (n_samples * c)``.

    Parameters
    ----------
    loss : str or Loss
        ``"squared_error"`` (Gaussian noise), ``"absolute_error"`` (Laplace noise), ``"log_loss"`` and ``"logistic"``
        (Bernoulli or categorical), ``"poisson"``; or any loss with a method ``log_likelihood_scale``.
    penalty : str or Penalty
        ``"l2"`` (Gaussian prior), ``"l1"`` (Laplace prior, for features of weight 1), a ``Tikhonov`` (Gaussian prior of
        covariance ``prior_variance`` times the inverse of its precision); or a positive multiple of one of
        these, or of any penalty with a method ``prior_scale``.
    n_samples : float > 0
        Number of samples; the sum of the sample weights, where these are counts.
    prior_variance : float > 0
        Variance of a coefficient under the prior. ``inf`` is a flat prior, and ``alpha=0``.
    noise_variance : float > 0 or None, default=None
        Variance of y about its mean or median; None for a loss whose distribution has no free variance.

    Returns
    -------
    alpha : float
        For the estimators.

    Raises
    ------
    ValueError
        If the loss is no likelihood, or the penalty no prior, of a known scale; if a number is out of its range.

    See Also
    --------
    prior_from_alpha : The inverse.

    Examples
    --------
    Ridge regression: 2 * noise_variance / (n_samples * prior_variance).

    >>> from sklearn_erm.bayes import alpha_from_prior
    >>> alpha_from_prior("squared_error", "l2", n_samples=40, prior_variance=0.25, noise_variance=4.0)
    0.8
    """
    prior, scale = _prior_and_scale("alpha_from_prior", loss, penalty, n_samples, noise_variance)
    require_in_range("alpha_from_prior", "prior_variance", prior_variance, 0, np.inf, "(]")
    return float(prior.prior_scale(prior_variance) / scale)


def prior_from_alpha(
    loss: Any, penalty: Any, *, n_samples: float, alpha: float, noise_variance: float | None = None
) -> float:
    """Return the variance of the prior that an alpha stands for.

    Parameters
    ----------
    loss : str or Loss
        A likelihood, as for :func:`alpha_from_prior`.
    penalty : str or Penalty
        A prior, as for :func:`alpha_from_prior`.
    n_samples : float > 0
        Number of samples; the sum of the sample weights, where these are counts.
    alpha : float >= 0
        Factor of the penalty.
    noise_variance : float > 0 or None, default=None
        Variance of y about its mean or median; None for a loss whose distribution has no free variance.

    Returns
    -------
    prior_variance : float
        Variance of a coefficient under the prior; inf for ``alpha=0``.

    Raises
    ------
    ValueError
        As in :func:`alpha_from_prior`.

    Examples
    --------
    >>> from sklearn_erm.bayes import prior_from_alpha
    >>> prior_from_alpha("squared_error", "l2", n_samples=40, alpha=0.8, noise_variance=4.0)
    0.25
    """
    prior, scale = _prior_and_scale("prior_from_alpha", loss, penalty, n_samples, noise_variance)
    require_in_range("prior_from_alpha", "alpha", alpha, 0, np.inf, "[)")
    return float(prior.prior_variance(alpha * scale)) if alpha > 0 else np.inf


def _prior_and_scale(
    owner: str, loss: Any, penalty: Any, n_samples: float, noise_variance: float | None
) -> tuple[Any, float]:
    """Return a prior and the factor that alpha has before it, where the loss is minus a log-likelihood."""
    found = find_loss(owner, loss, TARGETS)
    whole = find_penalty(owner, penalty)
    factor, prior = find_prior(whole)
    if prior is None:
        known = ", ".join(repr(name) for name, each in PENALTIES.items() if hasattr(each, "prior_scale"))
        raise ValueError(
            f"{owner}(penalty={penalty!r}): not a prior whose variance is known; those are {known} and their multiples."
        )
    require_in_range(whole, "factor", factor, 0, np.inf, "()")
    require_in_range(owner, "n_samples", n_samples, 0, np.inf, "()")
    return prior, factor * float(n_samples) * likelihood_scale(owner, found, noise_variance)


def find_prior(penalty: Any) -> tuple[float, Any]:
    """Return c and a prior of known variance with penalty = c * prior; None for the prior if it is no such multiple."""
    terms = penalty.terms()
    factor, term = terms[0] if len(terms) == 1 else (1.0, None)
    return factor, term if hasattr(term, "prior_scale") else None


def require_likelihood(owner: str, loss: Any) -> None:
    """Raise ValueError where no multiple of the loss is minus a log-likelihood."""
    if not hasattr(loss, "log_likelihood_scale"):
        known = ", ".join(map(repr, loss_names(TARGETS, "log_likelihood_scale")))
        raise ValueError(f"{owner}: loss={loss} is not a multiple of minus a log-likelihood; those that are: {known}.")


def likelihood_scale(owner: str, loss: Any, noise_variance: float | None) -> float:
    """Return c such that c * loss is minus the log-likelihood of one sample, up to a constant."""
    require_likelihood(owner, loss)
    if not hasattr(loss, "noise_variance"):
        if noise_variance is not None:
            raise ValueError(
                f"{owner}(noise_variance={noise_variance!r}): loss={loss} has no noise variance of its own, its mean "
                "says it all; leave noise_variance=None."
            )
        return float(loss.log_likelihood_scale())
    if noise_variance is None:
        raise ValueError(f"{owner}: loss={loss} needs noise_variance, the variance of y about its prediction.")
    require_in_range(owner, "noise_variance", noise_variance, 0, np.inf, "()")
    return float(loss.log_likelihood_scale(noise_variance))
