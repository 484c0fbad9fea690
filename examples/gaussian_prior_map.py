"""Ridge is the Bayesian's best guess under a Gaussian prior; least squares is the best linear unbiased estimator.

    python examples/gaussian_prior_map.py [--quick] [--output DIR]

With y = X w + noise of variance sigma² and a prior w ~ N(0, tau²), minus the logarithm of the posterior density is

    sum_i (y_i - x_i w)² / (2 sigma²) + ||w||² / (2 tau²) + constant.

Times 2 sigma² / n that is the mean squared error plus alpha ||w||² / 2 with alpha = 2 sigma² / (n tau²), as
sklearn_erm.bayes.alpha_from_prior says. The posterior is Gaussian: its mean is the ridge fit, its covariance is what
sklearn_erm.bayes.posterior returns.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from sklearn_erm import ERMRegressor
from sklearn_erm.bayes import alpha_from_prior, posterior

N, P, SIGMA, TAU = 40, 10, 2.0, 0.5
ALPHA = alpha_from_prior("squared_error", "l2", n_samples=N, prior_variance=TAU**2, noise_variance=SIGMA**2)


def make_features(rng, n, p):
    """Return correlated features."""
    return rng.normal(size=(n, p)) @ np.linalg.cholesky(0.7 * np.ones((p, p)) + 0.3 * np.eye(p)).T


def check_map(rng):
    """Compare ridge with the mean, which is the summit, of the Gaussian posterior; and the two covariances."""
    X = make_features(rng, N, P)
    y = X @ rng.normal(scale=TAU, size=P) + rng.normal(scale=SIGMA, size=N)
    ridge = ERMRegressor("squared_error", "l2", alpha=ALPHA, fit_intercept=False).fit(X, y)
    precision = X.T @ X / SIGMA**2 + np.eye(P) / TAU**2
    posterior_mean = np.linalg.solve(precision, X.T @ y / SIGMA**2)
    difference = np.abs(ridge.coef_ - posterior_mean).max()
    print(f"ridge at alpha = 2 sigma² / (n tau²) = {ALPHA:.2f} and the posterior mean differ by {difference:.0e}")
    covariance = posterior(ridge, X, y, noise_variance=SIGMA**2).covariance
    difference = np.abs(covariance - np.linalg.inv(precision)).max()
    print(f"posterior(...).covariance and the inverse of X'X / sigma² + I / tau² differ by {difference:.0e}")


def check_intervals(rng, n_repeats):
    """Count how often 90 % intervals hold the coefficients, these drawn from the prior each time."""
    X, model = make_features(rng, N, P), ERMRegressor("squared_error", "l2", alpha=ALPHA, fit_intercept=False)
    inside = {"with the true sigma": [], "with an estimated one": []}
    for _ in range(n_repeats):
        w = rng.normal(scale=TAU, size=P)
        y = X @ w + rng.normal(scale=SIGMA, size=N)
        model.fit(X, y)
        for label, noise_variance in zip(inside, (SIGMA**2, None), strict=True):
            found = posterior(model, X, y, noise_variance=noise_variance)
            inside[label].append(np.abs(found.mean - w) <= 1.645 * found.std)
    for label, held in inside.items():
        print(f"90 % intervals {label:21s} hold {100 * np.mean(held):.0f} % of coefficients drawn from the prior")


def simulate(rng, n_repeats):
    """Return estimates of one fixed w, (repeats, features): least squares, another linear unbiased one, ridge."""
    X, w = make_features(rng, N, P), rng.normal(scale=TAU, size=P)
    weight = rng.uniform(0.2, 1.8, size=N)  # least squares with weights unrelated to the noise: linear, unbiased
    least_squares = ERMRegressor("squared_error", penalty=None, fit_intercept=False)
    ridge = ERMRegressor("squared_error", "l2", alpha=ALPHA, fit_intercept=False)
    Y = (X @ w)[:, None] + rng.normal(scale=SIGMA, size=(N, n_repeats))  # the noise drawn anew: one target per repeat
    estimates = {
        "least squares": least_squares.fit(X, Y).coef_,
        "arbitrarily weighted": least_squares.fit(X, Y, sample_weight=weight).coef_,
        "ridge": ridge.fit(X, Y).coef_,
    }
    print(f"\n{'estimator':22s}{'bias²':>8s}{'variance':>10s}{'total':>8s}     of {n_repeats} estimates of one w")
    for label, coef in estimates.items():
        bias, variance = np.sum((coef.mean(axis=0) - w) ** 2), np.sum(coef.var(axis=0))
        print(f"{label:22s}{bias:8.3f}{variance:10.3f}{bias + variance:8.3f}")


def draw_posterior(ax, rng):
    """Draw prior, likelihood and posterior of two coefficients, and where least squares and ridge end."""
    n, sigma, tau = 12, 1.5, 0.5
    X = make_features(rng, n, 2)
    y = X @ np.array([0.9, 0.2]) + rng.normal(scale=sigma, size=n)
    alpha = alpha_from_prior("squared_error", "l2", n_samples=n, prior_variance=tau**2, noise_variance=sigma**2)
    ridge = ERMRegressor("squared_error", "l2", alpha=alpha, fit_intercept=False).fit(X, y)
    draws = posterior(ridge, X, y, noise_variance=sigma**2).sample(300, random_state=0)
    ols = ERMRegressor("squared_error", penalty=None, fit_intercept=False).fit(X, y).coef_
    grid = np.stack(np.meshgrid(np.linspace(-1.3, 2.5, 153), np.linspace(-1.3, 1.9, 129)), axis=-1)
    log_likelihood = -0.5 * np.sum((y - grid @ X.T) ** 2, axis=-1) / sigma**2
    log_prior = -0.5 * np.sum(grid**2, axis=-1) / tau**2
    parts = [(log_prior, "#0072B2", "prior"), (log_likelihood, "#D55E00", "likelihood")]
    parts.append((log_likelihood + log_prior, "#009E73", "posterior"))
    for values, colour, label in parts:
        density = np.exp(values - values.max())
        ax.contour(*np.moveaxis(grid, -1, 0), density, levels=[0.1, 0.5, 0.9], colors=colour, linewidths=1.3)
        ax.plot([], [], color=colour, label=label)
    ax.plot(*draws.T, ".", color="#009E73", markersize=3, alpha=0.35, label="draws from the posterior", zorder=1)
    ax.plot(*ols, "s", color="#D55E00", markersize=8, label="least squares")
    ax.plot(*ridge.coef_, "o", color="#009E73", markersize=8, label="ridge")
    ax.set_xlabel("$w_1$")
    ax.set_ylabel("$w_2$")
    ax.set_aspect("equal")
    ax.set_title("Ridge is the summit of the posterior", loc="left")
    ax.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))


def draw_risk(ax, rng, n_repeats, alphas):
    """Draw the error of the estimated coefficients against alpha, w drawn from the prior each time."""
    X = make_features(rng, N, P)
    W = rng.normal(scale=TAU, size=(n_repeats, P))
    Y = X @ W.T + rng.normal(scale=SIGMA, size=(N, n_repeats))
    model = ERMRegressor("squared_error", "l2", fit_intercept=False)
    errors = [np.mean(np.sum((model.set_params(alpha=a).fit(X, Y).coef_ - W) ** 2, axis=1)) for a in alphas]
    ax.semilogx(alphas, errors, color="#009E73", linewidth=2, label="ridge")
    ax.axvline(ALPHA, color="#0072B2", linestyle="--", label="2 sigma² / (n tau²)")
    ax.set_xlabel("alpha")
    ax.set_ylabel("mean of ||estimate - w||²")
    ax.set_title("The prior's alpha is the best", loc="left")
    ax.set_ylim(bottom=0)
    ax.grid(alpha=0.3)
    ax.legend(frameon=False)
    print(f"\nw drawn from the prior: of the alphas tried, {alphas[np.argmin(errors)]:.2f} has the smallest error")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    check_map(np.random.default_rng(0))
    check_intervals(np.random.default_rng(4), 50 if options.quick else 500)
    simulate(np.random.default_rng(1), 100 if options.quick else 1000)
    figure = Figure(figsize=(12.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    draw_posterior(left, np.random.default_rng(3))
    alphas = np.logspace(-3, 2, 11 if options.quick else 41)
    draw_risk(right, np.random.default_rng(0), 20 if options.quick else 100, alphas)
    for ax in (left, right):
        ax.spines[["top", "right"]].set_visible(False)

    print("\nNo linear estimator without bias has less variance than least squares (Gauss-Markov). Ridge accepts some")
    print("bias and has far less variance.")
    path = options.output / "gaussian_prior_map.png"
    figure.savefig(path, dpi=120)
    print(f"Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
