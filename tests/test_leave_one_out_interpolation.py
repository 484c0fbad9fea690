"""Leave-one-out where the fit interpolates: what the penalty says of a sample that the fit itself reproduces."""

from contextlib import nullcontext

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.linear_model import RidgeCV

from sklearn_erm import ERMClassifierCV, ERMRegressorCV
from sklearn_erm.leave_out.approximate import leave_one_out_scores
from sklearn_erm.losses import (
    AbsoluteError,
    Expectile,
    Hinge,
    Huber,
    LogCosh,
    MultiQuantile,
    Quantile,
    Softmax,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
)
from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso, Tikhonov
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import alpha_max

from . import problems
from .test_leave_one_out import left_out, problem, solve

N, P = 12, 30


def data(seed=0, n=N, p=P):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.3
    return X, X[:, :3] @ [1.0, -0.7, 0.5] + 0.5 * rng.normal(size=n)


def near_interpolation(loss, penalty, share):
    """A problem at a share of the alpha that leaves no coefficient, or of that of its grid."""
    X, latent = data()
    y, k = problems.targets(loss, latent), problems.n_scores(loss)
    largest = alpha_max(problem(loss, penalty, 1.0, X, y, outputs=k), penalty.bind(P))
    return problem(loss, penalty, share * largest, X, y, outputs=k)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("stored", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
def test_ridge_cv_at_every_alpha(stored, weighted, intercept):
    rng = np.random.default_rng(5)
    X = np.exp(rng.normal(6, 1, size=(25, 120)))
    y = rng.normal(size=25) + 1e-3 * (X[:, 0] - X[:, 1])
    weight = rng.uniform(0.5, 2.0, 25) if weighted else np.ones(25)
    alphas = np.logspace(-3, 6, 7)
    options = {"fit_intercept": intercept}
    reference = RidgeCV(alphas, store_cv_results=True, **options).fit(X, y, weight)
    ours = ERMRegressorCV("squared_error", "l2", alphas=2 * alphas / weight.sum(), cv="alo", **options)
    ours.fit(stored(X), y, sample_weight=weight)
    expected = reference.cv_results_.sum(axis=0) / weight.sum()
    assert_allclose(-ours.cv_results_["mean_test_score"][::-1], expected, rtol=1e-4)


GROUPS = np.arange(P) // 2
CASES = [(loss, L2()) for loss in (Huber(), LogCosh(), Expectile(0.3), SquaredEpsilonInsensitive(), SquaredHinge())]
CASES += [(loss, L2()) for loss in (AbsoluteError(), Quantile(0.2), Hinge(), Softmax(), MultiQuantile())]
CASES += [(SquaredError(), Tikhonov(np.eye(P))), (Huber(), L1()), (SquaredHinge(), L1()), (Hinge(), L1())]
CASES += [(SquaredError(), ElasticNet()), (AbsoluteError(), ElasticNet()), (LogCosh(), GroupLasso(GROUPS))]
SHARES = [(case, share) for case in CASES for share in (1e-3, 1e-8) if case[1].smooth or share < 1e-3]


@pytest.mark.parametrize(
    "case, share",
    [*SHARES, ((AbsoluteError(), GroupLasso(GROUPS)), 1e-3)],
    ids=lambda value: value if isinstance(value, float) else f"{value[0]}-{type(value[1]).__name__}",
)
def test_refits(case, share):
    full = near_interpolation(*case, share)
    eta, result = solve(full, 1e-6)
    rows = range(0, N, 2)
    before = full.at(result.x).scores.values[rows]
    true = left_out(full, result.x, rows, tol=1e-12)
    assert np.linalg.norm(eta[rows] - true) < 0.05 * np.linalg.norm(before - true)


@pytest.mark.parametrize("penalty", ["l2", "l1"])
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error", "hinge", "log_loss"])
def test_alpha_0_is_not_chosen(loss, penalty):
    X, latent = data(1, 8, 12)
    kind = ERMClassifierCV if loss in {"hinge", "log_loss"} else ERMRegressorCV
    y = latent if kind is ERMRegressorCV else latent > 0
    with pytest.warns(match="stopped short") if loss == "log_loss" else nullcontext():
        model = kind(loss, penalty, alphas=[0.0, 1e-2, 1e-1], cv="alo").fit(X, y)
    scores = dict(zip(model.cv_results_["param_alpha"], model.cv_results_["mean_test_score"], strict=True))
    assert np.isnan(scores[0.0])
    assert model.alpha_ > 0
    assert model.best_score_ < -1e-6


def test_no_alpha_has_a_score():
    X, y = data(2, 8, 12)
    with pytest.raises(ValueError, match=r"fits without one sample do not determine its score.*larger alphas"):
        ERMRegressorCV(alphas=[0.0], cv="alo").fit(X, y)


@pytest.mark.parametrize("shape", [(12, 30), (30, 12)], ids=str)
def test_of_a_quadratic_problem_it_does_not_matter_where_the_fit_stopped(shape):
    X, y = data(3, *shape)
    full = problem(SquaredError(), L2(), 1e-3, X, y)
    result = minimize(full)
    x = result.x + 0.1 * np.random.default_rng(4).normal(size=result.x.shape)
    elsewhere = OptimizeResult(x=x, certificate=full.certificate(x))
    assert_allclose(leave_one_out_scores(full, elsewhere), leave_one_out_scores(full, result), atol=1e-6)


@pytest.mark.parametrize("seed", range(3))
def test_curvature_of_lower_rank_that_rounding_makes_negative(seed):
    rng = np.random.default_rng(seed)
    X, y = rng.normal(size=(24, 40)), rng.integers(0, 3, 24)
    model = ERMClassifierCV("crammer_singer", penalty="l2", alphas=2, cv="alo").fit(X, y)
    assert np.isfinite(model.best_score_)
