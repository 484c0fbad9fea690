"""Mistakes in losses, penalties and calls of one's own: told by name, with the cure, before any work."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.bayes import alpha_from_prior, prior_from_alpha
from sklearn_erm.losses import Gamma, Huber, Loss, Poisson
from sklearn_erm.penalties import L1, L2, ElasticNet, Penalty, Sum
from sklearn_erm.testing import check_loss, check_penalty

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 3))
Y = X @ [1.0, -1.0, 0.0] + 0.1 * RNG.normal(size=30)


class Quartic(Loss):
    target = "real"

    def value(self, y, eta):
        return (y - eta) ** 4

    def gradient(self, y, eta):
        return -4 * (y - eta) ** 3


class OneNumber(Quartic):
    def value(self, y, eta):
        return float(np.mean((y - eta) ** 4))


class Transposed(Quartic):
    def gradient(self, y, eta):
        return super().gradient(y, eta)[:, None]


class NotANumber(Quartic):
    def value(self, y, eta):
        return np.log(-np.abs(y - eta) - 1)


class Words(Quartic):
    def value(self, y, eta):
        return np.full(len(y), "much")


class Size(Penalty):
    def value(self, W):
        return float(np.abs(W).sum())

    def prox(self, W, step):
        return np.sign(W) * np.maximum(np.abs(W) - step, 0)


class PerCoefficient(Size):
    def value(self, W):
        return np.abs(W)


class Undefined(Size):
    def value(self, W):
        return np.nan


class Shorter(Size):
    def prox(self, W, step):
        return super().prox(W, step)[1:]


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (OneNumber(), r"OneNumber.value\(y, eta\) must return shape \(5,\) .*got shape \(\).*check_loss"),
        (Transposed(), r"Transposed.gradient\(y, eta\) must return shape \(5,\) .*got shape \(5, 1\).*check_loss"),
        (NotANumber(), r"NotANumber.value.*real numbers, got \[nan.*check_loss"),
        (Words(), r"Words.value.*real numbers, got \['much'.*check_loss"),
    ],
)
def test_mistakes_of_a_loss(loss, words):
    with pytest.raises(ValueError, match=words):
        ERMRegressor(loss, "l2").fit(X, Y)


@pytest.mark.parametrize(
    ("penalty", "words"),
    [
        (PerCoefficient(), r"PerCoefficient.value\(W\) must return one number .*got shape \(3,\).*check_penalty"),
        (Undefined(), r"Undefined.value\(W\).*real numbers, got \[nan\].*check_penalty"),
        (Shorter(), r"Shorter.prox\(W, step\) must return shape \(3,\) .*got shape \(2,\).*check_penalty"),
        (0.5 * Shorter() + L1(), "Shorter.prox"),
    ],
)
@pytest.mark.parametrize("limits", [{}, {"bounds": (0, None)}])
def test_mistakes_of_a_penalty(penalty, words, limits):
    with pytest.raises(ValueError, match=words):
        ERMRegressor("squared_error", penalty, **limits).fit(X, Y)


def test_nothing_is_wrong_with_good_ones():
    ERMRegressor(Quartic(), Size(), alpha=0.1, tol=1e-4).fit(X, Y)
    ERMClassifier("hinge", Size(), alpha=0.1).fit(X, Y > 0)


class Slanted(Quartic):
    def gradient(self, y, eta):
        return 4 * (y - eta) ** 3


def test_wrong_gradient_is_not_blamed_on_the_solver():
    with pytest.warns(UserWarning, match=r"write curvature for loss=Slanted\(\); check_loss"):
        ERMRegressor(Slanted(), "l2", alpha=0.1).fit(X, Y)


@pytest.mark.parametrize("thing", ["gamma", L1(), Gamma, None])
def test_check_loss_wants_an_instance(thing):
    with pytest.raises(TypeError, match=r"check_loss\(.*pass an instance of a subclass of Loss"):
        check_loss(thing)


@pytest.mark.parametrize("thing", ["l1", Gamma(), L1, None])
def test_check_penalty_wants_an_instance(thing):
    with pytest.raises(TypeError, match=r"check_penalty\(.*pass an instance of a subclass of Penalty"):
        check_penalty(thing)


def test_a_loss_that_looks_for_its_scale_keeps_the_laws():
    check_loss(Huber(scale="mad"))


# -- penalties as numbers ----------------------------------------------------------------------------------------------


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


@pytest.mark.parametrize("penalty", [L1(), L2()])
def test_prior_of_a_multiple(penalty):
    known = {"n_samples": 40, "noise_variance": 4.0}
    alpha = alpha_from_prior("squared_error", penalty, prior_variance=0.25, **known)
    assert alpha_from_prior("squared_error", 3 * penalty, prior_variance=0.25, **known) == pytest.approx(alpha / 3)
    assert prior_from_alpha("squared_error", 3 * penalty, alpha=alpha / 3, **known) == pytest.approx(0.25)


@pytest.mark.parametrize("penalty", [L1() + L2(), 2 * ElasticNet()])
def test_no_prior_of_a_sum(penalty):
    with pytest.raises(ValueError, match="not a prior whose variance is known"):
        alpha_from_prior("squared_error", penalty, n_samples=40, prior_variance=0.25, noise_variance=4.0)


# -- rows of weight zero -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("loss", [Gamma(), Poisson()])
@pytest.mark.parametrize("kind", [np.asarray, sparse.csr_array])
def test_target_outside_the_domain_at_weight_zero(loss, kind):
    target, weight = np.exp(Y), np.ones(30)
    target[[3, 7]], weight[[3, 7]] = -1.0, 0.0
    kept = weight > 0
    whole = ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X), target, weight)
    part = ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X[kept]), target[kept])
    np.testing.assert_allclose(whole.coef_, part.coef_, rtol=1e-12)
    assert target[3] == -1.0
    with pytest.raises(ValueError, match=r"row 3 is -1\.0, row 7 is -1\.0"):
        ERMRegressor(loss, "l2", alpha=0.1).fit(kind(X), target)
