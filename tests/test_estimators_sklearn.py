"""scikit-learn's manners: parameters, clones, tags, grid search, pipelines, metadata routing."""

import pickle

import numpy as np
import pytest
import sklearn
from sklearn.base import clone, is_classifier, is_regressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_diabetes, make_classification
from sklearn.ensemble import AdaBoostClassifier, BaggingClassifier
from sklearn.exceptions import NotFittedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.multioutput import MultiOutputRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import get_tags

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES, CrossEntropy, EpsilonInsensitive, Huber, Quantile
from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso

BOTH = [ERMClassifier, ERMRegressor]


@pytest.fixture
def routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


# -- parameters -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", BOTH)
def test_init_stores_what_it_is_given(estimator):
    given = {name: object() for name in estimator().get_params(deep=False)}
    model = estimator(**given)
    assert model.get_params(deep=False) == given
    assert vars(model) == given


def test_nested_parameters():
    model = ERMRegressor(Huber(), ElasticNet(0.3))
    assert {"loss__delta": 1.35, "penalty__l1_ratio": 0.3}.items() <= model.get_params().items()
    model.set_params(loss__delta=2.0, penalty__l1_ratio=0.1, alpha=3)
    copy = clone(model)
    assert copy.loss is not model.loss
    assert copy.get_params()["loss__delta"] == 2.0
    assert repr(copy) == "ERMRegressor(alpha=3, loss=Huber(delta=2.0), penalty=ElasticNet(l1_ratio=0.1))"
    assert repr(ERMClassifier("hinge", None)) == "ERMClassifier(loss='hinge', penalty=None)"


def test_nested_parameters_reach_the_fit():
    X, y = load_diabetes(return_X_y=True)
    low, high = (ERMRegressor(Quantile(0.5), alpha=1e-3).set_params(loss__quantile=q).fit(X, y) for q in (0.1, 0.9))
    assert np.mean(y < low.predict(X)) < 0.15
    assert np.mean(y < high.predict(X)) > 0.85


def test_l1_ratio_is_for_names_and_instances_that_have_one():
    X, y = load_diabetes(return_X_y=True)
    given = [("elasticnet", 0.0), (ElasticNet(0.0), None), ("l2", 0.7), ("elasticnet", 0.7), (ElasticNet(0.0), 0.7)]
    ridge, own, ignored, mixed, instance = (
        ERMRegressor(penalty=penalty, alpha=1e-3, l1_ratio=l1_ratio, tol=1e-10).fit(X, y).coef_
        for penalty, l1_ratio in given
    )
    for coef in (own, ignored):
        np.testing.assert_allclose(coef, ridge, rtol=1e-4)
    np.testing.assert_array_equal(instance, mixed)
    assert np.abs(mixed - ridge).max() > 1


@pytest.mark.parametrize("name", LOSSES)
def test_a_name_is_an_instance(name):
    X, y = load_breast_cancer(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    estimator = ERMRegressor if LOSSES[name].target == "real" else ERMClassifier
    y = y if estimator is ERMClassifier or LOSSES[name]().in_domain(np.zeros(1))[0] else y + 1.0
    by_name = estimator(name, "l2", alpha=0.1).fit(X, y)
    by_instance = estimator(LOSSES[name](), L2(), alpha=0.1).fit(X, y)
    np.testing.assert_array_equal(by_name.coef_, by_instance.coef_)
    np.testing.assert_array_equal(by_name.predict(X), pickle.loads(pickle.dumps(by_name)).predict(X))


def test_grid_of_names_and_instances():
    X, y = load_breast_cancer(return_X_y=True)
    pipeline = make_pipeline(StandardScaler(), ERMClassifier())
    grid = {
        "ermclassifier__loss": ["squared_hinge", CrossEntropy(), "hinge"],
        "ermclassifier__penalty": ["l2", L1(), ElasticNet(0.2), GroupLasso(np.arange(30) // 3)],
        "ermclassifier__alpha": [0.01, 0.1],
    }
    search = GridSearchCV(pipeline, grid, cv=3, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 24
    assert search.best_score_ > 0.95
    regression = GridSearchCV(
        ERMRegressor(Huber()),
        [
            {"loss": [Huber()], "loss__delta": [1.0, 50.0]},
            {"loss": ["squared_error", EpsilonInsensitive()], "penalty": [None, "elasticnet"], "l1_ratio": [0.1, 0.9]},
        ],
        error_score="raise",
    ).fit(*load_diabetes(return_X_y=True))
    assert regression.best_score_ > 0.4


# -- tags -------------------------------------------------------------------------------------------------------------


def test_tags():
    assert is_classifier(ERMClassifier())
    assert is_regressor(ERMRegressor())
    for estimator in BOTH:
        for wrong in ("nothing", 3, Huber, "hinge", "huber"):
            tags = get_tags(estimator(wrong))
            assert tags.input_tags.sparse
            assert tags.target_tags.required
    assert get_tags(ERMClassifier()).classifier_tags.multi_class
    for loss, positive in [("poisson", True), ("huber", False), (LOSSES["poisson"](), True)]:
        tags = get_tags(ERMRegressor(loss)).target_tags
        assert tags.positive_only == positive
        assert tags.multi_output != positive


@pytest.mark.parametrize("estimator", BOTH)
def test_unfitted(estimator):
    for method in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        if hasattr(estimator, method):
            with pytest.raises(NotFittedError):
                getattr(estimator(), method)(np.zeros((1, 2)))
    for method in ("sparsify", "densify"):
        with pytest.raises(NotFittedError):
            getattr(estimator(), method)()
    assert not hasattr(ERMRegressor(), "decision_function")


# -- other estimators around it ---------------------------------------------------------------------------------------


def test_meta_estimators():
    X, y = make_classification(200, random_state=0)
    for model in (
        BaggingClassifier(ERMClassifier(), random_state=0),  # sample weights with zeros
        AdaBoostClassifier(ERMClassifier(), n_estimators=3),
        CalibratedClassifierCV(ERMClassifier("squared_hinge")),
    ):
        assert cross_val_score(model, X, y, cv=3, error_score="raise").mean() > 0.8
    targets = np.abs(X[:, :2])
    both, each = ERMRegressor().fit(X, targets), MultiOutputRegressor(ERMRegressor()).fit(X, targets)
    np.testing.assert_allclose(both.predict(X), each.predict(X))


def test_routing_through_pipeline_and_grid_search(routing):
    X, y = load_breast_cancer(return_X_y=True)
    weight = np.random.default_rng(0).integers(0, 3, len(y)).astype(float)
    offset = np.random.default_rng(1).normal(size=len(y))
    model = ERMClassifier(alpha=0.1).set_fit_request(sample_weight=True, offset=True)
    search = GridSearchCV(
        make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model),
        {"ermclassifier__penalty": ["l2", L1()]},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        error_score="raise",
    ).fit(X, y, sample_weight=weight, offset=offset)
    best, scaled = search.best_estimator_[-1], StandardScaler().fit_transform(X)
    by_hand = clone(best).fit(scaled, y, sample_weight=weight, offset=offset)
    np.testing.assert_array_equal(best.coef_, by_hand.coef_)
    for metadata in ({"offset": offset}, {"sample_weight": weight}):
        assert np.abs(best.coef_ - clone(best).fit(scaled, y, **metadata).coef_).max() > 1e-3


def test_routing_to_the_score(routing):
    X, y = load_diabetes(return_X_y=True)
    offset = np.random.default_rng(1).normal(size=len(y))
    model = ERMRegressor("poisson").set_fit_request(offset=True)
    with_offset, without = (
        GridSearchCV(clone(model).set_score_request(offset=request), {"alpha": [0.1]}, error_score="raise")
        .fit(X, y * np.exp(offset), offset=offset)
        .best_score_
        for request in (True, False)
    )
    assert with_offset > without + 0.1


def test_routing_to_predictions(routing):
    X, y = load_diabetes(return_X_y=True)
    offset = np.linspace(0, 1, len(y))
    model = ERMRegressor("poisson").set_fit_request(offset=True).set_predict_request(offset=True)
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y, offset=offset)
    ratio = pipeline.predict(X, offset=offset) / pipeline.predict(X)
    np.testing.assert_allclose(ratio, np.exp(offset))


def test_rates_with_an_exposure_are_weighted_rates():
    rng = np.random.default_rng(0)
    X, exposure = rng.normal(size=(300, 3)), rng.uniform(0.5, 4, 300)
    counts = rng.poisson(exposure * np.exp(X @ [0.5, -0.2, 0]))
    by_offset = ERMRegressor("poisson", None, tol=1e-10).fit(X, counts, offset=np.log(exposure))
    by_weight = ERMRegressor("poisson", None, tol=1e-10).fit(X, counts / exposure, sample_weight=exposure)
    np.testing.assert_allclose(by_offset.coef_, by_weight.coef_, atol=1e-7)
    np.testing.assert_allclose(by_offset.intercept_, by_weight.intercept_, atol=1e-7)
