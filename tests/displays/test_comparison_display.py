"""Comparison in a picture: risks, and how far each is above the best."""

import numpy as np
import pytest
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm.displays import ComparisonDisplay
from sklearn_erm.estimators import ERMClassifier, ERMRegressor, risk
from sklearn_erm.losses import Exponential, Huber, Quantile


def test_comparison_shows_risks(two_classes):
    X, y = two_classes
    losses = ["hinge", "log_loss", Exponential()]
    models = {str(loss): make_pipeline(StandardScaler(), ERMClassifier(loss, alpha=0.01)).fit(X, y) for loss in losses}
    display = ComparisonDisplay.from_estimators(models, X, y, losses=["hinge", "squared"])
    for i, model in enumerate(models.values()):
        for j, loss in enumerate(("hinge", "squared")):
            assert display.risks[i, j] == pytest.approx(risk(model, X, y, loss))
            assert display.text_[i, j].get_text().startswith(f"{display.risks[i, j]:.3g}\n")
    assert [text.get_text() for text in display.ax_.get_yticklabels()] == list(models)
    assert [text.get_text() for text in display.ax_.get_xticklabels()] == ["hinge", "squared"]
    assert np.all(display.excess_.min(axis=0) == 0)
    assert display.im_.get_array().max() <= 100


def test_trained_on_a_loss_is_best_under_it(regression):
    losses = ["squared_error", "absolute_error", Quantile(0.8), Huber(delta=30.0)]
    models = [ERMRegressor(loss, penalty=None, tol=1e-8).fit(*regression) for loss in losses]
    display = ComparisonDisplay.from_estimators(models, *regression)
    assert list(display.losses) == ["squared_error", "absolute_error", "Quantile(quantile=0.8)", "Huber(delta=30.0)"]
    np.testing.assert_array_equal(np.diag(display.excess_), 0.0)
    assert np.all(display.excess_[~np.eye(4, dtype=bool)] > 0)
    assert all("best" in display.text_[i, i].get_text() for i in range(4))


def test_comparison_survives_zero_and_infinity():
    display = ComparisonDisplay(risks=[[0.0, np.inf], [1.0, 2.0], [0.0, 1e9]], models="abc", losses="xy").plot()
    assert display.excess_.tolist() == [[0, np.inf], [np.inf, 0], [0, 1e9 / 2 - 1]]
    display.figure_.draw_without_rendering()
    assert [text.get_text() for text in display.text_[:, 0]] == ["0\nbest", "1\n×inf", "0\nbest"]


def test_comparison_of_the_wrong_shape_is_named(regression):
    with pytest.raises(ValueError, match="a row per model and a column per loss"):
        ComparisonDisplay(risks=np.ones((2, 2)), models=["a"], losses=["b", "c"]).plot()
    with pytest.raises(ValueError, match="pass losses="):
        ComparisonDisplay.from_estimators([StandardScaler()], *regression)


def test_text_is_light_on_dark(regression):
    display = ComparisonDisplay(risks=[[1.0], [3.0]], models="ab", losses="x").plot(cmap="viridis")
    assert [text.get_color() for text in display.text_[:, 0]] == ["white", "black"]
    assert [text.get_color() for text in display.plot().text_[:, 0]] == ["black", "white"]
