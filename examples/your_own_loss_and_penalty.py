"""A loss and a penalty that the library does not have, written in a few lines, checked, fitted and certified.

    python examples/your_own_loss_and_penalty.py [--quick] [--output DIR]

The loss is LINEX (Varian, "A Bayesian approach to real estate assessment", 1975): e^(a r) - a r - 1 of the residual
r = y - prediction. With a > 0 a prediction that is too low costs exponentially, one that is too high linearly. The
penalty is the lasso of coefficients that must not be negative. Both on scikit-learn's diabetes data.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.special import xlogy
from sklearn.datasets import load_diabetes
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Penalty
from sklearn_erm.testing import check_loss, check_penalty

RED, GREEN = "#D55E00", "#009E73"


class LinEx(Loss):
    """The two methods that a loss must have."""

    def __init__(self, a=1.0):
        self.a = a

    def value(self, y, eta):
        r = self.a * (y - eta)
        return np.expm1(r) - r

    def gradient(self, y, eta):
        return -self.a * np.expm1(self.a * (y - eta))


class NewtonLinEx(LinEx):
    """The second derivative brings Newton's method, the conjugate the duality gap."""

    def curvature(self, y, eta):
        return self.a**2 * np.exp(self.a * (y - eta))

    def conjugate(self, y, u):
        w = 1.0 - u / self.a
        return np.where(w >= 0, u * y + xlogy(w, np.maximum(w, 0.0)) - w + 1.0, np.inf)

    def dual_domain(self, y):
        return (-np.inf, self.a) if self.a > 0 else (self.a, np.inf)


class Positive(Penalty):
    """The sum of the coefficients, infinite if one is negative: value and prox."""

    def value(self, W):
        return float(np.sum(W)) if np.all(W >= 0) else np.inf

    def prox(self, W, step):
        return np.maximum(W - step, 0.0)


class NewtonPositive(Positive):
    """The derivative of the prox brings Newton's method, the rest the duality gap."""

    homogeneous = True
    coercive = True

    def prox_derivative(self, W, step):
        return np.where(step < W, 1.0, 0.0), None

    def critical_alpha(self, gradient):
        return float(np.max(-gradient, initial=0.0))

    def conjugate(self, V):
        return 0.0 if np.max(V) <= 1.0 else np.inf


def print_methods(X, y):
    """Print what more methods do to one and the same fit."""
    print(f"{'loss':12s}  {'penalty':14s}  {'laws':>7s}  {'iterations':>10s}  {'objective':>10s}  certificate")
    for loss in (LinEx(a=1.0), NewtonLinEx(a=1.0)):
        for penalty in (Positive(), NewtonPositive()):
            laws = len(check_loss(loss).held) + len(check_penalty(penalty).held)
            model = ERMRegressor(loss, penalty, alpha=0.05).fit(X, y)
            gap = f"duality gap {model.duality_gap_:.0e}"
            certificate = f"optimality {model.optimality_:.0e}" if np.isnan(model.duality_gap_) else gap
            names = f"{type(loss).__name__:12s}  {type(penalty).__name__:14s}"
            print(f"{names}  {laws:7d}  {model.result_.nit:10d}  {model.objective_:10.6f}  {certificate}")


def draw_costs(ax, X, y, values):
    """Draw what predictions cost on data held out, by a, of the fit to that cost and of least squares."""
    train, test, y_train, y_test = train_test_split(X, y, test_size=0.5, random_state=0)
    squares = ERMRegressor("squared_error", "l2", alpha=0.05).fit(train, y_train)
    rows = []
    for a in values:
        own = ERMRegressor(NewtonLinEx(a), "l2", alpha=0.05 * a**2 / 2).fit(train, y_train)
        costs = [np.mean(LinEx(a).value(y_test, model.predict(test))) for model in (own, squares)]
        rows.append([*costs, *(np.mean(y_test > model.predict(test)) for model in (own, squares))])
    costs = np.array(rows)
    ax.plot(values, costs[:, 1] / costs[:, 0], "o-", color=RED)
    ax.axhline(1.0, color="0.4", linewidth=1)
    ax.set_xlabel("a: how much worse it is to predict too little")
    ax.set_ylabel("cost of least squares / cost of LINEX, held-out data")
    ax.set_title("Fitting the cost that counts", loc="left")
    return costs


def draw_paths(ax, X, y, names, alphas):
    """Draw the coefficients as alpha falls: of the lasso, and of the own penalty."""
    lasso, own = (ERMRegressor("squared_error", penalty, warm_start=True) for penalty in ("l1", NewtonPositive()))
    paths = [np.array([model.set_params(alpha=alpha).fit(X, y).coef_ for alpha in alphas]) for model in (lasso, own)]
    for j, name in enumerate(names):
        colour = GREEN if paths[1][:, j].any() else "0.6"
        ax.semilogx(alphas, paths[0][:, j], "--", color=colour, linewidth=1)
        ax.semilogx(alphas, paths[1][:, j], color=colour, linewidth=2)
        if paths[1][0, j] > 0:
            ax.annotate(f" {name}", (alphas[0], paths[1][0, j]), color=colour, fontsize=8, ha="right")
    ax.axhline(0.0, color="0.4", linewidth=1)
    ax.set_xlabel("alpha")
    ax.set_ylabel("coefficient")
    ax.set_title("Lasso (dashed) and non-negative lasso (solid)", loc="left")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer points of the curves")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    data = load_diabetes()
    X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()
    print_methods(X, y)

    figure = Figure(figsize=(12.5, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    values = np.linspace(0.5, 3.0, 3 if options.quick else 11)
    costs = draw_costs(left, X, y, values)
    draw_paths(right, X, y, data.feature_names, np.logspace(-2.5, 0.5, 9 if options.quick else 61))

    print(f"\n{'':22s}{'cost, held out':^24s}{'too low a prediction':^24s}")
    print(f"{'a':>20s}  {'LINEX':>11s} {'squares':>11s}  {'LINEX':>11s} {'squares':>11s}")
    for a, row in zip(values, costs, strict=True):
        print(f"{a:20.2f}  {row[0]:11.3f} {row[1]:11.3f}  {row[2]:11.0%} {row[3]:11.0%}")
    print("\nThe same fit whichever methods there are: with more of them, fewer iterations and a stronger certificate.")
    print("The more it costs to predict too little, the less often LINEX does; least squares cannot know.")
    for ax in (left, right):
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
    path = options.output / "your_own_loss_and_penalty.png"
    figure.savefig(path, dpi=120)
    print(f"Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
