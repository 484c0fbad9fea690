"""Losses asked about some samples, or strip by strip, say what they say about all at once."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sklearn_erm.losses import ResidualLoss
from sklearn_erm.losses.constants import constant_minimiser
from sklearn_erm.losses.near_zero import times_log
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.losses.strips import strips
from sklearn_erm.samples.state import State
from sklearn_erm.samples.strips import each, opened, total

from .problems import LOSS_EXAMPLES, N_CLASSES, n_scores, name_of, targets

N = 23


def variants():
    """Every loss, and each smooth stand-in for one."""
    split = [(Smoothed, loss) for loss in LOSS_EXAMPLES if loss.has("prox")]
    return [(None, loss) for loss in LOSS_EXAMPLES] + split


def make(kind, loss, rng):
    k = n_scores(loss)
    shape = (N, k or N_CLASSES) if loss.joint else (N,)
    y, eta = targets(loss, rng.normal(size=N)), rng.normal(size=shape)
    if kind is None:
        return loss, y, eta
    return Smoothed(loss, State(loss.into_dual_domain(y, 0.1 * rng.normal(size=shape))), 0.7), y, eta


@pytest.fixture(params=variants(), ids=lambda pair: ("Smoothed " if pair[0] else "") + name_of(pair[1]))
def case(request):
    return make(*request.param, np.random.default_rng(4))


@pytest.mark.parametrize("method", ["value", "gradient", "curvature", "conjugate"])
def test_strip_by_strip(case, method, monkeypatch):
    loss, y, eta = case
    if method in ("curvature", "conjugate") and not loss.has(method):
        return
    argument = opened(loss).gradient(y, eta) if method == "conjugate" else eta
    weight = np.random.default_rng(1).dirichlet(np.ones(N)) * (np.arange(N) != 5)
    whole = getattr(opened(loss), method)(y, argument)
    monkeypatch.setattr(sys.modules["sklearn_erm.losses.strips"], "STRIP", 7)
    assert len(strips(eta)) > 2
    np.testing.assert_allclose(each(loss, method, y, argument), whole, rtol=1e-12, atol=1e-14)
    if method in ("value", "conjugate"):
        wanted = np.sum(weight @ whole)
        assert total(loss, method, weight, y, argument) == pytest.approx(wanted, rel=1e-12)


def test_nothing_counts_where_the_weight_is_zero():
    class Infinite(type(LOSS_EXAMPLES[0])):
        def value(self, y, eta):
            return np.where(y > 0, np.inf, 1.0)

    y = np.array([1.0, -1.0, -1.0])
    assert total(Infinite(), "value", np.array([0.0, 0.5, 0.25]), y, y) == 0.75


def test_second_derivatives_of_some_samples(case):
    loss, y, eta = opened(case[0]), *case[1:]
    if not loss.has("curvature"):
        return
    curvature, rows = loss.curvature(y, eta), np.array([3, 4, 11])
    direction = np.random.default_rng(2).normal(size=eta[rows].shape)
    wanted = np.einsum("nij,nj->ni", curvature[rows], direction) if loss.joint else curvature[rows] * direction
    np.testing.assert_allclose(loss.bending(y, eta)(direction, rows), wanted, rtol=1e-10, atol=1e-14)
    own = np.einsum("njj->nj", curvature) if loss.joint else curvature
    np.testing.assert_allclose(loss.own_curvature(y, eta), own, rtol=1e-10, atol=1e-14)
    if loss.has("curvature_factors"):
        d, v = loss.curvature_factors(y, eta)
        whole = d[:, :, None] * np.eye(d.shape[1]) - v[:, :, None] * v[:, None, :]
        np.testing.assert_allclose(whole, curvature, rtol=0, atol=1e-14)


@given(st.floats(0, 1e300))
def test_times_log(a):
    wanted = a * np.log(a) if a > 0 else 0.0
    assert times_log(np.array(a)) == pytest.approx(wanted, rel=1e-14, abs=1e-300)


class Steep(ResidualLoss):
    """e^2r - 2r - 1: slopes of all sizes."""

    def phi(self, t):
        return np.exp(2 * t) - 2 * t - 1

    def phi_gradient(self, t):
        return 2 * np.exp(2 * t) - 2


REAL = [loss for loss in LOSS_EXAMPLES if loss.target == "real" and loss.domain == "finite" and not loss.joint]


@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([1e-6, 1.0, 1e6]), columns=st.sampled_from([(), (2,)]))
@pytest.mark.parametrize("loss", [*REAL, Steep()], ids=name_of)
def test_best_constant(loss, seed, scale, columns):
    rng = np.random.default_rng(seed)
    scale = 5.0 if isinstance(loss, Steep) else scale  # rounding of its values hides what small ones do
    y, weight = scale * rng.standard_normal(size=(N, *columns)), rng.dirichlet(np.ones(N))

    def risk(b):
        return weight @ loss.value(y, np.broadcast_to(b, y.shape))

    b = constant_minimiser(loss, y, weight, y.min(axis=0), y.max(axis=0))
    for shift in (1e-3, 1e-6):
        assert np.all(risk(b) <= np.minimum(risk(b - shift * scale), risk(b + shift * scale)) * (1 + 1e-12))
