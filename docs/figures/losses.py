"""The losses: each by itself, and those of a residual and of a margin together."""

import numpy as np
from matplotlib.figure import Figure

from sklearn_erm.losses import (
    LOSSES,
    AbsoluteError,
    CrossEntropy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Hinge,
    Huber,
    Logistic,
    MarginLoss,
    Quantile,
    ResidualLoss,
    SmoothedHinge,
    SquaredError,
    SquaredHinge,
    SquaredMargin,
    Tweedie,
)

BLUE, RED, GREEN, PURPLE, ORANGE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"
INSTANCES = {
    "quantile": Quantile(quantile=0.8),
    "expectile": Expectile(expectile=0.8),
    "epsilon_insensitive": EpsilonInsensitive(epsilon=0.5),
    "squared_epsilon_insensitive": LOSSES["squared_epsilon_insensitive"](epsilon=0.5),
    "huber": Huber(delta=1.0),
    "smoothed_hinge": SmoothedHinge(delta=0.5),
    "tweedie": Tweedie(power=1.5),
}


def sample(name):
    """Return the axis, its label, and value and slope along it, of a loss on a textbook case."""
    loss = INSTANCES.get(name, LOSSES[name]())
    t = np.linspace(-3, 3, 1201)
    if name == "multi_quantile":  # all scores equal
        y, eta = np.zeros(len(t)), np.repeat(-t[:, None], len(loss.quantiles), axis=1)
        return t, "residual r, of all three scores", loss.value(y, eta), -loss.gradient(y, eta).sum(axis=1)
    if loss.joint:  # the score of the right class; the others are 0
        eta = np.zeros((len(t), 3))
        eta[:, 0] = t
        y = np.zeros(len(t))
        return t, "score of the right class; two others are 0", loss.value(y, eta), loss.gradient(y, eta)[:, 0]
    if isinstance(loss, MarginLoss):
        y = np.ones(len(t))
        return t, "margin y·f", loss.value(y, t), loss.gradient(y, t)
    if isinstance(loss, ResidualLoss):
        y = np.zeros(len(t))
        return t, "residual r = y − f", loss.value(y, -t), -loss.gradient(y, -t)
    y = np.ones(len(t))
    return t, "score f, at y = 1; the prediction is eᶠ", loss.value(y, t), loss.gradient(y, t)


def broken(t, values):
    """Return the values with a gap where they jump, so that no line is drawn there."""
    steps = np.abs(np.diff(values))
    return np.where(np.append(steps > 20 * np.median(steps) + 0.2, False), np.nan, values)


def draw_one(name):
    t, label, value, slope = sample(name)
    figure = Figure(figsize=(4.2, 2.9))
    ax = figure.subplots()
    ax.plot(t, broken(t, slope), "--", color=RED, linewidth=1.5, label="its slope")
    ax.plot(t, value, color=BLUE, label="the loss")
    ax.set(xlabel=label, xlim=(-3, 3), ylim=(-2.2, 4.2))
    ax.legend(frameon=False, fontsize="small", loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def draw_together(curves, t, label, title):
    figure = Figure(figsize=(7, 4))
    ax = figure.subplots()
    for (name, values), (colour, dashes) in zip(
        curves.items(),
        [(BLUE, "-"), (RED, "--"), (GREEN, "-."), (PURPLE, "-"), (ORANGE, "--"), ("black", ":"), (SKY, "-.")],
        strict=False,
    ):
        ax.plot(t, values, dashes, color=colour, label=name)
    ax.set(xlabel=label, ylabel="loss", xlim=(t[0], t[-1]), ylim=(0, 4))
    ax.set_title(title, loc="left", fontsize="medium")
    ax.legend(frameon=False)
    return figure


def draw():
    for name in LOSSES:
        yield f"loss_{name}", draw_one(name)

    t = np.linspace(-3, 3, 1201)
    residual = {
        "squared_error": SquaredError(),
        "absolute_error": AbsoluteError(),
        "huber, δ = 1": Huber(delta=1.0),
        "quantile, q = 0.8": Quantile(quantile=0.8),
        "epsilon_insensitive, ε = 0.5": EpsilonInsensitive(epsilon=0.5),
    }
    curves = {name: loss.value(np.zeros(len(t)), -t) for name, loss in residual.items()}
    yield "losses_of_a_residual", draw_together(curves, t, "residual r = y − f", "What a residual costs")

    t = np.linspace(-2, 3, 1201)
    margin = {
        "squared": SquaredMargin(),
        "hinge": Hinge(),
        "squared_hinge": SquaredHinge(),
        "logistic": Logistic(),
        "log_loss": CrossEntropy(),
        "exponential": Exponential(),
    }
    curves = {name: loss.value(np.ones(len(t)), t) for name, loss in margin.items()}
    figure = draw_together(curves, t, "margin y·f", "What a margin costs")
    figure.axes[0].step(t, t < 0, color="0.6", linewidth=4, zorder=0, label="0-1 loss")
    figure.axes[0].legend(frameon=False)
    yield "losses_of_a_margin", figure
