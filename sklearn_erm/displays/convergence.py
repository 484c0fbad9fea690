"""How far from the optimum, iteration by iteration."""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from sklearn_erm.displays.drawing import (
    GREY,
    axes_for,
    given,
    legend,
    model_name,
    prepared,
    require_matplotlib,
    style,
    tidy,
)
from sklearn_erm.estimators import trace

AXES = {"iterations": "iteration", "seconds": "time in seconds"}
FLOOR = np.finfo(float).eps  # gaps below are rounding, and 0 has no logarithm


class ConvergenceDisplay:
    """The relative duality gap against iterations or seconds: how fast a fit gets to its optimum.

    The gap bounds how far the objective is above its minimum, relative to it. Where there is none (no penalty, a
    penalty that is not convex), the residual of the optimality conditions takes its place, as it does in ``tol``.

    Make one by ``from_estimator``.

    Parameters
    ----------
    traces : dict of str to list of Progress
        What ``sklearn_erm.estimators.trace`` returned, by name of the model.
    tols : dict of str to float, default=None
        The tolerances to draw.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of that.
    lines_ : dict of str to list of matplotlib Line2D
        By name of the model: one line, or one for every class against the rest.
    tol_lines_ : list of matplotlib Line2D
        The tolerances.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.preprocessing import scale
    >>> from sklearn_erm import ConvergenceDisplay, ERMClassifier
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> models = [ERMClassifier(loss, alpha=0.01) for loss in ("hinge", "log_loss")]
    >>> display = ConvergenceDisplay.from_estimator(models, scale(X), y)  # doctest: +SKIP
    """

    def __init__(self, *, traces: dict[str, list[Any]], tols: dict[str, float] | None = None):
        self.traces = traces
        self.tols = tols

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        x_axis: str = "iterations",
        sample_weight: Any = None,
        offset: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Fit copies of estimators and draw their progress.

        Parameters
        ----------
        estimator : estimator, list of these, or dict
            ``ERMClassifier`` or ``ERMRegressor``, or pipelines or fitted searches that end with one: the steps before
            are not timed. The keys of a dict are what the legend says.
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        x_axis : {"iterations", "seconds"}, default="iterations"
            What to draw against: outer iterations, or the time since ``fit`` was called.
        sample_weight, offset : float or array-like, default=None
            As for ``fit``.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to ``ax.plot``.

        Returns
        -------
        display : ConvergenceDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        ValueError
            If ``x_axis`` is neither, or there is no estimator.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(cls)
        _require_axis(x_axis)
        models = given(cls, "estimator", estimator, model_name)
        traces, tols = {}, {}
        for name, model in models.items():
            last, features, _ = prepared(model, X, y)
            traces[name] = trace(last, features, y, sample_weight=sample_weight, offset=offset)
            tols[name] = float(last.tol)
        return cls(traces=traces, tols=tols).plot(ax, x_axis=x_axis, **kwargs)

    def plot(self, ax: Any = None, *, x_axis: str = "iterations", **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        x_axis : {"iterations", "seconds"}, default="iterations"
            What to draw against.
        **kwargs : dict
            Passed to ``ax.plot``.

        Returns
        -------
        self : ConvergenceDisplay
            With its axes and figure.

        Raises
        ------
        ValueError
            If ``x_axis`` is neither.
        """
        _require_axis(x_axis)
        ax = axes_for(type(self), ax)
        self.ax_, self.figure_, self.lines_ = ax, ax.figure, {}
        for number, (name, steps) in enumerate(self.traces.items()):
            own = {"marker": "o", "markersize": 4, **style(number, **kwargs)}
            self.lines_[name] = _lines(ax, steps, x_axis, name, own)
        tols = sorted(set((self.tols or {}).values()))
        self.tol_lines_ = [ax.axhline(tol, color=GREY, linewidth=1.0, linestyle=(0, (1, 2))) for tol in tols]
        for tol in tols:  # beside the axes, where no line is
            at = {"xycoords": ("axes fraction", "data"), "va": "center", "annotation_clip": False}
            ax.annotate(f"tol = {tol:g}", (1.01, tol), color=GREY, fontsize=9, **at)
        ax.set_yscale("log")
        ax.set(xlabel=AXES[x_axis], ylabel="relative duality gap")
        tidy(ax)
        if max(map(len, self.traces.values()), default=0) == 1:  # dots, that have room on either side
            ax.set_xlim(0.0, 2.0 * max(line.get_xdata()[0] for line in ax.get_lines() if len(line.get_xdata()) == 1))
        if x_axis == "iterations":
            ax.xaxis.get_major_locator().set_params(integer=True)
        legend(ax)
        return self


def _require_axis(x_axis: str) -> None:
    if x_axis not in AXES:
        raise ValueError(f"ConvergenceDisplay: x_axis={x_axis!r} must be 'iterations' or 'seconds'.")


def _lines(ax: Any, steps: list[Any], x_axis: str, name: str, own: dict[str, Any]) -> list[Any]:
    """Draw one model: a line for each of its problems, the first of which has the label; one without points if none.

    One iteration is a dot, whose gap the label has in figures.
    """
    problems = sorted({step.problem for step in steps}) or [0]
    label = name if len(problems) == 1 else f"{name}, {len(problems)} problems"
    if len(steps) == 1:
        label = f"{name}: gap {max(steps[0].gap, FLOOR):.1e} after 1 iteration"
    lines: list[Any] = []
    for problem in problems:
        mine = [step for step in steps if step.problem == problem]
        along = [step.iteration if x_axis == "iterations" else step.seconds for step in mine]
        gaps = np.maximum([step.gap for step in mine], FLOOR)
        lines += ax.plot(along, gaps, **{**own, "label": "_" if lines else label})
    return lines
