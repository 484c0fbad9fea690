"""Laws of conjugates: Fenchel-Young, the dual domain, and the balance that a free intercept asks for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from sklearn_erm.losses import AbsoluteError, Hinge, Huber, Logistic, Poisson, Softmax
from sklearn_erm.losses.smoothed import Smoothed

FAR = 700.0  # exp does not overflow yet


@pytest.fixture(autouse=True)
def _the_loss_has_it(request):
    """Skip the laws of the conjugate where the loss leaves it out."""
    if "loss" in request.fixturenames and not request.getfixturevalue("loss").has("conjugate"):
        pytest.skip("no conjugate")


def slack(p, *terms):
    """Return what rounding may add to a sum of these terms; an envelope divides by its step."""
    return 1e-12 * (1.0 + sum(np.abs(term) for term in terms)) / min(1.0, getattr(p.loss, "step", 1.0))


def in_domain(p, share):
    """Return dual variables at this share of the way from the gradient at one score to that at another."""
    return (1 - share) * p.loss.gradient(p.y, p.eta) + share * p.loss.gradient(p.y, p.other)


@given(data=st.data(), share=st.floats(0, 1))
def test_fenchel_young_inequality(any_points, data, share):
    p = any_points(data)
    u = in_domain(p, share)
    conjugate, value, product = p.loss.conjugate(p.y, u), p.loss.value(p.y, p.eta), p.dot(u, p.eta)
    assert np.all(np.isfinite(conjugate))
    assert np.all(value + conjugate >= product - slack(p, value, conjugate, p.dot(np.abs(u), np.abs(p.eta))))


@given(data=st.data())
def test_fenchel_young_equality_at_the_gradient(any_points, data):
    p = any_points(data)
    u = p.loss.gradient(p.y, p.eta)
    if p.loss.shift_invariant:
        u = u - u.mean(axis=1, keepdims=True)  # the envelope's gradient sums to zero up to rounding only
    value, conjugate, product = p.loss.value(p.y, p.eta), p.loss.conjugate(p.y, u), p.dot(u, p.eta)
    size = slack(p, value, conjugate, p.dot(np.abs(u), np.abs(p.eta)))
    assert np.all(np.abs(value + conjugate - product) <= size)


@given(data=st.data(), share=st.floats(0.001, 0.999))
def test_conjugate_is_the_largest_difference(points, data, share):
    p = points(data)
    if p.loss.joint:
        return
    u = in_domain(p, share)
    low, high = np.full(u.shape, -FAR), np.full(u.shape, FAR)
    for _ in range(100):
        middle = 0.5 * (low + high)
        above = p.loss.gradient(p.y, middle) > u
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    largest = u * middle - p.loss.value(p.y, middle)
    assert np.all(np.abs(p.loss.conjugate(p.y, u) - largest) <= slack(p, u * middle, largest))


@given(data=st.data(), share=st.floats(0, 1))
def test_conjugate_is_convex(any_points, data, share):
    p = any_points(data)
    ends = [p.loss.conjugate(p.y, in_domain(p, end)) for end in (0, 1)]
    chord = (1 - share) * ends[0] + share * ends[1]
    inside = p.loss.conjugate(p.y, in_domain(p, share))
    assert np.all(inside <= chord + slack(p, *ends))


def test_dual_domain_is_where_the_slopes_are(loss, targets):
    if loss.joint:
        return
    ends = [np.broadcast_to(end, targets.shape) for end in loss.dual_domain(targets)]
    for end, far in zip(ends, (-FAR, FAR), strict=True):
        slope, bounded = loss.gradient(targets, np.full(targets.shape, far)), np.isfinite(end)
        np.testing.assert_allclose(slope[bounded], end[bounded], rtol=1e-14, atol=1e-14)
        assert np.all(np.sign(far) * slope[~bounded] > 0.2 * FAR)
        assert np.all(np.sign(far) * end[~bounded] > 0)


def test_conjugate_is_infinite_outside_the_dual_domain_only(loss, targets):
    if loss.joint:
        return
    for end, out in zip(loss.dual_domain(targets), (-1.0, 1.0), strict=True):
        end = np.broadcast_to(end, targets.shape)
        y, end = targets[np.isfinite(end)], end[np.isfinite(end)]
        at_end = loss.conjugate(y, end)
        assert np.all(np.isfinite(at_end))
        assert np.all(loss.conjugate(y, end + out * 1e-6 * (1.0 + np.abs(y))) == np.inf)
        rounded = loss.conjugate(y, end + out * 1e-14)  # what rounding does is not held against u
        np.testing.assert_allclose(rounded, at_end, rtol=1e-12, atol=1e-12)
        inside = loss.conjugate(y, end - out * 1e-9)
        np.testing.assert_allclose(inside, at_end, rtol=1e-6, atol=1e-6)


def test_conjugate_of_softmax_lives_on_a_simplex():
    y = np.array([0, 1, 2, 2])
    corners = np.eye(3)[[0, 0, 2, 1]] - np.eye(3)[y]
    np.testing.assert_array_equal(Softmax().conjugate(y, corners), np.zeros(4))
    middle = 1 / 3 - np.eye(3)[y]
    np.testing.assert_allclose(Softmax().conjugate(y, middle), np.full(4, -np.log(3.0)), rtol=1e-14)
    np.testing.assert_allclose(Softmax().conjugate(y, middle + 1e-14 * np.array([1, -1, 1])), -np.log(3.0), rtol=1e-12)
    for move in ([1e-6, 0, 0], [-1e-6, 0, 0], [1e-6, 1e-6, 1e-6]):
        assert np.all(Softmax().conjugate(y, middle + np.array(move)) == np.inf)
    for move in ([1e-6, -1e-6, 0], [-1e-6, 0, 1e-6], [0, 1e-6, -1e-6]):
        outside = Softmax().conjugate(y, corners + np.array(move)) == np.inf
        np.testing.assert_array_equal(outside, np.any(corners + np.eye(3)[y] + np.array(move) < 0, axis=1))


# Balance -------------------------------------------------------------------------------------------------------------


@given(data=st.data())
def test_balance(any_points, data):
    p = any_points(data)
    mass = np.resize(data.draw(hnp.arrays(float, 7, elements=st.floats(0, 1))), len(p.y)) + np.arange(len(p.y)) % 2
    weight = mass / mass.sum()
    u = in_domain(p, data.draw(st.floats(0, 1)))
    balanced = p.loss.balance(p.y, u, weight)
    assert balanced.shape == u.shape
    assert np.all(np.abs(weight @ balanced) <= 1e-14 * (1.0 + np.abs(u).max()))
    if not (p.loss.joint and isinstance(p.loss, Smoothed)):
        assert np.all(np.isfinite(p.loss.conjugate(p.y, balanced)))
    again = p.loss.balance(p.y, balanced, weight)
    np.testing.assert_allclose(again, balanced, rtol=1e-12, atol=1e-12 * (1.0 + np.abs(u).max()))


@given(data=st.data())
def test_balance_shrinks_and_no_more_than_one_sign(points, data):
    p = points(data)
    if p.loss.joint:
        return
    weight = np.full(len(p.y), 1.0 / len(p.y))
    u = in_domain(p, data.draw(st.floats(0, 1)))
    balanced = p.loss.balance(p.y, u, weight)
    heavier = np.sign(weight @ u)
    np.testing.assert_allclose(balanced[u * heavier <= 0], u[u * heavier <= 0], rtol=1e-13, atol=1e-14)
    assert np.all(np.abs(balanced) <= np.abs(u) * (1 + 1e-13))
    assert np.all(balanced * u >= 0)


def test_balance_where_all_slopes_have_one_sign(loss, targets):
    if loss.joint:
        return
    u = np.broadcast_to(np.minimum(0.1, loss.dual_domain(targets)[1]), targets.shape)  # all >= 0
    assert u.any()
    np.testing.assert_array_equal(loss.balance(targets, u, np.full(len(u), 1.0 / len(u))), np.zeros(len(u)))


def test_balance_of_the_null_model_of_softmax():
    rng = np.random.default_rng(0)
    for _ in range(300):  # balanced up to rounding, in which nothing may be divided by nothing
        y, weight = np.concatenate([np.arange(3), rng.integers(0, 3, 5)]), rng.dirichlet(np.ones(8))
        u = np.bincount(y, weight) - np.eye(3)[y]
        np.testing.assert_allclose(Softmax().balance(y, u, weight), u, rtol=1e-12, atol=1e-14)


def test_balance_of_softmax_moves_no_further_than_needed():
    y, weight = np.array([0, 0, 1, 2]), np.full(4, 0.25)
    u = np.array([0.7, 0.2, 0.1]) - np.eye(3)[y]
    balanced = Softmax().balance(y, u, weight) + np.eye(3)[y]
    share, mean = np.array([0.5, 0.25, 0.25]), np.array([0.7, 0.2, 0.1])
    keep = 0.5 / 0.7  # the largest share of the old mean that fits below the class shares
    np.testing.assert_allclose(balanced, np.tile(keep * mean + (share - keep * mean), (4, 1)), rtol=1e-14)
    nothing_of_2 = Softmax().balance(y, u, np.array([0.25, 0.25, 0.5, 0.0])) + np.eye(3)[y]
    np.testing.assert_allclose(nothing_of_2, np.tile([0.5, 0.5, 0.0], (4, 1)), atol=1e-15)


# Values by hand ------------------------------------------------------------------------------------------------------

BY_HAND = [
    (AbsoluteError(), [3.0, 3.0], [-1.0, 0.5], [-3.0, 1.5]),
    (Huber(delta=2.0), [3.0, 0.0], [1.0, -2.0], [3.5, 2.0]),
    (Hinge(), [1.0, -1.0, 1.0], [-1.0, 0.25, 0.0], [-1.0, -0.25, 0.0]),
    (Logistic(), [1.0, -1.0], [-0.5 / np.log(2.0), 0.0], [-1.0, 0.0]),
    (Poisson(), [2.0, 2.0, 0.0], [-2.0, 0.0, 1.0], [2.0 - 2.0 * np.log(2.0), 0.0, -1.0]),
    (Hinge(), [1.0, -1.0], [0.1, -0.1], [np.inf, np.inf]),
    (Poisson(), [2.0, 0.0], [-2.1, -0.1], [np.inf, np.inf]),
]


@pytest.mark.parametrize("loss, y, u, wanted", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_conjugates_by_hand(loss, y, u, wanted):
    np.testing.assert_allclose(loss.conjugate(np.array(y), np.array(u)), wanted, rtol=1e-14, atol=1e-15)
