"""
Counts and exposure: Poisson regression with an offset
======================================================

A ship that sails for ten thousand months meets with more damage than one that sails for a hundred. What can be compared
is the rate, incidents per month, and the logarithm of the months is the **offset** of a Poisson regression: a term of
the score that is not fitted. What to see: by rates, types B and C are the safest. Without the offset, type B looks by
far the most dangerous, because it did most of the sailing.

The data are damages of cargo ships by waves, from McCullagh and Nelder, *Generalized Linear Models*, section 6.3.2
(``ships`` in R's package MASS): five types of ship, built in four periods, sailing in two.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import PoissonRegressor
from sklearn.preprocessing import OneHotEncoder

from sklearn_erm import ERMRegressor

MONTHS = {  # in service: ships built 1960-64, 65-69, 70-74, 75-79, sailing 1960-74 and 75-79 each
    "A": [127, 63, 1095, 1095, 1512, 3353, 0, 2244],
    "B": [44882, 17176, 28609, 20370, 7064, 13099, 0, 7117],
    "C": [1179, 552, 781, 676, 783, 1948, 0, 274],
    "D": [251, 105, 288, 192, 349, 1208, 0, 2051],
    "E": [45, 0, 789, 437, 1157, 2161, 0, 542],
}
INCIDENTS = {
    "A": [0, 0, 3, 4, 6, 18, 0, 11],
    "B": [39, 29, 58, 53, 12, 44, 0, 18],
    "C": [1, 1, 0, 1, 6, 2, 0, 1],
    "D": [0, 0, 0, 0, 2, 11, 0, 4],
    "E": [0, 0, 7, 7, 5, 12, 0, 1],
}
for kind, months in MONTHS.items():
    incidents, service = sum(INCIDENTS[kind]), sum(months)
    print(
        f"type {kind}: {incidents:3d} incidents in {service:6d} months, {1000 * incidents / service:.1f} in 1000 months"
    )

# %%
# With and without the offset
# ---------------------------
#
# Six cells without service say nothing, and are left out. The first level of each factor is the reference: the
# exponential of a coefficient is a ratio of rates, to type A for the types.

cells = np.array([(kind, built, sailing) for kind in MONTHS for built in (60, 65, 70, 75) for sailing in (60, 75)])
exposure, y = (np.concatenate(list(table.values())).astype(float) for table in (MONTHS, INCIDENTS))
cells, exposure, y = (array[exposure > 0] for array in (cells, exposure, y))
encoder = OneHotEncoder(drop="first", sparse_output=False)
X = encoder.fit_transform(cells)

model = ERMRegressor("poisson", penalty=None, tol=1e-10)
right = model.fit(X, y, offset=np.log(exposure)).coef_
print(f"deviance {2 * len(y) * model.risk_:.1f}; types B, C, D, E to A:", np.exp(right[:4]).round(2))
wrong = model.fit(X, y).coef_
print(f"deviance {2 * len(y) * model.risk_:.1f} without the offset;", np.exp(wrong[:4]).round(2))
free = model.fit(np.column_stack([X, np.log(exposure)]), y).coef_
print(f"the coefficient of log(months), if it were free: {free[-1]:.2f}")

# %%
# The deviance of the textbook, 38.7, is twice the mean loss times the number of cells. Left to itself, log(months) has
# a coefficient near the 1 that the offset gives it.

labels = ["type B", "type C", "type D", "type E", "built 65-69", "built 70-74", "built 75-79", "sailing 75-79"]
position = np.arange(len(labels))
figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.hlines(position, np.exp(right), np.exp(wrong), color="0.8")
ax.plot(np.exp(right), position, "o", color="#0072B2", label="with offset log(months)")
ax.plot(np.exp(wrong), position, "s", color="#D55E00", markerfacecolor="none", label="without: counts, not rates")
ax.axvline(1.0, color="0.4", linewidth=1)
ax.set(xscale="log", xticks=[0.1, 0.3, 1, 3, 10], xticklabels=["0.1", "0.3", "1", "3", "10"])
ax.set_yticks(position, labels)
ax.invert_yaxis()
ax.set_xlabel("incidents, ratio to type A, built 60-64, sailing 60-74")
ax.set_title("Type B: few incidents a month, many in all", loc="left", fontsize=11)
ax.spines[["top", "right"]].set_visible(False)
ax.legend(frameon=False)

# %%
# The same fit by weights
# -----------------------
#
# Rates as targets, weighted by exposure, are the same problem: the losses differ by terms without coefficients. That is
# the way with scikit-learn's PoissonRegressor, which has no offset. Under a penalty, mind its ``alpha``. The offset's
# fit has the mean over cells, the weighted one the mean over months: alpha is divided by the mean exposure of a cell.

for alpha in (0.0, 0.5):
    by_offset = ERMRegressor("poisson", "l2", alpha=alpha, tol=1e-12).fit(X, y, offset=np.log(exposure))
    per_month = alpha / exposure.mean()
    by_weight = ERMRegressor("poisson", "l2", alpha=per_month, tol=1e-12)
    theirs = PoissonRegressor(alpha=per_month, solver="newton-cholesky", tol=1e-12)
    for other in (by_weight, theirs):
        other.fit(X, y / exposure, sample_weight=exposure)
        difference = np.abs(other.coef_ - by_offset.coef_).max()
        print(f"alpha {alpha}: {type(other).__name__:16} by weights, same coefficients to 1e-5: {difference < 1e-5}")

# %%
# ``predict`` takes the offset of what is predicted. Without one the exposure is 1: a month.

new = encoder.transform([["E", "75", "75"]])
model = ERMRegressor("poisson", penalty=None).fit(X, y, offset=np.log(exposure))
print(f"type E, built and sailing 75-79: {model.predict(new)[0]:.4f} incidents in a month,", end=" ")
print(f"{model.predict(new, offset=np.log([1000.0]))[0]:.1f} in 1000 months")

plt.show()
