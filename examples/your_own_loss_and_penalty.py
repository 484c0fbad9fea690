"""
Your own loss and penalty
=========================

A loss that the library lacks is a class with two methods, ``value`` and ``gradient``; a penalty is one with ``value``
and ``prox``. ``sklearn_erm.testing`` says whether they are right. Every further method makes fits faster, or their
certificate stronger. What to see: the same optimum whichever methods there are; and a model that is fitted to the cost
that counts pays less of it than least squares.

The loss is LINEX, ``exp(a r) - a r - 1`` of the residual ``r = y - prediction`` (Varian, "A Bayesian approach to real
estate assessment", 1975). With a > 0, too low a prediction costs exponentially, too high a one linearly. The penalty is
the lasso of coefficients that must not be negative. The data are scikit-learn's diabetes data.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import xlogy
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Penalty
from sklearn_erm.testing import check_loss, check_penalty

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()

# %%
# Two methods each
# ----------------


class LinEx(Loss):
    def __init__(self, a=1.0):
        self.a = a

    def value(self, y, eta):
        r = self.a * (y - eta)
        return np.expm1(r) - r

    def gradient(self, y, eta):
        return -self.a * np.expm1(self.a * (y - eta))


class Positive(Penalty):
    def value(self, W):
        return float(np.sum(W)) if np.all(W >= 0) else np.inf

    def prox(self, W, step):
        return np.maximum(W - step, 0.0)


# %%
# Are they right? A slip in the gradient, the inner derivative forgotten, is found and placed.


class Slip(LinEx):
    def gradient(self, y, eta):
        return -np.expm1(self.a * (y - eta))


try:
    check_loss(Slip(a=2.0))
except AssertionError as error:
    print(error)

# %%
# More methods
# ------------
#
# The second derivative of a loss and the derivative of a prox bring Newton's method, the conjugates the duality gap.


class CertifiedLinEx(LinEx):
    def curvature(self, y, eta):
        return self.a**2 * np.exp(self.a * (y - eta))

    def conjugate(self, y, u):
        w = 1.0 - u / self.a
        return np.where(w >= 0, u * y + xlogy(w, np.maximum(w, 0.0)) - w + 1.0, np.inf)

    def dual_domain(self, y):
        return (-np.inf, self.a) if self.a > 0 else (self.a, np.inf)


class CertifiedPositive(Positive):
    homogeneous = True
    coercive = True

    def prox_derivative(self, W, step):
        return np.where(step < W, 1.0, 0.0), None

    def critical_alpha(self, gradient):
        return float(np.max(-gradient, initial=0.0))

    def conjugate(self, V):
        return 0.0 if np.max(V) <= 1.0 else np.inf


for loss, penalty in [(LinEx(), Positive()), (CertifiedLinEx(), CertifiedPositive())]:
    held = len(check_loss(loss).held) + len(check_penalty(penalty).held)
    model = ERMRegressor(loss, penalty, alpha=0.05).fit(X, y)
    print(f"{loss} and {penalty}: {held} laws hold; {model.result_.nit} iterations")
    print(f"  objective {model.objective_:.6f}, gap {model.duality_gap_:.0e}, optimality {model.optimality_:.0e}")
    print(" ", ", ".join(f"{name} {w:.2f}" for name, w in zip(data.feature_names, model.coef_, strict=True) if w))

# %%
# The cost that counts
# --------------------
#
# Half of the patients fit, the other half pay, each at the LINEX cost with that a.

train, test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
squares = ERMRegressor("squared_error", "l2", alpha=0.05).fit(train, y_train)
values = np.linspace(0.5, 3.0, 11)
costs, low = [], []
for a in values:
    own = ERMRegressor(CertifiedLinEx(a), "l2", alpha=0.05 * a**2 / 2).fit(train, y_train)  # LINEX is a² r² / 2 near 0
    costs.append([LinEx(a).value(y_test, model.predict(test)).mean() for model in (own, squares)])
    low.append(np.mean(y_test > own.predict(test)))
print(f"least squares: {np.mean(y_test > squares.predict(test)):.0%} of the predictions too low")
print("LINEX:", ", ".join(f"a = {a}: {share:.0%}" for a, share in zip(values[::5], low[::5], strict=True)))

figure, ax = plt.subplots(figsize=(6, 4), layout="constrained")
ax.semilogy(values, [cost for _, cost in costs], "s--", color="#D55E00", label="least squares")
ax.semilogy(values, [cost for cost, _ in costs], "o-", color="#0072B2", label="fitted to LINEX")
ax.set(xlabel="a: how much worse it is to predict too little", ylabel="mean LINEX cost, held-out patients")
ax.set_title("Fitting the cost that counts", loc="left", fontsize=11)
ax.spines[["top", "right"]].set_visible(False)
ax.grid(alpha=0.3)
ax.legend(frameon=False)
plt.show()
