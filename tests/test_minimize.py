"""Every loss with every penalty to its certificate, on four kinds of data, by every method that can."""

import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.optimize import LinearConstraint

from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.losses import CrammerSinger, Logistic, Poisson, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso, L2Norm, NoPenalty
from sklearn_erm.penalties.constrained import Constrained
from sklearn_erm.problem import reduced
from sklearn_erm.solve.choose import SOLVERS
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solvers.loop import CONVERGED, INTERRUPTED, LIMIT

from .problems import (
    KINDS,
    LOSS_EXAMPLES,
    LOSS_KINDS,
    PENALTY_EXAMPLES,
    cover,
    load,
    name_of,
    name_of_pair,
    objective,
    penalties,
    suitable_alpha,
    targets,
)
from .references import recedes

NO_MINIMISER = 3
OWN = ("auto", "newton", "prox-newton", "working-set")
SCIPY = [solver for solver in SOLVERS if solver not in OWN]
NOT_ATTAINED = [loss for loss in LOSS_EXAMPLES if not loss.attained]
TIGHT = 1e-8


@pytest.fixture(params=LOSS_KINDS, ids=name_of)
def loss(request):
    return request.param


@pytest.fixture(params=SCIPY)
def scipy_solver(request):
    return request.param


@cache
def free_directions(loss_index, kind, free):
    """Whether the problem in the features that are not penalised has no minimiser."""
    X, latent = load(kind)
    loss = LOSS_EXAMPLES[loss_index]
    return recedes(loss, X[:, np.array(free, dtype=bool)], targets(loss, latent))


def small(loss, penalty, alpha=0.05, n=40, p=4, **options):
    """A problem that every method solves in no time, its classes mixed."""
    rng = np.random.default_rng(5)
    X = rng.normal(size=(n, p)) + 0.5
    y = targets(loss, X @ np.linspace(1.0, -1.0, p) + 2.0 * rng.normal(size=n))
    return objective(loss, penalty.bind(p), alpha, X, y, **options)


def assert_honest(problem, result, tol):
    """What the result says is so."""
    certificate = result.certificate
    assert result.fun == pytest.approx(certificate.objective, rel=1e-10, abs=1e-14)
    assert certificate.objective == problem.fun(result.x)
    assert repr(certificate) == repr(problem.certificate(result.x, *(result.get("dual") or (None, None))))
    assert np.all(np.isfinite(result.x))
    assert result.success == (result.status == CONVERGED)
    assert result.success <= (certificate.error <= tol)


# -- every pair -------------------------------------------------------------------------------------------------------

ROWS = LinearConstraint(np.vstack([np.ones(6), np.arange(6) - 2.0]), [0.5, -1.0], [0.5, 0.1])
FREE, BOUNDED, WITHIN_ROWS = (None, None), ((0.0, None), None), (None, ROWS)


@pytest.mark.parametrize("penalty", PENALTY_EXAMPLES, ids=name_of)
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_every_pair_with_a_limit_and_without(loss, penalty):
    """The limits take turns: each meets every loss with half of the penalties, and every penalty likewise."""
    problem = small(loss, penalty, n=30, p=6)
    alpha = suitable_alpha(loss, penalty, problem.samples.design.X, problem.samples.y)
    turn = (LOSS_EXAMPLES.index(loss) + PENALTY_EXAMPLES.index(penalty)) % 2
    for bounds, rows in (FREE, (BOUNDED, WITHIN_ROWS)[turn]):
        parts = find_constraints("", bounds, rows, 6)
        if not parts or penalty.convex:
            limited = Constrained(penalty, parts) if parts else penalty
            problem = small(loss, limited, alpha, n=30, p=6)
            result = minimize(problem, tol=1e-7)
            assert_honest(problem, result, 1e-7)
            assert result.success, (bounds, result.message)


@pytest.mark.parametrize("pair", cover(11), ids=name_of_pair)
def test_dense_and_sparse(pair):
    kinds = [kind for kind in KINDS if kind != "wide" or not LOSS_EXAMPLES[pair[0]].joint]  # slow
    kind = kinds[(pair[0] + sum(pair) // 11) % len(kinds)]
    X, latent = load(kind)
    loss, penalty = LOSS_EXAMPLES[pair[0]], penalties(X.shape[1])[pair[1]]
    y = targets(loss, latent)
    alpha = suitable_alpha(loss, penalty, X, y)
    free = np.full(X.shape[1], not penalty.convex)  # beyond the knot nothing holds a coefficient back
    if not penalty.coercive and penalty.convex and penalty.separable:
        free = penalty.unpenalised(free * 1.0)
    unattained = free.any() and free_directions(pair[0], kind, tuple(free))
    values = []
    for storage in (np.asarray, sparse.csr_array):
        problem = objective(loss, penalty, alpha, storage(X), y)
        result = minimize(problem, tol=TIGHT if penalty.convex else 1e-6)
        assert_honest(problem, result, TIGHT if penalty.convex else 1e-6)
        assert result.status == (NO_MINIMISER if unattained and penalty.convex else CONVERGED) or (
            unattained and result.status == NO_MINIMISER
        )
        values.append(result.fun)
    rtol = 1e-8 if penalty.convex and loss.convex else 1e-4
    assert values[0] == pytest.approx(values[1], rel=rtol, abs=rtol * problem.reference[0])


# -- the methods by name ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
def test_every_method_reaches_the_optimum(loss, solver):
    problem = small(loss, L2())
    result = minimize(problem, solver=solver, tol=1e-6)
    assert_honest(problem, result, 1e-6)
    assert result.success, result.message
    assert result.fun <= minimize(problem, tol=1e-10).fun * (1 + 1e-6)


@pytest.mark.parametrize("loss", [loss for loss in LOSS_KINDS if loss.smooth], ids=name_of)
def test_methods_of_scipy_without_a_penalty(loss, scipy_solver):
    problem = small(loss, NoPenalty())
    result = minimize(problem, solver=scipy_solver, tol=1e-6)
    assert_honest(problem, result, 1e-6)
    assert result.success, result.message


@pytest.mark.parametrize("solver", ["prox-newton", "working-set"])
@pytest.mark.parametrize("penalty", [L1(), ElasticNet(), GroupLasso([0, 0, 1, 1])], ids=name_of)
def test_own_methods_on_penalties_with_kinks(loss, penalty, solver):
    problem = small(loss, penalty)
    result = minimize(problem, solver=solver, tol=TIGHT)
    assert_honest(problem, result, TIGHT)
    assert result.success, result.message


@pytest.mark.parametrize("penalty", [L1(), L2Norm(), ElasticNet(), GroupLasso([0, 0, 1, 1])], ids=name_of)
@pytest.mark.parametrize("solver", ["newton", *SCIPY])
def test_methods_that_need_a_gradient_say_so(solver, penalty):
    with pytest.raises(ValueError, match=rf"solver='{solver}' needs a penalty with .*{type(penalty).__name__}.*'auto'"):
        minimize(small(SquaredError(), penalty), solver=solver)


def test_working_sets_need_a_sum_over_features():
    with pytest.raises(ValueError, match=r"solver='working-set' needs .*L2Norm.*solver='auto'"):
        minimize(small(SquaredError(), L2Norm()), solver="working-set")


@pytest.mark.parametrize(
    "solver, hint",
    [("lbfgs", "L-BFGS-B"), ("newton-cg", "Newton-CG"), ("prox_newton", "prox-newton"), ("Auto", "auto")],
)
def test_unknown_methods(solver, hint):
    with pytest.raises(ValueError, match=rf"Unknown solver='{solver}'.*'{hint}'.*Known solvers: 'auto'"):
        minimize(small(SquaredError(), L2()), solver=solver)


# -- large problems' ways, on small problems --------------------------------------------------------------------------

WAYS = {
    "working sets": {"solve.choose.WIDE": 1},
    "row space": {"problem.reduced.WIDE": 1},
    "subsample": {"problem.reduced.LONG": 10},
    "conjugate gradients": {
        "problem.newton_system.DIRECT": 0,
        "samples.bend.solving_in_row_space_pays": lambda *_: False,
    },
    "Woodbury": {"problem.newton_system.DIRECT": 0},
    "sketches": {
        "samples.sketch.MANY": 0,
        "samples.sketch.RATIO": 0.0,
        "samples.sketch.DRAWS": 0.5,
        "samples.sketch.LEAST": 20,
    },
    "sketches of blocks": {
        "samples.sketch.MANY": 0,
        "samples.sketch.RATIO": 0.0,
        "samples.sketch.DRAWS": 0.5,
        "samples.sketch.WHOLE": 0,
    },
    "strips": {"losses.strips.STRIP": 7},
    "steady steps": {"solve.split.STEADY": 0.4, "problem.objective.DIRECT": 0},
    "no dense Hessian": {"solve.choose.WIDE": 1, "solve.choose.DENSE": 0},
    "kept Hessian": {"solve.choose.COSTLY": 0},
    "models by products": {"problem.newton_system.LARGE": 0, "problem.newton_system.MANY_TIMES": 0},
    "split": {"problem.objective.SHARP": 0.0},
}


WAY_PENALTIES = [L2(), L2Norm(), L1(), GroupLasso([0, 0, 1, 1] * 5)]
WAY_CASES = [  # every way with every penalty, each such pair with every other kind of loss
    pytest.param(loss, penalty, way, id=f"{name_of(loss)}-{way}-{name_of(penalty)}")
    for i, loss in enumerate(LOSS_KINDS)
    for j, penalty in enumerate(WAY_PENALTIES)
    for k, way in enumerate(WAYS)
    if (i + j + k) % 2 == 0
]


@pytest.mark.parametrize("loss, penalty, way", WAY_CASES)
def test_ways_of_large_problems(loss, penalty, way, monkeypatch):
    shape = (
        {"n": 200, "p": 4} if way == "subsample" else {"n": 10, "p": 20} if way == "row space" else {"n": 40, "p": 20}
    )
    penalty = GroupLasso([0, 0, 1, 1] * (shape["p"] // 4)) if hasattr(penalty, "groups") else penalty
    problem = small(loss, penalty, 0.02, **shape)
    plain = minimize(problem, tol=TIGHT)
    for name, value in WAYS[way].items():
        module, constant = name.rsplit(".", 1)
        monkeypatch.setattr(sys.modules[f"sklearn_erm.{module}"], constant, value)
    problem = small(loss, penalty, 0.02, **shape)
    result = minimize(problem, tol=TIGHT)
    problem.forget()
    assert_honest(problem, result, TIGHT)
    assert result.success, result.message
    assert result.fun == pytest.approx(plain.fun, rel=2 * TIGHT)


def test_a_subsample_is_a_share_of_the_rows_and_has_a_limit():
    sizes = []
    for n in (80, 8 * reduced.ROWS, 8 * reduced.ROWS + 80):
        problem = objective(SquaredError(), L2(), 1.0, np.ones((n, 1)), np.zeros(n))
        sizes.append(reduced.on_subsample(problem).samples.n_samples)
    assert sizes == [10, reduced.ROWS, reduced.ROWS]
    assert reduced.ROWS == 50_000


@pytest.mark.parametrize("joint", [Softmax(), CrammerSinger()], ids=name_of)
def test_a_class_that_the_subsample_lacks(joint, monkeypatch):
    monkeypatch.setattr(reduced, "LONG", 100)
    X, y = np.random.default_rng(0).normal(size=(400, 2)), np.arange(400) % 2
    y[7] = 2
    problem = objective(joint, L2(), 0.1, X, y)
    assert not np.any(reduced.on_subsample(problem).samples.y == 2)
    result = minimize(problem, tol=TIGHT)
    assert result.success
    assert len(problem.split(result.x)[1]) == 3


# -- start, limit, callback -------------------------------------------------------------------------------------------

PATHS = [("auto", L2()), ("auto", L1()), ("working-set", L1()), ("L-BFGS-B", L2()), ("trust-exact", L2())]
EVERY_PATH = pytest.mark.parametrize("solver, penalty", PATHS, ids=lambda value: str(value))


@EVERY_PATH
def test_start(loss, solver, penalty):
    problem = small(loss, penalty)
    cold = minimize(problem, solver=solver, tol=TIGHT)
    start = cold.x.copy()
    start.flags.writeable = False
    warm = minimize(problem, solver=solver, tol=1e-7, x0=start)
    assert_honest(problem, warm, 1e-7)
    assert warm.success
    assert warm.nit <= 1 or not loss.smooth  # the multipliers of a loss with kinks are found anew
    far = np.random.default_rng(0).normal(size=start.size)
    kept = far.copy()
    again = minimize(problem, solver=solver, tol=1e-6, x0=far)
    np.testing.assert_array_equal(far, kept)
    assert again.success
    assert again.fun == pytest.approx(cold.fun, rel=1e-6)


@EVERY_PATH
def test_limit(loss, solver, penalty):
    problem = small(loss, penalty, 0.01)
    full = minimize(problem, solver=solver, tol=TIGHT)
    assert full.success
    for limit in {1, 2, max(1, full.nit // 2)} - {full.nit}:
        result = minimize(problem, solver=solver, tol=TIGHT, max_iter=limit)
        assert_honest(problem, result, TIGHT)
        assert result.nit <= limit or not loss.smooth
        if not result.success:
            assert result.status == LIMIT
            assert "max_iter" in result.message
            assert result.certificate.error > TIGHT
            assert result.fun <= problem.fun(problem.null) or not loss.smooth


@EVERY_PATH
def test_callback(loss, solver, penalty):
    problem = small(loss, penalty, 0.01)
    seen = []

    def report(intermediate_result):
        assert intermediate_result.fun == pytest.approx(problem.fun(intermediate_result.x), rel=1e-12)
        seen.append(intermediate_result.nit)

    full = minimize(problem, solver=solver, tol=TIGHT, callback=report)
    assert full.success
    assert seen == sorted(seen)
    assert len(seen) >= 1

    def stop(intermediate_result):
        raise StopIteration

    result = minimize(problem, solver=solver, tol=1e-14, callback=stop)
    assert_honest(problem, result, 1e-14)
    assert (result.status, result.success) == (INTERRUPTED, False)
    assert "callback" in result.message


# -- problems without a minimiser -------------------------------------------------------------------------------------


@st.composite
def few_rows(draw, loss):
    """Data of few rows, some of which a plane can tell apart by target, some not; with ties and rare values."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    n, p = draw(st.integers(8, 30)), draw(st.integers(1, 4))
    X = rng.normal(size=(n, p))
    if draw(st.booleans()):
        X = np.round(X)
    if draw(st.booleans()):
        X[:, 0] = rng.uniform(size=n) < 0.1
    score = 2.0 * X @ rng.normal(size=p) + draw(st.sampled_from([0.1, 1.0, 3.0])) * rng.normal(size=n)
    y = targets(loss, score)
    if loss.target == "real" and draw(st.booleans()):
        y = np.floor(np.maximum(score - np.sort(score)[-3], 0.0)) + (score >= score.max())
    if loss.target != "real":
        y[: len(set(targets(loss, np.arange(9.0) - 4.0)))] = sorted(set(targets(loss, np.arange(9.0) - 4.0)))
    return X, y


@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array], ids=["dense", "sparse"])
@pytest.mark.parametrize("loss", NOT_ATTAINED, ids=name_of)
@settings(max_examples=60)
@given(data=st.data())
def test_a_missing_minimiser_is_noticed_and_no_other(loss, storage, data):
    """Separable data, quasi-separable data, separable in the unpenalised features only, and data that are not."""
    X, y = data.draw(few_rows(loss))
    p = X.shape[1]
    free = np.arange(p) < data.draw(st.integers(1, p))
    missing = recedes(loss, X[:, free], y)
    problem = objective(loss, L1(1.0 - free).bind(p) if not free.all() else NoPenalty(), 0.01, storage(X), y)
    result = minimize(problem, tol=1e-6)
    assert_honest(problem, result, 1e-6)
    assert result.fun <= problem.fun(problem.null)
    assert (result.status, result.success) == ((NO_MINIMISER, False) if missing else (CONVERGED, True))
    assert ("no minimiser" in result.message) == missing
    assert minimize(objective(loss, L2(), 0.01, storage(X), y)).success


@pytest.mark.parametrize("oddity", ["duplicates", "rank", "constant", "scales"])
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_odd_data_without_a_penalty(loss, oddity):
    rng = np.random.default_rng(1)
    X = rng.normal(size=(40, 3))
    y = targets(loss, X[:, 0] + 2.0 * rng.normal(size=40))
    plain = minimize(objective(loss, NoPenalty(), 1.0, X, y), tol=1e-6)
    odd = {
        "duplicates": X[:, [0, 1, 2, 0, 1]],
        "rank": np.hstack([X, X @ rng.normal(size=(3, 3))]),
        "constant": np.column_stack([X, np.full(40, 7.0), np.full(40, 1e9 / 3)]),
        "scales": X * [1e-6, 1.0, 1e6] + [1.0, 1e3, 0.0],
    }[oddity]
    problem = objective(loss, NoPenalty(), 1.0, odd, y)
    result = minimize(problem, tol=1e-6)
    assert_honest(problem, result, 1e-6)
    assert result.status == plain.status == CONVERGED
    assert result.fun == pytest.approx(plain.fun, rel=1e-5)


@pytest.mark.parametrize("solver, penalty", [("auto", L2()), ("auto", L1()), ("L-BFGS-B", L2())], ids=str)
@pytest.mark.parametrize("loss", [Poisson(), Logistic(), Softmax()], ids=name_of)
def test_starts_where_the_loss_overflows(loss, solver, penalty):
    """The exponential of a Poisson model overflows; the solver must come back."""
    problem = small(loss, penalty)
    for size in (10.0, 1e3):
        start = size * np.ones(problem.null.size)
        with np.errstate(over="ignore", invalid="ignore"):
            result = minimize(problem, solver=solver, tol=1e-6, x0=start)
        assert_honest(problem, result, 1e-6)
        assert result.success, result.message
