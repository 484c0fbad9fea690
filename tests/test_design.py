"""The design against a textbook computation with dense float64 arrays, whatever the data are stored as."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_erm.samples import design as module
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.location import intercept_of

ROWS, COLUMNS = 150, 7
BLOCK = "BLOCK_ENTRIES"


def strided(X):
    """The same values in memory that is not contiguous."""
    padded = np.full((2 * X.shape[0], 3 * X.shape[1]), np.nan)
    padded[::2, ::3] = X
    return padded[::2, ::3]


def wide_indices(X):
    X = sparse.csr_array(X)
    X.indices, X.indptr = X.indices.astype(np.int64), X.indptr.astype(np.int64)
    return X


FORMATS = {
    "C": np.ascontiguousarray,
    "F": np.asfortranarray,
    "strided": strided,
    "backwards": lambda X: X[::-1, ::-1].copy()[::-1, ::-1],
    "float32": lambda X: X.astype(np.float32),
    "CSR": lambda X: sparse.coo_array(X).tocsr(),
    "CSC": lambda X: sparse.coo_array(X).tocsc(),
    "CSR matrix": lambda X: sparse.coo_matrix(X).tocsr(),
    "CSC matrix": lambda X: sparse.coo_matrix(X).tocsc(),
    "int64 indices": wide_indices,
    "CSR float32": lambda X: sparse.csr_array(X.astype(np.float32)),
    "CSC float32": lambda X: sparse.csc_matrix(X.astype(np.float32)),
}


def freeze(X):
    """Make X read-only: whoever writes on it raises."""
    for array in (X.data, X.indices, X.indptr) if sparse.issparse(X) else (X,):
        array.flags.writeable = False
    return X


def widen(X):
    return np.asarray(X.toarray() if sparse.issparse(X) else X, dtype=np.float64)


@dataclass(frozen=True)
class Case:
    """Values of X, weights of sum 1, and a generator for what the products are taken with."""

    seed: int
    density: float
    weighted: float  # share of the rows that have a weight

    def __iter__(self):
        rng = np.random.default_rng(self.seed)
        X = rng.normal(size=(ROWS, COLUMNS)) * (rng.uniform(size=(ROWS, COLUMNS)) < self.density)
        X[:, rng.integers(COLUMNS)] *= 100.0
        if self.density == 1.0:
            X += np.round(10.0 * rng.normal(size=COLUMNS))
        weight = rng.uniform(size=ROWS) * (rng.uniform(size=ROWS) < self.weighted)
        X[:, ~X[weight > 0].any(axis=0)] = 0.0  # a column that only rows without weight know is as good as constant
        return iter((X, weight / weight.sum(), rng))


def cases(*densities):
    densities = st.sampled_from(densities or (0.01, 0.3, 1.0))
    return st.builds(Case, st.integers(0, 2**32 - 1), densities, st.sampled_from([0.5, 1.0]))


@pytest.fixture(params=FORMATS, scope="module")
def store(request):
    return lambda X: freeze(FORMATS[request.param](X))


@pytest.fixture(params=[True, False], ids=["intercept", "no intercept"], scope="module")
def intercept(request):
    return request.param


@pytest.fixture(params=[2**18, 1], ids=["one block", "blocks"], autouse=True, scope="module")
def block_entries(request):
    """The law holds in one row block and in several."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, BLOCK, request.param)
        yield


class Textbook:
    """What the design stands for, formed in full."""

    def __init__(self, X, weight, intercept):
        self.means = weight @ X if intercept else np.zeros(X.shape[1])
        self.Z = X - self.means
        if intercept:
            self.Z[:, np.sqrt(weight @ self.Z**2) <= 1e-13 * np.abs(self.means)] = 0.0
        self.A = np.hstack([self.Z, np.ones((len(X), 1))]) if intercept else self.Z
        self.squares = weight @ self.Z**2
        self.size = np.abs(X).max()


def both(X, weight, intercept):
    return Design(X, weight, intercept), Textbook(widen(X), weight, intercept)


def assert_close(computed, expected, size=0.0, digits=13):
    """Equal up to rounding, relative to the largest entry or to the size of what was subtracted."""
    assert np.shape(computed) == np.shape(expected)
    assert np.asarray(computed).dtype == np.float64
    size = max(size, np.abs(expected).max(initial=0.0))
    np.testing.assert_allclose(computed, expected, rtol=0, atol=10.0**-digits * size)


@given(case=cases(), shape=st.sampled_from([(), (1,), (3,)]))
def test_products(store, intercept, case, shape):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    W, R = rng.normal(size=(COLUMNS, *shape)), rng.normal(size=(ROWS, *shape))
    scores, pulled = design.dot(W), design.rdot(R)
    assert_close(scores, textbook.Z @ W, COLUMNS * textbook.size)
    assert_close(pulled, textbook.Z.T @ R, ROWS * textbook.size)
    assert_close(np.vdot(scores, R), np.vdot(W, pulled), ROWS * textbook.size)
    assert_close(intercept_of(design.means, W, np.ones(shape)), np.ones(shape) - textbook.means @ W, textbook.size)


@pytest.mark.parametrize("signs", [(1.0,), (-1.0,), (-1.0, 1.0)], ids=["positive", "negative", "mixed"])
@given(case=cases(), share=st.sampled_from([0.0, 0.1, 0.6, 1.0]))
def test_gram(store, intercept, signs, case, share):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    left = rng.uniform(size=ROWS) * (rng.uniform(size=ROWS) < share) * rng.choice(signs, ROWS)
    before = left.copy()
    assert_close(design.gram(left), (textbook.A.T * left) @ textbook.A, ROWS * textbook.size**2)
    np.testing.assert_array_equal(left, before)


@given(case=cases())
def test_squares(store, intercept, case):
    X, weight, _ = case
    design, textbook = both(store(X), weight, intercept)
    assert_close(design.means, textbook.means, textbook.size)
    assert_close(design.squares, textbook.squares, textbook.size**2)
    assert_close(design.deviations, np.sqrt(textbook.squares), textbook.size)


@given(case=cases(), count=st.sampled_from([0, 1, 20, ROWS]))
def test_row_products(store, intercept, case, count):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    rows = np.sort(rng.permutation(ROWS)[:count])
    kernel = textbook.Z @ textbook.Z.T
    assert_close(design.row_gram(rows), kernel[np.ix_(rows, rows)], textbook.size**2)
    L = design.row_factor()
    assert np.all(np.triu(L, 1) == 0)
    assert_close(L @ L.T, kernel, float(not kernel.any()), digits=10)  # a ridge of 1e-14 where all is zero


@given(case=cases(), ones=st.booleans(), count=st.sampled_from([None, 1, 70, ROWS]))
def test_blocks(store, intercept, case, ones, count):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    rows = None if count is None else np.sort(rng.permutation(ROWS)[:count])
    wanted = textbook.A if ones else textbook.Z
    seen = np.full(wanted.shape, np.nan)
    for part, block in design.blocks(rows, ones):
        assert np.all(np.isnan(seen[part]))
        seen[part] = block
    outside = np.ones(ROWS, dtype=bool)
    outside[slice(None) if rows is None else rows] = False
    assert np.all(np.isnan(seen[outside]))
    assert_close(seen[~outside], wanted[~outside])


@given(case=cases(), count=st.integers(1, COLUMNS))
def test_columns(store, intercept, case, count):
    X, weight, rng = case
    X[:, 3] = 5.0
    index = rng.permutation(COLUMNS)[:count]
    stored = store(X)
    part, textbook = Design(stored, weight, intercept).columns(index), Textbook(widen(stored), weight, intercept)
    W, r, left = rng.normal(size=count), rng.normal(size=ROWS), rng.uniform(size=ROWS)
    Z, A = textbook.Z[:, index], np.hstack([textbook.Z[:, index], textbook.A[:, COLUMNS:]])
    assert (part.n_samples, part.n_features) == (ROWS, count)
    size = textbook.size
    assert_close(part.dot(W), Z @ W, COLUMNS * size)
    assert_close(part.rdot(r), Z.T @ r, ROWS * size)
    assert_close(part.gram(left), (A.T * left) @ A, ROWS * size**2)
    assert_close(part.squares, textbook.squares[index], size**2)
    assert_close(part.columns(np.arange(count)[::-1]).rdot(r), Z.T[::-1] @ r, ROWS * size)


@given(case=cases(), count=st.sampled_from([0, 1, 20, ROWS]))
def test_restricted(store, intercept, case, count):
    X, weight, rng = case
    X[:, 3] = 5.0
    rows = rng.permutation(ROWS)[:count]
    stored = store(X)
    part, textbook = Design(stored, weight, intercept).restricted(rows), Textbook(widen(stored), weight, intercept)
    W, r = rng.normal(size=COLUMNS), rng.normal(size=count)
    assert (part.n_samples, part.n_features) == (count, COLUMNS)
    assert_close(part.dot(W), textbook.Z[rows] @ W, COLUMNS * textbook.size)
    assert_close(part.rdot(r), textbook.Z[rows].T @ r, ROWS * textbook.size)
    np.testing.assert_array_equal(part.weight, weight[rows])


@given(case=cases())
def test_units(store, intercept, case):
    """Of a sparse X, the filling of a column does not count."""
    X, weight, _ = case
    design = Design(store(X), weight, intercept)
    if not sparse.issparse(design.X):
        np.testing.assert_array_equal(design.units, design.squares)
        return
    wide = widen(design.X)
    filled = np.maximum(np.count_nonzero(wide, axis=0), 1)
    assert_close(design.units, np.sum(wide**2, axis=0) / filled, ROWS)


@pytest.mark.parametrize("constant", [-3.0, 1e8, 1e12 + 1 / 3, 1e-12])
@given(case=cases(1.0))
def test_constant_columns_are_zeros_beside_an_intercept(store, constant, case):
    X, weight, rng = case
    X[:, [0, 4]] = constant
    stored = store(X)
    design, textbook = both(stored, weight, True)
    W, r, left = rng.normal(size=COLUMNS), rng.normal(size=ROWS), rng.uniform(size=ROWS)
    np.testing.assert_array_equal(design.rdot(r)[[0, 4]], 0.0)
    gram = design.gram(left)
    np.testing.assert_array_equal(gram[[0, 4]], 0.0)
    assert_close(gram, (textbook.A.T * left) @ textbook.A)
    assert_close(design.dot(W), textbook.Z @ W, COLUMNS * textbook.size)


@pytest.mark.parametrize("name", ["C", "F", "float32", "CSR", "CSC"])
def test_a_large_mean_costs_no_digits_of_the_gram_matrix(name):
    rng = np.random.default_rng(0)
    offset = 2.0**14 if name == "float32" else 1e8
    X = FORMATS[name](offset + np.round(rng.normal(size=(ROWS, COLUMNS)), 2))
    weight, r = rng.uniform(size=ROWS), rng.normal(size=ROWS)
    design, textbook = both(X, weight / weight.sum(), True)
    assert_close(design.gram(weight), (textbook.A.T * weight) @ textbook.A, digits=7)
    assert_close(design.squares, textbook.squares, digits=7)
    assert_close(design.rdot(r), textbook.Z.T @ r, digits=7)


@pytest.mark.parametrize("order", ["C", "F", "CSR"])
@pytest.mark.parametrize("intercept", [True, False])
def test_single_precision_is_widened_block_by_block(order, intercept, monkeypatch):
    monkeypatch.setattr(module, BLOCK, 2**14)
    X = np.random.default_rng(0).normal(size=(20_000, 20)).astype(np.float32)
    X = sparse.csr_array(X) if order == "CSR" else np.asarray(X, order=order)
    weight, W, r = np.full(20_000, 1 / 20_000), np.ones(20), np.ones(20_000)
    if order == "CSR":
        design = Design(X, weight, intercept)
    tracemalloc.start()
    try:
        if order != "CSR":
            design = Design(X, weight, intercept)
            assert design.gram(weight).dtype == design.squares.dtype == np.float64
        assert design.dot(W).dtype == design.rdot(r).dtype == np.float64
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * 8 * 20_000 * 20
