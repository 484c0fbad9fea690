"""Coefficients along alpha."""

from __future__ import annotations

from inspect import signature
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.checks import quantity
from sklearn_erm.displays.drawing import (
    GREY,
    axes_for,
    falling_log_axis,
    prepared,
    require_matplotlib,
    spread,
    style,
    tidy,
)
from sklearn_erm.estimators import erm_path

Array = NDArray[Any]

COLUMNS, PANEL = 3, (4.4, 3.4)  # of several outputs: panels in a row, their size in inches
TICKS = 6
TEXT = 9  # points
MINOR = {"color": "0.75", "linewidth": 0.7, "zorder": 1.5}  # coefficients without a name


class PathDisplay:
    """Coefficients over alpha: which enter, when, and how they grow as the penalty weakens to the right.

    Make one by ``from_path`` or ``from_estimator``.

    Parameters
    ----------
    alphas : array-like of shape (n_alphas,)
        Penalty strengths.
    coefs : array-like of shape (n_alphas, n_features) or (n_alphas, n_outputs, n_features)
        The coefficients at each.
    feature_names : sequence of str of length n_features, default=None
        What to call the features; None counts them, x0, x1, ...
    output_names : sequence of length n_outputs, default=None
        What to call classes or targets; None counts them from 0.
    alpha : float, default=None
        A chosen alpha to mark.

    Attributes
    ----------
    ax_ : matplotlib Axes or ndarray of these
        Where it is drawn; an array if there is a panel per output.
    figure_ : matplotlib Figure
        The figure of that.
    lines_ : list of matplotlib Line2D, or list of these lists
        One line per feature; a list per panel.
    labels_ : list of matplotlib Annotation, or list of these lists
        The names at the ends of lines.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ERMRegressor, PathDisplay
    >>> X, y = load_diabetes(return_X_y=True, as_frame=True)
    >>> display = PathDisplay.from_estimator(ERMRegressor(penalty="l1"), X, y)  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        alphas: Any,
        coefs: Any,
        feature_names: Any = None,
        output_names: Any = None,
        alpha: float | None = None,
    ):
        self.alphas = alphas
        self.coefs = coefs
        self.feature_names = feature_names
        self.output_names = output_names
        self.alpha = alpha

    @classmethod
    def from_path(
        cls,
        path: Any,
        *,
        feature_names: Any = None,
        output_names: Any = None,
        alpha: float | None = None,
        ax: Any = None,
        output: Any = None,
        n_labels: int = 8,
        **kwargs: Any,
    ) -> Self:
        """Draw what ``erm_path`` returned.

        Parameters
        ----------
        path : Bunch
            With ``alphas`` and ``coefs``, and ``classes`` for classification.
        feature_names, output_names : sequence of str, default=None
            Names of features, and of classes or targets; None takes ``path.classes`` where there are.
        alpha : float, default=None
            A chosen alpha to mark.
        ax : matplotlib Axes or sequence of these, default=None
            Where to draw; so are the rest as for ``plot``.
        output : int or label, default=None
            The class or target to draw; None draws all.
        n_labels : int, default=8
            How many features have a colour and a name.
        **kwargs : dict
            Passed to ``ax.plot``.

        Returns
        -------
        display : PathDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        ValueError
            If names or ``ax`` do not fit the coefficients in number.
        ImportError
            If matplotlib is not installed.
        """
        display = cls(
            alphas=path.alphas,
            coefs=path.coefs,
            feature_names=feature_names,
            output_names=path.get("classes") if output_names is None else output_names,
            alpha=alpha,
        )
        return display.plot(ax, output=output, n_labels=n_labels, **kwargs)

    @classmethod
    def from_estimator(
        cls,
        estimator: Any,
        X: Any,
        y: Any,
        *,
        alphas: Any = None,
        alpha: float | None = None,
        sample_weight: Any = None,
        offset: Any = None,
        feature_names: Any = None,
        output_names: Any = None,
        ax: Any = None,
        output: Any = None,
        n_labels: int = 8,
        **kwargs: Any,
    ) -> Self:
        """Compute the path of an estimator by ``erm_path``, with its parameters but for alpha, and draw it.

        Parameters
        ----------
        estimator : estimator
            An ``ERMClassifier``, an ``ERMRegressor``, or one of their CV versions, fitted: then the loss, penalty and
            alphas that it chose; or a pipeline or a fitted search that ends with one. The steps before the last of a
            pipeline are fitted to X and y. It is not changed.
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features; the names of a data frame's columns are used.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        alphas : int or array-like, default=None
            As for ``erm_path``.
        alpha : float, default=None
            The alpha to mark; by default that which a CV estimator chose, or the estimator's own if it is on the path.
        sample_weight, offset : float or array-like, default=None
            As for ``fit``.
        feature_names, output_names : sequence of str, default=None
            Names of features, and of classes or targets.
        ax : matplotlib Axes or sequence of these, default=None
            Where to draw; so are the rest as for ``plot``.
        output : int or label, default=None
            The class or target to draw; None draws all.
        n_labels : int, default=8
            How many features have a colour and a name.
        **kwargs : dict
            Passed to ``ax.plot``.

        Returns
        -------
        display : PathDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        TypeError
            If the estimator is not one of these.
        ValueError, ImportError
            As ``from_path``, and what ``erm_path`` raises.
        """
        require_matplotlib(cls)
        model, X, names = prepared(estimator, X, y)
        parameters = _path_parameters(model)
        if alphas is not None:
            parameters["alphas"] = alphas
        path = erm_path(X, y, **parameters, sample_weight=sample_weight, offset=offset)
        own = getattr(model, "alpha_", getattr(model, "alpha", None))
        if alpha is None and own is not None and path.alphas.min() <= own <= path.alphas.max():
            alpha = own
        return cls.from_path(
            path,
            feature_names=names if feature_names is None else feature_names,
            output_names=output_names,
            alpha=alpha,
            ax=ax,
            output=output,
            n_labels=n_labels,
            **kwargs,
        )

    def plot(self, ax: Any = None, *, output: Any = None, n_labels: int = 8, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes or sequence of these, default=None
            Where to draw, one per output; None makes a figure. Names stand on the right of the axes: figures with
            ``layout="constrained"`` make room for them.
        output : int or label, default=None
            Of several classes or targets, the one to draw, by its name or else its position; None draws all, a panel
            each.
        n_labels : int, default=8
            How many features have a colour and a name: those of the largest coefficients at the smallest alpha.
        **kwargs : dict
            Passed to ``ax.plot`` for these.

        Returns
        -------
        self : PathDisplay
            With its axes and figure.

        Raises
        ------
        ValueError
            If names or ``ax`` do not fit the coefficients in number, or there is no such output.
        """
        alphas, coefs = self._sorted()
        features, outputs = self._names(coefs)
        chosen = range(coefs.shape[1]) if output is None else [_position(output, outputs)]
        axes = _panels(type(self), ax, len(chosen))
        leading = _leading(coefs[-1, list(chosen)], n_labels)
        lines, labels = [], []
        for panel, k in zip(axes, chosen, strict=True):
            lines.append(_draw(panel, alphas, coefs[:, k], leading, **kwargs))
            self._decorate(panel, alphas, coefs[:, k], outputs[k] if coefs.shape[1] > 1 else None)
        for panel, k in zip(axes, chosen, strict=True):
            labels.append(_write(panel, alphas, coefs[-1, k], leading, features))
        one = len(axes) == 1
        self.ax_, self.lines_, self.labels_ = (a[0] if one else a for a in (axes, lines, labels))
        self.figure_ = axes[0].figure
        return self

    def _sorted(self) -> tuple[Array, Array]:
        """Return alphas, decreasing, and the coefficients at each, (n_alphas, n_outputs, n_features)."""
        alphas, coefs = np.asarray(self.alphas, dtype=float), np.asarray(self.coefs, dtype=float)
        if coefs.ndim == 2:
            coefs = coefs[:, None, :]
        if alphas.ndim != 1 or coefs.ndim != 3 or len(alphas) != len(coefs):
            raise ValueError(
                f"PathDisplay: alphas of shape {alphas.shape} and coefs of shape {np.shape(self.coefs)}; there must be "
                "one alpha for every entry of the first axis of coefs."
            )
        if not np.all(alphas > 0):
            raise ValueError("PathDisplay: alpha=0 has no place on a logarithmic axis; leave it out.")
        order = np.argsort(-alphas, kind="stable")
        return alphas[order], coefs[order]

    def _names(self, coefs: Array) -> tuple[list[str], list[Any]]:
        """Return the names of features and outputs."""
        _, k, p = coefs.shape
        features = [f"x{j}" for j in range(p)] if self.feature_names is None else [str(f) for f in self.feature_names]
        if len(features) != p:
            raise ValueError(f"PathDisplay: {len(features)} feature_names for {quantity(p, 'feature')}.")
        if self.output_names is None or k == 1:
            return features, list(range(k))
        if len(self.output_names) != k:
            raise ValueError(f"PathDisplay: {len(self.output_names)} output_names for {k} outputs.")
        return features, list(self.output_names)

    def _decorate(self, ax: Any, alphas: Array, coefs: Array, title: Any) -> None:
        falling_log_axis(ax, alphas)
        ax.set(xlabel="alpha", ylabel="coefficient")
        tidy(ax)
        ax.axhline(0.0, color=GREY, linewidth=0.8, zorder=1)
        if title is not None:
            ax.set_title(title if isinstance(title, str) else f"output {title}")
        if self.alpha is not None:
            ax.axvline(self.alpha, color=GREY, linestyle=":", label=f"alpha = {self.alpha:.3g}")
            ax.legend(frameon=False)
        counts = np.count_nonzero(coefs, axis=1)
        if np.ptp(counts) > 0:
            _count_above(ax, alphas, counts)


def _path_parameters(model: Any) -> dict[str, Any]:
    """Return what ``erm_path`` is to be called with: of a fitted CV estimator, the combination that it chose."""
    if not hasattr(model, "_fit_path"):
        raise TypeError(
            f"PathDisplay: {type(model).__name__} has no path; pass an ERMClassifier, an ERMRegressor, or one of their "
            "CV versions."
        )
    given = model.get_params(deep=False)
    if hasattr(model, "cv_results_"):
        results, best = model.cv_results_, model.best_index_
        given |= {name: results[f"param_{name}"][best] for name in ("loss", "penalty", "l1_ratio")}
        given["alphas"] = results["param_alpha"][results["combination"] == results["combination"][best]]
    known = signature(erm_path).parameters
    return {name: value for name, value in given.items() if name in known and (value is not None or name == "penalty")}


def _position(output: Any, names: list[Any]) -> int:
    if output in names:
        return names.index(output)
    if isinstance(output, (int, np.integer)) and 0 <= output < len(names):
        return int(output)
    raise ValueError(f"PathDisplay: there is no output={output!r}; there are {', '.join(map(str, names))}.")


def _panels(display: type, ax: Any, n: int) -> Array:
    """Return axes, one for every output that is drawn."""
    if ax is None and n > 1:
        pyplot = require_matplotlib(display)
        columns = min(n, COLUMNS)
        rows = -(-n // columns)
        size = (PANEL[0] * columns, PANEL[1] * rows)
        _, grid = pyplot.subplots(rows, columns, sharex=True, sharey=True, figsize=size, layout="constrained")
        for empty in grid.flat[n:]:
            empty.remove()
        return np.array(grid.flat[:n])
    axes = np.ravel(np.array(axes_for(display, ax), dtype=object))
    if len(axes) != n:
        raise ValueError(
            f"PathDisplay: {quantity(n, 'output')} need as many axes, ax= has {len(axes)}; pass more, "
            "or choose one by output=."
        )
    return axes


def _leading(last: Array, n_labels: int) -> Array:
    """Return the features of the largest coefficients in any output, the largest first, none that are zero."""
    size = np.abs(last).max(axis=0)
    order = np.argsort(-size, kind="stable")[:n_labels]
    return order[size[order] > 0]


def _draw(ax: Any, alphas: Array, coefs: Array, leading: Array, **kwargs: Any) -> list[Any]:
    """Draw the coefficients of one output and return their lines, by feature."""
    looks = {int(feature): style(rank, **kwargs) for rank, feature in enumerate(leading)}
    return [ax.plot(alphas, curve, **looks.get(j, MINOR))[0] for j, curve in enumerate(coefs.T)]


def _write(ax: Any, alphas: Array, last: Array, leading: Array, names: list[str]) -> list[Any]:
    """Write names beside the ends of lines, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    leading = leading[last[leading] != 0]  # of several outputs, the coefficient in this one may be zero
    line = 1.25 * TEXT / 72.0 * ax.figure.dpi / ax.get_window_extent().height
    heights = spread((last[leading] - low) / (high - low), line, 0.0, 1.0)
    found = []
    for feature, height in zip(leading, heights, strict=True):
        colour = ax.lines[feature].get_color()
        leader = {
            "arrowstyle": "-",
            "linewidth": 0.6,
            "color": colour,
            "shrinkA": 1,
            "shrinkB": 0,
            "relpos": (0.0, 0.5),
        }
        end, beside = (alphas[-1], last[feature]), (1.04, height)
        text = {"textcoords": "axes fraction", "va": "center", "fontsize": TEXT, "color": colour}
        found.append(ax.annotate(names[feature], end, beside, arrowprops=leader, annotation_clip=False, **text))
    return found


def _count_above(ax: Any, alphas: Array, counts: Array) -> None:
    """Write on top how many coefficients are not zero, at some of the alphas."""
    wanted = np.geomspace(alphas[0], alphas[-1], min(TICKS, len(alphas)))
    at = np.unique(np.abs(np.log(alphas)[:, None] - np.log(wanted)).argmin(axis=0))
    above = ax.secondary_xaxis("top")
    above.set_xticks(alphas[at], labels=[str(count) for count in counts[at]])
    above.set_xticks([], minor=True)
    above.tick_params(length=3)
    above.set_xlabel("non-zero coefficients")
