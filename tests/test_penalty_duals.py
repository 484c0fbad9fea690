"""Laws of every penalty's dual side: conjugate, critical alpha, KKT distance; and numbers very large and very small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso, L2Norm


def frobenius(A, B):
    """Return the inner product of two arrays of one shape."""
    return float(np.vdot(A, B))


@given(data=st.data())
def test_fenchel_young_inequality(penalty, draw_coef, data):
    W, V = draw_coef(data), draw_coef(data)
    for scale in (0.1, 1.0):
        both = penalty.value(W) + penalty.conjugate(scale * V)
        assert both >= frobenius(W, scale * V) - 1e-13 * (1.0 + penalty.value(W) + abs(frobenius(W, V)))
    assert penalty.conjugate(0.0 * W) == 0.0


@given(data=st.data(), step=st.floats(0.1, 10))
def test_fenchel_young_equality_at_the_prox(penalty, draw_coef, data, step):
    W = draw_coef(data)
    P = penalty.prox(W, step)
    V = (1 - 1e-12) * (W - P) / step  # the domain of the conjugate is closed: rounding is not to lead out of it
    V[np.abs(V) < 1e-11] = 0.0
    size = 1.0 + penalty.value(P) + frobenius(V, V)
    assert penalty.value(P) + penalty.conjugate(V) == pytest.approx(frobenius(P, V), rel=1e-10, abs=1e-10 * size)


@given(data=st.data())
def test_conjugate_of_a_homogeneous_penalty_is_an_indicator(penalty, draw_coef, data):
    V = draw_coef(data)
    if not penalty.homogeneous:
        assert penalty.conjugate(V) < np.inf
        assert (penalty.conjugate(V) > 0) == (np.abs(V).max() > getattr(penalty, "l1_ratio", 0.0))
        return
    edge = penalty.critical_alpha(-V)
    assert penalty.conjugate(V) in (0.0, np.inf)
    assert (penalty.conjugate(V) == 0.0) == (edge <= 1.0)
    if 0 < edge < np.inf:
        assert penalty.conjugate(V / edge * (1 - 1e-9)) == 0.0
        assert penalty.conjugate(V / edge * (1 + 1e-9)) == np.inf


@given(data=st.data())
def test_critical_alpha_is_the_smallest_for_which_zero_is_optimal(penalty, draw_coef, data):
    G = draw_coef(data)
    zero, alpha = 0.0 * G, penalty.critical_alpha(G)
    assert penalty.critical_alpha(zero) == 0.0
    if np.isfinite(alpha):
        np.testing.assert_array_equal(penalty.kkt(zero, G, alpha * (1 + 1e-9)), zero)
        assert penalty.conjugate(-G / (alpha * (1 + 1e-9))) < np.inf if alpha > 0 else not G.any()
    below = alpha * (1 - 1e-6) if np.isfinite(alpha) else 1e6
    assert np.any(penalty.kkt(zero, G, below) > 0) == (alpha > 0)


@given(data=st.data())
def test_zero_is_optimal_from_critical_alpha_on(penalty, draw_coef, data):
    G, W = draw_coef(data), draw_coef(data)
    alpha = penalty.critical_alpha(G)
    if np.isfinite(alpha):
        assert frobenius(G, W) + alpha * penalty.value(W) >= -1e-13 * (1.0 + abs(frobenius(G, W)))


@given(data=st.data(), alpha=st.sampled_from([0.0, 0.03, 0.5, 2.0, 9.0]))
def test_kkt_is_the_distance_to_the_subdifferential(penalty, draw_coef, data, alpha):
    W, G = draw_coef(data), draw_coef(data)
    step = 1e-8  # of a proximal gradient step, whose length per step tends to the distance
    moved = (W - penalty.prox(W - step * G, step * alpha)) / step
    labels = penalty.blocks(W)
    distance = np.array([np.linalg.norm(moved[labels == label]) for label in labels.ravel()]).reshape(W.shape)
    np.testing.assert_allclose(penalty.kkt(W, G, alpha), distance, rtol=1e-6, atol=1e-6)


@given(data=st.data(), factor=st.floats(0.01, 100))
def test_kkt_and_critical_alpha_scale_with_the_objective(penalty, draw_coef, data, factor):
    W, G = draw_coef(data), draw_coef(data)
    scaled = penalty.kkt(W, factor * G, factor * 0.4)
    np.testing.assert_allclose(scaled, factor * penalty.kkt(W, G, 0.4), rtol=1e-11, atol=1e-13 * factor)
    assert penalty.critical_alpha(factor * G) == pytest.approx(factor * penalty.critical_alpha(G), rel=1e-13)


# Numbers by hand -----------------------------------------------------------------------------------------------------

G = np.array([3.0, -4.0, 0.0])
BY_HAND = [
    (L1(), 4.0, [2.0, 3.0, 0.0]),
    (L1(weights=[1.0, 2.0, 3.0]), 3.0, [2.0, 2.0, 0.0]),
    (L1(weights=[1.0, 0.0, 3.0]), np.inf, [2.0, 4.0, 0.0]),
    (L1(weights=[1.0, 4.0, 0.0]), 3.0, [2.0, 0.0, 0.0]),
    (L2(), np.inf, [3.0, 4.0, 0.0]),
    (L2Norm(), 5.0, [4.0, 4.0, 4.0]),
    (ElasticNet(l1_ratio=0.5), 8.0, [2.5, 3.5, 0.0]),
    (GroupLasso([0, 0, 1], weights=[2.0, 1.0]), 2.5, [3.0, 3.0, 0.0]),
]


@pytest.mark.parametrize("penalty, alpha, kkt", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_critical_alpha_and_kkt_at_zero_by_hand(penalty, alpha, kkt):
    assert penalty.bind(3).critical_alpha(G) == pytest.approx(alpha, rel=1e-15)
    np.testing.assert_allclose(penalty.bind(3).kkt(np.zeros(3), G, 1.0), kkt, rtol=1e-15)


def test_conjugates_by_hand():
    V = np.array([0.6, -0.8, 0.3])
    assert ElasticNet(l1_ratio=0.5).bind(3).conjugate(V) == pytest.approx(0.5 * (0.01 + 0.09) / 0.5, rel=1e-14)
    assert L2().conjugate(V) == pytest.approx(0.5 * 1.09, rel=1e-15)
    assert L2Norm().conjugate(np.array([0.6, 0.79])) == 0.0
    assert L2Norm().conjugate(np.array([0.6, 0.81])) == np.inf
    assert L1(weights=[1.0, 0.8, 0.3]).bind(3).conjugate(V) == 0.0
    assert L1(weights=[1.0, 0.8, 0.2]).bind(3).conjugate(V) == np.inf
    assert GroupLasso([0, 0, 1], weights=[1.01, 0.3]).bind(3).conjugate(V) == 0.0
    assert GroupLasso([0, 0, 1], weights=[1.01, 0.29]).bind(3).conjugate(V) == np.inf


# Scale ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e200])
def test_norms_neither_overflow_nor_vanish(scale, shape):
    W = np.resize([3.0, -4.0, 0.0, 1.0, 2.5], shape)
    for example in (L2Norm(), L1(), *GroupLasso.examples(shape[0])):
        penalty = example.bind(shape[0])
        assert penalty.value(scale * W) == pytest.approx(scale * penalty.value(W), rel=1e-14, abs=0.0)
        assert penalty.critical_alpha(scale * W) == pytest.approx(scale * penalty.critical_alpha(W), rel=1e-14, abs=0.0)
        np.testing.assert_allclose(penalty.gradient(scale * W), penalty.gradient(W), rtol=1e-14)
        np.testing.assert_array_equal(penalty.support(scale * W), penalty.support(W))
        np.testing.assert_allclose(penalty.prox(scale * W, 0.3 * scale) / scale, penalty.prox(W, 0.3), rtol=1e-13)
        kkt = penalty.kkt(scale * W, scale * W, 2.0 * scale) / scale
        np.testing.assert_allclose(kkt, penalty.kkt(W, W, 2.0), rtol=1e-13, atol=1e-14)
        assert penalty.conjugate(1e200 * W) == np.inf
        bends = [[part for part in penalty.curvature(Z) if part is not None] for Z in (scale * W, W)]
        for part, wanted, power in zip(*bends, (1.0, 0.5), strict=False):
            np.testing.assert_allclose(part * scale**power, wanted, rtol=1e-13)


def test_a_group_of_small_numbers_beside_a_large_one_keeps_its_norm():
    penalty = GroupLasso([0, 0, 1], weights=[1.0, 1.0]).bind(3)
    W = np.array([3e-200, 4e-200, 1.0])
    np.testing.assert_allclose(penalty.gradient(W), [0.6, 0.8, 1.0], rtol=1e-14)
    np.testing.assert_allclose(penalty.prox(W, np.array([1e-200, 1e-200, 0.5])), [2.4e-200, 3.2e-200, 0.5], rtol=1e-14)
    assert penalty.support(W).all()
