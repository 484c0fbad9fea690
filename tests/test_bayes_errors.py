"""Where there is no posterior, or none that the library can give: errors that say so."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from sklearn_erm import ERMRegressor
from sklearn_erm.bayes import posterior
from sklearn_erm.losses import CrossEntropy

from .test_bayes import (
    NOISE,
    N,
    P,
    make,
    make_data,
)


@pytest.mark.parametrize(
    "name, options, match",
    [
        ("hinge", {}, r"loss=Hinge\(\) is not a multiple of minus a log-likelihood"),
        ("huber", {}, "not a multiple of minus a log-likelihood.*'squared_error'"),
        ("absolute_error", {}, r"loss=AbsoluteError\(\) has kinks"),
        ("squared_error", {"penalty": "l1"}, r"penalty=L1\(\) has kinks"),
        ("log_loss", {"penalty": "elasticnet"}, r"penalty=ElasticNet\(\) has kinks"),
        ("log_loss", {"class_weight": "balanced"}, "class_weight=None"),
        ("squared_error", {"bounds": (0, None)}, "bounds=None"),
    ],
)
def test_not_gaussian(name, options, match):
    X, y, _, _ = make_data(name)
    model = make(name, alpha=0.1, **options).set_params(tol=1e-6).fit(X, y)
    with pytest.raises(ValueError, match=match):
        posterior(model, X, y)


def test_several_problems():
    X, y, _, _ = make_data("log_loss", n_classes=3)
    with pytest.raises(ValueError, match=r"several problems.*log_loss"):
        posterior(make("logistic", alpha=0.1).fit(X, y), X, y)
    Y = np.column_stack([X[:, 0], y])
    with pytest.raises(ValueError, match="several problems"):
        posterior(make("squared_error", alpha=0.1).fit(X, Y), X, Y)


def test_improper_posterior():
    X, y, _, _ = make_data(n=10, p=20)
    model = ERMRegressor("squared_error", None).fit(X, y)
    with pytest.raises(ValueError, match="improper"):
        posterior(model, X, y, noise_variance=1.0)
    X, y, _, _ = make_data("log_loss")
    X[:, 1] = 2.0  # constant: the intercept already says it
    for penalty in ("l2", None):
        model = make("log_loss", penalty, 0.1).fit(X, y)
        if penalty is None:
            with pytest.raises(ValueError, match="improper"):
                posterior(model, X, y)
        else:
            found = posterior(model, X, y)
            np.testing.assert_allclose(found.coef_std[0, 1] ** 2, found.prior_variance)  # the data say nothing


def test_not_the_summit():
    X, y, weight, offset = make_data("poisson")
    model = make("poisson", alpha=0.1).fit(X, y, weight, offset)
    posterior(model, X, y, weight, offset)
    for wrong in ((X, y, weight), (X, y, None, offset), (X, y[::-1], weight, offset), (2 * X, y, weight, offset)):
        with pytest.raises(ValueError, match="standard deviations from the summit"):
            posterior(model, *wrong)
    with pytest.raises(ValueError, match="summit"):
        posterior(model.set_params(alpha=10.0), X, y, weight, offset)


def test_the_way_to_the_summit_is_in_standard_deviations():
    X, y, weight, _ = make_data()
    model = make("squared_error", alpha=0.1).fit(X, y, weight)
    covariance = posterior(model, X, y, weight, noise_variance=NOISE).covariance
    away = covariance[0] / np.sqrt(covariance[0, 0])  # of Mahalanobis length 1
    coef, intercept = model.coef_, model.intercept_
    model.coef_, model.intercept_ = coef + 0.09 * away[:P], intercept + 0.09 * away[P]
    posterior(model, X, y, weight, noise_variance=NOISE)
    model.coef_, model.intercept_ = coef + 0.11 * away[:P], intercept + 0.11 * away[P]
    with pytest.raises(ValueError, match=r"0\.11 standard deviations"):
        posterior(model, X, y, weight, noise_variance=NOISE)


def test_other_errors():
    X, y, _, _ = make_data("log_loss")
    model = make("log_loss", alpha=0.1)
    with pytest.raises(ValueError, match="not fitted"):
        posterior(model, X, y)
    model.fit(X, y)
    with pytest.raises(ValueError, match="none of the classes fitted"):
        posterior(model, X, y + 1)
    with pytest.raises(ValueError, match="leave noise_variance=None"):
        posterior(model, X, y, noise_variance=1.0)
    with pytest.raises(ValueError, match="no Gaussian predictive distribution"):
        posterior(model, X, y).predict(X)
    with pytest.raises(TypeError, match="not CrossEntropy"):
        posterior(CrossEntropy(), X, y)
    with pytest.raises(TypeError, match="not Ridge"):
        posterior(Ridge().fit(X, y), X, y)
    X, y, _, _ = make_data()
    model = make("squared_error", alpha=0.1).fit(X, y)
    with pytest.raises(ValueError, match="noise_variance must lie in"):
        posterior(model, X, y, noise_variance=-1.0)
    with pytest.raises(ValueError, match="leave no residuals"):
        posterior(model, X, y, np.full(N, 1 / N))
