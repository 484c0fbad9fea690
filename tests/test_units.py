"""Units: a problem in other units of X, of y or of the weights is the same problem, and as much work."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.losses import Huber, Quantile
from sklearn_erm.penalties import (
    L1,
    L2,
    MCP,
    SCAD,
    SLOPE,
    ElasticNet,
    Fused,
    GroupLasso,
    NoPenalty,
    Tikhonov,
)
from sklearn_erm.penalties.bounded import constrain
from sklearn_erm.solve.minimize import minimize

from .problems import LOSS_EXAMPLES, PENALTY_EXAMPLES, cover, name_of, name_of_pair, objective, targets

N, P = 40, 6
ALPHA, TOL = 0.05, 1e-6
LIMITS = ["free", "bounds", "rows"]
FACTORS = [2.0**40, 2.0**-40]  # 1e12 and 1e-12; powers of two, so that rounding stays the same
MIXED = 2.0 ** np.array([-40, 40, 7, -13, 23, 0])
GROUPED = 2.0 ** np.array([-40, -40, 33, 33, 0, 0])  # one for each group
PARAMETERS = {"delta", "epsilon"}  # of losses, in the unit of y
DEGREE = {"AbsoluteError": 1, "Quantile": 1, "EpsilonInsensitive": 1, "MultiQuantile": 1, "Poisson": 1, "Gamma": 0}
DEGREE |= {"InverseGaussian": -1}  # of the risk in the unit of y; 2 for the others
WITHOUT_UNIT = {"LogCosh"}  # it bends at residuals of 1, whatever they are


def data():
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, P))
    X[:, 1] += X[:, 0]
    return X, X @ [1.0, -0.5, 0.0, 0.0, 0.3, 0.0] + 0.9 * rng.normal(size=N)  # classes are not separable


def in_unit(penalty, c):
    """The penalty of coefficients that are to be multiplied by c: a number, or one per feature."""
    if isinstance(penalty, NoPenalty):
        return penalty
    if isinstance(penalty, L2):
        return L2(weights=c**2 * (np.ones(P) if penalty.weights is None else penalty.weights))
    if isinstance(penalty, L1):
        return L1(weights=c * (np.ones(P) if penalty.weights is None else penalty.weights))
    if isinstance(penalty, Tikhonov):
        c = np.broadcast_to(c, P)
        precision = penalty.precision.toarray() if sparse.issparse(penalty.precision) else penalty.precision
        return Tikhonov(c[:, None] * precision * c, penalty.mean / c)
    if isinstance(penalty, ElasticNet):
        lasso, ridge = penalty.elastic(P)
        return L1(weights=c * lasso) + L2(weights=c**2 * ridge)
    if isinstance(penalty, (MCP, SCAD)):
        return c * penalty._with(knot=penalty.knot / c)
    if isinstance(penalty, GroupLasso) and np.ndim(c):
        return GroupLasso(penalty.groups, weights=c[np.unique(penalty.groups, return_index=True)[1]] * penalty.weights)
    assert penalty.homogeneous
    assert np.ndim(c) == 0
    return c * penalty


def problem_in(loss, penalty, limits, c=1.0, u=1.0, weight=None, alpha=ALPHA):
    """The problem with columns multiplied by c and targets by u, loss and penalty and limits in these units."""
    X, latent = data()
    degree = 0 if loss.target != "real" else DEGREE.get(type(loss).__name__, getattr(loss, "power", None) or 2)
    degree = 2 - loss.power if hasattr(loss, "power") and type(loss).__name__ == "Tweedie" else degree
    size = c / (u if loss.location_equivariant else 1.0)  # coefficients are divided by
    scaled = {name: u * value for name, value in loss.get_params().items() if name in PARAMETERS}
    if loss.location_equivariant and scaled:
        loss = type(loss)(**{**loss.get_params(), **scaled})
    y = targets(loss, latent)
    bound = in_unit(penalty, size).bind(P)
    bounds = (-0.2 / size, 0.5 / size) if limits == "bounds" else None
    rows = np.array([[1.0, 1, 1, 0, 0, 0], [0, 0, 0, 1, -1, 1]]) * size
    rows = LinearConstraint(rows, [0.3, -np.inf], [0.3, 0.1]) if limits == "rows" else None
    parts = find_constraints("", bounds, rows, P)
    term = constrain(bound, parts, P) if parts else bound
    y = u * y if loss.target == "real" else y
    return objective(loss, term, ALPHA * u**degree, X * c, y, weight), u**degree


def solved(*args, **options):
    problem, unit = problem_in(*args, **options)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = minimize(problem, tol=TOL)
    return result, result.fun / unit


def agree(one, other, more=1.5):
    """Whether two solutions are the same, in their units, after about as many iterations."""
    (before, value), (after, same) = one, other
    assert before.success, before.message
    assert after.success, after.message
    assert same == pytest.approx(value, rel=2 * TOL)
    assert np.isnan(before.certificate.gap) == np.isnan(after.certificate.gap)
    assert after.nit <= more * before.nit + 5


def limited(pair):
    """Free, within bounds or under constraints, in turn; what is not convex takes none."""
    return LIMITS[sum(pair) % 3] if PENALTY_EXAMPLES[pair[1]].convex else "free"


@pytest.mark.parametrize("pair", cover(5), ids=name_of_pair)
def test_the_unit_of_all_columns(pair):
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    agree(solved(loss, penalty, limited(pair)), solved(loss, penalty, limited(pair), c=FACTORS[pair[1] % 2]))


@pytest.mark.parametrize(
    "pair", [pair for pair in cover(5) if LOSS_EXAMPLES[pair[0]].target == "real"], ids=name_of_pair
)
def test_the_unit_of_targets(pair):
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    if type(loss).__name__ in WITHOUT_UNIT:
        return
    more = 1.5 if penalty.convex else 2.5  # rounding decides which coefficients enter first where nothing is convex
    agree(solved(loss, penalty, limited(pair)), solved(loss, penalty, limited(pair), u=FACTORS[pair[1] % 2]), more)


FOLLOWS = [NoPenalty(), L2(), L1(), L1(weights=np.arange(P) % 3 * 0.7), ElasticNet(0.5), Tikhonov(np.eye(P) + 0.3)]
FOLLOWS = [penalty.bind(P) for penalty in FOLLOWS]
GROUPS = GroupLasso([0, 0, 1, 1, 2, 2]).bind(P)


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("penalty", [*FOLLOWS, GROUPS], ids=name_of)
@pytest.mark.parametrize("loss", LOSS_EXAMPLES[::4] + LOSS_EXAMPLES[1:2], ids=name_of)
def test_the_units_of_single_columns(loss, penalty, limits):
    mixed = GROUPED if penalty is GROUPS else MIXED
    agree(solved(loss, penalty, limits), solved(loss, penalty, limits, c=mixed))


def fitted(loss, penalty, X, y, weight=None, **options):
    estimator = ERMRegressor if loss.target == "real" else ERMClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return estimator(loss, penalty, **{"tol": 1e-10, "alpha": ALPHA, **options}).fit(X, y, sample_weight=weight)


def moved(values, by):
    """The same numbers at another place, and what rounding left of them."""
    return values + by, (values + by) - by


@pytest.mark.parametrize("by", [1e9])
@pytest.mark.parametrize("penalty", ["l2", "l1", None, "slope"])
@pytest.mark.parametrize("loss", [loss for loss in LOSS_EXAMPLES if loss.location_equivariant], ids=name_of)
def test_a_constant_in_the_targets_costs_no_digits(loss, penalty, by):
    X, y = data()
    far, near = moved(y, by)
    one, other = fitted(loss, penalty, X, far), fitted(loss, penalty, X, near)
    assert one.objective_ == pytest.approx(other.objective_, rel=1e-9)
    assert one.n_iter_ <= 1.5 * other.n_iter_ + 5
    np.testing.assert_allclose(one.intercept_ - by, other.intercept_, atol=1e-6 + 1e-15 * abs(by))


@pytest.mark.parametrize("make", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("penalty", ["l2", "l1", None])
@pytest.mark.parametrize("loss", LOSS_EXAMPLES[::4], ids=name_of)
def test_constants_in_columns_cost_no_digits(loss, penalty, make):
    X, latent = data()
    far, near = X.copy(), X.copy()
    for j, by in ((0, 1e9), (3, -1e7), (5, 1e12)):
        far[:, j], near[:, j] = moved(X[:, j], by)
    y = targets(loss, latent)
    one, other = fitted(loss, penalty, make(far), y), fitted(loss, penalty, make(near), y)
    assert one.objective_ == pytest.approx(other.objective_, rel=1e-9)
    assert one.n_iter_ <= 1.5 * other.n_iter_ + 5
    np.testing.assert_allclose(one.coef_, other.coef_, atol=1e-4)


@pytest.mark.parametrize("factor", [1e-300, 3.7, 1e300])
@pytest.mark.parametrize("loss", LOSS_EXAMPLES[::4], ids=name_of)
def test_a_factor_of_the_weights_changes_nothing(loss, factor):
    X, latent = data()
    y, weight = targets(loss, latent), np.random.default_rng(0).uniform(0.5, 2.0, N)
    one, other = (fitted(loss, "l1", X, y, weight * c) for c in (1.0, factor))
    assert other.objective_ == pytest.approx(one.objective_, rel=1e-9)
    assert other.n_iter_ <= 1.5 * one.n_iter_ + 5


@pytest.mark.parametrize("penalty", ["sum", "slope", "fused"])
def test_residuals_that_leave_no_curvature_on_the_way(penalty):
    """Few samples are near an extreme quantile, so that the intercept may meet none that bends."""
    for seed in range(10):
        rng = np.random.default_rng(seed)
        X = rng.normal(size=(40, 7))
        y = X @ rng.normal(size=7) + rng.standard_t(2, size=40)
        objectives = []
        for c in (1.0, *FACTORS):
            chosen, bounds = {
                "sum": (L1() + c * L2(), None),
                "slope": (SLOPE(), (-0.2 / c, 0.3 / c)),
                "fused": (Fused(0.5), (0, np.inf)),
            }[penalty]
            model = ERMRegressor(Quantile(0.053), chosen, 0.05 * c, bounds=bounds).fit(c * X, y)
            assert model.result_.success
            objectives.append(model.objective_)
        np.testing.assert_allclose(objectives, objectives[0], rtol=2e-6)


@pytest.mark.parametrize("u", [1e-12, 1e3, 1e12])
@pytest.mark.parametrize("loss", ["inverse_gaussian", "gamma", "poisson", "squared_error", "absolute_error"])
def test_targets_that_a_constant_fits_are_fitted_at_once(loss, u):
    model = fitted_named(loss, np.full(N, 7.0) * u)
    assert model.n_iter_ <= 1
    np.testing.assert_allclose(model.predict(data()[0]), 7.0 * u, rtol=1e-7)


def fitted_named(loss, y):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return ERMRegressor(loss, "l2", alpha=ALPHA).fit(data()[0], y)


def test_a_scale_that_shrinks_to_nothing_is_followed_to_the_exact_fit():
    X = np.random.default_rng(0).normal(size=(30, 2))
    y = X @ [3.0, -2.0] + 100.0
    y[::7] += 25.0
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = ERMRegressor(Huber(scale="mad"), None).fit(X, y)
    np.testing.assert_allclose(model.coef_, [3.0, -2.0], atol=1e-3)


@pytest.mark.parametrize("unit", [1e3, 1e6, 1e9])
@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet"])
@pytest.mark.parametrize("loss", ["squared_error", "log_loss", "absolute_error", "hinge"])
def test_a_timestamp_among_the_columns(loss, penalty, unit):
    """Where rounding makes a small gap impossible, the optimality conditions decide."""
    rng = np.random.default_rng(1)
    seconds = np.sort(rng.integers(0, 365 * 86400, 200)).astype(float)
    time, other = (1.7e9 + seconds) * unit, rng.normal(15, 8, size=(200, 2))
    eta = (time - time.mean()) / time.std() + 0.1 * (other[:, 0] - 15)
    E, y = (ERMRegressor, eta) if loss in ("squared_error", "absolute_error") else (ERMClassifier, eta > 0)
    y = y + 0.3 * rng.normal(size=200) if E is ERMRegressor else np.where(rng.random(200) < 0.1, ~y, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = E(loss, penalty, alpha=1e-3).fit(np.column_stack([time, other]), y)
    assert model.optimality_ <= TOL or model.duality_gap_ <= TOL
