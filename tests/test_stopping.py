"""Fits that stop: near the optimum if they say so, at the best feasible point met otherwise."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import LinearConstraint, OptimizeResult, linprog

import sklearn_erm.solve.minimize
from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.losses import AbsoluteError, Huber, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, Tikhonov
from sklearn_erm.penalties.constrained import Constrained
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.returned import feasible
from sklearn_erm.solvers.augmented_lagrangian import augmented_lagrangian
from sklearn_erm.solvers.damping import Damping
from sklearn_erm.solvers.line_search import search
from sklearn_erm.solvers.loop import CONVERGED, LIMIT, UNBOUNDED

from .problems import LOSS_EXAMPLES, PENALTY_EXAMPLES, cover, name_of_pair, objective, suitable_alpha, targets

P = 6
BOUNDS = ([0.1, -np.inf, -0.2, 0.0, -np.inf, -0.1], [np.inf, 0.3, 0.2, np.inf, -0.05, 0.1])  # 0 is not within them
ROWS = LinearConstraint(np.vstack([np.ones(P), np.arange(P) - 2.0]), [0.7, -1.0], [0.7, np.inf])
LIMITS = {
    "free": {},
    "bounds": {"bounds": BOUNDS},
    "rows": {"constraints": ROWS},
    "both": {"bounds": BOUNDS, "constraints": ROWS},
}
PAIRS = cover(60)[::2]
ITERATIONS = (1, 3, 10)
ROUNDING = 1e-12


def limited(pair, limit, seed=0):
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(25, P))
    y = targets(loss, X[:, 0] - X[:, 1] + rng.normal(size=25))
    alpha = 0.05 if not penalty.convex else suitable_alpha(loss, penalty, X, y)
    parts = find_constraints("fit", limit.get("bounds"), limit.get("constraints"), P)
    return objective(loss, Constrained(penalty, parts) if parts else penalty, alpha, X, y)


def of_limits(pair):
    return {name: limit for name, limit in LIMITS.items() if name == "free" or PENALTY_EXAMPLES[pair[1]].convex}


# -- what is returned -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pair", PAIRS, ids=name_of_pair)
def test_few_iterations_leave_a_feasible_point_no_worse_than_the_null_model(pair):
    for limit in of_limits(pair).values():
        problem = limited(pair, limit)
        start = problem.fun(feasible(problem, problem.null))
        assert np.isfinite(start)
        for most in ITERATIONS:
            result = minimize(problem, max_iter=most)
            assert result.fun == result.certificate.objective == pytest.approx(problem.fun(result.x), rel=1e-12)
            assert result.fun <= start + ROUNDING * abs(start)
            assert result.success == (result.status == CONVERGED)
            assert result.success == (result.certificate.error <= 1e-6) or result.status == UNBOUNDED
            for part in getattr(problem.penalty, "constraints", []):
                W = problem.split(result.x)[0]
                assert part.value(W) == 0
                if part.matrix is None:
                    np.testing.assert_array_equal(W, part.penalty.prox(W, 1.0))


@pytest.mark.parametrize("pair", PAIRS[::3], ids=name_of_pair)
def test_a_smaller_tolerance_is_no_worse(pair):
    for limit in of_limits(pair).values():
        problem = limited(pair, limit)
        loose, tight = (minimize(problem, tol=tol, max_iter=200) for tol in (1e-3, 1e-7))
        assert tight.fun <= loose.fun + 1e-7 * problem.scale(tight.x)


def test_success_is_that_of_the_point_returned(monkeypatch):
    """The null model takes the place of a worse point: its certificate, and not the other's, says how that went."""
    problem = objective(AbsoluteError(), L1().bind(1), 10.0, np.arange(7.0)[:, None], np.array([1.0, 2, 2, 2, 2, 2, 3]))

    def astray(request):
        far = request.start + 100.0
        return OptimizeResult(x=far, fun=problem.fun(far), nit=1, status=LIMIT, success=False, message="")

    monkeypatch.setattr(sklearn_erm.solve.minimize, "run", astray)
    result = minimize(problem)
    np.testing.assert_array_equal(result.x, problem.null)
    assert result.certificate.error <= 1e-6
    assert (result.success, result.status) == (True, CONVERGED)


@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize("sparse_rows", [False, True])
def test_points_are_moved_to_where_constraints_hold(outputs, sparse_rows):
    rng = np.random.default_rng(outputs)
    W = 3.0 * rng.normal(size=(P, outputs))
    rows = LinearConstraint(sparse.csr_array(ROWS.A), ROWS.lb, ROWS.ub) if sparse_rows else ROWS
    penalty = Constrained(L2(), find_constraints("fit", BOUNDS, rows, P))
    assert penalty.value(W) == np.inf
    moved = penalty.into_domain(W)
    assert penalty.value(moved) < np.inf
    assert penalty.into_domain(moved) is moved
    low, high = np.array(BOUNDS)
    for column, there in zip(W.T, moved.T, strict=True):  # as near as the linear program allows, the bounds met first
        clipped = np.clip(column, low, high)
        A = np.vstack([ROWS.A, -ROWS.A[:1]])
        limit = np.array([0.7, np.inf, -0.7]) - A @ clipped
        A, limit = np.vstack([A[[0, 2]], -ROWS.A[1:]]), np.append(limit[[0, 2]], ROWS.A[1] @ clipped + 1.0)
        box = np.column_stack([np.zeros(2 * P), np.concatenate([high - clipped, clipped - low])])
        least = linprog(np.ones(2 * P), A_ub=np.hstack([A, -A]), b_ub=limit, bounds=box).fun
        assert np.abs(there - clipped).sum() == pytest.approx(least, abs=1e-8)


def test_augmented_lagrangian_returns_the_lowest_point():
    points, errors = iter([4.0, 1.0, 3.0] * 100), {9.0: 5.0, 4.0: 0.5, 1.0: 2.0, 3.0: 0.7}
    result = augmented_lagrangian(
        lambda x: float(x[0]),
        np.array([9.0]),
        inner=lambda *_: (SimpleNamespace(x=np.array([next(points)]), nit=1, success=True), None),
        error=lambda x, u: errors[float(x[0])],
        dual=None,
        step=1.0,
        tol=1e-3,
    )
    assert (result.x[0], result.success) == (1.0, False)


# -- almost flat losses -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l1", "l2_norm", "multi_task_lasso", "l2"])
@pytest.mark.parametrize("unit", [1e-3, 1.0, 1e3])
@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_offsets_that_saturate_the_probabilities(penalty, unit, seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(3, 12)), int(rng.integers(1, 5))
    X, y, offset = rng.normal(size=(n, p)), np.arange(n) % 3, 10.0 * rng.normal(size=(n, 3))
    alpha = 0.006 * (unit**2 if penalty == "l2" else unit)
    model = ERMClassifier("log_loss", penalty, alpha=alpha, fit_intercept=bool(seed % 2)).fit(
        unit * X, y, offset=offset
    )
    assert model.result_.success


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_separable_classes_far_apart(storage, tol):
    X = np.array(
        [[1568.8], [-2876.1], [-2485.7], [423.5], [-2791.4], [3202.0], [-6273.3], [187.8], [-7708.3], [-4343.7]]
    )
    y = np.array([0, 2, 2, 0, 2, 0, 2, 0, 2, 2])
    model = ERMClassifier(Softmax(), "l1", alpha=2.35e-12, tol=tol).fit(storage(X), y)
    assert model.objective_ < 1e-9


def test_curvature_of_a_class_that_is_almost_certain():
    """Its probability rounds to 1, which leaves no digit of 1 - p."""
    loss, y = Softmax(), np.array([0.0])
    eta = np.array([[40.0, 0.0, 1.0]])
    small = np.exp(-40.0) * np.array([1.0, np.e])
    wanted = np.array([[small.sum(), *small]])
    np.testing.assert_allclose(loss.own_curvature(y, eta), wanted, rtol=1e-12)
    X = np.array([[1e3, -2e3, 5e2]])
    W = np.array([0.0, 1e-3, 0.0, 2e-3, 0.0, 0.0, 0.0, 0.0, -1e-3])
    H = objective(loss, L2(), 1e-300, X, y, offset=eta, intercept=False).risk_hess(np.zeros(9)).dense()
    change = (X @ W.reshape(3, 3))[0]
    variance = small @ (change[1:] - change[0]) ** 2  # to first order in the small probabilities
    np.testing.assert_allclose(W @ H @ W, variance, rtol=1e-8)


# -- kinked joint losses without a penalty ----------------------------------------------------------------------------


def least_by_linear_programming(y, X, weight, quantiles=None):
    """The least mean of the pinball losses, or of Crammer and Singer's."""
    (n, p), weight = X.shape, weight / weight.sum()
    A = np.hstack([X, np.ones((n, 1))])
    free = [(None, None)]
    if quantiles is not None:
        both = np.hstack([A, np.eye(n), -np.eye(n)])
        cost = [np.concatenate([np.zeros(p + 1), q * weight, (1 - q) * weight]) for q in quantiles]
        return sum(linprog(c, A_eq=both, b_eq=y, bounds=free * (p + 1) + [(0, None)] * 2 * n).fun for c in cost)
    k = y.max() + 1
    label, other = np.repeat(np.eye(k)[y], k - 1, axis=0), np.vstack([np.delete(np.eye(k), c, axis=0) for c in y])
    rise = np.einsum("ij,ik->ijk", other - label, np.repeat(A, k - 1, axis=0)).reshape(len(label), -1)
    slack = np.repeat(np.eye(n), k - 1, axis=0)
    cost = np.concatenate([np.zeros(rise.shape[1]), weight])
    bounds = free * rise.shape[1] + [(0, None)] * n
    return linprog(cost, A_ub=np.hstack([rise, -slack]), b_ub=-np.ones(len(rise)), bounds=bounds).fun


@settings(max_examples=10)
@given(seed=st.integers(0, 10**6))
@pytest.mark.parametrize("loss", ["crammer_singer", "multi_quantile"])
def test_linear_programs(loss, seed):
    rng = np.random.default_rng(seed)
    n, p = int(rng.integers(4, 16)), int(rng.integers(1, 8))
    X = rng.integers(-3, 4, (n, p)).astype(float) * rng.choice([1.0, 1e-3, 1e3], p)
    weight = rng.integers(1, 4, n).astype(float)
    if loss == "crammer_singer":
        y = np.concatenate([[0, 1, 2], rng.integers(0, 3, n - 3)])
        model = ERMClassifier(loss, None).fit(X, y, sample_weight=weight)
        least = least_by_linear_programming(y, X, weight)
    else:
        y = rng.integers(-3, 4, n).astype(float)
        model = ERMRegressor(loss, None).fit(X, y, sample_weight=weight)
        least = least_by_linear_programming(y, X, weight, (0.1, 0.5, 0.9))
    assert model.result_.success
    assert model.objective_ <= least + 1e-6 * max(least, 1e-2)


# -- steps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kink", [1e-9, 3e-7, 0.01, 50.0])
@pytest.mark.parametrize("fall", [1e-6, 1.0, 1e8])
def test_line_search_where_slopes_differ_by_decades(kink, fall):
    """A steep fall, then a gentle rise: half of the fall at least is found, in few steps."""
    steps = []
    line = SimpleNamespace(
        value=lambda t: max(fall * (kink - t), 1e-2 * fall * (t - kink)),
        slope=lambda t: steps.append(t) or (-fall if t < kink else 1e-2 * fall),
    )
    t = search(line)
    assert line.value(t) <= 0.5 * line.value(0.0)
    assert len(steps) < 30


def test_slopes_without_digits_are_not_trusted():
    """The slope is none far out, or negative, where the scores are too large for it, though the value has risen."""
    for far in (0.0, -0.5):
        line = SimpleNamespace(
            value=lambda t: abs(t - 1e-9), slope=lambda t, far=far: far if t > 1e-2 else np.sign(t - 1e-9)
        )
        assert search(line) == pytest.approx(1e-9, rel=0.5)


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_damping_limits_steps_where_the_hessian_is_almost_singular(unit):
    """The length of the next step is that of the last one, in units of the columns."""
    curvature, gradient, t = 1e-12, 0.3, 1e-8
    hessian = SimpleNamespace(typical=curvature, scale=lambda: np.array([curvature * unit**2]))
    damping = Damping(1e-4)
    first = gradient * unit / ((1 + damping.under(hessian)) * curvature * unit**2)
    damping.adapt(t, hessian, np.array([first]), gradient * unit * first)
    second = gradient * unit / ((1 + damping.under(hessian)) * curvature * unit**2)
    assert 0.5 * t * first < second < 2 * t * first
    curved = SimpleNamespace(typical=1.0, scale=lambda: np.array([unit**2]))
    assert damping.under(curved) < 2e-4  # what limited the step is small beside this curvature


@pytest.mark.parametrize("alpha", [1e-8, 1e-9])
@pytest.mark.parametrize("penalty", ["l1", "slope", "linf"])
def test_a_constraint_that_does_not_bind_changes_nothing(penalty, alpha):
    """Fewer samples than features, and a small alpha: the penalty alone moves what the samples leave open."""
    rng = np.random.default_rng(0)
    X, labels, weight = rng.normal(size=(6, 8)), np.arange(6) % 2, 10.0 ** rng.uniform(-6, 0, 6)
    idle = LinearConstraint(np.ones(8), -1e4, 1e4)
    free, limited = (
        ERMClassifier("squared_hinge", penalty, alpha, fit_intercept=False, constraints=rows).fit(X, labels, weight)
        for rows in (None, idle)
    )
    null = np.average(np.ones(6), weights=weight)  # the squared hinge at 0
    assert limited.objective_ == pytest.approx(free.objective_, rel=1e-6, abs=1e-9 * null)
    assert limited.n_iter_ < 100


@pytest.mark.parametrize("penalty", ["l1", "slope", "nuclear"])
def test_inner_problems_that_rounding_limits(penalty):
    """The step of the augmented Lagrangian grows only if an inner problem is hard, not if rounding ends it."""
    for seed in range(4, 8):
        rng = np.random.default_rng(seed)
        X = np.exp(2.0 * rng.normal(size=(15, 6))) * np.sign(rng.normal(size=(15, 6)))
        y = 1e6 + 10.0 * rng.standard_t(1.5, size=15)
        rows = LinearConstraint(rng.normal(size=(5, 6)), -np.inf, rng.normal(size=5))
        model = ERMRegressor("absolute_error", penalty, 1e-3, constraints=rows).fit(X, y)
        assert model.result_.success
        assert model.n_iter_ < 75


def test_constraints_where_the_loss_has_lost_its_curvature():
    for seed in range(12):
        rng = np.random.default_rng(seed)
        X, y = rng.normal(size=(10, 5)), 1e3 * rng.normal(size=10)
        rows = LinearConstraint(rng.normal(size=(2, 5)), -np.inf, [-100.0, -50.0])
        for penalty in ("l1", "l2"):
            assert ERMRegressor("log_cosh", penalty, 1e-5, constraints=rows).fit(X, y).result_.success


def test_a_constant_column_is_damped_in_the_unit_of_its_own_penalty():
    penalty = Tikhonov(precision=[[4e13, 0.6], [0.6, 1e-14]])
    X, y = [[7e9, 0.0], [-6e9, 0.0]], [-6e10, -2e11]
    model = ERMRegressor(Huber(5e9), penalty, 1e4, fit_intercept=False).fit(X, y)
    assert model.result_.success
    assert model.n_iter_ < 20


@pytest.mark.parametrize("penalty", ["l2", "l1", "slope"])
@pytest.mark.parametrize("loss", [loss for loss in LOSS_EXAMPLES if not loss.convex], ids=str)
def test_newton_takes_the_true_curvature_of_losses_that_are_not_convex(loss, penalty):
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(40, P))
        model = ERMRegressor(loss, penalty, 1e-3).fit(X, np.exp(0.5 * X[:, 0] + rng.normal(size=40)))
        assert model.result_.success
        assert model.n_iter_ <= 10


@pytest.mark.parametrize("loss", ["squared_hinge", "smoothed_hinge", "modified_huber"])
@pytest.mark.parametrize("tails", [0.0, 2.0])
def test_classes_apart_under_losses_with_jumps_in_their_curvature(loss, tails):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(100, 60))
        X = np.exp(tails * X) if tails else X
        labels = X[:, 0] - np.median(X[:, 0]) + rng.normal(size=100) > 0
        model = ERMClassifier(loss, "l2", 1e-5, max_iter=150).fit(X, labels)
        assert model.result_.success
        assert model.duality_gap_ <= 1e-6


def test_damping_is_exhausted_only_where_rounding_hides_what_it_promises():
    damping = Damping(1e6)
    assert not damping.exhausted(1.0, promised=1e-10)
    assert damping.exhausted(1.0, promised=1e-17)
    assert not Damping(1.0).exhausted(1.0, promised=0.0)


def test_prox_newton_gives_up_where_it_cannot_descend():
    problem = objective(SquaredError(), L1().bind(2), 0.1, np.eye(2), np.array([1.0, -2.0]))
    result = minimize(problem, tol=1e-18)
    assert result.certificate.error < 1e-14
    assert result.nit < 50
