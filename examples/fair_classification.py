"""Fairness as a linear constraint: the score may covary with a sensitive attribute by epsilon at most.

python examples/fair_classification.py [--quick] [--output DIR]

The covariance of the score f = x w + b with an attribute z is linear in w, cov(z, f) = cov(z, x) w: the constraint
-epsilon <= cov(z, x) w <= epsilon is one row of scipy.optimize.LinearConstraint. The attribute itself is not among the
features; but others tell of it, so that leaving it out is not enough. After Zafar, Valera, Gomez Rodriguez, Gummadi,
"Fairness constraints: mechanisms for fair classification", AISTATS 2017.
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from scipy.optimize import LinearConstraint
from sklearn.datasets import make_classification
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier

LOSSES = {"log_loss": "#0072B2", "hinge": "#D55E00"}


def make_data(n):
    """Return X, y and an attribute z in {0, 1} that goes with the label, and that some features tell of."""
    X, y = make_classification(n, n_features=8, n_informative=5, n_redundant=1, class_sep=0.8, random_state=0)
    rng = np.random.default_rng(0)
    z = (rng.random(n) < np.where(y == 1, 0.7, 0.3)).astype(int)
    X[:, :3] += 1.2 * z[:, None] * rng.normal(1.0, 0.3, size=3)  # what an attribute leaves behind in a life
    return train_test_split(StandardScaler().fit_transform(X), y, z, random_state=0)


def covariance(z, values):
    """Return the covariance of z with each column, or with a vector."""
    return (z - z.mean()) @ values / len(z)


def fit(loss, X, y, z, epsilon):
    """Fit with the score's covariance with z bounded, on the training data, by epsilon."""
    fair = LinearConstraint(covariance(z, X), -epsilon, epsilon)
    return ERMClassifier(loss, "l2", alpha=1e-3, constraints=fair).fit(X, y)


def report(model, X_train, z_train, X, y, z):
    """Return what one line of the table says, of the test data but for the covariance."""
    chosen = model.predict(X) == 1
    rates = [chosen[z == group].mean() for group in (0, 1)]
    return {
        "cov(z, f)": covariance(z_train, model.decision_function(X_train)),
        "accuracy": model.score(X, y),
        "rate z=0": rates[0],
        "rate z=1": rates[1],
        "ratio": min(rates) / max(rates),
        "risk": model.risk_,
        "price": np.abs(model.multipliers_["constraints"][0]).item(),
    }


def draw(figure, shares, results):
    """Draw accuracy, and how often each group is chosen, against the covariance allowed."""
    left, right = figure.subplots(1, 2)
    for loss, rows in results.items():
        label = loss.replace("_", " ")
        left.plot(shares, [row["accuracy"] for row in rows], "o-", color=LOSSES[loss], label=label)
        for group, style in ((1, "s-"), (0, "o--")):
            rates = [row[f"rate z={group}"] for row in rows]
            right.plot(shares, rates, style, color=LOSSES[loss], label=f"{label}, z = {group}")
    left.set_title("Accuracy is the price ...", loc="left")
    left.set_ylabel("test accuracy")
    left.set_ylim(0.5, 1.0)
    right.set_title("... of choosing both groups alike", loc="left")
    right.set_ylabel("share with prediction 1")
    right.set_ylim(0.0, 1.0)
    for ax in (left, right):
        ax.set_xlabel("epsilon / covariance without a constraint")
        ax.grid(alpha=0.3)
        ax.spines[["top", "right"]].set_visible(False)
        ax.legend(frameon=False)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer samples and epsilons")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    X_train, X_test, y_train, y_test, z_train, z_test = make_data(1000 if options.quick else 6000)
    shares = np.linspace(1, 0, 5 if options.quick else 11)
    results = {}
    for loss in LOSSES:
        free = fit(loss, X_train, y_train, z_train, np.inf)
        most = abs(covariance(z_train, free.decision_function(X_train)))
        models = [fit(loss, X_train, y_train, z_train, share * most) for share in shares]
        results[loss] = [report(model, X_train, z_train, X_test, y_test, z_test) for model in models]
        print(f"\n{loss}\n" + f"{'epsilon':>9s}" + "".join(f"{name:>11s}" for name in results[loss][0]))
        for share, row in zip(shares, results[loss], strict=True):
            print(f"{share * most:9.3f}" + "".join(f"{value:11.3f}" for value in row.values()))

    print(
        "\nRate: the share of a group with prediction 1; ratio: the smaller rate by the larger. Price: the multiplier"
    )
    print("of the constraint, by which the minimum of the penalised risk would fall per unit of epsilon.")
    figure = Figure(figsize=(11, 4.5), layout="constrained")
    draw(figure, shares, results)
    path = options.output / "fair_classification.png"
    figure.savefig(path, dpi=120)
    print(f"Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
