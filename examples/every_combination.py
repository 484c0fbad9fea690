"""Every loss x every penalty x {free, bounds, a linear constraint}: which certificate each has, and that all hold.

    python examples/every_combination.py [--quick]

The registries are read, not listed here: a loss or penalty that is added shows up. Then one grid search over all losses
and penalties of a kind, in which every failure and every warning is an error.
"""

import argparse
import time
import warnings

import numpy as np
from scipy.optimize import LinearConstraint
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.model_selection import GridSearchCV
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES, GroupLasso, SparseGroupLasso

P = 4  # features of each data set
PAIRS = [0, 0, 1, 1]
GROUPED = {"group_lasso": GroupLasso(PAIRS), "sparse_group_lasso": SparseGroupLasso(PAIRS)}
LIMITS = {
    "free": {},
    "bounds": {"bounds": (-0.2, 0.3)},
    "row": {"constraints": LinearConstraint(np.ones((1, P)), 0.1, 0.1)},
}
ALPHA = 0.02
NOTES = """g: the duality gap is at most tol. o: the dual says nothing (no penalty, or something is not convex), and the
optimality conditions hold to tol. -: constraints need a convex penalty."""


def load():
    """Return X, y by the kind of target: real, positive, two classes, three classes."""
    X, y = load_diabetes(return_X_y=True)
    cancer, label = load_breast_cancer(return_X_y=True)
    iris, species = load_iris(return_X_y=True)
    scale = StandardScaler().fit_transform
    cancer = scale(cancer[:, [1, 4, 8, 9]])  # not separable: else no minimiser without penalty
    return {
        "real": (scale(X[:, [2, 3, 6, 8]]), y / y.std()),
        "sign": (cancer, label),
        "class": (scale(iris), species),
    }


def estimator_for(loss):
    return ERMRegressor if loss.target == "real" else ERMClassifier


def fit(loss, penalty, data, limits):
    """Fit one combination; return the letter of its certificate, and how much of tol is left."""
    model = estimator_for(loss)(loss, GROUPED.get(penalty, penalty), ALPHA, **limits).fit(*data)
    gap = not np.isnan(model.duality_gap_)
    error = model.duality_gap_ if gap else model.optimality_
    assert model.result_.success if not isinstance(model.result_, list) else all(r.success for r in model.result_)
    assert error <= model.tol, (loss, penalty, error)
    return "g" if gap else "o"


def table(losses, data):
    """Print a row per loss, a column per penalty: three letters, for free, bounds and row."""
    print("loss".ljust(28) + " ".join(str(name)[:9].rjust(9) for name in PENALTIES))
    count, start = 0, time.perf_counter()
    for name in losses:
        loss, cells = LOSSES[name](), []
        for penalty in PENALTIES:
            convex = PENALTIES[penalty].convex
            letters = [
                fit(loss, penalty, data[loss.target], limits) if convex or not limits else "-"
                for limits in LIMITS.values()
            ]
            count += sum(letter != "-" for letter in letters)
            cells.append("".join(letters).rjust(9))
        print(name.ljust(28) + " ".join(cells))
    print(f"\n{NOTES}\n\n{count} fits, all certified, in {time.perf_counter() - start:.0f} s.\n")


def search(losses, data):
    """Cross-validate all losses and penalties of a kind in one grid."""
    penalties = [GROUPED.get(name, name) for name in PENALTIES]
    for target in ("real", "sign", "class"):
        names = [name for name in losses if LOSSES[name].target == target]
        if not names:
            continue
        estimator = estimator_for(LOSSES[names[0]])(alpha=ALPHA)
        found = GridSearchCV(estimator, {"loss": names, "penalty": penalties}, cv=3, error_score="raise")
        found.fit(*data[target])
        best = found.best_params_
        print(f"{target:6}{len(found.cv_results_['params']):4} models, no failure; best {best} {found.best_score_:.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="every third loss only")
    arguments = parser.parse_args()
    warnings.simplefilter("error")
    losses = list({loss: name for name, loss in LOSSES.items()}.values())[:: 3 if arguments.quick else 1]
    data = load()
    table(losses, data)
    search(losses, data)


if __name__ == "__main__":
    main()
