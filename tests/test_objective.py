"""The objective: its derivatives, its relatives, and its certificate, which must never understate."""

from functools import cache

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm import hessian as hessian_module
from sklearn_erm.design import Design
from sklearn_erm.losses import Hinge, Huber, Smoothed, Softmax, SquaredError
from sklearn_erm.minimize import minimize
from sklearn_erm.objective import Objective
from sklearn_erm.penalties import L1, L2, GroupLasso, L2Norm, NoPenalty

from .problems import LOSS_EXAMPLES, N_CLASSES, PENALTY_NAMES, name_of, penalties, targets

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
    offset = 0.5 * rng.normal(size=(*y.shape, N_CLASSES) if loss.joint else y.shape) if "offset" in options else None
    design = Design(
        sparse.csr_array(X) if options.get("sparse") else X, weight / weight.sum(), options.get("intercept", True)
    )
    n_outputs = N_CLASSES if loss.joint else None
    return Objective(loss, penalties(COLUMNS)[penalty_index], alpha, design, y, offset, n_outputs)


CASES = [
    (loss_index, setting)
    for loss_index, loss in enumerate(LOSS_EXAMPLES)
    for setting, options in SETTINGS.items()
    if not (loss.joint and "outputs" in options)
]


@pytest.fixture(params=LOSS_EXAMPLES, ids=name_of)
def loss(request):
    return request.param


@pytest.fixture(params=CASES, ids=[f"{name_of(LOSS_EXAMPLES[loss_index])}-{setting}" for loss_index, setting in CASES])
def case(request):
    return request.param


@pytest.fixture(params=range(len(PENALTY_NAMES)), ids=PENALTY_NAMES)
def penalty_index(request):
    return request.param


@pytest.fixture
def problem(case, penalty_index):
    return make(*case, penalty_index)


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
    X = problem.design.X.toarray() if problem.design.sparse else problem.design.X
    eta = X @ W + problem.design.intercept_of(W, b) + (0.0 if problem.offset is None else problem.offset)
    risk = np.sum(problem.weight @ problem.loss.value(problem.y, eta))
    np.testing.assert_allclose(problem.fun(x), risk + problem.alpha * problem.penalty.value(W), rtol=1e-12)
    np.testing.assert_array_equal(problem.join(W, b), x)


def test_gradient_and_hessian_by_differences(problem):
    x = points(problem, 1)[0]
    gradient, H = problem.jac(x), problem.hess(x)
    np.testing.assert_allclose(gradient, differences(problem.fun, x), rtol=0, atol=1e-8 * (1 + abs(problem.fun(x))))
    slope = differences(problem.jac, x)
    np.testing.assert_allclose(H.dense(), slope, rtol=0, atol=1e-7 * (1 + np.abs(slope).max()))


def test_hessian_products(problem):
    x, v, other = points(problem, 3)
    H = problem.hess(x)
    dense = H.dense()
    np.testing.assert_allclose(H.matvec(v), dense @ v, rtol=0, atol=1e-13 * np.abs(dense).sum())
    np.testing.assert_array_equal(problem.hessp(x, v), H.matvec(v))
    np.testing.assert_allclose(other @ H.matvec(v), v @ H.matvec(other), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("damping", [0.0, 0.3])
def test_hessian_without_intercept(problem, damping):
    x, step = points(problem, 2)
    H = problem.hess(x)
    dense = H.dense() + damping * np.diag(H.scale())
    m = problem.split(x)[0].size
    A, B, C = dense[:m, :m], dense[:m, m:], dense[m:, m:]
    reduced = H.without_intercept(damping)
    if m == len(x):
        np.testing.assert_array_equal(reduced.inner, dense)
        assert len(reduced.intercept_step(np.zeros(0), step)) == 0
    elif np.linalg.matrix_rank(C) == len(C):  # joint losses leave the mean of the scores free
        np.testing.assert_allclose(reduced.inner, A - B @ np.linalg.solve(C, B.T), rtol=0, atol=1e-10)
        slope = np.arange(1.0, 1.0 + len(C))
        exact = -np.linalg.solve(C, slope + B.T @ step[:m])
        np.testing.assert_allclose(reduced.intercept_step(slope, step[:m]), exact, rtol=1e-7)


# -- Newton systems ---------------------------------------------------------------------------------------------------

BRANCHES = {"Cholesky": {}, "row space": {"DIRECT": 0}, "conjugate gradients": {"DIRECT": 0, "KERNEL": -1}}


def curved_losses(rng, n):
    """Losses with curvature everywhere, on some samples, on none; and a joint one."""
    some = Smoothed(Hinge(), -rng.uniform(size=n), 0.7)
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
    problem = Objective(loss, penalty, 0.5, Design(X, weight, intercept), y, None, k if loss.joint else None)
    x, z = 0.1 * rng.normal(size=(2, (p + intercept) * k))
    for name, value in BRANCHES[branch].items():
        monkeypatch.setattr(hessian_module, name, value)
    H = problem.hess(x)
    v = H.dense() @ z  # in the range: the mean intercept of a joint loss has no curvature
    np.testing.assert_allclose(H.dense() @ H.solve(v, accuracy=1e-13), v, rtol=0, atol=1e-9 * np.abs(v).max())


@pytest.mark.parametrize("branch", ["Cholesky", "conjugate gradients"])
def test_damped_newton_systems(branch, case, monkeypatch):
    problem = make(*case, 1)
    for name, value in BRANCHES[branch].items():
        monkeypatch.setattr(hessian_module, name, value)
    x, v = points(problem, 2)
    H = problem.hess(x)
    assert np.all(H.scale() > 0)
    damped = H.dense() + 0.3 * np.diag(H.scale())
    np.testing.assert_allclose(damped @ H.solve(v, damping=0.3, accuracy=1e-13), v, rtol=0, atol=1e-9)


# -- the objective along a line, and related objectives ---------------------------------------------------------------


def test_line(problem):
    x, d = points(problem, 2)
    line = problem.line(x, d)
    for t in (0.0, 0.3, 2.0):
        y = x + t * d
        np.testing.assert_allclose(line.value(t), problem.fun(y), rtol=1e-12)
        np.testing.assert_allclose(line.slope(t), problem.jac(y) @ d, rtol=1e-9, atol=1e-12)
        accepted = line.accept(t)
        np.testing.assert_array_equal(accepted, y)
        remembered = problem.at(accepted)
        remembered = remembered.eta, remembered.dual, problem.fun(accepted), problem.jac(accepted)
        problem.forget()
        fresh = problem.at(y)
        for one, other in zip(remembered, (fresh.eta, fresh.dual, problem.fun(y), problem.jac(y)), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12)


def test_a_point_changed_in_place_is_another_point(problem):
    x, other = points(problem, 2)
    first, second = problem.fun(x), problem.fun(other)
    kept = x.copy()
    assert problem.fun(x) == first
    x[:] = other
    assert problem.fun(x) == second != first
    np.testing.assert_array_equal(problem.jac(x), problem.jac(other))
    assert problem.fun(kept) == first


def test_another_loss(problem):
    if problem.loss.joint:
        return
    x = points(problem, 1)[0]
    loss = Smoothed(problem.loss, problem.loss.gradient(problem.y, np.zeros(problem.y.shape)), 0.7)
    design, penalty = problem.design, problem.penalty
    fresh = Objective(loss, penalty, problem.alpha, design, problem.y, problem.offset)
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
    full, cut = problem.split(problem.jac(whole)), small.split(small.jac(part))
    np.testing.assert_allclose(cut[0], full[0][index], rtol=1e-9, atol=1e-13)
    np.testing.assert_allclose(cut[1], full[1], rtol=1e-9, atol=1e-13)
    assert small.reference == problem.reference
    assert small.certificate(part).optimality <= problem.certificate(whole).optimality * (1 + 1e-9)


@pytest.mark.parametrize("penalty", [L2(), L2Norm(), NoPenalty()], ids=name_of)
@pytest.mark.parametrize("intercept", [True, False])
def test_row_space(loss, penalty, intercept):
    rng = np.random.default_rng(2)
    n, p = 12, 30
    X, k = rng.normal(size=(n, p)) + 1.0, N_CLASSES if loss.joint else None
    y, offset = targets(loss, rng.normal(size=n)), rng.normal(size=(n, k) if k else n)
    problem = Objective(loss, penalty, 0.1, Design(X, rng.dirichlet(np.ones(n)), intercept), y, offset, k)
    reduced, lift = problem.in_row_space()
    L = reduced.design.X
    for a in rng.normal(size=(3, n, *problem.shape)):
        W, b = 0.1 * problem.design.rdot(a), rng.normal(size=problem.shape)
        V = np.linalg.solve(L, problem.design.dot(W))
        x, v = problem.join(W, b), reduced.join(V, b + reduced.design.means @ V)
        np.testing.assert_allclose(lift(v), x, rtol=0, atol=1e-6)
        assert reduced.fun(v) == pytest.approx(problem.fun(x), rel=1e-9)


# -- the certificate --------------------------------------------------------------------------------------------------


@cache
def optimum(*key):
    """The solution of a problem, to nearly all digits."""
    return minimize(make(*key), tol=1e-12)


def trials(problem, best):
    """Points all over, and ever nearer to the optimum; with dual variables all over, and ever nearer to the best."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=best.x.size)
    far = [problem.null, np.zeros(best.x.size), *points(problem, 2), *points(problem, 2, size=3.0)]
    near = [best.x + size * noise for size in (0.3, 1e-2, 1e-4, 1e-6, 1e-8, 0.0)]
    domain = [problem.loss.gradient(problem.y, problem.at(x).eta) for x in far + near]
    domain += [0.5 * u for u in domain] + [0.0 * domain[0], 0.3 * domain[2] + 0.7 * domain[3]]
    for x in far + near:
        for dual in [None, best.get("multiplier"), *domain[rng.integers(3) :: 3]]:
            yield x, dual


def test_the_certificate_never_understates(case, penalty_index):
    """The gap bounds the suboptimality; so does the residual, times the scales and the distance that it leaves open."""
    problem, best = make(*case, penalty_index), optimum(*case, penalty_index)
    lowest, null = problem.fun(best.x), problem.fun(problem.null)
    W, b = problem.split(best.x)
    slope = np.sqrt(np.sum(problem.weight @ problem.at(problem.null).dual ** 2))
    columns = np.sqrt(problem.weight @ np.concatenate([block for _, block in problem.design.blocks(ones=False)]) ** 2)
    columns = np.broadcast_to(columns.reshape(-1, *[1] * (W.ndim - 1)), W.shape) * slope
    blocks = problem.penalty.blocks(W)
    scale = np.sqrt(np.bincount(blocks.ravel(), columns.ravel() ** 2)[blocks])
    for x, dual in trials(problem, best):
        certificate = problem.certificate(x, dual)
        value = problem.fun(x)
        assert certificate.objective == value
        assert certificate.error == problem.error(x, dual)
        relative = max(abs(value), 1e-3 * abs(null))
        if problem.penalty.coercive:
            assert certificate.gap >= (value - lowest) / relative - 1e-14
        else:
            assert np.isnan(certificate.gap)
        distance = [np.abs(one - other) for one, other in zip(problem.split(x), (W, b), strict=True)]
        open_part = relative + np.sum(scale * distance[0]) + slope * np.sum(distance[1])
        assert value - lowest <= certificate.optimality * open_part + 1e-14 * abs(value)


def test_the_certificate_vanishes_at_the_optimum_and_only_there(case, penalty_index):
    problem, best = make(*case, penalty_index), optimum(*case, penalty_index)
    noise = np.random.default_rng(1).normal(size=best.x.size)
    assert best.certificate.error < 1e-8
    assert best.certificate.optimality < 1e-6
    if problem.loss.smooth:
        near = problem.certificate(best.x + 1e-7 * noise)
        assert not near.gap >= 1e-5
        assert near.optimality < 1e-5 or not problem.penalty.smooth  # a kink of the penalty, missed by 1e-7, is missed
    away = best.x + noise
    assert problem.fun(away) > best.fun * (1 + 1e-3)
    assert problem.certificate(away).error > 1e-3
    assert problem.certificate(away).optimality > 1e-3


def test_rows_without_weight_say_nothing(case, penalty_index):
    problem = make(*case, penalty_index)
    heard = np.flatnonzero(problem.weight)
    design = Design(problem.design.X[heard], problem.weight[heard], problem.design.intercept)
    offset = None if problem.offset is None else problem.offset[heard]
    n_outputs = N_CLASSES if problem.loss.joint else None
    fewer = Objective(problem.loss, problem.penalty, problem.alpha, design, problem.y[heard], offset, n_outputs)
    np.testing.assert_allclose(fewer.null, problem.null, rtol=1e-10, atol=1e-14)
    for x in points(problem, 2):
        values = [(c.objective, c.risk, c.gap, c.optimality) for c in (fewer.certificate(x), problem.certificate(x))]
        np.testing.assert_allclose(*values, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("penalty, power", [(L1(), 1), (L2Norm(), 1), (GroupLasso([0, 0, 1, 1, 2, 2]), 1), (L2(), 2)])
def test_the_unit_of_the_features_does_not_matter(loss, penalty, power, factor):
    base = make(LOSS_EXAMPLES.index(loss), "dense", 0)
    rest = base.y, base.offset, N_CLASSES if loss.joint else None
    penalty = penalty.bind(COLUMNS)
    scaled = Design(factor * base.design.X, base.weight, True)
    one = Objective(loss, penalty, 0.1, base.design, *rest)
    other = Objective(loss, penalty, 0.1 * factor**power, scaled, *rest)
    for x in points(one, 3):
        W, b = one.split(x)
        certificates = one.certificate(x), other.certificate(other.join(W / factor, b))
        np.testing.assert_allclose(*[(c.objective, c.gap, c.optimality) for c in certificates], rtol=1e-8, atol=1e-13)


def test_alpha_zero_is_no_penalty(case):
    problem, plain = make(*case, 1, alpha=0.0), make(*case, 0, alpha=0.3)
    for x in points(problem, 2):
        assert problem.fun(x) == plain.fun(x) == problem.at(x).risk
        assert repr(problem.certificate(x)) == repr(plain.certificate(x))
