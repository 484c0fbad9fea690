"""Convergence in a picture: the gaps that trace tells of."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from sklearn_erm.displays import ConvergenceDisplay
from sklearn_erm.estimators import ERMClassifier, ERMRegressor, ERMRegressorCV, trace


def test_convergence_shows_the_trace(two_classes):
    models = [ERMClassifier(loss, alpha=0.01, tol=tol) for loss, tol in (("hinge", 1e-6), ("log_loss", 1e-4))]
    display = ConvergenceDisplay.from_estimator(models, *two_classes)
    assert list(display.lines_) == ["hinge + l2", "log_loss + l2"]
    assert display.ax_.get_yscale() == "log"
    assert sorted(line.get_ydata()[0] for line in display.tol_lines_) == [1e-6, 1e-4]
    for model, drawn in zip(models, display.lines_.values(), strict=True):
        steps = trace(model, *two_classes)
        (line,) = drawn
        np.testing.assert_array_equal(line.get_xdata(), [step.iteration for step in steps])
        gaps = np.maximum([step.gap for step in steps], np.finfo(float).eps)
        np.testing.assert_allclose(line.get_ydata(), gaps, rtol=1e-6)
        assert line.get_ydata()[-1] <= model.tol


def test_convergence_in_seconds(two_classes):
    display = ConvergenceDisplay.from_estimator({"svm": ERMClassifier("hinge")}, *two_classes, x_axis="seconds")
    (line,) = display.lines_["svm"]
    assert np.all(np.diff(line.get_xdata()) > 0)
    assert line.get_xdata().tolist() == [step.seconds for step in display.traces["svm"]]
    assert "seconds" in display.ax_.get_xlabel()
    with pytest.raises(ValueError, match="x_axis='hours' must be"):
        display.plot(x_axis="hours")


def test_convergence_of_several_problems(three_classes):
    display = ConvergenceDisplay.from_estimator(ERMClassifier("hinge"), *three_classes)
    (drawn,) = display.lines_.values()
    assert len(drawn) == 3
    (steps,) = display.traces.values()
    for k, line in enumerate(drawn):
        assert line.get_xdata().tolist() == [step.iteration for step in steps if step.problem == k]
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == ["hinge + l2, 3 problems"]


@pytest.mark.parametrize("x_axis", ["iterations", "seconds"])
def test_one_iteration_is_a_dot_with_room_and_figures(x_axis):
    X, y = load_diabetes(return_X_y=True)
    display = ConvergenceDisplay.from_estimator({"ridge": ERMRegressor()}, X, y, x_axis=x_axis)
    (line,), (step,) = display.lines_["ridge"], display.traces["ridge"]
    assert display.ax_.get_xlim() == (0.0, 2.0 * line.get_xdata()[0])
    (text,) = display.ax_.get_legend().get_texts()
    assert text.get_text() == f"ridge: gap {max(step.gap, np.finfo(float).eps):.1e} after 1 iteration"
    more = ConvergenceDisplay.from_estimator({"": ERMRegressor(), "lasso": ERMRegressor("huber", "l1")}, X, y)
    assert more.ax_.get_xlim()[1] > max(map(len, more.traces.values())) > 2.0


def test_no_iterations_to_show():
    X, y = load_diabetes(return_X_y=True)
    with pytest.raises(
        TypeError, match=r"ERMRegressorCV makes many fits, .* Pass ERMRegressor with alpha=search.alpha_"
    ):
        ConvergenceDisplay.from_estimator(ERMRegressorCV(), X, y)
    with pytest.raises(TypeError, match=r"Ridge tells of no iterations. Pass an ERMClassifier or ERMRegressor"):
        ConvergenceDisplay.from_estimator(Ridge(), X, y)
