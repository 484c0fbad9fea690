"""Mistakes in losses, penalties and calls of one's own: told by name, with the cure, before any work."""

import re
import warnings
from functools import partial

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from sklearn_erm import ERMClassifier, ERMRegressor, erm_path
from sklearn_erm.losses import Gamma, Huber, Loss, MarginLoss, ResidualLoss
from sklearn_erm.penalties import L1, Fused, Penalty
from sklearn_erm.testing import check_loss, check_penalty

from .own_classes import Absolute, Blockwise, Ell1, Joint, LinEx, Ridge

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


class Kinked(Quartic):
    smooth = False

    def value(self, y, eta):
        return np.abs(y - eta)

    def gradient(self, y, eta):
        return np.sign(eta - y)

    def prox(self, y, eta, step):
        return eta - np.clip(eta - y, -step, step)


class Distance(Loss):
    """Without a conjugate: nothing but its own prox would tell that the fit is wrong."""

    target, smooth = "real", False

    def value(self, y, eta):
        return np.abs(y - eta)

    def gradient(self, y, eta):
        return np.sign(eta - y)

    def prox(self, y, eta, step):
        return eta + np.clip(y - eta, -step, step)


class HalfWay(Distance):
    def prox(self, y, eta, step):
        return 0.5 * eta


def test_a_prox_that_is_no_minimiser():
    with pytest.raises(ValueError, match=r"HalfWay.prox.*the minimiser of value.*check_loss"):
        ERMRegressor(HalfWay(), "l2", alpha=0.01).fit(X, Y)
    own = ERMRegressor(Distance(), "l2", alpha=0.01).fit(X, Y)
    assert own.objective_ == pytest.approx(ERMRegressor("absolute_error", "l2", alpha=0.01).fit(X, Y).objective_, 1e-5)


class Size(Penalty):
    def value(self, W):
        return float(np.abs(W).sum())

    def prox(self, W, step):
        return np.sign(W) * np.maximum(np.abs(W) - step, 0)


class Square(Penalty):
    smooth = True

    def value(self, W):
        return float(np.sum(W**2))

    def gradient(self, W):
        return 2.0 * W


class PerCoefficient(Size):
    def value(self, W):
        return np.abs(W)


class Undefined(Size):
    def value(self, W):
        return np.nan


class Shorter(Size):
    def prox(self, W, step):
        return super().prox(W, step)[1:]


def own(good, signature, answer, found):
    """A class that answers one thing for one method, and the words that it is refused with."""
    name = signature.split("(")[0]
    wrong = type("Own", (good,), {name: lambda self, *args: answer})()
    return wrong, rf"Own\.{re.escape(signature)} must return .*{found}.*testing.check_"


@pytest.mark.parametrize(
    ("loss", "words"),
    [
        (OneNumber(), r"OneNumber.value\(y, eta\) must return an array of shape \(5,\) .*got float \d.*check_loss"),
        (Transposed(), r"Transposed.gradient\(y, eta\) .* of shape \(5,\) .*got shape \(5, 1\).*check_loss"),
        (NotANumber(), r"NotANumber.value.*real numbers for eta .*got \[nan.*check_loss"),
        (Words(), r"Words.value.*real numbers for eta .*got \['much'.*check_loss"),
        own(Quartic, "value(y, eta)", None, r"an array .*got NoneType None"),
        own(Quartic, "gradient(y, eta)", [0.0] * 5, r"an array .*got list \[0\.0"),
        own(Quartic, "curvature(y, eta)", 12.0, r"shape \(5,\) .*got float 12\.0"),
        own(Quartic, "conjugate(y, u)", 0.0, r"shape \(5,\) .*got float 0\.0"),
        own(Kinked, "prox(y, eta, step)", 0.0, r"shape \(5,\) .*got float 0\.0"),
        own(Kinked, "prox(y, eta, step)", np.zeros((5, 1)), r"shape \(5,\) .*got shape \(5, 1\)"),
        own(Kinked, "prox(y, eta, step)", np.full(5, np.nan), r"real numbers .*got \[nan"),
        own(Kinked, "prox_derivative(y, eta, step)", 0.5, r"shape \(5,\) .*got float 0\.5"),
        own(Quartic, "in_domain(y)", np.ones(30), r"booleans in the shape of y, got shape \(30,\) and dtype float64"),
        own(Quartic, "in_domain(y)", True, r"booleans in the shape of y, got shape \(\)"),
    ],
)
def test_mistakes_of_a_loss(loss, words):
    with pytest.raises(ValueError, match=words):
        ERMRegressor(loss, "l2").fit(X, Y)


@pytest.mark.parametrize(
    ("penalty", "words"),
    [
        (PerCoefficient(), r"PerCoefficient.value\(W\) must return one number .*got shape \(3,\).*check_penalty"),
        (Undefined(), r"Undefined.value\(W\).*real numbers .*got \[nan\].*check_penalty"),
        (Shorter(), r"Shorter.prox\(W, step\) .* of shape \(3,\) .*got shape \(2,\).*check_penalty"),
        own(Size, "value(W)", None, r"real numbers .*got \[None\]"),
        own(Size, "prox(W, step)", None, r"an array .*got NoneType None"),
        own(Size, "prox(W, step)", np.full(3, np.nan), r"real numbers .*got \[nan"),
        own(Size, "prox_derivative(W, step)", np.ones(3), r"a pair \(d, shaped as W.*got shape \(3,\)"),
        own(Size, "conjugate(V)", np.zeros(3), r"one number .*got shape \(3,\)"),
        own(Square, "gradient(W)", 2.0, r"an array .*got float 2\.0"),
        own(Square, "curvature(W)", np.ones(3), r"a Curvature \(of sklearn_erm.penalties.*got shape \(3,\)"),
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
    ERMRegressor(Kinked(), Square(), alpha=0.1, tol=1e-4).fit(X, Y)


class ScoreIsTheMean(Quartic):
    """Poisson's deviance without a link: at a score of 0 it is 0 / 0 where y is 0."""

    def value(self, y, eta):
        return eta - y * np.log(eta)

    def gradient(self, y, eta):
        return 1.0 - y / eta


class OnTheSimplex(Penalty):
    """Infinite where the coefficients do not sum to one, as at W = 0."""

    def value(self, W):
        return 0.0 if np.all(W >= 0) and abs(W.sum() - 1.0) <= 1e-9 else np.inf

    def prox(self, W, step):
        decreasing = np.sort(W)[::-1]
        excess = (np.cumsum(decreasing) - 1.0) / np.arange(1, len(W) + 1)
        return np.maximum(W - excess[np.flatnonzero(decreasing > excess)[-1]], 0.0)


class SteepAtZero(Size):
    """A gradient that is wanted where there is one only: 0 / 0 at 0."""

    def gradient(self, W):
        return W / np.abs(W)


@pytest.mark.parametrize("order", [1, -1])
def test_a_loss_need_not_be_defined_at_zero(order):
    target = np.sort(np.arange(30) % 7.0)[::order]
    ERMRegressor(ScoreIsTheMean(), "l2", alpha=10.0).fit(np.abs(X), target)
    with pytest.raises(ValueError, match=r"ScoreIsTheMean.value\(y, eta\) must return real numbers"):
        ERMRegressor(ScoreIsTheMean(), "l2", fit_intercept=False).fit(np.abs(X), np.zeros(30))


def test_a_penalty_need_not_be_finite_or_differentiable_everywhere():
    coef = ERMRegressor("squared_error", OnTheSimplex(), alpha=1.0).fit(X, Y).coef_
    assert coef.sum() == pytest.approx(1.0)
    ERMRegressor("squared_error", SteepAtZero(), alpha=0.1).fit(X, Y)


def test_joint_losses_and_several_targets_are_looked_at_in_their_shapes():
    ERMClassifier(Joint(), "l2", alpha=0.1).fit(X, np.arange(30) % 3)
    wrong, words = own(Joint, "gradient(y, eta)", np.zeros(5), r"an array of shape \(5, 3\) .*got shape \(5,\)")
    with pytest.raises(ValueError, match=words):
        ERMClassifier(wrong, "l2").fit(X, np.arange(30) % 3)
    wrong, words = own(Size, "value(W)", np.zeros(2), r"one number for W of shape \(3, 2\), got shape \(2,\)")
    wrong.couples_outputs = True
    with pytest.raises(ValueError, match=words):
        ERMRegressor("squared_error", wrong).fit(X, np.column_stack([Y, Y]))


def test_looking_writes_on_nothing():
    before = Y.copy()
    with pytest.raises(ValueError, match=r"Own\.value"):
        ERMRegressor(type("Own", (Quartic,), {"value": lambda self, y, eta: y.fill(9.0)})(), "l2").fit(X, Y)
    np.testing.assert_array_equal(Y, before)


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


# -- methods that are not there ----------------------------------------------------------------------------------------


class OfResiduals(ResidualLoss):
    def phi(self, t):
        return t**2

    def phi_gradient(self, t):
        return 2.0 * t


class OfMargins(MarginLoss):
    def phi(self, t):
        return np.log1p(np.exp(-t))

    def phi_gradient(self, t):
        return -1.0 / (1.0 + np.exp(t))


class TwoScores(Loss):
    joint, n_scores = True, 2

    def value(self, y, eta):
        return np.sum((eta - y[:, None]) ** 2, axis=1)

    def gradient(self, y, eta):
        return 2.0 * (eta - y[:, None])

    def null(self, y, weight):
        return np.full(2, weight @ y)


class Clipped(Size):
    """Not convex; a line above it where it is flat would do for a majorant."""

    convex = False

    def majorise(self, W):
        return L1()


OWN_LOSSES = [Quartic, Distance, OfResiduals, OfMargins, TwoScores, Joint, LinEx, Absolute]
OWN_PENALTIES = [Size, Square, Clipped, Ell1, Blockwise, Ridge]


def without(cls):
    """Every class that is cls without one of its methods, and which."""
    base = next(base for base in cls.__mro__ if base.__module__.startswith("sklearn_erm."))
    written = {name for one in cls.__mro__[: cls.__mro__.index(base)] for name in vars(one)}
    for name in sorted(name for name in written if hasattr(base, name) and not name.startswith("_")):
        if callable(getattr(base, name)) or name == "n_scores":
            yield type(cls.__name__, (cls,), {name: getattr(base, name)}), name


def fitted(loss, penalty, **more):
    """A small fit that says nothing of how far it came."""
    y = Y if loss.target == "real" else np.arange(30) % (3 if loss.joint else 2)
    estimator = ERMRegressor if loss.target == "real" else ERMClassifier
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return estimator(loss, penalty, alpha=0.1, tol=1e-3, max_iter=30, **more).fit(X, y)


def needed(cls):
    """The methods that a class cannot do without, if it has them."""
    kinks = set() if cls.smooth else {"prox"} if cls.convex else {"majorise"}
    if issubclass(cls, Loss):
        return {"value", "gradient", "phi", "phi_gradient", "null", "n_scores"} | kinks
    return {"value"} | kinks | ({"gradient"} if cls.smooth or cls.blockwise else set())


@pytest.mark.parametrize("cls", [*OWN_LOSSES, *OWN_PENALTIES], ids=lambda cls: cls.__name__)
def test_a_method_that_is_not_there_is_named_or_not_needed(cls):
    fit = (lambda own, **more: fitted(own, L1(), **more)) if issubclass(cls, Loss) else partial(fitted, Quartic())
    fit(cls())
    for lacking, name in without(cls):
        if name in needed(cls):
            with pytest.raises((TypeError, ValueError), match=rf"{cls.__name__}.* no {name}\b.*write (it|{name})"):
                fit(lacking())
        else:
            fit(lacking())
            if cls is not Clipped:
                fit(lacking(), bounds=(0, None))


def test_a_loss_without_a_minimum_needs_no_second_derivative():
    class Vanishing(OfMargins):
        attained = False

    for penalty in (None, Fused(), L1(weights=[0.0, 1.0, 1.0])):
        fitted(Vanishing(), penalty)


def test_a_method_that_is_not_there_is_named_in_paths_too():
    for lacking, name in without(Square):
        with pytest.raises((TypeError, ValueError), match=rf"Square.* has no {name}"):
            erm_path(X, Y, loss="huber", penalty=lacking())
