"""
Gauss–Markov: least squares is the best linear unbiased estimator
=================================================================

Where the noise has mean zero, equal variances and no correlation, no estimator that is linear in y and unbiased has
less variance than least squares. That is all the theorem says. It does not speak of estimators that are not linear,
such as least absolute deviations, nor of those that are biased, such as ridge.

**What to see:** other linear unbiased estimators have more variance, whatever the noise; under Laplace noise least
absolute deviations, which is not linear, has less; and ridge has less by far, for some bias. Where the variances are
not equal, weights of 1/variance make least squares the best again.
"""

import sys

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor

BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
rng = np.random.default_rng(0)

# %%
# Noise of one variance
# ---------------------
# The features are five of those of the diabetes data, for 100 of the patients; the true coefficients are those of the
# fit to all 442; the noise is drawn anew 150 times, and every draw is one column of the targets. Errors are summed over
# the coefficients.

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data[:, [2, 3, 4, 5, 8]]), data.target / data.target.std()
everyone = ERMRegressor("squared_error", penalty=None).fit(X, y)
X, w, sigma = X[::4][:100], everyone.coef_, np.sqrt(everyone.risk_)
n, repeats = len(X), 40 if "--quick" in sys.argv else 150
targets = {
    "Gaussian noise": (X @ w)[:, None] + rng.normal(scale=sigma, size=(n, repeats)),
    "Laplace noise": (X @ w)[:, None] + rng.laplace(scale=sigma / np.sqrt(2), size=(n, repeats)),
}
half, uneven = np.repeat([1.0, 0.0], n // 2), rng.uniform(0.2, 1.8, size=n)
least_squares = ERMRegressor("squared_error", penalty=None)
estimators = {
    "least squares": (least_squares, None),
    "... of one half": (least_squares, half),
    "... with uneven weights": (least_squares, uneven),
    "least absolute\ndeviations (not linear)": (ERMRegressor("absolute_error", penalty=None, tol=1e-4), None),
    "ridge (biased)": (ERMRegressor("squared_error", "l2", alpha=0.1), None),
}


def bias_and_variance(coefs):
    variance = np.sum(coefs.var(axis=0, ddof=1))
    squared_bias = np.sum((coefs.mean(axis=0) - w) ** 2) - variance / len(coefs)  # less what chance adds to it
    return max(squared_bias, 0), variance


fig, panels = plt.subplots(1, 2, figsize=(8, 3.5), sharex=True, sharey=True)
for ax, (noise, Y) in zip(panels, targets.items(), strict=True):
    print(f"{noise:40}  bias²  variance")
    for label, (model, weight) in estimators.items():
        bias, variance = bias_and_variance(model.fit(X, Y, sample_weight=weight).coef_)
        ax.barh(label, bias, color=RED, label="bias²")
        ax.barh(label, variance, left=bias, color=BLUE, label="variance")
        print(f"  {' '.join(label.split()):38}{bias:7.3f}{variance:10.3f}")
    ax.set(xlabel="mean squared error of the coefficients", title=noise)
panels[0].invert_yaxis()
handles, labels = panels[1].get_legend_handles_labels()
panels[1].legend(handles[:2], labels[:2], loc="lower right")
theory = sigma**2 * np.trace(np.linalg.inv((X - X.mean(axis=0)).T @ (X - X.mean(axis=0))))
print(f"the variance of least squares in theory: {theory:.3f}")

# %%
# Noise of unequal variances
# --------------------------
# Now the standard deviation grows with the body mass index, to ten times its smallest. Least squares is still unbiased,
# and so it is with any weights; but those of least variance are 1/variance, which ``sample_weight`` takes.

spread = sigma * 10 ** np.linspace(-0.7, 0.3, n)[np.argsort(np.argsort(X[:, 0]))]
Y = (X @ w)[:, None] + spread[:, None] * rng.normal(size=(n, repeats))
powers = np.linspace(0, 4, 9)
found = [bias_and_variance(least_squares.fit(X, Y, sample_weight=spread**-power).coef_) for power in powers]
fig, ax = plt.subplots()
ax.plot(powers, [variance for _, variance in found], "o-", color=BLUE, label="variance")
ax.plot(powers, [bias for bias, _ in found], "s-", color=RED, markersize=4, label="bias²")
ax.axvline(2, color="0.5", linestyle=":", label="weights 1/variance")
ax.set(xlabel="k, for weights 1/(standard deviation)$^k$", ylabel="mean squared error of the coefficients")
ax.legend()
print(f"unequal variances: variance {found[0][1]:.3f} without weights, {found[4][1]:.3f} with weights 1/variance")
plt.show()
