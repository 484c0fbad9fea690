"""Samples in blocks: what is asked of three unequal blocks, one of them empty, and added, is what all rows answer."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint

from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.estimators.scale import settle
from sklearn_erm.leave_out.approximate import leave_one_out_scores
from sklearn_erm.losses import Huber, SquaredError
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import L2
from sklearn_erm.penalties.bounded import constrain
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.blocks import in_blocks
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples, Rows
from sklearn_erm.samples.parts import HereParts
from sklearn_erm.samples.state import State
from sklearn_erm.solve.minimize import minimize

from .problems import (
    LOSS_EXAMPLES,
    PENALTY_EXAMPLES,
    cover,
    n_scores,
    name_of,
    name_of_pair,
    suitable_alpha,
    targets,
)

N, P = 90, 6
CUTS = (0, 25, 25, N)  # the second block is empty


def data(loss, *, intercept=True, as_sparse=False, offset=False, far=False):
    """The same rows as one part and as three."""
    rng = np.random.default_rng(3)
    X = np.round(rng.normal(size=(N, P)), 2) * (rng.uniform(size=(N, P)) < (0.1 if as_sparse else 0.9))
    X[:, 1] = 0.0 if as_sparse else 2.0  # constant
    if far:
        X[:, 2] += 2.0**20
    X = sparse.csr_array(X) if as_sparse else X
    y = targets(loss, rng.normal(size=N) + 0.7 * X[:, [0]].sum(axis=1))
    weight = rng.uniform(0.2, 1.0, N)
    shape = (N, n_scores(loss)) if loss.joint else (N,)
    added = np.sort(0.3 * rng.normal(size=shape)) if offset else None  # in order: scores must not cross
    whole = LocalSamples(Design(X, weight / weight.sum(), intercept), y, added, n_scores(loss))
    pieces = [slice(start, end) for start, end in pairwise(CUTS)]
    parts = [Rows(X[part], y[part], weight[part], None if added is None else added[part]) for part in pieces]
    return whole, in_blocks(parts, intercept, n_scores(loss))


def opened(state):
    """What is as long as the data, as one array."""
    return np.concatenate([part.values for part in state.parts]) if hasattr(state, "parts") else state.values


def same(one, other, size=1.0):
    np.testing.assert_allclose(one, other, rtol=1e-13, atol=1e-13 * size)


SETTINGS = [
    {},
    {"intercept": False},
    {"as_sparse": True},
    {"offset": True},
    {"far": True},
    {"as_sparse": True, "intercept": False, "offset": True},
]
LABELS = ["-".join(setting) or "plain" for setting in SETTINGS]


@pytest.mark.parametrize("setting", SETTINGS, ids=LABELS)
def test_facts(setting):
    whole, blocks = data(LOSS_EXAMPLES[0], **setting)
    for name in ("n_samples", "n_features", "intercept", "shape", "entries", "scattered", "gram_cost"):
        assert getattr(whole, name) == getattr(blocks, name), name
    for name in ("means", "squares", "deviations", "sizes", "units", "largest_offset"):
        np.testing.assert_allclose(getattr(blocks, name), getattr(whole, name), rtol=1e-12, atol=1e-15)
    assert whole.gram_cost == pytest.approx(whole.entries**2 / N)
    drawn, other = whole.draw(20), blocks.draw(20)
    np.testing.assert_array_equal(drawn.y, other.y)
    np.testing.assert_allclose(drawn.squares, other.squares, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("setting", SETTINGS, ids=LABELS)
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_every_question_asked_of_blocks_and_added(loss, setting):
    """States, sums and second derivatives, of the loss and of its Moreau envelope."""
    whole, blocks = data(loss, **setting)
    rng = np.random.default_rng(0)
    W = 0.1 * rng.normal(size=(P, *whole.shape))
    b = np.sort(rng.normal(size=whole.shape)) if whole.shape else np.float64(0.2)
    answers = []
    for samples in (whole, blocks):
        eta, change = samples.in_score_domain(loss, samples.scores(W, b)), samples.change(W, b)
        known = samples.slopes(loss, eta)
        found = [opened(eta), opened(change), opened(samples.moved(eta, 0.3, change)), opened(known)]
        found += samples.extremes()
        if not samples.shape:
            found.append(opened(samples.residuals(eta)))
        fs = [loss]
        if loss.has("prox"):
            fs.append(Smoothed(loss, samples.scaled(known, 0.5), 0.7))
            found.append(opened(samples.proxed(loss, eta, known, 0.4)))
        for f in fs:
            u = samples.slopes(f, eta)
            found += [opened(u), samples.total(f, "value", eta), samples.inner(u, change), *samples.pull_back(u)]
            found += [samples.offset_term(u), *samples.sides(u), samples.fits(loss, eta, u)]
            if not samples.shape:
                found += [samples.quantile(u, q, by_size) for q in (0.1, 0.5) for by_size in (False, True)]
            found += [samples.balance_sums(loss, u), opened(samples.balanced(loss, u, samples.balance_sums(loss, u)))]
            if f.has("curvature"):
                bend = samples.bend(f, eta, positive=not f.convex)
                found += [bend.gram(), *bend.product(W, b if samples.intercept else 0.0), bend.mass, bend.mean]
                found += [bend.curved, bend.widely, bend.tilted]
        answers.append(found)
    for one, other in zip(*answers, strict=True):
        same(other, one, size=max(1.0, float(np.abs(one).max(initial=0.0))))


@pytest.mark.parametrize("offset", [False, True])
def test_each_target_for_itself(offset):
    whole, _ = data(LOSS_EXAMPLES[0], offset=offset)
    W, b = np.random.default_rng(0).normal(size=(P, 2)), np.array([0.3, -2.0])
    y = np.column_stack([whole.y, whole.y**2])
    added = None if whole.offset is None else np.column_stack([whole.offset, 2.0 * whole.offset])
    pieces = [slice(start, end) for start, end in pairwise(CUTS)]
    rows = [Rows(whole.design.X[part], y[part], whole.weight[part], added[part] if offset else None) for part in pieces]
    blocks = in_blocks(rows, True)
    both = blocks.residuals(blocks.scores(W, b))
    for j in range(2):
        one = blocks.target(j)
        assert one.shape == ()
        same(opened(one.residuals(one.scores(W[:, j], b[j]))), opened(both)[:, j])


@pytest.mark.parametrize("offset", [False, True])
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_the_best_constant(loss, offset):
    whole, blocks = data(loss, offset=offset)
    penalty = PENALTY_EXAMPLES[0]
    one, other = (Objective(loss, penalty, 0.1, samples) for samples in (whole, blocks))
    assert other.fun(other.null) == pytest.approx(one.fun(one.null), rel=1e-12)
    assert other.reference[0] == pytest.approx(one.reference[0], rel=1e-12)
    if loss.smooth:  # at a kink, a slope may be any subgradient
        assert other.reference[1] == pytest.approx(one.reference[1], rel=1e-6)


@pytest.mark.parametrize("share", [1e-9, 0.3, 0.5, 1.0])
@pytest.mark.parametrize("by_size", [False, True])
def test_quantiles_are_numbers_of_the_state(share, by_size):
    whole, blocks = data(SquaredError(), offset=True)
    for values in (whole.y - whole.y[7], np.round(whole.y), np.full(N, -0.0), 1e-310 * whole.y, 1e300 * whole.y):
        parts = [State(values[start:end]) for start, end in pairwise(CUTS)]
        found = blocks.quantile(HereParts(parts), share, by_size)
        assert found == whole.quantile(State(values), share, by_size)


@pytest.mark.parametrize("setting", SETTINGS, ids=LABELS)
def test_a_scale_is_settled(setting):
    loss, penalty = Huber(scale="mad"), L2()
    one, other = (Objective(loss, penalty, 0.1, samples) for samples in data(loss, **setting))
    assert settle(other, tol=1e-10).loss.scale == pytest.approx(settle(one, tol=1e-10).loss.scale, rel=1e-6)


def test_leaving_out_one_needs_all_rows():
    _, blocks = data(SquaredError())
    problem = Objective(SquaredError(), L2(), 0.1, blocks)
    with pytest.raises(ValueError, match="in one place"):
        leave_one_out_scores(problem, minimize(problem))


def limited(penalty, limits):
    if limits == "free" or not penalty.convex:
        return penalty
    bounds = (-0.2, 0.3) if limits == "bounds" else None
    rows = LinearConstraint(np.arange(P) % 2, -0.1, 0.1) if limits == "rows" else None
    return constrain(penalty, find_constraints("", bounds, rows, P), P)


CASES = [
    (pair, ("dense", "sparse")[number % 2], ("free", "bounds", "rows")[number % 3])
    for number, pair in enumerate(cover(7))
]


@pytest.mark.parametrize("pair, kind, limits", CASES, ids=[f"{name_of_pair(p)}-{k}-{c}" for p, k, c in CASES])
def test_three_unequal_blocks_are_one(pair, kind, limits):
    """The same minimum, certified, and for smooth problems the same coefficients."""
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    whole, blocks = data(loss, as_sparse=kind == "sparse")
    alpha = suitable_alpha(loss, penalty, whole.design.X, whole.y)
    smooth = loss.smooth and penalty.smooth
    tol = 1e-12 if smooth and limits == "free" else 1e-9
    one, other = (Objective(loss, limited(penalty, limits), alpha, samples) for samples in (whole, blocks))
    found, again = minimize(one, tol=tol), minimize(other, tol=tol)
    assert again.success == found.success, (again.message, found.message)
    assert again.certificate.error <= tol or not found.success
    assert again.fun == pytest.approx(found.fun, rel=1e-10 if tol == 1e-12 else 2 * tol, abs=1e-10 * one.reference[0])
    if tol == 1e-12:
        (W, b), (V, c) = one.split(found.x), other.split(again.x)
        if loss.shift_invariant:  # nothing determines a shift of all intercepts
            b, c = b - b.mean(), c - c.mean()
        np.testing.assert_allclose(V, W, atol=1e-8 * max(1.0, np.abs(W).max()))
        np.testing.assert_allclose(c, b, atol=1e-8 * max(1.0, np.abs(b).max()))
