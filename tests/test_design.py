"""The design against a textbook computation with dense float64 arrays, whatever the data are stored as."""

import tracemalloc
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from sklearn_erm import design as module
from sklearn_erm.design import Design

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
    "F32": lambda X: np.asfortranarray(X, dtype=np.float32),
    "CSR": sparse.csr_array,
    "CSC": sparse.csc_array,
    "CSR matrix": sparse.csr_matrix,
    "CSC matrix": sparse.csc_matrix,
    "from COO": lambda X: sparse.coo_array(X).tocsr(),
    "from COO matrix": lambda X: sparse.coo_matrix(X).tocsc(),
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


def both(X, weight, intercept):
    return Design(X, weight, intercept), Textbook(widen(X), weight, intercept)


def assert_close(computed, expected, digits=13):
    """Equal up to rounding, relative to the largest entry."""
    assert np.shape(computed) == np.shape(expected)
    assert np.asarray(computed).dtype == np.float64
    np.testing.assert_allclose(computed, expected, rtol=0, atol=10.0**-digits * max(1e-9, np.abs(expected).max()))


@given(case=cases(), shape=st.sampled_from([(), (1,), (3,)]))
def test_products(store, intercept, case, shape):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    W, R = rng.normal(size=(COLUMNS, *shape)), rng.normal(size=(ROWS, *shape))
    scores, pulled = design.dot(W), design.rdot(R)
    assert_close(scores, textbook.Z @ W, 12)
    assert_close(pulled, textbook.Z.T @ R, 12)
    np.testing.assert_allclose(np.vdot(scores, R), np.vdot(W, pulled), rtol=0, atol=1e-10)
    assert_close(design.intercept_of(W, np.ones(shape)), np.ones(shape) - textbook.means @ W, 12)


@given(case=cases(), share=st.sampled_from([0.0, 0.1, 0.6, 1.0]))
def test_gram(store, intercept, case, share):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    left = rng.uniform(size=ROWS) * (rng.uniform(size=ROWS) < share)
    right = rng.normal(size=ROWS)
    before = left.copy(), right.copy()
    assert_close(design.gram(left), (textbook.A.T * left) @ textbook.A)
    assert_close(design.gram(left, right), (textbook.A.T * (left * right)) @ textbook.A)
    np.testing.assert_array_equal((left, right), before)


@given(case=cases())
def test_squares(store, intercept, case):
    X, weight, _ = case
    design, textbook = both(store(X), weight, intercept)
    assert_close(design.means, textbook.means)
    assert_close(design.squares, textbook.squares)
    assert_close(design.deviations, np.sqrt(textbook.squares))


@given(case=cases(), count=st.sampled_from([0, 1, 20, ROWS]))
def test_row_products(store, intercept, case, count):
    X, weight, rng = case
    design, textbook = both(store(X), weight, intercept)
    rows = np.sort(rng.permutation(ROWS)[:count])
    kernel = textbook.Z @ textbook.Z.T
    size = np.abs(kernel).max()
    np.testing.assert_allclose(design.row_gram(rows), kernel[np.ix_(rows, rows)], rtol=0, atol=1e-13 * size)
    L = design.row_factor()
    assert np.all(np.triu(L, 1) == 0)
    np.testing.assert_allclose(L @ L.T, kernel, rtol=0, atol=1e-10 * size)


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
    assert_close(part.dot(W), Z @ W, 12)
    assert_close(part.rdot(r), Z.T @ r, 12)
    assert_close(part.gram(left), (A.T * left) @ A)
    assert_close(part.squares, textbook.squares[index])
    assert_close(part.columns(np.arange(count)[::-1]).rdot(r), Z.T[::-1] @ r, 12)


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
    np.testing.assert_allclose(design.dot(W), textbook.Z @ W, rtol=0, atol=1e-15 * ROWS * max(1e3, abs(constant)))


@pytest.mark.parametrize("name", ["C", "F", "float32", "CSR", "CSC"])
def test_a_large_mean_costs_no_digits_of_the_gram_matrix(name):
    rng = np.random.default_rng(0)
    offset = 2.0**14 if name == "float32" else 1e8
    X = FORMATS[name](offset + np.round(rng.normal(size=(ROWS, COLUMNS)), 2))
    weight = rng.uniform(size=ROWS)
    design, textbook = both(X, weight / weight.sum(), True)
    assert_close(design.gram(weight), (textbook.A.T * weight) @ textbook.A, 7)
    assert_close(design.squares, textbook.squares, 7)
    assert_close(design.rdot(weight), textbook.Z.T @ weight, 6)


@pytest.mark.parametrize("name", ["float32", "F32", "CSR float32"])
@pytest.mark.parametrize("intercept", [True, False])
def test_single_precision_is_widened_block_by_block(name, intercept, monkeypatch):
    monkeypatch.setattr(module, BLOCK, 2**14)
    X = FORMATS[name](np.random.default_rng(0).normal(size=(20_000, 20)))
    weight, W, r = np.full(20_000, 1 / 20_000), np.ones(20), np.ones(20_000)
    tracemalloc.start()
    try:
        design = Design(X, weight, intercept)
        for product in (design.dot(W), design.rdot(r), design.gram(weight), design.squares):
            assert product.dtype == np.float64
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * 8 * 20_000 * 20
