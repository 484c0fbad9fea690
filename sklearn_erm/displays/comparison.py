"""Models beside losses: the risk of each model under each loss."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.checks import quantity
from sklearn_erm.displays.drawing import as_given, axes_for, given, model_name, require_matplotlib, short
from sklearn_erm.estimators import risk
from sklearn_erm.estimators.risk import last_step

Array = NDArray[Any]

WORST = 1.0  # excess over the best, from which on the colour stays: twice the risk
LUMINANCE = np.array([0.299, 0.587, 0.114])  # of red, green and blue, as ITU-R BT.601 has it
MAP = "Blues"


class ComparisonDisplay:
    """Risks of models under losses, a row per model, a column per loss: a column compares like with like.

    A model that was trained on one loss is seldom the best under another. The colour of a cell says by how much its
    risk exceeds the least of its column; the numbers in it are the risk, and that excess.

    Make one by ``from_estimators``.

    Parameters
    ----------
    risks : ndarray of shape (n_models, n_losses)
        The mean loss of every model, at least 0.
    models, losses : sequence of str
        The names of rows and columns.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of that.
    im_ : matplotlib AxesImage
        The colours.
    text_ : ndarray of matplotlib Text, of shape (n_models, n_losses)
        The numbers.
    excess_ : ndarray of shape (n_models, n_losses)
        risk / least risk of the column - 1.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ComparisonDisplay, ERMRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> models = [ERMRegressor(loss, alpha=1e-4).fit(X[::2], y[::2]) for loss in ("squared_error", "absolute_error")]
    >>> display = ComparisonDisplay.from_estimators(models, X[1::2], y[1::2])  # doctest: +SKIP
    """

    def __init__(self, *, risks: Any, models: Any, losses: Any):
        self.risks = risks
        self.models = models
        self.losses = losses

    @classmethod
    def from_estimators(
        cls,
        estimators: Any,
        X: Any,
        y: Any,
        *,
        losses: Any = None,
        sample_weight: Any = None,
        offset: Any = None,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        """Compute the risks of fitted estimators, by ``sklearn_erm.risk``, and draw them.

        Parameters
        ----------
        estimators : list of estimators, or dict
            Fitted; the keys of a dict are their names.
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features, best those of samples that no estimator was fitted to.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        losses : list of str or Loss, or dict, default=None
            Names or instances; the keys of a dict are their names. None takes those that the estimators were fitted
            with.
        sample_weight, offset : float or array-like, default=None
            Weights of the samples, offset of the scores.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to ``ax.imshow``, such as ``cmap``.

        Returns
        -------
        display : ComparisonDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        ValueError
            If there is no estimator, or no loss; what ``risk`` raises.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(cls)
        models = given(cls, "estimators", estimators, model_name)
        columns = given(cls, "losses", _own_losses(models) if losses is None else losses, short)
        risks = [
            [risk(model, X, y, loss, sample_weight=sample_weight, offset=offset) for loss in columns.values()]
            for model in models.values()
        ]
        return cls(risks=np.array(risks), models=list(models), losses=list(columns)).plot(ax, **kwargs)

    def plot(self, ax: Any = None, *, colorbar: bool = True, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        colorbar : bool, default=True
            Whether to draw the scale of the colours.
        **kwargs : dict
            Passed to ``ax.imshow``.

        Returns
        -------
        self : ComparisonDisplay
            With its axes and figure.

        Raises
        ------
        ValueError
            If the risks do not have a row per model and a column per loss.
        """
        risks = np.asarray(self.risks, dtype=float)
        if risks.shape != (len(self.models), len(self.losses)):
            raise ValueError(
                f"ComparisonDisplay: risks of shape {risks.shape} for {quantity(len(self.models), 'model')} and "
                f"{quantity(len(self.losses), 'loss')}; there must be a row per model and a column per loss."
            )
        ax = axes_for(type(self), ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.excess_ = _excess(risks)
        seen = 100.0 * np.minimum(np.nan_to_num(self.excess_, nan=np.inf), WORST)
        self.im_ = ax.imshow(
            seen, **{"cmap": MAP, "vmin": 0.0, "vmax": max(seen.max(), 1.0), "aspect": "auto", **kwargs}
        )
        self._write(risks, seen)
        ax.set_xticks(range(len(self.losses)), labels=self.losses, rotation=30, ha="right", rotation_mode="anchor")
        ax.set_yticks(range(len(self.models)), labels=self.models)
        ax.set(xlabel="risk under the loss", ylabel="model")
        ax.tick_params(length=0)
        ax.spines[:].set_visible(False)
        if colorbar:
            capped = bool(np.any(~(self.excess_ <= WORST)))
            scale = self.figure_.colorbar(self.im_, ax=ax, extend="max" if capped else "neither")
            scale.set_label("above the best of the column, %")
        return self

    def _write(self, risks: Array, seen: Array) -> None:
        """Write risks and excesses, light on dark colours; the best of a column is bold."""
        self.text_ = np.empty(risks.shape, dtype=object)
        for i, j in np.ndindex(risks.shape):
            excess = float(self.excess_[i, j])
            dark = np.array(self.im_.to_rgba(seen[i, j]))[:3] @ LUMINANCE < 0.5
            look = {"color": "white" if dark else "black", "fontweight": "normal" if excess else "bold"}
            said = f"{risks[i, j]:.3g}\n{_said(excess)}"
            self.text_[i, j] = self.ax_.text(j, i, said, ha="center", va="center", fontsize=9, **look)


def _excess(risks: Array) -> Array:
    """Return risk / best - 1, column by column; what is as good as the best is 0 above it, even where that is 0."""
    best = np.min(np.where(np.isnan(risks), np.inf, risks), axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(risks == best, 0.0, risks / best - 1.0)


def _said(excess: float) -> str:
    """Return an excess as a percentage, or as a multiple of the best from twice that on."""
    if excess == 0:
        return "best"
    if excess < 0.995:
        return f"+{100 * excess:.2g} %"
    return f"×{1 + excess:.1f}" if excess < 9 else f"×{1 + excess:.0f}"


def _own_losses(models: dict[str, Any]) -> list[Any]:
    """Return the losses that models were fitted with, each once."""
    found: dict[str, Any] = {}
    for model in map(last_step, models.values()):
        if hasattr(model, "loss_"):
            found.setdefault(str(model.loss_), as_given(model, "loss"))
    if not found:
        raise ValueError("ComparisonDisplay: no estimator says which loss it was fitted with; pass losses=.")
    return list(found.values())
