"""
The geometry of norms: corners make zeros, or ties
==================================================

A penalised fit is the point where the level sets of the loss first touch a ball of the penalty. Where the ball is
round, they touch anywhere; where it has corners, they tend to touch there.

**What to see:** the diamond of ``l1`` is touched on an axis, where one coefficient is zero; the square of ``linf`` at a
corner, where both have the same size; the circle of ``l2_norm`` at no special point.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.penalties import L1, SLOPE, ElasticNet, L2Norm, LInf

BLUE, RED, GREEN, BLACK, ORANGE = "#0072B2", "#D55E00", "#009E73", "#000000", "#E69F00"
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# Unit balls
# ----------
# All pairs of coefficients that a penalty charges with 1.

balls = {
    "l1: |w₁| + |w₂|": (L1(), BLUE, "-"),
    "l2_norm: √(w₁² + w₂²)": (L2Norm(), RED, "-"),
    "linf: max(|w₁|, |w₂|)": (LInf(), GREEN, "-"),
    "slope, weights 1 and ½": (SLOPE(weights=[1.0, 0.5]), BLACK, "--"),
    "elasticnet, half l1": (ElasticNet(l1_ratio=0.5), ORANGE, "-."),
}
angles = np.radians(np.linspace(0, 360, 241))
directions = np.column_stack([np.cos(angles), np.sin(angles)])
fig, ax = plt.subplots(layout="compressed")
for label, (penalty, colour, style) in balls.items():
    radii = [brentq(lambda r, d=d, value=penalty.value: value(r * d) - 1, 0, 2) for d in directions]
    ax.plot(*(np.array(radii) * directions.T), style, color=colour, label=label)
ax.set(xlabel="w₁", ylabel="w₂", aspect="equal")
ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))

# %%
# Where the loss touches them
# ---------------------------
# The progression of diabetes explained by age and body mass index. For each norm, alpha is 0.7 times that from which on
# everything is zero: the dual norm of the gradient of the loss at zero. The picture shows the level sets of the mean
# squared error and, coloured, all coefficients whose norm is at most that of the fit: none of them has less error.

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data[:, [0, 2]]), data.target / data.target.std()
side = np.linspace(-0.25, 0.7, 381)
grid = np.stack(np.meshgrid(side, side), axis=-1)
risk = np.mean((y - y.mean() - grid @ X.T) ** 2, axis=-1)
least_squares = ERMRegressor("squared_error", penalty=None).fit(X, y)
gradient = -2 * X.T @ (y - y.mean()) / len(y)

fig, panels = plt.subplots(1, 3, figsize=(9, 3.6), sharex=True, sharey=True, layout="compressed")
for ax, name, order, dual, colour in zip(
    panels, ["l1", "l2_norm", "linf"], [1, 2, np.inf], [np.inf, 2, 1], [BLUE, RED, GREEN], strict=True
):
    largest = np.linalg.norm(gradient, dual)
    model = ERMRegressor("squared_error", name, alpha=0.7 * largest, tol=1e-10).fit(X, y)
    inside = np.linalg.norm(grid, order, axis=-1) <= np.linalg.norm(model.coef_, order)
    ax.contour(side, side, risk, least_squares.risk_ + np.arange(1, 5) ** 2 / 50, colors="0.7", linewidths=1)
    ax.contour(side, side, risk, [model.risk_], colors=BLACK, linewidths=1.2)
    ax.contourf(side, side, inside, levels=[0.5, 1.5], colors=[colour], alpha=0.3)
    ax.plot(*least_squares.coef_, "s", color="0.4", markersize=6)
    ax.plot(*model.coef_, "o", color=colour, markersize=8)
    ax.set_title(f"{name}: w = ({model.coef_[0]:.2f}, {model.coef_[1]:.2f})", fontsize="medium")
    ax.set(xlabel="coefficient of age", aspect="equal")

    best = grid[inside][np.argmin(risk[inside])]
    print(f"{name:8} fit {model.coef_.round(3)}, least error in the ball, on the grid {best.round(3) + 0.0}", end="; ")
    counts = [np.count_nonzero(model.set_params(alpha=f * largest).fit(X, y).coef_) for f in (0.999, 1.001)]
    print(f"non-zero at alpha = {0.999 * largest:.3f}: {counts[0]}, at {1.001 * largest:.3f}: {counts[1]}")
panels[0].set_ylabel("coefficient of body mass index")
plt.show()
