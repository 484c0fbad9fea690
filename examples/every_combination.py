"""
Every loss with every penalty, with and without constraints
===========================================================

Losses and penalties do not know each other, so that all pairs can be fitted, and all pairs with a convex penalty under
bounds and linear constraints too. This script fits every one, and fails if one of them is not certified to ``tol``. The
registries are read, not listed: a loss or a penalty that is added shows up.

**What to see:** most fits have a duality gap, a proven bound of how far they are from the optimum. Where the dual
says nothing (no penalty, or something that is not convex), the optimality conditions hold to the same ``tol``.
"""

import sys
import time

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from scipy.optimize import LinearConstraint
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES, GroupLasso, SparseGroupLasso

GAP, OPTIMALITY, NONE = "duality gap", "optimality conditions", "none: constraints need a convex penalty"
COLOURS = {GAP: "#0072B2", OPTIMALITY: "#E69F00", NONE: "#DDDDDD"}

# %%
# Data and limits
# ---------------
# Four features for each kind of target. Those of the tumours do not separate the classes: else the losses of a margin
# would have no minimiser without a penalty.

X, progression = load_diabetes(return_X_y=True)
cancer, benign = load_breast_cancer(return_X_y=True)
iris, species = load_iris(return_X_y=True)
scale = StandardScaler().fit_transform
data = {
    "real": (ERMRegressor, scale(X[:, [2, 3, 6, 8]]), progression / progression.std()),
    "sign": (ERMClassifier, scale(cancer[:, [1, 4, 8, 9]]), benign),
    "class": (ERMClassifier, scale(iris), species),
}
pairs = [0, 0, 1, 1]
grouped = {"group_lasso": GroupLasso(pairs), "sparse_group_lasso": SparseGroupLasso(pairs)}
limits = [{}, {"bounds": (-0.2, 0.3)}, {"constraints": LinearConstraint(np.ones((1, 4)), 0.1, 0.1)}]

# %%
# The fits
# --------
# Each is asked for its certificate: the duality gap, or where there is none the residual of the optimality conditions.


def certificate(loss, penalty, limit):
    if limit and not PENALTIES[penalty].convex:
        return NONE
    estimator, X, y = data[loss.target]
    model = estimator(loss, grouped.get(penalty, penalty), alpha=0.02, **limit).fit(X, y)
    has_gap = not np.isnan(model.duality_gap_)
    assert (model.duality_gap_ if has_gap else model.optimality_) <= model.tol, (loss, penalty, limit)
    return GAP if has_gap else OPTIMALITY


names = list({loss: name for name, loss in LOSSES.items()}.values())  # a loss of two names once
names = names[:: 3 if "--quick" in sys.argv else 1]
start, table = time.perf_counter(), {}
for name in names:
    loss = LOSSES[name]()
    table[name] = [certificate(loss, penalty, limit) for penalty in PENALTIES for limit in limits]
counts = {kind: sum(row.count(kind) for row in table.values()) for kind in COLOURS}
print(f"{len(table)} losses, {len(PENALTIES)} penalties, {time.perf_counter() - start:.0f} seconds")
print(*(f"{kind}: {count}" for kind, count in counts.items()), sep="; ")

# %%
# Which certificate where
# -----------------------
# Three columns for each penalty: free, under bounds, under a constraint on the sum of the coefficients.

cells = np.array([[to_rgb(COLOURS[kind]) for kind in row] for row in table.values()])
fig, ax = plt.subplots(figsize=(7.5, 6.5), layout="constrained")
ax.imshow(cells, aspect="auto", extent=(0, len(PENALTIES), len(table), 0))
ax.set_xticks(np.arange(len(PENALTIES)) + 0.5, map(str, PENALTIES), rotation=45, ha="right", rotation_mode="anchor")
ax.set_yticks(np.arange(len(table)) + 0.5, table)
ax.vlines(np.arange(1, len(PENALTIES)), 0, len(table), color="white", linewidth=2)
ax.hlines(np.arange(1, len(table)), 0, len(PENALTIES), color="white", linewidth=1)
ax.tick_params(length=0)
ax.spines[:].set_visible(False)
handles = [Patch(color=colour, label=kind) for kind, colour in COLOURS.items()]
fig.legend(handles=handles, loc="outside upper right", ncols=3, frameon=False)
plt.show()
