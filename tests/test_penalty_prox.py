"""Laws of every penalty's prox and of its derivative, and other ways to the same prox."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import lsq_linear, minimize

from sklearn_erm.penalties import MCP, PENALTIES, SCAD, SLOPE, Fused, LInf

from .penalty_answers import frobenius, jacobian_of

H = 1e-6  # of a difference quotient
SMALL = 3  # features, for the numerical minimiser


@pytest.fixture(autouse=True)
def _needs_prox(request):
    if "penalty" in request.fixturenames and not request.getfixturevalue("penalty").has("prox"):
        pytest.skip("no prox")


def proximal_objective(penalty, W, step):
    """Return what the prox minimises."""
    return lambda Z: penalty.value(Z) + 0.5 * frobenius(Z - W, Z - W) / step


@given(data=st.data(), step=st.floats(0.01, 10))
def test_no_point_does_better_than_the_prox(penalty, draw_coef, data, step):
    W, V = draw_coef(data), draw_coef(data)
    P = penalty.prox(W, step)
    objective = proximal_objective(penalty, W, step)
    for rival in (V, W, 0.0 * W, P + 1e-2 * V, P - 1e-4 * V):
        strong = 0.5 * frobenius(rival - P, rival - P) / step if penalty.convex else 0.0
        excess = objective(rival) - objective(P) - strong
        assert excess >= -1e-13 * (1.0 + objective(rival) + objective(P))


@given(data=st.data(), step=st.floats(0.01, 10))
def test_prox_meets_the_kkt_conditions(penalty, draw_coef, data, step):
    W = draw_coef(data)
    P = penalty.prox(W, step)
    assert np.all(penalty.kkt(P, (P - W) / step, 1.0) <= 1e-13 * (1.0 + np.abs(W).max()) * (1.0 + 1.0 / step))
    np.testing.assert_allclose(penalty.kkt(P, P - W, step), 0.0, atol=1e-13 * (1.0 + step) * (1.0 + np.abs(W).max()))


@pytest.mark.parametrize("cls", PENALTIES.values(), ids=lambda cls: cls.__name__)
def test_prox_is_what_a_numerical_minimiser_finds(cls):
    rng = np.random.default_rng(0)
    for penalty in (example.bind(SMALL) for example in cls.examples(SMALL)):
        for step in (0.2, 2.0):
            W = 2.0 * rng.standard_normal(SMALL)
            objective = proximal_objective(penalty, W, step)
            starts = [W] if penalty.convex else [np.where(keep, W, 0.1 * W) for keep in np.ndindex((2,) * SMALL)]
            found = []
            for start in starts:
                for scale in (1.0, 0.3, 0.1, 0.03, 0.01, 1e-3):  # a simplex that has collapsed on a kink starts again
                    simplex = start + scale * np.vstack([np.zeros(SMALL), np.eye(SMALL)])
                    options = {"xatol": 1e-8, "fatol": 1e-13, "maxiter": 2000, "initial_simplex": simplex}
                    start = minimize(objective, start, method="Nelder-Mead", options=options).x
                found.append(start)
            np.testing.assert_allclose(penalty.prox(W, step), min(found, key=objective), atol=1e-5)


@given(data=st.data(), step=st.floats(0, 10))
def test_prox_is_firmly_nonexpansive(penalty, draw_coef, data, step):
    W, V = draw_coef(data), draw_coef(data)
    moved = penalty.prox(W, step) - penalty.prox(V, step)
    bound = frobenius(moved, W - V) + 1e-13 * (1.0 + frobenius(W - V, W - V))
    assert frobenius(moved, moved) <= bound or not penalty.convex
    np.testing.assert_array_equal(penalty.prox(W, 0.0), W)


@given(data=st.data())
def test_prox_takes_a_step_per_block(penalty, draw_coef, data):
    W = draw_coef(data)
    labels = penalty.blocks(W)
    steps = np.array([0.3, 0.0, 2.0, 0.7])[labels % 4]
    together = penalty.prox(W, steps)
    for step in np.unique(steps):
        np.testing.assert_allclose(together[steps == step], penalty.prox(W, step)[steps == step], rtol=1e-14)


# Derivative ----------------------------------------------------------------------------------------------------------


@given(data=st.data(), step=st.sampled_from([0.0, 0.05, 0.3, 1.5, 20.0]))
def test_prox_derivative_is_the_limit_of_difference_quotients(penalty, draw_coef, data, step):
    if not penalty.has("prox_derivative"):
        return
    W, D = draw_coef(data), np.cos(7.0 * draw_coef(data))
    forward = (penalty.prox(W + H * D, step) - penalty.prox(W, step)) / H
    backward = (penalty.prox(W, step) - penalty.prox(W - H * D, step)) / H
    product = (jacobian_of(penalty.prox_derivative(W, step)) @ D.ravel()).reshape(W.shape)
    if np.allclose(forward, backward, rtol=1e-3, atol=1e-3):  # elsewhere there is a kink
        np.testing.assert_allclose(product, 0.5 * (forward + backward), rtol=1e-5, atol=1e-5)


@given(data=st.data(), step=st.floats(0.01, 10))
def test_prox_derivative_is_a_symmetric_contraction(penalty, draw_coef, data, step):
    if not penalty.has("prox_derivative"):
        return
    W = draw_coef(data)
    d, U = penalty.prox_derivative(W, step)
    assert d.shape == W.shape
    assert U is None or U.shape[0] == W.size
    assert np.all(d >= 0.0)
    assert not penalty.convex or np.linalg.eigvalsh(jacobian_of((d, U))).max() <= 1.0 + 1e-12


@given(data=st.data())
def test_most_proxes_are_differentiable_where_coefficients_are_in_general_position(penalty, shape, data):
    seed = data.draw(st.integers(0, 999))
    W = np.random.default_rng(seed).normal(scale=2.0, size=shape)
    for step in (0.1, 1.0):
        if penalty.has("prox_derivative"):
            units = H * np.eye(W.size).reshape(-1, *shape)
            each = [(penalty.prox(W + e, step) - penalty.prox(W - e, step)).ravel() / (2 * H) for e in units]
            np.testing.assert_allclose(jacobian_of(penalty.prox_derivative(W, step)), each, atol=1e-5)


# Other ways to the same ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("p", [1, 2, 3, 10, 40])
def test_fused_prox_is_the_solution_of_its_dual_quadratic_program(l1_ratio, p):
    rng = np.random.default_rng(p)
    D = np.diff(np.eye(p), axis=0)
    for step in (0.05, 0.5, 3.0):
        W = np.cumsum(rng.normal(size=p)) + rng.integers(0, 2, p)
        limits = step * np.concatenate([np.full(p - 1, 1.0 - l1_ratio), np.full(p, l1_ratio)])
        generators = np.vstack([D, np.eye(p)]).T[:, limits > 0]
        limits = limits[limits > 0]
        if not len(limits):
            continue
        dual = lsq_linear(generators, W, (-limits, limits), method="bvls", tol=1e-14, max_iter=1000).x
        np.testing.assert_allclose(Fused(l1_ratio).bind(p).prox(W, step), W - generators @ dual, atol=1e-9)


def test_fused_prox_of_a_long_signal_meets_the_optimality_conditions():
    rng = np.random.default_rng(0)
    W = np.repeat(rng.normal(size=40), 250) + 1e6 + 0.5 * rng.normal(size=10_000)
    for step in (0.3, 10.0, 1e4):
        P = Fused().bind(len(W)).prox(W, step)
        dual = np.cumsum(P - W)[:-1]
        jumps = np.diff(P)
        assert np.abs(dual).max() <= step * (1 + 1e-6)
        np.testing.assert_allclose(dual[jumps != 0], step * np.sign(jumps[jumps != 0]), rtol=1e-6)
        assert np.cumsum(P - W)[-1] == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("penalty", [SLOPE(), SLOPE(fdr=0.9), SLOPE(weights=[3.0, 2.0, 2.0, 0.5, 0.0, 0.0]), LInf()])
def test_sorted_prox_leaves_a_subgradient(penalty):
    rng, penalty = np.random.default_rng(0), penalty.bind(6)
    omega = np.eye(6)[0] if not hasattr(penalty, "weights") else penalty._omega(np.zeros(6))
    for step in (0.05, 0.3, 1.0, 5.0):
        for ties in (10.0, 1.0):
            W = np.round(2.0 * ties * rng.normal(size=6)) / ties
            P = penalty.prox(W, step)
            V = (W - P) / step
            assert pytest.approx(penalty.value(P), rel=1e-12, abs=1e-13) == V @ P
            sets = [list(c) for r in range(1, 7) for c in combinations(range(6), r)]
            assert all(np.abs(V[c]).sum() <= omega[: len(c)].sum() * (1 + 1e-12) for c in sets)


@pytest.mark.parametrize("penalty", [MCP(), MCP(knot=0.3), SCAD(), SCAD(knot=0.3, a=2.0), SCAD(knot=5.0)], ids=repr)
@pytest.mark.parametrize("step", [0.05, 0.25, 0.299, 0.31, 0.74, 0.99, 1.01, 3.0])
def test_folded_concave_prox_is_the_least_on_a_grid(penalty, step):
    sizes = np.linspace(0.0, 8.0, 8001)
    values = np.array([penalty.value(np.array([size])) for size in sizes])
    for w in np.concatenate([np.linspace(-4.0, 4.0, 83), [0.3, 1.0, 5.0, -5.1, 7.0]]):
        objective = values + 0.5 * (sizes - abs(w)) ** 2 / step
        P = penalty.prox(np.array([w]), step)
        own = penalty.value(P) + 0.5 * (P[0] - w) ** 2 / step
        assert P[0] * w >= 0
        assert own <= objective.min() + 1e-14
        near = sizes[objective <= objective.min() + 1e-6]
        assert np.abs(near - abs(P[0])).min() <= 0.002
