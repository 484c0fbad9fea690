"""Held-out risk, or score, along alpha."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.displays.drawing import (
    GREY,
    axes_for,
    falling_log_axis,
    legend,
    named,
    require_matplotlib,
    short,
    style,
    tidy,
)
from sklearn_erm.estimators.risk import last_step

Array = NDArray[Any]

VARIED = ("loss", "penalty", "l1_ratio")


class Curve(NamedTuple):
    """What was found along one path: alphas, decreasing, mean scores (larger is better), their standard errors."""

    alphas: Array
    mean: Array
    error: Array


class CVDisplay:
    """The held-out risk along alpha, in a band of one standard error, with the alphas that one may choose.

    These are the alpha of least mean risk, and the largest alpha on the same curve whose mean is within one standard
    error of that: the simplest model that is not clearly worse. The penalty weakens to the right.

    Make one by ``from_estimator``.

    Parameters
    ----------
    curves : dict of str to Curve
        Alphas, mean scores and standard errors, by name of the combination of loss, penalty and l1_ratio. Scores are
        those of scikit-learn: larger is better. A standard error of nan has no band.
    negate_score : bool, default=True
        Whether scores are negative risks, which are drawn as risks.
    score_name : str, default=None
        What the ordinate says.
    alpha : float, default=None
        The alpha that was chosen, to tell it from the other of the two.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of that.
    lines_ : dict of str to matplotlib Line2D
        The means, by name of the combination.
    bands_ : dict of str to matplotlib FillBetweenPolyCollection
        One standard error about these.
    best_alpha_, one_se_alpha_ : float
        The two alphas; the second is nan where there is no standard error.
    best_line_, one_se_line_ : matplotlib Line2D
        Where they are; the second is None where they are the same, or there is no standard error.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import CVDisplay, ERMRegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> display = CVDisplay.from_estimator(ERMRegressorCV(penalty=["l1", "l2"]).fit(X, y))  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        curves: dict[str, Curve],
        negate_score: bool = True,
        score_name: str | None = None,
        alpha: float | None = None,
    ):
        self.curves = curves
        self.negate_score = negate_score
        self.score_name = score_name
        self.alpha = alpha

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        *,
        negate_score: bool | None = None,
        score_name: str | None = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Draw what a fitted CV estimator found.

        Parameters
        ----------
        estimator : ERMClassifierCV, ERMRegressorCV, or Pipeline that ends with one
            Fitted.
        negate_score : bool, default=None
            Whether to draw minus the score. None does so for the default scoring, which is minus the held-out risk, and
            for those that scikit-learn calls ``"neg_..."``.
        score_name : str, default=None
            What the ordinate says; None derives it from the scoring.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to ``ax.plot`` for the means.

        Returns
        -------
        display : CVDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        ValueError
            If the estimator is not a fitted CV estimator.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(cls)
        model = last_step(estimator)
        if not hasattr(model, "cv_results_"):
            raise ValueError(
                f"CVDisplay: {type(model).__name__} has no cv_results_; pass a fitted ERMClassifierCV or "
                "ERMRegressorCV."
            )
        negative, name = _scoring(model.scoring)
        display = cls(
            curves=_curves(model.cv_results_),
            negate_score=negative if negate_score is None else negate_score,
            score_name=name if score_name is None else score_name,
            alpha=float(model.alpha_),
        )
        return display.plot(ax, **kwargs)

    def plot(self, ax: Any = None, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to ``ax.plot`` for the means.

        Returns
        -------
        self : CVDisplay
            With its axes and figure.
        """
        ax = axes_for(type(self), ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.lines_, self.bands_ = {}, {}
        sign = -1.0 if self.negate_score else 1.0
        for number, (name, (alphas, mean, error)) in enumerate(self.curves.items()):
            own, middle = style(number, **kwargs), sign * mean
            (self.lines_[name],) = ax.plot(alphas, middle, label=name, **own)
            if np.any(np.isfinite(error)):
                band = {"color": own["color"], "alpha": 0.18, "linewidth": 0}
                self.bands_[name] = ax.fill_between(alphas, middle - error, middle + error, **band)
        self._mark()
        falling_log_axis(ax, np.concatenate([curve.alphas for curve in self.curves.values()]))
        spread = ", mean ± one standard error" if self.bands_ else ""
        ax.set(xlabel="alpha", ylabel=f"{self.score_name or 'held-out score'}{spread}")
        tidy(ax)
        if len(self.curves) > 1:
            legend(ax)
        return self

    def _mark(self) -> None:
        """Draw the two alphas; they are written on their outer sides, and that which was chosen is bold."""
        self.best_alpha_, self.one_se_alpha_ = _choices(self.curves)
        extreme = "minimum" if self.negate_score else "maximum"
        apart = self.best_alpha_ != self.one_se_alpha_
        what, side = (extreme, "left") if apart else (f"{extreme} = 1 SE", "center")
        self.best_line_ = self._line(what, self.best_alpha_, "--", side)
        self.one_se_line_ = None
        if apart and np.isfinite(self.one_se_alpha_):
            self.one_se_line_ = self._line("1 SE", self.one_se_alpha_, ":", "right")

    def _line(self, what: str, alpha: float, dashes: str, side: str) -> Any:
        said = f" {what}: {alpha:.3g} "
        look = {"color": GREY, "fontsize": 9, "fontweight": "bold" if alpha == self.alpha else "normal"}
        self.ax_.annotate(said, (alpha, 1.01), xycoords=("data", "axes fraction"), ha=side, **look)
        return self.ax_.axvline(alpha, color=GREY, linestyle=dashes, linewidth=1.3)


def _curves(results: Any) -> dict[str, Curve]:
    """Return the paths of ``cv_results_``, by what tells them apart."""
    combination = np.asarray(results["combination"])
    varied = [name for name in VARIED if len(_distinct(name, results[f"param_{name}"])) > 1]
    found = []
    for number in np.unique(combination):
        rows = np.flatnonzero(combination == number)
        rows = rows[np.argsort(-np.asarray(results["param_alpha"][rows], dtype=float), kind="stable")]
        said = [text for name in varied for text in _distinct(name, results[f"param_{name}"][rows[:1]])]
        columns = (results[key][rows] for key in ("param_alpha", "mean_test_score", "se_test_score"))
        found.append((", ".join(said), Curve(*(np.asarray(column, dtype=float) for column in columns))))
    return {name: curve for name, (_, curve) in named(found, itemgetter(0)).items()}


def _distinct(parameter: str, values: Any) -> list[str]:
    """Return what a legend says of values of a parameter, each once; nothing of the shares that penalties lack."""
    shares = parameter == "l1_ratio"
    said = [f"l1_ratio = {value:g}" if shares else short(value) for value in values if not (shares and value is None)]
    return list(dict.fromkeys(said))


def _choices(curves: dict[str, Curve]) -> tuple[float, float]:
    """Return the alpha of the best mean, and the largest on its curve within one standard error, nan if that is."""
    alphas, mean, error = max(curves.values(), key=lambda curve: np.nanmax(curve.mean, initial=-np.inf))
    best = int(np.nanargmax(mean))
    near = alphas[mean >= mean[best] - error[best]]
    return float(alphas[best]), float(near.max()) if near.size else np.nan


def _scoring(scoring: Any) -> tuple[bool, str]:
    """Return whether scores are minus what one thinks of, and what the ordinate says."""
    if scoring is None:
        return True, "held-out risk"
    if isinstance(scoring, str):
        return scoring.startswith("neg_"), "held-out " + scoring.removeprefix("neg_").replace("_", " ")
    if hasattr(scoring, "loss"):  # a risk_scorer
        return True, "held-out risk" if scoring.loss is None else f"held-out risk under {short(scoring.loss)}"
    return False, "held-out score"
