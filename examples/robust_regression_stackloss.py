"""
Outliers: least squares bends towards them, least absolute deviations does not
==============================================================================

The squared error lets a few wrong targets outweigh many right ones; the absolute error grows with the distance and no
faster. The stack loss data are 21 days of a plant that oxidises ammonia to nitric acid, 4 of which have been taken for
outliers since Daniel and Wood (Fitting Equations to Data, Wiley 1971).

**What to see:** least squares spreads the outliers' error over all days, while least absolute deviations passes through
the typical days and leaves the outliers where they are.

Data: K. A. Brownlee, Statistical Theory and Methodology in Science and Engineering, 2nd ed., Wiley 1965, p. 454. The
stack loss is ten times the percentage of the ammonia that escapes.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import Huber

AIR = [80, 80, 75, 62, 62, 62, 62, 62, 58, 58, 58, 58, 58, 58, 50, 50, 50, 50, 50, 56, 70]
WATER = [27, 27, 25, 24, 22, 23, 24, 24, 23, 18, 18, 17, 18, 19, 18, 18, 19, 19, 20, 20, 20]
ACID = [89, 88, 90, 87, 87, 87, 93, 93, 87, 80, 89, 88, 82, 93, 89, 86, 72, 79, 80, 82, 91]
LOSS = [42, 37, 37, 28, 18, 18, 19, 20, 15, 14, 14, 13, 11, 12, 8, 7, 8, 8, 9, 15, 15]

X, y = np.column_stack([AIR, WATER, ACID]).astype(float), np.array(LOSS, dtype=float)
days, outliers = np.arange(1, 22), [1, 3, 4, 21]
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# Three losses, no penalty
# ------------------------
# Huber's loss is quadratic for small residuals, linear for large ones. Its knot ``delta`` is in the units of y: 1.345
# times the scale of the noise, 2.441 here, keeps 95 % of the efficiency of least squares under Gaussian noise.

models = {
    "least squares": (ERMRegressor("squared_error", penalty=None), "#D55E00", "s"),
    "Huber": (ERMRegressor(Huber(delta=1.345 * 2.441), penalty=None), "#0072B2", "^"),
    "least absolute deviations": (ERMRegressor("absolute_error", penalty=None), "#009E73", "o"),
}
residuals = {}
print(f"{'':26}{'intercept':>9}{'air':>8}{'water':>8}{'acid':>8}   median |residual|")
for label, (model, _, _) in models.items():
    residuals[label] = y - model.fit(X, y).predict(X)
    numbers = "".join(f"{w:8.3f}" for w in model.coef_)
    print(f"{label:26}{model.intercept_:9.2f}{numbers}{np.median(np.abs(residuals[label])):12.2f}")

# %%
# The residuals
# -------------
# Least absolute deviations has the largest residuals on the four grey days, and smaller ones than least squares on 14
# of the other 17. On four days, as many as there are coefficients and intercept, they are zero.

fig, ax = plt.subplots()
for day in outliers:
    ax.axvspan(day - 0.5, day + 0.5, color="0.9")
for label, (_, colour, marker) in models.items():
    ax.plot(days, residuals[label], marker, color=colour, label=label)
ax.axhline(0, color="0.4", linewidth=1)
ax.set(xticks=days[::2], xlabel="day (grey: the outliers)", ylabel="residual (‰ of the ammonia)", ylim=(-11, 13))
ax.legend(loc="upper center", fontsize="small")

# %%
# One wrong target
# ----------------
# Add an error to the stack loss of day 13 and fit again. Least squares follows without bound. The other two stop: how
# far a target lies from the fit no longer matters, only on which side. (No convex loss is robust to wrong *features*.)

errors = np.linspace(0, 40, 5 if "--quick" in sys.argv else 21)
fig, ax = plt.subplots()
for label, (model, colour, marker) in models.items():
    slopes = [model.fit(X, y + error * (days == 13)).coef_[0] for error in errors]
    ax.plot(errors, slopes, marker + "-", color=colour, markersize=5, label=label)
ax.set(xlabel="error added to one of 21 targets (‰ of the ammonia)", ylabel="coefficient of air flow (‰ per unit)")
ax.legend()
plt.show()
