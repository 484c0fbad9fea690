"""The cross-validating estimators: the table of GridSearchCV, the choice made from it, and scikit-learn's manners."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from joblib import parallel_config
from scipy import sparse
from sklearn.base import clone
from sklearn.linear_model import LassoCV
from sklearn.metrics import make_scorer, mean_absolute_error
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, LeaveOneOut, StratifiedKFold
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, risk_scorer
from sklearn_erm.losses import Huber, Quantile
from sklearn_erm.penalties import L1

from .fits import NAMES, REGRESSION, make_data
from .own_classes import LinEx

TOL = 1e-12
N = 36
ALPHAS = [0.3, 0.05]
WEIGHT = np.random.default_rng(5).uniform(0.2, 2.0, N)
GROUPS = np.arange(N) % 7


def searching(name, penalty="l2", **params):
    """The cross-validating estimator for a loss: few alphas, three folds."""
    estimator = ERMRegressorCV if name in REGRESSION else ERMClassifierCV
    return estimator(name, penalty, **{"alphas": ALPHAS, "cv": 3, "tol": TOL, **params})


def table_of_a_grid_search(model, grid, X, y, weight=None, offset=None, groups=None, scorer=None, cv=3):
    """The scores of the splits that GridSearchCV finds with the plain estimator, one row per candidate."""
    given = {"sample_weight": weight, "offset": offset, "groups": groups}
    given = {name: value for name, value in given.items() if value is not None}
    asked = {name: True for name in given if name != "groups"}
    with sklearn.config_context(enable_metadata_routing=True):
        if asked:
            model = clone(model).set_fit_request(**asked)
            known = asked if scorer is None or hasattr(scorer, "loss") else {"sample_weight": True}
            scorer = (risk_scorer() if scorer is None else scorer).set_score_request(**known)
        scorer = risk_scorer() if scorer is None else scorer
        search = GridSearchCV(model, grid, scoring=scorer, cv=cv, refit=False, error_score="raise").fit(X, y, **given)
    found = search.cv_results_
    return np.column_stack([found[f"split{k}_test_score"] for k in range(search.n_splits_)]), found["params"]


def table(model):
    """The scores of the splits, one row per candidate."""
    return np.column_stack([model.cv_results_[f"split{k}_test_score"] for k in range(model.n_splits_)])


# -- the table --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_the_table_is_that_of_a_grid_search(name, n_classes):
    """Under every loss: weighted, with an offset, scored by its own risk."""
    if n_classes > 2 and name in REGRESSION:
        pytest.skip("the same")
    X, y = make_data(name, N, n_classes=n_classes)
    offset = 0.3 * np.random.default_rng(2).normal(size=N if n_classes == 2 else (N, 3))
    plain = (ERMRegressor if name in REGRESSION else ERMClassifier)(name, tol=TOL)
    model = searching(name).fit(X, y, WEIGHT, offset)
    expected, _ = table_of_a_grid_search(plain, {"alpha": ALPHAS}, X, y, WEIGHT, offset)
    np.testing.assert_allclose(table(model), expected, atol=1e-6)


@pytest.mark.parametrize("scoring", ["r2", "neg_mean_absolute_error"])
def test_metrics(scoring):
    X, y = make_data("huber", N)
    model = searching("huber", "l1", scoring=scoring).fit(X, y)
    plain = GridSearchCV(ERMRegressor("huber", "l1", tol=TOL), {"alpha": ALPHAS}, scoring=scoring, cv=3).fit(X, y)
    expected = np.column_stack([plain.cv_results_[f"split{k}_test_score"] for k in range(3)])
    np.testing.assert_allclose(table(model), expected, atol=1e-6)
    assert model.alpha_ == plain.best_params_["alpha"]
    np.testing.assert_allclose(model.coef_, plain.best_estimator_.coef_, atol=1e-6)


SPLITS = {
    "integer": 4,
    "none": None,
    "k-fold": KFold(3, shuffle=True, random_state=0),
    "stratified": StratifiedKFold(3, shuffle=True, random_state=0),
    "groups": GroupKFold(3),
    "list": list(KFold(3).split(np.zeros((N, 1)))),
    "leave one out": LeaveOneOut(),
}


@pytest.mark.parametrize("how", SPLITS)
def test_splits(how):
    """Any that GridSearchCV takes, groups among them, on sparse data too."""
    X, y = make_data("hinge", n=18 if how == "leave one out" else N)
    groups = GROUPS if how == "groups" else None
    given = {} if groups is None else {"groups": groups}
    model = searching("hinge", cv=SPLITS[how]).fit(X, y, **given)
    grid = {"alpha": ALPHAS}
    expected, _ = table_of_a_grid_search(ERMClassifier("hinge", tol=TOL), grid, X, y, groups=groups, cv=SPLITS[how])
    np.testing.assert_allclose(table(model), expected, atol=1e-6)
    other = searching("hinge", cv=SPLITS[how]).fit(sparse.csc_array(X), y, **given)
    np.testing.assert_allclose(table(other), expected, atol=1e-6)


@pytest.mark.parametrize("routing", [False, True])
def test_splits_from_a_generator(routing):
    X, y = make_data("squared_error", N)
    with sklearn.config_context(enable_metadata_routing=routing):
        scoring = risk_scorer().set_score_request(sample_weight=True) if routing else None
        model = searching("squared_error", cv=KFold(4).split(X), scoring=scoring).fit(X, y, sample_weight=WEIGHT)
    assert model.n_splits_ == 4


def test_combinations():
    """Losses, penalties and shares of the lasso: a row for each with each alpha, in that order."""
    X, y = make_data("huber", N)
    losses, penalties = ["huber", Quantile(0.4)], ["l2", "elasticnet", L1(weights=[0, 1, 2, 1, 1])]
    scoring = make_scorer(mean_absolute_error, greater_is_better=False)
    model = ERMRegressorCV(losses, penalties, alphas=ALPHAS, l1_ratio=[0.2, 0.9], cv=3, scoring=scoring, tol=TOL)
    model.fit(X, y)
    grid = [
        {"loss": [loss], "penalty": [penalty], "l1_ratio": shares, "alpha": ALPHAS}
        for loss in losses
        for penalty, shares in zip(penalties, ([None], [0.2, 0.9], [None]), strict=True)
    ]
    expected, params = table_of_a_grid_search(ERMRegressor(tol=TOL), grid, X, y, scorer=scoring)
    order = [(str(p["loss"]), str(p["penalty"]), p["l1_ratio"], p["alpha"]) for p in params]
    found = model.cv_results_
    rows = [
        (str(loss), str(penalty), share, alpha)
        for loss, penalty, share, alpha in zip(
            *(found[f"param_{name}"] for name in ("loss", "penalty", "l1_ratio", "alpha")), strict=True
        )
    ]
    assert ({*rows}, len(rows)) == ({*order}, len(order))
    np.testing.assert_allclose(table(model), expected[[order.index(row) for row in rows]], atol=1e-6)
    np.testing.assert_array_equal(found["combination"], np.repeat(np.arange(8), 2))
    best = model.best_index_
    assert found["rank_test_score"][best] == 1
    assert model.alpha_ == found["param_alpha"][best]
    assert model.l1_ratio_ == found["param_l1_ratio"][best]
    assert len(model.alphas_) == 8
    assert pd.DataFrame(found).shape == (16, 5 + 3 + 4)
    refitted = ERMRegressor(
        found["param_loss"][best], found["param_penalty"][best], model.alpha_, l1_ratio=model.l1_ratio_, tol=TOL
    ).fit(X, y)
    np.testing.assert_allclose(model.coef_, refitted.coef_, atol=1e-6)
    assert str(model.penalty_) == str(refitted.penalty_)


def test_figures_of_the_table():
    """Means, deviations, standard errors and ranks, by hand."""
    X, y = make_data("log_loss", N)
    model = searching("log_loss", "l1", alphas=6).fit(X, y)
    scores, found = table(model), model.cv_results_
    np.testing.assert_allclose(found["mean_test_score"], scores.mean(axis=1))
    np.testing.assert_allclose(found["std_test_score"], scores.std(axis=1))
    np.testing.assert_allclose(found["se_test_score"], scores.std(axis=1, ddof=1) / np.sqrt(3))
    rank = [1 + np.sum(scores.mean(axis=1) > mean) for mean in scores.mean(axis=1)]
    np.testing.assert_array_equal(found["rank_test_score"], rank)
    assert model.best_index_ == np.argmax(scores.mean(axis=1))
    assert model.best_score_ == found["mean_test_score"][model.best_index_]
    np.testing.assert_array_equal(model.alphas_, found["param_alpha"])


@pytest.mark.parametrize("seed", range(3))
def test_the_largest_alpha_within_one_standard_error(seed):
    """Of the same penalty as the best, though another has larger alphas that are as good."""
    X, y = make_data("squared_error", N, seed=seed)
    options = {"alphas": 60, "cv": 5, "tol": 1e-8}
    usual = searching("squared_error", ["l2", "l1"], **options).fit(X, y)
    model = searching("squared_error", ["l2", "l1"], selection="1se", **options).fit(X, y)
    found, best = usual.cv_results_, usual.best_index_
    near = found["mean_test_score"] >= found["mean_test_score"][best] - found["se_test_score"][best]
    same = found["combination"] == found["combination"][best]
    assert model.alpha_ == found["param_alpha"][same & near].max() > usual.alpha_
    assert type(model.penalty_) is type(usual.penalty_)
    assert model.best_score_ == model.cv_results_["mean_test_score"][model.best_index_]


def test_the_lasso_of_scikit_learn():
    X, y = make_data("squared_error", N)
    lasso = LassoCV(alphas=np.array(ALPHAS) / 2, cv=4, tol=1e-10).fit(X, y)
    model = searching("squared_error", "l1", cv=4).fit(X, y)
    np.testing.assert_allclose(-table(model), lasso.mse_path_, rtol=1e-6)
    np.testing.assert_allclose(model.alpha_, 2 * lasso.alpha_)


@pytest.mark.parametrize("jobs", [2])
def test_jobs_and_own_losses(jobs):
    """Processes change nothing, whatever they have to be sent."""
    X, y = make_data("squared_error", N)
    options = {"alphas": ALPHAS, "cv": 3, "scoring": "r2"}
    one = ERMRegressorCV([Huber(0.3), "huber"], **options).fit(X, y)
    two = ERMRegressorCV([Huber(0.3), "huber"], **options, n_jobs=jobs).fit(X, y)
    np.testing.assert_array_equal(table(one), table(two))
    own = ERMRegressorCV([LinEx(0.3), "huber"], **options).fit(X, y)
    with parallel_config("threading"):  # processes could not import a class of the tests
        threads = ERMRegressorCV([LinEx(0.3), "huber"], **options, n_jobs=jobs).fit(X, y)
    np.testing.assert_array_equal(table(own), table(threads))


def test_a_balanced_class_weight_is_that_of_each_fold():
    X, y = make_data("log_loss", N, n_classes=3)
    y = np.where(np.arange(N) % 4 > 0, 0, y)
    model = searching("log_loss", class_weight="balanced").fit(X, y)
    plain = ERMClassifier("log_loss", class_weight="balanced", tol=TOL)
    np.testing.assert_allclose(table(model), table_of_a_grid_search(plain, {"alpha": ALPHAS}, X, y)[0], atol=1e-6)


@pytest.mark.parametrize("kind", ["str", "bool", "object"])
def test_labels(kind):
    X, y = make_data("hinge", N)
    names = {"str": np.array(["no", "yes"])[y], "bool": y == 1, "object": np.array(["no", "yes"], dtype=object)[y]}[
        kind
    ]
    model, other = searching("hinge").fit(X, names), searching("hinge").fit(X, y)
    np.testing.assert_allclose(table(model), table(other))
    assert set(model.predict(X)) <= set(names)
    np.testing.assert_array_equal(model.classes_, np.unique(names))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames(frame):
    X, y = make_data("squared_error", N)
    names = [f"feature {j}" for j in range(5)]
    model = searching("squared_error").fit(frame(dict(zip(names, X.T, strict=True))), pd.Series(y))
    if hasattr(StandardScaler().fit(frame(dict(zip(names, X.T, strict=True)))), "feature_names_in_"):
        np.testing.assert_array_equal(model.feature_names_in_, names)  # old scikit-learn knows no names of new polars
    np.testing.assert_allclose(table(model), table(searching("squared_error").fit(X, y)))
    model.predict(frame(dict(zip(names, X.T, strict=True))))


def test_several_targets():
    X, y = make_data("squared_error", N)
    Y = np.column_stack([y, y[::-1]])
    model = searching("squared_error", "multi_task_lasso").fit(X, Y)
    plain = ERMRegressor("squared_error", "multi_task_lasso", tol=TOL)
    np.testing.assert_allclose(table(model), table_of_a_grid_search(plain, {"alpha": ALPHAS}, X, Y)[0], atol=1e-6)
    np.testing.assert_allclose(
        table(searching("squared_error", "multi_task_lasso").fit(X, sparse.csr_array(Y))), table(model)
    )


def test_a_scorer_sees_the_model():
    """One that asks for predictions at other points than those held out gets them."""

    def backwards(estimator, X, y):
        return -float(np.mean((estimator.predict(X[:, ::-1]) - y) ** 2))

    X, y = make_data("squared_error", N)
    model = searching("squared_error", scoring=backwards).fit(X, y)
    grid = {"alpha": ALPHAS}
    plain = GridSearchCV(ERMRegressor(tol=TOL), grid, scoring=backwards, cv=3).fit(X, y)
    np.testing.assert_allclose(model.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], atol=1e-6)


# -- hard data --------------------------------------------------------------------------------------------------------


def test_a_class_of_weight_zero_is_absent():
    X, y = make_data("log_loss", N, n_classes=3)
    model = searching("log_loss", cv=KFold(3)).fit(X, y, sample_weight=(y < 2).astype(float))
    np.testing.assert_array_equal(model.classes_, [0, 1])


def test_a_fold_without_a_class_is_named():
    X, y = make_data("log_loss", N, n_classes=3)
    order = np.argsort(y)
    with pytest.raises(ValueError, match=r"label .*0.*(fold|split|cv)"):
        searching("log_loss", cv=KFold(3)).fit(X[order], y[order])


def test_scores_that_are_missing_rank_last():
    """As in GridSearchCV."""

    def partly(estimator, X, y):
        return np.nan if estimator.alpha < 0.06 else estimator.score(X, y)

    X, y = make_data("squared_error", N)
    model = searching("squared_error", scoring=partly).fit(X, y)
    assert model.cv_results_["rank_test_score"].tolist() == [1, 2]


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "hinge", "log_loss"])
def test_a_wide_table_with_a_constant_column(name):
    rng = np.random.default_rng(0)
    X, y = make_data(name, N)
    X = np.column_stack([X[:24], np.ones(24), rng.normal(size=(24, 40))])
    for penalty in ("l2", "l1"):
        model = searching(name, penalty, alphas=5, tol=1e-6).fit(X, y[:24])
        assert np.all(np.isfinite(table(model)))
        np.testing.assert_allclose(model.coef_.ravel()[5], 0, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-6, 1e6])
@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "hinge", "log_loss", "poisson"])
def test_units_of_the_features(name, scale):
    """The grid follows the unit of X, and the scores stay."""
    X, y = make_data(name, N)
    for penalty in ("l1", "l2"):
        model = searching(name, penalty, alphas=4, tol=1e-8).fit(X, y)
        other = searching(name, penalty, alphas=4, tol=1e-8).fit(scale * X, y)
        np.testing.assert_allclose(other.alphas_, model.alphas_ * scale ** (1 if penalty == "l1" else 2), rtol=1e-6)
        np.testing.assert_allclose(table(other)[1:], table(model)[1:], rtol=1e-3)
