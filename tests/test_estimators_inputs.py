"""What X may be: dense, sparse, single precision, read-only, a frame; and what comes out of it."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from scipy import sparse
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMRegressor, ERMRegressorCV
from sklearn_erm.losses import LOSSES

NAMES = list(LOSSES)
N, P = 60, 5
FORMATS = [
    sparse.csr_matrix,
    sparse.csc_matrix,
    sparse.csr_array,
    sparse.csc_array,
    sparse.coo_array,
    pytest.param(lambda X: with_long_indices(sparse.csr_array(X)), id="csr, int64"),
    pytest.param(lambda X: with_long_indices(sparse.csc_matrix(X)), id="csc, int64"),
    pytest.param(lambda X: stored_twice(X), id="csr, stored twice"),
]


def make(name, alpha=0.1, **params):
    estimator = ERMRegressor if LOSSES[name].target == "real" else ERMClassifier
    return estimator(name, alpha=alpha, **{"tol": 1e-9, **params})


def make_data(name):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) * (rng.uniform(size=(N, P)) < 0.5)
    eta = X @ np.array([1.0, -0.5, 0.0, 0.3, 0.2]) + 0.5 * rng.normal(size=N)
    return X, np.exp(eta) if LOSSES[name].target == "real" else np.digitize(eta, [-0.3, 0.3])


def with_long_indices(X):
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


def stored_twice(X):
    """Return X as CSR with every entry stored as two halves, unsorted."""
    rows, columns = np.nonzero(X)
    halves = 0.5 * X[rows, columns]
    starts = np.concatenate([[0], np.cumsum(2 * np.bincount(rows, minlength=len(X)))])
    order = np.argsort(np.concatenate([rows, rows]), kind="stable")
    data, indices = np.concatenate([halves, halves])[order], np.concatenate([columns, columns])[order]
    return sparse.csr_array((data, indices, starts), shape=X.shape)


def scores(model, X):
    return model.predict(X) if isinstance(model, ERMRegressor) else model.decision_function(X)


@pytest.mark.parametrize("container", FORMATS)
@pytest.mark.parametrize("name", NAMES)
def test_sparse_is_dense(name, container):
    X, y = make_data(name)
    dense, model = make(name).fit(X, y), make(name).fit(container(X), y)
    np.testing.assert_allclose(model.objective_, dense.objective_, rtol=1e-8)
    np.testing.assert_allclose(model.coef_, dense.coef_, atol=2e-4)
    np.testing.assert_allclose(scores(model, container(X)), scores(model, X), atol=1e-12)
    assert model.optimality_ < 1e-3


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_entries_stored_twice_are_sums():
    X, y = make_data("log_loss")
    dense, model = (make("log_loss", max_iter=1).fit(data, y) for data in (X, stored_twice(X)))
    assert dense.optimality_ > 1e-6
    np.testing.assert_allclose(model.optimality_, dense.optimality_)


def test_sparse_input_is_left_as_it_was():
    X, y = make_data("squared_error")
    given = stored_twice(X)
    before = given.copy()
    for array in (given.data, given.indices, given.indptr):
        array.flags.writeable = False
    make("squared_error").fit(given, y)
    np.testing.assert_array_equal(given.data, before.data)
    np.testing.assert_array_equal(given.indices, before.indices)


@pytest.mark.parametrize("container", [np.asarray, np.asfortranarray, sparse.csr_array, sparse.csc_matrix])
@pytest.mark.parametrize("name", NAMES)
def test_single_precision_in_and_out(name, container):
    X, y = make_data(name)
    single = container(X.astype(np.float32))
    model, double = make(name, tol=1e-6).fit(single, y), make(name, tol=1e-6).fit(X, y)
    assert model.coef_.dtype == np.float32
    assert np.asarray(model.intercept_).dtype == np.float32
    assert scores(model, single).dtype == np.float32
    assert scores(model, X).dtype == np.float64
    np.testing.assert_allclose(model.coef_, double.coef_, atol=2e-3)
    if hasattr(model, "predict_proba"):
        assert model.predict_proba(single).dtype == np.float32
    if isinstance(model, ERMRegressor):
        assert model.predict(single, offset=np.ones(model.predict(single).shape)).dtype == np.float32


@pytest.mark.parametrize("name", ["squared_error", "log_loss"])
def test_single_precision_is_not_widened_as_a_whole(name):
    tracemalloc = pytest.importorskip("tracemalloc")
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40_000, 100)).astype(np.float32)
    y = X[:, 0] + X[:, 1] > 0
    tracemalloc.start()
    make(name).fit(X, y)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < X.size * 8  # the float64 copy alone


@pytest.mark.parametrize("name", NAMES)
def test_read_only_and_memory_mapped(name, tmp_path):
    X, y = make_data(name)
    expected = make(name).fit(X, y)
    for label, array in (("X", X), ("y", y), ("w", np.ones(N))):
        np.save(tmp_path / f"{label}.npy", array)
    mapped = [np.load(tmp_path / f"{label}.npy", mmap_mode="r") for label in "Xyw"]
    model = make(name).fit(mapped[0], mapped[1], sample_weight=mapped[2], offset=None)
    np.testing.assert_allclose(model.coef_, expected.coef_, atol=1e-10)
    assert model.score(mapped[0], mapped[1]) == expected.score(X, y)
    csr = sparse.csr_array(X)
    for array in (csr.data, csr.indices, csr.indptr):
        array.flags.writeable = False
    np.testing.assert_allclose(make(name).fit(csr, y).coef_, expected.coef_, atol=2e-4)


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame])
def test_frames_have_names(frame):
    X, y = make_data("log_loss")
    columns = list("abcde")
    named = frame(dict(zip(columns, X.T, strict=True)))
    labels = np.array(["x", "y", "z"])[y]
    series = pd.Series if frame is pd.DataFrame else pl.Series
    model = make("log_loss").fit(named, series(labels), sample_weight=series(np.ones(N)), offset=np.zeros((N, 3)))
    np.testing.assert_allclose(model.coef_, make("log_loss").fit(X, y).coef_)
    assert list(model.classes_) == ["x", "y", "z"]
    regression = make("squared_error").fit(named, series(y.astype(float)), offset=series(np.zeros(N)))
    np.testing.assert_allclose(regression.coef_, make("squared_error").fit(X, y).coef_)
    if hasattr(StandardScaler().fit(named), "feature_names_in_"):  # old scikit-learn knows no names of new polars
        np.testing.assert_array_equal(model.feature_names_in_, columns)
        np.testing.assert_array_equal(regression.feature_names_in_, columns)
        with pytest.raises(ValueError, match="feature names should match"):
            model.predict(named[columns[::-1]])


@pytest.mark.parametrize(
    "convert",
    [
        np.ndarray.tolist,
        lambda X: X.astype(object),
        lambda X: X.astype(np.float16),
        lambda X: (10 * X).astype(np.int32),
        lambda X: X > 0,
        lambda X: X.astype(np.longdouble),
        lambda X: np.repeat(X, 2, axis=1)[:, ::2],
        lambda X: pd.DataFrame(X).convert_dtypes(),
    ],
)
def test_other_arrays_are_converted(convert):
    X, y = make_data("log_loss")
    given = convert(X)
    model = make("log_loss").fit(given, y)
    same = make("log_loss").fit(np.asarray(given, dtype=np.float64), y)
    assert model.coef_.dtype == np.float64
    np.testing.assert_allclose(model.coef_, same.coef_)
    np.testing.assert_array_equal(model.predict(given), same.predict(np.asarray(given, dtype=np.float64)))


@pytest.mark.parametrize("name", ["log_loss", "hinge", "squared_error"])
def test_sparsify_and_densify(name):
    X, y = make_data(name)
    model = make(name).fit(X, y)
    coef, expected = model.coef_, scores(model, X)
    assert model.sparsify() is model
    assert sparse.issparse(model.coef_)
    for container in (np.asarray, sparse.csr_array, sparse.csr_matrix, sparse.csc_matrix):
        np.testing.assert_allclose(scores(model, container(X)), expected)
    assert model.sparsify().densify() is model
    np.testing.assert_array_equal(model.coef_, coef)
    assert model.densify().coef_.shape == coef.shape
    targets = make("squared_error").fit(X, np.column_stack([y, y]))
    expected = targets.predict(X)
    np.testing.assert_allclose(targets.sparsify().predict(X), expected)
    assert targets.densify().coef_.shape == (2, P)


def test_inputs_are_left_as_they_were():
    X, y = make_data("log_loss")
    weight, offset = np.arange(N) % 3 * 2.0, np.ones((N, 3))
    given = (X, y, weight, offset)
    before = [array.copy() for array in given]
    class_weight = {0: 1, 1: 2, 2: 0.5}
    make("log_loss", class_weight=class_weight).fit(X, y, sample_weight=weight, offset=offset)
    for array, copy in zip(given, before, strict=True):
        np.testing.assert_array_equal(array, copy)
    assert class_weight == {0: 1, 1: 2, 2: 0.5}


def test_a_column_that_is_constant_gets_no_coefficient():
    X, y = make_data("log_loss")
    for name in ("log_loss", "hinge", "squared_error"):
        wide = np.column_stack([X, np.full(N, 7.0)])
        model, without = make(name).fit(wide, y), make(name).fit(X, y)
        np.testing.assert_allclose(np.atleast_2d(model.coef_)[:, -1], 0, atol=1e-12)
        np.testing.assert_allclose(np.atleast_2d(model.coef_)[:, :-1], np.atleast_2d(without.coef_), atol=2e-4)


def test_one_number_is_the_offset_of_every_score():
    X, y = make_data("log_loss")
    for name, targets in (("log_loss", y), ("log_loss", y > 0), ("squared_error", np.column_stack([X[:, 0], y]))):
        shape = np.shape(make(name).fit(X, targets).intercept_)
        shape = (N, *shape) if shape[0] > 1 else (N,)
        one, all_of_them = (make(name).fit(X, targets, offset=given) for given in (3.0, np.full(shape, 3.0)))
        np.testing.assert_array_equal(one.coef_, all_of_them.coef_)
        np.testing.assert_array_equal(one.intercept_, all_of_them.intercept_)
        predict = one.predict_proba if name == "log_loss" else one.predict
        np.testing.assert_array_equal(predict(X, offset=2.0), predict(X, offset=np.full(shape, 2.0)))
    for cv in (3, "alo"):
        searches = [
            ERMRegressorCV(alphas=[0.1], cv=cv).fit(X, X[:, 0], offset=given) for given in (3.0, np.full(N, 3.0))
        ]
        assert searches[0].best_score_ == searches[1].best_score_
