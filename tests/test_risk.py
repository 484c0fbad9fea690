"""The risk of any model under any loss: our own, scikit-learn's metrics, and what does not fit together."""

import numpy as np
import pytest
import sklearn
from scipy.special import logit
from sklearn.base import clone, is_classifier
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import GammaRegressor, LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.metrics import (
    hinge_loss,
    log_loss,
    mean_absolute_error,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
    mean_squared_error,
    mean_tweedie_deviance,
)
from sklearn.model_selection import GridSearchCV, KFold, cross_validate
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from sklearn_erm import ERMClassifier, ERMRegressor, risk, risk_scorer
from sklearn_erm.losses import LOSSES, Huber, MultiQuantile, Quantile, Softmax, SquaredError
from sklearn_erm.penalties import MultiTaskLasso

from .fits import CLASSIFICATION, MARGIN, NAMES, make, make_data

WEIGHT = np.random.default_rng(5).integers(0, 4, 60).astype(float)

# -- our own models ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_risk_of_a_fit_is_its_risk(name, n_classes):
    """On the data of the fit under its own loss: with weights and offset, for two classes and three."""
    X, y = make_data(name, n_classes=n_classes)
    model = make(name, tol=1e-6)
    many = name in CLASSIFICATION and n_classes > 2
    offset = 0.3 * np.random.default_rng(2).normal(size=(60, 3) if many else 60)
    for weight, shift in ((None, None), (WEIGHT, None), (WEIGHT, offset)):
        model.fit(X, y, weight, shift)
        np.testing.assert_allclose(risk(model, X, y, sample_weight=weight, offset=shift), model.risk_, rtol=1e-9)
        np.testing.assert_allclose(risk(model, X, y, name, sample_weight=weight, offset=shift), model.risk_, rtol=1e-9)
        score = risk_scorer()(model, X, y, sample_weight=weight, offset=shift)
        np.testing.assert_allclose(score, -model.risk_, rtol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        ERMClassifier(Softmax(), alpha=0.1),
        ERMClassifier("hinge", "l2_norm", alpha=0.01),
        ERMRegressor(MultiQuantile(), alpha=0.1),
        ERMRegressor(Quantile(0.2), alpha=0.1),
    ],
    ids=["softmax of two", "coupled", "several quantiles", "instance"],
)
def test_other_forms(model):
    X, y = make_data("log_loss" if isinstance(model, ERMClassifier) else "huber")
    model.fit(X, y)
    np.testing.assert_allclose(risk(model, X, y), model.risk_, rtol=1e-9)


@pytest.mark.parametrize("penalty", ["l2", MultiTaskLasso()], ids=["separate", "coupled"])
@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "poisson"])
def test_several_targets(name, penalty):
    """The sum over the targets, as for the fit."""
    X, y = make_data(name)
    Y = np.column_stack([y, y[::-1]])
    model = ERMRegressor(name, penalty, 0.1).fit(X, Y)
    np.testing.assert_allclose(risk(model, X, Y), model.risk_, rtol=1e-9)


# -- other models -----------------------------------------------------------------------------------------------------


def labels(n_classes, kind="int"):
    X, y = make_data("log_loss", n_classes=n_classes)
    return X, np.array(["ham", "jam", "spam"])[y] if kind == "str" else y


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("kind", ["int", "str"])
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize(
    "model",
    [
        LogisticRegression(),
        GaussianNB(),
        RandomForestClassifier(n_estimators=20, max_depth=2, random_state=0),
        DummyClassifier(),
        make_pipeline(StandardScaler(), LogisticRegression()),
        GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]}, cv=3),
    ],
    ids=lambda model: type(model).__name__,
)
def test_log_loss_is_that_of_scikit_learn(model, n_classes, kind, weight):
    X, y = labels(n_classes, kind)
    model = clone(model).fit(X, y)
    expected = log_loss(y, model.predict_proba(X), sample_weight=weight, labels=model.classes_)
    np.testing.assert_allclose(risk(model, X, y, "log_loss", sample_weight=weight), expected, rtol=1e-9)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_hinge_losses_are_those_of_scikit_learn(n_classes):
    """Whose loss for several classes is that of Crammer and Singer."""
    X, y = labels(n_classes, "str")
    model = SVC().fit(X, y)
    expected = hinge_loss(y, model.decision_function(X), sample_weight=WEIGHT, labels=model.classes_)
    loss = "hinge" if n_classes == 2 else "crammer_singer"
    np.testing.assert_allclose(risk(model, X, y, loss, sample_weight=WEIGHT), expected, rtol=1e-12)


METRICS = {
    "squared_error": (mean_squared_error, LinearRegression()),
    "absolute_error": (mean_absolute_error, make_pipeline(StandardScaler(), LinearRegression())),
    "quantile": (lambda *args, **options: mean_pinball_loss(*args, alpha=0.5, **options), DummyRegressor()),
    "poisson": (lambda *args, **options: mean_poisson_deviance(*args, **options) / 2, PoissonRegressor()),
    "gamma": (lambda *args, **options: mean_gamma_deviance(*args, **options) / 2, GammaRegressor()),
    "inverse_gaussian": (
        lambda *args, **options: mean_tweedie_deviance(*args, power=3, **options) / 2,
        GammaRegressor(),
    ),
}


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("name", METRICS)
def test_regression_metrics_are_those_of_scikit_learn(name, weight):
    metric, model = METRICS[name]
    X, y = make_data(name)
    model = clone(model).fit(X, y)
    expected = metric(y, model.predict(X), sample_weight=weight)
    np.testing.assert_allclose(risk(model, X, y, name, sample_weight=weight), expected, rtol=1e-10)
    np.testing.assert_allclose(risk(model, X, list(y), name, sample_weight=weight), expected, rtol=1e-10)


def test_the_quantile_counts():
    X, y = make_data("squared_error")
    model = LinearRegression().fit(X, y)
    expected = mean_pinball_loss(y, model.predict(X), alpha=0.2)
    np.testing.assert_allclose(risk(model, X, y, Quantile(0.2)), expected)


@pytest.mark.parametrize("name", [name for name in MARGIN if not LOSSES[name]().for_classes(3).joint])
def test_a_margin_of_probabilities_is_the_log_odds(name):
    """For two classes and for several, one against the rest, so that what is perfect costs nothing."""
    X, y = labels(3)
    model = GaussianNB().fit(X, y)
    loss = LOSSES[name]()
    p = np.clip(model.predict_proba(X), 1e-300, 1 - 1e-16)
    each = [loss.value(np.where(y == k, 1.0, -1.0), logit(p[:, k])) for k in range(3)]
    np.testing.assert_allclose(risk(model, X, y, name), np.mean(np.sum(each, axis=0)), rtol=1e-6)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", [name for name in CLASSIFICATION if name != "squared"])
def test_certainty(name, n_classes):
    """A model that is sure and right costs nothing, one that is sure and wrong the loss far out: never nan."""
    X, y = labels(n_classes)
    model = DecisionTreeClassifier().fit(X, y)
    assert risk(model, X, y, name) == 0
    assert risk(model, X, (y + 1) % n_classes, name) == np.inf


@pytest.mark.parametrize("n_classes", [4, 5])
def test_one_vs_one_scores_are_refused(n_classes):
    """They are no scores of classes; of three classes there are as many, which cannot be told."""
    X, y = make_data("hinge", n_classes=n_classes)
    with pytest.raises(ValueError, match="decision_function"):
        risk(SVC(decision_function_shape="ovo").fit(X, y), X, y, "hinge")


def test_what_has_weight_zero_is_absent():
    """Labels that the model does not know, and targets out of the domain."""
    X, y = labels(3)
    model = LogisticRegression().fit(X[y < 2], y[y < 2])
    np.testing.assert_allclose(
        risk(model, X, y, "log_loss", sample_weight=y < 2), risk(model, X[y < 2], y[y < 2], "log_loss")
    )
    X, y = make_data("poisson")
    model = PoissonRegressor().fit(X, y)
    wrong = np.where(np.arange(60) % 5 == 0, -1.0, y)
    here = wrong >= 0
    np.testing.assert_allclose(
        risk(model, X, wrong, "poisson", sample_weight=here), risk(model, X[here], y[here], "poisson")
    )


# -- mistakes ---------------------------------------------------------------------------------------------------------


def fitted(model):
    X, y = make_data("log_loss" if is_classifier(model) else "squared_error")
    return model.fit(X, y), X, y


@pytest.mark.parametrize(
    "model, change, loss, message",
    [
        (LogisticRegression(), lambda y: np.where(y == 1, 7, y), "log_loss", r"y holds the label .*7"),
        (LogisticRegression(), lambda y: y.astype(str), "log_loss", "y holds the label"),
        (LogisticRegression(), lambda y: y, "squared_error", r"risk\(loss='squared_error'\): this loss is for"),
        (LinearRegression(), lambda y: y, "hinge", r"risk\(loss='hinge'\): this loss is for"),
        (LinearRegression(), lambda y: y, "huger", "Did you mean 'huber'"),
        (LinearRegression(), lambda y: y, SquaredError, "is a class; pass an instance"),
        (LinearRegression(), lambda y: y, Huber(scale="mad"), "found by fitting; give it a number"),
        (LinearRegression(), lambda y: y, Quantile(2.0), "quantile"),
        (LinearRegression(), lambda y: y, None, "has no attribute loss_"),
        (LinearRegression(), np.abs, "poisson", "needs positive predictions, but the least one is -"),
        (LinearRegression(), lambda y: y, "poisson", "needs a y in its domain"),
        (LinearRegression(), lambda y: y[:-1], "squared_error", "inconsistent numbers"),
        (LinearRegression(), lambda y: np.column_stack([y, y]), "squared_error", "y"),
        (LinearRegression(), lambda y: np.where(y > 0, np.nan, y), "squared_error", "NaN"),
    ],
)
def test_mistakes(model, change, loss, message):
    """Named, with the cure where there is one."""
    model, X, y = fitted(clone(model))
    with pytest.raises((ValueError, TypeError), match=message):
        risk(model, X, change(y), loss)


def test_more_mistakes():
    model, X, y = fitted(LinearRegression())
    with pytest.raises(ValueError, match="sample_weight must be"):
        risk(model, X, y, "squared_error", sample_weight=np.ones(3))
    with pytest.raises(ValueError, match="zero for every row"):
        risk(model, X, y, "squared_error", sample_weight=np.zeros(60))
    with pytest.raises(TypeError, match="offset"):
        risk(model, X, y, "squared_error", offset=np.zeros(60))
    for unfitted in (ERMRegressor(), ERMClassifier()):
        with pytest.raises(NotFittedError):
            risk(unfitted, X, y > 0, "hinge" if isinstance(unfitted, ERMClassifier) else "squared_error")


# -- as a scorer ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["hinge", "log_loss", "squared"])
def test_searches_and_cross_validation(name):
    X, y = labels(2, "str")
    model = make_pipeline(StandardScaler(), LogisticRegression())
    folds = KFold(4, shuffle=True, random_state=0)
    scores = cross_validate(model, X, y, cv=folds, scoring={"risk": risk_scorer(name), "accuracy": "accuracy"})
    expected = [-risk(clone(model).fit(X[a], y[a]), X[b], y[b], name) for a, b in folds.split(X)]
    np.testing.assert_allclose(scores["test_risk"], expected)
    grid = GridSearchCV(model, {"logisticregression__C": [1e-3, 1.0]}, cv=folds, scoring=risk_scorer(name)).fit(X, y)
    np.testing.assert_allclose(grid.cv_results_["mean_test_score"][1], np.mean(expected))
    assert grid.score(X, y) == -risk(grid, X, y, name)


def test_routing():
    """Weights and offsets reach the scorer where it asks for them, and only there."""
    X, y = make_data("poisson")
    offset = 0.3 * np.random.default_rng(2).normal(size=60)
    with sklearn.config_context(enable_metadata_routing=True):
        model = ERMRegressor("poisson", alpha=0.1).set_fit_request(sample_weight=True, offset=True)
        scorer = risk_scorer("poisson").set_score_request(sample_weight=True, offset=True)
        folds, params = KFold(3), {"sample_weight": WEIGHT, "offset": offset}
        scores = cross_validate(model, X, y, cv=folds, scoring=scorer, params=params)["test_score"]
        plain = cross_validate(
            model,
            X,
            y,
            cv=folds,
            scoring=risk_scorer("poisson").set_score_request(sample_weight=False, offset=False),
            params=params,
        )["test_score"]
    for k, (a, b) in enumerate(folds.split(X)):
        fit = ERMRegressor("poisson", alpha=0.1).fit(X[a], y[a], WEIGHT[a], offset[a])
        expected = risk(fit, X[b], y[b], "poisson", sample_weight=WEIGHT[b], offset=offset[b])
        np.testing.assert_allclose(scores[k], -expected)
        np.testing.assert_allclose(plain[k], -risk(fit, X[b], y[b], "poisson"))


def test_scorers_are_cloned_and_shown():
    scorer = risk_scorer(Quantile(0.2))
    assert clone(scorer).loss.quantile == 0.2
    assert "Quantile" in repr(scorer)


def test_one_of_several_scorers_with_weights():
    X, y = make_data("squared_error")
    weight = np.random.default_rng(0).uniform(0.5, 2.0, len(y))
    scoring = {"risk": risk_scorer("huber"), "r2": "r2"}
    search = GridSearchCV(ERMRegressor(), {"alpha": [1.0, 0.1]}, scoring=scoring, refit="risk")
    search.fit(X, y, sample_weight=weight)
    assert np.all(search.cv_results_["mean_test_risk"] < 0)
