"""Constraints that leave little room: without an interior, in units far apart; systems of few unknowns."""

import warnings

import numpy as np
import pytest
from numpy import inf
from scipy.optimize import LinearConstraint

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.losses import LogCosh
from sklearn_erm.penalties import L1, Fused, NoPenalty, Tikhonov
from sklearn_erm.penalties.projection import nearest
from sklearn_erm.solvers.linear import Factor

RISING = LinearConstraint(np.diff(np.eye(8), axis=0), 0, inf)


def certified(estimator, *args):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return estimator.fit(*args)


def regression(seed, n=30, p=8):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    return X, X @ rng.normal(size=p) + rng.normal(size=n)


@pytest.mark.parametrize("penalty", ["l1", "l2"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
@pytest.mark.parametrize("seed", range(3))
def test_signs_that_an_order_turns_into_zeros(loss, penalty, seed):
    """Rising coefficients, the first >= 0 and the fifth <= 0: the first five are 0."""
    X, y = regression(seed)
    low, high = np.r_[0.0, np.full(7, -inf)], np.r_[np.full(4, inf), 0.0, np.full(3, inf)]
    one = certified(ERMRegressor(loss, penalty, 1e-3, bounds=(low, high), constraints=RISING), X, y)
    rest = LinearConstraint(np.diff(np.eye(3), axis=0), 0, inf)
    two = certified(ERMRegressor(loss, penalty, 1e-3, bounds=(0, None), constraints=rest), X[:, 5:], y)
    assert one.objective_ == pytest.approx(two.objective_, rel=2e-6)
    np.testing.assert_array_equal(one.coef_[:5], 0.0)


def signs_and_order(seed, p=8):
    rng = np.random.default_rng(seed)
    low, high = np.where(rng.random(p) < 0.3, 0.0, -inf), np.where(rng.random(p) < 0.3, 0.0, inf)
    return rng, (low, high), np.diff(np.eye(p), axis=0)


@pytest.mark.parametrize("loss", ["squared_error", "huber"])
@pytest.mark.parametrize("penalty", ["l2", None])
def test_coefficients_that_signs_and_an_order_leave_at_zero(loss, penalty):
    for seed in range(30):
        rng, bounds, order = signs_and_order(seed)
        X = rng.normal(size=(30, 8))
        y = X @ rng.normal(size=8) + rng.normal(size=30)
        model = ERMRegressor(loss, penalty, 0.01, bounds=bounds, constraints=LinearConstraint(order, 0, inf)).fit(X, y)
        assert model.result_.success


@pytest.mark.parametrize("size", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("balanced", [False, True])
def test_points_are_moved_to_zeros_that_rounding_leaves_alone(size, balanced):
    for seed in range(40):
        rng, bounds, rows = signs_and_order(seed)
        high = np.full(7, inf)
        if balanced:
            rows, high = np.vstack([rows, np.ones(8)]), np.append(high, 0.0)
        W = size * rng.normal(size=8) * np.where(rng.random(8) < 0.3, 1e-8, 1.0)
        parts = find_constraints("fit", bounds, LinearConstraint(rows, 0.0, high), 8)
        assert all(part.value(nearest(W, parts)) == 0 for part in parts)


def test_equalities_that_others_imply_are_written_as_such():
    low, high = np.r_[0.0, np.full(7, -inf)], np.r_[np.full(4, inf), 0.0, np.full(3, inf)]
    bounds, rows = (part.penalty for part in find_constraints("", (low, high), RISING, 8))
    np.testing.assert_array_equal(bounds.low[:5], bounds.high[:5])
    assert not np.any(bounds.low[5:] == bounds.high[5:])
    assert not np.any(rows.low == rows.high)  # those among fixed coefficients say no more
    facing = LinearConstraint([[1.0, -1.0], [-1.0, 1.0]], [0.0, 0.0], [inf, inf])
    (rows,) = (part.penalty for part in find_constraints("", None, facing, 2))
    np.testing.assert_array_equal(rows.low, rows.high)


@pytest.mark.parametrize("unit", [1.0, 1e10, 1e-10])
def test_feasible_in_any_units(unit):
    rows = LinearConstraint([[1, unit, 0], [1, unit, -1 / unit]], [0.3, -inf], [0.3, -0.4])
    assert find_constraints("", ([-inf, 0, -inf], [inf] * 3), rows, 3)
    with pytest.raises(ValueError, match="no coefficients satisfy all"):
        find_constraints("", ([-inf, 0, 0], [0.2 - 0.5, 0, 0]), LinearConstraint([[1, unit, 0]], 0.3, 0.3), 3)


def test_rows_in_mixed_units_beside_a_constant_column():
    X, y = np.array([[-9e7, 5e10, -2e-5, 2e8], [9e7, 5e10, 1e-4, 2e9]]), [-0.02, 0.0]
    A, w, d = (
        np.array([[-8e9, 6e12, 0, 0]]),
        np.array([75.3, 5.17e4, 9.9e-11, 2590.0]),
        np.array([9e7, 5e10, 1e-4, 2e9]),
    )
    values = [
        certified(
            ERMRegressor("absolute_error", L1(weights=w / c), 3e4, constraints=LinearConstraint(A / c, 0, inf)),
            X / c,
            y,
        )
        for c in (np.ones(4), d)
    ]
    assert values[0].objective_ == pytest.approx(values[1].objective_, rel=2e-6)


def test_a_precision_in_mixed_units_keeps_its_corners():
    X = np.array([[1e-10, 0], [0, 2e11], [-1e-10, 2e11], [1e-10, 1e11]])
    P, mean, y = np.array([[9.8e-22, -0.2], [-0.2, 9e20]]), np.array([9e9, -5e-13]), np.array([1.0, 2, -1, 0.5])
    model = certified(ERMRegressor("squared_error", Tikhonov(precision=P, mean=mean), 20.0, bounds=(0, None)), X, y)
    rest, move = y - X @ model.coef_ - model.intercept_, model.coef_ - mean
    assert model.objective_ == pytest.approx(np.mean(rest**2) + 10 * move @ P @ move, rel=1e-9)


@pytest.mark.parametrize("penalty", ["linf", "slope"])
@pytest.mark.parametrize("loss", ["hinge", "squared_hinge", "modified_huber"])
def test_no_sample_pulls_and_there_is_no_intercept(loss, penalty):
    model = certified(ERMClassifier(loss, penalty, 0.01, fit_intercept=False), [[-1.0], [3.0]], [0, 1])
    assert model.duality_gap_ <= model.tol
    assert Factor(np.zeros((0, 0))).solve(np.zeros(0)).shape == (0,)


def test_conjugate_of_log_cosh_near_zero():
    v = np.array([1e-300, 1e-12, 1e-6, 1e-3])
    np.testing.assert_allclose(LogCosh().phi_conjugate(v), 0.5 * v**2 * (1 + v**2 / 6), rtol=1e-12)


def test_one_feature_has_no_differences():
    assert isinstance(Fused().bind(1), NoPenalty)
    W = np.array([3.0])
    assert Fused(0.3).bind(1).value(W) == pytest.approx(0.3 * 3.0)


@pytest.mark.parametrize("alpha", [1.0, 1e4, 1e8])
def test_a_huge_alpha_leaves_what_it_does_not_penalise(alpha):
    X, y = regression(0)
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    sums = np.c_[X.sum(axis=1)]
    free = certified(ERMClassifier("log_loss", None, tol=1e-9), sums, labels)
    tied = certified(ERMClassifier("log_loss", "fused", alpha), X, labels)
    assert tied.objective_ == pytest.approx(free.objective_, rel=1e-5)


def test_a_list_of_pairs_is_no_pair_of_lists():
    X, y = regression(0, p=2)
    with pytest.raises(TypeError, match="a pair"):
        ERMRegressor(bounds=[(0, 1), (0, 1)]).fit(X, y)
    assert ERMRegressor(bounds=([0, 0], [1, 1])).fit(X, y).coef_.max() <= 1


@pytest.mark.parametrize("solver", ["L-BFGS-B", "newton", "trust-exact"])
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_named_solvers_take_bounds(loss, solver):
    X, y = regression(1)
    one, two = (certified(ERMRegressor(loss, "l2", 0.1, solver=s, bounds=(0, None)), X, y) for s in (solver, "auto"))
    assert one.objective_ == pytest.approx(two.objective_, rel=2e-6)


@pytest.mark.parametrize("loss", ["squared_error", "huber", "log_cosh", "poisson"])
def test_targets_too_small_for_doubles_are_told(loss):
    X, y = regression(0)
    with pytest.raises(ValueError, match="y is too small"):
        ERMRegressor(loss).fit(X, np.abs(y) * (1e-320 if loss == "poisson" else 1e-170))
