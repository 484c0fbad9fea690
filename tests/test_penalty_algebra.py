"""Sums of penalties, multiples, parts, and convex majorants."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.base import clone

from sklearn_erm import ERMRegressor
from sklearn_erm.penalties import (
    L1,
    L2,
    MCP,
    SCAD,
    SLOPE,
    ElasticNet,
    GroupLasso,
    L2Norm,
    NoPenalty,
    Nuclear,
    Part,
    Penalty,
    Scaled,
    Sum,
    Tikhonov,
)
from sklearn_erm.penalties.none import positive_multiple

from .penalty_answers import answers, arrays_of, frobenius, jacobian_of, matrix_of

FLAGS = [name for name, kind in Penalty.__annotations__.items() if str(kind) == "bool"]
OURS = [cls for cls in Penalty.__mro__ if cls.__module__.startswith("sklearn_erm.penalties")]
METHODS = sorted(
    {name for cls in OURS for name, member in vars(cls).items() if inspect.isfunction(member) and name[0] != "_"}
)
AT_STEP = 0.2  # the step, or alpha, at which a penalty is asked; a multiple of it, at this over the factor
GIVEN = {  # by the name of a parameter: what a method is given, and what the same method of a multiple is
    "W": lambda W, G, c: (W, W),
    "Z": lambda W, G, c: (W, W),
    "size": lambda W, G, c: (1.0, 1.0),
    "V": lambda W, G, c: (0.9 * G, 0.9 * G),
    "gradient": lambda W, G, c: (G, G),
    "direction": lambda W, G, c: (G, G),
    "step": lambda W, G, c: (AT_STEP, AT_STEP / c),
    "alpha": lambda W, G, c: (AT_STEP, AT_STEP / c),
    "n_features": lambda W, G, c: (len(W), len(W)),
    "feature_names": lambda W, G, c: (None, None),
    "index": lambda W, G, c: (np.arange(len(W))[::-1], np.arange(len(W))[::-1]),
    "method": lambda W, G, c: ("gradient", "gradient"),
}
NEEDS = {"within": "gradient", "turns": "gradient", "scaled_conjugate": "conjugate"}  # what a method's default asks
MULTIPLIED = {  # by method: how the answer of a multiple follows from that of the penalty; elsewhere they are the same
    "value": lambda answer, c: c * answer,
    "gradient": lambda answer, c: c * answer,
    "curvature": lambda answer, c: answer.scaled(c),
    "conjugate": lambda answer, c: c * answer,
    "scaled_conjugate": lambda answer, c: (answer[0], c * answer[1]),
    "entrywise": lambda answer, c: answer and (c * answer[0], c * answer[1], answer[2]),
    "critical_alpha": lambda answer, c: answer / c,
    "elastic": lambda answer, c: tuple(c * part for part in answer),
    "parts": lambda answer, c: [part._replace(factor=c * part.factor) for part in answer],
    "terms": lambda answer, c: [(c * factor, term) for factor, term in answer],
    **dict.fromkeys(
        ("bind", "with_names", "restrict", "majorise", "unconstrained", "bounds_apart"),
        lambda answer, c: Scaled(answer, c),
    ),
}


@given(data=st.data())
def test_parts_add_up_to_the_value(penalty, draw_coef, data):
    W = draw_coef(data)
    parts = penalty.parts()
    assert all(factor > 0 for factor, _, _ in parts)
    total = sum(factor * part.value(W if A is None else A @ W) for factor, part, A in parts)
    assert total == pytest.approx(penalty.value(W), rel=1e-13)
    assert all(part.smooth or part.has("prox") for _, part, _ in parts)


@pytest.mark.parametrize("form", [None, np.asarray, sparse.csr_array, sparse.coo_array])
@pytest.mark.parametrize("outputs", [(), (2,)])
def test_a_part_takes_coefficients_to_its_rows_and_back(form, outputs):
    rng = np.random.default_rng(6)
    A = np.eye(5) if form is None else rng.normal(size=(3, 5)) * rng.integers(0, 2, (3, 5))
    part = Part(2.0, L1(), None if form is None else form(A))
    W, V = rng.normal(size=(5, *outputs)), rng.normal(size=(len(A), *outputs))
    np.testing.assert_allclose(part.image(W), A @ W, rtol=1e-14, atol=1e-14)
    np.testing.assert_allclose(part.back(V), A.T @ V, rtol=1e-14, atol=1e-14)
    np.testing.assert_array_equal(part.rows(5).toarray(), A)
    assert part.rows(5).format == "csr"


def flat(answer, W):
    """An answer as a list of arrays; a penalty by its value at W."""
    if hasattr(answer, "terms"):
        return [np.array(answer.value(W))]
    if hasattr(answer, "plus"):
        return [matrix_of(answer)]
    if isinstance(answer, (tuple, list)):
        return [array for part in answer for array in flat(part, W)]
    return [np.array(answer.toarray() if hasattr(answer, "toarray") else answer)] if answer is not None else []


def test_a_multiple_hands_on_every_flag_and_method():
    kept = [name for name in [*FLAGS, *METHODS] if name not in vars(Scaled)]
    assert not kept, "Scaled answers these by itself, whatever its penalty says"


def test_a_multiple_is_what_the_penalty_is(penalty):
    for name in FLAGS:
        assert getattr(3.0 * penalty, name) == getattr(penalty, name), name


@given(data=st.data(), factor=st.floats(0.01, 100))
def test_a_multiple_answers_as_the_penalty(penalty, draw_coef, data, factor):
    W, G = draw_coef(data), draw_coef(data)
    multiple = Scaled(penalty, factor)
    for name in METHODS:
        assert multiple.has(name) == penalty.has(name)
        needs_prox = name == "kkt" and not penalty.smooth and type(penalty).kkt is Penalty.kkt
        unmet = not penalty.has(NEEDS.get(name, name)) or (needs_prox and not penalty.has("prox"))
        if not penalty.has(name) or unmet:
            continue
        parameters = list(inspect.signature(getattr(Penalty, name)).parameters)[1:]
        pairs = [GIVEN[parameter](W, G, factor) for parameter in parameters]
        if name in ("conjugate", "scaled_conjugate"):
            pairs = [(0.9 * G, 0.9 * factor * G)]
        own, whole = ([pair[side] for pair in pairs] for side in (0, 1))
        wanted = MULTIPLIED.get(name, lambda answer, c: answer)(getattr(penalty, name)(*own), factor)
        found, wanted = flat(getattr(multiple, name)(*whole), W), flat(wanted, W)
        assert len(found) == len(wanted), name
        for one, other in zip(found, wanted, strict=True):
            size = max(1.0, np.abs(np.nan_to_num(other, posinf=0.0)).max(initial=0.0)) if other.dtype != bool else 0.0
            np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-12 * size, err_msg=name)


def test_two_multiples_are_one_and_sums_are_flat():
    twice = 2.0 * (3.0 * L1())
    assert repr(twice) == repr(6.0 * L1()) == "Scaled(factor=6.0, penalty=L1())"
    assert repr(1.0 * L1()) == repr(0.5 * (2 * L1())) == "L1()"
    assert repr(np.float64(2.0) * L1()) == repr(L1() * np.int64(2)) == "Scaled(factor=2.0, penalty=L1())"
    total = 2.0 * (L1() + 0.5 * L2()) + (MCP() + Tikhonov())
    assert [type(term) for term in total.penalties] == [Scaled, L2, MCP, Tikhonov]
    assert total.penalties[0].factor == 2.0
    assert repr(Scaled(Scaled(L1(), 2.0), 3.0).terms()) == "[(6.0, L1())]"


def test_sum_and_division():
    assert repr(sum([L1(), L2()])) == repr(L1() + L2())
    assert isinstance(sum([L1(), L2()]), Sum)
    assert repr(L1() / 2) == repr(0.5 * L1())
    with pytest.raises(TypeError):
        1 + L1()
    with pytest.raises(TypeError):
        1.0 + L1()
    for divisor in (0, -1.0, np.inf, np.nan):
        with pytest.raises(ValueError, match="divisor"):
            L1() / divisor
    with pytest.raises(TypeError, match="divisor"):
        L1() / L2()


def test_0_times_a_penalty_is_none():
    for nothing in (0 * L1(), 0.0 * (L1() + MCP()), 0 * (0 * L1()), 2 * NoPenalty(), NoPenalty() + NoPenalty()):
        assert repr(nothing) == "NoPenalty()"
    for l2 in (0 * L1() + L2(), L2() + 0.0 * L1(), 0 * L1() + L2() + NoPenalty(), sum(c * L2() for c in (0, 1))):
        assert repr(l2) == "L2()"
    assert repr(Scaled(L1(), 0).bind(3)) == repr(Sum([Scaled(L1(), 0), NoPenalty()]).bind(3)) == "NoPenalty()"
    X, y = np.random.default_rng(0).normal(size=(20, 3)), np.arange(20.0)
    model = ERMRegressor(penalty=0.5 * L1() + 0.5 * L2(), alpha=0.1)
    for share, alone in ((0.0, "l2"), (1.0, "l1")):
        mixed = clone(model).set_params(penalty=share * L1() + (1 - share) * L2()).fit(X, y)
        expected = ERMRegressor(penalty=alone, alpha=0.1).fit(X, y)
        np.testing.assert_array_equal(mixed.coef_, expected.coef_)
        factors = {"penalty__penalties": [Scaled(L1(), share), Scaled(L2(), 1 - share)]}
        np.testing.assert_array_equal(clone(model).set_params(**factors).fit(X, y).coef_, expected.coef_)


@pytest.mark.parametrize("alpha", [0, 0.0, 1, 0.3])
def test_a_positive_multiple_is_alpha_times_the_penalty(alpha):
    W = np.array([1.0, -2.0, 0.5])
    penalty, factor = positive_multiple(L1(), alpha)
    assert factor > 0
    assert isinstance(factor, float)
    assert factor * penalty.value(W) == pytest.approx(alpha * L1().value(W))
    assert penalty.smooth == (alpha == 0)  # no kink is left of nothing


@pytest.mark.parametrize(
    "factor, error, message",
    [
        (-1.0, ValueError, r"factor must lie in \[0, inf\)"),
        (np.inf, ValueError, r"factor must lie in \[0, inf\)"),
        (np.nan, ValueError, r"factor must lie in \[0, inf\)"),
        (True, TypeError, r"factor must be a real number, got bool"),
        ("2", TypeError, r"factor must be a real number, got str"),
        (L2(), TypeError, r"factor must be a real number, got L[12]"),
        (np.ones(3), TypeError, r"factor must be a real number, got ndarray"),
    ],
    ids=str,
)
def test_a_factor_is_a_number_from_0_on(factor, error, message):
    for multiply in (lambda: L1() * factor, lambda: factor * L1(), lambda: Scaled(L1(), factor).bind(3)):
        with pytest.raises(error, match=message):
            multiply()


@pytest.mark.parametrize("other", [1.0, "l2", None, np.ones(2)], ids=str)
def test_only_penalties_are_added(other):
    with pytest.raises(TypeError, match="operand"):
        L1() + other
    with pytest.raises(TypeError, match=r"operand|concatenate"):
        other + L1()


PAIRS = [
    (L1(), L2()),
    (L2(weights=[1.0, 0.0, 2.0, 0.0]), Tikhonov()),
    (L2(), Tikhonov(np.diag([0.0, 1.0, 2.0, 3.0]))),
    (Tikhonov(np.ones((4, 4))), Tikhonov(mean=1.0)),
    (L1(weights=[0.0, 1.0, 0.0, 1.0]), GroupLasso([0, 0, 1, 1], weights=[0.0, 1.0])),
    (GroupLasso([0, 0, 1, 1]), GroupLasso([0, 1, 1, 0])),
    (MCP(), ElasticNet()),
    (Nuclear(), SLOPE()),
    (L2Norm(), L1()),
]


@pytest.mark.parametrize("first, second", PAIRS, ids=repr)
@pytest.mark.parametrize("k", [1, 2])
def test_a_sum_is_what_its_terms_are(first, second, k):
    W = np.array([[0.0, 1.0], [2.0, -1.0], [0.0, 0.0], [0.3, 0.0]])[:, :k]
    W = W[:, 0] if k == 1 else W
    total = clone((0.3 * first + second).bind(4))
    one, two = (0.3 * first).bind(4), second.bind(4)
    assert total.value(W) == pytest.approx(one.value(W) + two.value(W), rel=1e-14)
    np.testing.assert_array_equal(total.support(W), one.support(W) & two.support(W))
    np.testing.assert_array_equal(total.unpenalised(W), one.unpenalised(W) & two.unpenalised(W))
    for name in ("convex", "smooth", "rotation_invariant", "homogeneous"):
        assert getattr(total, name) == (getattr(one, name) and getattr(two, name))
    for name in ("coercive", "couples_outputs"):
        assert getattr(total, name) == (getattr(one, name) or getattr(two, name))
    assert total.separable == (total.smooth and one.separable and two.separable)
    assert not total.blockwise
    assert not any(total.has(name) for name in ("prox", "prox_derivative", "conjugate", "critical_alpha"))
    assert total.has("gradient") == (one.has("gradient") and two.has("gradient"))
    if total.has("gradient"):
        np.testing.assert_allclose(total.gradient(W), one.gradient(W) + two.gradient(W), rtol=1e-14)
        wanted = matrix_of(one.curvature(W)) + matrix_of(two.curvature(W))
        np.testing.assert_allclose(matrix_of(total.curvature(W)), wanted, rtol=1e-14, atol=1e-14)
    if total.smooth:
        kkt = total.kkt(W, np.ones(W.shape), 0.3)
        assert np.linalg.norm(1.0 + 0.3 * total.gradient(W)) == pytest.approx(
            np.linalg.norm(kkt) / (1.0 if total.separable else np.sqrt(W.size)), rel=1e-13
        )
    swapped = total.restrict(np.array([3, 2, 1, 0]))
    assert swapped.value(W[::-1]) == pytest.approx(total.value(W), rel=1e-14)


def test_groups_may_be_given_before_or_after_the_sum_is_bound():
    groups, W = [0, 0, 1], np.array([3.0, -4.0, 1.0])
    penalty = 0.5 * L1() + 0.5 * GroupLasso(groups)
    for bound in (penalty.bind(3), penalty.bind(3).bind(3), 0.5 * L1().bind(3) + 0.5 * GroupLasso(groups).bind(3)):
        assert bound.value(W) == pytest.approx(4.0 + 2.5 * np.sqrt(2.0) + 0.5)
    assert penalty.penalties[1].penalty.groups is groups
    with pytest.raises(ValueError, match="GroupLasso needs groups"):
        (L1() + 2.0 * GroupLasso()).bind(3)


def test_parameters_of_a_composed_penalty_are_within_reach():
    penalty = 2.0 * ElasticNet(l1_ratio=0.3)
    assert penalty.get_params()["penalty__l1_ratio"] == 0.3
    copy = clone(penalty).set_params(penalty__l1_ratio=0.7)
    assert (penalty.penalty.l1_ratio, copy.penalty.l1_ratio) == (0.3, 0.7)
    total = penalty + L1()
    assert clone(total).penalties[0].penalty is not penalty.penalty
    assert isinstance(clone(total), Sum)


# Majorants -----------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_majorant_touches_and_is_nowhere_below(penalty, draw_coef, data):
    assert penalty.convex or penalty.has("majorise")
    if penalty.convex:
        return
    W, V = draw_coef(data), draw_coef(data)
    majorant = penalty.majorise(W)
    assert majorant.convex
    for scale in (0.01, 0.3, 1.0, 30.0):
        rise = majorant.value(scale * V) - majorant.value(W)
        assert penalty.value(scale * V) <= penalty.value(W) + rise + 1e-13 * (1.0 + abs(rise))
    on = penalty.support(W)
    np.testing.assert_allclose(majorant.gradient(W)[on], penalty.gradient(W)[on], rtol=1e-13, atol=1e-14)
    assert all(np.all(np.isfinite(part)) for part in arrays_of(answers(majorant, W, V)["prox"]))


@pytest.mark.parametrize("penalty", [MCP(knot=2.0), SCAD(knot=2.0)], ids=repr)
def test_majorant_of_a_sum_keeps_the_convex_terms(penalty):
    W, V = np.array([0.0, 0.5, -1.5, 9.0]), np.array([1.0, -3.0, 0.0, 0.1])
    total = (0.5 * penalty + 2.0 * L2()).bind(4)
    assert total.has("majorise")
    assert not total.convex
    assert not (L1() + L2()).has("majorise")
    majorant = total.majorise(W)
    assert majorant.convex
    assert majorant.value(V) - majorant.value(W) >= total.value(V) - total.value(W)
    half = 0.5 * penalty.majorise(W).value(V)
    assert majorant.value(V) == pytest.approx(half + frobenius(V, V), rel=1e-14)


def test_majorise_again_reaches_the_prox():
    rng, step = np.random.default_rng(0), 0.4
    for penalty in (MCP(knot=1.5), SCAD(knot=1.5)):
        W = 2.0 * rng.normal(size=50)
        Z = W
        for _ in range(200):
            Z = penalty.majorise(Z).prox(W, step)
        np.testing.assert_allclose(Z, penalty.prox(W, step), atol=1e-12)
        assert np.all(jacobian_of(penalty.prox_derivative(W, step)) >= 0)
