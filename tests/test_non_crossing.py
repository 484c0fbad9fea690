"""Quantiles in order beside an offset: solved wherever coefficients have such scores, refused in words elsewhere."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog

from sklearn_erm import ERMRegressor, ERMRegressorCV, erm_path
from sklearn_erm.losses import MultiQuantile
from sklearn_erm.penalties import PENALTIES

from .conic import optimum


def crossing(seed, feasible=True):
    """Data with an offset beside which the constant model crosses, and coefficients that do not, if there are any."""
    rng = np.random.default_rng(seed)
    n, p, k = 12 + seed, 3, 2 + seed % 3
    loss = MultiQuantile(np.round(np.linspace(0.2, 0.8, k), 2).tolist(), non_crossing=True)
    X, y = rng.normal(size=(n, p)), rng.normal(size=n)
    offset = rng.normal(size=(n, k))
    if feasible:
        offset = np.sort(offset, axis=1) - X @ rng.normal(size=(p, k))
    weight = rng.choice([0.0, 0.5, 1.0, 2.0], size=n)
    weight[:4] = 1.0
    return loss, X, y, weight, offset


@given(data=st.data(), n=st.integers(1, 6), non_crossing=st.booleans())
def test_the_best_constant_beside_an_offset(data, n, non_crossing):
    seed = data.draw(st.integers(0, 10**6))
    rng = np.random.default_rng(seed)
    loss, q = MultiQuantile((0.2, 0.5, 0.6), non_crossing=non_crossing), np.array([0.2, 0.5, 0.6])
    y, offset, weight = rng.normal(size=n), rng.normal(size=(n, 3)), rng.dirichlet(np.ones(n))
    b = loss.null_with_offset(y, weight, offset)
    # b, then the positive and the negative parts of the residuals
    cost = np.concatenate([np.zeros(3), np.outer(weight, q).ravel(), np.outer(weight, 1.0 - q).ravel()])
    scores = np.tile(np.eye(3), (n, 1))
    rows = np.kron(np.eye(n), np.diff(np.eye(3), axis=0))
    program = linprog(
        cost,
        A_ub=np.hstack([-rows @ scores, np.zeros((2 * n, 6 * n))]) if non_crossing else None,
        b_ub=rows @ offset.ravel() if non_crossing else None,
        A_eq=np.hstack([scores, np.eye(3 * n), -np.eye(3 * n)]),
        b_eq=(y[:, None] - offset).ravel(),
        bounds=[(None, None)] * 3 + [(0, None)] * (6 * n),
    )
    assert weight @ loss.value(y, b + offset) == pytest.approx(program.fun, rel=1e-9, abs=1e-12)


def test_the_domain_of_scores(loss):
    rng = np.random.default_rng(0)
    k = loss.n_scores or 3
    y = np.resize([1.0, 0.0], 20) if loss.target == "class" else np.ones(20)
    eta = rng.normal(size=(20, k)) if loss.joint else rng.normal(size=20)
    inside, rows = loss.into_score_domain(eta), loss.score_rows()
    assert np.all(np.isfinite(loss.value(y, inside)))
    if rows is None:
        assert inside is eta
    else:
        assert np.linalg.matrix_rank(rows) == len(rows)
        np.testing.assert_array_equal(np.isfinite(loss.value(y, eta)), np.all(eta @ rows.T >= 0, axis=1))
        away, other = inside - eta, loss.into_score_domain(rng.normal(size=(20, k)))
        assert np.all(np.sum(away * (other - inside), axis=1) >= -1e-12)  # the nearest ones: a projection


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("intercept", [False, True])
def test_fits_where_the_constant_model_crosses(seed, intercept):
    loss, X, y, weight, offset = crossing(seed, feasible=not intercept)
    penalty = ["l1", "l2", "slope", "nuclear", "multi_task_lasso", None][seed]
    model = ERMRegressor(loss, penalty, alpha=0.1, fit_intercept=intercept).fit(X, y, weight, offset)
    k, own = loss.n_scores, PENALTIES[penalty]().bind(3)
    best = optimum(loss, own, 0.1, X, y, weight=weight, offset=offset, intercept=intercept, k=k)[0]
    assert model.objective_ == pytest.approx(best, rel=3e-6)
    falls = -np.diff(model.predict(X, offset)[weight > 0], axis=1)
    assert falls.max() <= 1e-8


def test_no_coefficients_put_the_scores_in_order():
    loss, X, y, weight, offset = crossing(0, feasible=False)
    for more in ({}, {"bounds": (-1e6, None)}):
        with pytest.raises(ValueError, match=r"no coefficients.* cross by [0-9.e-]+ at least. Fit an intercept"):
            ERMRegressor(loss, "l1", fit_intercept=False, **more).fit(X, y, weight, offset)
    loss, X, y, weight, offset = crossing(0)
    with pytest.raises(ValueError, match=r"no coefficients within bounds and constraints bring"):
        ERMRegressor(loss, "l1", fit_intercept=False, bounds=(-1e-3, 1e-3)).fit(X, y, weight, offset)
    ERMRegressor(loss, "l1", fit_intercept=False, bounds=(-1e3, 1e3)).fit(X, y, weight, offset)


def test_the_crossing_that_is_told_is_the_least():
    x, loss = np.array([[1.0], [1.0], [-1.0]]), MultiQuantile((0.2, 0.8), non_crossing=True)
    offset = np.array([[3.0, 0.0], [0.0, 0.0], [1.0, 0.0]])  # w >= 3 and -w >= 1: w = 1 misses both by 2
    with pytest.raises(ValueError, match=r"cross by 2 at least"):
        ERMRegressor(loss, "l1", fit_intercept=False).fit(x, np.zeros(3), offset=offset)
    offset[2] = [-3.0, 0.0]  # -w >= -3: 3 alone is left
    model = ERMRegressor(loss, "l1", alpha=0.1, fit_intercept=False).fit(x, np.zeros(3), offset=offset)
    assert model.coef_[1, 0] - model.coef_[0, 0] == pytest.approx(3.0)


@pytest.mark.parametrize("unit", [1e-9, 1.0])
def test_scores_near_zero_may_cross_by_rounding(unit):
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(60, 3)), np.where(rng.random(60) < 0.7, 0.0, rng.exponential(size=60))
    for penalty, intercept in (("l1", True), ("l1", False), (None, True)):
        loss = MultiQuantile((0.25, 0.5, 0.9), non_crossing=True)
        model = ERMRegressor(loss, penalty, alpha=0.01, fit_intercept=intercept).fit(X, unit * y)
        assert np.isfinite(model.objective_)


@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
def test_bounds_leave_room_or_not_in_any_unit(unit):
    x, y, loss = np.ones((3, 1)), unit * np.arange(3.0), MultiQuantile((0.2, 0.8), non_crossing=True)
    offset = unit * np.array([[3.0, 0.0]] * 3)  # the second coefficient less the first is to be 3 at least
    with pytest.raises(
        ValueError, match=rf"no coefficients within bounds.* cross by {re.escape(format(unit, '.3g'))} at least"
    ):
        ERMRegressor(loss, "l1", fit_intercept=False, bounds=(-unit, unit)).fit(x, y, offset=offset)
    ERMRegressor(loss, "l1", fit_intercept=False, bounds=(-2 * unit, 2 * unit)).fit(x, y, offset=offset)


@pytest.mark.parametrize("unit", [1.0, 1e4])
def test_paths_and_searches_without_a_null_model(unit):
    loss, X, y, _, offset = crossing(2)
    path = erm_path(X, unit * y, loss=loss, penalty="l1", alphas=4, fit_intercept=False, offset=unit * offset)
    one = erm_path(X, y, loss=loss, penalty="l1", alphas=4, fit_intercept=False, offset=offset)
    np.testing.assert_allclose(path.alphas, one.alphas, rtol=1e-6)
    np.testing.assert_allclose(path.objectives, unit * one.objectives, rtol=1e-5)
    search = ERMRegressorCV(MultiQuantile(loss.quantiles), "l1", alphas=3, cv=2, fit_intercept=False)
    assert np.isfinite(search.fit(X, y, offset=offset).best_score_)


@pytest.mark.parametrize("penalty", ["nuclear", "l1", "linf"])
@pytest.mark.parametrize("seed", range(4))
def test_scores_that_touch_are_certified(penalty, seed):
    """The scores of an inner problem cross by a little until the multipliers are exact."""
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(30, 5)), rng.standard_t(1.5, size=30)
    model = ERMRegressor(MultiQuantile((0.1, 0.5, 0.9), non_crossing=True), penalty, alpha=1e-6).fit(X, y)
    assert model.result_.success
    assert model.n_iter_ < 500
    assert np.diff(model.predict(X), axis=1).min() >= -1e-9 * np.abs(y).max()
