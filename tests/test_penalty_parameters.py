"""Penalties as objects: arrays in and out, clone, what ``bind`` checks; special cases, and numbers by hand."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from sklearn_erm.penalties import (
    L1,
    L2,
    MCP,
    PENALTIES,
    SCAD,
    SLOPE,
    ElasticNet,
    Fused,
    GroupLasso,
    L2Norm,
    LInf,
    MultiTaskLasso,
    NoPenalty,
    Nuclear,
    Penalty,
    SparseGroupLasso,
    Tikhonov,
)

from .penalty_answers import answers, arrays_of, jacobian_of, matrix_of

# Arrays and objects --------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_arrays_are_not_written_on_and_answers_not_shared(penalty, draw_coef, data):
    W, G = draw_coef(data), draw_coef(data)  # read-only
    said = answers(penalty, W, G)
    for answer in said.values():
        for part in arrays_of(answer):
            assert not np.shares_memory(part, W)
            assert not np.shares_memory(part, G)
    assert not penalty.has("prox") or not np.shares_memory(penalty.prox(W, 0.0), W)
    numbers = ("value", "conjugate", "critical_alpha")
    assert {type(said[name]) for name in numbers if name in said} == {float}


@pytest.mark.parametrize("kind", [np.float32, np.int64])
def test_other_types_of_number_give_the_same_answers(penalty, shape, kind):
    W, G = (np.resize([0, 0, 0, 3, -1, 2, 0, 4], shape).astype(kind), np.resize([1, -2, 0, 5, 1], shape).astype(kind))
    said, wanted = answers(penalty, W, G), answers(penalty, W * 1.0, G * 1.0)
    for name in said:
        for part, whole in zip(arrays_of(said[name]), arrays_of(wanted[name]), strict=True):
            np.testing.assert_allclose(part, whole, rtol=1e-6, atol=1e-6)


def test_parameters_survive_clone_and_repr(penalty):
    copy = clone(penalty)
    assert type(copy) is type(penalty)
    assert repr(copy) == repr(penalty)
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
        said, wanted = answers(bound.bind(shape[0]), W, W), answers(bound, W, W)
        for name in wanted:
            for part, whole in zip(arrays_of(said[name]), arrays_of(wanted[name]), strict=True):
                np.testing.assert_allclose(part, whole, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("cls", PENALTIES.values(), ids=lambda cls: cls.__name__)
def test_one_feature_is_enough(cls):
    for example in cls.examples(1):
        for W in (np.array([0.7]), np.array([[0.7, -2.0]])):
            penalty = example.bind(1)
            said = answers(penalty, W, W)
            assert all(np.all(np.isfinite(part)) for name in ("prox", "value") for part in arrays_of(said[name]))
            assert sum(f * part.value(W if A is None else A @ W) for f, part, A in penalty.parts()) == pytest.approx(
                penalty.value(W)
            )


WRONG = [
    (L1(weights=[1.0, 2.0]), ValueError, r"L1\(weights=...\): expected one weight per feature, shape \(3,\).*\(2,\)"),
    (L1(weights=[[1.0, 2.0, 3.0]]), ValueError, r"L1\(weights=...\): .* got shape \(1, 3\)"),
    (L1(weights=2.0), ValueError, r"L1\(weights=...\): .* got shape \(\)"),
    (L1(weights=[1.0, 0.0, -1e-9]), ValueError, r"L1\(weights=...\): .* entry 2 is -1e-09"),
    (L1(weights=[1.0, np.nan, 2.0]), ValueError, r"L1\(weights=...\): .* entry 1 is nan"),
    (L1(weights=[np.inf, 1.0, 2.0]), ValueError, r"L1\(weights=...\): .* entry 0 is inf"),
    (GroupLasso(), ValueError, r"GroupLasso needs groups"),
    (GroupLasso([0, 1]), ValueError, r"GroupLasso\(groups=...\): X has 3 features, but groups has 2 labels"),
    (GroupLasso([[0, 1], ["b"]]), ValueError, r"GroupLasso\(groups=...\): group 1 has the column 'b'"),
    (GroupLasso([0, 1, 1], weights=np.ones(3)), ValueError, r"one weight per group, shape \(2,\), got shape \(3,\)"),
    (GroupLasso([0, 1, 1], weights=[1.0, -1.0]), ValueError, r"GroupLasso\(weights=...\): .* entry 1 is -1.0"),
    (GroupLasso([0, 1, 1], weights=[np.nan, 1.0]), ValueError, r"GroupLasso\(weights=...\): .* entry 0 is nan"),
    (L2(weights=[1.0, -1.0, 0.0]), ValueError, r"L2\(weights=...\): .* entry 1 is -1"),
    (ElasticNet(weights=[1.0, 0.0]), ValueError, r"ElasticNet\(weights=...\): expected one weight per feature"),
    (MultiTaskLasso(weights=[1.0, 0.0]), ValueError, r"MultiTaskLasso\(weights=...\): expected one weight per feature"),
    (GroupLasso([0, 1, 1], multi_task=1), TypeError, r"multi_task must be True or False, got int"),
    (SparseGroupLasso(), ValueError, r"SparseGroupLasso needs groups"),
    (SparseGroupLasso([0, 1]), ValueError, r"SparseGroupLasso\(groups=...\): X has 3 features, but .* 2 labels"),
    (SparseGroupLasso([0, 1, 1], l1_ratio=2), ValueError, r"SparseGroupLasso\(l1_ratio=2\): l1_ratio must lie in"),
    (SLOPE(fdr=0), ValueError, r"SLOPE\(fdr=0\): fdr must lie in \(0, 1\)"),
    (SLOPE(weights=[1.0, 2.0, 0.5]), ValueError, r"SLOPE\(weights=...\): weights must decrease, but entry 1 is 2.0"),
    (SLOPE(weights=[1.0, 0.5]), ValueError, r"SLOPE\(weights=...\): .* shape \(3,\), got shape \(2,\)"),
    (SLOPE(weights=np.ones(7)), ValueError, r"SLOPE\(weights=...\): .* shape \(6,\), got shape \(7,\)"),
    (SLOPE(weights=[0.0, 0.0, 0.0]), ValueError, r"SLOPE\(weights=...\): all weights are 0"),
    (Fused(l1_ratio=1.5), ValueError, r"Fused\(l1_ratio=1.5\): l1_ratio must lie in \[0, 1\]"),
    (MCP(knot=0), ValueError, r"MCP\(knot=0\): knot must lie in \(0, inf\)"),
    (SCAD(knot=np.inf), ValueError, r"SCAD\(knot=inf\): knot must lie in \(0, inf\)"),
    (SCAD(a=1.0), ValueError, r"SCAD\(a=1.0\): a must lie in \(1, inf\)"),
    (Tikhonov(np.eye(2)), ValueError, r"Tikhonov\(precision=...\): .* shape \(3, 3\), got shape \(2, 2\)"),
    (Tikhonov(sparse.eye_array(2)), ValueError, r"Tikhonov\(precision=...\): .* got shape \(2, 2\)"),
    (Tikhonov([["a"] * 3] * 3), TypeError, r"Tikhonov\(precision=...\): expected a matrix of real numbers, got list"),
    (Tikhonov(np.full((3, 3), np.nan)), ValueError, r"Tikhonov\(precision=...\): the matrix must be finite"),
    (Tikhonov(np.triu(np.ones((3, 3)))), ValueError, r"Tikhonov\(precision=...\): the matrix must be symmetric"),
    (Tikhonov(np.diag([1.0, -1e-3, 1.0])), ValueError, r"must be positive semidefinite, .*-0.001 of its largest"),
    (Tikhonov(sparse.diags_array([1.0, -1e-3, 1.0])), ValueError, r"must be positive semidefinite"),
    (Tikhonov(np.ones((3, 3)) - np.eye(3)), ValueError, r"must be positive semidefinite"),
    (Tikhonov(covariance=np.ones((3, 3))), ValueError, r"Tikhonov\(covariance=...\): .* must be positive definite"),
    (Tikhonov(np.eye(3), covariance=np.eye(3)), ValueError, r"each is the other's inverse; pass one"),
    (Tikhonov(mean=[1.0, 2.0]), ValueError, r"Tikhonov\(mean=...\): .* shape \(3,\); got \(2,\)"),
    (Tikhonov(mean=np.nan), ValueError, r"Tikhonov\(mean=...\): the mean must be finite"),
    (Tikhonov(mean="a"), TypeError, r"Tikhonov\(mean=...\): expected real numbers, got str"),
    (L1() + MCP(knot=-1.0), ValueError, r"MCP\(knot=-1.0\)"),
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
    (L2(weights=np.ones(6)), L2()),
    (ElasticNet(l1_ratio=0.3, weights=np.full(6, 2.0)), 2.0 * ElasticNet(l1_ratio=0.3)),
    (ElasticNet(l1_ratio=1.0, weights=np.arange(6.0)), L1(weights=np.arange(6.0))),
    (MultiTaskLasso(weights=np.arange(6.0)), L1(weights=np.arange(6.0))),
    (GroupLasso([0, 0, 1, 1, 2, 2], multi_task=True), GroupLasso([0, 0, 1, 1, 2, 2])),
    (SparseGroupLasso([0, 0, 1, 1, 2, 2], l1_ratio=0.0), GroupLasso([0, 0, 1, 1, 2, 2])),
    (SparseGroupLasso([0, 0, 1, 1, 2, 2], l1_ratio=1.0), L1()),
    (SparseGroupLasso([0, 0, 1, 1, 2, 2], l1_ratio=0.5, weights=np.zeros(3)), 0.5 * L1()),
    (SparseGroupLasso(np.arange(6), l1_ratio=0.3), L1()),
    (Nuclear(), L2Norm()),
    (SLOPE(weights=np.ones(6)), L1()),
    (SLOPE(weights=[1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), LInf()),
    (Fused(l1_ratio=1.0), L1()),
    (Tikhonov(), L2()),
    (Tikhonov(np.diag(np.arange(6.0))), L2(weights=np.arange(6.0))),
    (Tikhonov(sparse.diags_array(np.arange(6.0)).tocoo()), L2(weights=np.arange(6.0))),
    (Tikhonov(sparse.diags_array(np.arange(1.0, 7.0))), Tikhonov(covariance=np.diag(1.0 / np.arange(1.0, 7.0)))),
    (SCAD(knot=2.0, a=1e15), MCP(knot=2.0)),
    (MCP(knot=1e15), L1()),
]


@pytest.mark.parametrize("penalty, other", SAME, ids=repr)
def test_special_cases_are_the_same_penalty(penalty, other):
    penalty, other = penalty.bind(6), other.bind(6)
    W, G = np.array([0.0, -1.5, 2.0, 0.0, 0.3, -4.0]), np.array([0.2, 1.0, -3.0, 0.0, 1.0, 0.5])
    for Z in (W, 0.0 * W):
        for scale in (0.1, 10.0):
            left, right = (answers(each, Z, scale * G) for each in (penalty, other))
            for name in ({*left} & {*right}) - {"blocks", "support", "kkt"}:
                whole = {"curvature": matrix_of, "prox_derivative": jacobian_of}.get(name, np.asarray)
                np.testing.assert_allclose(whole(left[name]), whole(right[name]), rtol=1e-12, atol=1e-12)
            if penalty.has("gradient") and other.has("gradient") and np.array_equal(left["blocks"], right["blocks"]):
                np.testing.assert_allclose(left["kkt"], right["kkt"], rtol=1e-14, atol=1e-14)
    assert penalty.coercive == other.coercive or not penalty.convex
    assert penalty.homogeneous == other.homogeneous or not penalty.convex


BH = [NormalDist().inv_cdf(1.0 - 0.3 * j / 6.0) for j in (1, 2, 3)]
SHRUNK = 1.0 - 0.5 / np.hypot(2.75, 3.75)
BY_HAND = [
    (NoPenalty(), 0.0, [3.0, -4.0, 0.0]),
    (L2(), 12.5, [2.0, -4.0 / 1.5, 0.0]),
    (L2Norm(), 5.0, [2.7, -3.6, 0.0]),
    (L1(), 7.0, [2.5, -3.5, 0.0]),
    (L1(weights=[1.0, 0.0, 2.0]), 3.0, [2.5, -4.0, 0.0]),
    (ElasticNet(l1_ratio=0.2), 0.2 * 7.0 + 0.8 * 12.5, [2.9 / 1.4, -3.9 / 1.4, 0.0]),
    (GroupLasso([0, 0, 1]), 5.0 * np.sqrt(2.0), [3.0 - 0.3 * np.sqrt(2.0), -4.0 + 0.4 * np.sqrt(2.0), 0.0]),
    (GroupLasso([7, -7, 7], weights=[2.0, 3.0]), 17.0, [1.5, -3.0, 0.0]),
    (L2(weights=[1.0, 2.0, 3.0]), 20.5, [2.0, -2.0, 0.0]),
    (ElasticNet(l1_ratio=0.5, weights=[2.0, 0.0, 1.0]), 7.5, [2.5 / 1.5, -4.0, 0.0]),
    (MultiTaskLasso(weights=[1.0, 0.0, 2.0]), 3.0, [2.5, -4.0, 0.0]),
    (
        SparseGroupLasso([0, 0, 1], 0.5, [2.0, 1.0]),
        8.5,
        (1 - 0.5 / np.hypot(2.75, 3.75)) * np.array([2.75, -3.75, 0.0]),
    ),
    (Nuclear(), 5.0, [2.7, -3.6, 0.0]),
    (SLOPE(weights=[2.0, 1.0, 0.5]), 11.0, [2.5, -3.0, 0.0]),
    (SLOPE(fdr=0.3), 4.0 + 3.0 * BH[1] / BH[0], [3.0 - 0.5 * BH[1] / BH[0], -3.5, 0.0]),
    (LInf(), 4.0, [3.0, -3.5, 0.0]),
    (Fused(), 11.0, [2.5, -3.0, -0.5]),
    (Fused(l1_ratio=0.5), 9.0, [2.5, -3.25, 0.0]),
    (Tikhonov(np.diag([1.0, 2.0, 3.0]), mean=1.0), 28.5, [3.5 / 1.5, -1.5, 0.6]),
    (MCP(knot=2.0), 2.0, [3.0, -4.0, 0.0]),
    (MCP(knot=10.0), 7.0 - 1.25, [2.5 / 0.95, -3.5 / 0.95, 0.0]),
    (SCAD(knot=5.0, a=2.5), 7.0 - 2.5 / 3.0, [2.6, -3.8, 0.0]),
    (2.0 * L1(), 14.0, [2.0, -3.0, 0.0]),
]


@pytest.mark.parametrize("penalty, value, moved", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_value_and_prox_by_hand(penalty, value, moved):
    W = np.array([3.0, -4.0, 0.0])
    assert penalty.bind(3).value(W) == pytest.approx(value, rel=1e-14)
    np.testing.assert_allclose(penalty.bind(3).prox(W, 0.5), moved, rtol=1e-14, atol=1e-15)


MATRICES = [
    (L1(), 8.0),
    (L2(weights=[2.0, 1.0, 1.0]), 25.5),
    (L2Norm(), np.sqrt(26.0)),
    (GroupLasso([0, 0, 1], weights=[1.0, 1.0]), 8.0),
    (GroupLasso([0, 0, 1], weights=[1.0, 1.0], multi_task=True), 6.0),
    (MultiTaskLasso(weights=[2.0, 1.0, 1.0]), 11.0),
    (SparseGroupLasso([0, 0, 1], l1_ratio=0.25, weights=[1.0, 2.0]), 2.0 + 0.75 * 9.0),
    (Nuclear(), np.sqrt(34.0)),
    (SLOPE(weights=[3.0, 2.0, 1.0, 0.0, 0.0, 0.0]), 19.0),
    (LInf(), 4.0),
    (Fused(l1_ratio=0.5), 8.0),
    (Tikhonov(mean=[1.0, 0.0, 0.0]), 0.5 * (4.0 + 25.0 + 1.0)),
    (MCP(knot=2.0), 2.75),
]


@pytest.mark.parametrize("penalty, value", MATRICES, ids=[repr(case[0]) for case in MATRICES])
def test_value_of_a_matrix_by_hand(penalty, value):
    W = np.array([[3.0, -4.0], [0.0, 0.0], [1.0, 0.0]])
    assert penalty.bind(3).value(W) == pytest.approx(value, rel=1e-14)


def test_weights_of_slope_are_as_many_as_the_coefficients_it_sorts():
    penalty = SLOPE(weights=[3.0, 2.0, 1.0]).bind(3)
    assert penalty.value(np.ones(3)) == 6.0
    with pytest.raises(ValueError, match=r"3 weights for coefficients of shape \(3, 2\): .* needs 6"):
        penalty.value(np.ones((3, 2)))
