"""The objective: its derivatives, its relatives, and its certificate, which must never understate."""

import sys
from functools import cache

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm.losses import CrossEntropy, Hinge, Huber, Softmax, SquaredError
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import L2, L2Norm, NoPenalty, Nuclear
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.reduced import in_row_space
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.samples.sketch import sketch
from sklearn_erm.samples.state import State
from sklearn_erm.samples.strips import opened
from sklearn_erm.solve.minimize import minimize

from .problems import (
    LOSS_EXAMPLES,
    N_CLASSES,
    PENALTY_EXAMPLES,
    cover,
    curved,
    n_scores,
    name_of,
    name_of_pair,
    targets,
    with_gradient,
)

ROWS, COLUMNS, OUTPUTS = 40, 6, 2
SETTINGS = {
    "dense": {"weights": "positive", "offset": True},
    "sparse": {"weights": "some zero", "intercept": False, "sparse": True},
    "outputs": {"weights": "some zero", "offset": True, "outputs": OUTPUTS},
}


@cache
def make(loss_index, setting, penalty_index, alpha=0.03):
    """An objective on random data."""
    loss, options = LOSS_EXAMPLES[loss_index], SETTINGS[setting]
    rng = np.random.default_rng(loss_index)
    X = rng.normal(size=(ROWS, COLUMNS)) * (rng.uniform(size=(ROWS, COLUMNS)) < 0.6) + 0.5 * (not options.get("sparse"))
    outputs = (options["outputs"],) if "outputs" in options and not loss.joint else ()
    y = targets(loss, rng.normal(size=(ROWS, *outputs)) + X[:, :1].reshape(-1, *[1] * len(outputs)))
    weight = rng.uniform(0.2, 1.0, ROWS)
    if options["weights"] == "some zero":
        weight[::5] = 0.0
    shape = (*y.shape, n_scores(loss)) if loss.joint else y.shape
    offset = np.sort(0.5 * rng.normal(size=shape)) if "offset" in options else None  # in order: scores must not cross
    design = Design(
        sparse.csr_array(X) if options.get("sparse") else X, weight / weight.sum(), options.get("intercept", True)
    )
    return Objective(loss, PENALTY_EXAMPLES[penalty_index], alpha, LocalSamples(design, y, offset, n_scores(loss)))


def settings_for(loss):
    """A joint loss has outputs of its own; one that may be infinite heeds all its rows."""
    return ["dense"] if getattr(loss, "non_crossing", False) else list(SETTINGS)[: 2 if loss.joint else 3]


def setting_of(i, j):
    names = settings_for(LOSS_EXAMPLES[i])
    return names[(i + j // 2) % len(names)]


PAIRS = cover(6)
CASES = [(i, setting) for i, loss in enumerate(LOSS_EXAMPLES) for setting in settings_for(loss)]


@pytest.fixture(params=LOSS_EXAMPLES, ids=name_of)
def loss(request):
    return request.param


@pytest.fixture(params=CASES, ids=[f"{name_of(LOSS_EXAMPLES[i])}-{setting}" for i, setting in CASES])
def case(request):
    return request.param


@pytest.fixture(params=PAIRS, ids=map(name_of_pair, PAIRS))
def key(request):
    """Loss, setting and penalty: every setting with every kind of penalty, every loss with some of them."""
    i, j = request.param
    return i, setting_of(i, j), j


@pytest.fixture
def problem(key):
    """A loss that is infinite somewhere gives way to its Moreau envelope."""
    made = make(*key)
    if not getattr(made.loss, "non_crossing", False):
        return made
    return made.with_loss(Smoothed(made.loss, made.samples.zeros(), 0.7))


def points(problem, count, seed=0, size=0.5):
    """Random points, no coefficient of which is zero."""
    rng = np.random.default_rng(seed)
    return size * rng.normal(size=(count, problem.null.size))


def differences(function, x, step=1e-6):
    """The derivative of a function of a vector, by central differences, one column per entry of x."""
    return np.array([(function(x + e) - function(x - e)) / (2 * step) for e in step * np.eye(len(x))]).T


# -- derivatives ------------------------------------------------------------------------------------------------------


def test_value_by_hand(problem):
    x = points(problem, 1)[0]
    W, b = problem.split(x)
    samples = problem.samples
    X = samples.design.X.toarray() if samples.design.sparse else samples.design.X
    eta = X @ W + samples.intercept_of(W, b) + (0.0 if samples.offset is None else samples.offset)
    risk = np.sum(samples.weight @ opened(problem.loss).value(samples.y, eta))
    np.testing.assert_allclose(problem.fun(x), risk + problem.alpha * problem.penalty.value(W), rtol=1e-12)
    np.testing.assert_array_equal(problem.join(W, b), x)


def test_gradient_and_hessian_by_differences(problem):
    problem = curved(with_gradient(problem))
    x = points(problem, 1)[0]
    gradient, H = problem.jac(x), problem.hess(x)
    np.testing.assert_allclose(gradient, differences(problem.fun, x), rtol=0, atol=1e-8 * (1 + abs(problem.fun(x))))
    slope = differences(problem.jac, x)
    np.testing.assert_allclose(H.dense(), slope, rtol=0, atol=1e-7 * (1 + np.abs(slope).max()))


def test_hessian_products(problem):
    problem = curved(with_gradient(problem))
    x, v, other = points(problem, 3)
    H = problem.hess(x)
    dense = H.dense()
    own = H.curvature
    size = np.abs(dense).sum() + np.abs(own.diagonal).sum() + (0.0 if own.matrix is None else abs(own.matrix).sum())
    np.testing.assert_allclose(H.matvec(v), dense @ v, rtol=0, atol=1e-13 * size)
    np.testing.assert_array_equal(problem.hessp(x, v), H.matvec(v))
    np.testing.assert_allclose(other @ H.matvec(v), v @ H.matvec(other), rtol=1e-10, atol=1e-14)
    bend = problem.penalty.curvature(problem.split(x)[0]).dense() * problem.alpha
    added = 0.0 if own.minus is None else np.sum(own.minus**2, axis=1)
    np.testing.assert_allclose(H.ridge()[: len(bend)], np.diag(bend) + added, rtol=1e-9, atol=1e-13 * size)
    for upwards in (H.descending(), problem.risk_hess(x)):
        np.testing.assert_allclose(upwards.matvec(v), upwards.dense() @ v, rtol=0, atol=1e-13 * size)
    least = np.linalg.eigvalsh(problem.risk_hess(x).dense())[0]
    assert least >= -1e-12 * np.abs(dense).max()
    if problem.loss.convex:
        assert H.descending() is H


@pytest.mark.parametrize("form", ["array", "products"])
@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_hessian_without_intercept(problem, damping, form, monkeypatch):
    if form == "products":
        monkeypatch.setattr(sys.modules["sklearn_erm.problem.newton_system"], "LARGE", 0)
        monkeypatch.setattr(sys.modules["sklearn_erm.problem.newton_system"], "MANY_TIMES", 0)
    problem = curved(with_gradient(problem))
    x, step = points(problem, 2)
    H = problem.hess(x)
    dense = H.dense() + damping * np.diag(H.scale())
    m = problem.split(x)[0].size
    A, B, C = dense[:m, :m], dense[:m, m:], dense[m:, m:]
    reduced = H.without_intercept(damping)
    inner = np.column_stack([reduced.inner @ unit for unit in np.eye(m)])
    if m == len(x):
        np.testing.assert_allclose(inner, dense, rtol=0, atol=1e-13 * np.abs(dense).max())
        assert len(reduced.intercept_step(np.zeros(0), step)) == 0
    elif np.linalg.matrix_rank(C) == len(C):  # joint losses leave the mean of the scores free
        np.testing.assert_allclose(inner, A - B @ np.linalg.solve(C, B.T), rtol=0, atol=1e-10)
        slope = np.arange(1.0, 1.0 + len(C))
        exact = -np.linalg.solve(C, slope + B.T @ step[:m])
        np.testing.assert_allclose(reduced.intercept_step(slope, step[:m]), exact, rtol=1e-7)


# -- Newton systems ---------------------------------------------------------------------------------------------------

BRANCHES = {
    "Cholesky": {},
    "row space": {"problem.newton_system.DIRECT": 0},
    "row space by products": {"problem.newton_system.DIRECT": 0, "samples.row_space.KERNEL": -1},
    "conjugate gradients": {
        "problem.newton_system.DIRECT": 0,
        "samples.bend.solving_in_row_space_pays": lambda *_: False,
    },
    "sketch": {"samples.sketch.LEAST": 10},
    "sketch of blocks": {"samples.sketch.LEAST": 10, "samples.sketch.WHOLE": 0},
}


def set_branch(monkeypatch, branch):
    for name, value in BRANCHES[branch].items():
        module, _, constant = name.rpartition(".")
        monkeypatch.setattr(sys.modules[f"sklearn_erm.{module}"], constant, value)


def curved_losses(rng, n):
    """Losses with curvature everywhere, on some samples, on none; and a joint one."""
    some = Smoothed(Hinge(), State(-rng.uniform(size=n)), 0.7)
    return {"all": SquaredError(), "some": some, "none": Huber(1e-9), "joint": Softmax()}


@pytest.mark.parametrize("penalty", [L2(), L2Norm()], ids=name_of)
@pytest.mark.parametrize("curved", ["all", "some", "none", "joint"])
@pytest.mark.parametrize("intercept", [True, False], ids=["intercept", "no intercept"])
@pytest.mark.parametrize("branch", BRANCHES)
def test_newton_systems(branch, intercept, curved, penalty, monkeypatch):
    rng = np.random.default_rng(3)
    n, p = 20, 45
    X, weight = rng.normal(size=(n, p)) + 1.0, rng.dirichlet(np.ones(n)) * (np.arange(n) > 2)
    loss = curved_losses(rng, n)[curved]
    y = targets(getattr(loss, "loss", loss), rng.normal(size=n))
    k = N_CLASSES if loss.joint else 1
    X = sparse.csr_array(X) if branch == "row space by products" else X
    problem = Objective(
        loss, penalty, 0.5, LocalSamples(Design(X, weight, intercept), y, None, k if loss.joint else None)
    )
    x, z = 0.1 * rng.normal(size=(2, (p + intercept) * k))
    set_branch(monkeypatch, branch)
    H = problem.hess(x)
    H.sketch = sketch(H) if branch.startswith("sketch") else None
    v = H.dense() @ z  # in the range: the mean intercept of a joint loss has no curvature
    np.testing.assert_allclose(H.dense() @ H.solve(v, accuracy=1e-13), v, rtol=0, atol=1e-9 * np.abs(v).max())


@pytest.mark.parametrize("branch", ["Cholesky", "conjugate gradients", "sketch"])
def test_damped_newton_systems(branch, case, monkeypatch):
    problem = curved(make(*case, 1))
    set_branch(monkeypatch, branch)
    x, v = points(problem, 2)
    H = problem.hess(x).descending()
    H.sketch = sketch(H) if branch == "sketch" else None
    assert np.all(H.scale() > 0)
    damped = H.dense() + 0.3 * np.diag(H.scale())
    np.testing.assert_allclose(damped @ H.solve(v, damping=0.3, accuracy=1e-13), v, rtol=0, atol=1e-9)


# -- the objective along a line, and related objectives ---------------------------------------------------------------


def test_line(problem):
    problem = with_gradient(problem)
    x, d = points(problem, 2)
    line = problem.line(x, d)
    for t in (0.0, 0.3, 2.0):
        y = x + t * d
        np.testing.assert_allclose(line.value(t), problem.fun(y), rtol=1e-12)
        np.testing.assert_allclose(line.slope(t), problem.jac(y) @ d, rtol=1e-9, atol=1e-12)
        accepted = line.accept(t)
        np.testing.assert_array_equal(accepted, y)
        remembered = problem.at(accepted)
        remembered = remembered.scores.values, remembered.slopes.values, problem.fun(accepted), problem.jac(accepted)
        problem.forget()
        fresh = problem.at(y)
        for one, other in zip(
            remembered, (fresh.scores.values, fresh.slopes.values, problem.fun(y), problem.jac(y)), strict=True
        ):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_point_changed_in_place_is_another_point(problem):
    x, other = points(problem, 2)
    first, second = problem.fun(x), problem.fun(other)
    kept = x.copy()
    assert problem.fun(x) == first
    x[:] = other
    assert problem.fun(x) == second != first
    if problem.penalty.has("gradient"):
        np.testing.assert_array_equal(problem.jac(x), problem.jac(other))
    assert problem.fun(kept) == first


def test_another_loss(problem):
    if problem.loss.joint or not problem.loss.convex:
        return
    problem = with_gradient(problem)
    x = points(problem, 1)[0]
    samples = problem.samples
    loss = Smoothed(problem.loss, samples.slopes(problem.loss, samples.zeros()), 0.7)
    fresh = Objective(loss, problem.penalty, problem.alpha, samples)
    problem.fun(x)
    twin = problem.with_loss(loss)
    assert twin.fun(x) == pytest.approx(fresh.fun(x), rel=1e-12)
    np.testing.assert_allclose(twin.jac(x), fresh.jac(x), rtol=1e-10, atol=1e-14)
    assert twin.reference == problem.reference


def test_some_columns(problem):
    x = points(problem, 1)[0]
    W, b = problem.split(x)
    labels = problem.penalty.blocks(W).reshape(COLUMNS, -1)[:, 0]
    index = np.flatnonzero(labels != labels[0]) if len(set(labels)) > 1 else np.arange(COLUMNS)
    small = problem.with_columns(index)
    part = small.join(W[index], b)
    outside = np.ones(COLUMNS, dtype=bool)
    outside[index] = False
    expected = W.copy()
    expected[outside] = 0.0
    whole = problem.adopt(small, part, index)
    np.testing.assert_array_equal(whole, problem.join(expected, b))
    adopted = problem.fun(whole)
    problem.forget()
    for value in (adopted, small.fun(part)):
        assert value == pytest.approx(problem.fun(whole), rel=1e-12)
    full, cut = problem.at(whole).risk_gradient, small.at(part).risk_gradient
    np.testing.assert_allclose(cut[0], full[0][index], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(cut[1], full[1], rtol=1e-9, atol=1e-13)
    assert small.reference == problem.reference
    if problem.penalty.has("gradient"):
        slopes = [each.penalty.gradient(each.split(x)[0]) for each, x in ((small, part), (problem, whole))]
        np.testing.assert_allclose(slopes[0], slopes[1][index], rtol=1e-9, atol=1e-13)
    if not splits(problem.penalty):
        assert small.certificate(part).optimality <= problem.certificate(whole).optimality * (1 + 1e-9)


@pytest.mark.parametrize("penalty", [L2(), L2Norm(), Nuclear(), NoPenalty()], ids=name_of)
@pytest.mark.parametrize("intercept", [True, False])
def test_row_space(loss, penalty, intercept):
    rng = np.random.default_rng(2)
    n, p = 12, 30
    X, k = rng.normal(size=(n, p)) + 1.0, n_scores(loss)
    y, offset = targets(loss, rng.normal(size=n)), rng.normal(size=(n, k) if k else n)
    problem = Objective(loss, penalty, 0.1, LocalSamples(Design(X, rng.dirichlet(np.ones(n)), intercept), y, offset, k))
    reduced, lift = in_row_space(problem)
    L = reduced.samples.design.X
    for a in rng.normal(size=(3, n, *problem.shape)):
        W, b = 0.1 * problem.samples.design.rdot(a), rng.normal(size=problem.shape)
        V = np.linalg.solve(L, problem.samples.design.dot(W))
        x, v = problem.join(W, b), reduced.join(V, b + reduced.samples.design.means @ V)
        np.testing.assert_allclose(lift(v), x, rtol=0, atol=1e-6)
        assert reduced.fun(v) == pytest.approx(problem.fun(x), rel=1e-9)


def test_at_alpha_is_the_same_problem(case):
    problem = make(*case, 1, alpha=0.3)
    other, plain = make(*case, 1, alpha=0.7), make(*case, 0, alpha=1.0)
    at, none = problem.at_alpha(problem.penalty, 0.7), problem.at_alpha(problem.penalty, 0.0)
    for x in points(problem, 2):
        assert at.fun(x) == other.fun(x)
        assert none.fun(x) == plain.fun(x)
        assert repr(at.certificate(x)) == repr(other.certificate(x))
        assert at.null_value == pytest.approx(at.fun(at.null))


def test_alpha_zero_is_no_penalty(case):
    problem, plain = make(*case, 1, alpha=0.0), make(*case, 0, alpha=0.3)
    for x in points(problem, 2):
        assert problem.fun(x) == plain.fun(x) == problem.at(x).risk
        assert repr(problem.certificate(x)) == repr(plain.certificate(x))


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "blocks"])
@pytest.mark.parametrize("loss", [Softmax(), CrossEntropy()], ids=name_of)
def test_sketches_leave_little_to_do(loss, whole, monkeypatch):
    monkeypatch.setattr(sys.modules["sklearn_erm.samples.sketch"], "WHOLE", 1000 if whole else 0)
    rng = np.random.default_rng(3)
    n, p = 4000, 30
    X = rng.standard_t(3, size=(n, p))  # rows of very different leverage
    k = N_CLASSES if loss.joint else 1
    y = targets(loss, X[:, :3].sum(axis=1) + 0.2 * rng.normal(size=n))
    problem = Objective(
        loss, L2(), 1e-6, LocalSamples(Design(X, np.full(n, 1 / n), True), y, None, k if loss.joint else None)
    )
    H = problem.hess(minimize(problem, tol=1e-4).x)
    H.sketch = sketch(H)
    H.solve(rng.normal(size=(p + 1) * k) @ H.dense(), accuracy=1e-2)
    assert H.sketch.products <= 5


def test_directions_in_the_row_space_are_as_accurate_as_asked_for(monkeypatch):
    set_branch(monkeypatch, "row space by products")
    rng = np.random.default_rng(6)
    X = sparse.random(60, 200, density=0.1, random_state=6, format="csr")
    problem = Objective(
        SquaredError(), L2(), 1e-6, LocalSamples(Design(X, np.full(60, 1 / 60), True), rng.normal(size=60))
    )
    H, v = problem.hess(problem.null), rng.normal(size=201)
    for accuracy in (1e-2, 1e-4, 1e-6):
        assert np.linalg.norm(H.matvec(H.solve(v, accuracy=accuracy)) - v) <= 3 * accuracy * np.linalg.norm(v)


@pytest.mark.parametrize("branch", ["row space", "row space by products"])
def test_damping_in_the_row_space_is_a_multiple_of_the_identity(branch, monkeypatch):
    set_branch(monkeypatch, branch)
    rng = np.random.default_rng(8)
    X = sparse.random(30, 80, density=0.2, random_state=8, format="csr")
    problem = Objective(
        SquaredError(), L2(), 0.1, LocalSamples(Design(X, np.full(30, 1 / 30), True), rng.normal(size=30))
    )
    H, v = problem.hess(problem.null), rng.normal(size=81)
    damped = H.dense() + 0.3 * H.scale()[:80].mean() * np.diag(np.arange(81) < 80)
    np.testing.assert_allclose(damped @ H.solve(v, damping=0.3, accuracy=1e-12), v, rtol=0, atol=1e-8)
