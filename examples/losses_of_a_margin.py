"""
What a margin or a residual costs: the losses as pictures
=========================================================

A loss says what an error costs; its slope says how hard one observation pulls at the fit.

**What to see:** quadratic losses pull the harder the larger the error, linear ones with a force that does not grow;
kinks are where observations can sit exactly: on the margin, or on the line.
"""

import matplotlib.pyplot as plt
import numpy as np

from sklearn_erm.losses import (
    AbsoluteError,
    CrossEntropy,
    EpsilonInsensitive,
    Hinge,
    Huber,
    Logistic,
    Quantile,
    SquaredError,
    SquaredHinge,
    SquaredMargin,
)

COLOURS = ["#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00"]
STYLES = ["-", "-", "--", "-", "-."]
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})


def draw(t, curves, loc="upper right", **labels):
    ax = plt.figure().gca()
    for (label, curve), colour, style in zip(curves.items(), COLOURS, STYLES, strict=True):
        ax.plot(t, curve, style, color=colour, label=label)
    ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
    ax.set(**labels)
    ax.legend(fontsize="small", loc=loc)
    return ax


# %%
# Classification: losses of the margin
# ------------------------------------
# With labels y of -1 and 1 and the score f = x·w + b, the margin y·f is positive where the sign of the score is right.
# The number of errors is the 0-1 loss, which no one can minimise at large; the others are convex, and above it, but for
# the cross-entropy, which is the logistic loss times ln 2.

margin_losses = {
    "square": SquaredMargin(),
    "hinge": Hinge(),
    "squared hinge": SquaredHinge(),
    "logistic (base 2)": Logistic(),
    "cross-entropy": CrossEntropy(),
}
margin = np.linspace(-2, 3, 501)
right = np.ones_like(margin)  # y = 1, so that the score is the margin
costs = {label: loss.value(right, margin) for label, loss in margin_losses.items()}
ax = draw(margin, costs, xlabel="margin y·f (negative: the wrong side)", ylabel="loss", ylim=(-0.1, 4))
ax.step(margin, margin <= 0, color="black", linewidth=1, label="0-1: the error that is meant")
ax.legend(fontsize="small", loc=(0.42, 0.57))

print(f"{'margin':>18}" + "".join(f"{t:8.0f}" for t in (-4, -1, 0, 1, 4)))
for label, loss in margin_losses.items():
    print(f"{label:>18}" + "".join(f"{v:8.3f}" for v in loss.value(np.ones(5), np.array([-4.0, -1, 0, 1, 4]))))

# %%
# The pull of one observation is minus the slope. Only the square pushes back what is right by more than 1. Far on the
# wrong side the pull of hinge and logistic loss stays limited, and so does the harm of a wrong label.

pulls = {label: -loss.gradient(right, margin) for label, loss in margin_losses.items()}
draw(margin, pulls, xlabel="margin y·f (negative: the wrong side)", ylabel="pull towards larger margins", ylim=(-2, 6))

# %%
# Regression: losses of the residual
# ----------------------------------
# Quantile and absolute error are linear on both sides of a kink at zero, which is why their fits pass through
# observations; within its ε the ε-insensitive loss does not pull at all.

residual_losses = {
    "squared error": SquaredError(),
    "absolute error": AbsoluteError(),
    "Huber, delta = 1": Huber(delta=1.0),
    "quantile 0.8": Quantile(quantile=0.8),
    "ε-insensitive, ε = 1": EpsilonInsensitive(epsilon=1.0),
}
residual = np.linspace(-3, 3, 601)
fitted = np.zeros_like(residual)  # f = 0, so that the target is the residual
costs = {label: loss.value(residual, fitted) for label, loss in residual_losses.items()}
draw(residual, costs, "upper center", xlabel="residual y - f", ylabel="loss", ylim=(-0.1, 4))

# %%
# The pull is what robustness is about: bounded for all but the squared error.

pulls = {label: -loss.gradient(residual, fitted) for label, loss in residual_losses.items()}
draw(residual, pulls, "upper left", xlabel="residual y - f", ylabel="pull towards the observation", ylim=(-2.5, 2.5))
plt.show()
