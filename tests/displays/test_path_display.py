"""Paths in a picture: the coefficients of erm_path, named where lines end, counted above."""

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.text import Text
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm.displays import PathDisplay
from sklearn_erm.estimators import ERMClassifier, ERMRegressor, erm_path
from sklearn_erm.losses import Huber


def overlaps(texts):
    """Return the pairs of texts that overlap in the picture."""
    texts[0].figure.draw_without_rendering()
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]  # without the line to it
    return [(a, b) for i, (a, one) in enumerate(boxes) for b, two in boxes[:i] if one.overlaps(two)]


def test_path_shows_its_coefficients(regression):
    X, y = regression
    path = erm_path(X, y, penalty="l1", alphas=15)
    display = PathDisplay.from_path(path, feature_names=X.columns, alpha=path.alphas[3])
    drawn = np.array([line.get_ydata() for line in display.lines_]).T
    np.testing.assert_array_equal(drawn, path.coefs)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), path.alphas)
    left, right = display.ax_.get_xlim()
    assert left > right
    assert display.ax_.get_xscale() == "log"
    ends = {text.get_text(): (text.xy[1], text.get_color()) for text in display.labels_}
    each = zip(X.columns, path.coefs[-1], display.lines_, strict=True)
    assert ends == {name: (end, line.get_color()) for name, end, line in each if end != 0}
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [f"alpha = {path.alphas[3]:.3g}"]


def test_path_of_an_estimator_is_erm_path(regression):
    X, y = regression
    given = {"loss": Huber(delta=40.0), "penalty": "elasticnet", "l1_ratio": 0.3, "fit_intercept": False}
    path = erm_path(X, y, alphas=6, **given)
    display = PathDisplay.from_estimator(ERMRegressor(alpha=path.alphas[2], **given), X, y, alphas=6)
    np.testing.assert_allclose(display.coefs, path.coefs, rtol=1e-9, atol=1e-12)
    assert display.alpha == path.alphas[2]
    assert list(display.feature_names) == list(X)
    assert PathDisplay.from_estimator(ERMRegressor(alpha=1e9, **given), X, y, alphas=6).alpha is None


def test_path_of_a_pipeline_is_that_of_what_its_steps_make(regression):
    X, y = regression
    X = X * [1, 10, 100, 1000]
    display = PathDisplay.from_estimator(make_pipeline(StandardScaler(), ERMRegressor(penalty="l1")), X, y, alphas=5)
    path = erm_path(StandardScaler().fit_transform(X), y, penalty="l1", alphas=5)
    np.testing.assert_allclose(display.coefs, path.coefs, rtol=1e-9, atol=1e-12)
    assert list(display.feature_names) == list(X)


def test_path_of_another_model_is_refused(regression):
    with pytest.raises(TypeError, match="PathDisplay: Ridge has no path; pass an ERMClassifier"):
        PathDisplay.from_estimator(make_pipeline(StandardScaler(), Ridge()), *regression)


def test_path_of_a_search_is_that_which_it_chose(regression, search):
    display = PathDisplay.from_estimator(search, *regression)
    assert display.alpha == search.alpha_
    at = np.flatnonzero(display.alphas == search.alpha_)
    np.testing.assert_allclose(np.asarray(display.coefs)[at[0]], search.coef_, rtol=1e-3, atol=1e-3)


def test_non_zeros_are_counted_above(regression):
    X, y = regression
    display = PathDisplay.from_estimator(ERMRegressor(penalty="l1"), X, y, alphas=20)
    (above,) = display.ax_.child_axes
    counts = dict(zip(display.alphas, np.count_nonzero(display.coefs, axis=1), strict=True))
    display.figure_.draw_without_rendering()
    for alpha, text in zip(above.get_xticks(), above.get_xticklabels(), strict=True):
        assert counts[alpha] == int(text.get_text())
    assert not PathDisplay.from_estimator(ERMRegressor(penalty="l2"), X, y, alphas=3).ax_.child_axes


def test_names_at_line_ends_do_not_overlap():
    rng = np.random.default_rng(0)
    coefs = np.linspace(0, 1, 9)[:, None] * (1 + 1e-3 * rng.normal(size=12))
    for figsize in ((6, 4), (9, 6)):
        _, ax = pyplot.subplots(figsize=figsize, dpi=100, layout="constrained")
        display = PathDisplay(alphas=np.geomspace(1, 1e-2, 9), coefs=coefs).plot(ax, n_labels=10)
        assert len(display.labels_) == 10
        assert overlaps(display.labels_) == []
        inside = display.figure_.bbox
        assert all(inside.contains(*Text.get_window_extent(text).max) for text in display.labels_)


def test_several_outputs_have_a_panel_each(three_classes):
    path = erm_path(*three_classes, loss="log_loss", penalty="l1", alphas=6)
    display = PathDisplay.from_path(path)
    assert [ax.get_title() for ax in display.ax_] == list(path.classes)
    for k, panel in enumerate(display.lines_):
        np.testing.assert_array_equal(np.array([line.get_ydata() for line in panel]).T, path.coefs[:, k])
    one = PathDisplay.from_path(path, output="virginica")
    np.testing.assert_array_equal(np.array([line.get_ydata() for line in one.lines_]).T, path.coefs[:, 2])
    _, axes = pyplot.subplots(1, 3)
    assert list(one.plot(axes).ax_) == list(axes)
    with pytest.raises(ValueError, match="there is no output='rose'; there are setosa"):
        one.plot(output="rose")
    with pytest.raises(ValueError, match="3 outputs need as many axes, ax= has 1"):
        one.plot(axes[0])


def test_two_classes_are_one_output(two_classes):
    display = PathDisplay.from_estimator(ERMClassifier("hinge", "l1"), *two_classes, alphas=5)
    assert len(display.lines_) == 4
    assert display.ax_.get_title() == ""


def test_paths_of_the_wrong_shape_are_named():
    alphas, coefs = [1.0, 0.1], np.ones((2, 3))
    with pytest.raises(ValueError, match="2 feature_names for 3 features"):
        PathDisplay(alphas=alphas, coefs=coefs, feature_names=["a", "b"]).plot()
    with pytest.raises(ValueError, match="alphas of shape"):
        PathDisplay(alphas=[1.0], coefs=coefs).plot()
    with pytest.raises(ValueError, match="logarithmic axis"):
        PathDisplay(alphas=[1.0, 0.0], coefs=coefs).plot()
