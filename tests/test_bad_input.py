"""Bad input: an error that names the culprit and the cure, before any work; extreme input: a right answer or a word."""

import warnings
from decimal import Decimal

import numpy as np
import pytest
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning, NotFittedError

import sklearn_erm.estimators.base
from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor
from sklearn_erm.losses import LOSSES, EpsilonInsensitive, Hinge, Huber, Poisson, Quantile
from sklearn_erm.penalties import L1, ElasticNet, GroupLasso

N, P = 12, 3
X = np.random.default_rng(0).normal(size=(N, P))
LABELS = np.arange(N) % 2
LABELS3 = np.arange(N) % 3
REAL = X[:, 0] + 0.1 * np.arange(N)


def with_entry(array, index, value):
    array = np.array(array, dtype=float)
    array[index] = value
    return array


def parameter(estimator, pattern, error=ValueError, **params):
    """An estimator whose parameters alone are wrong: fit must not look at the data."""
    return pytest.param(estimator(**params), pattern, error, id=f"{estimator.__name__}, {params}"[:80])


BOTH = [ERMClassifier, ERMRegressor]
WRONG_PARAMETERS = [
    parameter(ERMClassifier, r"loss='hing'.*unknown loss. Did you mean 'hinge'", loss="hing"),
    parameter(ERMClassifier, r"Did you mean 'log_loss'", loss="logloss"),
    parameter(ERMClassifier, r"Did you mean 'squared_hinge'.*Known names: 'squared', 'hinge'", loss="Squared Hinge"),
    parameter(ERMClassifier, r"unknown loss. Known names: ", loss="zzz"),
    parameter(ERMClassifier, r"unknown loss. Known names: ", loss=None),
    parameter(ERMRegressor, r"Did you mean 'huber'", loss="hubber"),
    parameter(ERMClassifier, r"loss='huber'\): this loss is for ERMRegressor", loss="huber"),
    parameter(ERMClassifier, r"loss=Poisson\(\)\): this loss is for ERMRegressor", loss=Poisson()),
    parameter(ERMRegressor, r"loss='hinge'\): this loss is for ERMClassifier", loss="hinge"),
    parameter(ERMRegressor, r"loss=Hinge\(\)\): this loss is for ERMClassifier. Losses .*'poisson'", loss=Hinge()),
    parameter(ERMRegressor, r"Huber is a class; pass an instance, loss=Huber\(", TypeError, loss=Huber),
    parameter(ERMRegressor, r"name or an instance from sklearn_erm.losses, got int", TypeError, loss=3),
    parameter(ERMRegressor, r"Huber\(delta=-1\): delta must lie in \(0, inf\)", loss=Huber(delta=-1)),
    parameter(ERMRegressor, r"Quantile\(quantile=1.0\): quantile must lie in \(0, 1\)", loss=Quantile(1.0)),
    parameter(ERMRegressor, r"epsilon='a'.*must be a real number", TypeError, loss=EpsilonInsensitive("a")),
    *(
        case
        for estimator in BOTH
        for case in [
            parameter(estimator, r"penalty='lasso'.*unknown penalty.*Known names: None, 'l2'", penalty="lasso"),
            parameter(estimator, r"Did you mean 'elasticnet'", penalty="elastic_net"),
            parameter(estimator, r"Did you mean 'group_lasso'", penalty="grouplasso"),
            parameter(estimator, r"L1 is a class; pass an instance, penalty=L1\(", TypeError, penalty=L1),
            parameter(estimator, r"alpha=-1\): alpha must lie in \[0, inf\)", alpha=-1),
            parameter(estimator, r"alpha=nan\): alpha must lie in", alpha=np.nan),
            parameter(estimator, r"alpha=inf\): alpha must lie in", alpha=np.inf),
            parameter(estimator, r"alpha must be a real number, got bool", TypeError, alpha=True),
            parameter(estimator, r"alpha must be a real number, got NoneType", TypeError, alpha=None),
            parameter(estimator, r"alpha must be a real number, got Decimal", TypeError, alpha=Decimal(1)),
            parameter(estimator, r"alpha must be a real number, got ndarray", TypeError, alpha=np.ones(2)),
            parameter(estimator, r"l1_ratio=1.5\): l1_ratio must lie in \[0, 1\]", l1_ratio=1.5),
            parameter(estimator, r"l1_ratio=-0.1\): l1_ratio must lie in \[0, 1\]", l1_ratio=-0.1),
            parameter(estimator, r"tol=0\): tol must lie in \(0, inf\)", tol=0),
            parameter(estimator, r"tol must be a real number, got str", TypeError, tol="1e-3"),
            parameter(estimator, r"max_iter=0\): max_iter must be at least 1", max_iter=0),
            parameter(estimator, r"max_iter must be an integer, got float", TypeError, max_iter=1e3),
            parameter(estimator, r"max_iter must be an integer, got bool", TypeError, max_iter=True),
            parameter(estimator, r"verbose=-1\): verbose must be at least 0", verbose=-1),
            parameter(estimator, r"verbose must be an integer, got str", TypeError, verbose="yes"),
            parameter(estimator, r"fit_intercept must be True or False, got int", TypeError, fit_intercept=1),
            parameter(estimator, r"warm_start must be True or False, got str", TypeError, warm_start="no"),
        ]
    ),
    parameter(ERMClassifier, r"class_weight='even'.*dict, 'balanced' or None", class_weight="even"),
    parameter(ERMClassifier, r"class_weight=2\): class_weight must be a dict", class_weight=2),
]


@pytest.mark.parametrize("estimator, pattern, error", WRONG_PARAMETERS)
def test_wrong_parameters(estimator, pattern, error):
    unlooked_at = object()
    with pytest.raises(error, match=pattern):
        estimator.fit(unlooked_at, unlooked_at)


class Unlistable:
    def __array__(self, *args, **kwargs):
        raise TypeError("no numbers here")


WRONG_DATA = {
    # penalties that must fit the number of features
    "group_lasso by name": (
        lambda: ERMRegressor(penalty="group_lasso").fit(X, REAL),
        r"GroupLasso needs groups.*penalty=GroupLasso\(groups=",
    ),
    "groups too short": (
        lambda: ERMRegressor(penalty=GroupLasso([0, 1])).fit(X, REAL),
        r"X has 3 features, but groups has 2 labels.*OneHotEncoder\(categories=",
    ),
    "L1 weights too long": (lambda: ERMRegressor(penalty=L1(np.ones(4))).fit(X, REAL), r"L1\(weights=.*shape \(3,\)"),
    "L1 weights negative": (lambda: ERMRegressor(penalty=L1([1, -1, 1])).fit(X, REAL), r"entry 1 is -1"),
    "instance's l1_ratio": (lambda: ERMRegressor(penalty=ElasticNet(2)).fit(X, REAL), r"ElasticNet\(l1_ratio=2\)"),
    # class labels
    "labels and None": (
        lambda: ERMClassifier().fit(X, np.array([None, "a"] * 6)),
        r"labels .* NoneType and str; ",
    ),
    "None after labels": (
        lambda: ERMClassifier().fit(X, np.array(["a", None] * 6)),
        r"labels .* NoneType and str; ",
    ),
    "labels in a search": (
        lambda: ERMClassifierCV().fit(X, np.array(["a", 1] * 6, dtype=object)),
        r"class labels .* int and str; they must be all strings",
    ),
    "numbers for labels": (lambda: ERMClassifier().fit(X, REAL), r"Unknown label type: continuous"),
    # X and y
    "X nan": (lambda: ERMRegressor().fit(with_entry(X, (2, 1), np.nan), REAL), r"Input X contains NaN"),
    "X inf": (lambda: ERMClassifier().fit(with_entry(X, (2, 1), np.inf), LABELS), r"Input X contains infinity"),
    "X sparse nan": (
        lambda: ERMClassifier().fit(sparse.csr_array(with_entry(X, (2, 1), np.nan)), LABELS),
        r"Input X contains NaN",
    ),
    "X one-dimensional": (lambda: ERMRegressor().fit(X[:, 0], REAL), r"Expected 2D array, got 1D array"),
    "X empty": (lambda: ERMRegressor().fit(X[:0], REAL[:0]), r"0 sample"),
    "X without columns": (lambda: ERMRegressor().fit(X[:, :0], REAL), r"0 feature"),
    "X complex": (lambda: ERMRegressor().fit(X + 1j, REAL), r"Complex data not supported"),
    "y missing": (lambda: ERMRegressor().fit(X, None), r"requires y to be passed"),
    "y nan": (lambda: ERMRegressor().fit(X, with_entry(REAL, 4, np.nan)), r"Input y contains NaN"),
    "y inf": (lambda: ERMRegressor().fit(X, with_entry(REAL, 4, np.inf)), r"Input y contains infinity"),
    "y length": (lambda: ERMRegressor().fit(X, REAL[:-1]), r"inconsistent numbers of samples"),
    "y strings": (
        lambda: ERMRegressor().fit(X, LABELS.astype(str).astype("U3") + "a"),
        r"for class labels, use",
    ),
    "labels nan": (lambda: ERMClassifier().fit(X, with_entry(LABELS, 4, np.nan)), r"Input y contains NaN"),
    "labels real": (lambda: ERMClassifier().fit(X, REAL), r"Unknown label type: continuous"),
    "labels two-dimensional": (lambda: ERMClassifier().fit(X, X > 0), r"y should be a 1d array"),
    "poisson negative": (
        lambda: ERMRegressor("poisson").fit(X, with_entry(np.ones(N), [3, 7], -2)),
        r"loss=Poisson\(\) needs a y in its domain, y >= 0, but row 3 is -2.0, row 7 is -2.0\.",
    ),
    "poisson negative, many rows": (
        lambda: ERMRegressor("poisson").fit(X, -np.ones(N)),
        r"row 4 is -1.0 and 7 more",
    ),
    "poisson negative, two targets": (
        lambda: ERMRegressor("poisson").fit(X, with_entry(np.ones((N, 2)), (5, 1), -1)),
        r"row 5 is \[ 1. -1.\]\.",
    ),
    "poisson all zero": (
        lambda: ERMRegressor("poisson").fit(X, np.zeros(N)),
        r"loss=Poisson\(\) has no minimiser on this y.*every y of positive weight is 0",
    ),
    "poisson all zero but for weight 0": (
        lambda: ERMRegressor("poisson").fit(X, with_entry(np.zeros(N), 0, 1), with_entry(np.ones(N), 0, 0)),
        r"no minimiser",
    ),
    "poisson, one target all zero": (
        lambda: ERMRegressor("poisson").fit(X, with_entry(np.ones((N, 2)), (slice(None), 1), 0)),
        r"no minimiser",
    ),
    # classes
    "one class": (
        lambda: ERMClassifier().fit(X, ["a"] * N),
        r"two classes, but there is one class in y: .*'a'",
    ),
    "one class of positive weight": (
        lambda: ERMClassifier().fit(X, LABELS, sample_weight=LABELS),
        r"one class of positive weight in y: .*1",
    ),
    "one class by class_weight": (
        lambda: ERMClassifier(class_weight={0: 0, 1: 1}).fit(X, LABELS),
        r"one class of positive weight in y: .*1",
    ),
    "no class by class_weight": (
        lambda: ERMClassifier(class_weight={0: 0, 1: 0}).fit(X, LABELS),
        r"no class of positive weight",
    ),
    "class_weight of another label": (
        lambda: ERMClassifier(class_weight={0: 1, 7: 1}).fit(X, LABELS),
        r"The classes, \[1\], are not in class_weight",
    ),
    "class_weight negative": (
        lambda: ERMClassifier(class_weight={0: -1, 1: 1}).fit(X, LABELS),
        r"be finite and >= 0",
    ),
    "class_weight nan": (lambda: ERMClassifier(class_weight={0: np.nan}).fit(X, LABELS), r"be finite and >= 0"),
    # weights
    **{
        f"sample_weight {label}, {estimator.__name__}": (
            lambda estimator=estimator, y=y, weight=weight: estimator().fit(X, y, sample_weight=weight),
            pattern,
        )
        for estimator, y in [(ERMClassifier, LABELS), (ERMRegressor, REAL)]
        for label, weight, pattern in [
            ("zero", np.zeros(N), r"sample_weight is zero for every row"),
            ("scalar zero", 0, r"sample_weight is zero for every row"),
            ("negative", with_entry(np.ones(N), [4, 6], -1), r"must be >= 0, but row 4 is -1.0, row 6 is -1.0\."),
            ("scalar negative", -1.0, r"sample_weight must be >= 0"),
            ("nan", with_entry(np.ones(N), 4, np.nan), r"sample_weight must be finite, but row 4 is nan"),
            ("inf", with_entry(np.ones(N), 4, np.inf), r"sample_weight must be finite, but row 4 is inf"),
            ("short", np.ones(N - 1), r"shape \(12,\), got shape \(11,\)"),
            ("column", np.ones((N, 1)), r"shape \(12,\), got shape \(12, 1\)"),
            ("strings", ["a"] * N, r"sample_weight must hold real numbers"),
        ]
    },
    # offset
    "offset short": (
        lambda: ERMRegressor().fit(X, REAL, offset=np.ones(3)),
        r"shape .*\(12,\), got shape \(3,\)",
    ),
    "offset a column": (lambda: ERMRegressor().fit(X, REAL, offset=np.ones((N, 1))), r"\(12,\), got shape \(12, 1\)"),
    "offset per target": (
        lambda: ERMRegressor().fit(X, np.ones((N, 2)), offset=np.ones(N)),
        r"\(12, 2\), got shape \(12,\)",
    ),
    "offset per class, log_loss": (
        lambda: ERMClassifier().fit(X, LABELS3, offset=np.ones(N)),
        r"\(12, 3\), got shape \(12,\)",
    ),
    "offset per class, one-vs-rest": (
        lambda: ERMClassifier("squared").fit(X, LABELS3, offset=np.ones((N, 2))),
        r"\(12, 3\), got shape \(12, 2\)",
    ),
    "offset of two classes": (
        lambda: ERMClassifier().fit(X, LABELS, offset=np.ones((N, 2))),
        r"\(12,\), got shape \(12, 2\)",
    ),
    "offset nan": (
        lambda: ERMRegressor().fit(X, REAL, offset=with_entry(REAL, 2, np.nan)),
        r"finite, but row 2 is nan",
    ),
    "offset strings": (lambda: ERMRegressor().fit(X, REAL, offset=["a"] * N), r"offset must hold real numbers"),
}

WRONG_PREDICTIONS = {
    "X other width": (lambda: ERMRegressor().fit(X, REAL).predict(X[:, :2]), r"X has 2 features, but .* expecting 3"),
    "X nan": (lambda: ERMRegressor().fit(X, REAL).predict(with_entry(X, 0, np.nan)), r"Input X contains NaN"),
    "offset in predict": (lambda: ERMRegressor().fit(X, REAL).predict(X, np.ones(2)), r"\(12,\), got shape \(2,\)"),
    "offset in decision_function": (
        lambda: ERMClassifier().fit(X, LABELS3).decision_function(X, np.ones(N)),
        r"\(12, 3\), got shape \(12,\)",
    ),
    "offset in predict_proba": (
        lambda: ERMClassifier().fit(X, LABELS).predict_proba(X, np.ones((N, 2))),
        r"\(12,\), got shape \(12, 2\)",
    ),
}


@pytest.mark.parametrize("case", WRONG_DATA)
def test_wrong_data(case, monkeypatch):
    def work(*args, **kwargs):
        pytest.fail("the error comes after the work")

    monkeypatch.setattr(sklearn_erm.estimators.base, "minimize", work)
    call, pattern = WRONG_DATA[case]
    with pytest.raises((TypeError, ValueError), match=pattern):
        call()


@pytest.mark.parametrize("case", WRONG_PREDICTIONS)
def test_wrong_predictions(case):
    call, pattern = WRONG_PREDICTIONS[case]
    with pytest.raises(ValueError, match=pattern):
        call()


def test_objects_that_are_no_numbers():
    for call in (
        lambda: ERMRegressor().fit(X, REAL, sample_weight=Unlistable()),
        lambda: ERMRegressor().fit(X, [None] * N),
        lambda: ERMClassifier().fit(X, [None, 1] * 6),
        lambda: ERMClassifier().fit(X, np.array([1, "a"] * 6, dtype=object)),
    ):
        with pytest.raises((TypeError, ValueError)):
            call()


@pytest.mark.parametrize("estimator, y", [(ERMClassifier, LABELS), (ERMRegressor, REAL)])
def test_a_failed_fit_leaves_nothing_behind(estimator, y):
    model = estimator()
    with pytest.raises(ValueError, match="zero for every row"):
        model.fit(X, y, sample_weight=0)
    with pytest.raises(NotFittedError):
        model.predict(X)


# -- extreme, but not wrong: a right answer or a warning, and always finite -------------------------------------------

rng = np.random.default_rng(1)
EXTREME = {
    "constant column": np.column_stack([X, np.full(N, 1e6)]),
    "only constant columns": np.ones((N, 2)),
    "zero columns": np.zeros((N, 2)),
    "duplicate columns": np.column_stack([X, X, X]),
    "n < p": rng.normal(size=(N, 30)),
    "scales": X * [1e-12, 1.0, 1e12],
    "tiny": 1e-300 * X,
    "far from zero": X + 1e8,
    "one feature": X[:, :1],
    "almost no entries": sparse.csr_array(with_entry(np.zeros((N, 50)), (0, 0), 1.0)),
    "no entries": sparse.csc_array((N, 3)),
}


@pytest.mark.parametrize("penalty", [None, "l2", "l1"])
@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("case", EXTREME)
def test_extreme_features(case, name, penalty):
    data = EXTREME[case]
    noise = np.random.default_rng(2).normal(size=N)
    regression = LOSSES[name].target == "real"
    y = np.abs(REAL + noise) if regression else (X[:, 0] + noise > 0).astype(int)
    model = (ERMRegressor if regression else ERMClassifier)(name, penalty, alpha=1e-3)
    assert_fine(model, data, y)


def assert_fine(model, data, y, sample_weight=None):
    """Fit: a certificate that holds, or one ConvergenceWarning; finite coefficients and predictions in any case."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(data, y, sample_weight=sample_weight)
    assert [warning.category for warning in caught] in ([], [ConvergenceWarning]), [str(w.message) for w in caught]
    assert np.all(np.isfinite(model.coef_))
    assert np.all(np.isfinite(model.intercept_))
    with np.errstate(over="ignore"):
        assert np.all(np.isfinite(model.predict(data).astype(float)))
    if not caught:
        error = model.optimality_ if np.isnan(model.duality_gap_) else model.duality_gap_
        assert error <= model.tol


@pytest.mark.parametrize("name", LOSSES)
def test_few_samples(name):
    regression = LOSSES[name].target == "real"
    estimator = ERMRegressor if regression else ERMClassifier
    y = np.abs(REAL) if regression else LABELS3
    for penalty in ("l2", "l1"):
        few = 1 if regression else 3
        assert_fine(estimator(name, penalty), X[:few], y[:few])  # one sample, or one per class
        weight = np.isin(np.arange(N), np.arange(2, 2 + few)).astype(float)
        alone, weighted = estimator(name, penalty), estimator(name, penalty)
        assert_fine(alone, X[2 : 2 + few], y[2 : 2 + few])
        assert_fine(weighted, X, y, sample_weight=weight)
        np.testing.assert_array_equal(weighted.coef_, alone.coef_)
    if regression:
        np.testing.assert_allclose(alone.predict(X[2:3]).ravel(), np.full(np.size(alone.intercept_), y[2]))


@pytest.mark.parametrize("name", [name for name in LOSSES if LOSSES[name].target == "real"])
@pytest.mark.parametrize("value", [0.1, 1.0, 1e-9, 1e9])
def test_constant_targets(name, value):
    for penalty in ("l2", "l1", None):
        model = ERMRegressor(name, penalty)
        assert_fine(model, X, np.full(N, value))
        assert np.abs(model.coef_).max() <= 1e-9 * value
        np.testing.assert_allclose(model.predict(X), value, atol=LOSSES[name]().get_params().get("epsilon", 0))


@pytest.mark.parametrize("name", ["log_loss", "logistic"])
@pytest.mark.parametrize("n_classes", [2, 3])
def test_separable_data_without_a_penalty(name, n_classes):
    data = X + 5 * np.eye(P)[np.arange(N) % n_classes]
    y = np.arange(N) % n_classes
    model = ERMClassifier(name, None)
    with pytest.warns(ConvergenceWarning, match=r"no minimiser.*linearly separable.*Use a penalty") as caught:
        model.fit(data, y)
    assert len(caught) == 1
    assert np.all(np.isfinite(model.coef_))
    np.testing.assert_array_equal(model.predict(data), y)
