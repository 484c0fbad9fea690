"""The algorithms, each on problems of its own: what they find, when they stop, and what they say."""

from types import SimpleNamespace

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from sklearn_erm.losses import CrossEntropy, SquaredError
from sklearn_erm.penalties import L1, GroupLasso
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solvers.augmented_lagrangian import augmented_lagrangian
from sklearn_erm.solvers.line_search import search
from sklearn_erm.solvers.linear import Factor, solve_positive
from sklearn_erm.solvers.loop import CONVERGED, INTERRUPTED, LIMIT, MESSAGES, STALLED, STUCK, Loop
from sklearn_erm.solvers.newton import newton
from sklearn_erm.solvers.prox_newton import prox_newton
from sklearn_erm.solvers.working_set import working_set

from .problems import objective, targets

# -- what the iterations of all solvers share --------------------------------------------------------------------------


def test_the_first_reason_to_end_a_loop_counts():
    def stops(intermediate_result):
        raise StopIteration

    x0 = np.zeros(2)
    for maxiter, callback, status in ((1, stops, INTERRUPTED), (1, None, LIMIT), (2, None, STALLED)):
        loop = Loop(np.sum, x0, maxiter, callback)
        assert loop.goes_on()
        loop.step(loop.x + 1.0)
        loop.goes_on()
        result = loop.result(STALLED)
        assert (result.status, result.message, result.success) == (status, MESSAGES[status], False)
        assert (result.nit, result.fun) == (1, 2.0)
    assert not np.shares_memory(Loop(np.sum, x0, 1).x, x0)


def test_a_loop_tells_and_returns_the_best_point():
    told = []
    loop = Loop(np.sum, np.zeros(2), 5, told.append, best=lambda: {"x": np.ones(2), "dual": 7.0})
    loop.step(np.full(2, 9.0), 3)
    loop.step(np.full(2, 9.0), 0)  # counts as one
    assert [(each.nit, each.fun, each.dual) for each in told] == [(3, 2.0, 7.0), (4, 2.0, 7.0)]
    result = loop.result(steps=[1.0])
    assert (result.status, result.nit, result.fun, result.dual, result.steps) == (CONVERGED, 4, 2.0, 7.0, [1.0])


# -- linear systems ---------------------------------------------------------------------------------------------------


@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(0, 6), spread=st.sampled_from([0.0, 12.0]))
def test_positive_systems(seed, rank, spread):
    """Regular and singular ones, of units that differ by many orders: a right-hand side in the range is reached."""
    rng = np.random.default_rng(seed)
    units = 10.0 ** rng.uniform(-spread / 2, spread / 2, 6)
    root = rng.normal(size=(rank, 6))
    H = root.T @ root
    v = H @ rng.normal(size=(6, 2))
    solution = solve_positive(H * np.outer(units, units), v * units[:, None]) * units[:, None]
    np.testing.assert_allclose(H @ solution, v, rtol=0, atol=1e-9)
    one = Factor(H * np.outer(units, units)).solve(v[:, 0] * units) * units
    np.testing.assert_allclose(one, solution[:, 0], rtol=1e-6, atol=1e-9)
    if rank == 6 and np.linalg.cond(H) < 1e4:
        np.testing.assert_allclose(solution, np.linalg.solve(H, v), rtol=1e-7, atol=1e-9)


# -- line search ------------------------------------------------------------------------------------------------------


def line_of(value, slope):
    return SimpleNamespace(value=value, slope=slope)


LINES = {
    "parabola": line_of(lambda t: (t - 3.0) ** 2, lambda t: 2 * (t - 3.0)),
    "short": line_of(lambda t: (1e4 * t - 1.0) ** 2, lambda t: 2e4 * (1e4 * t - 1.0)),
    "long": line_of(lambda t: (1e-6 * t - 1.0) ** 2, lambda t: 2e-6 * (1e-6 * t - 1.0)),
    "exponential": line_of(lambda t: np.exp(5.0 * t) - 50.0 * t, lambda t: 5.0 * np.exp(5.0 * t) - 50.0),
    "logistic": line_of(lambda t: np.logaddexp(0, 9 * t - 5) - t, lambda t: 9 * expit(9 * t - 5) - 1),
    "wall": line_of(
        lambda t: -np.log(1e-3 - t) - 2e3 * t if t < 1e-3 else np.inf,
        lambda t: 1 / (1e-3 - t) - 2e3 if t < 1e-3 else np.nan,
    ),
}


@pytest.mark.parametrize("name", LINES)
def test_line_search_leaves_little_slope(name):
    line = LINES[name]
    t = search(line)
    assert t > 0
    assert abs(line.slope(t)) <= 0.3 * abs(line.slope(0.0))
    assert line.value(t) < line.value(0.0)
    assert search(line, start=line.slope(0.0)) == t


@pytest.mark.parametrize("kink", [1e-7, 0.37, 1.0, 40.0])
def test_line_search_at_a_kink(kink):
    """The slope jumps from -1 to +1: no point has a small one, but the kink is lowest."""
    t = search(line_of(lambda t: abs(t - kink), lambda t: np.sign(t - kink) or 1.0))
    assert t == pytest.approx(kink, rel=1e-6)


def test_line_search_does_not_climb():
    for slope in (0.0, 1.0, np.nan):
        assert search(line_of(lambda t: t, lambda t: 1.0), start=slope) == 0.0
    assert search(line_of(lambda t: t * t, lambda t: 2 * t)) == 0.0


# -- Newton's method --------------------------------------------------------------------------------------------------


class Smooth:
    """A function with what Newton's method wants of it: derivatives, lines, Newton systems."""

    least_damping = 0.0

    def __init__(self, value, gradient, hessian):
        self.value, self.gradient, self.hessian = value, gradient, hessian

    def line(self, x, d):
        return SimpleNamespace(
            value=lambda t: self.value(x + t * d),
            slope=lambda t: self.gradient(x + t * d) @ d,
            accept=lambda t: x + t * d,
        )

    def hess(self, x):
        H = self.hessian(x)
        diagonal = np.maximum(np.diag(H), 1e-3)

        def solve(v, damping=0.0, accuracy=0.0):
            return solve_positive(H + damping * np.diag(diagonal), v)

        return SimpleNamespace(
            solve=solve,
            scale=lambda: diagonal,
            typical=diagonal.mean(),
            decrement=lambda g: 0.5 * g @ solve(g),
            least_damping=self.least_damping,
            first_damping=self.least_damping,
        )

    def run(self, x0, **options):
        tol = options.pop("tol", 1e-8)
        callback = options.pop("callback", None)
        options = {"stop": lambda x, promise=None: np.abs(self.gradient(x)).max() <= tol, **options}
        return scipy.optimize.minimize(
            self.value,
            x0,
            jac=self.gradient,
            hess=self.hess,
            method=newton,
            callback=callback,
            options={"line": self.line, "maxiter": 100, **options},
        )


A = np.array([[2.0, 0.5, 0.0], [0.5, 1.0, 0.3], [0.0, 0.3, 0.1], [1.0, -1.0, 0.5]])
C = np.array([1.0, -2.0, 0.5, 3.0])


def composed(f, first, second, ridge=0.0):
    """sum f(A x - c) + ridge |x|^2 / 2."""
    return Smooth(
        lambda x: np.sum(f(A @ x - C)) + 0.5 * ridge * x @ x,
        lambda x: A.T @ first(A @ x - C) + ridge * x,
        lambda x: (A.T * second(A @ x - C)) @ A + ridge * np.eye(3),
    )


def huber_slope(t):
    return np.clip(t, -0.5, 0.5)


FUNCTIONS = {
    "quadratic": composed(lambda t: t**2 / 2, lambda t: t, np.ones_like),
    "exponential": composed(lambda t: np.exp(t) - t, lambda t: np.exp(t) - 1, np.exp),
    "logistic": composed(lambda t: np.logaddexp(0, t), expit, lambda t: expit(t) * expit(-t), ridge=1e-3),
    "quartic": composed(lambda t: t**4 / 4, lambda t: t**3, lambda t: 3 * t**2),
    "Huber": composed(
        lambda t: huber_slope(t) * (t - huber_slope(t) / 2), huber_slope, lambda t: 1.0 * (abs(t) <= 0.5), ridge=1e-2
    ),
}


@pytest.mark.parametrize("start", [0.0, 3.0, -40.0])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_newton(name, start):
    x0 = np.full(3, start)
    x0.flags.writeable = False
    function = FUNCTIONS[name]
    result = function.run(x0)
    assert (result.status, result.success, result.message) == (CONVERGED, True, MESSAGES[CONVERGED])
    assert np.abs(function.gradient(result.x)).max() <= 1e-8
    assert result.fun == function.value(result.x)
    peer = scipy.optimize.minimize(function.value, np.zeros(3), jac=function.gradient, method="BFGS")
    assert result.fun <= peer.fun + 1e-9
    if name == "quadratic":
        assert result.nit == 1
    kept = function.run(x0, contraction=0.5)
    assert kept.success
    assert kept.fun == pytest.approx(result.fun, abs=1e-9)


def test_newton_stops():
    function, x0 = FUNCTIONS["exponential"], np.full(3, 2.0)
    for limit in (0, 1, 3):
        result = function.run(x0, maxiter=limit)
        assert (result.status, result.success, result.nit) == (LIMIT, False, limit)
        assert result.message == MESSAGES[LIMIT]
    assert function.run(x0, stop=lambda x, promise: True).nit == 0
    endless = function.run(x0, stop=lambda x, promise: False)
    assert endless.status in (STALLED, LIMIT)
    assert np.abs(function.gradient(endless.x)).max() < 1e-7
    parabola = Smooth(lambda x: x @ x / 2, lambda x: x, lambda x: np.eye(3))
    assert parabola.run(np.zeros(3), stop=lambda x, promise: False).status == STALLED
    promises = []
    function.run(x0, stop=lambda x, promise: promises.append(promise) or np.abs(function.gradient(x)).max() < 1e-8)
    assert promises[0] is None
    assert promises[1] > promises[-1] >= 0


def interrupting(after):
    """A callback that asks to stop at its n-th call, and the numbers of iterations that it was told."""
    seen = []

    def callback(intermediate_result):
        seen.append((intermediate_result.nit, intermediate_result.fun))
        if len(seen) == after:
            raise StopIteration

    return callback, seen


def test_newton_is_interrupted():
    callback, seen = interrupting(2)
    result = FUNCTIONS["exponential"].run(np.full(3, 2.0), callback=callback)
    assert (result.status, result.success, [nit for nit, _ in seen]) == (INTERRUPTED, False, [1, 2])
    assert seen[-1] == (result.nit, result.fun)


# -- proximal Newton and working sets ---------------------------------------------------------------------------------


def composite(n=50, p=8, penalty=None, alpha=0.02, loss=None):
    rng = np.random.default_rng(7)
    loss, X = CrossEntropy() if loss is None else loss, rng.normal(size=(n, p))
    y = targets(loss, X[:, :3].sum(axis=1) + rng.normal(size=n))
    return objective(loss, (L1() if penalty is None else penalty).bind(p), alpha, X, y)


def run_prox_newton(problem, x0=None, tol=1e-9, callback=None, **options):
    options = {"problem": problem, "stop": lambda x, promise=None: problem.error(x) <= tol, "maxiter": 50, **options}
    x0 = problem.null if x0 is None else x0
    return scipy.optimize.minimize(problem.fun, x0, method=prox_newton, callback=callback, options=options)


def restricted(small, x, tol, limit):
    return run_prox_newton(small, x, tol, maxiter=limit)


def run_working_set(problem, tol=1e-9, maxiter=200, callback=None):
    options = {"problem": problem, "restricted": restricted, "tol": tol, "maxiter": maxiter}
    return scipy.optimize.minimize(problem.fun, problem.null, method=working_set, callback=callback, options=options)


@pytest.mark.parametrize("run", [run_prox_newton, run_working_set])
def test_composite_methods_stop(run):
    problem = composite()
    null = problem.null.copy()
    full = run(problem)
    np.testing.assert_array_equal(problem.null, null)
    assert (full.status, full.success) == (CONVERGED, True)
    assert problem.error(full.x) <= 1e-9
    assert full.fun == pytest.approx(problem.fun(full.x), rel=1e-12)
    for limit in range(1, full.nit):
        result = run(problem, maxiter=limit)
        assert (result.status, result.success, result.message) == (LIMIT, False, MESSAGES[LIMIT])
        assert result.nit == limit
        assert full.fun < result.fun < problem.fun(null)
    callback, seen = interrupting(1)
    assert run(problem, callback=callback, tol=1e-14).status == INTERRUPTED
    assert len(seen) == 1


def test_prox_newton_solves_a_lasso_at_once():
    """Its model is the problem itself, if the damping is."""
    problem = composite(loss=SquaredError())
    assert run_prox_newton(problem, tol=1e-3, damping=0.0).nit <= 2
    assert run_prox_newton(problem, stop=lambda x, promise=None: False, maxiter=100).status == STALLED


@pytest.mark.parametrize("penalty", [L1(), GroupLasso(np.arange(1200) // 4)], ids=["L1", "groups"])
def test_working_sets_are_small_and_hold_whole_groups(penalty, monkeypatch):
    problem = composite(n=60, p=1200, penalty=penalty, alpha=0.1)
    seen, with_columns = [], Objective.with_columns
    monkeypatch.setattr(
        Objective, "with_columns", lambda self, index, **more: seen.append(index) or with_columns(self, index, **more)
    )
    result = run_working_set(problem)
    assert result.success
    support = np.flatnonzero(problem.split(result.x)[0])
    assert 0 < len(support) < 100
    assert set(support) <= set(seen[-1])
    assert max(map(len, seen)) < 400
    if hasattr(penalty, "groups"):
        for index in seen:
            np.testing.assert_array_equal(np.unique(index // 4, return_counts=True)[1], 4)


# -- augmented Lagrangian ---------------------------------------------------------------------------------------------


def split_absolute_value(x0, target=3.0, weight=0.5, error=None, **options):
    """min |x - target| + weight x^2 / 2, whose inner problems are parabolas in pieces: x solves a linear equation."""

    def inner(x, u, step, accuracy, limit):
        # the derivative of the envelope is clip(u + (x - target) / step, -1, 1); that plus weight x is zero
        inside = (target / step - u) / (1 / step + weight)
        candidates = [inside, 1.0 / weight, -1.0 / weight]
        slopes = [abs(np.clip(u + (c - target) / step, -1, 1) + weight * c) for c in candidates]
        x = np.array([candidates[int(np.argmin(slopes))]]).ravel()
        return SimpleNamespace(x=x, nit=1, success=True), np.clip(u + (x - target) / step, -1, 1)

    def gap(x, u):
        return float(np.sum(np.abs(x - target) + weight * x**2 / 2 + u * target + u**2 / (2 * weight)))

    options = {"inner": inner, "error": error or gap, "dual": np.zeros(1), "step": 1.0, "tol": 1e-10, **options}
    return scipy.optimize.minimize(
        lambda x: float(abs(x[0] - target) + weight * x[0] ** 2 / 2),
        x0,
        method=augmented_lagrangian,
        callback=options.pop("callback", None),
        options=options,
    )


@pytest.mark.parametrize("weight, solution", [(0.5, 2.0), (0.2, 3.0), (2.0, 0.5)])
def test_augmented_lagrangian_finds_the_solution_itself(weight, solution):
    x0 = np.array([10.0])
    x0.flags.writeable = False
    result = split_absolute_value(x0, weight=weight)
    assert (result.status, result.success) == (CONVERGED, True)
    assert result.x[0] == pytest.approx(solution, rel=1e-5)
    assert result.dual[0] == pytest.approx(-weight * solution, rel=1e-5)


def test_augmented_lagrangian_stops():
    stuck = split_absolute_value(np.zeros(1), error=lambda x, u: 1.0, maxiter=1000)
    assert (stuck.status, stuck.success) == (STUCK, False)
    assert stuck.nit < 50
    falling = iter(0.99 ** np.arange(10_000))
    assert split_absolute_value(np.zeros(1), error=lambda x, u: next(falling), maxiter=30).status == LIMIT
    callback, seen = interrupting(3)
    result = split_absolute_value(np.zeros(1), error=lambda x, u: next(falling), callback=callback)
    assert (result.status, [nit for nit, _ in seen]) == (INTERRUPTED, [1, 2, 3])
    assert split_absolute_value(np.zeros(1), error=lambda x, u: 0.0).nit == 0


def test_augmented_lagrangian_keeps_the_best_point():
    errors = iter([5.0, 1.0, 3.0, *[4.0] * 100])
    points = []
    result = split_absolute_value(np.array([7.0]), error=lambda x, u: points.append(x.copy()) or next(errors))
    assert result.status == STUCK
    np.testing.assert_array_equal(result.x, points[1])
