"""Approximate leave-one-out: equal to true leave-one-out where that is a Newton step away, and near it elsewhere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.linear_model import RidgeCV

from sklearn_erm.leave_out.approximate import leave_one_out_scores
from sklearn_erm.leave_out.tangents import _in_rows
from sklearn_erm.losses import (
    AbsoluteError,
    CrammerSinger,
    CrossEntropy,
    Hinge,
    Huber,
    MultiQuantile,
    Softmax,
    SquaredError,
)
from sklearn_erm.penalties import L1, L2, ElasticNet, Fused, GroupLasso, NoPenalty, Part, SparseGroupLasso, Tikhonov
from sklearn_erm.penalties.constrained import Box, Constrained
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize

from . import problems

N, P = 60, 6
SMOOTH = [loss for loss in problems.LOSS_EXAMPLES if loss.smooth]
KINKED = [loss for loss in problems.LOSS_EXAMPLES if not loss.smooth]
# Without a penalty that grows in all directions leave-one-out fits may have no minimiser, or another local one.
STURDY = [j for j, penalty in enumerate(problems.PENALTY_EXAMPLES) if penalty.coercive and penalty.convex]


def data(seed=0, n=N, p=P):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) + 0.3
    coef = np.resize([1.0, -0.7, 0.0, 0.5, 0.0, 0.2], p) * (np.arange(p) < 6)
    return X, X @ coef + 0.7 * rng.normal(size=n)


def problem(loss, penalty, alpha, X, y, weight=None, offset=None, intercept=True, outputs=None):
    weight = np.ones(len(y)) if weight is None else weight
    design = Design(X, weight / weight.sum(), intercept)
    return Objective(loss, penalty.bind(X.shape[1]), alpha, LocalSamples(design, y, offset, outputs))


def left_out(full, x, rows=None, tol=1e-7):
    """The scores of fits without one sample each, the other weights and alpha in the sum as they are."""
    X, s, scores = full.samples.design.X, full.samples.weight, []
    for i in range(len(s)) if rows is None else rows:
        rest = np.delete(np.arange(len(s)), i)
        design = Design(X[rest], s[rest] / (1.0 - s[i]), full.samples.design.intercept)
        offset = None if full.samples.offset is None else full.samples.offset[rest]
        outputs = full.n_outputs if full.loss.joint else None
        part = LocalSamples(design, full.samples.y[rest], offset, outputs)
        part = Objective(full.loss, full.penalty, full.alpha / (1.0 - s[i]), part)
        W, b = full.split(x)
        start = part.join(W, b + (part.samples.design.means - full.samples.design.means) @ W)
        W, b = part.split(minimize(part, x0=start, tol=tol).x)
        own = np.ravel(X[[i]].toarray() if sparse.issparse(X) else X[i])
        scores.append(
            own @ W + part.samples.intercept_of(W, b) + (0.0 if full.samples.offset is None else full.samples.offset[i])
        )
    return np.array(scores)


def risk(full, eta):
    return float(np.sum(full.samples.weight @ full.loss.value(full.samples.y, eta)))


def solve(full, tol=1e-9, **options):
    result = minimize(full, tol=tol)
    return leave_one_out_scores(full, result, **options), result


# -- exact --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("shape", [(60, 6), (40, 60), (25, 400)], ids=str)
def test_equals_ridge_cv(shape, weighted, intercept):
    X, y = data(1, *shape)
    weight = np.random.default_rng(2).uniform(0.5, 3.0, len(y)) if weighted else np.ones(len(y))
    alpha = 0.1
    ridge = RidgeCV([0.5 * alpha * weight.sum()], fit_intercept=intercept, store_cv_results=True)
    expected = ridge.fit(X, y, weight).cv_results_[:, 0]
    for stored in (X, sparse.csr_array(X)):
        eta, _ = solve(problem(SquaredError(), L2(), alpha, stored, y, weight, intercept=intercept), tol=1e-4)
        assert_allclose(weight * (y - eta) ** 2, expected, rtol=1e-7, atol=1e-8)


QUADRATIC = [NoPenalty(), L2(), L2(weights=[0.0, 1.0, 2.0, 0.0, 0.5, 1.0]), ElasticNet(l1_ratio=0.0)]
QUADRATIC += Tikhonov.examples(P)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("penalty", QUADRATIC, ids=problems.name_of)
def test_is_exact_for_quadratic_problems(penalty, intercept):
    X, y = data(3)
    rng = np.random.default_rng(4)
    weight, offset, alpha = rng.uniform(0.5, 3.0, N), rng.normal(size=N), 0.2
    full = problem(SquaredError(), penalty, alpha, X, y, weight, offset, intercept)
    A = np.column_stack([X, np.ones(N)]) if intercept else X
    bend, pull = np.zeros((A.shape[1],) * 2), np.zeros(A.shape[1])
    unit = np.eye(P)
    pull[:P] = full.penalty.gradient(np.zeros(P))
    bend[:P, :P] = np.column_stack([full.penalty.gradient(e) for e in unit]) - pull[:P, None]
    s, expected = full.samples.weight, np.empty(N)
    for i in range(N):
        rest = np.delete(np.arange(N), i)
        H = 2.0 * A[rest].T @ (s[rest, None] * A[rest]) + alpha * bend
        g = 2.0 * A[rest].T @ (s[rest] * (y - offset)[rest]) - alpha * pull
        expected[i] = A[i] @ np.linalg.solve(H, g) + offset[i]
    assert_allclose(solve(full)[0], expected, rtol=1e-8, atol=1e-8)


def test_several_targets_are_as_many_problems():
    X, y = data(5)
    Y = np.column_stack([y, np.cos(3 * y), -y])
    for penalty in (L2(), ElasticNet(), GroupLasso(np.arange(P) // 3)):
        eta = solve(problem(SquaredError(), penalty, 0.1, X, Y), refits=0)[0]
        each = [solve(problem(SquaredError(), penalty, 0.1, X, column), refits=0)[0] for column in Y.T]
        assert_allclose(eta, np.column_stack(each), atol=1e-6)


# -- near true leave-one-out -------------------------------------------------------------------------------------


def near(full, error, share, refits=0):
    """Whether the risk is within an error of true leave-one-out, and within a share of what the fit itself is off."""
    eta, result = solve(full, refits=refits)
    true, fitted = risk(full, left_out(full, result.x)), full.at(result.x).risk
    off = abs(risk(full, eta) - true)
    assert off <= error * true
    assert off <= share * abs(fitted - true)


@pytest.mark.parametrize("loss", SMOOTH, ids=problems.name_of)
def test_smooth_losses(loss):
    X, latent = data()
    y = problems.targets(loss, latent)
    for j in STURDY[SMOOTH.index(loss) % 6 :: 6]:
        penalty = problems.PENALTY_EXAMPLES[j]
        alpha = problems.suitable_alpha(loss, penalty, X, y)
        near(problem(loss, penalty, alpha, X, y, outputs=problems.n_scores(loss)), 0.05, 0.25, refits=5)


def kinked_pairs():
    """Every loss with two penalties; a joint one, of which every fit without a sample is slow, with one of them."""
    for loss in KINKED:
        one = L2() if getattr(loss, "non_crossing", False) else L1()
        for penalty in [one] if loss.joint else [L2(), L1()]:
            marks = [pytest.mark.slow] if isinstance(penalty, L1) else []
            yield pytest.param(loss, penalty, id=f"{problems.name_of(loss)}-{penalty}", marks=marks)


@pytest.mark.parametrize("loss, penalty", list(kinked_pairs()))
def test_losses_with_kinks(loss, penalty):
    # The scores of fits without a sample jump from vertex to vertex here: single ones are hit roughly, the risk well
    X, latent = data(0, 120)
    y = problems.targets(loss, latent)
    alpha = problems.suitable_alpha(loss, penalty, X, y)
    full = problem(loss, penalty, alpha, X, y, outputs=problems.n_scores(loss))
    eta, result = solve(full)
    true, fitted = left_out(full, result.x), full.at(result.x).scores.values
    assert np.linalg.norm(eta - true) < np.linalg.norm(fitted - true)
    if hasattr(loss, "non_crossing"):  # what holds in the sample need not hold for who was left out: the risk is inf
        full = full.with_loss(MultiQuantile(loss.quantiles))
    assert abs(risk(full, eta) - risk(full, true)) < 0.06 * risk(full, true)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [CrossEntropy(), Huber(), Softmax()], ids=problems.name_of)
def test_scores_one_by_one(loss, weighted):
    X, latent = data(6, 120)
    y = problems.targets(loss, latent)
    rng = np.random.default_rng(7)
    weight = rng.uniform(0.2, 3.0, len(y)) if weighted else None
    offset = 0.5 * rng.normal(size=(len(y), 3) if loss.joint else len(y))
    for penalty, alpha in ((L2(), 0.05), (GroupLasso(np.arange(P) // 2), 0.02)):
        full = problem(loss, penalty, alpha, X, y, weight, offset, outputs=problems.n_scores(loss))
        eta, result = solve(full, refits=0)
        rows = range(0, len(y), 8)
        true, fitted = left_out(full, result.x, rows), full.at(result.x).scores.values
        if loss.joint:
            eta, true, fitted = (scores - scores.mean(axis=1, keepdims=True) for scores in (eta, true, fitted))
        shift = np.abs(true - fitted[rows])
        assert np.median(np.abs(eta[rows] - true) / (shift + 1e-3)) < 0.02


@pytest.mark.parametrize("loss", [SquaredError(), Huber()], ids=problems.name_of)
def test_constraints(loss):
    X, y = data(8)
    order = Part(1.0, Box(np.zeros(P - 1), np.full(P - 1, np.inf)), np.diff(np.eye(P), axis=0))
    bounds = Part(1.0, Box(np.full(P, -0.2), np.full(P, 0.6)))
    total = Part(1.0, Box(np.ones(1), np.ones(1)), np.ones((1, P)) / np.sqrt(P))
    for constraints in ([bounds], [order], [total, bounds]):
        full = problem(loss, Constrained(L2(), constraints), 0.05, X, y)
        eta, result = solve(full, refits=0)
        true, fitted = left_out(full, result.x), full.at(result.x).scores.values
        assert np.linalg.norm(eta - true) < 0.3 * np.linalg.norm(fitted - true)


@pytest.mark.parametrize("loss", [Hinge(), CrammerSinger()], ids=problems.name_of)
def test_support_vectors_on_real_data(loss):
    X, y = load_iris(return_X_y=True) if loss.joint else load_breast_cancer(return_X_y=True)
    X, y = (X - X.mean(axis=0)) / X.std(axis=0), y if loss.joint else 2.0 * y - 1.0
    if not loss.joint:
        X, y = X[:200], y[:200]
    near(problem(loss, L2(), 0.05, X, y, outputs=3 if loss.joint else None), 0.1, 0.5)


def test_as_many_kinks_as_coefficients():
    X, y = load_diabetes(return_X_y=True)
    X, y = (X / X.std(axis=0))[:200], (y[:200] - y.mean()) / y.std()
    near(problem(AbsoluteError(), L1(), 1e-3, X, y), 0.1, 0.7)


# -- what must not change it -------------------------------------------------------------------------------------


def cases():
    yield CrossEntropy(), L2(), 0.01
    yield CrossEntropy(), ElasticNet(), 0.05
    yield Softmax(), L1(), 0.02
    yield Softmax(), L2(weights=[0.0, 1.0, 1.0, 0.0, 1.0, 1.0]), 0.05
    yield Hinge(), L2(), 0.05
    yield AbsoluteError(), Fused(l1_ratio=0.3), 0.1


@pytest.mark.parametrize("case", list(cases()), ids=lambda case: f"{case[0]}-{case[1]}")
def test_same_for_sparse_data_other_orders_and_weights(case):
    loss, penalty, alpha = case
    X, latent = data(9)
    X = np.where(np.random.default_rng(0).random(X.shape) < 0.6, X, 0.0)
    y, weight = problems.targets(loss, latent), np.random.default_rng(1).uniform(0.5, 2.0, N)
    options = {"outputs": problems.n_scores(loss)}
    full = problem(loss, penalty, alpha, X, y, weight, **options)
    eta, result = solve(full, 1e-10, refits=0)
    again = problem(loss, penalty, alpha, sparse.csr_array(X), y, weight, **options)
    assert_allclose(leave_one_out_scores(again, result, refits=0), eta, atol=1e-7)
    order = np.random.default_rng(2).permutation(N)
    turned = problem(loss, penalty, alpha, X[order], y[order], weight[order], **options)
    pairs = result.get("dual")
    if pairs is not None and pairs.loss is not None:
        pairs = pairs._replace(loss=State(pairs.loss.values[order]))
    assert_allclose(leave_one_out_scores(turned, OptimizeResult(result, dual=pairs), refits=0), eta[order], atol=1e-7)
    heavy = problem(loss, penalty, alpha, X, y, 7.0 * weight, **options)
    assert_allclose(leave_one_out_scores(heavy, result, refits=0), eta, atol=1e-9)


GROUPS = np.arange(P) // 3
SAME = [
    (GroupLasso(GROUPS), SparseGroupLasso(GROUPS, l1_ratio=0.0)),
    (GroupLasso(GROUPS), 3.0 * SparseGroupLasso(GROUPS, l1_ratio=0.0) / 3.0),
    (3.0 * GroupLasso(GROUPS), 3.0 * SparseGroupLasso(GROUPS, l1_ratio=0.0)),
    (ElasticNet(l1_ratio=0.4), 0.4 * L1() + 0.6 * L2()),
]


@pytest.mark.parametrize("loss", [CrossEntropy(), Softmax()], ids=problems.name_of)
@pytest.mark.parametrize("pair", SAME, ids=str)
def test_a_penalty_by_its_parts_is_the_same(loss, pair):
    X, latent = data(19)
    y = problems.targets(loss, latent)
    fulls = [problem(loss, penalty, 0.02, X, y, outputs=problems.n_scores(loss)) for penalty in pair]
    scores = [solve(full, 1e-12, refits=0)[0] for full in fulls]
    assert_allclose(scores[0], scores[1], atol=2e-5)


@pytest.mark.parametrize("penalty", [L2(), ElasticNet(l1_ratio=0.01), GroupLasso(np.arange(90) // 45)], ids=str)
@pytest.mark.parametrize("loss", [CrossEntropy(), Softmax()], ids=problems.name_of)
def test_row_space_is_the_same(loss, penalty, monkeypatch):
    X, latent = data(10, 30, 90)
    y = problems.targets(loss, latent)
    full = problem(loss, penalty, 0.01, X, y, outputs=problems.n_scores(loss))
    result, calls = minimize(full, tol=1e-9), []
    monkeypatch.setattr(
        "sklearn_erm.leave_out.tangents._in_rows", lambda *given: calls.append(given) or _in_rows(*given)
    )
    eta = leave_one_out_scores(full, result, refits=0)
    assert bool(calls) != (loss.joint and hasattr(penalty, "groups"))  # groups that couple outputs stay as they are
    calls.clear()
    monkeypatch.setattr("sklearn_erm.leave_out.tangents.np.count_nonzero", lambda values: 0)
    assert_allclose(leave_one_out_scores(full, result, refits=0), eta, rtol=1e-5, atol=1e-5)
    assert not calls


def test_rotations_change_nothing_under_l2():
    X, y = data(11, 30, 90)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(90, 90)))[0]
    scores = [solve(problem(Huber(), L2(), 0.05, Z, y), 1e-12, refits=0)[0] for Z in (X, X @ turn)]
    assert_allclose(*scores, atol=1e-6)


def test_offset_is_a_shift_of_the_target():
    X, y = data(12)
    offset = np.random.default_rng(0).normal(size=N)
    for loss in (Huber(), AbsoluteError()):
        eta = solve(problem(loss, L2(), 0.1, X, y, offset=offset), 1e-10)[0]
        assert_allclose(eta - offset, solve(problem(loss, L2(), 0.1, X, y - offset), 1e-10)[0], atol=1e-6)


# -- samples without which something is not determined -----------------------------------------------------------


def with_lone_category():
    X, y = data(13)
    X[:, 0] = 0.0
    X[7, 0] = 1.0
    y[7] += 5.0
    return X, y


def test_a_score_that_nothing_else_determines_is_nan():
    X, y = with_lone_category()
    eta, _ = solve(problem(SquaredError(), NoPenalty(), 0.0, X, y))
    assert list(np.flatnonzero(np.isnan(eta))) == [7]


@pytest.mark.parametrize("loss", [SquaredError(), Softmax()], ids=problems.name_of)
def test_a_penalty_decides_where_nothing_else_does(loss):
    X, latent = with_lone_category()
    y, weight = problems.targets(loss, latent), np.where(np.arange(N) == 7, 0.5 * N, 1.0)
    full = problem(loss, L1(), 0.05, X, y, weight, outputs=problems.n_scores(loss))
    eta, result = solve(full, refits=0)
    assert full.split(result.x)[0][0].any()
    assert_allclose(eta[7], left_out(full, result.x, [7])[0], atol=2e-3)


def test_interpolation():
    X, y = data(14, 20, 40)
    assert np.all(np.isnan(solve(problem(SquaredError(), NoPenalty(), 0.0, X, y))[0]))


def test_no_coefficient_moves():
    X, y = data(15)
    for intercept, expected in ((True, (y.sum() - y) / (N - 1)), (False, np.zeros(N))):
        assert_allclose(solve(problem(SquaredError(), L1(), 1e3, X, y, intercept=intercept))[0], expected, atol=1e-9)
