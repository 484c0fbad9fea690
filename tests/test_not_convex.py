"""Penalties and losses that are not convex: fits are stationary, no worse than the lasso's, and better at recovery."""

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import OptimizeResult
from sklearn.linear_model import GammaRegressor, TweedieRegressor

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import InverseGaussian, Tweedie
from sklearn_erm.penalties import L1, MCP, SCAD
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solvers.loop import CONVERGED, LIMIT, STALLED
from sklearn_erm.solvers.majorants import majorants

from .problems import LOSS_EXAMPLES, name_of, objective, suitable_alpha, targets

N, P = 60, 8
FOLDED = [MCP(knot=0.5), MCP(knot=3.0), SCAD(knot=1.0), SCAD(knot=3.0, a=2.0)]
EVERY_PENALTY = pytest.mark.parametrize("penalty", FOLDED, ids=name_of)


def problem_of(loss, penalty, share=2.0, seed=0):
    """alpha is so many tenths of the smallest that sets every coefficient to zero."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P))
    y = targets(loss, X[:, :3] @ [2.0, -1.5, 1.0] + rng.normal(size=N))
    return objective(loss, penalty.bind(P), share * suitable_alpha(loss, penalty, X, y), X, y)


def slope_in_size(penalty, size):
    """The derivative of one term in |w|, as the papers have it."""
    corner = 0.0 if isinstance(penalty, MCP) else penalty.knot / penalty.a
    return np.where(size <= corner, 1.0, np.maximum(penalty.knot - size, 0.0) / (penalty.knot - corner))


def violation(problem, x):
    """The largest distance of minus the risk's gradient from the penalty's subdifferential, relative as in the docs."""
    W, b = problem.split(x)
    X, y, loss = problem.samples.design.X, problem.samples.y, problem.loss
    columns, start = X - X.mean(axis=0), problem.null
    scale = np.sqrt(np.mean(np.sum(np.reshape(loss.gradient(y, problem.at(start).scores.values), (N, -1)) ** 2, 1)))
    eta = columns @ W + b
    gradient = columns.T @ loss.gradient(y, eta) / N
    alpha = problem.alpha
    pull = alpha * np.sign(W) * slope_in_size(problem.penalty, np.abs(W))
    away = np.where(W != 0, np.abs(gradient + pull), np.maximum(np.abs(gradient) - alpha, 0.0))
    return np.max(away.T / (scale * columns.std(axis=0)))


@EVERY_PENALTY
@pytest.mark.parametrize("loss", [loss for loss in LOSS_EXAMPLES if loss.smooth], ids=name_of)
@pytest.mark.parametrize("seed", [0, 1])
def test_stationary_and_no_worse_than_the_lasso(loss, penalty, seed):
    problem = problem_of(loss, penalty, seed=seed)
    result = minimize(problem, tol=1e-7)
    assert result.success, result.message
    assert violation(problem, result.x) <= 1e-7 * (1 + 1e-6)
    assert result.certificate.error == pytest.approx(violation(problem, result.x), abs=1e-9) or problem.loss.joint
    assert np.isnan(result.certificate.gap)
    lasso = problem.with_penalty(L1().bind(P))
    assert result.fun <= problem.fun(minimize(lasso, tol=1e-9).x) * (1 + 1e-7)


@EVERY_PENALTY
@pytest.mark.parametrize("loss", [loss for loss in LOSS_EXAMPLES if not loss.smooth], ids=name_of)
def test_losses_with_kinks(loss, penalty):
    """Their multipliers show that the point is stationary."""
    problem = problem_of(loss, penalty)
    result = minimize(problem, tol=1e-6)
    assert result.success, result.message
    assert problem.error(result.x, *result.dual) <= 1e-6
    lasso = problem.with_penalty(L1().bind(P))
    assert result.fun <= problem.fun(minimize(lasso, tol=1e-9).x) * (1 + 1e-6)


@EVERY_PENALTY
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_the_objective_falls(loss, penalty):
    problem, seen = problem_of(loss, penalty, 0.5), []
    start = problem.null.copy()
    start[: problem.split(start)[0].size] = 0.0
    minimize(problem, tol=1e-6, callback=lambda intermediate_result: seen.append(intermediate_result.fun))
    values = np.array([problem.fun(start), *seen])
    assert np.all(np.diff(values) <= 1e-12 * np.abs(values[:-1]))


@pytest.mark.parametrize("penalty", [MCP(knot=3.0), SCAD(knot=3.0)], ids=name_of)
def test_a_warm_start_stays_where_it_is(penalty):
    problem = problem_of(LOSS_EXAMPLES[0], penalty)
    cold = minimize(problem, tol=1e-9)
    warm = minimize(problem, tol=1e-8, x0=cold.x)
    np.testing.assert_allclose(warm.x, cold.x, atol=1e-7)
    assert warm.nit <= 2


# -- the algorithm, on a function of its own --------------------------------------------------------------------------


def run_majorants(convex, error=lambda x, dual: abs(float(x[0])), polish=None, x0=1.0, **options):
    """min x^2 from 1; ``convex`` says where its majorant leads, to the accuracy asked for."""
    options = {"convex": convex, "error": error, "polish": polish, "tol": 1e-3, "maxiter": 40, **options}
    return scipy.optimize.minimize(lambda x: float(x[0] ** 2), [x0], method=majorants, options=options)


def leads_to(point, asked=None, **more):
    def convex(x, accuracy, limit):
        if asked is not None:
            asked.append(accuracy)
        return OptimizeResult(x=np.array([point(x, accuracy)]), nit=1, **more)

    return convex


def test_majorants_ask_for_more_accuracy_where_nothing_falls():
    asked = []
    result = run_majorants(leads_to(lambda x, accuracy: min(x[0], 100 * accuracy), asked), tol=1e-4)
    assert result.status == CONVERGED
    assert asked[0] == pytest.approx(1e-5)
    assert asked[-1] < asked[0]
    asked.clear()
    result = run_majorants(leads_to(lambda x, accuracy: x[0], asked))
    assert result.status == STALLED
    assert asked == sorted(asked, reverse=True)
    assert asked[-1] < 1e-13
    assert run_majorants(leads_to(lambda x, accuracy: 0.99 * x[0])).status == LIMIT


def test_majorants_never_climb():
    """Neither to a worse solution of the convex problem, nor to a polished point of no error."""
    result = run_majorants(leads_to(lambda x, accuracy: 2.0 if accuracy > 1e-9 else 0.0))
    assert (result.status, result.x[0]) == (CONVERGED, 0.0)
    result = run_majorants(leads_to(lambda x, accuracy: 3.0))
    assert (result.status, result.x[0]) == (STALLED, 1.0)
    result = run_majorants(
        leads_to(lambda x, accuracy: x[0]),
        error=lambda x, dual: 0.0 if x[0] == 5.0 else 1.0,
        polish=lambda x: np.array([5.0]),
    )
    assert (result.status, result.x[0]) == (STALLED, 1.0)
    result = run_majorants(leads_to(lambda x, accuracy: 0.9 * x[0]), polish=lambda x: np.zeros(1))
    assert (result.status, result.x[0]) == (CONVERGED, 0.0)
    assert result.nit <= 2


def test_majorants_hand_on_the_multiplier():
    seen = []
    result = run_majorants(
        leads_to(lambda x, accuracy: 0.5 * x[0], dual=7.0), error=lambda x, u: seen.append(u) or abs(x[0])
    )
    assert set(seen) == {7.0}
    assert result.dual == 7.0


# -- what they are for ------------------------------------------------------------------------------------------------


def sparse_signal(seed, n=120, p=40, size=5):
    rng = np.random.default_rng(seed)
    w = np.zeros(p)
    w[rng.permutation(p)[:size]] = rng.choice([-2.0, 2.0], size)
    X = rng.normal(size=(n, p))
    return X, X @ w + rng.normal(size=n), w


def universal(n, p):
    """What the noise alone would pull: the loss is not halved."""
    return 2 * np.sqrt(2 * np.log(p) / n)


def f1(found, true):
    both = np.count_nonzero(found & true)
    return 2 * both / (np.count_nonzero(found) + np.count_nonzero(true))


@pytest.mark.parametrize("penalty", [MCP(knot=1.5), SCAD(knot=1.5)], ids=name_of)
def test_recovery(penalty):
    """Large coefficients are not shrunk, so nothing else has to make up for it: all by one rule for alpha."""
    scores, errors = [], []
    for seed in range(8):
        X, y, w = sparse_signal(seed)
        models = [
            ERMRegressor("squared_error", each, universal(*X.shape), tol=1e-8).fit(X, y) for each in ("l1", penalty)
        ]
        scores.append([f1(model.coef_ != 0, w != 0) for model in models])
        errors.append([np.linalg.norm(model.coef_ - w) for model in models])
        support = np.flatnonzero(w)
        oracle = np.linalg.lstsq(np.column_stack([X[:, support], np.ones(len(y))]), y)[0][:-1]
        if np.array_equal(np.flatnonzero(models[1].coef_), support) and np.all(np.abs(models[1].coef_[support]) > 1.5):
            np.testing.assert_allclose(models[1].coef_[support], oracle, atol=1e-5)
    lasso, folded = np.mean(errors, axis=0)
    assert folded < 0.6 * lasso
    assert np.mean(scores, axis=0)[1] > max(0.97, np.mean(scores, axis=0)[0])


# -- losses that are not convex ---------------------------------------------------------------------------------------


def positive(seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(80, 3))
    return X, np.exp(X @ [0.5, -0.3, 0.2] + 0.3 * rng.normal(size=80))


@pytest.mark.parametrize("alpha", [0.0, 0.1])
@pytest.mark.parametrize(
    "loss, power",
    [(InverseGaussian(), 3), (Tweedie(3.0), 3), (Tweedie(2.5), 2.5), (Tweedie(1.5), 1.5), ("gamma", 2)],
    ids=str,
)
def test_tweedie_regressor(loss, power, alpha):
    X, y = positive()
    options = {"alpha": alpha, "tol": 1e-12, "max_iter": 10_000}
    peer = GammaRegressor(**options) if power == 2 else TweedieRegressor(power=power, link="log", **options)
    peer.fit(X, y)
    for x0 in (None, "far"):
        model = ERMRegressor(loss, "l2", alpha, tol=1e-9)
        if x0 == "far":
            model.set_params(warm_start=True)
            model.coef_, model.intercept_ = np.array([1.0, 1.0, -1.0]), 0.5
        model.fit(X, y)
        np.testing.assert_allclose(model.coef_, peer.coef_, atol=1e-4)
        assert model.intercept_ == pytest.approx(peer.intercept_, abs=1e-4)
        assert model.optimality_ <= 1e-9 if power > 2 else model.optimality_ <= 1e-4


@pytest.mark.parametrize("penalty", ["l2", "l1", "l2_norm", "slope", "fused", "mcp", None])
@pytest.mark.parametrize("bounds", [None, (-0.2, None)], ids=["free", "bounds"])
def test_stationary_losses(penalty, bounds):
    """Near the fit nothing is lower; the gap says nothing."""
    if penalty == "mcp" and bounds:
        return
    X, y = positive()
    model = ERMRegressor("inverse_gaussian", penalty, 0.02, bounds=bounds, tol=1e-8).fit(X, y)
    assert np.isnan(model.duality_gap_)
    assert model.optimality_ <= 1e-8
    problem = objective(InverseGaussian(), model._check_parameters()[1].bind(3), 0.02, X, y)
    rng = np.random.default_rng(0)
    x = np.append(model.coef_, model.intercept_ + X.mean(axis=0) @ model.coef_)
    assert problem.fun(x) == pytest.approx(model.objective_, rel=1e-9)
    for step in 10.0 ** rng.uniform(-6, -1, 200):
        near = x + step * rng.normal(size=4)
        if bounds is None or np.all(near[:3] >= -0.2):
            assert problem.fun(near) >= model.objective_ * (1 - 1e-9)
