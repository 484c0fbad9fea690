"""
Group lasso on one-hot categories
=================================

A categorical variable, a factor, becomes a column per level, and the lasso judges columns: it keeps some levels of a
factor and drops others. A group lasso judges factors: all levels stay, or all go. What to see: in the upper panel
single levels are picked, of factors without any effect too; in the lower one whole factors.

The data are generated: eight factors of 4 to 10 levels. Three of them, shaded, have an effect on the target.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.preprocessing import OneHotEncoder

from sklearn_erm import ERMRegressorCV
from sklearn_erm.penalties import GroupLasso

LEVELS = np.array([4, 6, 8, 10, 4, 6, 8, 10])
EFFECTIVE = np.isin(np.arange(8), [0, 2, 3])
GROUPS = np.repeat(np.arange(8), LEVELS)  # the factor of every column
encoder = OneHotEncoder(categories=[np.arange(m) for m in LEVELS])


def generate(seed, n=300, noise=2.0):
    """Return columns, target and true effects, which sum to 0 over the levels of a factor."""
    rng = np.random.default_rng(seed)
    X = encoder.fit_transform(np.column_stack([rng.integers(m, size=n) for m in LEVELS]))
    effects = np.where(EFFECTIVE[GROUPS], rng.normal(size=len(GROUPS)), 0.0)
    effects -= (np.bincount(GROUPS, effects) / LEVELS)[GROUPS]
    return X, X @ effects + noise * rng.normal(size=n), effects


# %%
# One data set
# ------------
#
# Both penalties take all columns: there is no need to leave out a reference level. The largest alpha within a standard
# error of the least cross-validated risk is chosen, a usual rule where the question is which features matter.


def choose(penalty):
    return ERMRegressorCV("squared_error", penalty, alphas=12, eps=0.05, selection="1se")


X, y, effects = generate(5)
edges = np.append(0, np.cumsum(LEVELS)) - 0.5
penalties = {"lasso": "l1", "group lasso": GroupLasso(groups=GROUPS)}
figure, axes = plt.subplots(2, 1, figsize=(6, 4.8), sharex=True, sharey=True, layout="constrained")
print("levels kept of", LEVELS)
for ax, (name, penalty) in zip(axes, penalties.items(), strict=True):
    model = choose(penalty).fit(X, y)
    kept = model.coef_ != 0
    print(f"{name:14} {np.bincount(GROUPS, kept).astype(int)}")
    for start, end, effective in zip(edges, edges[1:], EFFECTIVE, strict=False):
        if effective:
            ax.axvspan(start, end, color="0.92", zorder=0)
        ax.axvline(end, color="0.75", linewidth=0.6, zorder=1)
    ax.plot(effects, "_", color="k", markersize=5, label="truth")
    ax.vlines(np.flatnonzero(kept), 0, model.coef_[kept], color="#0072B2")
    ax.plot(np.flatnonzero(kept), model.coef_[kept], "o", color="#0072B2", markersize=4, label="kept")
    ax.plot(np.flatnonzero(~kept), model.coef_[~kept], "x", color="#D55E00", markersize=4, label="dropped")
    ax.axhline(0, color="0.4", linewidth=0.8, zorder=1)
    ax.set_title(f"{name}, alpha = {model.alpha_:.2f}", loc="left", fontsize=11)
    ax.set_ylabel("effect on the target")
    ax.set_xlim(edges[0], edges[-1])
    ax.spines[["top", "right"]].set_visible(False)
axes[0].legend(loc="lower right")
axes[1].set_xticks((edges[1:] + edges[:-1]) / 2, list("ABCDEFGH"))
axes[1].tick_params(axis="x", length=0)
axes[1].set_xlabel("factor, a column for each of its levels")

# %%
# It is not always that clear: ten data sets
# ------------------------------------------

for name, penalty in penalties.items():
    found = []
    for X, y, effects in map(generate, range(10)):
        coef = choose(penalty).fit(X, y).coef_
        kept = np.bincount(GROUPS, coef != 0)
        whole, wrong = np.sum(kept[EFFECTIVE] == LEVELS[EFFECTIVE]), np.sum(kept[~EFFECTIVE] > 0)
        found.append([np.sum(kept[EFFECTIVE] > 0), whole, wrong, np.sqrt(np.mean((coef - effects) ** 2))])
    some, whole, wrong, error = np.mean(found, axis=0)
    print(f"{name:12} of 3 factors with an effect {some:.1f} found, {whole:.1f} with all their levels;", end=" ")
    print(f"of 5 without {wrong:.1f} kept; error of the effects {error:.2f}")

plt.show()
