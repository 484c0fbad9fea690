"""Laws of every penalty's dual side: conjugate, critical alpha, KKT distance; and numbers very large and very small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import brentq

from sklearn_erm.penalties import (
    L1,
    L2,
    MCP,
    SLOPE,
    ElasticNet,
    Fused,
    GroupLasso,
    L2Norm,
    LInf,
    MultiTaskLasso,
    Nuclear,
    Penalty,
    SparseGroupLasso,
    Tikhonov,
)

from .penalty_answers import frobenius


@pytest.fixture(scope="session")
def dual(penalty):
    """Every penalty that has a conjugate."""
    if not penalty.has("conjugate"):
        pytest.skip("no conjugate")
    return penalty


@pytest.fixture(scope="session")
def critical(penalty):
    """Every penalty that has a critical alpha."""
    if not penalty.has("critical_alpha"):
        pytest.skip("no critical alpha")
    return penalty


@given(data=st.data())
def test_fenchel_young_inequality(dual, draw_coef, data):
    W, V = draw_coef(data), draw_coef(data)
    for scale in (0.1, 1.0):
        both = dual.value(W) + dual.conjugate(scale * V)
        assert both >= frobenius(W, scale * V) - 1e-13 * (1.0 + dual.value(W) + abs(frobenius(W, V)))
    assert dual.conjugate(0.0 * W) == 0.0
    assert dual.convex


@given(data=st.data(), step=st.floats(0.1, 10))
def test_fenchel_young_equality_at_the_prox(dual, draw_coef, data, step):
    W = draw_coef(data)
    P = dual.prox(W, step)
    V = (1 - 1e-12) * (W - P) / step  # the domain of the conjugate is closed: rounding is not to lead out of it
    V[np.abs(V) < 1e-11] = 0.0
    size = 1.0 + dual.value(P) + frobenius(V, V)
    assert dual.value(P) + dual.conjugate(V) == pytest.approx(frobenius(P, V), rel=1e-10, abs=1e-10 * size)


@given(data=st.data())
def test_fenchel_young_equality_at_the_gradient(dual, draw_coef, data):
    if dual.smooth:
        W = draw_coef(data)
        V = dual.gradient(W)
        assert dual.value(W) + dual.conjugate(V) == pytest.approx(frobenius(W, V), rel=1e-9, abs=1e-12)


@given(data=st.data())
def test_conjugate_is_finite_everywhere_or_an_indicator(dual, draw_coef, data):
    V = draw_coef(data)
    if not dual.homogeneous:
        assert dual.conjugate(V) < np.inf or not dual.coercive
        return
    edge = dual.critical_alpha(-V)
    assert dual.conjugate(V) in (0.0, np.inf)
    assert (dual.conjugate(V) == 0.0) == (edge <= 1.0)
    if 0 < edge < np.inf:
        assert dual.conjugate(V / edge * (1 - 1e-9)) == 0.0
        assert dual.conjugate(V / edge * (1 + 1e-9)) == np.inf


@given(data=st.data())
def test_critical_alpha_is_the_smallest_for_which_zero_is_optimal(critical, draw_coef, data):
    G = draw_coef(data)
    zero, alpha = 0.0 * G, critical.critical_alpha(G)
    assert critical.critical_alpha(zero) == 0.0
    if np.isfinite(alpha):
        np.testing.assert_allclose(critical.kkt(zero, G, alpha * (1 + 1e-9)), zero, atol=1e-14)
        if critical.has("conjugate"):
            assert critical.conjugate(-G / (alpha * (1 + 1e-9))) < np.inf if alpha > 0 else not G.any()
    below = alpha * (1 - 1e-6) if np.isfinite(alpha) else 1e6
    assert np.any(critical.kkt(zero, G, below) > 1e-14) == (alpha > 0)


@given(data=st.data())
def test_from_critical_alpha_on_a_proximal_step_stays_at_zero(critical, draw_coef, data):
    G = draw_coef(data)
    alpha = critical.critical_alpha(G)
    if critical.convex and 0 < alpha < np.inf:
        np.testing.assert_allclose(critical.prox(-G, alpha * (1 + 1e-9)), 0.0, atol=1e-14)
        assert np.abs(critical.prox(-G, alpha * (1 - 1e-6))).max() > 1e-8
        assert np.abs(critical.prox(-G, 0.5 * alpha)).max() > 0.01


@given(data=st.data())
def test_zero_is_optimal_from_critical_alpha_on(critical, draw_coef, data):
    G, W = draw_coef(data), draw_coef(data)
    alpha = critical.critical_alpha(G)
    if np.isfinite(alpha) and critical.convex:
        bound = frobenius(G, W) + alpha * (critical.value(W) - critical.value(0.0 * W))
        assert bound >= -1e-13 * (1.0 + abs(frobenius(G, W)))


@given(data=st.data(), alpha=st.sampled_from([0.0, 0.03, 0.5, 2.0, 9.0]))
def test_kkt_is_the_distance_to_the_subdifferential(penalty, draw_coef, data, alpha):
    if not penalty.has("prox"):
        return
    W, G = draw_coef(data), draw_coef(data)
    step = 1e-8  # of a proximal gradient step, whose length per step tends to the distance
    moved = (W - penalty.prox(W - step * G, step * alpha)) / step
    labels = penalty.blocks(W)
    distance = np.array([np.linalg.norm(moved[labels == label]) for label in labels.ravel()]).reshape(W.shape)
    kkt = penalty.kkt(W, G, alpha)
    if penalty.smooth or type(penalty).kkt is not Penalty.kkt:
        np.testing.assert_allclose(kkt, distance, rtol=1e-6, atol=1e-6)
    else:  # a bound from below, by a proximal gradient step of length 1
        assert np.all(kkt <= distance * (1 + 1e-6) + 1e-6)
        step = np.linalg.norm(W - penalty.prox(W - G, alpha))
        np.testing.assert_allclose(kkt, step, rtol=1e-12)


@given(data=st.data(), factor=st.floats(0.01, 100))
def test_kkt_and_critical_alpha_scale_with_the_objective(penalty, draw_coef, data, factor):
    W, G = draw_coef(data), draw_coef(data)
    if penalty.smooth or (penalty.has("prox") and type(penalty).kkt is not Penalty.kkt):
        scaled = penalty.kkt(W, factor * G, factor * 0.4)
        np.testing.assert_allclose(scaled, factor * penalty.kkt(W, G, 0.4), rtol=1e-11, atol=1e-13 * factor)
    if penalty.has("critical_alpha"):
        assert penalty.critical_alpha(factor * G) == pytest.approx(factor * penalty.critical_alpha(G), rel=1e-13)


# Other ways to the same ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("l1_ratio", [0.05, 0.5, 0.95])
@pytest.mark.parametrize("scale", [1.0, 1e150, 1e-150])
def test_critical_alpha_of_the_sparse_group_lasso_by_bisection(l1_ratio, scale):
    rng = np.random.default_rng(0)
    groups, weights = np.repeat(np.arange(8), [1, 2, 3, 4, 5, 20, 3, 3]), np.array([1.0, 0.1, 0.0, 3.0, 1, 1, 2, 1e-6])
    G = np.round(4.0 * rng.normal(size=len(groups))) + 0.25 * rng.normal(size=len(groups)) * (groups > 3)
    roots = []
    for g, omega in enumerate(weights):
        own = np.abs(G[groups == g])

        def excess(a, own=own, omega=omega):
            return np.linalg.norm(np.maximum(own - a * l1_ratio, 0.0)) - a * (1 - l1_ratio) * omega

        above = own.max() / l1_ratio * (1 + 1e-12)
        roots.append(brentq(excess, 0.0, above, xtol=1e-13) if omega else own.max() / l1_ratio)
    penalty = SparseGroupLasso(groups, l1_ratio, weights).bind(len(groups))
    assert penalty.critical_alpha(scale * G) == pytest.approx(scale * max(roots), rel=1e-10)
    for g, root in enumerate(roots):
        assert penalty.critical_alpha(np.where(groups == g, G, 0.0)) == pytest.approx(root, rel=1e-10)


@pytest.mark.parametrize("p", [1, 2, 7, 30])
def test_critical_alpha_of_fused_is_the_largest_over_all_intervals(p):
    rng = np.random.default_rng(p)
    for l1_ratio in (0.01, 0.3, 0.99, 1.0):
        G = rng.normal(size=p)
        indicators = [(np.arange(p) >= i) & (np.arange(p) < j) for i in range(p) for j in range(i + 1, p + 1)]
        penalty = Fused(l1_ratio).bind(p)
        each = [abs(G @ unit) / penalty.value(1.0 * unit) for unit in indicators]
        assert penalty.critical_alpha(G) == pytest.approx(max(each), rel=1e-13)
    centred = G - G.mean()
    wanted = np.abs(np.cumsum(centred)[:-1]).max(initial=0.0)
    assert Fused().bind(p).critical_alpha(centred) == pytest.approx(wanted, rel=1e-12, abs=1e-14)
    assert Fused().bind(p).critical_alpha(centred + 1e-3) == np.inf


# Numbers by hand -----------------------------------------------------------------------------------------------------

G = np.array([3.0, -4.0, 0.0])
BY_HAND = [
    (L1(), 4.0, [2.0, 3.0, 0.0]),
    (L1(weights=[1.0, 2.0, 3.0]), 3.0, [2.0, 2.0, 0.0]),
    (L1(weights=[1.0, 0.0, 3.0]), np.inf, [2.0, 4.0, 0.0]),
    (L1(weights=[1.0, 4.0, 0.0]), 3.0, [2.0, 0.0, 0.0]),
    (L2(), np.inf, [3.0, 4.0, 0.0]),
    (L2Norm(), 5.0, [4.0, 4.0, 4.0]),
    (L2(weights=[0.0, 2.0, 0.0]), np.inf, [3.0, 4.0, 0.0]),
    (MCP(), 4.0, [2.0, 3.0, 0.0]),
    (MultiTaskLasso(weights=[1.0, 2.0, 3.0]), 3.0, [2.0, 2.0, 0.0]),
    (LInf(), 7.0, [np.sqrt(18.0)] * 3),
    (SLOPE(weights=[2.0, 1.0, 0.5]), 7.0 / 3.0, [np.sqrt(8.0)] * 3),
    (Nuclear(), 5.0, [4.0, 4.0, 4.0]),
    (Fused(), np.inf, None),
    (Fused(l1_ratio=0.5), 3.0, None),
    (Tikhonov(mean=[3.0, -4.0, 0.0]), 1.0, [0.0, 0.0, 0.0]),
    (Tikhonov(mean=[-3.0, 4.0, 0.0]), np.inf, [10.0] * 3),
    (SparseGroupLasso([0, 0, 1], l1_ratio=0.5, weights=[0.0, 1.0]), 8.0, [np.sqrt(6.25 + 12.25)] * 2 + [0.0]),
    (3.0 * L1(), 4.0 / 3.0, [0.0, 1.0, 0.0]),
    (ElasticNet(l1_ratio=0.5, weights=[1.0, 4.0, 1.0]), 6.0, [2.5, 2.0, 0.0]),
    (ElasticNet(l1_ratio=0.5), 8.0, [2.5, 3.5, 0.0]),
    (GroupLasso([0, 0, 1], weights=[2.0, 1.0]), 2.5, [3.0, 3.0, 0.0]),
]


@pytest.mark.parametrize("penalty, alpha, kkt", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_critical_alpha_and_kkt_at_zero_by_hand(penalty, alpha, kkt):
    assert penalty.bind(3).critical_alpha(G) == pytest.approx(alpha, rel=1e-15)
    if kkt is not None:
        np.testing.assert_allclose(penalty.bind(3).kkt(np.zeros(3), G, 1.0), kkt, rtol=1e-14)


def test_conjugates_by_hand():
    V = np.array([0.6, -0.8, 0.3])
    assert ElasticNet(l1_ratio=0.5).bind(3).conjugate(V) == pytest.approx(0.5 * (0.01 + 0.09) / 0.5, rel=1e-14)
    assert L2().conjugate(V) == pytest.approx(0.5 * 1.09, rel=1e-15)
    assert L2Norm().conjugate(np.array([0.6, 0.79])) == 0.0
    assert L2Norm().conjugate(np.array([0.6, 0.81])) == np.inf
    assert L2(weights=[1.0, 2.0, 0.1]).bind(3).conjugate(V) == pytest.approx(0.18 + 0.16 + 0.45, rel=1e-14)
    assert L2(weights=[1.0, 2.0, 0.0]).bind(3).conjugate(V) == np.inf
    assert ElasticNet(l1_ratio=0.5, weights=[2.0, 0.8, 0.0]).bind(3).conjugate(V) == np.inf
    assert Tikhonov(mean=1.0).bind(3).conjugate(V) == pytest.approx(0.1 + 0.545, rel=1e-14)
    assert Tikhonov(np.diag([1.0, 2.0, 0.0])).bind(3).conjugate(V) == np.inf
    assert Tikhonov(np.diag([1.0, 2.0, 0.0])).bind(3).conjugate(V * [1.0, 1.0, 0.0]) == pytest.approx(0.34, rel=1e-13)
    assert L1(weights=[1.0, 0.8, 0.3]).bind(3).conjugate(V) == 0.0
    assert L1(weights=[1.0, 0.8, 0.2]).bind(3).conjugate(V) == np.inf
    assert GroupLasso([0, 0, 1], weights=[1.01, 0.3]).bind(3).conjugate(V) == 0.0
    assert GroupLasso([0, 0, 1], weights=[1.01, 0.29]).bind(3).conjugate(V) == np.inf


# Scale ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-200, 1e-160, 1e160, 1e200])
def test_norms_neither_overflow_nor_vanish(penalty, scale, shape):
    if not (penalty.homogeneous and penalty.has("prox")):
        return
    W = np.resize([3.0, -4.0, 0.0, 1.0, 2.5], shape)
    assert penalty.value(scale * W) == pytest.approx(scale * penalty.value(W), rel=1e-14, abs=0.0)
    assert penalty.critical_alpha(scale * W) == pytest.approx(scale * penalty.critical_alpha(W), rel=1e-13, abs=0.0)
    np.testing.assert_array_equal(penalty.support(scale * W), penalty.support(W))
    moved = penalty.prox(scale * W, 0.3 * scale) / scale
    np.testing.assert_allclose(moved, penalty.prox(W, 0.3), rtol=1e-13, atol=1e-14)
    kkt = penalty.kkt(scale * W, scale * W, 2.0 * scale) / scale
    np.testing.assert_allclose(kkt, penalty.kkt(W, W, 2.0), rtol=1e-13, atol=1e-14)
    assert penalty.conjugate(1e200 * W) == np.inf
    if penalty.has("gradient"):
        np.testing.assert_allclose(penalty.gradient(scale * W), penalty.gradient(W), rtol=1e-14)
        bends = [[part for part in penalty.curvature(Z) if part is not None] for Z in (scale * W, W)]
        for part, wanted, power in zip(*bends, (1.0, 0.5), strict=False):
            np.testing.assert_allclose(part * scale**power, wanted, rtol=1e-13)


def test_a_group_of_small_numbers_beside_a_large_one_keeps_its_norm():
    penalty = GroupLasso([0, 0, 1], weights=[1.0, 1.0]).bind(3)
    W = np.array([3e-200, 4e-200, 1.0])
    np.testing.assert_allclose(penalty.gradient(W), [0.6, 0.8, 1.0], rtol=1e-14)
    np.testing.assert_allclose(penalty.prox(W, np.array([1e-200, 1e-200, 0.5])), [2.4e-200, 3.2e-200, 0.5], rtol=1e-14)
    assert penalty.support(W).all()
