"""Penalties that tie coefficients to each other: the dual of a proximal problem, long chains, interpolation, zeros."""

import numpy as np
import pytest
from scipy.optimize import check_grad

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.exact.proximal_dual import DualHessian, ProximalDual, Rows, Steps
from sklearn_erm.exact.proximal_points import has_dual_newton
from sklearn_erm.losses import AbsoluteError, EpsilonInsensitive, Hinge, LogCosh, Quantile, SquaredError
from sklearn_erm.penalties import L1, SLOPE, ElasticNet, Fused, GroupLasso, LInf, SparseGroupLasso
from sklearn_erm.solve import choose
from sklearn_erm.solve.minimize import minimize

from .conic import optimum
from .problems import name_of, objective

TYING = [LInf(), SLOPE(), Fused(), Fused(l1_ratio=0.3)]
EVERY_TYING = pytest.mark.parametrize("penalty", TYING, ids=name_of)
GROUPS = np.arange(30) // 5


def dual_of(loss, penalty, outputs=()):
    rng = np.random.default_rng(0)
    X, shape = rng.normal(size=(9, 6)), (9, *outputs)
    y = np.sign(rng.normal(size=shape)) if loss.target == "sign" else rng.normal(size=shape)
    problem = objective(loss, penalty.bind(6), 0.1, X, y)
    x = rng.normal(size=problem.null.size)
    proximal = ProximalDual(problem, Rows(problem), x, Steps(0.7, 0.9, 1.3))
    return proximal, 0.1 * rng.normal(size=y.size)


@pytest.mark.parametrize("outputs", [(), (2,)], ids=["one", "two"])
@pytest.mark.parametrize("loss", [SquaredError(), LogCosh(), AbsoluteError(), Hinge()], ids=name_of)
@pytest.mark.parametrize("penalty", [*TYING, SparseGroupLasso(np.arange(6) // 2)], ids=name_of)
def test_derivatives_of_the_dual(loss, penalty, outputs):
    proximal, theta = dual_of(loss, penalty, outputs)
    assert check_grad(proximal.fun, proximal.jac, theta) <= 1e-5
    direction = np.random.default_rng(1).normal(size=theta.size)
    turn = (proximal.jac(theta + 1e-6 * direction) - proximal.jac(theta - 1e-6 * direction)) / 2e-6
    dense = DualHessian(proximal.at(theta))
    np.testing.assert_allclose(dense._factorised(dense.e)(turn), direction, rtol=1e-3, atol=1e-3)
    np.testing.assert_allclose(dense._thin(dense.e)(turn), direction, rtol=1e-3, atol=1e-3)
    line = proximal.line(theta, direction)
    assert line.slope(0.3) == pytest.approx(proximal.jac(theta + 0.3 * direction) @ direction, rel=1e-9)


def correlated(n, p):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, 5)) @ rng.normal(size=(5, p)) + 0.05 * rng.normal(size=(n, p))
    return X, X[:, :3].sum(axis=1) + 0.1 * rng.normal(size=n)


@EVERY_TYING
@pytest.mark.parametrize("loss", [AbsoluteError(), Quantile(0.3), EpsilonInsensitive(0.1), Hinge()], ids=name_of)
@pytest.mark.parametrize("shape", [(24, 48), (40, 20)], ids=["wide", "tall"])
def test_kinks_of_loss_and_penalty_where_columns_are_correlated(loss, penalty, shape):
    X, y = correlated(*shape)
    alpha = 1e-3
    if loss.target == "sign":
        y = np.where(y > np.median(y), 1.0, -1.0)
        model = ERMClassifier(loss, penalty, alpha).fit(X, y)
    else:
        model = ERMRegressor(loss, penalty, alpha).fit(X, y)
    least = optimum(loss, penalty.bind(shape[1]), alpha, X, y)[0]
    assert model.objective_ == pytest.approx(least, rel=1e-5)


def test_long_chains_end_at_the_solution():
    """Against the lasso in the differences: w = T d with d_0 free."""
    rng = np.random.default_rng(0)
    y = np.repeat(rng.normal(size=12), 40) + 0.5 * rng.normal(size=480)
    model = ERMRegressor(penalty=Fused(), alpha=0.1).fit(np.eye(480), y)
    twin = ERMRegressor(penalty=L1(weights=np.r_[0.0, np.ones(479)]), alpha=0.1).fit(np.tri(480), y)
    assert model.objective_ == pytest.approx(twin.objective_, rel=1e-6)
    assert model.n_iter_ < 30
    np.testing.assert_array_equal(np.flatnonzero(np.diff(model.coef_)), np.flatnonzero(twin.coef_[1:]))


@EVERY_TYING
def test_wide_problems_take_few_systems(penalty):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 400))
    y = X[:, :10].sum(axis=1) + rng.normal(size=60)
    problem = objective(SquaredError(), penalty.bind(400), 0.1, X, y)
    assert has_dual_newton(problem)
    result = minimize(problem, tol=1e-8)
    assert result.success
    assert result.nit < 200


TWINS = {
    "sparse groups": (0.5 * L1() + 0.5 * GroupLasso(GROUPS), SparseGroupLasso(GROUPS)),
    "groups first": (0.5 * GroupLasso(GROUPS) + 0.5 * L1(), SparseGroupLasso(GROUPS)),
    "fused": (0.3 * L1() + 0.7 * Fused(), Fused(0.3)),
    "halves": (0.5 * SLOPE() + 0.5 * SLOPE(), SLOPE()),
    "elastic net": (0.5 * ElasticNet(1.0) + 0.5 * L1(), L1()),
}


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
@pytest.mark.parametrize("twins", TWINS)
def test_zeros_of_sums_are_exact(twins, loss):
    ours, theirs = TWINS[twins]
    for seed in range(4):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(30, 30))
        y = X[:, 1] + 0.5 * X[:, 12] + 0.3 * rng.normal(size=30)
        coef = ERMRegressor(loss, ours, alpha=0.1).fit(X, y).coef_
        twin = ERMRegressor(loss, theirs, alpha=0.1, tol=1e-9).fit(X, y).coef_
        np.testing.assert_array_equal(coef == 0, twin == 0)


@pytest.mark.parametrize("penalty, share, most", [(Fused(), 0.1, 12), (Fused(0.5), 0.01, 55), (SLOPE(), 0.01, 170)])
def test_faces_and_over_relaxation_save_systems(penalty, share, most):
    rng = np.random.default_rng(1)
    X, coef = rng.normal(size=(200, 800)), np.zeros(800)
    coef[rng.choice(800, 8, replace=False)] = 2 * rng.normal(size=8)
    y = X @ coef + rng.normal(size=200)
    penalty = penalty.bind(800)
    slope = 2 * (X - X.mean(axis=0)).T @ (y - y.mean()) / 200
    model = ERMRegressor("squared_error", penalty, share * penalty.critical_alpha(penalty.penalised(slope))).fit(X, y)
    assert model.n_iter_ <= most


@pytest.mark.parametrize("penalty", [None, "l1", "l2"])
@pytest.mark.parametrize("loss", ["absolute_error", "huber", "squared_error"])
def test_wide_problems_within_bounds_are_solved_in_their_rows(loss, penalty, monkeypatch):
    """A kinked loss, or none of the coefficients drawn to zero; the other way has to agree."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(40, 320))
    y = 5.0 * X[:, :10] @ rng.normal(size=10) + rng.normal(size=40)  # more than the bounds let them interpolate
    asked = []

    def ask(problem):
        asked.append(has_dual_newton(problem))
        return asked[-1]

    def fitted(answer):
        monkeypatch.setattr(choose, "has_dual_newton", answer)
        return ERMRegressor(loss, penalty, alpha=0.01, bounds=(-0.2, 0.1), tol=1e-8).fit(X, y)

    one, other = fitted(ask), fitted(lambda problem: False)
    assert any(asked) == (loss == "absolute_error" or penalty != "l1")
    assert one.objective_ == pytest.approx(other.objective_, rel=1e-7, abs=1e-12)
    if penalty == "l2":
        np.testing.assert_allclose(one.multipliers_["bounds"], other.multipliers_["bounds"], atol=1e-4)
