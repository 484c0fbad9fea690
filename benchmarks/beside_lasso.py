"""What other penalties cost beside the lasso on the same data: squared error, many more features than samples.

    python benchmarks/beside_lasso.py [--repeats 5] [--rows WORD ...]

Gaussian X of 300 x 2000, y from twenty features and noise. Each row is fitted with alpha = 0.1, and with shares of the
alpha from which on nothing is left but what the penalty leaves free. Before each fit, the lasso with alpha = 0.1 is
fitted to the same outputs. A figure is the ratio of the medians of processor time.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np

from sklearn_erm import ERMRegressor, blas_threads
from sklearn_erm.penalties import L1, SLOPE, Fused, LInf, Nuclear

SHARES = (0.1, 0.01)
ROWS: dict[str, tuple[Any, int, dict[str, Any]]] = {
    "`l1`": (L1(), 1, {}),
    "`l1`, bounds (0, ∞)": (L1(), 1, {"bounds": (0, np.inf)}),
    "`fused`": (Fused(), 1, {}),
    "`Fused(0.5)`": (Fused(0.5), 1, {}),
    "`slope`": (SLOPE(), 1, {}),
    "`linf`": (LInf(), 1, {}),
    "`nuclear`, three outputs": (Nuclear(), 3, {}),
    "`nuclear`, ten outputs": (Nuclear(), 10, {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose name holds one of these words")
    args = parser.parse_args()
    print("| row | alpha = 0.1 | " + " | ".join(f"max/{1 / share:.0f}" for share in SHARES) + " |")
    print("|---|" + "---:|" * (1 + len(SHARES)))
    with blas_threads(1):
        for name, (penalty, outputs, options) in ROWS.items():
            if args.rows and not any(word in name for word in args.rows):
                continue
            X, Y = data(outputs)
            alphas = [0.1, *(share * critical(penalty, X, Y) for share in SHARES)]
            models = [ERMRegressor("squared_error", penalty, alpha, **options) for alpha in alphas]
            print(f"| {name} | " + " | ".join(f"{ratio(model, X, Y, args.repeats):.1f}" for model in models) + " |")


def data(outputs: int) -> tuple[Any, Any]:
    """Return X and y, or Y of several outputs."""
    rng = np.random.default_rng(0)
    X, coef = rng.normal(size=(300, 2000)), np.zeros((2000, outputs))
    coef[rng.choice(2000, 20, replace=False)] = 2 * rng.normal(size=(20, outputs))
    Y = X @ coef + rng.normal(size=(300, outputs))
    return X, Y if outputs > 1 else Y[:, 0]


def critical(penalty: Any, X: Any, Y: Any) -> float:
    """Return the least alpha from which the null model is optimal, what the penalty leaves free aside."""
    gradient = 2 * (X - X.mean(axis=0)).T @ (Y - Y.mean(axis=0)) / len(X)
    bound = penalty.bind(X.shape[1])
    return float(bound.critical_alpha(bound.penalised(gradient)))


def ratio(model: Any, X: Any, Y: Any, repeats: int) -> float:
    """Return the time of a fit over that of the lasso with as many outputs, one after the other."""
    lasso = ERMRegressor("squared_error", "l1", 0.1)
    times = [(seconds(lasso, X, Y), seconds(model, X, Y)) for _ in range(repeats)]
    beside, own = np.median(times, axis=0)
    return float(own / beside)


def seconds(model: Any, X: Any, Y: Any) -> float:
    start = time.process_time()
    model.fit(X, Y)
    return time.process_time() - start


if __name__ == "__main__":
    main()
