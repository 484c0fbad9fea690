"""The fits against optima found by other programs, both judged by formulas that are written down in tests alone."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint
from scipy.special import xlogy
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import (
    ElasticNet,
    HuberRegressor,
    Lasso,
    LogisticRegression,
    PoissonRegressor,
    QuantileRegressor,
    Ridge,
)
from sklearn.preprocessing import scale
from sklearn.svm import LinearSVC, LinearSVR

from sklearn_erm import ERMClassifier, ERMRegressor, losses
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import L1, L2, SLOPE, Fused, GroupLasso, L2Norm, LInf, Nuclear

from .conic import optimum
from .problems import LOSS_EXAMPLES, n_scores, name_of, penalties, targets
from .references import loss_value, penalty_value

ROWS, COLUMNS = 18, 4
CONVEX_LOSSES = [loss for loss in LOSS_EXAMPLES if loss.convex]
CONVEX_PENALTIES = [penalty for penalty in penalties(COLUMNS) if penalty.convex]
SUMS = [
    0.5 * L1() + L2(),
    Fused() + 0.3 * L2Norm(),
    0.5 * SLOPE() + 0.5 * GroupLasso([0, 0, 1, 1]),
    LInf() + L1(weights=[1.0, 0.0, 2.0, 0.5]),
    Nuclear() + 0.2 * L1(),
]
A = np.array([[1.0, 1.0, 1.0, 1.0], [1.0, -2.0, 0.0, 1.0], [0.0, 0.0, 1.0, -1.0]])
LIMITS = {
    "free": ({}, {}),
    "bounds": ({"bounds": (-0.05, None)}, {"low": -0.05}),
    "rows": (
        {"constraints": LinearConstraint(A, [0.3, -0.2, -np.inf], [0.3, 0.1, 0.0])},
        {"rows": (A, np.array([0.3, -0.2, -99.0]), np.array([0.3, 0.1, 0.0]))},
    ),
}


def fit(loss, penalty, alpha, X, y, weight=None, offset=None, **params):
    """The estimator for a loss, fitted to nearly all digits."""
    target = (LOSSES[loss] if isinstance(loss, str) else loss).target
    estimator = ERMRegressor if target == "real" else ERMClassifier
    return estimator(loss, penalty, alpha, **{"tol": 1e-9, **params}).fit(X, y, weight, offset)


def parameters(model):
    """Coefficients and intercept in the shape of the textbook: (p,) and scalar, or (p, k) and (k,)."""
    coef, intercept = np.squeeze(model.coef_).T, np.squeeze(model.intercept_)
    return coef, intercept


# -- every loss with every penalty ------------------------------------------------------------------------------------


def make(seed, k=0):
    """X, a latent target, weights, some of them zero, and an offset."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(ROWS, COLUMNS)) + 0.3
    latent = X @ [1.0, -1.0, 0.5, 0.5] + 3.0 * rng.normal(size=ROWS)
    weight = rng.uniform(0.5, 1.5, ROWS) * (np.arange(ROWS) % 6 > 0)
    return X, latent, weight, 0.3 * rng.normal(size=(ROWS, k) if k else ROWS)


@pytest.mark.parametrize("penalty", CONVEX_PENALTIES, ids=name_of)
@pytest.mark.parametrize("loss", CONVEX_LOSSES, ids=name_of)
def test_every_pair(loss, penalty):
    """Against a solver of cone programs; free, with bounds, or with linear constraints, in turn."""
    i, j = CONVEX_LOSSES.index(loss), [*map(id, CONVEX_PENALTIES)].index(id(penalty))
    k = n_scores(loss)
    X, latent, weight, offset = make(i + 1, k or 0)
    if getattr(loss, "non_crossing", False):
        offset = np.sort(offset, axis=1)
    y, alpha, intercept = targets(loss, latent), 0.02, bool((i + j) % 5)
    ours, theirs = LIMITS[list(LIMITS)[(i + j) % len(LIMITS)]]
    common = {"weight": weight, "offset": offset}
    model = fit(loss, penalty, alpha, X, y, **common, fit_intercept=intercept, **ours)
    least = optimum(loss, penalty, alpha, X, y, **common, intercept=intercept, k=k or 1, **theirs)[0]
    W, b = parameters(model)
    risk = weight @ loss_value(loss, y, X @ W + b + offset) / weight.sum()
    assert model.risk_ == pytest.approx(risk, rel=1e-12)
    assert model.objective_ == pytest.approx(risk + alpha * penalty_value(penalty, W), rel=1e-12)
    assert model.objective_ == pytest.approx(least, rel=1e-6)


@pytest.mark.parametrize("limit", LIMITS)
@pytest.mark.parametrize("penalty", [*CONVEX_PENALTIES, *SUMS], ids=name_of)
@pytest.mark.parametrize("loss", [losses.SquaredError(), losses.Quantile(0.3)], ids=name_of)
def test_several_targets(loss, penalty, limit):
    """The sum of their losses, and one penalty of all coefficients; constraints hold for each."""
    X, latent, weight, _ = make(3)
    Y = np.column_stack([latent, X[:, 1] - 0.5 * latent])
    ours, theirs = LIMITS[limit]
    model = fit(loss, penalty, 0.05, X, Y, weight, **ours)
    least = optimum(loss, penalty, 0.05, X, Y, weight=weight, k=2, **theirs)[0]
    W, b = parameters(model)
    risk = np.sum(weight @ loss_value(loss, Y, X @ W + b)) / weight.sum()
    assert model.objective_ == pytest.approx(risk + 0.05 * penalty_value(penalty, W), rel=1e-12)
    assert model.objective_ == pytest.approx(least, rel=1e-6)


# -- scikit-learn -----------------------------------------------------------------------------------------------------


def diabetes():
    X, y = load_diabetes(return_X_y=True)
    return scale(X), y / 100.0


def breast_cancer():
    X, y = load_breast_cancer(return_X_y=True)
    return scale(X), 2.0 * y - 1.0


def counts():
    X, y = diabetes()
    return X, np.floor(3.0 * y)


def same_optimum(value, ours, peer, unique=True):
    """Neither objective is above the other by a millionth; where the minimiser is unique, it is the same."""
    assert value(*parameters(ours)) == pytest.approx(value(*parameters(peer)), rel=1e-6)
    if unique:
        np.testing.assert_allclose(parameters(ours)[0], parameters(peer)[0], rtol=0, atol=2e-3)


@pytest.mark.parametrize("alpha", [0.1, 30.0])
def test_ridge(alpha):
    X, y = diabetes()
    peer = Ridge(alpha, tol=1e-12).fit(X, y)
    ours = fit("squared_error", "l2", 2 * alpha / len(y), X, y)
    same_optimum(lambda w, b: np.sum((y - X @ w - b) ** 2) + alpha * np.sum(w**2), ours, peer)


@pytest.mark.parametrize("alpha, l1_ratio", [(0.01, 1.0), (0.3, 1.0), (0.05, 0.5)])
def test_lasso_and_elastic_net(alpha, l1_ratio):
    X, y = diabetes()
    options = {"tol": 1e-12, "max_iter": 100_000}
    peer = Lasso(alpha, **options) if l1_ratio == 1 else ElasticNet(alpha, l1_ratio=l1_ratio, **options)
    ours = fit("squared_error", "elasticnet", 2 * alpha, X, y, l1_ratio=l1_ratio)

    def value(w, b):
        penalty = l1_ratio * np.sum(np.abs(w)) + 0.5 * (1 - l1_ratio) * np.sum(w**2)
        return np.mean((y - X @ w - b) ** 2) / 2 + alpha * penalty

    same_optimum(value, ours, peer.fit(X, y))
    np.testing.assert_array_equal(ours.coef_ == 0, peer.coef_ == 0)


L1_ARGUMENT = {"penalty": "l1"} if LogisticRegression().l1_ratio is None else {"l1_ratio": 1.0}  # by version
LOGISTIC = {"l2": {"solver": "newton-cholesky", "tol": 1e-10}, "l1": {"solver": "saga", "tol": 1e-8, **L1_ARGUMENT}}


@pytest.mark.parametrize("penalty, C", [("l2", 0.01), ("l2", 10.0), ("l1", 0.02), ("l1", 0.3)])
@pytest.mark.parametrize("loss, unit", [("log_loss", 1.0), ("logistic", np.log(2.0))])
def test_logistic_regression(loss, unit, penalty, C):
    X, y = breast_cancer()
    peer = LogisticRegression(C=C, max_iter=20_000, random_state=0, **LOGISTIC[penalty]).fit(X, y)
    ours = fit(loss, penalty, 1 / (C * len(y) * unit), X, y)

    def value(w, b):
        return C * np.sum(np.logaddexp(0, -y * (X @ w + b))) + np.sum(np.abs(w) if penalty == "l1" else w**2 / 2)

    same_optimum(value, ours, peer)


def test_multinomial_logistic_regression():
    X, y = load_iris(return_X_y=True)
    peer = LogisticRegression(C=2.0, solver="newton-cg", tol=1e-10, max_iter=1000).fit(X, y)
    ours = fit("log_loss", "l2", 1 / (2.0 * len(y)), X, y)

    def value(W, b):
        eta = X @ W + b
        log_p = eta - np.log(np.sum(np.exp(eta), axis=1, keepdims=True))
        return -2.0 * np.sum(log_p[np.arange(len(y)), y]) + np.sum(W**2) / 2

    same_optimum(value, ours, peer)


@pytest.mark.parametrize("loss, power", [("hinge", 1), ("squared_hinge", 2)])
@pytest.mark.parametrize("C", [0.01, 1.0])
def test_linear_svc(loss, power, C):
    X, y = breast_cancer()
    peer = LinearSVC(loss=loss, C=C, fit_intercept=False, tol=1e-10, max_iter=1_000_000, dual=True, random_state=0)
    ours = fit(loss, "l2", 1 / (C * len(y)), X, y, fit_intercept=False)
    same_optimum(
        lambda w, b: C * np.sum(np.maximum(1 - y * (X @ w), 0) ** power) + np.sum(w**2) / 2, ours, peer.fit(X, y)
    )


def test_l1_support_vector_classifier():
    X, y = breast_cancer()
    options = {"penalty": "l1", "loss": "squared_hinge", "dual": False, "fit_intercept": False}
    peer = LinearSVC(C=0.05, tol=1e-9, max_iter=100_000, random_state=0, **options).fit(X, y)
    ours = fit("squared_hinge", "l1", 1 / (0.05 * len(y)), X, y, fit_intercept=False)
    same_optimum(
        lambda w, b: 0.05 * np.sum(np.maximum(1 - y * (X @ w), 0) ** 2) + np.sum(np.abs(w)), ours, peer, unique=False
    )


@pytest.mark.parametrize("loss, power", [("epsilon_insensitive", 1), ("squared_epsilon_insensitive", 2)])
def test_linear_svr(loss, power):
    X, y = diabetes()
    X, y, C = X[:120], y[:120] - 1.5, 0.2
    cls = losses.EpsilonInsensitive if power == 1 else losses.SquaredEpsilonInsensitive
    options = {"epsilon": 0.2, "fit_intercept": False, "dual": True, "random_state": 0}
    peer = LinearSVR(loss=loss, C=C, tol=1e-10, max_iter=1_000_000, **options).fit(X, y)
    ours = fit(cls(0.2), "l2", 1 / (C * len(y)), X, y, fit_intercept=False)
    same_optimum(
        lambda w, b: C * np.sum(np.maximum(np.abs(y - X @ w) - 0.2, 0) ** power) + np.sum(w**2) / 2, ours, peer
    )


@pytest.mark.parametrize("quantile", [0.2, 0.5])
@pytest.mark.parametrize("alpha", [0.0, 0.05])
def test_quantile_regressor(quantile, alpha):
    X, y = diabetes()
    peer = QuantileRegressor(quantile=quantile, alpha=alpha, solver="highs").fit(X, y)
    ours = fit(losses.Quantile(quantile), "l1", alpha, X, y)

    def value(w, b):
        r = y - X @ w - b
        return np.mean(np.where(r > 0, quantile * r, (quantile - 1) * r)) + alpha * np.sum(np.abs(w))

    same_optimum(value, ours, peer, unique=False)
    if quantile == 0.5 and alpha == 0:
        same_optimum(value, fit("absolute_error", None, 0.0, X, y), peer, unique=False)


def test_huber_regressor_at_its_scale():
    """Its objective at scale s is sum s (1 + H(r / s)) + a |w|^2, with H = 2 Huber: divide by 2 / s, and by n."""
    X, y = diabetes()
    peer = HuberRegressor(epsilon=1.2, alpha=0.5, tol=1e-10, max_iter=10_000).fit(X, y)
    s, delta = peer.scale_, 1.2 * peer.scale_
    ours = fit(losses.Huber(delta), "l2", 0.5 * s / len(y), X, y)

    def value(w, b):
        r = np.abs(y - X @ w - b)
        return np.sum(np.where(r <= delta, r**2, 2 * delta * r - delta**2)) / s + 0.5 * np.sum(w**2)

    same_optimum(value, ours, peer)


@pytest.mark.parametrize("alpha", [0.0, 0.1])
def test_poisson_regressor(alpha):
    X, y = counts()
    peer = PoissonRegressor(alpha=alpha, solver="newton-cholesky", tol=1e-10, max_iter=1000).fit(X, y)
    ours = fit("poisson", "l2", alpha, X, y)

    def value(w, b):
        eta = X @ w + b
        return np.mean(xlogy(y, y) - y * eta - y + np.exp(eta)) + alpha * np.sum(w**2) / 2

    same_optimum(value, ours, peer)
