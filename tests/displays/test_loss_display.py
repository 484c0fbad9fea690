"""Losses in a picture: their values from the definition, on axes that fit them."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm.displays import LossDisplay
from sklearn_erm.estimators import ERMClassifier, ERMRegressor
from sklearn_erm.losses import Hinge, Huber, MarginLoss, MultiQuantile, Quantile, Softmax

STEP = 0.7


def drawable(loss):
    """Return a loss if it is a function of one variable."""
    if loss.joint and loss.target == "real":
        pytest.skip("several scores")
    return loss


def drawn_at(loss):
    """Return a target in the domain of a loss."""
    return 1.0 if loss.in_domain(np.array([1.0]))[0] else 2.0


def values(loss, kind, t, y):
    """Return a loss as a function of margin, residual or score, from its definition: another way than the display's."""
    if kind == "residual":
        return loss.value(t + 3.0, np.full_like(t, 3.0))  # y - f = t
    if kind == "score":
        return loss.value(np.full_like(t, y), t)
    if loss.joint:
        return loss.value(np.zeros_like(t), np.stack([t + 0.3, np.full_like(t, 0.3)], axis=1))  # f_0 - f_1 = t
    return loss.value(-np.ones_like(t), -t)


def test_values_are_those_of_the_loss(loss):
    y = drawn_at(drawable(loss))
    display = LossDisplay.from_losses(loss, y=y)
    (line,) = display.lines_
    assert line.get_label() == str(loss).removesuffix("()")
    t = line.get_xdata()
    np.testing.assert_allclose(line.get_ydata(), values(loss, display.kind, t, y), rtol=1e-9, atol=1e-9)


def test_kinds(loss):
    kind = LossDisplay.from_losses(drawable(loss), y=drawn_at(loss)).kind
    assert kind == ("margin" if loss.target != "real" else "score" if loss.domain.startswith("y") else kind)
    linked = loss.target == "real" and loss.inverse_link(np.zeros(1))[0] != 0
    assert (kind == "score") == linked


def test_derivatives_are_those_of_the_values(loss):
    y = drawn_at(drawable(loss))
    value = LossDisplay.from_losses(loss, y=y)
    slope = LossDisplay.from_losses(loss, y=y, quantity="derivative")
    t, f = value.lines_[0].get_data()
    wanted, found = np.gradient(f, t), slope.lines_[0].get_ydata()
    kinks = np.abs(np.diff(found, prepend=found[0], append=found[-1])).max() > 0.1
    near = np.isclose(found, wanted, rtol=2e-2, atol=2e-2 * max(1.0, np.abs(found).max()))
    assert np.mean(near) > (0.98 if kinks else 0.999)
    assert slope.zero_one_ is None


def test_envelopes_are_minima_over_the_axis(loss):
    if not drawable(loss).has("prox"):
        pytest.skip("no prox")
    y = drawn_at(loss)
    display = LossDisplay.from_losses(loss, y=y, envelope=STEP)
    t = display.lines_[0].get_xdata()[::50]
    z = np.linspace(t[0] - 12, t[-1] + 12, 60001)
    costs = values(loss, display.kind, z, y) + (z - t[:, None]) ** 2 / (2 * STEP)
    (line,) = display.envelope_lines_
    np.testing.assert_allclose(line.get_ydata()[::50], costs.min(axis=1), rtol=1e-3, atol=5e-4)


def test_every_loss_bends_in_the_picture():
    t = LossDisplay.from_losses([Huber(delta=50.0), "absolute_error"]).t
    assert t[-1] > 50
    assert LossDisplay.from_losses([Huber(delta=50.0)], limits=(-1, 2)).t[[0, -1]].tolist() == [-1, 2]


def test_flat_losses_are_not_crushed_by_steep_ones():
    display = LossDisplay.from_losses(["hinge", "logistic", "exponential"])
    top = display.ax_.get_ylim()[1]
    hinge, _, exponential = (line.get_ydata().max() for line in display.lines_)
    assert hinge < top < exponential


def test_legend_and_0_1_loss():
    display = LossDisplay.from_losses({"support vectors": "hinge", "again": Hinge()})
    said = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert said == ["0-1", "support vectors", "again"]
    assert LossDisplay.from_losses("squared_error").zero_one_ is None
    assert display.plot(zero_one=False).zero_one_ is None


def test_joint_losses_are_those_of_two_classes():
    one, other = LossDisplay.from_losses(["crammer_singer", "hinge"]).curves.values()
    np.testing.assert_array_equal(one, other)
    one, other = LossDisplay.from_losses([Softmax(), "log_loss"]).curves.values()
    np.testing.assert_allclose(one, other, atol=1e-12)
    one, other = LossDisplay.from_losses(
        [Softmax(), "log_loss"], quantity="derivative", envelope=0.3
    ).envelopes.values()
    np.testing.assert_allclose(one, other, atol=1e-8)


class CostlyMiss(MarginLoss):
    """A hinge that counts twice for y = +1: no function of the margin."""

    smooth = False

    def value(self, y, eta):
        return np.where(y > 0, 2.0, 1.0) * np.maximum(1.0 - y * eta, 0.0)

    def gradient(self, y, eta):
        return np.where(y * eta < 1.0, -y * np.where(y > 0, 2.0, 1.0), 0.0)


def test_losses_of_signs_that_are_not_of_the_margin_are_drawn_for_one():
    display = LossDisplay.from_losses(CostlyMiss(), y=-1)
    assert display.kind == "score"
    assert "y = -1" in display.ax_.get_xlabel()
    np.testing.assert_allclose(display.curves["CostlyMiss"], np.maximum(1 + display.t, 0))


@pytest.mark.parametrize(
    "losses, options, message",
    [
        (["hinge", "squared_error"], {}, "do not share an axis .*margin: hinge; .*residual: squared_error"),
        (["poisson", "squared_error"], {}, "do not share an axis"),
        (MultiQuantile(), {}, "couples several scores"),
        ("poisson", {"y": -1}, "does not admit y=-1: its targets are y >= 0"),
        (Huber(scale="mad"), {}, "takes its scale from a fit"),
        ("inverse_gaussian", {"envelope": 1.0}, "a prox, which inverse_gaussian lacks"),
        ("hinge", {"envelope": 0.0}, "envelope=0.0 must be a positive number"),
        ("hinge", {"quantity": "slope"}, "quantity='slope' must be"),
        ("hing", {}, "Did you mean 'hinge'"),
        (Quantile(1.5), {}, "quantile must lie in"),
    ],
)
def test_what_cannot_be_drawn_is_said(losses, options, message):
    with pytest.raises(ValueError, match=message):
        LossDisplay.from_losses(losses, **options)


def test_loss_of_an_estimator(regression):
    X, y = regression
    assert list(LossDisplay.from_estimator(ERMClassifier("squared_hinge")).curves) == ["squared_hinge"]
    model = make_pipeline(StandardScaler(), ERMRegressor(Huber(scale="mad"))).fit(X, y)
    display = LossDisplay.from_estimator(model)
    assert display.t[-1] > model[-1].loss_.knot
    with pytest.raises(TypeError, match="LossDisplay: Ridge has no loss; pass an ERMClassifier"):
        LossDisplay.from_estimator(Ridge())
