"""Several scores per sample: quantiles at once, all classes in one problem, penalties that couple outputs."""

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_digits, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import d2_pinball_score
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import CrammerSinger, Hinge, MultiQuantile, Quantile
from sklearn_erm.penalties import GroupLasso, MultiTaskLasso, Nuclear

LEVELS = (0.1, 0.3, 0.5, 0.7, 0.9)


@pytest.fixture(scope="module")
def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y / y.std()


# -- several quantiles ------------------------------------------------------------------------------------------------


def test_several_quantiles_are_those_of_each(diabetes):
    X, y = diabetes
    model = ERMRegressor(MultiQuantile(LEVELS), "l2", alpha=0.01, tol=1e-9).fit(X, y)
    assert model.coef_.shape == (5, 10)
    assert model.intercept_.shape == (5,)
    assert model.predict(X).shape == (len(y), 5)
    each = [ERMRegressor(Quantile(level), "l2", alpha=0.01, tol=1e-9).fit(X, y) for level in LEVELS]
    assert model.objective_ == pytest.approx(sum(one.objective_ for one in each), rel=1e-8)
    np.testing.assert_allclose(model.coef_, [one.coef_ for one in each], atol=1e-3)
    score = np.mean([d2_pinball_score(y, p, alpha=q) for p, q in zip(model.predict(X).T, LEVELS, strict=True)])
    assert model.score(X, y) == pytest.approx(score)


@pytest.mark.parametrize("penalty", ["l2", "l1", None])
def test_quantiles_need_not_cross(diabetes, penalty):
    X, y = diabetes
    crossing = ERMRegressor(MultiQuantile(LEVELS), penalty, alpha=0.01).fit(X, y)
    ordered = ERMRegressor(MultiQuantile(LEVELS, non_crossing=True), penalty, alpha=0.01).fit(X, y)
    assert np.diff(crossing.predict(X), axis=1).min() < -1e-2
    assert np.diff(ordered.predict(X), axis=1).min() >= -1e-8
    assert ordered.objective_ >= crossing.objective_ * (1 - 1e-6)
    # a mixture with the constant quantiles, far enough, does not cross either: the order costs no more than that
    for share in np.linspace(0, 1, 21):
        coef, intercept = (
            (1 - share) * crossing.coef_,
            (1 - share) * crossing.intercept_ + share * np.quantile(y, LEVELS),
        )
        if np.diff(X @ coef.T + intercept, axis=1).min() >= 0:
            break
    norm = {"l2": 0.5 * np.sum(coef**2), "l1": np.abs(coef).sum(), None: 0.0}[penalty]
    feasible = MultiQuantile(LEVELS).value(y, X @ coef.T + intercept).mean() + 0.01 * norm
    assert ordered.objective_ <= feasible * (1 + 1e-6)


def test_quantiles_in_a_grid_and_their_errors(diabetes):
    X, y = diabetes
    grid = {"loss": [MultiQuantile((0.2, 0.8)), MultiQuantile((0.2, 0.8), True)], "penalty": ["l2", "l1", "nuclear"]}
    search = GridSearchCV(ERMRegressor(alpha=0.01), grid, error_score="raise", cv=3).fit(X, y)
    assert np.all(search.cv_results_["mean_test_score"] > 0)
    model = clone(search.best_estimator_).set_params(loss__quantiles=[0.1, 0.9])
    assert model.fit(X, y, sample_weight=np.arange(len(y)) % 3).coef_.shape == (2, 10)
    with pytest.raises(ValueError, match=r"one target.*y has shape \(442, 2\)"):
        model.fit(X, np.column_stack([y, y]))
    with pytest.raises(ValueError, match=r"offset must be one number or have the shape of the scores, \(442, 2\)"):
        model.fit(X, y, offset=y)
    shifted = model.set_params(tol=1e-9).fit(X, y, offset=np.ones((442, 2)))
    np.testing.assert_allclose(shifted.intercept_, model.fit(X, y).intercept_ - 1, atol=1e-3)


# -- Crammer and Singer ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("load, rows", [(load_iris, None), (load_wine, None), (load_digits, 300)])
@pytest.mark.parametrize("C", [0.05, 1.0])
def test_crammer_singer_is_liblinears(load, rows, C):
    X, y = load(return_X_y=True)
    X, y = X[:rows] / np.maximum(X[:rows].std(axis=0), 1.0), y[:rows]
    ours = ERMClassifier("crammer_singer", "l2", alpha=1 / (C * len(y)), fit_intercept=False, tol=1e-8).fit(X, y)
    theirs = LinearSVC(C=C, multi_class="crammer_singer", fit_intercept=False, tol=1e-9, max_iter=10**5)
    with warnings.catch_warnings():  # liblinear's own, which comes before its tol does
        warnings.simplefilter("ignore", ConvergenceWarning)
        theirs.fit(X, y)

    def objective(W):
        return CrammerSinger().value(y, X @ W.T).mean() + 0.5 * np.sum(W**2) / (C * len(y))

    assert ours.objective_ == pytest.approx(objective(ours.coef_), rel=1e-10)
    assert objective(ours.coef_) <= objective(theirs.coef_) * (1 + 1e-7)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-3 * np.abs(theirs.coef_).max())
    assert np.mean(ours.predict(X) == theirs.predict(X)) > 0.98


def test_crammer_singer_for_two_classes_is_the_hinge():
    X, y = load_wine(return_X_y=True)
    X, y = StandardScaler().fit_transform(X[y < 2]), y[y < 2]
    joint, hinge = ERMClassifier("crammer_singer", alpha=0.1).fit(X, y), ERMClassifier("hinge", alpha=0.1).fit(X, y)
    assert isinstance(joint.loss_, Hinge)
    np.testing.assert_array_equal(joint.coef_, hinge.coef_)


# -- penalties that couple outputs ------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", ["hinge", "squared", "log_loss"])
def test_classes_share_features(loss):
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    shared = ERMClassifier(loss, "multi_task_lasso", alpha=0.1).fit(X, y)
    used = shared.coef_ != 0
    assert 0 < used.any(axis=0).sum() < X.shape[1]
    assert not isinstance(shared.result_, list)
    if loss == "squared":
        # stationarity, by hand: every feature's gradient across classes is against alpha times its unit row
        targets = 2.0 * (y[:, None] == np.arange(3)) - 1
        residual = X @ shared.coef_.T + shared.intercept_ - targets
        gradient = 2 * (X - X.mean(axis=0)).T @ residual / len(y)
        rows = shared.coef_.T
        norms = np.linalg.norm(rows, axis=1, keepdims=True)
        kept = norms[:, 0] > 0
        np.testing.assert_allclose(gradient[kept], -0.1 * (rows / np.maximum(norms, 1e-300))[kept], atol=1e-3)
        assert np.all(np.linalg.norm(gradient[~kept], axis=1) <= 0.1 * (1 + 1e-6))
        np.testing.assert_array_equal(used[0], kept)


def test_groups_across_targets(diabetes):
    X, y = diabetes
    Y = np.column_stack([y, y**2 / y.std(), np.roll(y, 3)])
    groups = [0, 0, 1, 1, 2, 2, 2, 3, 3, 3]
    model = ERMRegressor("squared_error", GroupLasso(groups, multi_task=True), alpha=0.3).fit(X, Y)
    kept = np.any(model.coef_ != 0, axis=0)
    for group in range(4):
        assert len(set(kept[np.equal(groups, group)])) == 1
    single = ERMRegressor("squared_error", MultiTaskLasso(), alpha=0.3).fit(X, Y)
    np.testing.assert_array_equal(single.coef_ != 0, np.broadcast_to(np.any(single.coef_ != 0, axis=0), (3, 10)))


def test_the_nuclear_norm_finds_a_low_rank():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 12))
    Y = X @ rng.normal(size=(12, 2)) @ rng.normal(size=(2, 8)) + 0.1 * rng.normal(size=(300, 8))
    model = ERMRegressor("squared_error", Nuclear(), alpha=0.3).fit(X, Y)
    assert np.linalg.matrix_rank(model.coef_, tol=1e-8) == 2
    assert model.duality_gap_ <= 1e-6


def test_limits_hold_for_every_class():
    X, y = load_iris(return_X_y=True)
    model = ERMClassifier("log_loss", "l1", alpha=0.01, bounds=(-0.5, np.array([1.0, 0.2, 1.0, 0.7]))).fit(X, y)
    assert model.coef_.shape == (3, 4)
    assert model.coef_.min() >= -0.5
    assert np.all(model.coef_.max(axis=0) <= [1.0, 0.2, 1.0, 0.7])
    assert model.multipliers_["bounds"].shape == (3, 4)
    assert not hasattr(model.set_params(bounds=None).fit(X, y), "multipliers_")


def test_a_limit_of_iterations_keeps_what_was_found():
    X, y = load_iris(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=r"iteration limit.*raise max_iter") as caught:
        model = ERMClassifier("hinge", "slope", alpha=0.01, bounds=(-1, 1), max_iter=1).fit(X, y)
    assert len(caught) == 1
    assert np.all(np.isfinite(model.coef_))
    assert model.multipliers_["bounds"].shape == (3, 4)
