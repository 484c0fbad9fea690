"""Order constraints on many coefficients, also with bounds, and rows that follow from others: exact and fast."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint
from sklearn.isotonic import isotonic_regression

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import AbsoluteError, SquaredError
from sklearn_erm.penalties import NoPenalty
from sklearn_erm.solvers.least_norm import least_norm

from .conic import optimum

FEASIBLE = 1e-8


@pytest.mark.parametrize("kind", [sparse.csr_array, np.asarray], ids=["sparse", "dense"])
def test_isotonic_regression_uses_the_structure_of_its_rows(kind, monkeypatch):
    n = 150
    y = np.linspace(0, 2, n) ** 2 + np.random.default_rng(0).normal(size=n)
    order = LinearConstraint(kind(np.diff(np.eye(n), axis=0)), 0, np.inf)
    monkeypatch.setattr(np.linalg, "lstsq", None)
    model = ERMRegressor("squared_error", None, constraints=order, fit_intercept=False).fit(sparse.eye_array(n), y)
    np.testing.assert_allclose(model.coef_, isotonic_regression(y), atol=1e-12)


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_second_differences_and_bounds(loss):
    n, rng = 60, np.random.default_rng(1)
    y = np.linspace(-1, 1, n) ** 2 + 0.3 * rng.normal(size=n)
    bends = np.diff(np.eye(n), n=2, axis=0)
    convex = LinearConstraint(sparse.csr_array(bends), 0, np.inf)
    params = {"constraints": convex, "bounds": (0.1, 0.9), "fit_intercept": False, "tol": 1e-9}
    model = ERMRegressor(loss, None, **params).fit(sparse.eye_array(n), y)
    assert np.all(bends @ model.coef_ >= -FEASIBLE)
    assert np.all((model.coef_ >= 0.1) & (model.coef_ <= 0.9))
    own = SquaredError() if loss == "squared_error" else AbsoluteError()
    rows = np.vstack([bends, np.eye(n)]), np.append(np.zeros(n - 2), [0.1] * n), np.append([99.0] * (n - 2), [0.9] * n)
    least = optimum(own, NoPenalty(), 0.0, np.eye(n), y, intercept=False, rows=rows)[0]
    assert model.objective_ == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("seed", [76, 3])
def test_bounds_hold_exactly_beside_rows_that_follow_from_others(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(10, 6)), rng.normal(size=10)
    w = np.maximum(rng.normal(size=6), 0)
    twice = np.tile(np.round(rng.normal(size=(2, 6)), 2), (2, 1))
    rows = LinearConstraint(twice, twice @ w, twice @ w)
    model = ERMRegressor("squared_error", "l2", 0.1, bounds=(0, None), constraints=rows).fit(X, y)
    assert np.all(model.coef_ >= 0)
    np.testing.assert_allclose(twice @ model.coef_, twice @ w, atol=FEASIBLE)


@pytest.mark.parametrize("dependent", [False, True])
def test_the_shortest_move(dependent):
    rng = np.random.default_rng(2)
    A = rng.normal(size=(12, 20)) * (rng.random((12, 20)) < 0.3)
    A = np.vstack([A, A[:5] + A[5:10]]) if dependent else A
    r = A @ rng.normal(size=20)
    wanted = np.linalg.lstsq(A, r, rcond=1e-10)[0]
    np.testing.assert_allclose(least_norm(sparse.csr_array(A), r), wanted, atol=1e-9)
    np.testing.assert_allclose(least_norm(A, r), wanted, atol=1e-12)
