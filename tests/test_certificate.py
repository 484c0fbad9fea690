"""The certificate, which must never understate: all over, and near the optimum."""

from functools import cache

import numpy as np
import pytest

from sklearn_erm.penalties import L1, L2, SLOPE, Fused, GroupLasso, L2Norm, LInf, Nuclear
from sklearn_erm.problem.certificate import _split_conjugate, splits
from sklearn_erm.problem.multipliers import Pair
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize

from .conic import Model, penalty_bound
from .problems import LOSS_EXAMPLES, PENALTY_EXAMPLES, n_scores, name_of, name_of_pair, subgradients
from .test_objective import COLUMNS, PAIRS, make, points, setting_of


@pytest.fixture(params=LOSS_EXAMPLES, ids=name_of)
def loss(request):
    return request.param


@pytest.fixture(params=PAIRS, ids=map(name_of_pair, PAIRS))
def key(request):
    """Loss, setting and penalty: every setting with every kind of penalty, every loss with a share of them."""
    i, j = request.param
    return i, setting_of(i, j), j


@cache
def optimum(*key):
    """The solution of a problem, to nearly all digits."""
    return minimize(make(*key), tol=1e-12 if not splits(make(*key).penalty) else 1e-9)


def trials(problem, best):
    """Points all over, and ever nearer to the optimum; with dual variables all over, and ever nearer to the best."""
    rng = np.random.default_rng(0)
    noise = rng.normal(size=best.x.size)
    far = [problem.null, np.zeros(best.x.size), *points(problem, 2), *points(problem, 2, size=3.0)]
    near = [best.x + size * noise for size in (0.3, 1e-2, 1e-4, 1e-6, 1e-8, 0.0)]
    found, known = best.get("dual") or (None, None)
    domain = [problem.loss.gradient(problem.samples.y, problem.at(x).scores.values) for x in far + near]
    domain += [0.5 * u for u in domain] + [0.0 * domain[0], 0.3 * domain[2] + 0.7 * domain[3]]
    domain = [State(u) for u in domain] if problem.loss.convex else []
    shares = [known] + [subgradients(problem, x, step) for x in far[2:] + near for step in (0.01, 1.0)]
    for x in far + near:
        for number, dual in enumerate([None, found, *domain[rng.integers(8) :: 8]]):
            yield x, dual, shares[(0, 0, *rng.permutation(len(shares)))[number % (len(shares) + 2)]]


def test_the_certificate_never_understates(key):
    """The gap bounds the suboptimality; so does the residual, times the scales and the distance that it leaves open.

    The scale counts once for the slack of the loss, and once for that of the parts of a penalty.
    """
    problem, best = make(*key), optimum(*key)
    convex = problem.loss.convex and problem.penalty.convex
    lowest, null = problem.fun(best.x), problem.fun(problem.null)
    W, b = problem.split(best.x)
    slope = np.sqrt(np.sum(problem.samples.weight @ problem.at(problem.null).slopes.values ** 2))
    columns = np.sqrt(
        problem.samples.weight @ np.concatenate([block for _, block in problem.samples.design.blocks(ones=False)]) ** 2
    )
    columns = np.broadcast_to(columns.reshape(-1, *[1] * (W.ndim - 1)), W.shape) * slope
    blocks = problem.penalty.blocks(W)
    scale = np.sqrt(np.bincount(blocks.ravel(), columns.ravel() ** 2)[blocks])
    for x, dual, pairs in trials(problem, best):
        certificate = problem.certificate(x, dual, pairs)
        value = problem.fun(x)
        assert certificate.objective == value
        assert certificate.error == problem.error(x, dual, pairs)
        assert np.isnan(certificate.gap) == (not problem.penalty.coercive or not convex)
        if not np.isfinite(value):
            assert certificate.error == certificate.optimality == np.inf
        elif convex:
            relative = max(abs(value), 1e-3 * abs(null))
            assert not certificate.gap < (value - lowest) / relative - 1e-14
            distance = [np.abs(one - other) for one, other in zip(problem.split(x), (W, b), strict=True)]
            open_part = relative * (2 if pairs else 1) + np.sum(scale * distance[0]) + slope * np.sum(distance[1])
            assert value - lowest <= certificate.optimality * open_part + 1e-14 * abs(value)


def test_the_certificate_vanishes_at_the_optimum_and_only_there(key):
    problem, best = make(*key), optimum(*key)
    noise = np.random.default_rng(1).normal(size=best.x.size)
    assert best.certificate.error < 1e-8
    assert best.certificate.optimality < 1e-6 or splits(problem.penalty)  # pairs are subgradients near the point
    dual = best.get("dual") or (None, None)
    if problem.loss.smooth and problem.penalty.smooth:
        near = problem.certificate(best.x + 1e-7 * noise, *dual)
        assert not near.gap >= 1e-5
        assert near.optimality < 1e-5
    away = best.x + noise
    assert problem.fun(away) > best.fun * (1 + 1e-3)
    for pairs in (dual[1], subgradients(problem, away)):
        assert problem.certificate(away, None, pairs).error > 1e-3
        assert problem.certificate(away, None, pairs).optimality > 1e-3


def test_a_sum_is_not_certified_without_subgradients_of_its_parts():
    """A single penalty is, by its conjugate; never below the suboptimality."""
    for j, penalty in enumerate(PENALTY_EXAMPLES):
        problem, best = make(0, "dense", j), optimum(0, "dense", j)
        if splits(penalty) and problem.has_dual:
            x = points(problem, 1)[0]
            least = (problem.fun(x) - best.fun) / problem.scale(x)
            assert problem.certificate(x).gap >= least - 1e-9
    for penalty in SUMS:
        bound = problem.with_penalty(penalty.bind(COLUMNS))
        if splits(bound.penalty) and not bound.penalty.has("conjugate"):
            certificate = bound.certificate(points(bound, 1)[0])
            assert certificate.error == certificate.optimality == np.inf


def test_rows_without_weight_say_nothing(key):
    problem = make(*key)
    heard = np.flatnonzero(problem.samples.weight)
    design = Design(problem.samples.design.X[heard], problem.samples.weight[heard], problem.samples.design.intercept)
    offset = None if problem.samples.offset is None else problem.samples.offset[heard]
    rest = problem.samples.y[heard], offset, n_scores(problem.loss)
    fewer = Objective(problem.loss, problem.penalty, problem.alpha, LocalSamples(design, *rest))
    np.testing.assert_allclose(fewer.null, problem.null, rtol=1e-10, atol=1e-14)
    for x in [problem.null, *points(problem, 2)]:
        pairs = subgradients(problem, x)
        certificates = [each.certificate(x, None, pairs) for each in (fewer, problem)]
        values = [(c.objective, c.risk, c.gap, c.optimality) for c in certificates]
        np.testing.assert_allclose(*values, rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("factor", [1e-6, 1e6])
@pytest.mark.parametrize("penalty, power", [(L1(), 1), (L2Norm(), 1), (GroupLasso([0, 0, 1, 1, 2, 2]), 1), (L2(), 2)])
def test_the_unit_of_the_features_does_not_matter(loss, penalty, power, factor):
    base = make(LOSS_EXAMPLES.index(loss), "dense", 0)
    rest = base.samples.y, base.samples.offset, n_scores(loss)
    penalty = penalty.bind(COLUMNS)
    scaled = Design(factor * base.samples.design.X, base.samples.weight, True)
    one = Objective(loss, penalty, 0.1, LocalSamples(base.samples.design, *rest))
    other = Objective(loss, penalty, 0.1 * factor**power, LocalSamples(scaled, *rest))
    for x in points(one, 3):
        W, b = one.split(x)
        certificates = one.certificate(x), other.certificate(other.join(W / factor, b))
        np.testing.assert_allclose(*[(c.objective, c.gap, c.optimality) for c in certificates], rtol=1e-8, atol=1e-13)


# -- the conjugate of a sum -------------------------------------------------------------------------------------------

SUMS = [
    0.4 * L1() + 2.0 * L2(),
    2.0 * L2() + Fused(),
    Fused(l1_ratio=0.3),
    3.0 * L2Norm() + Fused(),
    0.5 * SLOPE() + 0.2 * L2() + 2.0 * LInf(),
    0.3 * Nuclear() + 0.7 * L1(),
]


def true_conjugate(penalty, V):
    """The least of Omega(W) - <V, W> in a large box, changed in sign: by a solver of cone programs."""
    m = Model()
    W = m.variable(len(V))
    m.at_least_zero(W + 50.0, 50.0 - W)
    return -m.least(penalty_bound(m, penalty, [W]) - V[None] @ W)[0]


@pytest.mark.parametrize("penalty", SUMS, ids=repr)
@pytest.mark.parametrize("excess", [1.0, 1.3], ids=["inside", "outside"])
@pytest.mark.parametrize("seed", range(4))
def test_the_conjugate_of_a_sum_is_bounded(penalty, excess, seed):
    """At s V, for s found: whatever is left over, and though subgradients of norms may be too long by rounding."""
    rng = np.random.default_rng(seed)
    bound = penalty.bind(COLUMNS)
    parts, W = bound.parts(), rng.normal(size=COLUMNS)
    pairs = []
    for part in parts:
        image = W if part.matrix is None else part.matrix @ W
        Z = image if part.penalty.smooth else part.penalty.prox(image, 0.5)
        u = part.penalty.gradient(Z) if part.penalty.smooth else (image - Z) / 0.5
        pairs.append(Pair((excess if part.penalty.homogeneous else 1.0) * u, Z))
    made = sum(f * (u if A is None else A.T @ u) for (f, _, A), (u, _) in zip(parts, pairs, strict=True))
    for size in (0.0, 0.1, 1.0, 5.0):
        V = made + size * rng.normal(size=COLUMNS)
        shrink, total = _split_conjugate(parts, V, pairs)
        assert 0 < shrink <= 1
        assert true_conjugate(penalty, shrink * V) <= total + 1e-7
        if size == 0 and excess == 1:
            assert shrink == pytest.approx(1.0)
