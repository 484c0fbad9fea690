"""Piecewise linear losses along alpha: the exact solution, carried from event to event."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import OptimizeResult

from sklearn_erm import erm_path
from sklearn_erm.exact.carrier import Carrier, Crossover, carries
from sklearn_erm.exact.kkt_system import solve_by_multipliers, solve_whole
from sklearn_erm.losses import LOSSES, AbsoluteError, EpsilonInsensitive, Hinge, Quantile
from sklearn_erm.penalties import L1, L2, PENALTIES, ElasticNet, NoPenalty
from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import follow

from .problems import name_of, objective

STRAIGHT = [Hinge(), AbsoluteError(), Quantile(0.2), EpsilonInsensitive(0.3), EpsilonInsensitive(0.0)]
ELASTIC = [L1(), L2(), ElasticNet(0.3), ElasticNet(0.9, weights=np.linspace(0.5, 2, 7)), L1(np.arange(7) % 3), 2 * L1()]
N, P = 80, 7
EXACT = 1e-9


def data(loss, n=N, p=P, outputs=None, seed=0):
    """X and targets; every fifth sample has no weight."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p))
    latent = X[:, :3] @ rng.normal(size=(3, outputs or 1)) + rng.normal(size=(n, outputs or 1))
    y = np.where(latent >= np.median(latent, axis=0), 1.0, -1.0) if loss.target == "sign" else latent
    weight = np.where(np.arange(n) % 5 == 0, 0.0, rng.uniform(0.5, 1.5, n))
    return X, y if outputs else y[:, 0], weight / weight.sum()


def carried(problem, penalty, alphas, tol=1e-10):
    """The errors of what is carried along alphas from a solution, and how many events there were."""
    problem = problem.at_alpha(penalty, alphas[0])
    last = minimize(problem, tol=tol)
    carrier = Carrier(problem)
    for before, alpha in itertools.pairwise(alphas):
        problem = problem.at_alpha(penalty, alpha)
        last = carrier.carry(problem, last, before, 1000)
        yield problem.error(last.x, *last.dual), last.get("events", 0)


def falling(problem):
    """Alphas from where little is left of any coefficient to where most of them are."""
    return float(problem.gradient_scale.max()) * np.geomspace(0.3, 0.01, 12)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", ELASTIC, ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT, ids=name_of)
def test_what_is_carried_is_optimal(loss, penalty, intercept):
    """To rounding, without any iteration of another method; an offset and samples without weight make no difference."""
    X, y, weight = data(loss)
    offset = np.linspace(-0.5, 0.5, N)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight, offset=offset, intercept=intercept)
    found = list(carried(problem, problem.penalty, falling(problem)))
    assert max(error for error, _ in found) < EXACT
    assert sum(events for _, events in found) > 5


@pytest.mark.parametrize("penalty", [L1(), L2()], ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT[:3], ids=name_of)
def test_upwards_and_back(loss, penalty):
    """There is no preferred direction."""
    X, y, weight = data(loss)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight)
    alphas = falling(problem)
    found = list(carried(problem, problem.penalty, np.concatenate([alphas[::-1], alphas])))
    assert max(error for error, _ in found) < EXACT


@pytest.mark.parametrize("penalty", ELASTIC, ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT[:4], ids=name_of)
def test_from_a_rough_solution(loss, penalty):
    """Too many samples seem to be on a kink, and others in the wrong place."""
    X, y, weight = data(loss, n=150)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight)
    for start in falling(problem)[2::4]:
        found = list(carried(problem, problem.penalty, [start, 0.97 * start], tol=3e-3))
        assert max(error for error, _ in found) < EXACT


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [L1(), L2(), ElasticNet()], ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT[:4], ids=name_of)
def test_the_way_back_is_the_same(loss, penalty, intercept):
    """As many events, but for a few that undo each other; samples without weight meet none."""
    X, y, weight = data(loss)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight, intercept=intercept)
    alphas = falling(problem)[4:]
    counts = [[events for _, events in carried(problem, problem.penalty, chosen)] for chosen in (alphas, alphas[::-1])]
    assert abs(sum(counts[0]) - sum(counts[1])) <= 4
    assert np.count_nonzero(np.array(counts[0]) != counts[1][::-1]) <= 1
    heard = weight > 0
    problem = objective(loss, penalty.bind(P), 1.0, X[heard], y[heard], weight[heard], intercept=intercept)
    assert [events for _, events in carried(problem, problem.penalty, alphas)] == counts[0]


def test_where_none_can_start():
    """From a null model without multipliers, and from alpha = 0."""
    X, y, weight = data(Hinge())
    problem = objective(Hinge(), L1().bind(P), 0.1, X, y, weight)
    nothing = OptimizeResult(x=problem.null, dual=Dual(None, None))
    assert Carrier(problem).carry(problem, nothing, 0.2, 1000) is nothing
    found = [result for _, result in follow(problem, [(problem.penalty, alpha) for alpha in (0.0, 0.01, 0.02)])]
    assert all(result.success for result in found[1:])


@pytest.mark.parametrize("penalty", [L1(), L2(), ElasticNet()], ids=name_of)
@pytest.mark.parametrize("loss", [Hinge(), AbsoluteError()], ids=name_of)
def test_several_outputs(loss, penalty):
    """Column by column: an offset that is one for each."""
    X, y, weight = data(loss, outputs=3)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight, offset=np.linspace(-1, 1, 3 * N).reshape(N, 3))
    assert max(error for error, _ in carried(problem, problem.penalty, falling(problem))) < EXACT


@pytest.mark.parametrize("penalty", [L1(), L2(), ElasticNet()], ids=name_of)
@pytest.mark.parametrize("loss", [Hinge(), Quantile(0.7)], ids=name_of)
def test_only_near_samples_and_features_are_looked_at(loss, penalty):
    """Where there are many; what was overlooked is made good."""
    X, y, weight = data(loss, n=3000, p=30, seed=3)
    problem = objective(loss, penalty.bind(30), 1.0, X, y, weight)
    alphas = float(problem.gradient_scale.max()) * np.geomspace(0.2, 0.15, 10)
    assert max(error for error, _ in carried(problem, problem.penalty, alphas)) < EXACT


@pytest.mark.parametrize("penalty", [L1(), ElasticNet()], ids=name_of)
def test_more_features_than_samples(penalty):
    X, y, weight = data(Hinge(), n=60, p=400)
    problem = objective(Hinge(), penalty.bind(400), 1.0, X, y, weight)
    alphas = float(problem.gradient_scale.max()) * np.geomspace(0.2, 0.02, 8)
    assert max(error for error, _ in carried(problem, problem.penalty, alphas)) < EXACT


@pytest.mark.parametrize("kind", ["copies", "integers", "sparse", "units"])
@pytest.mark.parametrize("penalty", ["l1", "l2", "elasticnet"])
@pytest.mark.parametrize("loss", ["hinge", "absolute_error", "quantile", "epsilon_insensitive"])
def test_ties_and_units(loss, penalty, kind):
    """Many events at one alpha, columns of other units: another method helps out where no way is found."""
    X, y, weight = data(LOSSES[loss]())
    if kind == "copies":
        X, y, weight = (np.repeat(each[:20], 4, axis=0) for each in (X, y, weight))
    elif kind == "integers":
        X = np.round(X)
        y = y if loss == "hinge" else np.round(y)
    elif kind == "units":
        X = X * 10.0 ** np.arange(-3, 4)
    X = sparse.csr_array(X * (np.abs(X) > 1)) if kind == "sparse" else X
    keep = {"copies": slice(None)}.get(kind, weight > 0)
    path = erm_path(X[keep], y[keep], loss=loss, penalty=penalty, alphas=12, sample_weight=weight[keep])
    assert np.all(path.duality_gaps <= 1e-6)


@pytest.mark.parametrize("penalty", [L1(), L2(), ElasticNet()], ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT[:4], ids=name_of)
def test_paths_are_carried(loss, penalty):
    """Their points are exact, and events count as iterations; a solver that is named does it all itself."""
    X, y, weight = data(loss)
    problem = objective(loss, penalty.bind(P), 1.0, X, y, weight)
    terms = [(problem.penalty, alpha) for alpha in falling(problem)]
    found = [result for _, result in follow(problem, terms)]
    assert max(result.certificate.gap for result in found[3:]) < EXACT
    assert 5 < sum(result.nit for result in found[3:]) < 200
    named = [result for _, result in follow(problem, terms, solver="prox-newton" if penalty.blockwise else "newton")]
    assert max(result.certificate.gap for result in named[3:]) > EXACT


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", [*ELASTIC, NoPenalty()], ids=name_of)
@pytest.mark.parametrize("loss", STRAIGHT, ids=name_of)
def test_a_fit_ends_at_the_solution_itself(loss, penalty, intercept):
    """Once it is near, without a penalty too; a solver that is named ends where the tolerance is met."""
    X, y, weight = data(loss)
    problem = objective(loss, penalty.bind(P), 0.03, X, y, weight, np.linspace(-0.5, 0.5, N), intercept)
    found, named = minimize(problem), minimize(problem, solver="prox-newton" if penalty.blockwise else "newton")
    assert found.success
    assert found.certificate.error < 2 * EXACT  # the tolerance is 1e-6
    assert found.fun <= named.fun * (1 + 1e-12)


def test_crossover_is_left_alone_far_from_a_solution():
    """Too many samples on kinks, and no more tries than a few."""
    X, y, weight = data(Hinge())
    problem = objective(Hinge(), L1().bind(P), 0.03, X, y, weight)
    found = minimize(problem)
    between = Dual(State(np.where(weight > 0, -0.5 * y, 0.0)), None)
    cross = Crossover(problem)
    assert cross(problem.null, between, 1000) is None
    assert cross.tries == 0
    ends = [cross(found.x, found.dual, 1000) for _ in range(5)]
    assert [end is None for end in ends] == [False, False, False, True, True]
    np.testing.assert_allclose(problem.fun(ends[0].x), found.fun, rtol=1e-12)


def test_too_long_a_way(monkeypatch):
    """It is left after some events, and the rest is solved as ever."""
    X, y, weight = data(Hinge())
    problem = objective(Hinge(), L1().bind(P), 1.0, X, y, weight)
    terms = [(problem.penalty, alpha) for alpha in falling(problem)]
    plain = [result for _, result in follow(problem, terms)]
    monkeypatch.setattr("sklearn_erm.exact.carrier.FEW", 3)
    short = [result for _, result in follow(problem, terms)]
    assert all(result.success for result in short)
    np.testing.assert_allclose([r.fun for r in short], [r.fun for r in plain], rtol=2e-6)
    limited = [result for _, result in follow(problem, terms, max_iter=2)]
    assert max(result.nit for result in limited[1:]) <= 4


def test_a_way_that_led_nowhere_is_not_tried_at_once_again(monkeypatch):
    tried = []
    X, y, weight = data(Hinge())
    problem = objective(Hinge(), L1().bind(P), 1.0, X, y, weight)
    alphas = falling(problem)
    begin = Carrier.begin
    monkeypatch.setattr(Carrier, "begin", lambda self, *args: tried.append(1) or begin(self, *args))
    carrier, last = Carrier(problem), minimize(problem.at_alpha(problem.penalty, alphas[0]), tol=1e-10)
    tried.clear()
    counts = []
    for before, alpha in itertools.pairwise(alphas):
        carrier.carry(problem.at_alpha(problem.penalty, alpha), last, before, 1000)
        counts.append(len(tried))  # the last solution stays another than what was carried
    assert counts == [1, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4]


def test_who_is_carried():
    """The losses and penalties of the registries that say how, if the data are not too many."""
    X, y, weight = data(Hinge())
    who = {
        (loss, penalty)
        for loss, cls in LOSSES.items()
        for penalty in ("l1", "l2", "elasticnet", "group_lasso", "tikhonov", None)
        if cls().target == "sign" and carries(_problem(cls(), penalty, X, y, weight))
    }
    assert who == {("hinge", penalty) for penalty in ("l1", "l2", "elasticnet", None)}


def _problem(loss, penalty, X, y, weight):
    cls = PENALTIES[penalty]
    made = cls(groups=[0, 0, 1, 1, 1, 1, 1]) if penalty == "group_lasso" else cls()
    return objective(loss, (cls(np.eye(P)) if penalty == "tikhonov" else made).bind(P), 0.1, X, y, weight)


@given(st.integers(0, 4), st.integers(1, 6), st.booleans(), st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_systems(k, m, intercept, seed):
    """Both ways to solve them give what the equations say."""
    rng = np.random.default_rng(seed)
    k = min(k, m)
    H, B, r, level = rng.uniform(0.5, 2, m), rng.normal(size=(k, m)), rng.normal(size=m), rng.normal(size=k)
    c = rng.choice([-1.0, 1.0], k) if intercept else None
    for solve in (solve_by_multipliers, solve_whole):
        w, b, theta = solve(H, B, c, r, 0.3, level, 0.1)
        np.testing.assert_allclose(H * w + theta @ B, r, atol=1e-6)
        np.testing.assert_allclose(B @ w + (0.0 if c is None else c * b), level, atol=1e-6)
        if c is not None:
            assert c @ theta + 0.1 * b == pytest.approx(0.3, abs=1e-6)
        else:
            assert b == 0.0


@pytest.mark.parametrize("solve", [solve_by_multipliers, solve_whole])
def test_systems_without_a_solution(solve):
    """The answer is no number, which stops the way."""
    B = np.ones((2, 1))
    w, _, theta = solve(np.ones(1), B, None, np.zeros(1), 0.0, np.array([1.0, 2.0]), 0.0)
    assert np.isnan(np.concatenate([w, theta])).any()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("penalty", ["l1", "elasticnet"])
@pytest.mark.parametrize("loss", ["hinge", "absolute_error", "quantile", "epsilon_insensitive"])
def test_a_path_begins_with_zeros(loss, penalty, seed):
    """At the largest alpha there are two solutions, next to it there is one."""
    X, y, _ = data(LOSSES[loss](), seed=seed)
    path = erm_path(X, y, loss=loss, penalty=penalty, alphas=[*erm_path(X, y, loss=loss, penalty=penalty).alphas[:2]])
    assert not path.coefs[0].any()
    assert path.coefs[1].any()
