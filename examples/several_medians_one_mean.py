"""
Several medians, one mean: absolute errors need not have one minimiser
======================================================================

The constant that minimises the mean squared error is the mean, and there is one. The constant that minimises the mean
absolute error is the median, and of an even number of observations every point between the two in the middle is one.

**What to see:** the square has one lowest point, the absolute value a flat floor; every point of the floor is optimal,
and the certificate is about the value, which is unique, not about the point.

Data: Student, The probable error of a mean, Biometrika 6(1), 1908, pp. 1-25: additional hours of sleep of 10 patients
under each of two drugs.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import QuantileRegressor

from sklearn_erm import ERMRegressor

FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0]
SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]
BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# A constant for one drug
# -----------------------
# A feature that is always zero leaves the intercept alone. The penalty is then 0 as well, and only there so that the
# duality gap exists: a proof that no constant has a smaller mean loss, which is the same all along the floor.

y, nothing = np.array(FIRST), np.zeros((10, 1))
mean = ERMRegressor("squared_error", "l2").fit(nothing, y)
median = ERMRegressor("absolute_error", "l2").fit(nothing, y)
low, high = np.sort(y)[4:6]
for name, model in {"squared error": mean, "absolute error": median}.items():
    certified = f"relative duality gap <= 1e-6: {model.duality_gap_ <= 1e-6}"
    print(f"{name:15} constant {model.intercept_:.2f}, mean loss {model.risk_:.4f}, {certified}")
errors = [np.mean(np.abs(y - m)) for m in (low, high)]
print(f"the medians go from {low:.1f}, mean loss {errors[0]:.4f}, to {high:.1f}, mean loss {errors[1]:.4f}")

grid = np.linspace(-1.2, 2.7, 391)
fig, ax = plt.subplots()
ax.plot(grid, [np.mean((y - m) ** 2) - mean.risk_ for m in grid], "--", color=RED, label="squared error (hours²)")
ax.plot(grid, [np.mean(np.abs(y - m)) - median.risk_ for m in grid], color=BLUE, label="absolute error (hours)")
ax.plot([low, high], [0, 0], color=BLUE, linewidth=7, alpha=0.4, label="all medians")
ax.plot(median.intercept_, 0, "o", color=BLUE, markersize=8, label="the median that fit returns")
ax.plot(mean.intercept_, 0, "s", color=RED, markersize=8, label="the mean")
ax.plot(y, np.full(10, -0.15), "|", color="black", markersize=12, label="the observations")
ax.set(xlabel="constant prediction (hours of sleep)", ylabel="mean loss above its minimum")
ax.set(xlim=(-1.9, 5), ylim=(-0.25, 1.7))
ax.legend(loc="upper right", fontsize="small")

# %%
# A line for both drugs
# ---------------------
# The feature is now 0 for the first drug and 1 for the second. Intercept + 0 may be any median of the first ten hours,
# intercept + slope any of the second: the minimisers are a parallelogram. scikit-learn's simplex method returns one of
# its corners, this library a point inside; both are right. A trace of a penalty decides: of all the minimisers, the one
# of the smallest slope.

X, y = np.repeat([[0.0], [1.0]], 10, axis=0), np.array(FIRST + SECOND)
models = {
    "least squares": (ERMRegressor("squared_error", penalty=None), RED, "s"),
    "absolute errors": (ERMRegressor("absolute_error", penalty=None), BLUE, "o"),
    "the same, scikit-learn": (QuantileRegressor(alpha=0), BLUE, "^"),
    "the same, l2 at alpha 0.001": (ERMRegressor("absolute_error", "l2", alpha=1e-3, tol=1e-9), GREEN, "D"),
}
intercept, slope = np.meshgrid(np.linspace(-0.7, 1.7, 241), np.linspace(0, 3, 241))
risk = np.mean([np.abs(target - intercept - slope * x) for x, target in zip(X[:, 0], y, strict=True)], axis=0)
fig, ax = plt.subplots()
levels = ax.contour(intercept, slope, risk, [1.51, 1.53, 1.56, 1.6, 1.65, 1.7], colors="0.6", linewidths=1)
ax.clabel(levels, fontsize="small")
(a, b), (c, d) = np.sort(FIRST)[4:6], np.sort(SECOND)[4:6]
ax.fill([a, b, b, a], [c - a, c - b, d - b, d - a], color=BLUE, alpha=0.3, label="all minimisers")
print(f"\n{'':28}intercept  slope  mean absolute error")
for name, (model, colour, marker) in models.items():
    model.fit(X, y)
    ax.plot(model.intercept_, model.coef_[0], marker, color=colour, markersize=8, label=name)
    error = np.mean(np.abs(y - model.predict(X)))
    print(f"{name:28}{model.intercept_:9.2f}{model.coef_[0]:7.2f}{error:21.4f}")
ax.set(xlabel="intercept (hours)", ylabel="slope: second drug less first (hours)")
ax.legend(fontsize="small", loc="upper right", frameon=True, framealpha=1, edgecolor="none")
plt.show()
