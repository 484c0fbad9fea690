"""Fits that are in print."""

from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import linprog

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import Quantile

# Brownlee, Statistical Theory and Methodology in Science and Engineering, 2nd ed., 1965, p. 454; R's stackloss
AIR_FLOW = [80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50, 56, 70]
WATER_TEMPERATURE = [27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19, 20, 20, 20]
ACID_CONCENTRATION = [89, 88, 90, 87, 87, 87, 93, 93, 87, 80, 89, 88, 82, 93, 89, 86, 72, 79, 80, 82, 91]
STACK_LOSS = np.array([42, 37, 37, 28, 18, 18, 19, 20, 15, 14, 14, 13, 11, 12, 8, 7, 8, 8, 9, 15, 15], dtype=float)
STACK = np.column_stack([AIR_FLOW, WATER_TEMPERATURE, ACID_CONCENTRATION]).astype(float)

# Engel, 1857, as given by Koenker, Bassett, Econometrica 50(1), 1982; the data `engel` of R's quantreg.
ENGEL = np.loadtxt(Path(__file__).with_name("engel.csv"), delimiter=",", skiprows=1)

# Dalal, Fowlkes, Hoadley, "Risk analysis of the space shuttle", JASA 84, 1989: degrees Fahrenheit, O-rings in distress
TEMPERATURE = [66, 70, 69, 68, 67, 72, 73, 70, 57, 63, 70, 78, 67, 53, 67, 75, 70, 81, 76, 79, 75, 76, 58]
DISTRESS = [0, 1, 0, 0, 0, 0, 0, 0, 1, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 1]

# Dobson, An Introduction to Generalized Linear Models, 1990, p. 93: counts by outcome (3) and treatment (3); R's ?glm.
DOBSON = np.array([18, 17, 15, 20, 10, 20, 25, 13, 12])


def regression(loss, X, y):
    return ERMRegressor(loss, penalty=None, tol=1e-10).fit(X, y)


def quantile_by_linear_programming(X, y, quantile):
    """Intercept and coefficients from min q 1'u + (1 - q) 1'v subject to X w + b + u - v = y; u, v >= 0."""
    n, p = X.shape
    cost = np.concatenate([np.zeros(p + 1), np.full(n, quantile), np.full(n, 1 - quantile)])
    equations = np.hstack([np.ones((n, 1)), X, np.eye(n), -np.eye(n)])
    bounds = [(None, None)] * (p + 1) + [(0, None)] * (2 * n)
    return linprog(cost, A_eq=equations, b_eq=y, bounds=bounds).x[: p + 1]


def test_stackloss_least_absolute_deviations():
    """R: quantreg::rq(stack.loss ~ ., 0.5, stackloss); Bloomfield, Steiger, Least Absolute Deviations, 1983."""
    X, y = STACK, STACK_LOSS
    published = [-39.68985507, 0.83188406, 0.57391304, -0.06086957]
    for loss in ("absolute_error", Quantile(0.5)):
        model = regression(loss, X, y)
        np.testing.assert_allclose([model.intercept_, *model.coef_], published, rtol=0, atol=1e-8)
    np.testing.assert_allclose(quantile_by_linear_programming(X, y, 0.5), published, rtol=0, atol=1e-8)
    assert 21 * regression("absolute_error", X, y).risk_ == pytest.approx(42.08116, abs=1e-5)


def test_stackloss_least_squares():
    """R: lm(stack.loss ~ ., stackloss)."""
    model = regression("squared_error", STACK, STACK_LOSS)
    np.testing.assert_allclose([model.intercept_, *model.coef_], [-39.9197, 0.7156, 1.2953, -0.1521], rtol=0, atol=5e-5)
    assert 21 * model.risk_ == pytest.approx(178.83, abs=5e-3)


@pytest.mark.parametrize(
    "quantile, intercept, slope",
    [
        (0.1, 110.1415742, 0.4017658),
        (0.25, 95.4835396, 0.4741032),
        (0.5, 81.4822474, 0.5601806),
        (0.75, 62.3965855, 0.6440141),
        (0.9, 67.3508721, 0.6862995),
    ],
)
def test_engel_quantiles(quantile, intercept, slope):
    """R: quantreg::rq(foodexp ~ income, tau, engel); Koenker, Hallock, J. Economic Perspectives 15(4), 2001."""
    X, y = ENGEL[:, :1], ENGEL[:, 1]
    model = regression(Quantile(quantile), X, y)
    np.testing.assert_allclose([model.intercept_, *model.coef_], [intercept, slope], rtol=1e-6)
    np.testing.assert_allclose(quantile_by_linear_programming(X, y, quantile), [intercept, slope], rtol=1e-6)


def test_engel_least_squares():
    """R: lm(foodexp ~ income, engel)."""
    model = regression("squared_error", ENGEL[:, :1], ENGEL[:, 1])
    np.testing.assert_allclose([model.intercept_, *model.coef_], [147.47539, 0.48518], rtol=0, atol=5e-6)


def test_challenger():
    """Logit of the probability of distress: 15.0429 - 0.2322 temperature."""
    X = np.array(TEMPERATURE, dtype=float)[:, None]
    for loss, unit in (("log_loss", 1.0), ("logistic", np.log(2.0))):
        model = ERMClassifier(loss, penalty=None, tol=1e-10).fit(X, DISTRESS)
        np.testing.assert_allclose([model.intercept_[0], model.coef_[0, 0]], [15.0429, -0.2322], rtol=0, atol=5e-5)
        assert 2 * 23 * unit * model.risk_ == pytest.approx(20.315, abs=5e-4)


def test_dobson():
    """R: glm(counts ~ outcome + treatment, family = poisson()), its deviance 5.1291."""
    outcome, treatment = np.tile([0, 1, 2], 3), np.repeat([0, 1, 2], 3)
    X = np.column_stack([outcome == 1, outcome == 2, treatment == 1, treatment == 2]).astype(float)
    model = regression("poisson", X, DOBSON)
    coefficients = [3.044522, -0.454255, -0.292987, 0.0, 0.0]
    np.testing.assert_allclose([model.intercept_, *model.coef_], coefficients, rtol=0, atol=5e-7)
    assert 2 * 9 * model.risk_ == pytest.approx(5.129141, abs=5e-7)
