"""The geometry of penalties: their level sets, where they touch those of a risk, and what they do to a coefficient."""

import numpy as np
from matplotlib.figure import Figure

from sklearn_erm import ERMRegressor
from sklearn_erm.penalties import L1, L2, MCP, SLOPE, ElasticNet, L2Norm, LInf

BLUE, RED, GREEN, PURPLE, ORANGE = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00"
SQUARE = np.linspace(-1.3, 1.3, 261)


def on_grid(penalty, at=SQUARE):
    """Return the values of a penalty on a square of two coefficients."""
    return np.array([[penalty.value(np.array([a, b])) for a in at] for b in at])


def draw_balls():
    """Level sets: equally spaced where the penalty is a norm."""
    penalties = {
        "l1: a norm": L1(),
        "l2_norm: a norm": L2Norm(),
        "linf: a norm": LInf(),
        "l2: a square": L2(),
        "elasticnet: norm plus square": ElasticNet(0.5),
        "mcp: not convex": MCP(knot=1.5),
    }
    figure = Figure(figsize=(8.4, 6.2), layout="constrained")
    figure.get_layout_engine().set(h_pad=0.1)
    for ax, (title, penalty) in zip(figure.subplots(2, 3).flat, penalties.items(), strict=True):
        values = on_grid(penalty)
        ax.contour(SQUARE, SQUARE, values, np.arange(0.2, 1.3, 0.2), colors=BLUE, linewidths=1)
        edge = penalty.value(np.array([1.0, 0.0]))
        ax.contour(SQUARE, SQUARE, values, [edge - 1e-9], colors=RED, linewidths=2.5)
        ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂")
        ax.set_title(title, fontsize="medium")
        ax.grid(False)
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    return figure


def draw_corners():
    """The level set of the risk through the solution, and the ball that it touches."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 2)) @ np.array([[1.0, 0.55], [0.0, 0.85]])
    best = np.array([1.2, 0.35])
    y, second = X @ best, X.T @ X / len(X)
    at = np.linspace(-0.9, 2.0, 581)
    grid = np.stack(np.meshgrid(at, at), axis=-1)
    cases = {
        "l1, a corner: w₂ = 0": (L1(), 1.9),
        "l2, a round side: no zeros": (L2(), 1.5),
        "linf, a corner: w₁ = w₂": (LInf(), 1.6),
    }
    figure = Figure(figsize=(9.2, 3.5))
    for ax, (title, (penalty, alpha)) in zip(figure.subplots(1, 3), cases.items(), strict=True):
        w = ERMRegressor("squared_error", penalty, alpha=alpha, fit_intercept=False, tol=1e-12).fit(X, y).coef_
        away = grid - best
        risk = np.einsum("...i,ij,...j->...", away, second, away)
        here = (w - best) @ second @ (w - best)
        ax.contour(at, at, risk, here * np.array([0.05, 0.35, 1.0]), colors=BLUE, linewidths=[1, 1, 1.8])
        ball = on_grid(penalty, at)
        ax.contourf(at, at, ball, [-1, penalty.value(w)], colors=[RED], alpha=0.25)
        ax.contour(at, at, ball, [penalty.value(w)], colors=RED, linewidths=1.5)
        ax.plot(*best, "+", color=BLUE, markersize=10, markeredgewidth=2)
        ax.plot(*w, "o", color="black", markersize=7, zorder=5)
        ax.set(aspect="equal", xlabel="w₁", ylabel="w₂", xticks=[0, 1], yticks=[0, 1], ylim=(-0.9, 1.6))
        ax.set_title(title, fontsize="medium")
        ax.grid(False)
        ax.axhline(0, color="0.8", linewidth=0.8, zorder=0)
        ax.axvline(0, color="0.8", linewidth=0.8, zorder=0)
    return figure


def draw_shrinkage():
    """The proximal operator: one coefficient of an orthogonal design, with penalty against without."""
    free = np.linspace(-3, 3, 601)
    curves = {
        "l2": (L2(), BLUE, "-"),
        "l1": (L1(), RED, "--"),
        "elasticnet": (ElasticNet(0.5), GREEN, "-."),
        "mcp, knot 2": (MCP(knot=2.0), PURPLE, "-"),
    }
    figure = Figure(figsize=(5.6, 4))
    ax = figure.subplots()
    ax.plot(free, free, color="0.7", linewidth=1, label="no penalty")
    for label, (penalty, colour, dashes) in curves.items():
        ax.plot(free, [penalty.prox(np.array([w]), 1.0)[0] for w in free], dashes, color=colour, label=label)
    ax.set(xlabel="coefficient without the penalty", ylabel="coefficient with it", xlim=(-3, 3), ylim=(-3, 3))
    ax.legend(frameon=False)
    return figure


def draw_ties():
    """SLOPE's ball, between that of l1 and that of linf."""
    figure = Figure(figsize=(8.4, 3.0))
    weights = {"l1: ω = (1, 1)": (1.0, 1.0), "slope: ω = (1, 0.5)": (1.0, 0.5), "linf: ω = (1, 0)": (1.0, 0.0)}
    for ax, (title, omega) in zip(figure.subplots(1, 3), weights.items(), strict=True):
        values = on_grid(SLOPE(weights=list(omega)))
        ax.contour(SQUARE, SQUARE, values, np.arange(0.25, 1.3, 0.25), colors=BLUE, linewidths=1)
        ax.contour(SQUARE, SQUARE, values, [1.0 - 1e-9], colors=RED, linewidths=2.5)
        ax.set(aspect="equal", xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂")
        ax.set_title(title, fontsize="medium")
        ax.grid(False)
    return figure


def draw():
    yield "unit_balls", draw_balls()
    yield "corners", draw_corners()
    yield "shrinkage", draw_shrinkage()
    yield "sorted_balls", draw_ties()
