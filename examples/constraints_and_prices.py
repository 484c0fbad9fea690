"""
Constraints and their prices
============================

What is known about coefficients beforehand can be required of them: a profile that never falls, weights that are not
negative and sum to one. ``bounds=`` and ``constraints=`` are scipy's, and go with every loss. A fit comes with their
**multipliers**: how fast its minimum falls as a bound gives way. What to see: where the data agree with a constraint
its price is 0, and where they do not, it tells how much they mind.

The data are scikit-learn's diabetes data: 442 patients, and a measure of how the disease progressed in a year.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import LinearConstraint
from sklearn.datasets import load_diabetes
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVR

from sklearn_erm import ERMRegressor

BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
X, y = load_diabetes(return_X_y=True, scaled=False)

# %%
# A profile that never falls
# --------------------------
#
# The body mass index in 20 classes of about 22 patients, a coefficient for each. ``w₁ ≤ w₂ ≤ … ≤ w₂₀`` is a
# LinearConstraint with a row for every pair of neighbours. For squared error this is isotonic regression, as
# scikit-learn has it; here it goes with any loss, any convex penalty, and other features beside it.

bmi = X[:, 2]
level = np.searchsorted(np.quantile(bmi, np.linspace(0, 1, 21)[1:-1]), bmi, side="right")
Z, differences = np.eye(20)[level], np.diff(np.eye(20), axis=0)


def fit_profile(loss, least):
    """Fit a coefficient per class, each to be larger than the one before by ``least`` or more."""
    rule = LinearConstraint(differences, least, np.inf)
    return ERMRegressor(loss, penalty=None, fit_intercept=False, constraints=rule, tol=1e-10).fit(Z, y)


free, mean, median = (
    fit_profile(loss, least)
    for loss, least in [("squared_error", -np.inf), ("squared_error", 0), ("absolute_error", 0)]
)
isotonic = IsotonicRegression().fit(level, y).predict(np.arange(20))
print(f"mean squared error: free {free.risk_:.1f}, monotone {mean.risk_:.1f}")
print("monotone, and IsotonicRegression: the same to 1e-6:", np.abs(mean.coef_ - isotonic).max() < 1e-6)

# %%
# A multiplier is negative where a lower bound binds; its size is the price. Bars stand where neighbours were pooled. Is
# the price right? Demand that the dearest step be 0.001 at least, and see by how much the minimum rises.

price = np.abs(mean.multipliers_["constraints"][0][0])
dearest = np.where(np.arange(19) == price.argmax(), 1e-3, 0.0)
rise = fit_profile("squared_error", dearest).objective_ - mean.objective_
print(f"dearest step: multiplier {price.max():.2f}, the rise of the minimum per unit {rise / 1e-3:.2f}")

figure, (top, bottom) = plt.subplots(2, 1, figsize=(6, 4.6), sharex=True, height_ratios=[2, 1], layout="constrained")
classes = np.arange(1, 21)
top.plot(classes, free.coef_, "o", color="0.6", label="mean of the class")
top.step(classes, mean.coef_, where="mid", color=BLUE, linewidth=2, label="monotone, squared error")
top.step(classes, median.coef_, where="mid", color=RED, linestyle="--", label="monotone, absolute error")
top.set_ylabel("progression in a year")
top.set_title("Never falling, and what every step costs", loc="left", fontsize=11)
top.legend(frameon=False)
bottom.bar(classes[:-1] + 0.5, price, width=0.6, color=BLUE)
bottom.set_ylabel("price of the step\n(risk per unit)")
bottom.set_xlabel("class of the body mass index, 1 the leanest")
bottom.set_xticks(classes[::3])

# %%
# Weights of a mixture: not negative, sum one
# -------------------------------------------
#
# Predictions of four models, each for patients that it has not seen, are blended. Least squares gives the fourth, which
# always says the mean, a negative weight: it stretches the others away from the mean.

models = {
    "ridge": make_pipeline(StandardScaler(), RidgeCV(np.logspace(-1, 3, 9))),
    "kernel SVR": make_pipeline(StandardScaler(), SVR(C=50)),
    "neighbours": make_pipeline(StandardScaler(), KNeighborsRegressor(20)),
    "the mean": make_pipeline(StandardScaler(), RidgeCV([1e9])),
}
P = np.column_stack([cross_val_predict(model, X, y, cv=5) for model in models.values()])
mixture = LinearConstraint(np.ones(4), 1, 1)
rules = {
    "free": {},
    "w ≥ 0": {"bounds": (0, None)},
    "w ≥ 0, sum 1": {"bounds": (0, None), "constraints": mixture},
}
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for i, (label, rule) in enumerate(rules.items()):
    blend = ERMRegressor("squared_error", penalty=None, fit_intercept=False, tol=1e-10, **rule).fit(P, y)
    print(f"{label:13} weights {blend.coef_.round(2) + 0.0}, risk {blend.risk_:.1f}")
    ax.bar(np.arange(4) + 0.27 * (i - 1), blend.coef_, width=0.25, color=["0.6", BLUE, GREEN][i], label=label)
bound, total = blend.multipliers_["bounds"][0], blend.multipliers_["constraints"][0][0, 0]
print("multipliers of the bounds:", bound.round(1), "and of the sum:", round(total, 1))
ax.axhline(0, color="0.4", linewidth=1)
ax.set_xticks(np.arange(4), models)
ax.set_ylabel("weight in the blend")
ax.set_title("Weights that may not be negative, and sum to one", loc="left", fontsize=11)
ax.legend(frameon=False)
for panel in (top, bottom, ax):
    panel.spines[["top", "right"]].set_visible(False)

# %%
# The mean ends at weight 0 exactly, at a price. The multiplier of the sum is positive: a larger sum would fit better,
# as the 1.02 of the fit without this constraint does. Again the price is right: let the sum be larger by 1e-5.

minimum = blend.objective_
blend.set_params(constraints=LinearConstraint(np.ones(4), 1 + 1e-5, 1 + 1e-5)).fit(P, y)
print(f"fall of the minimum per unit of the sum: {(minimum - blend.objective_) / 1e-5:.1f}")

plt.show()
