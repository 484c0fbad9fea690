"""Seconds of our fits as the data grow, and the slopes of their logarithms.

    python benchmarks/growth.py [--quick] [--data FOLDER] [--rows WORD ...] [--cap SECONDS]

Against n: every loss of the library at p = 20; with a folder of real data also growing shares of their rows. Against p:
sparse X with ten non-zeros per row, and wide dense X. A slope of 1 is time in proportion to the size; it is fitted over
the last two decades (`--quick`: the last one and a half). Each row is a process of its own, and a fit that takes longer
than the cap ends it.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from data import Folder, heavy_tailed, labels, sparse_labels
from peers import ours
from problem import Answer, Problem
from rows import by_name
from trial import end_after, timed

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES

COLUMNS, SAMPLES, PER_ROW = 20, {"sparse": 20_000, "wide": 200}, 10
L2 = 1e-3
DECADES = 2.0  # that a slope is fitted over
STEEP = 1.1
REAL = (
    "a9a: log_loss + 1/n l2",
    "a9a: hinge + 1/n l2",
    "claims: poisson + 0.001 l2",
    "diamonds: quantile(0.9)",
    "california: quantile(0.5) + max/100 l1",
)
Fit = Callable[[float], Answer]


@dataclass(frozen=True)
class Series:
    """Fits of growing size: what grows, how far, and how one of them is prepared."""

    name: str
    axis: str
    sizes: tuple[int, ...]
    prepare: Callable[[int], Fit]


def main() -> None:
    """Print the table, or as a child the points of one row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it their rows are left out")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose name holds one of these words")
    parser.add_argument("--quick", action="store_true", help="up to n = 1e5 and p = 1e4")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds of each fit")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    chosen = [s for s in series(args) if not args.rows or any(word in s.name for word in args.rows)]
    if args.child:
        for point in points(next(s for s in chosen if s.name == args.child), args):
            print(json.dumps(point), flush=True)
        return
    steep = []
    for axis in "np":
        rows = [s for s in chosen if s.axis == axis]
        steep += [name for name, slope in table(rows, args) if slope > STEEP]
    print(f"\nSteeper than {STEEP:g}: {'; '.join(steep) or 'none'}")


def series(args: argparse.Namespace) -> Iterator[Series]:
    """Yield the rows."""
    last = 5 if args.quick else 6
    sizes = tuple(round(10**k) for k in np.arange(3, last + 0.1, 0.5))
    for cls, classes in dict.fromkeys((cls, n) for name, cls in LOSSES.items() for n in class_counts(name)):
        name = next(name for name in LOSSES if LOSSES[name] is cls) + (f", {classes} classes" if classes else "")
        yield Series(f"{name}, generated", "n", sizes, partial(of_loss, cls, classes))
    for name in REAL:
        if by_name(name).available(Folder(args.data)):
            yield Series(name, "n", (1000, 3162, 10_000, 31_623, 100_000), partial(of_rows, name, args.data))
    sizes = tuple(round(10**k) for k in np.arange(1, last - 0.9, 0.5))
    for kind in SAMPLES:
        for loss, penalty in (("log_loss", "l2"), ("log_loss", "l1"), ("hinge", "l2"), ("squared_error", "l1")):
            yield Series(f"{loss} + {penalty}, {kind}", "p", sizes, partial(of_columns, kind, loss, penalty))
    yield Series("quantile(0.5) + l1, wide", "p", sizes, partial(of_columns, "wide", "quantile", "l1"))


def class_counts(name: str) -> tuple[int, ...]:
    """Return the numbers of classes to fit a loss with: 0 is a real target."""
    loss = LOSSES[name]
    if loss.target == "real":
        return (0,)
    return (3,) if loss.target == "class" else (2, 3) if name == "log_loss" else (2,)


# -- one fit -------------------------------------------------------------------------------------------------------


def of_loss(loss: Any, classes: int, n: int) -> Fit:
    """Return the fit of a loss with an L2 penalty on n generated rows."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, COLUMNS))
    score = X @ rng.standard_normal(COLUMNS) / np.sqrt(COLUMNS) + 0.5 * rng.standard_normal(n)
    estimator = ERMClassifier if classes else ERMRegressor
    model = estimator(loss(), "l2", alpha=L2)
    y = targets(loss(), classes, score)
    return lambda tol: Answer(model.set_params(tol=tol).fit(X, y).coef_)


def targets(loss: Any, classes: int, score: Any) -> Any:
    """Turn a real target into one of the loss's domain: classes, any numbers, counts, positive numbers."""
    if classes:
        return np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    if loss.in_domain(np.array([-1.0]))[0]:
        return score
    return np.round(np.exp(score)) if loss.in_domain(np.zeros(1))[0] else np.exp(score)


def of_rows(name: str, data: Path, n: int) -> Fit:
    """Return the fit of a row of the comparison, on n of its samples."""
    problem = by_name(name).problem(Folder(data))
    if n > problem.n:
        raise ValueError("so many there are not")
    some = np.random.default_rng(0).permutation(problem.n)[:n]
    weight = None if problem.weight is None else problem.weight[some]
    return ours.prepare(replace(problem, X=problem.X[some], y=problem.y[some], weight=weight))


def of_columns(kind: str, loss: str, penalty: str, p: int) -> Fit:
    """Return the fit of generated rows with p columns, the L1 penalty at a third of where all is zero."""
    n, numbers = SAMPLES[kind], loss in ("squared_error", "quantile")
    if kind == "sparse":
        make = sparse_labels(n, p, PER_ROW)
    else:
        make = heavy_tailed(n, p, 10) if numbers else labels(n, p, 10, 0.2)
    X, y, *_ = make(Folder(None))
    problem = Problem(X, y, loss, 0.5 if loss == "quantile" else None)
    return ours.prepare(replace(problem, l1=problem.alpha_max() / 3) if penalty == "l1" else replace(problem, l2=L2))


# -- a row ---------------------------------------------------------------------------------------------------------


def points(row: Series, args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Yield size and median seconds, and whether the fit said that it had converged, size by size."""
    row.prepare(row.sizes[0])(1e-2)
    for size in row.sizes:
        try:
            fit = row.prepare(size)
        except ValueError:
            return
        end_after(args.cap)
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            seconds, _ = timed(fit, 1e-6, args.repeat, args.cap)
        end_after(0)
        yield {"size": size, "seconds": float(np.median(seconds)), "good": not said}


def table(rows: list[Series], args: argparse.Namespace) -> Iterator[tuple[str, float]]:
    """Print the rows as they come, and yield name and slope of each."""
    sizes = sorted({size for row in rows for size in row.sizes if np.log10(size) % 1 < 1e-9})
    if rows:
        print(f"\n{'seconds at ' + rows[0].axis + ' =':42s}{''.join(f'{size:>10.0e}' for size in sizes)}     slope")
    for row in rows:
        found = started(row.name, args)
        seconds = {point["size"]: point["seconds"] for point in found}
        cells = "".join(f"{seconds[size]:10.4f}" if size in seconds else f"{'-':>10s}" for size in sizes)
        slope = fitted_slope(seconds, DECADES - 0.5 * args.quick)
        late = [f"{point['size']:.0e}" for point in found if not point["good"]]
        notes = ["steep"] * (slope > STEEP) + [f"warned at {', '.join(late)}"] * bool(late)
        print(f"{row.name:42s}{cells}{slope:10.2f}   {'; '.join(notes)}".rstrip(), flush=True)
        yield row.name, slope


def fitted_slope(seconds: dict[int, float], decades: float) -> float:
    """Return the slope of log seconds over the last decades of log size, nan for less than two points."""
    recent = [size for size in seconds if size * 10**decades > 0.99 * max(seconds)]
    if len(recent) < 2:
        return float("nan")
    return float(np.polyfit(np.log10(recent), np.log10([seconds[size] for size in recent]), 1)[0])


def started(name: str, args: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the points of a row, as a process of its own finds them before it ends or is ended."""
    command = [sys.executable, __file__, f"--child={name}", f"--cap={args.cap}", f"--repeat={args.repeat}"]
    command += [f"--data={args.data}"] * bool(args.data) + ["--quick"] * args.quick
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode > 0:
        print(done.stderr, file=sys.stderr)
    return [json.loads(text) for text in done.stdout.splitlines() if text.endswith("}")]


if __name__ == "__main__":
    main()
