"""
Losses and penalties compared: scores, sparsity, robustness, time
=================================================================

Does the choice of loss or penalty matter on clean data? And where some of the training targets are wrong? Each loss is
fitted with each penalty on two data sets, and alpha is chosen by cross-validation. From a copy of the repository::

    python examples/compare_losses_and_penalties.py [--quick] [--output DIR]

**What to see:** on clean data most pairs score alike, and ``l1`` and ``group_lasso`` do it with fewer features. If a
few targets are ten times too large, then the losses that grow like r² fail at once, and the absolute error hardly
changes.
"""

import argparse
import sys
import time
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.penalties import GroupLasso

# Losses that differ: "logistic" is "log_loss" in another unit, and "quantile" is half of "absolute_error" by default.
CLASSIFICATION = ["squared", "hinge", "squared_hinge", "log_loss", "exponential"]
REGRESSION = [
    "squared_error",
    "absolute_error",
    "huber",
    "epsilon_insensitive",
    "squared_epsilon_insensitive",
    "poisson",
]
PENALTIES = [None, "l2", "l2_norm", "l1", "elasticnet"]  # and a group lasso, which needs the groups of the data
LABELS = ["none", "l2", "l2_norm", "l1", "elasticnet", "group_lasso"]
SLACK = 0.005  # of the score, for which the strongest penalty is taken rather than the best: sparser, simpler models

# Okabe and Ito's colours, which stay apart for the colour-blind; markers say the same again.
COLOURS = ["#000000", "#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]

NOTES = f"""
alpha: the largest whose score is within {SLACK} of the best. risk, non-zero, seconds: means over the training folds.
gap: the largest relative duality gap of the folds; * without a penalty there is none, so the optimality residual.

Clean targets: most losses score alike with a penalty; l1 and group_lasso need fewer features.
Wrong labels: exponential loses two points of accuracy to one wrong label in twenty, the other losses less than that to
one in ten. Beyond one in four, all fall: squared most, exponential least.
Wrong numbers: if one target in twenty is ten times too large, the losses that grow like r² fail, and so does poisson;
absolute_error and epsilon_insensitive hardly change; huber lies between.
"""


class Progress:
    """A line on the terminal that says how many fits are done; nothing if the output goes elsewhere."""

    def __init__(self, title, total):
        self.title, self.total, self.done = title.partition(":")[0], total, 0
        self.shown = sys.stderr.isatty()

    def tick(self):
        self.done += 1
        if self.shown:
            print(f"\r{self.title}: {self.done} of {self.total} fits", end="", file=sys.stderr, flush=True)

    def close(self):
        if self.shown:
            print("\r\033[K", end="", file=sys.stderr, flush=True)  # back to the start of the line, and erase it


# %%
# The data
# --------
# Each with its losses, its groups of features, and its kind of wrong targets.


class BreastCancer:
    """569 tumours, malignant or benign, described by ten measurements of their cell nuclei."""

    title = "Breast cancer: 569 tumours, 20 features"
    score = "accuracy"
    losses = CLASSIFICATION
    prefix = "erm__"
    corruption = "Robustness, penalty l2: labels flipped at random"
    limits = None

    def __init__(self, n_splits):
        X, self.y = load_breast_cancer(return_X_y=True)
        # Ten measurements, each as mean, standard error and worst value. All 30 columns separate the classes linearly,
        # and so do the last 20 in some folds: without a penalty the logistic losses would then have no minimiser (the
        # library warns and says so). Means and worst values do not separate them, neither as a whole nor in a training
        # fold, so that "no penalty" is a fair competitor.
        self.X = np.hstack([X[:, :10], X[:, 20:]])
        self.penalties = [*PENALTIES, GroupLasso(groups=np.arange(20) % 10)]  # both values of a measurement: one group
        self.folds = StratifiedKFold(n_splits, shuffle=True, random_state=0)
        self.model = Pipeline([("scale", StandardScaler()), ("erm", ERMClassifier())])

    def fitted(self, model):
        return model["erm"]

    def corrupt(self, y, chosen):
        return np.where(chosen, 1 - y, y)


class Diabetes:
    """442 patients: the progression of their diabetes after a year, from age, sex, BMI, blood pressure and serum."""

    title = "Diabetes: 442 patients, 10 features"
    score = "R²"
    losses = REGRESSION
    prefix = "regressor__erm__"
    corruption = "Robustness, penalty l2: targets ten times too large"
    limits = (-1.0, 0.6)  # R² has no lower bound

    def __init__(self, n_splits):
        self.X, self.y = load_diabetes(return_X_y=True)
        self.penalties = [*PENALTIES, GroupLasso(groups=[0, 1, 2, 3, 4, 4, 4, 4, 4, 4])]  # the six serum measurements
        self.folds = KFold(n_splits, shuffle=True, random_state=0)
        # delta, epsilon and alpha are in units of y. Dividing y by its standard deviation gives all losses the same
        # unit, and leaves it positive, as the Poisson loss wants it.
        self.model = TransformedTargetRegressor(
            Pipeline([("scale", StandardScaler()), ("erm", ERMRegressor())]),
            transformer=StandardScaler(with_mean=False),
        )

    def fitted(self, model):
        return model.regressor_["erm"]

    def corrupt(self, y, chosen):
        return np.where(chosen, 10 * y, y)


# %%
# The comparison
# --------------
# One grid search over loss, penalty and alpha for each data set; then fits to training targets of which more and more
# are wrong.


def search(data, alphas, progress):
    """Cross-validate every loss x penalty x alpha."""

    def measure(model, X, y):
        progress.tick()
        erm = data.fitted(model)
        # Without a penalty the dual says nothing: duality_gap_ is nan, and optimality_ is what tol bounds.
        error = erm.optimality_ if np.isnan(erm.duality_gap_) else erm.duality_gap_
        nonzero = np.count_nonzero(erm.coef_)
        return {"score": model.score(X, y), "risk": erm.risk_, "nonzero": nonzero, "error": error}

    # Losses differ in scale (r² beside |r|), so one alpha does not mean the same to all: each picks its own from a grid
    # that is wide enough for every one of them.
    p = data.prefix
    grid = [
        {p + "loss": data.losses, p + "penalty": [None]},
        {p + "loss": data.losses, p + "penalty": data.penalties[1:], p + "alpha": alphas},
    ]
    return GridSearchCV(data.model, grid, cv=data.folds, scoring=measure, refit=False, error_score="raise").fit(
        data.X, data.y
    )


def select(data, found):
    """Return, per loss and penalty, the largest alpha that costs at most SLACK of the best score."""
    results = found.cv_results_
    chosen = {}
    for loss in data.losses:
        for label, penalty in zip(LABELS, data.penalties, strict=True):
            mine = {data.prefix + "loss": loss, data.prefix + "penalty": penalty}
            rows = [i for i, params in enumerate(results["params"]) if mine.items() <= params.items()]
            score = results["mean_test_score"][rows]
            chosen[loss, label] = rows[np.flatnonzero(score >= score.max() - SLACK)[-1]]  # alphas ascend
    return chosen


def print_table(data, found, chosen):
    results = found.cv_results_
    worst = np.max([results[f"split{k}_test_error"] for k in range(found.n_splits_)], axis=0)
    print(f"\n{data.title}; {data.score} by {found.n_splits_}-fold cross-validation\n")
    print(f"{'loss':28s}{'penalty':12s}{'alpha':>7s}{data.score:>10s}{'risk':>8s}{'non-zero':>10s}", end="")
    print(f"{'gap':>9s}{'seconds':>10s}")
    for (loss, penalty), i in sorted(chosen.items(), key=lambda item: -results["mean_test_score"][item[1]]):
        alpha = results["params"][i].get(data.prefix + "alpha", 0)
        print(
            f"{loss:28s}{penalty:12s}{alpha:7.1g}{results['mean_test_score'][i]:10.3f}"
            f"{results['mean_test_risk'][i]:8.3f}{results['mean_test_nonzero'][i]:10.1f}"
            f"{worst[i]:9.0e}{'*' if penalty == 'none' else ' '}{results['mean_fit_time'][i]:9.4f}"
        )
    print(f"{len(worst) * found.n_splits_} fits with all alphas; the largest gap is {worst.max():.1e}")


def contaminate(data, chosen, found, shares, n_draws, progress):
    """Return scores (loss, share) on clean test folds after fits, with l2, to training targets some of which are wrong.

    Alpha is the one selected on clean data.
    """
    scores = np.zeros((len(data.losses), len(shares)))
    for row, loss in enumerate(data.losses):
        model = clone(data.model).set_params(**found.cv_results_["params"][chosen[loss, "l2"]])
        for column, share in enumerate(shares):
            results = []
            for draw in range(n_draws):
                rng = np.random.default_rng(draw)  # the same wrong targets for every loss
                for train, test in data.folds.split(data.X, data.y):
                    y = data.corrupt(data.y[train], rng.random(len(train)) < share)
                    progress.tick()
                    results.append(model.fit(data.X[train], y).score(data.X[test], data.y[test]))
            scores[row, column] = np.mean(results)
    return scores


# %%
# The pictures
# ------------


def wrap(loss):
    return loss.replace("epsilon_", "epsilon_\n")


def draw_heat_map(ax, data, values, title, form, cmap):
    image = ax.imshow(values, cmap=cmap, aspect="auto")
    ax.set_xticks(range(len(LABELS)), LABELS, rotation=30, ha="right", rotation_mode="anchor")
    ax.set_yticks(range(len(data.losses)), map(wrap, data.losses))
    ax.set_title(title, loc="left", fontsize="medium")
    for (i, j), value in np.ndenumerate(values):
        red, green, blue, _ = image.cmap(image.norm(value))
        dark = 0.3 * red + 0.59 * green + 0.11 * blue < 0.5
        ax.text(j, i, format(value, form), ha="center", va="center", color="white" if dark else "black")
    ax.tick_params(length=0)
    ax.spines[:].set_visible(False)


def draw_curves(ax, data, shares, scores):
    order = np.argsort(-scores[:, -1])  # the legend lists the curves from top to bottom
    for i in order:
        ax.plot(100 * shares, scores[i], color=COLOURS[i], marker=MARKERS[i], markersize=5, label=wrap(data.losses[i]))
    ax.set_title(data.corruption, loc="left", fontsize="medium")
    ax.set_xlabel("% of the training targets that are wrong")
    ax.set_ylabel(f"{data.score} on clean test folds")
    if data.limits:
        ax.axhline(0.0, color="0.5", linewidth=1, linestyle="--")
        ax.text(100 * shares[-1], 0.02, "no better than a constant", color="0.4", fontsize="small", ha="right")
        ax.set_ylim(data.limits)
    ax.grid(alpha=0.3)
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(frameon=False, fontsize="small", loc="upper left", bbox_to_anchor=(1.0, 1.0), labelspacing=0.8)


def draw(parts, path):
    figure = plt.figure(figsize=(14.5, 8.5), layout="constrained")
    for band, (data, found, chosen, shares, scores) in zip(figure.subfigures(2, 1, hspace=0.03), parts, strict=True):
        band.suptitle(data.title, fontweight="bold", x=0.01, ha="left")
        axes = band.subplots(1, 3, width_ratios=[1, 1, 0.95])
        results = found.cv_results_
        picked = np.array([[chosen[loss, penalty] for penalty in LABELS] for loss in data.losses])
        score, nonzero = results["mean_test_score"][picked], results["mean_test_nonzero"][picked]
        error = np.median(results["std_test_score"][picked]) / np.sqrt(found.n_splits_)
        title = f"Cross-validated {data.score} (s.e. about {error:.1g})"
        draw_heat_map(axes[0], data, score, title, ".3f", "cividis")
        title = f"Non-zero coefficients, of {data.X.shape[1]} (mean over folds)"
        draw_heat_map(axes[1], data, nonzero, title, ".1f", "YlGnBu")
        axes[1].set_yticks([])
        draw_curves(axes[2], data, shares, scores)
    figure.savefig(path, dpi=120)


# %%
# The results
# -----------


def main():
    parser = argparse.ArgumentParser(description="Losses and penalties compared")
    parser.add_argument("--quick", action="store_true", help="fewer alphas, folds and shares: a few seconds")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()

    alphas = np.logspace(-3, 0.5, 3 if options.quick else 8)
    n_draws = 1 if options.quick else 2
    parts = []
    for kind, most in [(BreastCancer, 0.4), (Diabetes, 0.2)]:
        n_splits = 3 if options.quick else 5
        data = kind(n_splits)
        shares = np.linspace(0, most, 3 if options.quick else 9)
        per_fold = 1 + len(data.penalties[1:]) * len(alphas) + len(shares) * n_draws
        progress = Progress(data.title, len(data.losses) * per_fold * n_splits)
        found = search(data, alphas, progress)
        chosen = select(data, found)
        scores = contaminate(data, chosen, found, shares, n_draws, progress)
        progress.close()
        print_table(data, found, chosen)
        parts.append((data, found, chosen, shares, scores))

    print(NOTES)
    path = options.output / "compare_losses_and_penalties.png"
    draw(parts, path)
    print(f"{time.perf_counter() - start:.0f} seconds. Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
