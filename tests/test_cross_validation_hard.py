"""Data on which cross-validation has little or nothing to go by: told, or done without a warning."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint
from sklearn.exceptions import ConvergenceWarning

from sklearn_erm import ERMClassifierCV, ERMRegressorCV, erm_path
from sklearn_erm.losses import MultiQuantile

from .fits import make_data

N = 40


@pytest.mark.parametrize("penalty", ["slope", "linf", "fused", "nuclear", ["l1", "l2"]], ids=str)
@pytest.mark.parametrize(
    "limits", [{}, {"bounds": (0, None)}, {"constraints": LinearConstraint(np.ones((1, 5)), 1, 1)}], ids=["", "b", "c"]
)
def test_left_out_from_where_all_is_held(penalty, limits):
    """At the largest alpha no coefficient can move."""
    X, y = make_data("squared_error", N)
    model = ERMRegressorCV("squared_error", penalty, cv="alo", alphas=4, **limits).fit(X, y)
    assert np.all(np.isfinite(model.cv_results_["mean_test_score"]))


def test_risks_may_be_infinite():
    """Quantiles that must not cross where the model is fitted may cross elsewhere."""
    X, y = make_data("squared_error", N)
    loss = MultiQuantile([0.1, 0.5, 0.9], non_crossing=True)
    models = [ERMRegressorCV(loss, "l1", alphas=[1.0, 0.1], cv=cv).fit(X, y) for cv in (3, "alo")]
    assert np.all(np.isfinite([model.best_score_ for model in models]))
    assert np.any(np.isneginf([model.cv_results_["mean_test_score"] for model in models]))


def test_no_best_constant():
    X, _ = make_data("poisson", N)
    for cv in (3, "alo"):
        with pytest.raises(ValueError, match="no minimiser on this y"):
            ERMRegressorCV("poisson", ["l1", "l2"], alphas=3, cv=cv).fit(X, np.zeros(N))


def test_weights_that_leave_nothing():
    X, y = make_data("squared_error", N)
    with pytest.raises(ValueError, match="n_samples = 1"):
        ERMRegressorCV(alphas=3, cv="alo").fit(X, y, sample_weight=np.eye(N)[0])
    weight = np.ones(N)
    weight[: N // 2] = 0
    with pytest.raises(ValueError, match="fold of cv has no row of positive weight"):
        ERMRegressorCV(alphas=3, cv=4).fit(X, y, sample_weight=weight)


@pytest.mark.parametrize("cv", [3, "alo"])
def test_a_class_without_weight(cv):
    X, y = make_data("log_loss", N, n_classes=3)
    model = ERMClassifierCV(alphas=3, cv=cv).fit(X, y.astype(str), sample_weight=(y != 2).astype(float))
    assert len(model.classes_) == 2
    assert np.all(np.isfinite(model.cv_results_["se_test_score"]))


def test_a_fit_without_a_minimiser_is_called_that():
    X = make_data("log_loss", N)[0]
    with pytest.warns(ConvergenceWarning, match="no minimiser"):
        ERMClassifierCV("log_loss", "l1", alphas=[0.0], cv=2).fit(X, X[:, 0] > 0)
    with pytest.warns(ConvergenceWarning, match="no minimiser"):
        erm_path(X, X[:, 0] > 0, loss="log_loss", alphas=[1.0, 0.0])


def test_the_advice_fits_the_estimator():
    X, y = make_data("squared_error", N)
    with pytest.raises(ValueError, match="risk_scorer\\('absolute_error'\\)"):
        ERMRegressorCV(["huber", "absolute_error"]).fit(X, y)
