"""Laws of every penalty: value and flags, derivatives, blocks, restriction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from .penalty_answers import frobenius, matrix_of

H = 1e-5  # of a difference quotient


@given(data=st.data(), share=st.floats(0, 1))
def test_value_is_convex_if_it_says_so(penalty, draw_coef, data, share):
    W, V = draw_coef(data), draw_coef(data)
    chord = (1 - share) * penalty.value(W) + share * penalty.value(V)
    assert not penalty.convex or penalty.value((1 - share) * W + share * V) <= chord + 1e-13 * (1.0 + chord)
    ones = np.ones(W.shape)
    middle, sides = penalty.value(500.0 * ones), penalty.value(0.0 * ones) + penalty.value(1000.0 * ones)
    assert penalty.convex == (middle <= (0.5 + 1e-13) * sides)


@given(data=st.data())
def test_value_is_least_at_zero_or_at_the_mean(penalty, draw_coef, data):
    W = draw_coef(data)
    mean = np.broadcast_to(getattr(penalty, "mean", 0.0), len(W))
    centre = (mean + np.zeros(W.shape[::-1])).T
    assert penalty.value(centre) == 0.0 <= penalty.value(W)
    assert penalty.value(centre + W) == pytest.approx(penalty.value(centre - W), rel=1e-13)


@given(data=st.data(), factor=st.floats(0.01, 100))
def test_value_scales_with_the_coefficients_if_homogeneous(penalty, draw_coef, data, factor):
    W = draw_coef(data)
    proportional = penalty.value(factor * W) == pytest.approx(factor * penalty.value(W), rel=1e-13, abs=1e-300)
    assert proportional or not penalty.homogeneous
    bent = np.cos(1.0 + np.arange(W.size)).reshape(W.shape)
    assert penalty.homogeneous == (penalty.value(3.0 * bent) == pytest.approx(3.0 * penalty.value(bent), rel=1e-13))


def test_value_grows_in_every_direction_if_coercive(penalty, shape):
    units = np.eye(np.prod(shape)).reshape(-1, *shape)
    grows = all(penalty.value(1e6 * unit) > 1e4 for unit in [*units, np.ones(shape)])
    assert penalty.coercive == grows
    base = 0.01 * np.cos(np.arange(len(units))).reshape(shape)
    free = penalty.unpenalised(base)
    for unit, inside in zip(units, free.ravel(), strict=True):
        assert inside == (penalty.value(base + 7.0 * unit) == pytest.approx(penalty.value(base), rel=1e-13, abs=1e-13))
    assert not (penalty.coercive and free.any())


@given(data=st.data())
def test_value_is_unchanged_by_a_rotation_if_invariant(penalty, draw_coef, data):
    W = draw_coef(data)
    Q = np.linalg.qr(np.sin(np.arange(len(W) ** 2).reshape(len(W), -1) ** 2))[0]
    same = penalty.value(Q @ W) == pytest.approx(penalty.value(W), rel=1e-13)
    assert same or not penalty.rotation_invariant


def test_outputs_add_up_unless_coupled(penalty):
    W = np.cos(1.0 + np.arange(12.0)).reshape(6, 2)
    apart = penalty.value(W[:, 0]) + penalty.value(W[:, 1])
    assert penalty.couples_outputs == (penalty.value(W) != pytest.approx(apart, rel=1e-13))
    assert penalty.value(W[:, :1]) == pytest.approx(penalty.value(W[:, 0]), rel=1e-13)


# Derivatives ---------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_gradient_is_a_subgradient(penalty, draw_coef, data):
    if not (penalty.convex and penalty.has("gradient")):
        return
    W, V = draw_coef(data), draw_coef(data)
    G = penalty.gradient(W)
    assert G.shape == W.shape
    bound = penalty.value(W) + frobenius(G, V - W)
    assert penalty.value(V) >= bound - 1e-13 * (1.0 + penalty.value(V) + penalty.value(W))


@given(data=st.data())
def test_gradient_on_the_support_is_the_limit_of_difference_quotients(penalty, draw_coef, data):
    if not penalty.has("gradient"):
        return
    W = draw_coef(data)
    D = np.where(penalty.support(W), draw_coef(data), 0.0)
    quotient = (penalty.value(W + H * D) - penalty.value(W - H * D)) / (2 * H)
    assert quotient == pytest.approx(frobenius(penalty.gradient(W), D), rel=1e-6, abs=1e-6)


@given(data=st.data())
def test_curvature_on_the_support_is_the_limit_of_difference_quotients(penalty, draw_coef, data):
    if not penalty.has("curvature"):
        return
    W = draw_coef(data)
    support = penalty.support(W)
    D = np.where(support, draw_coef(data), 0.0)
    quotient = (penalty.gradient(W + H * D) - penalty.gradient(W - H * D)) / (2 * H)
    curvature = penalty.curvature(W)
    assert curvature.diagonal.shape == W.shape
    product = (matrix_of(curvature) @ D.ravel()).reshape(W.shape)
    np.testing.assert_allclose(product[support], quotient[support], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(matrix_of(curvature.scaled(0.3)), 0.3 * matrix_of(curvature), rtol=1e-14, atol=1e-15)
    twice = matrix_of(curvature.plus(penalty.curvature(2.0 * W)))
    np.testing.assert_allclose(twice, matrix_of(curvature) + matrix_of(penalty.curvature(2.0 * W)), atol=1e-14)


@given(data=st.data())
def test_support_is_where_there_is_no_kink(penalty, draw_coef, data):
    W = draw_coef(data)
    support, step = penalty.support(W), 1e-7
    assert support.shape == W.shape
    assert support.dtype == bool
    assert support.all() or not penalty.smooth
    for j, inside in enumerate(support.ravel()):
        unit = step * np.eye(W.size)[j].reshape(W.shape)
        bend = penalty.value(W + unit) + penalty.value(W - unit) - 2.0 * penalty.value(W)
        assert (bend <= 1e-3 * step) == inside or (bend <= 1e-3 * step and not penalty.has("gradient"))
    assert penalty.smooth == penalty.support(0.0 * W).all()
    assert penalty.has("gradient") or not (penalty.smooth or penalty.blockwise)


# Blocks --------------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_value_is_a_sum_over_blocks(penalty, draw_coef, data):
    W = draw_coef(data)
    labels = penalty.blocks(W)
    assert labels.shape == W.shape
    assert labels.dtype.kind == "i"
    apart = [np.where(labels == label, W, 0.0) for label in np.unique(labels)]
    assert penalty.value(W) == pytest.approx(sum(penalty.value(V) for V in apart), rel=1e-13)
    assert penalty.separable == (len(apart) > 1)


@given(data=st.data(), step=st.floats(0.01, 10))
def test_a_block_knows_nothing_of_the_others(penalty, draw_coef, data, step):
    W, V = draw_coef(data), draw_coef(data)
    labels = penalty.blocks(W)
    methods = [getattr(penalty, name) for name in ("gradient", "support") if penalty.has(name)]
    methods += [lambda Z: penalty.prox(Z, step)] if penalty.has("prox") else []
    for label in np.unique(labels):
        mixed = np.where(labels == label, W, 1e3 * V)
        for method in methods:
            np.testing.assert_allclose(method(mixed)[labels == label], method(W)[labels == label], rtol=1e-14)
        if penalty.smooth or penalty.has("prox"):
            kkt = [penalty.kkt(Z, np.where(labels == label, V, Z), 0.5)[labels == label] for Z in (mixed, W)]
            np.testing.assert_allclose(*kkt, rtol=1e-12, atol=1e-14)
            assert np.all(kkt[0] == kkt[0][0])


@given(data=st.data())
def test_restriction_is_the_penalty_on_some_features(penalty, draw_coef, data):
    W, V = draw_coef(data), draw_coef(data)
    labels = penalty.blocks(W).reshape(len(W), -1)[:, 0]
    kept = data.draw(st.lists(st.sampled_from(sorted(set(labels.tolist()))), min_size=1, unique=True))
    index = np.flatnonzero(np.isin(labels, kept))[:: data.draw(st.sampled_from([-1, 1]))]
    part, outside = penalty.restrict(index), np.delete(np.arange(len(W)), index)
    alone = W.copy()
    alone[outside] = 0.0
    zeroed = np.where(np.isin(np.arange(len(W)), index), V.T, 0.0).T
    assert part.value(W[index]) == pytest.approx(penalty.value(alone), rel=1e-13)
    for method in filter(penalty.has, ("gradient", "support", "unpenalised")):
        wanted = getattr(penalty, method)(alone)[index]
        np.testing.assert_allclose(getattr(part, method)(W[index]), wanted, rtol=1e-14, atol=1e-14)
    if penalty.has("prox"):
        np.testing.assert_allclose(part.prox(W[index], 0.4), penalty.prox(alone, 0.4)[index], rtol=1e-13, atol=1e-14)
    if penalty.has("prox") or penalty.smooth:
        wanted = penalty.kkt(alone, zeroed, 0.7)[index]
        np.testing.assert_allclose(part.kkt(W[index], V[index], 0.7), wanted, rtol=1e-13, atol=1e-14)
    if penalty.has("critical_alpha"):
        assert part.critical_alpha(V[index]) == pytest.approx(penalty.critical_alpha(zeroed), rel=1e-13)
    assert len(np.unique(part.blocks(W[index]))) == len(np.unique(penalty.blocks(W)[index]))
