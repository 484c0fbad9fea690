"""Bounds and linear constraints: they hold, their multipliers say what they cost, and mistakes are named."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, linprog, lsq_linear, nnls
from scipy.optimize import minimize as scipy_minimize
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import Quantile
from sklearn_erm.penalties import SCAD

N, P = 40, 5
FEASIBLE = 1e-8
A = np.array([[1.0, 1.0, 1.0, 1.0, 1.0], [1.0, -1.0, 0.0, 0.0, 2.0]])
ROWS = LinearConstraint(A, [0.3, -0.2], [0.3, 0.1])
MONOTONE = LinearConstraint(np.diff(np.eye(P), axis=0), 0.0, np.inf)
LIMITS = {
    "non-negative": {"bounds": (0, None)},
    "box": {"bounds": (-0.1, [0.2, 0.1, np.inf, 0.0, 0.3])},
    "rows": {"constraints": ROWS},
    "monotone": {"constraints": [MONOTONE]},
    "both": {"bounds": Bounds(-0.3, 0.4), "constraints": (ROWS, MONOTONE)},
    "sparse rows": {"constraints": LinearConstraint(sparse.csr_matrix(A), -0.1, 0.1)},
}
SMOOTH = {  # loss: derivative in the score
    "squared_error": lambda y, f: 2 * (f - y),
    "huber": lambda y, f: np.clip(f - y, -1.35, 1.35),
    "logistic": lambda y, f: -y / (1 + np.exp(y * f)) / np.log(2),
    "log_loss": lambda y, f: -y / (1 + np.exp(y * f)),
    "squared_hinge": lambda y, f: -2 * y * np.maximum(1 - y * f, 0),
}
EVERY_LIMIT = pytest.mark.parametrize("limit", LIMITS.values(), ids=LIMITS)


def data(name="squared_error", seed=0):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, P)) + 0.5
    y = X @ np.linspace(0.5, -0.5, P) + 0.5 * rng.normal(size=N)
    return X, (np.where(y > np.median(y), 1.0, -1.0) if name in ("logistic", "log_loss", "squared_hinge") else y)


def fit(name="squared_error", penalty="l2", alpha=0.1, weight=None, seed=0, X=None, y=None, **params):
    given, target = data(name, seed)
    estimator = ERMClassifier if name in ("logistic", "log_loss", "squared_hinge", "hinge") else ERMRegressor
    model = estimator(name, penalty, alpha, **{"tol": 1e-10, **params})
    return model.fit(given if X is None else X, target if y is None else y, weight)


def blocks_of(limit):
    """The bounds, then every constraint: A, lb, ub."""
    found = []
    if "bounds" in limit:
        bounds = limit["bounds"]
        low, high = (bounds.lb, bounds.ub) if isinstance(bounds, Bounds) else bounds
        sides = [np.broadcast_to(-sign * np.inf if side is None else side, P) for sign, side in ((1, low), (-1, high))]
        found.append((np.eye(P), *sides))
    rows = limit.get("constraints", [])
    for each in [rows] if isinstance(rows, LinearConstraint) else rows:
        matrix = each.A.toarray() if sparse.issparse(each.A) else each.A
        found.append((matrix, *(np.broadcast_to(side, len(matrix)) for side in (each.lb, each.ub))))
    return found


def multipliers_of(model):
    """One row of multipliers per output for the bounds, then for every constraint."""
    found = model.multipliers_
    return ([found["bounds"]] if "bounds" in found else []) + found["constraints"]


# -- optimality, written down anew ------------------------------------------------------------------------------------


@EVERY_LIMIT
@pytest.mark.parametrize("penalty", ["l2", "l1", "slope", "fused", None])
def test_feasible_exact_and_complementary(penalty, limit):
    model = fit(penalty=penalty, alpha=0.02, **limit)
    (w,) = np.atleast_2d(model.coef_)
    for (matrix, low, high), (mu,) in zip(blocks_of(limit), multipliers_of(model), strict=True):
        reached = matrix @ w
        assert np.all(reached >= low - FEASIBLE)
        assert np.all(reached <= high + FEASIBLE)
        at_low, at_high = reached <= low + FEASIBLE, reached >= high - FEASIBLE
        assert np.all(mu[~at_low & ~at_high] == 0)
        assert np.all(mu[at_high & ~at_low] >= 0)
        assert np.all(mu[at_low & ~at_high] <= 0)
        if matrix.shape == (P, P):
            np.testing.assert_array_equal(w[at_low], low[at_low])
            np.testing.assert_array_equal(w[at_high], high[at_high])
            assert np.all(np.abs(mu[at_low | at_high]) > 1e-6)
    assert any(np.any(mu != 0) for mu in multipliers_of(model))
    assert fit(penalty=penalty, alpha=0.02).objective_ < model.objective_


@EVERY_LIMIT
@pytest.mark.parametrize("name", SMOOTH)
@pytest.mark.parametrize("weighted", [False, True])
def test_stationarity(name, limit, weighted):
    """The gradient of risk and penalty and the constraints' normals times their multipliers add up to zero."""
    X, y = data(name)
    weight = np.random.default_rng(1).uniform(0, 1, N) * (np.arange(N) % 4 > 0) if weighted else np.ones(N)
    model = fit(name, weight=weight, **limit)
    w, (b,) = np.ravel(model.coef_), np.atleast_1d(model.intercept_)
    slope = weight / weight.sum() * SMOOTH[name](y, X @ w + b)
    gradient = X.T @ slope + 0.1 * w
    for (matrix, _, _), (mu,) in zip(blocks_of(limit), multipliers_of(model), strict=True):
        gradient = gradient + matrix.T @ mu
    np.testing.assert_allclose(gradient, 0.0, atol=2e-5)
    assert slope.sum() == pytest.approx(0.0, abs=2e-5)


@pytest.mark.parametrize(
    "penalty, unit", [("l2", 1.0), ("l2", 1e6), ("l2", 1e-6), ("l1", 1.0), ("linf", 1.0), (None, 1.0)]
)
def test_multipliers_are_sensitivities(penalty, unit):
    """Minus the derivative of the minimum in a bound, in the user's units."""

    def solve(shift, limit):
        return fit(penalty=penalty, alpha=0.05, tol=1e-12, **limit(shift))

    def rows(shift):
        return {"constraints": LinearConstraint(unit * A, unit * (np.array([0.3, 0.2]) + shift), np.inf)}

    def box(shift):
        return {"bounds": (None, 0.1 + shift)}

    for limit, name, scale in ((rows, "constraints", unit), (box, "bounds", 1.0)):
        found = solve(np.zeros(()), limit=limit).multipliers_[name]
        mu = np.ravel(found)
        for k in np.flatnonzero(mu):
            step = 1e-4 * np.eye(len(mu))[k]
            up, down = solve(step, limit=limit), solve(-step, limit=limit)
            slope = (up.objective_ - down.objective_) / (2e-4 * scale)
            assert slope == pytest.approx(-mu[k], rel=1e-3, abs=1e-5 / scale)
        assert np.any(mu != 0)
        assert np.all(mu <= 0) if name == "constraints" else np.all(mu >= 0)


# -- other programs ---------------------------------------------------------------------------------------------------


def test_non_negative_least_squares():
    X, y = data()
    model = fit(penalty=None, alpha=0, bounds=(0, None), fit_intercept=False)
    peer = nnls(X, y)[0]
    assert 0 < np.count_nonzero(peer) < P
    np.testing.assert_allclose(model.coef_, peer, atol=1e-6)
    np.testing.assert_array_equal(model.coef_ == 0, peer == 0)


def test_least_squares_in_a_box():
    X, y = data()
    low, high = np.array([-0.1, 0.0, -np.inf, -0.2, -0.1]), np.array([0.2, 0.1, np.inf, -0.1, 0.3])
    model = fit(penalty=None, alpha=0, bounds=Bounds(low, high), fit_intercept=False)
    peer = lsq_linear(X, y, (low, high), tol=1e-14, method="bvls")
    np.testing.assert_allclose(model.coef_, peer.x, atol=1e-6)


@pytest.mark.parametrize("constraint", [LinearConstraint(np.ones((1, P)), 1, 1), MONOTONE], ids=["portfolio", "rising"])
@pytest.mark.parametrize("bounds", [None, (0, None)], ids=["free", "non-negative"])
def test_sequential_quadratic_programming(constraint, bounds):
    X, y = data()
    model = fit(alpha=0.1, constraints=constraint, bounds=bounds)

    def value(v):
        return np.mean((y - X @ v[:P] - v[P]) ** 2) + 0.05 * v[:P] @ v[:P]

    whole = LinearConstraint(np.hstack([constraint.A, np.zeros((len(constraint.A), 1))]), constraint.lb, constraint.ub)
    box = None if bounds is None else [(0, None)] * P + [(None, None)]
    options = {"ftol": 1e-15, "maxiter": 1000}
    peer = scipy_minimize(value, np.full(P + 1, 0.2), method="SLSQP", constraints=whole, bounds=box, options=options)
    assert model.objective_ == pytest.approx(peer.fun, rel=1e-7)
    np.testing.assert_allclose(model.coef_, peer.x[:P], atol=1e-5)


def test_linear_programming():
    """The median regression whose coefficients sum to one and are not negative."""
    X, y = data()
    model = fit("absolute_error", None, 0, bounds=(0, None), constraints=LinearConstraint(np.ones((1, P)), 1, 1))
    design = np.hstack([X, np.ones((N, 1))])
    peer = linprog(
        np.concatenate([np.zeros(P + 1), np.full(N, 1 / N)]),
        np.block([[design, -np.eye(N)], [-design, -np.eye(N)]]),
        np.concatenate([y, -y]),
        np.concatenate([np.ones(P), np.zeros(N + 1)])[None],
        1.0,
        bounds=[(0, None)] * P + [(None, None)] * (N + 1),
    )
    assert model.objective_ == pytest.approx(peer.fun, rel=1e-8)
    assert model.coef_.sum() == pytest.approx(1.0, abs=FEASIBLE)


# -- the same constraints in other words ------------------------------------------------------------------------------


def same(model, other, atol=1e-5):
    assert model.objective_ == pytest.approx(other.objective_, rel=1e-8)
    np.testing.assert_allclose(model.coef_, other.coef_, atol=atol)


@pytest.mark.parametrize("penalty", ["l2", "l1", "fused"])
@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "hinge", "log_loss"])
def test_constraints_that_do_not_bind_change_nothing(name, penalty):
    _, y = data("logistic" if name in ("hinge", "log_loss") else name)
    common = {"y": y, "alpha": 0.03}
    loose = {"bounds": (-50, 50), "constraints": LinearConstraint(A, -90, 90)}
    model, free = fit(name, penalty, **common, **loose), fit(name, penalty, **common)
    assert model.objective_ == pytest.approx(free.objective_, rel=1e-8)
    assert all(np.all(mu == 0) for mu in multipliers_of(model))
    assert not hasattr(free, "multipliers_")


@pytest.mark.parametrize(
    "constraint",
    [
        LinearConstraint(1e6 * A, 1e6 * ROWS.lb, 1e6 * ROWS.ub),
        LinearConstraint(1e-6 * A, 1e-6 * ROWS.lb, 1e-6 * ROWS.ub),
        LinearConstraint(
            np.vstack([A, A, 2 * A]), [*ROWS.lb, *ROWS.lb, *2 * ROWS.lb], [*ROWS.ub, *ROWS.ub, *2 * ROWS.ub]
        ),
        LinearConstraint(np.vstack([A, A.sum(axis=0)]), [*ROWS.lb, -5], [*ROWS.ub, 5]),
        LinearConstraint(np.vstack([A, np.zeros(P)]), [*ROWS.lb, -1], [*ROWS.ub, 0]),
        LinearConstraint(-A, -ROWS.ub, -ROWS.lb),
        LinearConstraint(A.tolist(), ROWS.lb.tolist(), ROWS.ub.tolist()),
        LinearConstraint(sparse.csc_array(A), ROWS.lb, ROWS.ub),
        [LinearConstraint(A[:1], 0.3, 0.3), LinearConstraint(A[1], -0.2, 0.1)],
    ],
    ids=["large", "small", "duplicate", "redundant", "empty row", "negative", "lists", "sparse", "one by one"],
)
@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_the_same_rows_in_other_words(penalty, constraint):
    same(fit(penalty=penalty, alpha=0.05, constraints=constraint), fit(penalty=penalty, alpha=0.05, constraints=ROWS))


@pytest.mark.parametrize(
    "bounds", [(0, np.inf), [0.0, None], (np.zeros(P), None), Bounds(0, np.inf), (np.zeros(1), [np.inf] * P)], ids=str
)
def test_the_same_bounds_in_other_words(bounds):
    expected = fit(bounds=(0, None))
    np.testing.assert_array_equal(fit(bounds=bounds).coef_, expected.coef_)
    rows = fit(constraints=LinearConstraint(np.eye(P), 0, np.inf))
    same(rows, expected)
    np.testing.assert_allclose(rows.multipliers_["constraints"][0], expected.multipliers_["bounds"], atol=1e-5)


@EVERY_LIMIT
def test_sparse_data_float32_and_weights(limit):
    X, y = data()
    dense = fit(alpha=0.05, **limit)
    same(fit(alpha=0.05, X=sparse.csr_array(X), **limit), dense)
    assert fit(alpha=0.05, X=X.astype(np.float32), tol=1e-6, **limit).coef_ == pytest.approx(dense.coef_, abs=1e-3)
    weight = np.random.default_rng(2).integers(0, 3, N)
    rows = np.repeat(np.arange(N), weight)
    same(fit(alpha=0.05, weight=weight, **limit), fit(alpha=0.05, X=X[rows], y=y[rows], **limit))


def test_one_feature():
    X, _ = data()
    X = X[:, :1]
    free = fit(X=X).coef_[0]
    model = fit(X=X, bounds=(None, 0.5 * free))
    assert model.coef_[0] == 0.5 * free
    rows = fit(X=X, constraints=LinearConstraint([[2.0]], -np.inf, free))
    assert rows.coef_[0] == pytest.approx(0.5 * free, abs=FEASIBLE)
    assert rows.multipliers_["constraints"][0] == pytest.approx(0.5 * model.multipliers_["bounds"], rel=1e-4)
    assert fit(X=X, bounds=(0.1, 0.1)).coef_[0] == 0.1


@pytest.mark.parametrize("limit", ["non-negative", "both"])
@pytest.mark.parametrize("name, penalty", [("squared_error", "l2"), ("absolute_error", "nuclear"), ("log_loss", "l1")])
def test_every_output_satisfies_them(name, penalty, limit):
    X, y = data()
    labels = np.digitize(y, np.quantile(y, [0.3, 0.6]))
    Y = labels if name == "log_loss" else np.column_stack([y, -y, X[:, 0]])
    model = fit(name, penalty, 0.02, X=X, y=Y, tol=1e-8, **LIMITS[limit])
    assert model.coef_.shape == (3, P)
    for (matrix, low, high), mu in zip(blocks_of(LIMITS[limit]), multipliers_of(model), strict=True):
        assert mu.shape == (3, len(matrix))
        reached = model.coef_ @ matrix.T
        assert np.all((reached >= low - FEASIBLE) & (reached <= high + FEASIBLE))
        assert np.all(mu[(reached > low + 1e-6) & (reached < high - 1e-6)] == 0)
    if name == "squared_error":
        for j in range(3):
            np.testing.assert_allclose(model.coef_[j], fit(y=Y[:, j], alpha=0.02, **LIMITS[limit]).coef_, atol=1e-4)


# -- mistakes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params, error, match",
    [
        ({"bounds": (1, 0)}, ValueError, r"bounds.*feature 0.*1.*0"),
        ({"bounds": ([0, 0, 3, 0, 0], 2)}, ValueError, r"bounds.*feature 2"),
        ({"bounds": (np.inf, None)}, ValueError, r"bounds.*feature 0"),
        ({"bounds": ([0, 1], None)}, ValueError, r"lower bounds.*\(5,\).*\(2,\)"),
        ({"bounds": (None, np.zeros((5, 1)))}, ValueError, r"upper bounds.*\(5, 1\)"),
        ({"bounds": (np.nan, None)}, ValueError, r"lower bounds.*NaN"),
        ({"bounds": ("a", None)}, TypeError, r"lower bounds.*real numbers"),
        ({"bounds": 3}, TypeError, r"bounds=3.*pair"),
        ({"bounds": (0, 1, 2)}, TypeError, r"bounds=.*pair"),
        ({"constraints": [A]}, TypeError, r"(?s)constraints=.*LinearConstraint"),
        ({"constraints": {"type": "eq"}}, TypeError, r"(?s)constraints=.*LinearConstraint"),
        ({"constraints": LinearConstraint(np.ones((2, 4)), 0, 1)}, ValueError, r"constraint 0.*5.*\(2, 4\)"),
        ({"constraints": [ROWS, LinearConstraint(np.nan * A, 0, 1)]}, ValueError, r"constraint 1.*finite"),
        ({"constraints": LinearConstraint(A, np.nan, 1)}, ValueError, r"constraint 0.*NaN"),
        ({"constraints": LinearConstraint(A, [0, 2], 1)}, ValueError, r"constraint 0.*row 1"),
        ({"constraints": LinearConstraint(np.ones((1, P)), 1, 1), "bounds": (None, 0)}, ValueError, "contradict"),
        ({"constraints": [LinearConstraint(A, 1, 2), LinearConstraint(A, 3, 4)]}, ValueError, "contradict"),
        ({"constraints": LinearConstraint(np.zeros((1, P)), 1, 2)}, ValueError, "contradict|row 0"),
        ({"constraints": LinearConstraint(np.ones((1, P)), np.inf, np.inf)}, ValueError, "contradict|row 0"),
        ({"bounds": (0, None), "penalty": "mcp"}, ValueError, r"convex penalty.*mcp"),
        ({"constraints": ROWS, "penalty": SCAD()}, ValueError, r"convex penalty.*SCAD"),
    ],
)
def test_mistakes(params, error, match):
    with pytest.raises(error, match=match):
        fit(**params)


# -- scikit-learn's manners -------------------------------------------------------------------------------------------


def test_clone_grid_search_and_warm_start():
    X, y = data()
    bounds, constraint = (np.zeros(P), None), LinearConstraint(np.ones((1, P)), 0, 0.5)
    model = ERMRegressor(Quantile(0.3), "l1", 1e-3, bounds=bounds, constraints=constraint, warm_start=True)
    copy = clone(model).fit(X, y)
    np.testing.assert_array_equal(copy.coef_, model.fit(X, y).coef_)
    first = model.objective_
    for _ in range(2):
        model.fit(X, y)
        assert model.objective_ == pytest.approx(first, rel=1e-5)
        assert np.all(model.coef_ >= 0)
    np.testing.assert_array_equal(bounds[0], np.zeros(P))
    grid = GridSearchCV(ERMRegressor(alpha=1e-3), {"bounds": [None, (0, None), (None, 0)], "alpha": [1e-3, 1.0]}, cv=3)
    best = grid.fit(X, y).best_estimator_
    assert best.bounds is None
    assert not hasattr(best, "multipliers_")


def test_multipliers_go_when_the_constraints_go():
    X, y = data()
    model = ERMRegressor(bounds=(0, None)).fit(X, y)
    assert "bounds" in model.multipliers_
    assert not hasattr(model.set_params(bounds=None).fit(X, y), "multipliers_")


@pytest.mark.parametrize("solver", ["auto", "newton", "L-BFGS-B", "trust-ncg"])
def test_solvers(solver):
    expected = fit(**LIMITS["both"])
    model = fit(solver=solver, tol=1e-6, **LIMITS["both"])
    assert model.objective_ == pytest.approx(expected.objective_, rel=2e-6)


def test_limits_that_say_little_or_contradict_each_other_a_little():
    rng = np.random.default_rng(1)
    X, ones = rng.normal(size=(50, 4)), np.ones(4)
    y = X @ [1, -1, 0.5, 0] + 0.3 * rng.normal(size=50)
    free = ERMRegressor("squared_error", "l1", alpha=0.1).fit(X, y)
    nothing = ERMRegressor("squared_error", "l1", alpha=0.1, constraints=LinearConstraint(np.zeros((0, 4)), [], []))
    np.testing.assert_array_equal(nothing.fit(X, y).coef_, free.coef_)
    signs = ERMRegressor("squared_error", "l1", alpha=0.1, bounds=([0, None, None, 0], None)).fit(X, y)
    assert np.all(signs.coef_[[0, 3]] >= 0)
    assert signs.coef_[1] < 0
    apart = [LinearConstraint(ones, 1, 1), LinearConstraint(ones, 1 + 1e-7, 1 + 1e-7)]
    with pytest.raises(ValueError, match="contradict each other"):
        ERMRegressor("squared_error", "l1", alpha=0.1, constraints=apart).fit(X, y)
