"""The Bayesian reading: the penalty as a prior, the loss as a likelihood, the fit as the summit of the posterior."""

from sklearn_erm.inference.distribution import Posterior
from sklearn_erm.inference.laplace import posterior
from sklearn_erm.inference.priors import alpha_from_prior, prior_from_alpha

__all__ = ["Posterior", "alpha_from_prior", "posterior", "prior_from_alpha"]
