"""
Sparsity: the absolute value makes coefficients exactly zero, the square never does
===================================================================================

Near zero a square is flat: shrinking a small coefficient further gains almost nothing, so ``l2`` leaves all of them in
the model. An absolute value pulls with the same force however small the coefficient is: ``l1`` pulls some to zero.

**What to see:** as alpha grows, ``l1`` drops the ten features of the diabetes data one by one; ``l2`` makes all of them
small and none zero.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor, erm_path

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()
BLUE, RED = "#0072B2", "#D55E00"
COLOURS = ["#000000", "#E69F00", "#D55E00", "#009E73", "#56B4E9", "#0072B2", "#CC79A7"]
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# Coefficients along alpha
# ------------------------
# Features and target have variance 1, so that the coefficients can be compared.

alphas = np.logspace(1, -3, 81)
for penalty in ["l1", "l2"]:
    path = erm_path(X, y, loss="squared_error", penalty=penalty, alphas=alphas)
    print(f"{penalty}: non-zero of 10 at alpha =", end="")
    print(*(f"  {path.alphas[i]:.2g}: {np.count_nonzero(path.coefs[i])}" for i in range(0, 81, 10)), sep="")

    fig, ax = plt.subplots()
    for j, name in enumerate(data.feature_names):
        ax.semilogx(path.alphas, path.coefs[:, j], "-" if j < 7 else "--", color=COLOURS[j % 7], label=name)
    ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    ax.set(xlabel="alpha", ylabel="coefficient (standard deviations)", ylim=(-0.55, 0.55))
    ax.set_title("l1: zero, one by one" if penalty == "l1" else "l2: small, never zero", loc="left")
    ax.legend(ncols=2, fontsize="small", loc="upper right")

# %%
# What each does to one coefficient
# ---------------------------------
# Where the features are uncorrelated, each coefficient is shrunk alone. With b the coefficient of least squares, ``l2``
# divides it, w = b / (1 + alpha / 2); ``l1`` subtracts, w = sign(b) max(abs(b) - alpha / 2, 0). The principal
# components of the same data, scaled to variance 1, are uncorrelated: their fits lie on the two curves.

Z, alpha = PCA(whiten=True).fit_transform(X) * np.sqrt(len(X) / (len(X) - 1)), 0.3
b = ERMRegressor("squared_error", penalty=None).fit(Z, y).coef_
formulas = {"l2": b / (1 + alpha / 2), "l1": np.sign(b) * np.maximum(np.abs(b) - alpha / 2, 0)}
line = np.linspace(-0.6, 0.6, 121)
fig, ax = plt.subplots()
ax.plot(line, line, ":", color="0.5", label="no penalty")
ax.plot(line, line / (1 + alpha / 2), color=RED, label="l2 divides")
ax.plot(line, np.sign(line) * np.maximum(np.abs(line) - alpha / 2, 0), color=BLUE, label="l1 subtracts, down to zero")
for penalty, style in {"l2": "s", "l1": "o"}.items():
    w = ERMRegressor("squared_error", penalty, alpha=alpha, tol=1e-12).fit(Z, y).coef_
    ax.plot(b, w, style, color=RED if penalty == "l2" else BLUE)
    print(f"{penalty}: fit and formula differ by at most {np.max(np.abs(w - formulas[penalty])):.0e}")
ax.set(xlabel="coefficient without a penalty", ylabel=f"coefficient at alpha = {alpha}")
ax.legend()
plt.show()
