"""What the cross-validating estimators leave behind, the metadata they take, and the mistakes they name."""

import pickle
import re

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning, NotFittedError, UnsetMetadataPassedError
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, risk, risk_scorer
from sklearn_erm.losses import Huber
from sklearn_erm.penalties import L1, GroupLasso

from .fits import NAMES, REGRESSION, make_data
from .test_cross_validation import ALPHAS, GROUPS, TOL, WEIGHT, N, searching, table

# -- fitted attributes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_what_a_fit_leaves_behind(name):
    """All that the plain estimator has, of the fit to all data, and nothing of a fit before."""
    X, y = make_data(name, N)
    model = searching(name, alphas=4, tol=1e-6)
    attributes = {key for key in vars(clone(model).fit(X, y)) if key.endswith("_")}
    plain = (ERMRegressor if name in REGRESSION else ERMClassifier)(name).fit(X, y)
    assert {key for key in vars(plain) if key.endswith("_")} <= attributes
    model.set_params(bounds=(0, None)).fit(X[:, :4], y)
    assert hasattr(model, "multipliers_")
    model.set_params(bounds=None).fit(X, y)
    assert {key for key in vars(model) if key.endswith("_")} == attributes
    np.testing.assert_allclose(risk(model, X, y), model.risk_, rtol=1e-9)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(X), model.predict(X))
    np.testing.assert_array_equal(clone(model).fit(X, y).coef_, model.coef_)


def test_without_a_last_fit():
    X, y = make_data("hinge", N)
    model = searching("hinge").fit(X, y)
    model.set_params(refit=False).fit(X, y)
    assert model.alpha_ in ALPHAS
    assert not hasattr(model, "coef_")
    with pytest.raises(NotFittedError):
        model.predict(X)


def test_a_failure_leaves_the_last_fit():
    X, y = make_data("hinge", N)
    model = searching("hinge").fit(X, y)
    before = dict(vars(model))
    with pytest.raises(ValueError):
        model.fit(X, np.ones(N))
    assert {**vars(model)}.keys() == before.keys()
    np.testing.assert_array_equal(model.coef_, before["coef_"])


def test_fits_that_stop_short_are_told_of_once():
    X, y = make_data("log_loss", N)
    with pytest.warns(ConvergenceWarning, match=r"ERMClassifierCV: \d+ of 7 fits stopped short of tol=1e-12") as caught:
        searching("log_loss", tol=1e-12, max_iter=1).fit(X, y)
    assert len(caught) == 1


# -- metadata ---------------------------------------------------------------------------------------------------------


def test_without_routing_only_groups_are_taken():
    X, y = make_data("squared_error", N)
    with pytest.raises(TypeError, match="enable_metadata_routing"):
        searching("squared_error").fit(X, y, colour=GROUPS)


def test_weights_are_those_of_fit_and_default_score_with_routing_and_without():
    X, y = make_data("poisson", N)
    offset = np.log(WEIGHT)
    plain = searching("poisson").fit(X, y, WEIGHT, offset)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = searching("poisson").fit(X, y, sample_weight=WEIGHT, offset=offset)
    np.testing.assert_array_equal(table(plain), table(routed))


def test_with_routing_the_scorer_says_whether_it_is_weighted():
    X, y = make_data("squared_error", N)
    with sklearn.config_context(enable_metadata_routing=True):
        tables = {}
        for asked in (True, False):
            scoring = make_scorer(mean_absolute_error, greater_is_better=False).set_score_request(sample_weight=asked)
            tables[asked] = table(searching("squared_error", scoring=scoring).fit(X, y, sample_weight=WEIGHT))
        if tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 9):  # which asks scorers too to say
            scoring = make_scorer(mean_absolute_error, greater_is_better=False)
            with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
                searching("squared_error", scoring=scoring).fit(X, y, sample_weight=WEIGHT)
    for k, (train, test) in enumerate(KFold(3).split(X)):
        fit = ERMRegressor(alpha=ALPHAS[1], tol=TOL).fit(X[train], y[train], WEIGHT[train])
        error = np.abs(fit.predict(X[test]) - y[test])
        np.testing.assert_allclose(tables[True][1, k], -np.average(error, weights=WEIGHT[test]), atol=1e-6)
        np.testing.assert_allclose(tables[False][1, k], -error.mean(), atol=1e-6)


def test_in_a_pipeline_in_a_search_with_weights_and_groups():
    """End to end: outer folds by group, inner folds by group, weights in fits and scores."""
    X, y = make_data("log_loss", N)
    with sklearn.config_context(enable_metadata_routing=True):
        scorer = risk_scorer("log_loss").set_score_request(sample_weight=True)
        inner = ERMClassifierCV(alphas=ALPHAS, cv=GroupKFold(2), scoring=scorer, tol=TOL)
        inner.set_fit_request(sample_weight=True, offset=False)
        model = make_pipeline(StandardScaler().set_fit_request(sample_weight=True), inner)
        params = {"sample_weight": WEIGHT, "groups": GROUPS}
        search = GridSearchCV(model, {"ermclassifiercv__penalty": ["l1", "l2"]}, cv=GroupKFold(3), scoring=scorer)
        search.fit(X, y, **params)
        scores = cross_validate(model, X, y, cv=GroupKFold(3), scoring=scorer, params=params)["test_score"]
    for k, (train, test) in enumerate(GroupKFold(3).split(X, y, GROUPS)):
        scaler = StandardScaler().fit(X[train], sample_weight=WEIGHT[train])
        fit = ERMClassifierCV(alphas=ALPHAS, cv=GroupKFold(2), tol=TOL).fit(
            scaler.transform(X[train]), y[train], WEIGHT[train], groups=GROUPS[train]
        )
        expected = -risk(fit, scaler.transform(X[test]), y[test], "log_loss", sample_weight=WEIGHT[test])
        np.testing.assert_allclose(scores[k], expected, atol=1e-6)
        np.testing.assert_allclose(search.cv_results_[f"split{k}_test_score"][1], expected, atol=1e-6)


def test_a_scorer_that_takes_no_weights():
    """Is not given any; GridSearchCV does the same, and warns."""

    def error(estimator, X, y):
        return -float(np.mean((estimator.predict(X) - y) ** 2))

    X, y = make_data("squared_error", N)
    with pytest.warns(UserWarning, match="sample_weight"):
        model = searching("squared_error", scoring=error).fit(X, y, sample_weight=WEIGHT)
    for k, (train, test) in enumerate(KFold(3).split(X)):
        fit = ERMRegressor(alpha=ALPHAS[1], tol=TOL).fit(X[train], y[train], WEIGHT[train])
        np.testing.assert_allclose(table(model)[1, k], error(fit, X[test], y[test]), atol=1e-6)


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, message",
    [
        ({"loss": ["squared_error", "huber"]}, "pass scoring=risk_scorer"),
        ({"loss": []}, "loss=[]"),
        ({"loss": ["squared_error", "hinge"], "scoring": "r2"}, "this loss is for ERMClassifier"),
        ({"loss": Huber(scale="mad")}, "pass scoring=risk_scorer"),
        ({"penalty": []}, "penalty=[]"),
        ({"penalty": ["l1", "l3"]}, "unknown penalty"),
        ({"penalty": None}, "without a penalty"),
        ({"penalty": "elasticnet", "l1_ratio": []}, "l1_ratio=[]"),
        ({"penalty": "elasticnet", "l1_ratio": [0.5, 1.5]}, "l1_ratio"),
        ({"alphas": 0}, "alphas=0"),
        ({"alphas": [-1.0]}, "alphas"),
        ({"penalty": ["l1", "l2"], "alphas": [[1.0, 0.1], [0.2, 0.02]]}, "ERMRegressorCV: alphas of shape (2, 2)"),
        ({"eps": 2}, "eps=2"),
        ({"selection": "best"}, "selection must be 'min' or '1se'"),
        ({"selection": "1se", "cv": [(np.arange(20), np.arange(20, N))]}, "no standard error"),
        ({"cv": "loo"}, "cv='loo'"),
        ({"cv": 1}, "n_splits=1"),
        ({"cv": 37}, "n_splits=37"),
        ({"cv": []}, "cv"),
        ({"refit": "yes"}, "refit"),
        ({"scoring": "accuracies"}, "scoring"),
        ({"scoring": ["r2", "max_error"]}, "scoring"),
        ({"tol": -1}, "tol"),
        ({"bounds": (1, 0)}, "bounds"),
        ({"penalty": GroupLasso([0, 1])}, "GroupLasso"),
    ],
    ids=str,
)
def test_mistakes(params, message):
    """Named, with the cure."""
    X, y = make_data("squared_error", N)
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        ERMRegressorCV(**{"alphas": 3, "cv": 3, **params}).fit(X, y)


@pytest.mark.parametrize("where", ["X", "y", "sample_weight", "offset"])
def test_numbers_that_are_none(where):
    X, y = make_data("squared_error", N)
    data = {"X": X.copy(), "y": y.copy(), "sample_weight": np.ones(N), "offset": np.zeros(N)}
    data[where].flat[7] = np.nan
    with pytest.raises(ValueError, match=where if where != "X" else "Input X contains NaN"):
        searching("squared_error").fit(**data)


def test_shown():
    assert "penalty=['l1', 'l2']" in repr(ERMClassifierCV(penalty=["l1", "l2"]))
    assert ERMRegressorCV(penalty=L1()).set_params(penalty__weights=[1.0, 2.0]).penalty.weights == [1.0, 2.0]
    assert "ERMRegressorCV" in ERMRegressorCV()._repr_html_()
