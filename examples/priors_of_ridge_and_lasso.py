"""
Ridge is a Gaussian prior, the lasso a Laplace prior
====================================================

Minus the logarithm of a posterior density is minus the log-likelihood, the loss, and minus the logarithm of the prior,
the penalty. With Gaussian noise of variance σ² and a prior of variance τ², the summit of the posterior (MAP) is ridge
regression at alpha = 2σ²/(nτ²) for a Gaussian prior, and the lasso at alpha = 2σ²√2/(nτ) for a Laplace prior.

**What to see:** each fit sits on the summit of its posterior; the lasso's summit is on an axis, but no draw from its
posterior is: a coefficient of zero is a property of the summit, not a belief.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.bayes import alpha_from_prior, posterior

BLUE, RED, GREEN = "#0072B2", "#D55E00", "#009E73"
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})
rng = np.random.default_rng(0)

# %%
# Two coefficients, two priors
# ----------------------------
# The progression of diabetes explained by age and body mass index, from 20 of the 442 patients; the noise variance is
# that of the fit to all. ``alpha_from_prior`` knows the formulas. The density is drawn as it is defined, on a grid,
# with the intercept at its best for each pair of coefficients: its highest point is where the fit ends.

data = load_diabetes()
X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()
noise = ERMRegressor("squared_error", penalty=None).fit(X[:, [0, 2]], y).risk_
n, tau = 20, 0.22
Z, t = X[: 14 * n : 14, [0, 2]], y[: 14 * n : 14]
axes = np.linspace(-0.6, 0.8, 281), np.linspace(-0.5, 1.1, 321)
grid = np.stack(np.meshgrid(*axes), axis=-1)
residual = (t - t.mean()) - grid @ (Z - Z.mean(axis=0)).T
log_likelihood = -0.5 * np.sum(residual**2, axis=-1) / noise
log_priors = {
    "l2": -0.5 * np.sum(grid**2, axis=-1) / tau**2,
    "l1": -np.sqrt(2) * np.sum(np.abs(grid), axis=-1) / tau,
}
least_squares = ERMRegressor("squared_error", penalty=None).fit(Z, t).coef_

fig, panels = plt.subplots(1, 2, figsize=(8, 5), sharex=True, sharey=True, layout="compressed")
for ax, (penalty, log_prior) in zip(panels, log_priors.items(), strict=True):
    alpha = alpha_from_prior("squared_error", penalty, n_samples=n, prior_variance=tau**2, noise_variance=noise)
    fit = ERMRegressor("squared_error", penalty, alpha=alpha, tol=1e-9).fit(Z, t)
    log_posterior = log_likelihood + log_prior
    for values, colour, label in [
        (log_prior, BLUE, "prior"),
        (log_likelihood, RED, "likelihood"),
        (log_posterior, GREEN, "posterior"),
    ]:
        ax.contour(*axes, np.exp(values - values.max()), levels=[0.1, 0.5, 0.9], colors=colour, linewidths=1.2)
        ax.plot([], [], color=colour, label=label)
    density = np.exp(log_posterior - log_posterior.max()).ravel()
    draws = grid.reshape(-1, 2)[rng.choice(density.size, 1000, p=density / density.sum())]
    ax.plot(*draws[:300].T, ".", color=GREEN, markersize=3, alpha=0.4, label="draws from the posterior")
    ax.plot(*least_squares, "s", color=RED, markersize=8, label="least squares")
    ax.plot(*fit.coef_, "o", color="black", markersize=8, label="the fit: MAP")
    ax.set_title("ridge, Gaussian prior" if penalty == "l2" else "lasso, Laplace prior", y=1.0, pad=-14)
    ax.set(xlabel="coefficient of age", aspect="equal")

    summit, mean = grid.reshape(-1, 2)[np.argmax(density)], density @ grid.reshape(-1, 2) / density.sum()
    print(f"{penalty} at alpha = {alpha:.3f}: fit {fit.coef_.round(3)}, summit on the grid {summit.round(3)}", end=", ")
    print(f"mean on the grid {mean.round(3)}")
    if penalty == "l2":
        spread = np.sqrt(density @ (grid.reshape(-1, 2) - mean) ** 2 / density.sum())
        found = posterior(fit, Z, t, noise_variance=noise).coef_std
        print(f"   standard deviations by posterior(): {found.round(3)}, on the grid {spread.round(3)}")
panels[0].set_ylabel("coefficient of body mass index")
fig.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)

# %%
# What the prior's alpha is best at
# ---------------------------------
# For ridge the summit is also the mean of the posterior, the guess of least expected squared error. So when
# coefficients are drawn from a Gaussian of variance τ², the alpha of that prior is the best there is. The lasso's
# summit is not the mean (above), so that the alpha of a Laplace prior has no such claim. Here ten coefficients are
# drawn 100 times, for the features of 40 of the patients.

Z, repeats = X[::11][:40], 100
W = rng.normal(scale=tau, size=(repeats, 10))
T = Z @ W.T + rng.normal(scale=np.sqrt(noise), size=(40, repeats))
best = alpha_from_prior("squared_error", "l2", n_samples=40, prior_variance=tau**2, noise_variance=noise)
alphas = np.logspace(-2, 2, 25)
model = ERMRegressor("squared_error", "l2")
errors = [np.mean(np.sum((model.set_params(alpha=alpha).fit(Z, T).coef_ - W) ** 2, axis=1)) for alpha in alphas]
print(f"of the alphas tried, {alphas[np.argmin(errors)]:.2f} has the least error; 2σ²/(nτ²) = {best:.2f}")
fig, ax = plt.subplots()
ax.semilogx(alphas, errors, color=GREEN, label="ridge")
ax.axvline(best, color=BLUE, linestyle="--", label="2σ²/(nτ²): the prior's alpha")
ax.set(xlabel="alpha", ylabel="mean of ‖estimate - w‖² (variances of y)", ylim=(0, None))
ax.legend()
plt.show()
