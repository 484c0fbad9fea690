"""Time of ours and of scikit-learn's specialists to the same objective, as ratios from one run.

    python benchmarks/speed_floor.py [--data FOLDER] [--rows NAME ...] [--repeat 3]

Every solver runs at tighter and tighter tolerances; each answer is judged by this file's own formula, and what counts
is the time of the first run whose relative suboptimality is at most 1e-6. FOLDER holds a9a.npz, the LIBSVM data set, X
as a scipy sparse matrix and y beside it; without it those rows are left out.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logsumexp
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.linear_model import LogisticRegression, QuantileRegressor
from sklearn.svm import LinearSVC

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import Quantile

GOAL = 1e-6
TOLERANCES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10)
Solver = Callable[[float], Any]


class Row:
    """One problem: how its objective is evaluated, our solver, and the peers'."""

    def __init__(self, name: str, objective: Callable[..., float], ours: Solver, peers: dict[str, Solver]):
        self.name, self.objective, self.ours, self.peers = name, objective, ours, peers

    def value(self, model: Any) -> float:
        """Return the objective of a fitted model."""
        return self.objective(np.asarray(model.coef_), np.asarray(model.intercept_))

    def time(self, solver: Solver, best: float, repeat: int) -> tuple[float, float]:
        """Return the median seconds to the goal and the suboptimality reached; nan where it was never reached."""
        error = np.inf
        for tol in TOLERANCES:
            start = time.perf_counter()
            model = solver(tol)
            seconds = [time.perf_counter() - start]
            error = (self.value(model) - best) / abs(best)
            if error <= GOAL:
                while len(seconds) < repeat and sum(seconds) < 20:
                    start = time.perf_counter()
                    solver(tol)
                    seconds.append(time.perf_counter() - start)
                return float(np.median(seconds)), error
        return float("nan"), error


def binary(X: Any, y: Any, loss: str, l1: float, l2: float) -> Callable[..., float]:
    """Return (w, b) -> mean loss + l1 |w|_1 + l2 |w|^2 / 2 for labels -1 and +1."""

    def objective(coef: Any, intercept: Any) -> float:
        w = coef.ravel()
        margin = y * (X @ w + float(np.ravel(intercept)[0]))
        risk = np.maximum(1 - margin, 0) if loss == "hinge" else np.logaddexp(0, -margin)
        return float(risk.mean() + l1 * np.abs(w).sum() + 0.5 * l2 * w @ w)

    return objective


def ours(X: Any, y: Any, **params: Any) -> Solver:
    """Return our classifier's fit as a function of the tolerance."""
    return lambda tol: ERMClassifier(**params, tol=tol).fit(X, y)


def logistic(X: Any, y: Any, solvers: tuple[str, ...], **params: Any) -> dict[str, Solver]:
    """Return LogisticRegression's fits as functions of the tolerance."""

    def fit(solver: str) -> Solver:
        more = {"intercept_scaling": 1e3} if solver == "liblinear" and params.get("fit_intercept", True) else {}
        return lambda tol: LogisticRegression(solver=solver, max_iter=100_000, tol=tol, **params, **more).fit(X, y)

    return {solver: fit(solver) for solver in solvers}


def hinge_l2() -> Row:
    """Hinge + L2, 20 000 x 100, no intercept (liblinear penalises its own)."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 100))
    y = np.sign(X @ rng.standard_normal(100) / 10 + 0.5 * rng.standard_normal(20_000))
    n = len(y)

    def peer(tol: float) -> Any:
        return LinearSVC(loss="hinge", C=1.0, fit_intercept=False, tol=tol, max_iter=3000, random_state=0).fit(X, y)

    mine = ours(X, y, loss="hinge", penalty="l2", alpha=1 / n, fit_intercept=False)
    return Row("hinge + l2, 20000x100", binary(X, y, "hinge", 0, 1 / n), mine, {"LinearSVC": peer})


def quantile_l1() -> Row:
    """Quantile + L1, 20 000 x 50."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 50))
    y = X @ rng.standard_normal(50) + rng.standard_t(3, 20_000)
    alpha = 1e-3

    def objective(coef: Any, intercept: Any) -> float:
        r = y - X @ coef.ravel() - float(np.ravel(intercept)[0])
        return float(np.maximum(0.3 * r, -0.7 * r).mean() + alpha * np.abs(coef).sum())

    def mine(tol: float) -> Any:
        return ERMRegressor(Quantile(0.3), "l1", alpha=alpha, tol=tol).fit(X, y)

    def peer(tol: float) -> Any:
        return QuantileRegressor(quantile=0.3, alpha=alpha, solver="highs").fit(X, y)

    return Row("quantile + l1, 20000x50", objective, mine, {"QuantileRegressor": peer})


def a9a(folder: Path) -> tuple[Any, Any]:
    """Return the LIBSVM data set a9a."""
    return sparse.csr_matrix(sparse.load_npz(folder / "a9a.npz")), np.load(folder / "a9a.npz")["y"].astype(float)


def log_l1_a9a(folder: Path) -> Row:
    """Log loss + L1 on a9a."""
    X, y = a9a(folder)
    n = len(y)
    alpha = 1 / n
    mine = ours(X, y, loss="log_loss", penalty="l1", alpha=alpha, fit_intercept=False)
    peers = logistic(X, y, ("liblinear",), l1_ratio=1.0, C=1.0, fit_intercept=False)
    return Row("log loss + l1, a9a", binary(X, y, "log", alpha, 0), mine, peers)


def log_l1_wide() -> Row:
    """Log loss + L1, 1 000 x 10 000."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 10_000))
    y = np.sign(X[:, :50] @ rng.standard_normal(50) + rng.standard_normal(1000))
    alpha = 0.1 * np.abs(X.T @ y).max() / len(y) / 2
    mine = ours(X, y, loss="log_loss", penalty="l1", alpha=alpha, fit_intercept=False)
    peers = logistic(X, y, ("liblinear",), l1_ratio=1.0, C=1 / (alpha * len(y)), fit_intercept=False)
    return Row("log loss + l1, 1000x10000", binary(X, y, "log", alpha, 0), mine, peers)


def log_l2(name: str, X: Any, y: Any) -> Row:
    """Log loss + L2 at C = 1 beside LogisticRegression's solvers."""
    n = len(y)
    mine = ours(X, y, loss="log_loss", penalty="l2", alpha=1 / n)
    peers = logistic(X, y, ("lbfgs", "newton-cholesky", "newton-cg"), C=1.0)
    return Row(f"log loss + l2, {name}", binary(X, y, "log", 0, 1 / n), mine, peers)


def iris() -> Row:
    """The overhead of a small fit: multinomial log loss on iris."""
    X, y = load_iris(return_X_y=True)
    n = len(y)

    def objective(coef: Any, intercept: Any) -> float:
        eta = X @ coef.T + intercept
        return float((logsumexp(eta, axis=1) - eta[np.arange(n), y]).mean() + 0.5 / n * (coef**2).sum())

    mine = ours(X, y, loss="log_loss", penalty="l2", alpha=1 / n)
    return Row("log loss + l2, iris", objective, mine, logistic(X, y, ("lbfgs", "newton-cholesky"), C=1.0))


def breast_cancer() -> Row:
    """Log loss + L2 on the standardised breast cancer data."""
    X, y = load_breast_cancer(return_X_y=True)
    return log_l2("breast cancer", (X - X.mean(axis=0)) / X.std(axis=0), 2.0 * y - 1)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder with a9a.npz")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose name contains one of these words")
    parser.add_argument("--repeat", type=int, default=5)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    makers: list[Callable[[], Row]] = [hinge_l2, quantile_l1, log_l1_wide, breast_cancer, iris]
    if args.data:
        makers[2:2] = [lambda: log_l1_a9a(args.data), lambda: log_l2("a9a", *a9a(args.data))]
    print(f"{'problem':28s} {'solver':18s} {'seconds':>9s} {'peer / ours':>12s} {'suboptimality':>14s}", flush=True)
    for make in makers:
        row = make()
        if args.rows and not any(word in row.name for word in args.rows):
            continue
        row.ours(1e-6)
        best = row.value(row.ours(1e-11))
        mine, error = row.time(row.ours, best, args.repeat)
        print(f"{row.name:28s} {'sklearn_erm':18s} {mine:9.4f} {1:12.2f} {error:14.1e}", flush=True)
        for name, solver in row.peers.items():
            seconds, error = row.time(solver, best, args.repeat)
            print(f"{row.name:28s} {name:18s} {seconds:9.4f} {seconds / mine:12.2f} {error:14.1e}", flush=True)


if __name__ == "__main__":
    main()
