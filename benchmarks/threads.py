"""What one BLAS thread costs or saves: the same fits with different numbers of threads, idle and busy.

    python benchmarks/threads.py [--threads 1 2] [--rows WORD ...] [--seconds 2] [--idle | --busy]

Nothing else may run on the machine; the load average is printed first. Each row is fitted with each number of threads
in turn, again and again until the seconds of the row are spent; a figure is the median. Then the same while one process
for each processor does nothing but count ("busy"). A ratio is the seconds with the last number of threads over those
with the first.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from data import Data, Folder, breast_cancer, digits, heavy_tailed, labels, scaled, sparse_labels

from sklearn_erm import ERMClassifier, ERMRegressor, blas_threads
from sklearn_erm.penalties import GroupLasso

ROWS: dict[str, tuple[Callable[[Folder], Data], Any]] = {
    "569 × 30, log loss, `l2`": (breast_cancer, ERMClassifier("log_loss", "l2", 1 / 569)),
    "1797 × 64, ten classes, log loss, `l2`": (digits, ERMClassifier("log_loss", "l2", 1 / 1797)),
    "100 000 × 362, log loss, `l2`": (labels(100_000, 362, 20, 0.5), ERMClassifier("log_loss", "l2", 1e-5)),
    "5000 × 2000, log loss, `l2`": (labels(5000, 2000, 20, 0.5), ERMClassifier("log_loss", "l2", 1e-2)),
    "4000 × 3000, squared error, `l2`": (heavy_tailed(4000, 3000, 20), ERMRegressor("squared_error", "l2", 1e-2)),
    "50 000 × 300 sparse, hinge, `l2`": (sparse_labels(50_000, 300, 15), ERMClassifier("hinge", "l2", 2e-5)),
    "3000 × 400, hinge, `l2`": (labels(3000, 400, 20, 0.5), ERMClassifier("hinge", "l2", 1e-2)),
    "20 000 × 100, quantile, `l2`": (heavy_tailed(20_000, 100, 20), ERMRegressor("quantile", "l2", 1e-3)),
    "500 × 5000, log loss, `l1`": (labels(500, 5000, 20, 0.5), ERMClassifier("log_loss", "l1", 0.03)),
    "7000 × 256, log loss, group lasso": (
        labels(7000, 256, 20, 0.5),
        ERMClassifier("log_loss", GroupLasso(groups=np.repeat(np.arange(32), 8)), 0.01),
    ),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2], help="the numbers of threads")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows whose name holds one of these words")
    parser.add_argument("--seconds", type=float, default=2.0, help="to spend on each row, idle and busy")
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--idle", action="store_true", help="the idle half alone")
    which.add_argument("--busy", action="store_true", help="the busy half alone")
    args = parser.parse_args()
    print(f"{os.cpu_count()} processors, load average {os.getloadavg()[0]:.2f}; seconds, and ratios\n")
    conditions = [one for one, other in (("idle", args.busy), ("busy", args.idle)) if not other]
    columns = [f"{condition}, {count}" for condition in conditions for count in [*args.threads, "ratio"]]
    print(f"| row | {' | '.join(columns)} |\n|---|{'---:|' * len(columns)}")
    for name, (make, model) in ROWS.items():
        if args.rows and not any(word in name for word in args.rows):
            continue
        X, y, *_ = make(Folder(None))
        X = scaled(X) if isinstance(X, np.ndarray) else X
        cells = []
        for condition in conditions:
            with kept_busy(os.cpu_count() if condition == "busy" else 0):
                seconds = measure(model, X, y, args.threads, args.seconds)
            cells += [f"{each:.4f}" for each in seconds] + [f"{seconds[-1] / seconds[0]:.2f}"]
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


def measure(model: Any, X: Any, y: Any, threads: list[int], limit: float) -> list[float]:
    """Return the median seconds of a fit for each number of threads, which take turns until the limit is spent."""
    found: dict[int, list[float]] = {count: [] for count in threads}
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(X, y)
        while not found[threads[-1]] or time.perf_counter() - start < limit:
            for count in threads:
                with blas_threads(count):
                    before = time.perf_counter()
                    model.fit(X, y)
                    found[count].append(time.perf_counter() - before)
    return [float(np.median(each)) for each in found.values()]


@contextmanager
def kept_busy(count: int | None) -> Iterator[None]:
    """Let so many processes count for as long as this lasts."""
    processes = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(count or 0)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
