"""What the displays share: matplotlib where it is, colours, names, and labels that keep their distance."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from sklearn.base import clone

from sklearn_erm.estimators.risk import inner_model, last_step

Array = NDArray[Any]

# Okabe, Ito, "Color universal design", 2008, without its yellow, which fades on white. Seven colours and four dashes
# have no common divisor: 28 lines differ.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
DASHES = ("-", "--", "-.", ":")
GREY = "0.45"
LONGEST = 40  # letters of a name
INSIDE = 6  # entries of a legend that fit into a picture


def require_matplotlib(display: type) -> Any:
    """Return ``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot
    except ImportError as error:
        raise ImportError(
            f"{display.__name__} draws with matplotlib, which is not installed: pip install 'sklearn-erm[examples]'."
        ) from error
    return pyplot


def axes_for(display: type, ax: Any) -> Any:
    """Return the axes to draw on: those given, or those of a new figure."""
    pyplot = require_matplotlib(display)
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax


def style(number: int, **kwargs: Any) -> dict[str, Any]:
    """Return colour, dashes and width of the line of some number; what the user asks for goes first.

    Later lines are thinner, so that one that coincides with an earlier one does not hide it.
    """
    colour, dashes = COLOURS[number % len(COLOURS)], DASHES[number % len(DASHES)]
    own = {"color": colour, "linestyle": dashes, "linewidth": max(2.4 - 0.15 * number, 1.3)}
    return {**own, **_in_full(kwargs)}


def _in_full(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Return style keywords with matplotlib's abbreviations of them spelt out, lest one be given twice."""
    from matplotlib.cbook import normalize_kwargs
    from matplotlib.lines import Line2D

    return normalize_kwargs(kwargs, Line2D)


def tidy(ax: Any) -> None:
    """Draw a faint grid, and no frame above and on the right."""
    ax.grid(color="0.9", linewidth=0.8)
    ax.set_axisbelow(True)
    ax.spines[["top", "right"]].set_visible(False)


def falling_log_axis(ax: Any, alphas: Array) -> None:
    """Make x a logarithmic axis of alphas that fall; 0 is not on it, and one alpha alone has room on either side."""
    shown = alphas[alphas > 0]
    ax.set_xscale("log")
    if len(shown):
        margin = 1.0 if shown.max() > shown.min() else 2.0
        ax.set_xlim(margin * shown.max(), shown.min() / margin)


def legend(ax: Any) -> None:
    """Draw a legend without a frame: where it hides least, or beside the axes if it is long."""
    labels = ax.get_legend_handles_labels()[1]
    if len(labels) > INSIDE:
        ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    elif labels:
        ax.legend(frameon=False)


def spread(positions: Array, gap: float, low: float, high: float) -> Array:
    """Return positions in [low, high] that differ by ``gap`` at least, moved by the least sum of squares.

    Less j gaps, the j-th of them in order must not decrease: an isotonic regression, whose bounds are kept by clipping.
    Where there is no room for so many gaps, they are smaller.
    """
    if not len(positions):
        return positions
    order = np.argsort(positions, kind="stable")
    gap = min(gap, (high - low) / max(len(order) - 1, 1))
    steps = gap * np.arange(len(order))
    moved = np.clip(isotonic_regression(positions[order] - steps).x, low, high - steps[-1]) + steps
    return moved[np.argsort(order)]


def given(display: type, parameter: str, things: Any, name: Any) -> dict[str, Any]:
    """Return the things that a display was given by name, as ``named`` does.

    Raises
    ------
    ValueError
        If there are none.
    """
    found = named(things, name)
    if not found:
        raise ValueError(f"{display.__name__}: {parameter} is empty; it must hold one at least.")
    return found


def named(things: Any, name: Any) -> dict[str, Any]:
    """Return things by name: a dict as it is, else each under what ``name`` says of it, repeated names numbered."""
    if isinstance(things, Mapping):
        return {str(key): thing for key, thing in things.items()}
    found: dict[str, Any] = {}
    for thing in things if isinstance(things, (list, tuple)) else [things]:
        label, copies = name(thing), 1
        while label in found:
            copies += 1
            label = f"{name(thing)} ({copies})"
        found[label] = thing
    return found


def short(thing: Any) -> str:
    """Return a name as it is, and an instance as it would be written, on one line that fits into a legend."""
    said = " ".join(str(thing).removesuffix("()").split())
    return said if len(said) <= LONGEST else said[: LONGEST - 1] + "…"


def model_name(model: Any) -> str:
    """Return what tells a linear model, inside a pipeline or not, from others: its loss and penalty, else its class."""
    last = last_step(model)
    if not hasattr(last, "loss") or not hasattr(last, "penalty"):
        return type(last).__name__
    loss, penalty = as_given(last, "loss"), as_given(last, "penalty")
    return short(loss) if penalty is None else f"{short(loss)} + {short(penalty)}"


def as_given(model: Any, parameter: str) -> Any:
    """Return loss or penalty as the user gave it; of several candidates, the one that was chosen."""
    given = getattr(model, parameter)
    return getattr(model, f"{parameter}_", given) if isinstance(given, (list, tuple)) else given


def prepared(model: Any, X: Any, y: Any) -> tuple[Any, Any, list[str]]:
    """Return the model inside fitted searches and pipelines, X as its ``fit`` gets it, and the names of the columns."""
    names = getattr(X, "columns", None)
    while (inner := inner_model(model)) is not model:
        if len(getattr(model, "steps", [])) > 1:
            steps = clone(model[:-1])
            X = steps.fit_transform(X, y)
            with suppress(AttributeError):  # some step does not say what it names its columns
                names = steps.get_feature_names_out()
        model = inner
    if names is None or len(names) != X.shape[1]:
        names = [f"x{j}" for j in range(np.shape(X)[1])]
    return model, X, [str(name) for name in names]
