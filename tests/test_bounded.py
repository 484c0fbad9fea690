"""Bounds with separable penalties: the laws of a penalty, optima of other programs, and what bounds leave of each."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint, lsq_linear, nnls
from sklearn.exceptions import ConvergenceWarning

from sklearn_erm import ERMClassifier, ERMRegressor, erm_path
from sklearn_erm.losses import AbsoluteError, Quantile, SquaredError
from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso, NoPenalty, Part, Tikhonov
from sklearn_erm.penalties.bounded import Bounded, constrain
from sklearn_erm.penalties.constrained import Box, Constrained
from sklearn_erm.testing import check_penalty

from .problems import objective

P = 6
FREE = np.full(P, np.inf)
WEIGHTS = [0.0, 2.0, 0.5, 0.0, 1.0, 3.0]
PENALTIES = [
    NoPenalty(),
    L1(),
    L1(weights=WEIGHTS),
    L2(),
    L2(weights=WEIGHTS),
    ElasticNet(0.4),
    2.5 * L1(),
    0.5 * L1() + 2.0 * L2(weights=WEIGHTS),
    Tikhonov(np.diag([1.0, 2.0, 0.5, 1.0, 0.0, 1.0]), mean=np.linspace(-0.3, 0.5, P)),
]
BOXES = {
    "non-negative": (np.zeros(P), FREE),
    "non-positive": (-FREE, np.zeros(P)),
    "around zero": (np.full(P, -0.7), np.array([0.4, 1.0, 0.0, 2.0, 0.3, 1.5])),
    "one side": (np.full(P, -0.3), FREE),
    "mixed": (np.array([0.0, -np.inf, -0.5, 0.0, -np.inf, 0.0]), np.array([np.inf, np.inf, 0.5, 0.0, 0.2, 1.0])),
}


def bounded(penalty, low, high):
    """The penalty within bounds."""
    found = constrain(penalty.bind(len(low)), [Part(1.0, Box(np.asarray(low), np.asarray(high)))], len(low))
    assert type(found) is Bounded
    return found


def short(penalty):
    return " ".join(repr(penalty).split())[:40]


@pytest.mark.parametrize("number", range(3 * len(PENALTIES)))
def test_the_laws_of_a_penalty(number):
    """Three boxes for every penalty, in turn."""
    box = list(BOXES.values())[number % len(BOXES)]
    report = check_penalty(bounded(PENALTIES[number % len(PENALTIES)], *box))
    assert {"prox_is_the_minimiser", "kkt_is_the_distance_to_an_optimum", "conjugate_is_never_too_small"} <= set(
        report.held
    )


@pytest.mark.parametrize("penalty", PENALTIES, ids=short)
def test_the_laws_where_zero_is_not_admitted(penalty):
    low = np.array([0.1, -np.inf, 0.0, -2.0, 0.3, 0.2])
    report = check_penalty(bounded(penalty, low, np.array([np.inf, -0.1, 1.0, -1.0, 0.3, 0.5])))
    assert "prox_is_the_minimiser" in report.held


def test_what_bounds_alone_make_of_a_penalty():
    """Penalties of another form, and constraints besides, are split."""
    box, row = Part(1.0, Box(np.zeros(P), FREE)), Part(1.0, Box(np.zeros(1), np.ones(1)), np.ones((1, P)))
    for penalty, parts in (
        (GroupLasso([0, 0, 0, 1, 1, 1]), [box]),
        (L1(), [box, row]),
        (Tikhonov(np.ones((P, P))), [box]),
    ):
        assert type(constrain(penalty.bind(P), parts, P)) is Constrained


# -- fits -------------------------------------------------------------------------------------------------------------


def make(n, p, seed, k=None):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.2
    X[rng.random((n, p)) < 0.5] = 0.0
    W = rng.normal(size=(p,) if k is None else (p, k)) * (rng.random(p) < 0.4).reshape((-1,) + (1,) * (k is not None))
    y = X @ W + 0.5 * rng.standard_t(4, size=(n,) if k is None else (n, k))
    return X, y, rng.uniform(0.5, 1.5, n) * (rng.random(n) < 0.9), 0.3 * rng.normal(size=y.shape)


LIMITS = [(0, None), (-0.05, 0.1), (None, 0.02), (0.01, 0.3)]
LOSSES = [SquaredError(), AbsoluteError(), Quantile(0.3), "huber", "hinge", "log_loss", "squared_hinge"]


@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet", None], ids=str)
@pytest.mark.parametrize("loss", LOSSES, ids=str)
def test_the_optimum_is_that_of_rows_that_say_the_same(loss, penalty):
    """One row per bound is split by the augmented Lagrangian: another method, with multipliers of its own."""
    number = 4 * LOSSES.index(loss) + ["l1", "l2", "elasticnet", None].index(penalty)
    n, p = [(60, 12), (20, 31)][number % 2]
    k = 2 if number % 3 == 0 and not isinstance(loss, str) else None
    X, y, weight, offset = make(n, p, number, k)
    low, high = LIMITS[number % len(LIMITS)]
    estimator = ERMRegressor
    if loss in ("hinge", "log_loss", "squared_hinge"):
        estimator, y = ERMClassifier, np.where(y > np.median(y), 1, -1)
    rows = LinearConstraint(np.eye(p), -np.inf if low is None else low, np.inf if high is None else high)
    X = sparse.csr_array(X) if number % 4 == 1 else X
    alpha = 0.05 if penalty else 0.0
    one, other = (
        estimator(loss, penalty, alpha, tol=1e-8, **limit).fit(X, y, weight, offset)
        for limit in ({"bounds": (low, high)}, {"constraints": rows})
    )
    assert one.objective_ == pytest.approx(other.objective_, rel=2e-7, abs=1e-9)
    assert np.all(one.coef_ >= (-np.inf if low is None else low))
    assert np.all(one.coef_ <= (np.inf if high is None else high))
    mu, held = one.multipliers_["bounds"].reshape(one.coef_.shape), np.zeros(one.coef_.shape, dtype=bool)
    for side, sign in ((low, -1), (high, 1)):
        if side is not None:
            held |= one.coef_ == side
            assert np.all((one.coef_ == side) | (np.abs(one.coef_ - side) > 1e-12))  # at a bound exactly, or off it
            assert np.all(sign * mu[one.coef_ == side] >= 0)
    assert np.all(mu[~held] == 0)
    assert held.any()


@pytest.mark.parametrize("shape", [(60, 20), (30, 50)], ids=["tall", "wide"])
@pytest.mark.parametrize("unit", [1.0, 1e-9, 1e9])
def test_least_squares_in_columns_of_any_units(shape, unit):
    X, y, _, _ = make(*shape, seed=len(str(unit)) + shape[0])
    scale = unit ** np.linspace(-1, 1, shape[1])
    given = X * scale, 1e3 * unit * y
    model = ERMRegressor("squared_error", None, bounds=(0, None), fit_intercept=False).fit(*given)
    left = np.linalg.norm(X @ (model.coef_ * scale) / (1e3 * unit) - y)
    assert left == pytest.approx(nnls(X, y)[1], rel=1e-6, abs=1e-5 * np.linalg.norm(y))
    high = 0.3 * 1e3 * unit / scale
    model = ERMRegressor("squared_error", None, bounds=(-high, high), fit_intercept=False).fit(
        X * scale, 1e3 * unit * y
    )
    peer = lsq_linear(X, y, (-0.3, 0.3), tol=1e-14)
    left = np.linalg.norm(X @ (model.coef_ * scale) / (1e3 * unit) - y)
    assert left == pytest.approx(np.sqrt(2 * peer.cost), rel=1e-6, abs=1e-5 * np.linalg.norm(y))
    assert np.all(np.abs(model.coef_) <= high)


@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
@pytest.mark.parametrize("bounds", [(0, None), (None, 0), (-0.1, 0.2), ([0.0] * 12, [0.3] * 11 + [0.0])], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
def test_the_largest_alpha_counts_what_can_move(loss, bounds, penalty):
    X, y, _, _ = make(60, 12, 3)
    largest = erm_path(X, y, loss=loss, penalty=penalty, bounds=bounds, alphas=1).alphas[0]
    for factor, moved in ((1.001, False), (0.999, True)):
        model = ERMRegressor(loss, penalty, factor * largest, bounds=bounds, tol=1e-10).fit(X, y)
        assert np.any(model.coef_ != 0) == moved


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error"])
@pytest.mark.parametrize("penalty", ["l1", "l2", None])
def test_bounds_hold_where_a_fit_stops_short(loss, penalty):
    X, y, _, _ = make(40, 60, 5)
    for bounds in ((0, None), (0.1, 0.7)):
        for most in (1, 2, 5):
            model = ERMRegressor(loss, penalty, 0.01, bounds=bounds, max_iter=most, tol=1e-12)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ConvergenceWarning)
                model.fit(X, y)
            assert np.all(model.coef_ >= bounds[0])
            assert np.all(model.coef_ <= (bounds[1] or np.inf))
            assert np.isfinite(model.objective_)


@pytest.mark.parametrize("bounds", [(-0.05, 0.1), (0.01, 0.3)], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "huber", "absolute_error"])
def test_working_sets_hold_the_others_at_their_bounds(loss, bounds):
    X, y, weight, offset = make(40, 150, 8)
    working, whole = (
        ERMRegressor(loss, "l1", 0.05, bounds=bounds, solver=solver, tol=1e-8).fit(X, y, weight, offset)
        for solver in ("working-set", "prox-newton")
    )
    assert working.objective_ == pytest.approx(whole.objective_, rel=1e-7)
    assert np.count_nonzero((working.coef_ == bounds[0]) | (working.coef_ == bounds[1])) > 20


def test_a_full_step_ends_at_the_bound_itself():
    X, y, _, _ = make(20, 1, 9)
    problem = objective(SquaredError(), bounded(NoPenalty(), [0.1], [9.0]), 1.0, X, y, intercept=False)
    start, end = np.array([7.7]), np.array([0.1])
    assert start + (end - start) != end
    line = problem.line(start, end - start, end)
    assert line.accept(1.0) == end
    assert line.most == 1.0
    assert np.isfinite(line.value(1.0))
