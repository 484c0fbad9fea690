"""Without a penalty: dependent columns are found in any units, and get the coefficients of least norm."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm import ERMRegressor
from sklearn_erm.penalties import L1, NoPenalty
from sklearn_erm.samples.dependent import column_basis
from sklearn_erm.samples.design import Design
from sklearn_erm.solve.minimize import minimize

from .problems import LOSS_EXAMPLES, name_of, objective, targets

RNG = np.random.default_rng(0)
LEVELS = np.column_stack([np.eye(4)[RNG.integers(0, 4, 60)], np.eye(3)[RNG.integers(0, 3, 60)]])
WIDE = RNG.normal(size=(12, 30)) + 0.5
TALL = RNG.normal(size=(60, 3))
DESIGNS = {
    "all levels": LEVELS,
    "wide": WIDE,
    "wide in units": WIDE * 10.0 ** RNG.integers(-3, 4, 30),
    "copies": np.column_stack([TALL, TALL]),
    "copies in units": np.column_stack([TALL, 1e6 * TALL[:, :2], 1e-6 * TALL[:, 2]]),
    "sums and a constant": np.column_stack([TALL, TALL @ [1.0, -2.0, 0.5], np.full(60, 3.0)]),
    "one, far from zero": np.column_stack([TALL, 1e9 + TALL[:, 0] * 2.0**10]),
}


def least_squares(X, y, weight, intercept):
    """The coefficients of least norm, by a singular value decomposition in the columns' own units."""
    share = weight / weight.sum()
    mean = share @ X if intercept else np.zeros(X.shape[1])
    Z = X - mean
    Z -= share @ Z if intercept else 0.0
    root = np.sqrt(share)
    return np.linalg.lstsq(root[:, None] * Z, root * (y - intercept * (share @ y)), rcond=1e-12)[0]


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("kind", DESIGNS)
def test_least_squares_have_the_least_norm(kind, intercept, storage):
    X = DESIGNS[kind]
    if kind == "one, far from zero" and not intercept:
        return  # not dependent without a constant
    y, weight = RNG.normal(size=len(X)), RNG.uniform(0.1, 2.0, len(X))
    Y = np.column_stack([y, 1.0 - 3.0 * y[::-1]])
    model = ERMRegressor("squared_error", None, fit_intercept=intercept).fit(storage(X), Y, weight)
    for coef, target in zip(model.coef_, Y.T, strict=True):
        wanted = least_squares(X, target, weight, intercept)
        np.testing.assert_allclose(coef, wanted, atol=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_order_factor_and_copies_change_nothing(loss):
    rng = np.random.default_rng(3)
    X = np.column_stack([TALL, TALL, TALL.sum(axis=1)])
    y = targets(loss, TALL @ [1.0, -1.0, 0.5] + 2.0 * rng.normal(size=60))
    order, weight = rng.permutation(60), rng.uniform(0.5, 1.5, 60)
    fits = [
        minimize(objective(loss, NoPenalty(), 0.0, X[rows], y[rows], weight[rows] * factor), tol=1e-9)
        for rows, factor in ((np.arange(60), 1.0), (order, np.pi))
    ]
    first, second = (fit.x[: 7 * (fit.x.size // 8)].reshape(7, -1) for fit in fits)
    size = np.abs(first).max()
    np.testing.assert_allclose(first[:3], first[3:6], atol=1e-12 * size)
    np.testing.assert_allclose(first[:3].sum(axis=0), first[6], atol=1e-12 * size)
    if loss.smooth and loss.convex:
        np.testing.assert_allclose(first, second, atol=1e-6 * size)


def test_only_what_is_dependent_is_found():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(500, 20)) * 10.0 ** rng.integers(-9, 10, 20) + 10.0 ** rng.integers(0, 4, 20)
    uniform = np.full(500, 1 / 500)
    assert column_basis(Design(X, uniform, True)) is None
    near = np.column_stack([X, X[:, 0] + X[:, 1] + 1e-9 * (np.abs(X[:, 0]) + np.abs(X[:, 1])) * rng.normal(size=500)])
    assert column_basis(Design(near, uniform, True)) is None
    rare = np.column_stack([X[:, 0], X[:, 0], np.arange(500) == 499, np.arange(500) == 7]).astype(float)
    for storage in (np.asarray, sparse.csc_array):
        basis = column_basis(Design(storage(rare), uniform, True))
        assert sorted(basis.rest) in ([0], [1])


def test_a_sample_of_rows_is_not_trusted():
    rng = np.random.default_rng(2)
    levels = rng.zipf(1.5, 5000) % 60
    X = sparse.csr_array((np.ones(5000), (np.arange(5000), levels)), shape=(5000, 60))
    found = column_basis(Design(X, np.full(5000, 2e-4), True))
    assert len(found.rest) == 1 + 60 - len(np.unique(levels))


def test_penalties_are_left_alone():
    y = RNG.normal(size=60)
    for penalty, dependent in ((L1(weights=np.zeros(6)), True), (L1(weights=[0, 1, 1, 1, 1, 1]), False)):
        X = np.column_stack([TALL, TALL])
        coef = ERMRegressor("squared_error", penalty, alpha=0.1).fit(X, y).coef_
        assert np.allclose(coef[:3], coef[3:], rtol=1e-9) == dependent
