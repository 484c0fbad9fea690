"""The losses as pictures: what a margin or a residual costs.

python examples/losses_of_a_margin.py [--quick] [--output DIR]
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sklearn_erm.losses import (
    AbsoluteError,
    CrossEntropy,
    EpsilonInsensitive,
    Hinge,
    Huber,
    Logistic,
    Quantile,
    SquaredEpsilonInsensitive,
    SquaredError,
    SquaredHinge,
    SquaredMargin,
)

MARGIN = {
    "square": SquaredMargin(),
    "hinge": Hinge(),
    "squared hinge": SquaredHinge(),
    "logistic, base 2": Logistic(),
    "cross-entropy": CrossEntropy(),
}
RESIDUAL = {
    "squared error": SquaredError(),
    "absolute error": AbsoluteError(),
    "Huber, delta = 1": Huber(delta=1.0),
    "quantile 0.8": Quantile(quantile=0.8),
    "ε-insensitive, ε = 1": EpsilonInsensitive(epsilon=1.0),
    "its square": SquaredEpsilonInsensitive(epsilon=1.0),
}
COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
STYLES = ["-", "-", "--", "-", "--", "-."]


def draw(ax, losses, t, costs):
    for (label, _), cost, colour, style in zip(losses.items(), costs, COLOURS, STYLES, strict=False):
        ax.plot(t, cost, style, color=colour, linewidth=2, label=label)
    ax.set_ylabel("loss")
    ax.set_ylim(-0.06, 4)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="accepted for the sake of uniformity")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    figure = Figure(figsize=(12.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)

    margin = np.linspace(-2, 3, 501)
    y = np.ones_like(margin)  # y = +1, so that the score is the margin
    draw(left, MARGIN, margin, [loss.value(y, margin) for loss in MARGIN.values()])
    left.step(margin, margin <= 0, color="black", linewidth=1, label="0-1: the error that is meant")
    left.legend(frameon=False, loc=(0.34, 0.6))
    left.set_xlabel("margin y·f (negative: wrong side)")
    left.set_title("Classification: convex stand-ins for the 0-1 loss", loc="left")

    residual = np.linspace(-3, 3, 601)
    draw(right, RESIDUAL, residual, [loss.value(residual, 0 * residual) for loss in RESIDUAL.values()])
    right.legend(frameon=False, loc="upper center")
    right.set_xlabel("residual y - f")
    right.set_title("Regression: quadratic or linear growth, smooth or kinked", loc="left")

    print(f"{'margin':>18s}" + "".join(f"{t:9.0f}" for t in (-4, -1, 0, 1, 4)) + "   smooth")
    t = np.array([-4.0, -1, 0, 1, 4])
    for label, loss in MARGIN.items():
        print(f"{label:>18s}" + "".join(f"{v:9.3f}" for v in loss.value(np.ones(5), t)) + f"   {loss.smooth}")
    print("\nAll cost 1 at margin 0 but cross-entropy, the logistic loss times ln 2. Only the square loss punishes")
    print("margins above 1. Far on the wrong side hinge and logistic are linear: a wrong label pulls with a force that")
    print("does not grow with its distance.")
    path = options.output / "losses_of_a_margin.png"
    figure.savefig(path, dpi=120)
    print(f"Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
