"""Laws of the curvature of a penalty: every method answers as the array that it stands for."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm.penalties import Curvature

from .penalty_answers import matrix_of

SHAPES = [(6,), (3, 2)]
FORMS = {"array": np.asarray, "csr": sparse.csr_array, "dia": sparse.dia_array, "coo": sparse.coo_array}


def equal(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-13)


@pytest.fixture(params=SHAPES, ids=str)
def shape(request):
    return request.param


@pytest.fixture(params=["d", "d U", *(f"d M {form}" for form in FORMS), *(f"d U M {form}" for form in FORMS)])
def curvature(request, shape):
    rng = np.random.default_rng(3)
    root = rng.normal(size=(6, 2)) * rng.integers(0, 2, (6, 1))
    M = FORMS[request.param.split()[-1]](root @ root.T) if "M" in request.param else None
    return Curvature(rng.uniform(size=shape), rng.normal(size=(6, 2)) if "U" in request.param else None, M)


@pytest.fixture
def matrix(curvature):
    return matrix_of(curvature)


def test_dense_is_the_matrix(curvature, matrix):
    equal(curvature.dense(), matrix)
    assert curvature.is_diagonal == (np.count_nonzero(matrix) == 6)


@pytest.mark.parametrize("columns", [(), (0,), (4,)], ids=str)
def test_product_is_that_of_the_matrix(curvature, matrix, columns):
    V = np.random.default_rng(4).normal(size=(6, *columns))
    before = V.copy()
    equal(curvature.product(V), matrix @ V)
    np.testing.assert_array_equal(V, before)


@pytest.mark.parametrize("more", [0, 2])
def test_it_is_added_to_the_first_rows_and_columns(curvature, matrix, more):
    H = np.random.default_rng(5).normal(size=(6 + more, 6 + more))
    expected = H + np.pad(matrix, (0, more))
    curvature.add_to(H)
    equal(H, expected)


@pytest.mark.parametrize("entries", [np.arange(6) % 4 != 1, np.array([4, 0, 3]), np.zeros(6, bool), slice(1, None, 2)])
def test_on_some_entries_it_is_their_block(curvature, matrix, entries):
    equal(curvature.on(entries).dense(), matrix[entries][:, entries])


def test_a_multiple_and_a_sum_are_those_of_the_matrices(curvature, matrix):
    other = Curvature(np.ones(curvature.diagonal.shape), np.ones((6, 1)), np.eye(6))
    equal(curvature.scaled(0.3).dense(), 0.3 * matrix)
    equal(curvature.plus(other).dense(), matrix + matrix_of(other))
    equal(other.plus(curvature).dense(), matrix + matrix_of(other))


def test_ridge_is_the_diagonal_of_what_is_not_subtracted(curvature, shape):
    equal(curvature.ridge(), np.diag(matrix_of(curvature._replace(minus=None))).reshape(shape))
