"""Every loss against its formula, typed in here by hand in exact arithmetic, near and far from zero."""

from decimal import Decimal, localcontext
from itertools import product

import numpy as np
import pytest
from sklearn.metrics import mean_tweedie_deviance

from sklearn_erm.losses import (
    AbsoluteError,
    CrossEntropy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Gamma,
    Hinge,
    Huber,
    InverseGaussian,
    LogCosh,
    Logistic,
    ModifiedHuber,
    Poisson,
    Quantile,
    SmoothedHinge,
    Softmax,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
    SquaredMargin,
    Tweedie,
)

DIGITS = 450
STEP = Decimal(10) ** -30  # of a difference quotient: exact to a double's digits, and to e^-700 beside 1
NEAR = [-20.3, -1.37, -0.62, -0.05, 0.07, 0.33, 1.8, 7.7]
FAR = [-1e4, -5e3, -651.3, -88.8, 43.21, 333.3, 699.0, 5e3, 1e4]


def huber(r, delta):
    """Return ½ r² inside delta, delta (|r| − ½ delta) outside."""
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def pinball(r, q):
    """Return q r⁺ + (1 − q) r⁻."""
    return q * max(r, Decimal(0)) + (1 - q) * max(-r, Decimal(0))


def tube(r, epsilon):
    """Return (|r| − epsilon)⁺."""
    return max(abs(r) - epsilon, Decimal(0))


def log1p(x):
    """Return ln(1 + x), for x too small to be seen beside 1 as well."""
    return x - x * x / 2 if x < Decimal(10) ** (-DIGITS // 2) else (1 + x).ln()


def poisson(y, f):
    """Return half the deviance of counts."""
    return f.exp() - y * f + (y * y.ln() if y > 0 else 0) - y


def tweedie(y, f, power):
    """Return half the unit deviance in e^f."""
    if power == 1:
        return poisson(y, f)
    if power == 2:
        return y * (-f).exp() + f - y.ln() - 1
    of_y = y * y if power == 0 else ((2 - power) * y.ln()).exp() if y > 0 else 0
    at_y = of_y / ((1 - power) * (2 - power))
    return at_y - y * ((1 - power) * f).exp() / (1 - power) + ((2 - power) * f).exp() / (2 - power)


def smoothed_hinge(m, delta):
    """Return 0 beyond the margin, linear below 1 - delta, quadratic between."""
    return Decimal(0) if m >= 1 else (1 - m) ** 2 / (2 * delta) if m >= 1 - delta else 1 - m - delta / 2


FORMULAS = {
    SquaredError: lambda y, f: (y - f) ** 2,
    AbsoluteError: lambda y, f: abs(y - f),
    Huber: lambda y, f, delta, scale: huber(y - f, delta * scale),
    Quantile: lambda y, f, quantile: pinball(y - f, quantile),
    EpsilonInsensitive: lambda y, f, epsilon: tube(y - f, epsilon),
    SquaredEpsilonInsensitive: lambda y, f, epsilon: tube(y - f, epsilon) ** 2,
    Expectile: lambda y, f, expectile: (expectile if y >= f else 1 - expectile) * (y - f) ** 2,
    LogCosh: lambda y, f: abs(y - f) + log1p((-2 * abs(y - f)).exp()) - Decimal(2).ln(),
    Poisson: poisson,
    Gamma: lambda y, f: tweedie(y, f, 2),
    InverseGaussian: lambda y, f: (y - f.exp()) ** 2 / (2 * y * f.exp() ** 2),
    Tweedie: tweedie,
    SquaredMargin: lambda y, f: (1 - y * f) ** 2,
    Hinge: lambda y, f: max(1 - y * f, Decimal(0)),
    SquaredHinge: lambda y, f: max(1 - y * f, Decimal(0)) ** 2,
    SmoothedHinge: lambda y, f, delta: smoothed_hinge(y * f, delta),
    ModifiedHuber: lambda y, f: max(1 - y * f, Decimal(0)) ** 2 if y * f >= -1 else -4 * y * f,
    Exponential: lambda y, f: (-y * f).exp(),
    Logistic: lambda y, f: log1p((-y * f).exp()) / Decimal(2).ln(),
    CrossEntropy: lambda y, f: log1p((-y * f).exp()),
    Softmax: lambda y, *f: log1p(sum((g - f[y]).exp() for j, g in enumerate(f) if j != y)),
}


def formula(loss):
    """Return the formula of a loss as a function of y and the scores, in decimals."""
    parameters = {name: Decimal(value) for name, value in loss.get_params().items()}
    return lambda y, *scores: FORMULAS[type(loss)](y, *scores, **parameters)


def derivatives(function, y, scores, j=0):
    """Return value, first and second derivative in the score j, rounded to doubles."""
    with localcontext() as context:
        context.prec = DIGITS
        y, scores = Decimal(y) if isinstance(y, float) else y, [Decimal(score) for score in scores]
        moved = [[*scores[:j], scores[j] + side * STEP, *scores[j + 1 :]] for side in (-1, 0, 1)]
        low, middle, high = (function(y, *at) for at in moved)
        return [float(x) for x in (middle, (high - low) / (2 * STEP), (high - 2 * middle + low) / STEP**2)]


def test_value_gradient_and_curvature_are_the_formula_s(loss, targets):
    if loss.joint or type(loss) not in FORMULAS:
        return
    for y, eta in product(np.unique(targets), [*NEAR, *FAR]):
        methods = [loss.value, loss.gradient, *([loss.curvature] if loss.has("curvature") else [])]
        answers = [method(np.array([y]), np.array([eta]))[0] for method in methods]
        wanted = derivatives(formula(loss), float(y), [eta])[: len(methods)]
        cancelled = (
            (1e-14 * (1.0 + abs(y * eta) + abs(y)), 1e-15 * abs(y), 0.0) if loss.target == "real" else (0.0,) * 3
        )[: len(methods)]
        rel = 1e-13 + 4e-16 * min(abs(eta), 700.0)  # an exponent's rounding
        for answer, exact, slack in zip(answers, wanted, cancelled, strict=True):
            assert answer == pytest.approx(exact, rel=rel, abs=max(slack, 1e-300)), (loss, y, eta)


@pytest.mark.parametrize("scale", [0.3, 8.0, 500.0, 1e4])
def test_softmax_is_the_formula_near_and_far(scale):
    eta = scale * np.array([[0.11, -0.4, 1.0], [-0.93, -0.9, -1.0], [1.0, 0.999, -1.0]])
    for label in range(3):
        y = np.full(3, label)
        answers = [getattr(Softmax(), name)(y, eta) for name in ("value", "gradient", "curvature")]
        for i in range(3):
            exact = [derivatives(formula(Softmax()), label, eta[i], j) for j in range(3)]
            assert answers[0][i] == pytest.approx(exact[0][0], rel=1e-13, abs=1e-15)
            np.testing.assert_allclose(answers[1][i], [e[1] for e in exact], rtol=1e-14 * (1 + scale), atol=1e-300)
            np.testing.assert_allclose(np.diag(answers[2][i]), [e[2] for e in exact], rtol=1e-13, atol=2e-16)


BY_HAND = [
    (SquaredError(), [1.0, 3.0], [1.0, 1.0], [0.0, 4.0]),
    (AbsoluteError(), [1.0, 3.0], [1.0, 5.0], [0.0, 2.0]),
    (Huber(), [0.0, 0.0], [1.0, 2.35], [0.5, 1.35 * 1.675]),
    (Quantile(quantile=0.2), [1.0, 0.0], [0.0, 1.0], [0.2, 0.8]),
    (EpsilonInsensitive(), [0.0, 0.0], [0.1, -1.1], [0.0, 1.0]),
    (SquaredEpsilonInsensitive(epsilon=0.5), [0.0, 0.0], [0.4, 2.5], [0.0, 4.0]),
    (Poisson(), [0.0, 1.0, 4.0], [0.0, 0.0, np.log(4.0)], [1.0, 0.0, 0.0]),
    (Expectile(expectile=0.2), [1.0, 0.0], [0.0, 2.0], [0.2, 3.2]),
    (LogCosh(), [0.0, 0.0, 1.0], [0.0, np.log(2.0), 1e4], [0.0, np.log(1.25), 9999.0 - np.log(2.0)]),
    (Gamma(), [1.0, 2.0, np.e], [0.0, np.log(2.0), 0.0], [0.0, 0.0, np.e - 2.0]),
    (InverseGaussian(), [1.0, 2.0, 1.0], [0.0, np.log(2.0), np.log(2.0)], [0.0, 0.0, 0.125]),
    (Tweedie(), [1.0, 0.0, 4.0], [0.0, np.log(4.0), 0.0], [0.0, 4.0, 2.0]),
    (Tweedie(power=0), [1.0, -1.0], [0.0, np.log(3.0)], [0.0, 8.0]),
    (SmoothedHinge(), [1.0, -1.0, 1.0, 1.0], [0.0, 1.0, 0.75, 2.0], [0.75, 1.75, 0.0625, 0.0]),
    (ModifiedHuber(), [1.0, -1.0, 1.0, 1.0], [0.0, 1.0, -3.0, 2.0], [1.0, 4.0, 12.0, 0.0]),
    (Exponential(), [1.0, -1.0], [0.0, np.log(3.0)], [1.0, 3.0]),
    (SquaredMargin(), [1.0, -1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 4.0, 0.0]),
    (Hinge(), [1.0, -1.0, 1.0], [0.0, 1.0, 1.0], [1.0, 2.0, 0.0]),
    (SquaredHinge(), [1.0, -1.0, 1.0], [0.0, 1.0, 2.0], [1.0, 4.0, 0.0]),
    (Logistic(), [1.0, -1.0, 1.0], [0.0, 0.0, -np.log(3.0)], [1.0, 1.0, 2.0]),
    (CrossEntropy(), [1.0, -1.0], [0.0, -np.log(3.0)], [np.log(2.0), np.log(4.0 / 3.0)]),
    (Softmax(), [0, 3], [[7.0] * 4, [0.0] * 4], [np.log(4.0), np.log(4.0)]),
]


@pytest.mark.parametrize("loss, y, eta, wanted", BY_HAND, ids=[repr(case[0]) for case in BY_HAND])
def test_values_by_hand(loss, y, eta, wanted):
    np.testing.assert_allclose(loss.value(np.array(y), np.array(eta)), wanted, rtol=1e-15, atol=1e-15)


SAME = [
    (EpsilonInsensitive(epsilon=0.0), AbsoluteError(), 1.0),
    (SquaredEpsilonInsensitive(epsilon=0.0), SquaredError(), 1.0),
    (Quantile(quantile=0.5), AbsoluteError(), 0.5),
    (Huber(delta=1e9), SquaredError(), 0.5),
    (Expectile(), SquaredError(), 0.5),
    (SmoothedHinge(delta=2.0), ModifiedHuber(), 0.25),
    (Logistic(), CrossEntropy(), 1.0 / np.log(2.0)),
]


@pytest.mark.parametrize("loss, other, factor", SAME, ids=[repr(case[0]) for case in SAME])
def test_special_cases_are_the_same_loss(loss, other, factor):
    y, eta = (a.ravel() for a in np.meshgrid([-1.0, 1.0], [-3.0, -1.0, 0.0, 0.5, 1.0, 4.0]))
    for name in ("value", "gradient", *filter(other.has, ["curvature"])):
        wanted = factor * getattr(other, name)(y, eta)
        np.testing.assert_allclose(getattr(loss, name)(y, eta), wanted, rtol=1e-13, atol=1e-15)
    for name in ("prox", "prox_derivative"):
        wanted = getattr(other, name)(y, eta, 0.7 * factor)
        np.testing.assert_allclose(getattr(loss, name)(y, eta, 0.7), wanted, rtol=1e-13, atol=1e-15)
    u = other.gradient(y, eta)
    np.testing.assert_allclose(loss.conjugate(y, factor * u), factor * other.conjugate(y, u), rtol=1e-13, atol=1e-15)


def test_softmax_of_two_classes_is_the_cross_entropy_of_the_difference():
    y, margin = np.array([0, 1, 0, 1]), np.array([0.3, -2.0, 40.0, -700.0])
    eta = np.column_stack([np.zeros(4), margin])
    sign = 2.0 * y - 1.0
    np.testing.assert_allclose(Softmax().value(y, eta), CrossEntropy().value(sign, margin), rtol=1e-14, atol=1e-15)
    np.testing.assert_allclose(Softmax().gradient(y, eta)[:, 1], CrossEntropy().gradient(sign, margin), rtol=1e-14)
    null = Softmax().null(y, np.array([0.1, 0.2, 0.3, 0.4]))
    assert null[1] - null[0] == pytest.approx(CrossEntropy().null(sign, np.array([0.1, 0.2, 0.3, 0.4])))
    assert null.sum() == pytest.approx(0.0, abs=1e-15)


DEVIANCES = [(Tweedie(power=0), 0), (Tweedie(power=1), 1), (Poisson(), 1), (Tweedie(power=1.1), 1.1), (Tweedie(), 1.5)]
DEVIANCES += [(Tweedie(power=2), 2), (Gamma(), 2), (Tweedie(power=2.5), 2.5), (InverseGaussian(), 3)]


@pytest.mark.parametrize("loss, power", DEVIANCES, ids=[repr(case[0]) for case in DEVIANCES])
def test_deviances_are_half_of_scikit_learn_s(loss, power):
    y = np.array([0.0, 0.01, 0.5, 1.0, 7.0, 300.0])
    y, eta = (a.ravel() for a in np.meshgrid(y[loss.in_domain(y)], [-4.0, -0.1, 0.0, 2.0, 5.0]))
    wanted = [0.5 * mean_tweedie_deviance([t], [np.exp(f)], power=power) for t, f in zip(y, eta, strict=True)]
    np.testing.assert_allclose(loss.value(y, eta), wanted, rtol=1e-12, atol=1e-11)


def exact_deviance(y, eta, power):
    """Return half the unit deviance, its first and its second derivative, each inf where no double holds it."""
    with localcontext() as context:
        context.prec = 60
        y, f, p = Decimal(y), Decimal(eta), Decimal(power)
        high, low = ((2 - p) * f).exp(), y * ((1 - p) * f).exp()
        answers = [float(answer) for answer in (tweedie(y, f, p), high - low, (2 - p) * high + (p - 1) * low)]
    return [answer if abs(answer) < 1.7e308 else np.copysign(np.inf, answer) for answer in answers]


@pytest.mark.parametrize("loss, power", DEVIANCES, ids=[repr(case[0]) for case in DEVIANCES])
def test_deviances_nearly_fitted_lose_no_digits_in_any_unit(loss, power):
    for y in (1e-12, 7.3e-5, 1.0, 3.0, 7.55684068e10, 1e12):
        for move in (1e-12, -1e-8, 3e-5, -0.02, 0.09, -0.11, 0.4):
            eta = np.log(y) + move
            value, gradient, curvature = exact_deviance(y, eta, power)
            answers = [method(np.array([y]), np.array([eta]))[0] for method in (loss.value, loss.gradient)]
            digits = 1e-12 + 2e-16 / abs(move)  # ln y is known to some 1e-17
            assert 0 < answers[0] == pytest.approx(value, rel=digits, abs=0)
            assert answers[1] == pytest.approx(gradient, rel=1e-13, abs=1e-14 * curvature)
            if loss.has("conjugate"):  # u eta - l(eta), of which u ln y carries no information
                conjugate = loss.conjugate(np.array([y]), np.array([gradient]))[0]
                left = gradient * eta - value
                assert conjugate == pytest.approx(left, rel=1e-13, abs=1e-14 * abs(gradient))


@pytest.mark.parametrize("loss, power", DEVIANCES, ids=[repr(case[0]) for case in DEVIANCES])
def test_deviances_are_right_wherever_doubles_hold_them(loss, power):
    for y in (1e-300, 1e-160, 1e-40, 1e40, 1e150, 1e300):
        for eta in (-690.0, -400.0, -92.3, 0.1, 92.3, 400.0, 690.0):
            exact = exact_deviance(y, eta, power)
            answers = [
                method(np.array([y]), np.array([eta]))[0] for method in (loss.value, loss.gradient, loss.curvature)
            ]
            np.testing.assert_allclose(answers, exact, rtol=5e-13, atol=1e-299)


@pytest.mark.parametrize("power, other", [(1, Poisson()), (2, Gamma()), (3, InverseGaussian())])
def test_powers_with_a_name_are_the_same_loss(power, other):
    loss = Tweedie(power=power)
    y, eta = (a.ravel() for a in np.meshgrid([0.3, 1.0, 12.0], [-3.0, -1.0, 0.0, 0.5, 4.0]))
    for name in ("value", "gradient", "curvature"):
        wanted = getattr(other, name)(y, eta)
        np.testing.assert_allclose(getattr(loss, name)(y, eta), wanted, rtol=1e-12, atol=1e-14)
    assert (loss.convex, loss.domain, loss.attained) == (other.convex, other.domain, other.attained)
    assert loss.null(y, np.full(15, 1 / 15)) == pytest.approx(other.null(y, np.full(15, 1 / 15)))
    for name in ("prox", "prox_derivative", "conjugate"):
        assert loss.has(name) == other.has(name) == (power < 3)
    if other.convex:
        assert [np.broadcast_to(end, 15).tolist() for end in loss.dual_domain(y)] == [
            np.broadcast_to(end, 15).tolist() for end in other.dual_domain(y)
        ]
        for name in ("prox", "prox_derivative"):
            np.testing.assert_allclose(getattr(loss, name)(y, eta, 0.7), getattr(other, name)(y, eta, 0.7), rtol=1e-14)
        u = other.gradient(y, eta)
        np.testing.assert_allclose(loss.conjugate(y, u), other.conjugate(y, u), rtol=1e-14)


def test_powers_that_no_distribution_has_are_refused():
    for power in (1e-9, 0.5, 0.999):
        with pytest.raises(ValueError, match=r"Tweedie\(power=.*no distribution.*must be 0 or lie in \[1, 3\]"):
            Tweedie(power=power).validate()
    for power in (-1e-9, 3.1, np.nan):
        with pytest.raises(ValueError, match=r"\[0, 3\]"):
            Tweedie(power=power).validate()
    for power in (0, 1, 1.5, 2, 3, np.float64(2.5)):
        Tweedie(power=power).validate()


def test_null_model_of_least_squares_with_log_link_is_finite_for_a_negative_mean():
    y, weight = np.array([-3.0, 1.0]), np.full(2, 0.5)
    assert -40 < Tweedie(power=0).null(y, weight) < -30
    assert Tweedie(power=0).null(-y, weight) == pytest.approx(0.0)
