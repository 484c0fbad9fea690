"""How far our fits are from what the data alone cost: fit time over the time of one pass over X, and of one X^T X.

    python benchmarks/floor.py [--data FOLDER] [--rows PATTERN ...] [--tol 1e-6]

A pass is X @ w and X.T @ r, what any method does at least once to see a gradient. For dense X there is also X.T @ X (of
a wide one X @ X.T), what a Newton or a least-squares method does at least once. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from data import Folder
from peers import ours
from problem import Problem
from rows import find
from trial import timed

DEFAULT = (
    "a9a: log_loss + 1/n l2",
    "a9a: hinge + 1/n l2",
    "a9a: log_loss + max/10 l1",
    "news20: log_loss + 1/n l2",
    "news20: hinge + 1/n l2",
    "news20: log_loss + max/10 l1",
    "mnist_parity: log_loss + 1/n l2",
    "letter_scale: log_loss + 1/n l2",
    "madelon: log_loss + max/10 l1, no intercept",
    "diamonds: quantile(0.9)",
    "diamonds: huber(0.5) + 0.001 l2",
    "claims: poisson + 0.001 l2",
    "labels_20000x100: hinge + 1/n l2, no intercept",
    "labels_500000x50: log_loss + 1/n l2",
    "labels_1000x10000: log_loss + max/10 l1, no intercept",
    "numbers_20000x50: quantile(0.3) + max/100 l1",
)


class Floor(NamedTuple):
    """Seconds of a pass over X and, where there is one, of a Gram matrix."""

    one_pass: float
    gram: float


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it their rows are left out")
    parser.add_argument("--rows", nargs="*", default=[], help="rows that hold all words of one of these")
    parser.add_argument("--tol", type=float, default=1e-6)
    parser.add_argument("--cap", type=float, default=60.0, help="a fit is repeated within a tenth of these seconds")
    parser.add_argument("--repeat", type=int, default=3)
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    folder = Folder(args.data)
    titles = f"{'n x p':>16s} {'fit, s':>9s} {'pass, s':>9s} {'Gram, s':>9s} {'fit / pass':>11s} {'fit / Gram':>11s}"
    print(f"{'row':54s} {titles}", flush=True)
    multiples = []
    rows = find(args.rows, folder)
    for row in rows if args.rows else [row for row in rows if row.name in DEFAULT]:
        problem = row.problem(folder)
        fit = ours.prepare(problem)
        ours.prepare(problem.sample())(1e-2)
        seconds = float(np.median(timed(fit, args.tol, args.repeat, args.cap)[0]))
        floor = Floor(pass_seconds(problem), gram_seconds(problem))
        multiples.append((seconds / floor.one_pass, seconds / floor.gram))
        print(f"{row.name:54s} {line(problem, seconds, floor)}", flush=True)
    if multiples:
        passes, grams = (np.exp(np.nanmean(np.log(column))) for column in zip(*multiples, strict=True))
        print(f"geometric means: {passes:.1f} passes, {grams:.1f} Gram matrices")


def line(problem: Problem, seconds: float, floor: Floor) -> str:
    """Return what a row's line says."""
    cells = f"{problem.n:8d} x {problem.p:<5d} {seconds:9.4f} {floor.one_pass:9.5f}"
    if problem.sparse:
        return f"{cells} {'-':>9s} {seconds / floor.one_pass:11.1f} {'-':>11s}"
    return f"{cells} {floor.gram:9.5f} {seconds / floor.one_pass:11.1f} {seconds / floor.gram:11.1f}"


def pass_seconds(problem: Problem) -> float:
    """Return the seconds of X @ W and X.T @ R, with a column per class if there are several."""
    rng = np.random.default_rng(0)
    outputs = (int(problem.y.max()) + 1,) if problem.multinomial else ()
    W, R = rng.standard_normal((problem.p, *outputs)), rng.standard_normal((problem.n, *outputs))
    return best_of(lambda: (problem.X @ W, problem.X.T @ R))


def gram_seconds(problem: Problem) -> float:
    """Return the seconds of the smaller Gram matrix of a dense X, nan for a sparse one."""
    X = problem.X
    if problem.sparse:
        return float("nan")
    return best_of(lambda: X.T @ X if problem.n >= problem.p else X @ X.T)


def best_of(work: Callable[[], Any], least: int = 3, budget: float = 0.5) -> float:
    """Return the smallest of several times: a limit, so what disturbs does not count."""
    seconds: list[float] = []
    while len(seconds) < least or (sum(seconds) < budget and len(seconds) < 1000):
        start = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
