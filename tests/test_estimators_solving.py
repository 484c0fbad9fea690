"""How the estimators solve: warm starts, warnings, printing, solvers; scikit-learn's fits by the conversions."""

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNet, LogisticRegression, PoissonRegressor, QuantileRegressor, Ridge

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES, Huber, Quantile
from sklearn_erm.penalties import L1, L2

from .fits import CLASSIFICATION, NAMES, N, assert_same_fit, make, make_data


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_warm_start(name, n_classes):
    X, y = make_data(name, n_classes=n_classes)
    model = make(name, warm_start=True).fit(X, y)
    cold, coef = model.n_iter_, model.coef_
    assert cold > 0
    model.fit(X, y)
    if LOSSES[name]().smooth:
        assert model.n_iter_ == 0
    np.testing.assert_allclose(model.coef_, coef, atol=1e-3)
    assert make(name).fit(X, y).fit(X, y).n_iter_ == cold
    assert_same_fit(model.fit(X[:, 1:], y), make(name).fit(X[:, 1:], y))  # other shape: a cold start


def test_warm_start_of_several_targets_and_of_sparse_coefficients():
    X, y = make_data("squared_error")
    for Y in (np.column_stack([y, y**2]), y):
        for penalty in ("l2", "l2_norm"):
            model = make("squared_error", penalty, warm_start=True, tol=1e-6).fit(X, Y)
            assert model.sparsify().fit(X, Y).n_iter_ == 0


@pytest.mark.parametrize("name", ["log_loss", "logistic", "huber", "poisson"])
def test_one_warning_says_how_far_it_is(name):
    X, y = make_data(name, n_classes=3)
    with pytest.warns(
        ConvergenceWarning, match=r"raise max_iter \(relative duality gap .* after 1 iter.*tol=1e-09"
    ) as w:
        model = make(name, max_iter=1, alpha=1e-6).fit(X, y)
    assert len(w) == 1
    assert w[0].filename == __file__
    assert model.duality_gap_ > model.tol
    assert model.n_iter_ == 1
    assert np.all(np.isfinite(model.coef_))
    with pytest.warns(ConvergenceWarning, match=r"\(optimality residual"):
        make(name, None, max_iter=1).fit(X, y)


@pytest.mark.parametrize("solver", ["newton", "L-BFGS-B", "Newton-CG", "trust-ncg"])
def test_solver_is_passed_on(solver):
    X, y = make_data("log_loss", n_classes=3)
    for name in ("log_loss", "squared_hinge", "huber"):
        Y = y if name in CLASSIFICATION else X[:, 0] + y
        model, auto = make(name, solver=solver, tol=1e-6).fit(X, Y), make(name).fit(X, Y)
        np.testing.assert_allclose(model.coef_, auto.coef_, atol=1e-2)
        assert np.any(model.coef_ != auto.coef_) or solver == "newton"


@pytest.mark.parametrize("estimator", [ERMClassifier, ERMRegressor])
def test_solver_that_does_not_fit(estimator):
    X, y = make_data("log_loss")
    with pytest.raises(ValueError, match=r"solver='Newton-cg'.*Did you mean .*'Newton-CG'"):
        estimator(solver="Newton-cg").fit(X, y)
    with pytest.raises(ValueError, match=r"solver='newton'.*L1.*use solver='auto'"):
        estimator(penalty=L1(), solver="newton").fit(X, y)


def test_verbose_prints_the_objective(capsys):
    X, y = make_data("logistic", n_classes=3)
    model = make("logistic", verbose=1).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith("problem 3 of 3, iteration ") for line in lines) == model.result_[2].nit
    assert lines[-1].startswith("ERMClassifier: objective")
    make("logistic").fit(X, y)
    assert capsys.readouterr().out == ""


# -- conversions that the docstrings promise --------------------------------------------------------------------------


def test_conversions():
    X, y = make_data("squared_error")
    np.testing.assert_allclose(make("squared_error", alpha=2 * 3 / N).fit(X, y).coef_, Ridge(3).fit(X, y).coef_)
    X, y = make_data("poisson")
    peer = PoissonRegressor(alpha=0.1, tol=1e-9, solver="newton-cholesky").fit(X, y)
    np.testing.assert_allclose(make("poisson").fit(X, y).coef_, peer.coef_, rtol=1e-4)
    X, y = make_data("squared_error")
    peer = ElasticNet(alpha=0.05, l1_ratio=0.3, tol=1e-10, max_iter=10000).fit(X, y)
    model = make("squared_error", "elasticnet", alpha=2 * 0.05, l1_ratio=0.3).fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-5)
    peer = QuantileRegressor(quantile=0.3, alpha=0.05).fit(X, y)
    model = ERMRegressor(Quantile(0.3), "l1", alpha=0.05, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-5)
    for n_classes in (2, 3):
        X, y = make_data("log_loss", n_classes=n_classes)
        peer = LogisticRegression(C=2, tol=1e-9, max_iter=10000).fit(X, y)
        model = make("log_loss", alpha=1 / (2 * N)).fit(X, y)
        np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
        np.testing.assert_allclose(model.predict_proba(X), peer.predict_proba(X), atol=1e-4)


def test_instances_are_not_touched():
    X, y = make_data("huber")
    loss, penalty = Huber(delta=0.5), L2()
    model = ERMRegressor(loss, penalty).fit(X, y)
    loss.delta = 3.0
    assert model.loss is loss
    assert model.loss_.delta == 0.5
    assert vars(penalty) == vars(L2())
