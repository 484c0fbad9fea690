"""Laws of proximal operators, and of the Moreau envelope (``Smoothed``) that is made of them."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from sklearn.base import clone

from sklearn_erm.losses import AbsoluteError, CrossEntropy, Hinge, Poisson, Softmax
from sklearn_erm.losses.roots import increasing_root
from sklearn_erm.losses.smoothed import Smoothed

H = 1e-6  # of a difference quotient
FAR = np.array([-1e4, -987.6, -50.0, -3.3, 0.25, 1.0, 47.1, 1234.5, 1e4])
STEPS = np.array([1e-4, 0.02, 1.0, 33.0, 100.0, 1e4, 1e6])


@pytest.fixture(autouse=True)
def _the_loss_has_it(request):
    """Skip the laws of the prox where the loss leaves it out."""
    if "loss" in request.fixturenames and not request.getfixturevalue("loss").has("prox"):
        pytest.skip("no prox")


def bisect_prox(loss, y, eta, step):
    """Return the zero of z - eta + step * gradient(z), which increases, by bisection: good for one column only."""
    low, high = np.full(eta.shape, -1e9), np.full(eta.shape, 1e9)
    for _ in range(140):
        middle = 0.5 * (low + high)
        above = middle - eta + step * loss.gradient(y, middle) > 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return 0.5 * (low + high)


def objective(p, z, step):
    """Return what the prox minimises."""
    return p.loss.value(p.y, z) + 0.5 * p.dot(z - p.eta, z - p.eta) / step


@given(data=st.data())
def test_prox_is_what_bisection_finds(points, data):
    p = points(data)
    if p.loss.joint:
        return
    z = p.loss.prox(p.y, p.eta, p.step)
    np.testing.assert_allclose(z, bisect_prox(p.loss, p.y, p.eta, p.step), rtol=1e-13, atol=1e-13)


def test_prox_is_accurate_far_away_and_for_every_step(loss, targets):
    if loss.joint:
        return
    y, eta, step = (a.ravel() for a in np.meshgrid(np.unique(targets), FAR, STEPS))
    z = loss.prox(y, eta, step)
    wanted = bisect_prox(loss, y, eta, step)
    assert np.all(np.abs(z - wanted) <= 1e-14 * (1.0 + np.abs(y) + np.abs(eta) + np.abs(wanted)))


def test_prox_of_softmax_is_what_newton_finds():
    rng = np.random.default_rng(0)
    loss = Softmax()
    for step in (0.05, 1.0, 20.0):
        for label in np.arange(4):
            y, eta = np.array([label]), 5.0 * rng.standard_normal((1, 4))
            z = minimize(
                lambda z, y=y, eta=eta, step=step: loss.value(y, z[None])[0] + 0.5 * np.sum((z - eta) ** 2) / step,
                eta[0],
                jac=lambda z, y=y, eta=eta, step=step: (loss.gradient(y, z[None]) + (z - eta) / step)[0],
                hess=lambda z, y=y, step=step: loss.curvature(y, z[None])[0] + np.eye(4) / step,
                method="trust-exact",
                options={"gtol": 1e-10},
            ).x
            np.testing.assert_allclose(loss.prox(y, eta, step)[0], z, rtol=1e-8, atol=1e-8)


def test_prox_of_softmax_is_accurate_far_away_and_for_every_step():
    rng = np.random.default_rng(0)
    for step in STEPS:
        for scale in (1.0, 100.0, 1e4):
            y, eta = np.arange(30) % 3, scale * rng.uniform(-1, 1, (30, 3))
            z = Softmax().prox(y, eta, step)
            miss = z - eta + step * Softmax().gradient(y, z)
            bend = np.eye(3) + step * Softmax().curvature(y, z)
            error = np.linalg.solve(bend, miss[:, :, None])[:, :, 0]
            assert np.all(np.abs(error) <= 1e-14 * (scale + step))


@given(data=st.data())
def test_no_point_does_better_than_the_prox(points, data):
    p = points(data)
    z, step = p.loss.prox(p.y, p.eta, p.step), p.step
    least, size = objective(p, z, step), np.abs(p.loss.value(p.y, z)) + p.dot(p.eta, p.eta) / step
    for rival in (p.other, p.eta, z + 1e-2 * p.direction, z - 1e-4 * p.direction):
        excess = objective(p, rival, step) - least - 0.5 * p.dot(rival - z, rival - z) / step
        assert np.all(excess >= -1e-13 * (1.0 + size + np.abs(objective(p, rival, step))))


@given(data=st.data())
def test_prox_ends_where_the_subdifferential_says(points, data):
    p = points(data)
    step = np.maximum(p.step, 0.5)
    z = p.loss.prox(p.y, p.eta, step)
    u = p.loss.into_dual_domain(p.y, (p.eta - z) / p.along(step))
    np.testing.assert_allclose((p.eta - z) / p.along(step), u, rtol=1e-12, atol=1e-12)
    sides = p.loss.value(p.y, z) + p.loss.conjugate(p.y, u), p.dot(u, z)
    np.testing.assert_allclose(*sides, rtol=1e-12, atol=1e-12 * (1.0 + np.abs(p.eta).max()))


@given(data=st.data())
def test_prox_does_not_move_points_apart(points, data):
    p = points(data)
    here, there = (p.loss.prox(p.y, eta, p.step) for eta in (p.eta, p.other))
    moved, apart = here - there, p.eta - p.other
    assert np.all(p.dot(moved, moved) <= p.dot(moved, apart) + 1e-12 * (1.0 + p.dot(apart, apart)))


@given(data=st.data())
def test_prox_derivative_is_the_limit_of_difference_quotients(points, data):
    p = points(data)
    ends = [p.loss.prox(p.y, p.eta + h * p.direction, p.step) for h in (-H, 0.0, H)]
    left, right = (p.dot(p.direction, after - before) / H for before, after in pairwise(ends))
    derivative = p.loss.prox_derivative(p.y, p.eta, p.step)
    moved = np.einsum("nij,nj->ni", derivative, p.direction) if p.loss.joint else derivative * p.direction
    slack = 1e-8 * (1.0 + np.abs(p.y) + np.abs(ends[1] if not p.loss.joint else p.eta.max(axis=1)) + p.step)
    bent = p.dot(p.direction, moved)
    assert np.all((bent >= np.minimum(left, right) - slack) & (bent <= np.maximum(left, right) + slack))
    assert np.all((derivative >= 0) & (derivative <= 1)) or p.loss.joint
    assert np.mean(np.abs(left - right) > 1e-3) < 0.5


@given(data=st.data())
def test_step_is_one_number_or_one_per_sample(points, data):
    p = points(data)
    for name in ("prox", "prox_derivative"):
        method = getattr(p.loss, name)
        together = method(p.y, p.eta, p.step)
        for step in np.unique(p.step):
            alone = method(p.y, p.eta, float(step))
            np.testing.assert_allclose(together[p.step == step], alone[p.step == step], rtol=1e-13, atol=1e-13)


def test_roots_take_few_steps():
    calls = []

    def function(z):
        calls.append(z)
        return z + np.exp(z) - np.array([-5.0, 0.0, 3.0, 20.0]), 1.0 + np.exp(z)

    z = increasing_root(function, np.full(4, -50.0), np.full(4, 50.0), np.array([-4.0, 0.0, 1.0, 4.0]))
    np.testing.assert_allclose(z + np.exp(z), [-5.0, 0.0, 3.0, 20.0], rtol=1e-15, atol=1e-15)
    assert len(calls) <= 8


# The Moreau envelope -------------------------------------------------------------------------------------------------


@given(data=st.data(), step=st.floats(0.1, 10))
def test_envelope_is_the_least_of_what_it_is_made_of(points, data, step):
    p = points(data)
    multiplier = p.loss.gradient(p.y, p.other)
    here = Smoothed(p.loss, multiplier, step).value(p.y, p.eta)

    def split(z):
        """Return the loss at z and what it costs that z is not eta."""
        gap = p.eta - z
        return p.loss.value(p.y, z) + p.dot(multiplier, gap) + 0.5 * p.dot(gap, gap) / step

    size = 1.0 + np.abs(here) + p.dot(p.eta, p.eta) / step + p.dot(multiplier, multiplier) * step
    best = split(p.loss.prox(p.y, p.eta + step * multiplier, step))
    assert np.all(np.abs(here - best) <= 1e-12 * size)
    for z in (p.eta, p.other, p.eta + p.direction):
        assert np.all(here <= split(z) + 1e-12 * (size + np.abs(split(z))))


@given(data=st.data(), step=st.floats(0.1, 10))
def test_gradient_of_the_envelope_is_the_next_multiplier(points, data, step):
    p = points(data)
    multiplier = p.loss.gradient(p.y, p.other)
    u = Smoothed(p.loss, multiplier, step).gradient(p.y, p.eta)
    z = p.loss.prox(p.y, p.eta + step * multiplier, step)
    size = 1.0 + np.abs(multiplier) + np.abs(p.eta) + np.abs(z)
    assert np.all(np.abs(u - multiplier - (p.eta - z) / step) <= 1e-13 * size / step)
    if not p.loss.joint:  # there rounding leaves the domain of the conjugate
        scale = np.abs(p.loss.value(p.y, z)) + np.abs(u * z) + size
        assert np.all(np.abs(p.loss.value(p.y, z) + p.loss.conjugate(p.y, u) - u * z) <= 1e-12 * scale / step)


@given(data=st.data())
def test_envelope_tends_to_the_loss(points, data):
    p = points(data)
    multiplier, slope = p.loss.gradient(p.y, p.other), p.loss.gradient(p.y, p.eta)
    exact = p.loss.value(p.y, p.eta)
    for step in (1.0, 1e-2, 1e-4, 1e-8):
        gap = exact - Smoothed(p.loss, multiplier, step).value(p.y, p.eta)
        bound = 0.5 * step * p.dot(slope - multiplier, slope - multiplier)
        squares = sum(p.dot(each, each) for each in (slope, multiplier, p.eta))
        slack = 1e-12 * (1.0 + np.abs(exact) + squares)
        assert np.all((gap >= -slack) & (gap <= bound + slack))


def test_multipliers_stay_in_the_dual_domain_whatever_rounding_does(loss, targets):
    if loss.joint:
        return
    y, eta = (a.ravel() for a in np.meshgrid(targets, np.linspace(-97.3, 101.9, 50)))
    for step in (1e-3, 1e-6):
        u = Smoothed(loss, np.zeros(y.shape), step).gradient(y, eta)
        low, high = loss.dual_domain(y)
        assert np.all((u >= low) & (u <= high))
        assert np.all(np.isfinite(loss.conjugate(y, u)))


def test_envelope_is_curved_on_the_kink_only():
    eta = np.array([-3.0, 0.5, 0.9, 3.0])
    smoothed = Smoothed(Hinge(), np.zeros(4), 0.5)
    np.testing.assert_allclose(smoothed.curvature(np.ones(4), eta), [0.0, 2.0, 2.0, 0.0])
    np.testing.assert_allclose(smoothed.gradient(np.ones(4), eta), [-1.0, -1.0, -0.2, 0.0], atol=1e-15)
    np.testing.assert_allclose(smoothed.value(np.ones(4), eta), [3.75, 0.25, 0.01, 0.0], atol=1e-15)
    assert smoothed.smooth
    assert not Hinge.smooth


def test_envelope_is_a_loss(loss):
    smoothed = Smoothed(loss, np.array([0.5, -0.25]), 2.0)
    copy = clone(smoothed)
    assert copy.loss is not loss
    assert (copy.loss.get_params(), copy.step) == (loss.get_params(), 2.0)
    np.testing.assert_array_equal(copy.multiplier, smoothed.multiplier)
    assert repr(loss) in repr(smoothed)
    assert smoothed.joint == loss.joint
    y = np.resize([1.0], 4)
    assert all(np.array_equal(*ends) for ends in zip(smoothed.dual_domain(y), loss.dual_domain(y), strict=True))


# Values by hand ------------------------------------------------------------------------------------------------------


def test_prox_by_hand():
    eta = np.array([-2.0, 0.0, 0.25, 0.6, 3.0])
    np.testing.assert_allclose(AbsoluteError().prox(0.0 * eta, eta, 0.5), [-1.5, 0.0, 0.0, 0.1, 2.5], atol=1e-15)
    np.testing.assert_allclose(Hinge().prox(np.ones(5), eta, 0.5), [-1.5, 0.5, 0.75, 1.0, 3.0], atol=1e-15)
    np.testing.assert_allclose(Hinge().prox(-np.ones(5), eta, 0.5), [-2.0, -0.5, -0.25, 0.1, 2.5], atol=1e-15)
    assert Poisson().prox(np.array([1.0]), np.array([0.0]), 0.3)[0] == pytest.approx(0.0, abs=1e-15)
    # at t = -size / 2 the root is 0, however long the step; a safeguarded Newton method may cycle there
    size = np.array([1.0, 100.0, 1e4, 1e8])
    np.testing.assert_array_equal(CrossEntropy().prox(np.ones(4), -0.5 * size, size), np.zeros(4))
