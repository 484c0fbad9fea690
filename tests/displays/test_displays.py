"""Displays show what they were given, on the axes that they were given, legibly."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from sklearn_erm.displays import ComparisonDisplay, ConvergenceDisplay, CVDisplay, LossDisplay, PathDisplay
from sklearn_erm.displays.drawing import named, spread, style
from sklearn_erm.estimators import ERMRegressor, ERMRegressorCV, erm_path, risk, trace


def displays(regression, search):
    """Every display, as a function that draws it."""
    X, y = regression
    models = [ERMRegressor(loss, alpha=0.1).fit(X, y) for loss in ("squared_error", "absolute_error")]
    return [
        lambda ax: LossDisplay.from_losses(["hinge", "logistic"], ax=ax),
        lambda ax: PathDisplay.from_estimator(ERMRegressor(penalty="l1"), X, y, alphas=8, ax=ax),
        lambda ax: CVDisplay.from_estimator(search, ax=ax),
        lambda ax: ConvergenceDisplay.from_estimator(models[1], X, y, ax=ax),
        lambda ax: ComparisonDisplay.from_estimators(models, X, y, ax=ax),
    ]


def lines(ax):
    """What a display drew."""
    return [*ax.lines, *ax.images, *ax.collections]


def test_given_axes_are_used_and_new_ones_are_made(regression, search):
    for draw in displays(regression, search):
        figure, (left, right) = pyplot.subplots(1, 2)
        display = draw(right)
        assert display.ax_ is right
        assert display.figure_ is figure
        assert lines(right)
        assert not lines(left)
        again = display.plot(left)
        assert again is display
        assert display.ax_ is left
        assert len(lines(left)) == len(lines(right))
        assert display.plot().figure_ is not figure
        pyplot.close("all")


def test_a_small_picture_has_labels_and_nothing_is_cut_off(regression, search):
    for draw in displays(regression, search):
        display = draw(None)
        assert display.ax_.get_xlabel()
        assert display.ax_.get_ylabel()
        figure = display.figure_
        figure.set(size_inches=(6, 4), dpi=100)
        figure.draw_without_rendering()
        drawn = figure.get_tightbbox()  # in inches
        assert min(drawn.x0, drawn.y0, 6 - drawn.x1, 4 - drawn.y1) > -0.02
        assert display.ax_.get_window_extent().width > 250


def test_keywords_style_the_lines():
    display = LossDisplay.from_losses(["hinge", "logistic"], lw=5, color="red")
    assert {(line.get_linewidth(), line.get_color()) for line in display.lines_} == {(5.0, "red")}


def test_models_inside_of_pipelines_and_searches_are_found(regression):
    X, y = regression
    plain = ERMRegressor("huber", "l1", alpha=1.0)
    inside = make_pipeline(StandardScaler(), GridSearchCV(make_pipeline(MinMaxScaler(), plain), {}, cv=2)).fit(X, y)
    scaled = MinMaxScaler().fit_transform(StandardScaler().fit_transform(X))
    plain.fit(scaled, y)
    one, other = (PathDisplay.from_estimator(*of, alphas=3) for of in ((inside, X, y), (plain, scaled, y)))
    np.testing.assert_array_equal(one.coefs, other.coefs)
    one, other = (ConvergenceDisplay.from_estimator(*of) for of in ((inside, X, y), (plain, scaled, y)))
    gaps = ([step.gap for step in display.traces["huber + l1"]] for display in (one, other))
    np.testing.assert_array_equal(*gaps)
    assert one.tols == other.tols
    one, other = (ComparisonDisplay.from_estimators([of[0]], *of[1:]) for of in ((inside, X, y), (plain, scaled, y)))
    np.testing.assert_array_equal(one.risks, other.risks)
    assert one.losses == other.losses == ["huber"]
    assert list(LossDisplay.from_estimator(inside).curves) == list(LossDisplay.from_estimator(plain).curves)


def test_without_matplotlib_the_extra_is_named(regression, search, monkeypatch):
    draws = displays(regression, search)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for draw in draws:
        with pytest.raises(ImportError, match=r"Display draws with matplotlib.*sklearn-erm\[examples\]"):
            draw(None)


def test_matplotlib_is_imported_to_draw_only():
    code = "import sys, sklearn_erm.displays; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_28_lines_differ():
    assert len({(own["color"], own["linestyle"]) for own in map(style, range(28))}) == 28


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.floats(0.001, 0.2))
def test_labels_keep_their_distance(positions, gap):
    positions = np.array(positions)
    moved = spread(positions, gap, 0.0, 1.0)
    room = min(gap, 1 / max(len(positions) - 1, 1))
    assert np.all(np.diff(np.sort(moved)) >= room - 1e-9)
    assert np.all((moved >= -1e-12) & (moved <= 1 + 1e-12))
    order = np.argsort(positions, kind="stable")
    assert np.all(np.diff(moved[order]) >= 0)
    if np.all(np.diff(positions[order]) >= gap):
        np.testing.assert_allclose(moved, positions, atol=1e-12)


def test_repeated_names_are_numbered():
    assert list(named(["hinge", "hinge", "squared"], str)) == ["hinge", "hinge (2)", "squared"]


def test_weights_and_offsets_count(regression):
    X, y = regression
    rng = np.random.default_rng(0)
    more = {"sample_weight": rng.integers(0, 3, len(y)), "offset": 50 * rng.normal(size=len(y))}
    model = ERMRegressor("absolute_error", "l1", alpha=1.0)
    path = erm_path(X, y, loss="absolute_error", penalty="l1", alphas=4, **more)
    drawn = PathDisplay.from_estimator(model, X, y, alphas=4, **more)
    np.testing.assert_allclose(drawn.coefs, path.coefs, rtol=1e-9, atol=1e-12)
    drawn = ConvergenceDisplay.from_estimator({"": model}, X, y, **more)
    assert [step.objective for step in drawn.traces[""]] == [step.objective for step in trace(model, X, y, **more)]
    fitted = model.fit(X, y)
    for name in ("absolute_error", "squared_error"):
        drawn = ComparisonDisplay.from_estimators([fitted], X, y, losses=name, **more)
        assert drawn.risks.item() == pytest.approx(risk(fitted, X, y, name, **more))


def test_nothing_to_draw(regression, search):
    for draw, parameter in (
        (lambda: LossDisplay.from_losses([]), "LossDisplay: losses"),
        (lambda: ConvergenceDisplay.from_estimator({}, *regression), "ConvergenceDisplay: estimator"),
        (lambda: ComparisonDisplay.from_estimators([], *regression), "ComparisonDisplay: estimators"),
        (lambda: ComparisonDisplay.from_estimators([search], *regression, losses=[]), "losses"),
    ):
        with pytest.raises(ValueError, match=f"{parameter} is empty; it must hold one at least"):
            draw()


def test_one_alpha_and_none():
    """A logarithmic axis has room for one alpha, and none for 0; nothing to label is no mistake."""
    X, y = load_diabetes(return_X_y=True)
    PathDisplay.from_path(erm_path(X, y, alphas=1))
    for alphas in (1, [1.0, 0.1, 0.0]):
        CVDisplay.from_estimator(ERMRegressorCV(penalty="l1", alphas=alphas, cv=3).fit(X, y))
    pyplot.close("all")
