"""What the estimator tests fit: every loss by name, on small data that it takes."""

import numpy as np

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES

REGRESSION = [name for name, loss in LOSSES.items() if loss.target == "real" and loss.n_scores is None]
CLASSIFICATION = [name for name, loss in LOSSES.items() if loss.target != "real"]
MARGIN = [name for name in CLASSIFICATION if LOSSES[name].target == "sign"]
NONNEGATIVE = [name for name in REGRESSION if not LOSSES[name]().in_domain(np.array([-1.0]))[0]]
TRANSLATING = [name for name in REGRESSION if name not in NONNEGATIVE]
NAMES = [*REGRESSION, *CLASSIFICATION]
N, P = 60, 5


def make(name, penalty="l2", alpha=0.1, **params):
    """Return the estimator for a loss, to be solved far below what the tests look at."""
    estimator = ERMRegressor if name in REGRESSION else ERMClassifier
    return estimator(name, penalty, alpha, **{"tol": 1e-9, **params})


def make_data(name, n=N, n_classes=2, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, P)) + 0.5
    eta = X @ np.array([1.0, -0.5, 0.0, 0.3, 0.2]) + 0.5 * rng.normal(size=n)
    if name in NONNEGATIVE:
        y = np.exp(0.5 * eta)
        return X, np.round(y) if LOSSES[name]().in_domain(np.array([0.0]))[0] else y
    if name in REGRESSION:
        return X, eta
    return X, np.digitize(eta, np.quantile(eta, np.linspace(0, 1, n_classes + 1)[1:-1]))


def assert_same_fit(a, b, rtol=2e-4):
    """Compare what is unique: the coefficients under a strongly convex penalty, and the objective."""
    np.testing.assert_allclose(a.objective_, b.objective_, rtol=1e-7)
    np.testing.assert_allclose(a.coef_, b.coef_, atol=rtol * np.abs(b.coef_).max())
