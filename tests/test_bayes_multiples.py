"""Multiples of penalties as priors."""

import numpy as np
import pytest

from sklearn_erm import ERMRegressor
from sklearn_erm.bayes import alpha_from_prior, posterior, prior_from_alpha
from sklearn_erm.penalties import L1, L2, ElasticNet, Scaled

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = X @ [1.0, -1.0, 0.0] + 0.1 * RNG.normal(size=30)


@pytest.mark.parametrize("penalty", [L1(), L2()])
def test_prior_of_a_multiple(penalty):
    known = {"n_samples": 40, "noise_variance": 4.0}
    alpha = alpha_from_prior("squared_error", penalty, prior_variance=0.25, **known)
    assert alpha_from_prior("squared_error", 3 * penalty, prior_variance=0.25, **known) == pytest.approx(alpha / 3)
    assert prior_from_alpha("squared_error", 3 * penalty, alpha=alpha / 3, **known) == pytest.approx(0.25)
    with pytest.raises(ValueError, match=r"Scaled\(factor=-3.*factor must lie in \(0, inf\)"):
        alpha_from_prior("squared_error", Scaled(penalty, -3.0), prior_variance=0.25, **known)


def test_posterior_of_a_multiple():
    one, half = (ERMRegressor("squared_error", p, alpha=a).fit(X, Y) for p, a in [(L2(), 0.2), (2 * L2(), 0.1)])
    one, half = (posterior(model, X, Y) for model in (one, half))
    assert half.prior_variance == pytest.approx(one.prior_variance)
    np.testing.assert_allclose(half.covariance, one.covariance, rtol=1e-5)


@pytest.mark.parametrize("penalty", [L1() + L2(), 2 * ElasticNet()])
def test_no_prior_of_a_sum(penalty):
    with pytest.raises(ValueError, match="not a prior whose variance is known"):
        alpha_from_prior("squared_error", penalty, n_samples=40, prior_variance=0.25, noise_variance=4.0)
