"""Cross-validation in a picture: risks, their errors, and what the selections choose."""

import numpy as np
import pytest

from sklearn_erm.displays import CVDisplay
from sklearn_erm.displays.cv import Curve
from sklearn_erm.displays.drawing import short
from sklearn_erm.estimators import ERMClassifierCV, ERMRegressor, ERMRegressorCV, risk_scorer
from sklearn_erm.penalties import L1, L2


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


def test_a_curve_without_scores_is_not_the_best():
    alphas, unknown = np.array([1.0, 0.1]), np.full(2, np.nan)
    curves = {"none": Curve(alphas, unknown, unknown), "some": Curve(alphas, np.array([-1.0, -2.0]), unknown)}
    assert CVDisplay(curves=curves).plot().best_alpha_ == 1.0


def test_cv_needs_a_search(regression):
    with pytest.raises(ValueError, match="ERMRegressor has no cv_results_"):
        CVDisplay.from_estimator(ERMRegressor().fit(*regression))
    with pytest.raises(ValueError, match="ERMRegressorCV has no cv_results_"):
        CVDisplay.from_estimator(ERMRegressorCV())
