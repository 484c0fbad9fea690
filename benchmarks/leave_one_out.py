"""How near approximate leave-one-out is to true leave-one-out, and how much sooner it is there.

    python benchmarks/leave_one_out.py [--data FOLDER] [--rows PATTERN ...]

Each row is a problem along alpha. ``error`` is (approximate - true) / true risk, with the influential samples left out
in fact and, in brackets, by one step alone. README.md says how to read the rest.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data import SETS, Data, Folder, scaled
from sklearn.datasets import load_wine

from sklearn_erm.leave_out.approximate import leave_one_out_scores
from sklearn_erm.losses import AbsoluteError, CrammerSinger, CrossEntropy, Hinge, Huber, Loss, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, ElasticNet, GroupLasso, Penalty
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.solve.minimize import minimize

SHARES = (0.3, 0.1, 0.03, 0.01, 0.003, 0.001)  # of the alpha at which, or at twice the pull of which, nothing moves


class Row(NamedTuple):
    """A problem: data, how many of its columns, a loss and a penalty."""

    name: str
    columns: int
    loss: Loss
    penalty: Penalty

    @property
    def title(self) -> str:
        return f"{self.name} {type(self.loss).__name__} {type(self.penalty).__name__}"


def rows() -> Iterator[Row]:
    """Yield the rows of the table."""
    for penalty in (L2(), L1()):
        for loss in (SquaredError(), Huber(), AbsoluteError()):
            yield Row("diabetes", 10, loss, penalty)
        for loss in (CrossEntropy(), Hinge()):
            yield Row("breast_cancer", 30, loss, penalty)
        for loss in (Softmax(), CrammerSinger()):
            yield Row("iris", 4, loss, penalty)
    yield Row("breast_cancer", 30, CrossEntropy(), GroupLasso(np.arange(30) % 10))
    yield Row("wine", 13, Softmax(), L2())
    yield Row("wine", 13, Softmax(), GroupLasso(np.arange(13) // 3))
    for loss in (CrossEntropy(), Hinge()):
        yield Row("colon_cancer", 2000, loss, L2())
        yield Row("colon_cancer", 2000, loss, ElasticNet())
    yield Row("singh_prostate", 2000, CrossEntropy(), ElasticNet())
    yield Row("singh_columns", 500, SquaredError(), ElasticNet())
    yield Row("singh_columns", 500, AbsoluteError(), ElasticNet())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it their rows are left out")
    parser.add_argument("--rows", nargs="*", default=[], help="rows whose title holds one of these")
    args = parser.parse_args()
    folder = Folder(args.data)
    titles = f"{'alpha':>8s} {'in sample':>10s} {'true':>8s} {'error (one step)':>22s} {'same alpha':>11s}"
    print(f"{'row':44s} {titles} {'fit, s':>8s} {'ALO, s':>8s} {'refits / both':>14s}", flush=True)
    for row in rows():
        if args.rows and not any(pattern in row.title for pattern in args.rows):
            continue
        data = load(row, folder)
        if data is not None:
            for line in lines(row, data):
                print(line, flush=True)


def load(row: Row, folder: Folder) -> Data | None:
    """Return the data of a row, columns scaled; None if their file is missing."""
    if row.name == "wine":
        X, y = load_wine(return_X_y=True)
        return Data(scaled(X), y)
    file, make = SETS[row.name]
    if file is not None and not folder.holds(file):
        return None
    data = make(folder)
    return Data(scaled(data.X[:, : row.columns]), data.y)


def objective(row: Row, X: Any, y: Any, alpha: float, outputs: int | None) -> Objective:
    """Return the problem on some samples."""
    design = Design(X, np.full(len(y), 1.0 / len(y)), True)
    return Objective(row.loss, row.penalty.bind(X.shape[1]), alpha, LocalSamples(design, y, None, outputs))


def lines(row: Row, data: Data) -> Iterator[str]:
    """Yield what the table says about a row, alpha by alpha."""
    X, y = data.X, data.y
    outputs = int(y.max()) + 1 if row.loss.joint else None
    first = objective(row, X, y, 1.0, outputs)
    gradient = first.at(first.null).risk_gradient[0]
    critical = first.penalty.critical_alpha(gradient)
    largest = critical if np.isfinite(critical) else 2.0 * float(np.abs(gradient).max())
    for share in SHARES:
        full = objective(row, X, y, share * largest, outputs)
        start = time.perf_counter()
        result = minimize(full)
        fitted = time.perf_counter()
        eta = leave_one_out_scores(full, result)
        approximated = time.perf_counter()
        step = leave_one_out_scores(full, result, refits=0)
        begin = time.perf_counter()
        true = left_out(row, X, y, full, result.x, len(y) / (len(y) - 1.0))
        refits = time.perf_counter() - begin
        same = left_out(row, X, y, full, result.x, 1.0)
        risk = [float(np.mean(row.loss.value(y, scores))) for scores in (eta, step, true, same)]
        errors = [value / risk[2] - 1.0 for value in risk]
        yield (
            f"{row.title:44s} {full.alpha:8.1e} {full.at(result.x).risk:10.4f} {risk[2]:8.4f} "
            f"{f'{errors[0]:+.2%} ({errors[1]:+.2%})':>22s} {errors[3]:+11.2%} {fitted - start:8.4f} "
            f"{approximated - fitted:8.4f} {refits / (approximated - start):14.1f}"
        )


def left_out(row: Row, X: Any, y: Any, full: Objective, x: Any, factor: float) -> Any:
    """Return the scores of fits without one sample each, alpha multiplied by a factor."""
    found = np.empty(full.at(x).scores.shape)
    outputs = full.n_outputs if row.loss.joint else None
    for i in range(len(y)):
        rest = np.delete(np.arange(len(y)), i)
        part = objective(row, X[rest], y[rest], factor * full.alpha, outputs)
        W, b = full.split(x)
        start = part.join(W, b + (part.samples.design.means - full.samples.design.means) @ W)
        W, b = part.split(minimize(part, x0=start).x)
        found[i] = X[i] @ W + part.samples.design.intercept_of(W, b)
    return found


if __name__ == "__main__":
    main()
