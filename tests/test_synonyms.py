"""Names and classes that are something else here, or belong elsewhere: what is meant is said."""

import re

import numpy as np
import pytest
from sklearn import linear_model

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, erm_path
from sklearn_erm.estimators.synonyms import ELSEWHERE
from sklearn_erm.losses import LOSSES, Huber
from sklearn_erm.penalties import L2, PENALTIES


@pytest.mark.parametrize("what, registry", [("loss", LOSSES), ("penalty", PENALTIES)])
def test_names_from_elsewhere_are_told_with_ours(what, registry):
    assert set(ELSEWHERE[what]) <= set(registry)
    for name, others in ELSEWHERE[what].items():
        for other in others.split():
            estimator = ERMClassifier if what == "loss" and registry[name].target != "real" else ERMRegressor
            with pytest.raises(ValueError, match=rf"{what}='{re.escape(other)}'.*Did you mean .*{name!r}.*"):
                estimator(**{what: other}).fit(None, None)


@pytest.mark.parametrize(
    "estimator, given, words",
    [
        (ERMRegressor, {"loss": "svm"}, "Did you mean 'hinge', which is for ERMClassifier?"),
        (ERMClassifier, {"loss": "pinball"}, "Did you mean 'quantile', which is for ERMRegressor?"),
        (ERMClassifier, {"loss": "squared_error"}, "Did you mean 'squared'?"),
        (ERMRegressor, {"loss": "lasso"}, "Did you mean penalty='l1'?"),
        (ERMRegressor, {"penalty": "Hinge"}, "Did you mean loss='hinge'?"),
        (ERMRegressor, {"penalty": "None"}, "Did you mean None?"),
        (ERMRegressor, {"loss": "Log-Cosh"}, "Did you mean 'log_cosh'?"),
        (ERMRegressor, {"loss": "reg:squarederror"}, "Did you mean 'squared_error'?"),
    ],
    ids=str,
)
def test_names_of_something_else(estimator, given, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        estimator(**given).fit(None, None)


@pytest.mark.parametrize(
    "given, words",
    [
        ({"penalty": linear_model.ElasticNet()}, "got sklearn.linear_model.ElasticNet. Did you mean 'elasticnet'?"),
        ({"penalty": linear_model.Lasso}, "got sklearn.linear_model.Lasso. Did you mean 'l1'?"),
        ({"penalty": linear_model.Ridge()}, "got sklearn.linear_model.Ridge. Did you mean 'l2'?"),
        ({"loss": linear_model.HuberRegressor()}, "got sklearn.linear_model.HuberRegressor. Did you mean 'huber'?"),
        ({"loss": L2()}, "got sklearn_erm.penalties.L2. Did you mean 'squared_error' or penalty='l2'?"),
        ({"penalty": Huber()}, "got sklearn_erm.losses.Huber. Did you mean loss='huber'?"),
        ({"penalty": {}}, "got dict."),
        ({"loss": max}, "got builtin_function_or_method."),
    ],
    ids=str,
)
def test_classes_of_something_else(given, words):
    with pytest.raises(TypeError, match=re.escape(words) + "$"):
        ERMRegressor(**given).fit(None, None)


def test_a_parameter_that_may_be_a_word():
    for given in ("MAD", None):
        with pytest.raises(TypeError, match=rf"Huber\(scale={given!r}\): scale must be a real number or 'mad', got"):
            ERMRegressor(Huber(scale=given)).fit(None, None)


@pytest.mark.parametrize("dtype", [str, object])
def test_labels_for_a_loss_of_regression_and_numbers_for_one_of_classification(dtype):
    X = np.random.default_rng(0).normal(size=(20, 2))
    labels, numbers = np.where(X[:, 0] > 0, "yes", "no").astype(dtype), X[:, 0]
    cure = r"\(could not convert string to float: 'yes'\).*for class labels, use ERMClassifier .* loss='log_loss'"
    for fit in (ERMRegressor().fit, ERMRegressorCV(alphas=[0.1]).fit, erm_path):
        with pytest.raises(ValueError, match=cure):
            fit(X, labels)
    for fit in (ERMClassifier().fit, ERMClassifierCV(alphas=[0.1]).fit, lambda X, y: erm_path(X, y, "hinge")):
        with pytest.raises(ValueError, match=r"For real numbers, use ERMRegressor .* loss='squared_error'"):
            fit(X, numbers)
