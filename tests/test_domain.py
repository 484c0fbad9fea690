"""Targets outside the domain of a loss, in rows that count and in rows that do not."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import Gamma, Poisson

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = X @ [1.0, -1.0, 0.0] + 0.1 * RNG.normal(size=30)


@pytest.mark.parametrize("loss", [Gamma(), Poisson()])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_target_outside_the_domain_at_weight_zero(loss, kind):
    target, weight = np.exp(Y), np.ones(30)
    target[[3, 7]], weight[[3, 7]] = -1.0, 0.0
    kept = weight > 0
    whole = ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X), target, weight)
    part = ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X[kept]), target[kept])
    np.testing.assert_allclose(whole.coef_, part.coef_, rtol=1e-12)
    assert whole.intercept_ == pytest.approx(part.intercept_, rel=1e-12)
    assert target[3] == -1.0
    with pytest.raises(ValueError, match=r"row 3 is -1\.0, row 7 is -1\.0"):
        ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X), target)


def test_several_targets_outside_the_domain_at_weight_zero():
    target, weight = np.exp(np.column_stack([Y, -Y])), np.ones(30)
    target[[3, 7], [0, 1]], weight[[3, 7]] = -1.0, 0.0
    kept = weight > 0
    whole = ERMRegressor("gamma", "l2", alpha=0.1).fit(X, target, weight)
    part = ERMRegressor("gamma", "l2", alpha=0.1).fit(X[kept], target[kept])
    np.testing.assert_allclose(whole.coef_, part.coef_, rtol=1e-12)
    weight[7] = 1e-9
    with pytest.raises(ValueError, match=r"domain, .*, but row 7 is \[.*-1\. *\]\."):
        ERMRegressor("gamma", "l2", alpha=0.1).fit(X, target, weight)
