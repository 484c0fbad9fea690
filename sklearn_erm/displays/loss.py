"""Losses as functions of the margin, the residual or the score."""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.displays.drawing import (
    GREY,
    axes_for,
    given,
    legend,
    require_matplotlib,
    short,
    style,
    tidy,
)
from sklearn_erm.estimators.names import ESTIMATORS, find_loss
from sklearn_erm.estimators.risk import last_step
from sklearn_erm.losses import Loss
from sklearn_erm.losses.smoothed import Smoothed

Array = NDArray[Any]

AXES = {"margin": "margin y·f", "residual": "residual y − f", "score": "score f"}
WIDTH = 2.5  # of the picture, left and right of its middle, where the losses do not ask for more
PROBES = np.array([-7.0, -1.3, -0.2, 0.0, 0.4, 1.1, 9.0])  # residuals or margins where a loss must be one of these
FAR, BENT = 2.0**40, 1.3  # the residual where growth has settled; by what factor it may differ where it nearly has
POINTS = 1001
ALIKE = 3.0  # ratio of heights of curves that are shown in full


class Section(NamedTuple):
    """A loss along a line of scores: phi(t) = loss(target, t * direction)."""

    kind: str
    loss: Loss
    target: float
    direction: Any

    def value(self, t: Array) -> Array:
        """Return phi(t)."""
        return self.loss.value(*self._at(t))

    def derivative(self, t: Array) -> Array:
        """Return the derivative of phi, a subgradient at a kink."""
        return np.inner(self.loss.gradient(*self._at(t)), self.direction)

    def envelope(self, t: Array, step: float) -> Section:
        """Return min over z of phi(z) + (z - t)^2 / (2 step), at such t: what the solvers make of a kinked loss."""
        multiplier = np.zeros_like(self._at(t)[1])
        return self._replace(loss=Smoothed(self.loss, multiplier, step * np.inner(self.direction, self.direction)))

    def _at(self, t: Array) -> tuple[Array, Array]:
        return np.full(t.shape, self.target), np.multiply.outer(t, self.direction)


class LossDisplay:
    """Losses of the margin y·f, of the residual y − f, or of the score f, as textbooks draw them.

    Make one by ``from_losses`` or ``from_estimator``. Losses of classification are functions of the margin; a joint
    loss of several classes is drawn for two, as a function of the difference of their scores. Losses of regression are
    functions of the residual if they are translation invariant. Others (Poisson, gamma, ...) are drawn against the
    score, for one target ``y``.

    Parameters
    ----------
    t : ndarray of shape (n_points,)
        The margins, residuals or scores.
    curves : dict of str to ndarray of shape (n_points,)
        What is drawn, by name of the loss.
    kind : {"margin", "residual", "score"}
        What ``t`` is.
    quantity : {"value", "derivative"}, default="value"
        What ``curves`` are; the derivative is that in ``t``.
    envelopes : dict of str to ndarray of shape (n_points,), default=None
        The same of the Moreau envelopes.
    envelope : float, default=None
        The step of these.
    y : float, default=None
        The target, if ``kind`` is "score".

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it is drawn.
    figure_ : matplotlib Figure
        The figure of that.
    lines_ : list of matplotlib Line2D
        The losses.
    envelope_lines_ : list of matplotlib Line2D
        Their envelopes; empty where there are none.
    zero_one_ : matplotlib Line2D or None
        The 0-1 loss.

    Examples
    --------
    >>> from sklearn_erm import LossDisplay
    >>> display = LossDisplay.from_losses(["hinge", "logistic", "squared"])  # doctest: +SKIP
    """

    def __init__(
        self,
        *,
        t: Array,
        curves: dict[str, Array],
        kind: str,
        quantity: str = "value",
        envelopes: dict[str, Array] | None = None,
        envelope: float | None = None,
        y: float | None = None,
    ):
        self.t = t
        self.curves = curves
        self.kind = kind
        self.quantity = quantity
        self.envelopes = envelopes
        self.envelope = envelope
        self.y = y

    @classmethod
    def from_losses(
        cls,
        losses: Any,
        *,
        quantity: str = "value",
        envelope: float | None = None,
        limits: tuple[float, float] | None = None,
        y: float = 1.0,
        ax: Any = None,
        **kwargs: Any,
    ) -> Self:
        r"""Draw some losses.

        Parameters
        ----------
        losses : str, Loss, list of these, or dict
            Names or instances; the keys of a dict are what the legend says. All of one kind.
        quantity : {"value", "derivative"}, default="value"
            The loss, or its derivative in what it is drawn against.
        envelope : float > 0, default=None
            Draw beside each loss its Moreau envelope of this step,
            :math:`\min_z \ell(z) + (z - t)^2 / (2\,\mathrm{step})`, by which the solvers replace a loss with kinks. The
            unit of the step is that of t² / loss.
        limits : pair of float, default=None
            The margins, residuals or scores to draw between. By default wide enough to see every loss bend.
        y : float, default=1.0
            The target, for losses that are drawn against the score.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        **kwargs : dict
            Passed to ``ax.plot`` for the losses, such as ``linewidth``.

        Returns
        -------
        display : LossDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        ValueError
            If there is none; if the losses are of different kinds, such as margin and residual; if one couples several
            scores of a regression target; if one lacks the prox that its envelope needs, or does not admit ``y``.
        ImportError
            If matplotlib is not installed.
        """
        require_matplotlib(cls)
        if quantity not in ("value", "derivative"):
            raise ValueError(f"LossDisplay: quantity={quantity!r} must be 'value' or 'derivative'.")
        if envelope is not None and not 0 < envelope < np.inf:
            raise ValueError(f"LossDisplay: envelope={envelope!r} must be a positive number, or None for none.")
        sections = {name: _section(loss, y) for name, loss in given(cls, "losses", losses, short).items()}
        kind = _common_kind(sections)
        low, high = _limits(sections, kind) if limits is None else limits
        t = np.linspace(low, high, POINTS)
        curves = {name: getattr(section, quantity)(t) for name, section in sections.items()}
        envelopes = None
        if envelope is not None:
            _require_prox(sections)
            smooth = {name: section.envelope(t, envelope) for name, section in sections.items()}
            envelopes = {name: getattr(section, quantity)(t) for name, section in smooth.items()}
        display = cls(
            t=t,
            curves=curves,
            kind=kind,
            quantity=quantity,
            envelopes=envelopes,
            envelope=envelope,
            y=y if kind == "score" else None,
        )
        return display.plot(ax, **kwargs)

    @classmethod
    def from_estimator(cls, estimator: Any, **kwargs: Any) -> Self:
        """Draw the loss of an estimator: that which it was fitted with, or else its parameter ``loss``.

        Parameters
        ----------
        estimator : estimator
            An ``ERMClassifier`` or ``ERMRegressor``, or a pipeline or a fitted search that ends with one.
        **kwargs : dict
            As for ``from_losses``.

        Returns
        -------
        display : LossDisplay
            What was drawn, with its axes and figure.

        Raises
        ------
        TypeError
            If the estimator has no loss.
        ValueError, ImportError
            As ``from_losses``.
        """
        model = last_step(estimator)
        if not hasattr(model, "loss"):
            raise TypeError(f"LossDisplay: {type(model).__name__} has no loss; pass an ERMClassifier or ERMRegressor.")
        return cls.from_losses(getattr(model, "loss_", model.loss), **kwargs)

    def plot(self, ax: Any = None, *, zero_one: bool = True, **kwargs: Any) -> Self:
        """Draw.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a figure.
        zero_one : bool, default=True
            Whether to draw the 0-1 loss, which is 1 where the margin is not positive, beside values of margin losses.
        **kwargs : dict
            Passed to ``ax.plot`` for the losses.

        Returns
        -------
        self : LossDisplay
            With its axes and figure.
        """
        ax = axes_for(type(self), ax)
        self.ax_, self.figure_ = ax, ax.figure
        self.zero_one_ = None
        if zero_one and self.kind == "margin" and self.quantity == "value":
            (self.zero_one_,) = ax.plot([self.t[0], 0, 0, self.t[-1]], [1, 1, 0, 0], color="0.6", lw=1.2, label="0-1")
        self.lines_, self.envelope_lines_ = [], []
        for number, (name, curve) in enumerate(self.curves.items()):
            own = style(number, **kwargs)
            if self.envelopes is not None:
                own["linestyle"] = "-"
                smooth = {**own, "linestyle": "--", "linewidth": 0.8 * own["linewidth"]}
                self.envelope_lines_ += ax.plot(self.t, self.envelopes[name], **smooth)
            self.lines_ += ax.plot(self.t, curve, label=name, **own)
        self._decorate()
        return self

    def _decorate(self) -> None:
        ax = self.ax_
        if self.envelopes is not None:
            ax.plot([], [], color=GREY, linestyle="--", label=f"envelope, step {self.envelope:g}")
        what = AXES[self.kind] + ("" if self.y is None else f", for y = {self.y:g}")
        ax.set(xlabel=what, ylabel="loss" if self.quantity == "value" else f"derivative in the {self.kind}")
        ax.set_xlim(self.t[0], self.t[-1])
        ax.set_ylim(*_view(self.curves.values()))
        tidy(ax)
        legend(ax)


def _section(loss: Any, y: float) -> Section:
    """Return a loss as a function of one variable.

    Raises
    ------
    ValueError
        If it is none, or not before it is fitted, or does not admit the target.
    """
    loss = find_loss("LossDisplay", loss, frozenset(ESTIMATORS))
    loss.validate()
    if loss.target == "class":
        loss = loss.for_classes(2)
    loss = loss.settled(partial(_refuse, loss))
    if loss.target == "class":
        return Section("margin", loss, 1.0, np.array([-0.5, 0.5]))
    if loss.target == "sign" and _of_margins(loss):
        return Section("margin", loss, 1.0, 1.0)
    if loss.joint:
        raise ValueError(f"LossDisplay: {loss} couples several scores of one target; draw losses of one score.")
    if loss.target == "real" and _of_residuals(loss):
        return Section("residual", loss, 0.0, -1.0)
    if not loss.in_domain(np.array([y], dtype=float))[0]:
        raise ValueError(f"LossDisplay: {loss} does not admit y={y:g}: its targets are {loss.domain}.")
    return Section("score", loss, float(y), 1.0)


def _refuse(loss: Loss, _: Loss | None) -> float:
    raise ValueError(f"LossDisplay: {loss} takes its scale from a fit; give it a number, or draw the fitted estimator.")


def _of_margins(loss: Loss) -> bool:
    """Return whether a loss of signs is a function of y eta."""
    positive = np.ones_like(PROBES)
    return np.allclose(loss.value(positive, PROBES), loss.value(-positive, -PROBES), rtol=1e-9, atol=1e-12)


def _of_residuals(loss: Loss) -> bool:
    """Return whether a loss of real targets admits all of them and is a function of y - eta."""
    y, r = (a.ravel() for a in np.meshgrid(PROBES, PROBES))
    if not np.all(loss.in_domain(y)):
        return False
    return np.allclose(loss.value(y, y - r), loss.value(np.zeros_like(r), -r), rtol=1e-9, atol=1e-12)


def _common_kind(sections: dict[str, Section]) -> str:
    by_kind: dict[str, list[str]] = {}
    for name, section in sections.items():
        by_kind.setdefault(section.kind, []).append(name)
    if len(by_kind) != 1:
        groups = "; ".join(f"of the {kind}: {', '.join(names)}" for kind, names in by_kind.items())
        raise ValueError(
            f"LossDisplay: these losses do not share an axis ({groups}). Draw each kind on axes of its own."
        )
    return next(iter(by_kind))


def _require_prox(sections: dict[str, Section]) -> None:
    lacking = [name for name, section in sections.items() if not section.loss.has("prox")]
    if lacking:
        raise ValueError(f"LossDisplay: envelope= needs losses with a prox, which {', '.join(lacking)} lacks.")


def _limits(sections: dict[str, Section], kind: str) -> tuple[float, float]:
    """Return the interval to draw: around 0, and around the best score of the target if that is finite."""
    if kind == "residual":
        width = max(WIDTH, *(1.5 * _bend(section) for section in sections.values()))
        return -width, width
    middle = 0.0
    if kind == "score":
        with np.errstate(divide="ignore"):
            best = [section.loss.null(np.array([section.target]), np.ones(1)) for section in sections.values()]
        middle = float(np.mean(best)) if np.all(np.isfinite(best)) else 0.0
    return middle - WIDTH, middle + WIDTH


def _bend(section: Section) -> float:
    """Return the residual from which on the loss grows by nearly the power that it grows by far away."""

    def growth(r: float) -> float:
        inner, outer = (section.value(np.array([-s, s])).sum() for s in (r, 2.0 * r))
        return outer / inner if inner > 0 else np.inf

    r, settled = 1.0, growth(FAR)
    while r < FAR and growth(r) > BENT * settled:
        r *= 1.25
    return r


def _view(curves: Any) -> tuple[float, float]:
    """Return the ordinates to show: steep losses are cut, so that flat ones can be told from each other."""
    curves = [curve[np.isfinite(curve)] for curve in curves]
    heights = np.array([np.abs(curve).max(initial=0.0) for curve in curves])
    middle = np.sqrt(heights.min() * heights.max())
    height = 1.05 * max(middle, heights[heights <= ALIKE * heights.min()].max()) or 1.0
    low, high = min(curve.min(initial=0.0) for curve in curves), max(curve.max(initial=0.0) for curve in curves)
    room = 0.04 * height
    return max(low, -height) - room, min(high, height) + room
