"""
All or nothing: the norm itself against its square
==================================================

``l2`` is half the squared norm of the coefficients, ``l2_norm`` the norm itself. The square is smooth at zero, and its
fit is never exactly zero. The norm has a kink there, in all directions at once: from some alpha on every coefficient is
zero, and before it, in general, none.

**What to see:** with the squared norm the coefficients fade for ever; with the norm itself they reach zero together, at
an alpha that can be computed from the data. Until then both penalties give the same models, in another order of alpha.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor, erm_path

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()
BLUE, RED = "#0072B2", "#D55E00"
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# The size of the coefficients along alpha
# ----------------------------------------
# The coefficients are all zero from the alpha at which the pull of the norm, alpha, is as strong as that of the loss:
# the length of the gradient of the mean squared error where only the intercept is fitted.

pull = np.linalg.norm(2 * X.T @ (y - y.mean()) / len(y))
alphas = np.sort(np.append(np.logspace(-2, 2, 81), [0.999 * pull, 1.001 * pull]))[::-1]
coefs = {}
for penalty in ["l2", "l2_norm"]:
    coefs[penalty] = erm_path(X, y, loss="squared_error", penalty=penalty, alphas=alphas, tol=1e-9).coefs
    before, after = (int(np.count_nonzero(coefs[penalty][np.isclose(alphas, f * pull)])) for f in (0.999, 1.001))
    print(f"{penalty:8}non-zero coefficients at alpha = {0.999 * pull:.3f}: {before}, at {1.001 * pull:.3f}: {after}")

fig, ax = plt.subplots()
for penalty, colour, label in [("l2", RED, "l2: half the squared norm"), ("l2_norm", BLUE, "l2_norm: the norm itself")]:
    ax.semilogx(alphas, np.linalg.norm(coefs[penalty], axis=1), color=colour, label=label)
ax.axvline(pull, color="0.5", linestyle=":", label="length of the gradient at zero")
ax.axhline(0, color="0.6", linewidth=0.8, zorder=0)
ax.set(xlabel="alpha", ylabel="norm of the coefficients (standard deviations)")
ax.legend()

# %%
# The same models, in another order of alpha
# ------------------------------------------
# Where the coefficients w are not zero, the gradient of alpha ‖w‖ is alpha w / ‖w‖: that of the half squared norm at
# alpha / ‖w‖. So each fit with ``l2_norm`` is one with ``l2``, and drawn against the norm, the lines of the one pass
# through the points of the other. The norm charges alpha for every unit of length, also for the last; the square
# charges less and less, and never lets go.

fig, ax = plt.subplots()
for j, name in enumerate(data.feature_names):
    colour = ["#000000", "#E69F00", "#D55E00", "#009E73", "#56B4E9", "#0072B2", "#CC79A7"][j % 7]
    ax.plot(np.linalg.norm(coefs["l2"], axis=1), coefs["l2"][:, j], "-" if j < 7 else "--", color=colour, label=name)
    ax.plot(np.linalg.norm(coefs["l2_norm"], axis=1)[::4], coefs["l2_norm"][::4, j], "o", color=colour, markersize=4)
ax.set(xlabel="norm of the coefficients (standard deviations)", ylabel="coefficient", xlim=(0, None))
ax.set_title("lines: l2, points: l2_norm", loc="left", fontsize="medium")
ax.legend(ncols=2, fontsize="small")

norm = ERMRegressor("squared_error", "l2_norm", alpha=0.5, tol=1e-12).fit(X, y)
ridge = ERMRegressor("squared_error", "l2", alpha=0.5 / np.linalg.norm(norm.coef_)).fit(X, y)
print(f"l2_norm at 0.5 and l2 at {ridge.alpha:.3f} differ by at most {np.max(np.abs(norm.coef_ - ridge.coef_)):.0e}")
plt.show()
