"""Laws of every penalty: value, prox, derivatives, blocks, restriction, and what ``bind`` checks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.base import clone

from sklearn_erm.penalties import L1, L2, PENALTIES, ElasticNet, GroupLasso, L2Norm, NoPenalty, Penalty

H = 1e-5  # of a difference quotient
SMALL = 3  # features, for the numerical minimiser


def frobenius(A, B):
    """Return the inner product of two arrays of one shape."""
    return float(np.vdot(A, B))


@given(data=st.data(), share=st.floats(0, 1))
def test_value_is_convex_and_least_at_zero(penalty, draw_coef, data, share):
    W, V = draw_coef(data), draw_coef(data)
    chord = (1 - share) * penalty.value(W) + share * penalty.value(V)
    assert penalty.value((1 - share) * W + share * V) <= chord + 1e-13 * (1.0 + chord)
    assert penalty.value(0.0 * W) == 0.0 <= penalty.value(W)
    assert penalty.value(-W) == penalty.value(W)
    assert penalty.convex


@given(data=st.data(), factor=st.floats(0.01, 100))
def test_value_scales_with_the_coefficients_if_homogeneous(penalty, draw_coef, data, factor):
    W = draw_coef(data)
    proportional = penalty.value(factor * W) == pytest.approx(factor * penalty.value(W), rel=1e-13, abs=1e-300)
    assert proportional or not penalty.homogeneous
    ones = np.ones(W.shape)
    assert penalty.homogeneous == (penalty.value(3.0 * ones) == pytest.approx(3.0 * penalty.value(ones), rel=1e-13))


def test_value_grows_in_every_direction_if_coercive(penalty, shape):
    units = np.eye(np.prod(shape)).reshape(-1, *shape)
    assert penalty.coercive == all(penalty.value(1e6 * unit) > 1e5 for unit in units)


# Prox ----------------------------------------------------------------------------------------------------------------


@given(data=st.data(), step=st.floats(0.01, 10))
def test_no_point_does_better_than_the_prox(penalty, draw_coef, data, step):
    W, V = draw_coef(data), draw_coef(data)
    P = penalty.prox(W, step)

    def objective(Z):
        """Return what the prox minimises."""
        return penalty.value(Z) + 0.5 * frobenius(Z - W, Z - W) / step

    for rival in (V, W, 0.0 * W, P + 1e-2 * V, P - 1e-4 * V):
        excess = objective(rival) - objective(P) - 0.5 * frobenius(rival - P, rival - P) / step
        assert excess >= -1e-13 * (1.0 + objective(rival) + objective(P))


@given(data=st.data(), step=st.floats(0.01, 10))
def test_prox_meets_the_kkt_conditions(penalty, draw_coef, data, step):
    W = draw_coef(data)
    P = penalty.prox(W, step)
    assert np.all(penalty.kkt(P, (P - W) / step, 1.0) <= 1e-13 * (1.0 + np.abs(W).max()) / step)
    np.testing.assert_allclose(penalty.kkt(P, P - W, step), 0.0, atol=1e-13 * (1.0 + np.abs(W).max()))


@pytest.mark.parametrize("cls", PENALTIES.values(), ids=lambda cls: cls.__name__)
def test_prox_is_what_a_numerical_minimiser_finds(cls):
    rng = np.random.default_rng(0)
    for penalty in (example.bind(SMALL) for example in cls.examples(SMALL)):
        for step in (0.2, 2.0):
            W = 2.0 * rng.standard_normal(SMALL)
            found = W
            for _ in range(4):  # a simplex that has collapsed on a kink starts again
                found = minimize(
                    lambda Z, W=W, step=step, penalty=penalty: penalty.value(Z) + 0.5 * np.sum((Z - W) ** 2) / step,
                    found,
                    method="Nelder-Mead",
                    options={"xatol": 1e-8, "fatol": 1e-13, "maxiter": 2000},
                ).x
            np.testing.assert_allclose(penalty.prox(W, step), found, atol=1e-5)


@given(data=st.data(), step=st.floats(0, 10))
def test_prox_is_firmly_nonexpansive(penalty, draw_coef, data, step):
    W, V = draw_coef(data), draw_coef(data)
    moved = penalty.prox(W, step) - penalty.prox(V, step)
    assert frobenius(moved, moved) <= frobenius(moved, W - V) + 1e-13 * (1.0 + frobenius(W - V, W - V))
    np.testing.assert_array_equal(penalty.prox(W, 0.0), W)


@given(data=st.data())
def test_prox_takes_a_step_per_block(penalty, draw_coef, data):
    W = draw_coef(data)
    labels = penalty.blocks(W)
    steps = np.array([0.3, 0.0, 2.0, 0.7])[labels % 4]
    together = penalty.prox(W, steps)
    for step in np.unique(steps):
        np.testing.assert_allclose(together[steps == step], penalty.prox(W, step)[steps == step], rtol=1e-14)


# Derivatives ---------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_gradient_is_a_subgradient(penalty, draw_coef, data):
    W, V = draw_coef(data), draw_coef(data)
    G = penalty.gradient(W)
    assert G.shape == W.shape
    bound = penalty.value(W) + frobenius(G, V - W)
    assert penalty.value(V) >= bound - 1e-13 * (1.0 + penalty.value(V) + penalty.value(W))


@given(data=st.data())
def test_gradient_on_the_support_is_the_limit_of_difference_quotients(penalty, draw_coef, data):
    W = draw_coef(data)
    D = np.where(penalty.support(W), draw_coef(data), 0.0)
    quotient = (penalty.value(W + H * D) - penalty.value(W - H * D)) / (2 * H)
    assert quotient == pytest.approx(frobenius(penalty.gradient(W), D), rel=1e-6, abs=1e-6)


@given(data=st.data())
def test_curvature_on_the_support_is_the_limit_of_difference_quotients(penalty, draw_coef, data):
    W = draw_coef(data)
    support = penalty.support(W)
    D = np.where(support, draw_coef(data), 0.0)
    quotient = (penalty.gradient(W + H * D) - penalty.gradient(W - H * D)) / (2 * H)
    diagonal, U = penalty.curvature(W)
    product = diagonal * D
    assert product.shape == W.shape
    if U is not None:
        assert U.shape[0] == W.size
        product = product - (U @ (U.T @ D.ravel())).reshape(W.shape)
    np.testing.assert_allclose(product[support], quotient[support], rtol=1e-6, atol=1e-6)


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
        assert (bend <= 1e-3 * step) == inside
    assert penalty.smooth == penalty.support(0.0 * W).all()


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
    for label in np.unique(labels):
        mixed = np.where(labels == label, W, 1e3 * V)
        for method in (lambda Z: penalty.prox(Z, step), penalty.gradient, penalty.support):
            np.testing.assert_allclose(method(mixed)[labels == label], method(W)[labels == label], rtol=1e-14)
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
    assert part.value(W[index]) == pytest.approx(penalty.value(alone), rel=1e-13)
    for method in ("gradient", "support"):
        np.testing.assert_allclose(getattr(part, method)(W[index]), getattr(penalty, method)(alone)[index], rtol=1e-14)
    np.testing.assert_allclose(part.prox(W[index], 0.4), penalty.prox(alone, 0.4)[index], rtol=1e-13)
    zeroed = np.where(np.isin(np.arange(len(W)), index), V.T, 0.0).T
    np.testing.assert_allclose(part.kkt(W[index], V[index], 0.7), penalty.kkt(alone, zeroed, 0.7)[index], rtol=1e-13)
    assert part.critical_alpha(V[index]) == pytest.approx(penalty.critical_alpha(zeroed), rel=1e-13)
    assert len(np.unique(part.blocks(W[index]))) == len(np.unique(penalty.blocks(W)[index]))


# Arrays and objects --------------------------------------------------------------------------------------------------


def answers(penalty, W, G):
    """Return what every method says of W and a gradient G."""
    curvature = [part for part in penalty.curvature(W) if part is not None]
    plain = [penalty.value(W), penalty.conjugate(G), penalty.critical_alpha(G), penalty.prox(W, 0.3), *curvature]
    return [*plain, penalty.gradient(W), penalty.support(W), penalty.kkt(W, G, 0.7), penalty.blocks(W)]


@given(data=st.data())
def test_arrays_are_not_written_on_and_answers_not_shared(penalty, draw_coef, data):
    W, G = draw_coef(data), draw_coef(data)  # read-only
    for answer in answers(penalty, W, G):
        assert not np.shares_memory(answer, W)
        assert not np.shares_memory(answer, G)
    assert not np.shares_memory(penalty.prox(W, 0.0), W)
    assert [type(penalty.value(W)), type(penalty.conjugate(G)), type(penalty.critical_alpha(G))] == [float] * 3


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_other_types_of_number_give_the_same_answers(penalty, shape, kind):
    W, G = (np.resize([0, 0, 0, 3, -1, 2, 0, 4], shape).astype(kind), np.resize([1, -2, 0, 5, 1], shape).astype(kind))
    for answer, wanted in zip(answers(penalty, W, G), answers(penalty, W * 1.0, G * 1.0), strict=True):
        np.testing.assert_allclose(answer, wanted, rtol=1e-6)


def test_parameters_survive_clone_and_repr(penalty):
    copy = clone(penalty)
    assert type(copy) is type(penalty)
    for name, value in penalty.get_params().items():
        np.testing.assert_array_equal(copy.get_params()[name], value)
    assert repr(penalty).startswith(type(penalty).__name__)
    assert all(issubclass(cls, Penalty) for cls in PENALTIES.values())


@pytest.mark.parametrize("cls", PENALTIES.values(), ids=lambda cls: cls.__name__)
def test_bind_leaves_the_original_and_may_be_repeated(cls, shape):
    W = np.resize([1.0, -2.0, 0.0, 0.5, 3.0], shape)
    for example in cls.examples(shape[0]):
        before = repr(example)
        bound = example.bind(shape[0])
        assert repr(example) == before
        assert type(bound) is cls
        for answer, wanted in zip(answers(bound.bind(shape[0]), W, W), answers(bound, W, W), strict=True):
            np.testing.assert_array_equal(answer, wanted)


WRONG = [
    (L1(weights=[1.0, 2.0]), ValueError, r"L1\(weights=...\): expected one weight per feature, shape \(3,\).*\(2,\)"),
    (L1(weights=[[1.0, 2.0, 3.0]]), ValueError, r"L1\(weights=...\): .* got shape \(1, 3\)"),
    (L1(weights=2.0), ValueError, r"L1\(weights=...\): .* got shape \(\)"),
    (L1(weights=[1.0, 0.0, -1e-9]), ValueError, r"L1\(weights=...\): .* entry 2 is -1e-09"),
    (L1(weights=[1.0, np.nan, 2.0]), ValueError, r"L1\(weights=...\): .* entry 1 is nan"),
    (L1(weights=[np.inf, 1.0, 2.0]), ValueError, r"L1\(weights=...\): .* entry 0 is inf"),
    (GroupLasso(), ValueError, r"GroupLasso needs groups"),
    (GroupLasso([0, 1]), ValueError, r"GroupLasso\(groups=...\): .* shape \(3,\), got shape \(2,\)"),
    (GroupLasso([0.0, 1.0, 1.0]), TypeError, r"GroupLasso\(groups=...\): labels must be integers, got dtype float64"),
    (GroupLasso([True, False, True]), TypeError, r"labels must be integers, got dtype bool"),
    (GroupLasso(["a", "b", "b"]), TypeError, r"labels must be integers"),
    (GroupLasso([0, 1, 1], weights=np.ones(3)), ValueError, r"one weight per group, shape \(2,\), got shape \(3,\)"),
    (GroupLasso([0, 1, 1], weights=[1.0, -1.0]), ValueError, r"GroupLasso\(weights=...\): .* entry 1 is -1.0"),
    (GroupLasso([0, 1, 1], weights=[np.nan, 1.0]), ValueError, r"GroupLasso\(weights=...\): .* entry 0 is nan"),
    (ElasticNet(l1_ratio=-0.1), ValueError, r"ElasticNet\(l1_ratio=-0.1\): l1_ratio must lie in \[0, 1\]"),
    (ElasticNet(l1_ratio=1.1), ValueError, r"ElasticNet\(l1_ratio=1.1\): l1_ratio must lie in \[0, 1\]"),
    (ElasticNet(l1_ratio=np.nan), ValueError, r"ElasticNet\(l1_ratio=nan\): l1_ratio must lie in \[0, 1\]"),
    (ElasticNet(l1_ratio="0.5"), TypeError, r"ElasticNet\(l1_ratio='0.5'\): l1_ratio must be a real number, got str"),
    (ElasticNet(l1_ratio=True), TypeError, r"ElasticNet\(l1_ratio=True\): l1_ratio must be a real number, got bool"),
]


@pytest.mark.parametrize("penalty, error, message", WRONG, ids=[repr(case[0]) for case in WRONG])
def test_bind_names_what_is_wrong(penalty, error, message):
    with pytest.raises(error, match=message):
        penalty.bind(3)


# Special cases -------------------------------------------------------------------------------------------------------

SAME = [
    (ElasticNet(l1_ratio=1.0), L1()),
    (ElasticNet(l1_ratio=0.0), L2()),
    (GroupLasso(np.arange(6), weights=np.ones(6)), L1()),
    (GroupLasso(np.arange(6)[::-1]), L1()),
    (GroupLasso([4] * 6, weights=[1.0]), L2Norm()),
    (L1(weights=np.zeros(6)), NoPenalty()),
]


@pytest.mark.parametrize("penalty, other", SAME, ids=repr)
def test_special_cases_are_the_same_penalty(penalty, other):
    penalty, other = penalty.bind(6), other.bind(6)
    W, G = np.array([0.0, -1.5, 2.0, 0.0, 0.3, -4.0]), np.array([0.2, 1.0, -3.0, 0.0, 1.0, 0.5])
    for Z in (W, 0.0 * W):
        for scale in (0.1, 10.0):
            left, right = (answers(each, Z, scale * G) for each in (penalty, other))
            for j in (0, 1, 2, 3, -4, -3, -2):  # the curvature may be written in two ways
                np.testing.assert_allclose(left[j], right[j], rtol=1e-14, atol=1e-15)
    assert penalty.coercive == other.coercive
    assert penalty.homogeneous == other.homogeneous


BY_HAND = [
    (NoPenalty(), 0.0, [3.0, -4.0, 0.0]),
    (L2(), 12.5, [2.0, -4.0 / 1.5, 0.0]),
    (L2Norm(), 5.0, [2.7, -3.6, 0.0]),
    (L1(), 7.0, [2.5, -3.5, 0.0]),
    (L1(weights=[1.0, 0.0, 2.0]), 3.0, [2.5, -4.0, 0.0]),
    (ElasticNet(l1_ratio=0.2), 0.2 * 7.0 + 0.8 * 12.5, [2.9 / 1.4, -3.9 / 1.4, 0.0]),
    (GroupLasso([0, 0, 1]), 5.0 * np.sqrt(2.0), [3.0 - 0.3 * np.sqrt(2.0), -4.0 + 0.4 * np.sqrt(2.0), 0.0]),
    (GroupLasso([7, -7, 7], weights=[2.0, 3.0]), 17.0, [1.5, -3.0, 0.0]),
]


@pytest.mark.parametrize("penalty, value, moved", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_value_and_prox_by_hand(penalty, value, moved):
    W = np.array([3.0, -4.0, 0.0])
    assert penalty.bind(3).value(W) == pytest.approx(value, rel=1e-15)
    np.testing.assert_allclose(penalty.bind(3).prox(W, 0.5), moved, rtol=1e-15)
