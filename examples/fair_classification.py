"""
Fairness as a linear constraint
===============================

Leaving a sensitive attribute z out of the features does not make a classifier blind to it: other features tell of it.
The covariance of the score f = x w + b with z is linear in w, cov(z, f) = cov(z, x) w. So a bound -ε ≤ cov(z, f) ≤ ε is
one row of a ``scipy.optimize.LinearConstraint``, under any loss (Zafar, Valera, Gomez Rodriguez, Gummadi, "Fairness
constraints: mechanisms for fair classification", AISTATS 2017). What to see: as ε falls to 0, the two groups are chosen
about equally often, and accuracy falls; the multiplier of the constraint is the price of the next step.

The data are generated: in truth, the label goes with z (70 % against 30 %), and three of eight features depend on z.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import LinearConstraint
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier

BLUE, RED = "#0072B2", "#D55E00"
X, y = make_classification(6000, n_features=8, n_informative=5, n_redundant=1, class_sep=0.8, random_state=0)
rng = np.random.default_rng(0)
z = (rng.random(len(y)) < np.where(y == 1, 0.7, 0.3)).astype(int)
X[:, :3] += 1.2 * z[:, None] * rng.normal(1.0, 0.3, size=3)  # what an attribute leaves behind in a life
X_train, X_test, y_train, y_test, z_train, z_test = train_test_split(
    StandardScaler().fit_transform(X), y, z, random_state=0
)

# %%
# The constraint, tightened step by step
# --------------------------------------
#
# The first ε is the covariance of the free fit; it falls to 0 by tenths. A rate is the share of a group with prediction
# 1; rates and accuracy are of the test data. The price is what the penalised risk rises by, per unit that ε falls.

direction = (z_train - z_train.mean()) @ X_train / len(z_train)
shares = np.linspace(1, 0, 11)
tables = {}
for loss in ("log_loss", "hinge"):
    free = ERMClassifier(loss, "l2", alpha=1e-3).fit(X_train, y_train)
    most = abs(direction @ free.coef_[0])
    print(f"\n{loss:>10}  cov(z, f)  accuracy  rate z=0  rate z=1   price")
    tables[loss] = []
    for epsilon in shares * most:
        model = ERMClassifier(loss, "l2", alpha=1e-3, constraints=LinearConstraint(direction, -epsilon, epsilon))
        model.fit(X_train, y_train)
        chosen, price = model.predict(X_test) == 1, np.abs(model.multipliers_["constraints"][0]).item()
        rates = [chosen[z_test == group].mean() for group in (0, 1)]
        tables[loss].append([model.score(X_test, y_test), *rates, price, model.objective_])
        print(f"ε = {epsilon:6.3f} {direction @ model.coef_[0]:10.3f} {tables[loss][-1][0]:9.3f}", end="")
        print(f" {rates[0]:9.3f} {rates[1]:9.3f} {price:7.3f}")
    *_, prices, objective = np.array(tables[loss]).T
    paid = np.trapezoid(prices, -shares * most)
    print(f"The penalised risk rises by {objective[-1] - objective[0]:.4f}; the prices on the way sum to {paid:.4f}.")

# %%
# What it does, and what it costs
# -------------------------------

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
for loss, colour in [("log_loss", BLUE), ("hinge", RED)]:
    accuracy, first, second, *_ = np.array(tables[loss]).T
    ax.plot(shares, accuracy, "-", color=colour, linewidth=2, label=f"{loss}: accuracy")
    ax.plot(shares, second, "s--", color=colour, markersize=4, label="rate of z = 1")
    ax.plot(shares, first, "o:", color=colour, markersize=4, label="rate of z = 0")
ax.set(xlabel="ε / covariance of the free fit", ylabel="share of the test data", ylim=(0, 1))
ax.set_title("Both groups are chosen alike, at a price", loc="left", fontsize=11)
ax.spines[["top", "right"]].set_visible(False)
ax.invert_xaxis()
ax.legend(frameon=False, ncols=2)
plt.show()
