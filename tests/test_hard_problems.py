"""Problems that numbers make hard: flat directions, units far apart, rows nearly parallel, extreme alpha."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint, OptimizeResult

import sklearn_erm.solve.minimize
from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.penalties import L1, L2, PENALTIES, SLOPE, Fused, GroupLasso, LInf, Nuclear, SparseGroupLasso
from sklearn_erm.penalties.constrained import Constrained, Equalities
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solvers.loop import CONVERGED, STALLED

from .problems import LOSS_EXAMPLES, name_of, objective, targets

N, P = 60, 7
GROUPS = [0, 0, 1, 1, 2, 2, 2]
TOL = 1e-6
LOSSES = ["squared_error", "absolute_error", "huber", "quantile", "squared_epsilon_insensitive"]


def regression(seed=1, p=P):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(N, p))
    return X, X[:, 0] - 0.5 * X[:, -1] + 0.5 * rng.normal(size=N)


def four_features():
    rng = np.random.default_rng(1)
    X = rng.normal(size=(50, 4))
    return X, X @ [1, -1, 0.5, 0] + 0.3 * rng.normal(size=50)


# -- flat directions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("unit", [1.0, 1e-6, 1e6])
@pytest.mark.parametrize("where", [0, 2, P - 1])
@pytest.mark.parametrize("value", [0.0, 3.0])
@pytest.mark.parametrize("loss", LOSSES)
def test_constant_column_under_fused_is_as_if_it_were_not_there(loss, value, where, unit):
    """Its coefficient can be that of a neighbour, at no cost."""
    X, y = regression()
    X *= unit
    X[:, where] = value
    full = ERMRegressor(loss, Fused(), alpha=0.05 * unit, tol=TOL).fit(X, y)
    without = ERMRegressor(loss, Fused(), alpha=0.05 * unit, tol=TOL).fit(np.delete(X, where, axis=1), y)
    assert full.optimality_ <= TOL
    assert full.objective_ == pytest.approx(without.objective_, rel=1e-4)


@pytest.mark.parametrize("loss", [loss for loss in LOSS_EXAMPLES if loss.convex], ids=name_of)
@pytest.mark.parametrize("penalty", [Fused(l1_ratio=0.3), L1() + Fused()], ids=name_of)
def test_constant_column_between_others(loss, penalty):
    X, y = regression()
    X[:, 3] = 2.0
    assert minimize(objective(loss, penalty.bind(P), 0.02, X, targets(loss, y)), tol=TOL).success


def test_squares_of_constant_columns_are_zero():
    X, y = regression()
    X[:, 2] = 0.1
    for matrix in (X, sparse.csc_array(X)):
        problem = objective(LOSS_EXAMPLES[0], L2(), 0.1, matrix, y)
        assert problem.samples.design.squares[2] == 0.0
        assert problem.samples.design.columns(np.array([1, 2])).squares[1] == 0.0


# -- units far apart --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("decades", [3, 5])
@pytest.mark.parametrize(
    "penalty",
    [SLOPE(), LInf(), Fused(), Fused(0.3), SparseGroupLasso(GROUPS), 0.5 * L1() + 0.5 * GroupLasso(GROUPS), Nuclear()],
    ids=name_of,
)
@pytest.mark.parametrize("loss", ["squared_error", "quantile", "huber", "hinge", "log_loss"])
def test_columns_of_units_far_apart(loss, penalty, decades):
    X, y = regression(seed=0)
    X = X * 10.0 ** np.random.default_rng(decades).permutation(np.linspace(-decades, decades, P))
    if loss in ("hinge", "log_loss"):
        model = ERMClassifier(loss, penalty, alpha=0.05).fit(
            X, np.digitize(y, [-0.5, 0.5]) if loss != "hinge" else y > 0
        )
    else:
        model = ERMRegressor(loss, penalty, alpha=0.05).fit(X, y)
    assert np.isnan(model.duality_gap_) or model.duality_gap_ <= TOL


# -- extreme alpha ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bounds", [(0, None), (None, 0.5), (1, 2), ([1, -2, 0, 0], [2, 3, 4, 5])], ids=str)
@pytest.mark.parametrize("penalty", ["l1", "l2", Fused(0.5), "linf", "slope"], ids=str)
@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_extreme_alpha_within_bounds(loss, penalty, bounds):
    X, y = four_features()
    free = ERMRegressor(loss, None, bounds=bounds).fit(X, y)
    weak = ERMRegressor(loss, penalty, alpha=1e-8, bounds=bounds).fit(X, y)
    assert weak.risk_ == pytest.approx(free.risk_, rel=1e-5)
    assert weak.duality_gap_ <= TOL
    strong = ERMRegressor(loss, penalty, alpha=1e10, bounds=bounds).fit(X, y)
    assert strong.duality_gap_ <= TOL
    assert strong.coef_[0] == pytest.approx(bounds[0][0] if np.ndim(bounds[0]) else bounds[0] or 0.0, abs=1e-8)


def test_what_is_left_of_a_gradient_goes_where_it_costs_least():
    """To a box if there is one: the norm's multiplier may move by no more than alpha."""
    X, y = regression()
    penalty = Constrained(L1().bind(P), find_constraints("", (-1, 2), None, P))
    problem = objective(LOSS_EXAMPLES[0], penalty, 1e-8, X, y)
    result = minimize(problem, tol=1e-9)
    u, pairs = result.dual
    u = problem.at(result.x).slopes if u is None else u
    moved = State(u.values + 1e-7 * np.random.default_rng(0).normal(size=u.values.shape))
    assert problem.certificate(result.x, moved, pairs).gap < 1e-4


# -- equalities nearly parallel ---------------------------------------------------------------------------------------

ONES, RAMP = np.ones(4), np.arange(4.0)


def constrained(constraints, penalty="l1", **params):
    model = ERMRegressor("squared_error", penalty, alpha=0.1, constraints=constraints, tol=1e-9, **params)
    return model.fit(*four_features())


@pytest.mark.parametrize("angle", [1e-2, 1e-4, 1e-6, 1e-8])
@pytest.mark.parametrize("penalty", ["l1", "l2", "slope", None])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_nearly_parallel_equalities(kind, penalty, angle):
    """sum w = 1 and sum w + angle (w_1 + 2 w_2 + ...) = 1 + angle / 2 say the same as sum w = 1, w_1 + ... = 1 / 2."""
    plain = constrained(LinearConstraint(np.vstack([ONES, RAMP]), [1.0, 0.5], [1.0, 0.5]), penalty)
    value = [1.0, 1.0 + 0.5 * angle]
    slanted = constrained(LinearConstraint(kind(np.vstack([ONES, ONES + angle * RAMP])), value, value), penalty)
    rounding = 1e-15 / angle
    assert slanted.objective_ == pytest.approx(plain.objective_, rel=1e-7 + 10 * rounding)
    np.testing.assert_allclose(slanted.coef_, plain.coef_, atol=1e-6 + 10 * rounding)
    np.testing.assert_allclose(ONES @ slanted.coef_, 1.0, atol=1e-12)
    (of_ones, of_ramp), (first, second) = (
        plain.multipliers_["constraints"][0][0],
        slanted.multipliers_["constraints"][0][0],
    )
    assert second * angle == pytest.approx(of_ramp, rel=1e-4, abs=1e-5)
    assert first + second == pytest.approx(of_ones, rel=1e-4, abs=1e-5 + 1e-13 * abs(first))


def test_equalities_nearly_parallel_beside_others():
    """In several constraints, inequalities between them: every multiplier comes back where it belongs."""
    first = LinearConstraint([[0, 1.0, 0, 0], ONES], [-0.2, 1], [np.inf, 1])
    second = LinearConstraint([ONES + 1e-5 * RAMP, [1.0, 0, 0, 0]], [1 + 5e-6, -np.inf], [1 + 5e-6, 0.3])
    model = constrained([first, second], "l2", bounds=(None, 0.6))
    X, y = four_features()
    centred, target = X - X.mean(axis=0), y - y.mean()
    gradient = 2 * centred.T @ (centred @ model.coef_ - target) / 50 + 0.1 * model.coef_
    (alone, of_ones), (of_ramp, of_first) = (values[0] for values in model.multipliers_["constraints"])
    pull = of_ones * ONES + of_ramp * (ONES + 1e-5 * RAMP) + model.multipliers_["bounds"][0]
    pull[0] += of_first
    pull[1] += alone
    np.testing.assert_allclose(gradient + pull, 0.0, atol=1e-6)
    assert of_first >= 0 >= alone


def test_more_equalities_than_coefficients():
    equalities = Equalities(np.array([[1.0, 0.0], [0.0, 1.0], [0.6, 0.8]]), np.array([1.0, 2.0, 2.2]), 1.0)
    assert equalities.slanted
    np.testing.assert_allclose(np.linalg.solve(equalities.part.matrix, equalities.part.penalty.low), [1.0, 2.0])


def test_an_equality_that_follows_from_others_has_no_multiplier():
    rows = np.vstack([ONES, RAMP, 2 * ONES + RAMP])
    model = constrained(LinearConstraint(rows, [1, 0.5, 2.5], [1, 0.5, 2.5]), "l2")
    plain = constrained(LinearConstraint(rows[:2], [1, 0.5], [1, 0.5]), "l2")
    np.testing.assert_allclose(model.coef_, plain.coef_, atol=1e-6)
    values = model.multipliers_["constraints"][0][0]
    np.testing.assert_allclose(rows.T @ values, rows[:2].T @ plain.multipliers_["constraints"][0][0], atol=1e-5)
    assert np.count_nonzero(values) == 2


def test_nearly_parallel_equalities_hold_for_every_output():
    rng = np.random.default_rng(0)
    X, Y = rng.normal(size=(50, 4)), rng.normal(size=(50, 2))
    rows = LinearConstraint(np.vstack([ONES, ONES + 1e-5 * RAMP]), [1, 1 + 1e-5], [1, 1 + 1e-5])
    model = ERMRegressor("squared_error", "nuclear", alpha=0.1, constraints=rows).fit(X, Y)
    np.testing.assert_allclose(model.coef_ @ ONES, 1.0, atol=1e-9)
    np.testing.assert_allclose(model.coef_ @ RAMP, 1.0, atol=1e-8)
    assert model.multipliers_["constraints"][0].shape == (2, 2)


# -- not convex -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
def test_folded_penalty_of_a_kinked_loss_at_zero_coefficients(penalty):
    """Multipliers that show it must be balanced first: the intercept is at a kink of many samples."""
    rng = np.random.default_rng(0)
    rng.normal(size=(60, 7))
    X = sparse.random(60, 7, 0.3, random_state=0).toarray()
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    y = Z[:, 0] - 0.5 * Z[:, -1] + 0.5 * rng.normal(size=60)
    model = ERMClassifier("hinge", penalty, alpha=0.05).fit(sparse.csc_array(X), np.digitize(y, [-0.5, 0.5]))
    assert model.optimality_ <= TOL


@pytest.mark.parametrize("penalty", ["mcp", "scad"])
@pytest.mark.parametrize("loss", ["absolute_error", "quantile", "epsilon_insensitive"])
@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_folded_penalty_far_from_zero(loss, penalty, alpha):
    X, y = regression(seed=0)
    model = ERMRegressor(loss, penalty, alpha=alpha).fit(X + 1e6, y)
    assert model.optimality_ <= TOL
    lasso = ERMRegressor(loss, "l1", alpha=alpha).fit(X + 1e6, y)
    assert model.objective_ <= lasso.risk_ + alpha * PENALTIES[penalty]().bind(P).value(lasso.coef_) + 1e-8


# -- never worse than the null model ----------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [CONVERGED, STALLED])
def test_a_method_gone_astray_does_not_reach_the_user(status, monkeypatch):
    X, y = regression()
    problem = objective(LOSS_EXAMPLES[0], L2(), 0.1, X, y)

    def astray(request):
        far = np.full(request.start.shape, 1e20)
        return OptimizeResult(x=far, fun=problem.fun(far), nit=1, status=status, success=True, message="")

    monkeypatch.setattr(sklearn_erm.solve.minimize, "run", astray)
    result = minimize(problem)
    assert not result.success
    assert result.status == STALLED
    np.testing.assert_array_equal(result.x, problem.null)
    assert result.fun == result.certificate.objective == problem.fun(problem.null)
