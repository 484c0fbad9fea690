"""Displays show the numbers that they were given, on the axes that they were given, legibly."""

import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import pyplot
from matplotlib.text import Text
from sklearn.datasets import load_diabetes, load_iris
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm.displays import ComparisonDisplay, ConvergenceDisplay, CVDisplay, LossDisplay, PathDisplay
from sklearn_erm.displays.cv import Curve
from sklearn_erm.displays.drawing import named, short, spread, style
from sklearn_erm.estimators import (
    ERMClassifier,
    ERMClassifierCV,
    ERMRegressor,
    ERMRegressorCV,
    erm_path,
    risk,
    risk_scorer,
    trace,
)
from sklearn_erm.losses import (
    Exponential,
    Hinge,
    Huber,
    MarginLoss,
    MultiQuantile,
    Quantile,
    Softmax,
)
from sklearn_erm.penalties import L1, L2

mpl.use("agg")
NAMES = ["age", "body mass index", "blood pressure", "glucose"]
STEP = 0.7


@pytest.fixture(autouse=True)
def _tidy_up():
    before = dict(mpl.rcParams)
    yield
    pyplot.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="module")
def regression():
    X, y = load_diabetes(return_X_y=True)
    return pd.DataFrame(StandardScaler().fit_transform(X[:, [0, 2, 3, 9]]), columns=NAMES), y


@pytest.fixture(scope="module")
def three_classes():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="module")
def two_classes(three_classes):
    X, y = three_classes
    return X[y != "setosa"], y[y != "setosa"]


@pytest.fixture(scope="module")
def search(regression):
    return ERMRegressorCV(penalty=["l1", "l2"], alphas=12).fit(*regression)


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


def overlaps(texts):
    """Return the pairs of texts that overlap in the picture."""
    texts[0].figure.draw_without_rendering()
    boxes = [(text.get_text(), Text.get_window_extent(text)) for text in texts]  # without the line to it
    return [(a, b) for i, (a, one) in enumerate(boxes) for b, two in boxes[:i] if one.overlaps(two)]


# -- what all have in common ------------------------------------------------------------------------------------------


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


# -- losses -----------------------------------------------------------------------------------------------------------


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
        ("hing", {}, "did you mean 'hinge'"),
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


# -- paths ------------------------------------------------------------------------------------------------------------


def test_path_shows_its_coefficients(regression):
    X, y = regression
    path = erm_path(X, y, penalty="l1", alphas=15)
    display = PathDisplay.from_path(path, feature_names=NAMES, alpha=path.alphas[3])
    drawn = np.array([line.get_ydata() for line in display.lines_]).T
    np.testing.assert_array_equal(drawn, path.coefs)
    np.testing.assert_array_equal(display.lines_[0].get_xdata(), path.alphas)
    left, right = display.ax_.get_xlim()
    assert left > right
    assert display.ax_.get_xscale() == "log"
    ends = {text.get_text(): (text.xy[1], text.get_color()) for text in display.labels_}
    each = zip(NAMES, path.coefs[-1], display.lines_, strict=True)
    assert ends == {name: (end, line.get_color()) for name, end, line in each if end != 0}
    assert [text.get_text() for text in display.ax_.get_legend().get_texts()] == [f"alpha = {path.alphas[3]:.3g}"]


def test_path_of_an_estimator_is_erm_path(regression):
    X, y = regression
    given = {"loss": Huber(delta=40.0), "penalty": "elasticnet", "l1_ratio": 0.3, "fit_intercept": False}
    path = erm_path(X, y, alphas=6, **given)
    display = PathDisplay.from_estimator(ERMRegressor(alpha=path.alphas[2], **given), X, y, alphas=6)
    np.testing.assert_allclose(display.coefs, path.coefs, rtol=1e-9, atol=1e-12)
    assert display.alpha == path.alphas[2]
    assert list(display.feature_names) == NAMES
    assert PathDisplay.from_estimator(ERMRegressor(alpha=1e9, **given), X, y, alphas=6).alpha is None


def test_path_of_a_pipeline_is_that_of_what_its_steps_make(regression):
    X, y = regression
    X = X * [1, 10, 100, 1000]
    display = PathDisplay.from_estimator(make_pipeline(StandardScaler(), ERMRegressor(penalty="l1")), X, y, alphas=5)
    path = erm_path(StandardScaler().fit_transform(X), y, penalty="l1", alphas=5)
    np.testing.assert_allclose(display.coefs, path.coefs, rtol=1e-9, atol=1e-12)
    assert list(display.feature_names) == NAMES


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
    with pytest.raises(ValueError, match="3 outputs on 1 axes"):
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


# -- cross-validation -------------------------------------------------------------------------------------------------


def test_cv_shows_risks_and_their_errors(search):
    display = CVDisplay.from_estimator(search)
    results = search.cv_results_
    assert list(display.lines_) == ["l1", "l2"]
    for penalty, line in display.lines_.items():
        rows = results["param_penalty"] == penalty
        np.testing.assert_array_equal(line.get_xdata(), results["param_alpha"][rows])
        np.testing.assert_allclose(line.get_ydata(), -results["mean_test_score"][rows])
        box = display.bands_[penalty].get_datalim(display.ax_.transData)
        upper = (results["se_test_score"] - results["mean_test_score"])[rows].astype(float)
        assert box.y1 == pytest.approx(upper.max())
    assert display.best_alpha_ == results["param_alpha"][search.best_index_] == search.alpha_
    assert display.ax_.get_xlim()[0] > display.ax_.get_xlim()[1]


@pytest.mark.parametrize("penalty", ["l1", "l2", ["l1", "l2"]])
def test_cv_marks_what_the_selections_choose(regression, penalty):
    for selection in ("min", "1se"):
        model = ERMRegressorCV(penalty=penalty, alphas=15, selection=selection).fit(*regression)
        display = CVDisplay.from_estimator(model)
        marked = display.best_alpha_ if selection == "min" else display.one_se_alpha_
        assert marked == model.alpha_
        assert display.best_line_.get_xdata()[0] == display.best_alpha_
        if display.one_se_alpha_ != display.best_alpha_:
            assert display.one_se_line_.get_xdata()[0] == display.one_se_alpha_


@pytest.mark.parametrize(
    "scoring, label, negative",
    [
        (None, "held-out risk", True),
        ("accuracy", "held-out accuracy", False),
        ("neg_log_loss", "held-out log loss", True),
        (risk_scorer("hinge"), "held-out risk under hinge", True),
    ],
)
def test_cv_says_what_is_scored(two_classes, scoring, label, negative):
    model = ERMClassifierCV("log_loss", alphas=5, cv=3, scoring=scoring).fit(*two_classes)
    display = CVDisplay.from_estimator(model)
    assert display.ax_.get_ylabel().startswith(label + ", mean ± one standard error")
    sign = -1 if negative else 1
    (line,) = display.lines_.values()
    np.testing.assert_allclose(line.get_ydata(), sign * model.cv_results_["mean_test_score"])


def test_cv_tells_combinations_apart(two_classes):
    penalties = ["l1", "elasticnet", 2 * L2(), L1(weights=np.arange(4)), L1(weights=np.arange(1, 5))]
    ratios = [0.2, 0.8]
    model = ERMClassifierCV("hinge", penalties, l1_ratio=ratios, alphas=3, cv=2, refit=False).fit(*two_classes)
    said = ["l1", "elasticnet, l1_ratio = 0.2", "elasticnet, l1_ratio = 0.8", *map(short, penalties[2:])]
    assert list(CVDisplay.from_estimator(model).lines_) == said
    model = ERMClassifierCV("hinge", ["l1", "elasticnet"], alphas=3, cv=2, refit=False).fit(*two_classes)
    assert list(CVDisplay.from_estimator(model).lines_) == ["l1", "elasticnet"]


@pytest.mark.parametrize("error, wanted", [(0.0, 0.1), (1.05, 1.0), (1.95, 1.0), (2.05, 10.0)])
def test_one_standard_error(error, wanted):
    """Means 2, 1, 0 below the best: the largest alpha of those within one standard error of it."""
    curve = Curve(np.array([10.0, 1.0, 0.1, 0.01]), np.array([1.0, 2.0, 3.0, 2.9]), np.array([9.0, 9.0, error, 9.0]))
    display = CVDisplay(curves={"": curve}, negate_score=False).plot()
    assert (display.best_alpha_, display.one_se_alpha_) == (0.1, wanted)
    assert (display.one_se_line_ is None) == (error == 0)
    assert any("maximum" in text.get_text() for text in display.ax_.texts)


def test_without_standard_errors_there_is_neither_band_nor_second_line():
    alphas = np.array([1.0, 0.1, 0.01])
    curve = Curve(alphas, np.array([-3.0, -1.0, -2.0]), np.full(3, np.nan))
    display = CVDisplay(curves={"": curve}, score_name="risk").plot()
    assert (display.best_alpha_, display.bands_, display.one_se_line_) == (0.1, {}, None)
    assert np.isnan(display.one_se_alpha_)
    assert display.ax_.get_ylabel() == "risk"


def test_cv_needs_a_search(regression):
    with pytest.raises(ValueError, match="ERMRegressor has no cv_results_"):
        CVDisplay.from_estimator(ERMRegressor().fit(*regression))
    with pytest.raises(ValueError, match="ERMRegressorCV has no cv_results_"):
        CVDisplay.from_estimator(ERMRegressorCV())


# -- convergence ------------------------------------------------------------------------------------------------------


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


# -- comparison -------------------------------------------------------------------------------------------------------


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


def test_one_alpha_and_none():
    """A logarithmic axis has room for one alpha, and none for 0; nothing to label is no mistake."""
    X, y = load_diabetes(return_X_y=True)
    PathDisplay.from_path(erm_path(X, y, alphas=1))
    for alphas in (1, [1.0, 0.1, 0.0]):
        CVDisplay.from_estimator(ERMRegressorCV(penalty="l1", alphas=alphas, cv=3).fit(X, y))
    pyplot.close("all")


def test_no_iterations_to_show():
    X, y = load_diabetes(return_X_y=True)
    for model in (ERMRegressorCV(), Ridge()):
        with pytest.raises(TypeError, match="pass an ERMClassifier or ERMRegressor"):
            ConvergenceDisplay.from_estimator(model, X, y)
