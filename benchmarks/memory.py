"""Peak memory of our fits beyond the data: each in a process of its own, as a multiple of X's bytes.

    python benchmarks/memory.py [--data FOLDER] [--rows PATTERN ...] [--cap SECONDS]

What counts is the high-water mark of resident memory during the fit, less the resident memory right before it, when the
data are there and a fit of the same problem on few rows has made all imports. Patterns choose among these rows; with a
folder of real data there are some more. README.md says how to read it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import signal
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from data import Folder
from peers import ours
from rows import C1, C1_L1, MAX10, Row, crossed, find

FEW = {"l1": "max/2"}
ROWS = [
    *crossed("log_loss", "labels_20000x200", C1, MAX10),
    *crossed("hinge", "labels_20000x200", C1),
    *crossed("squared_error", "numbers_20000x200", MAX10),
    *crossed("quantile", "numbers_20000x200", {}, parameter=0.5),
    *crossed("log_loss", "sparse_20000x50000", C1, FEW, MAX10),
    *crossed("hinge", "sparse_20000x50000", C1),
    *crossed("log_loss", "sparse_50000x100000", C1, FEW),
    *crossed("log_loss", "labels_1000000x20", C1, MAX10),
    *crossed("hinge", "labels_1000000x20", C1),
    *crossed("quantile", "numbers_1000000x20", {}, parameter=0.5),
    *crossed("log_loss", "news20", C1, C1_L1),
    *crossed("hinge", "news20", C1),
    *crossed("log_loss", "mnist", C1),
]
# What is too much: a second X, and for sparse X anything that is not O(nnz + n + p).
VECTORS = 16  # so many numbers per sample (and output) are not counted as a copy of X
TIMES_ENTRIES = 10  # times 8 (nnz + n + p) bytes
AT_ALL = 8e9  # bytes resident
SETUP = 60.0  # seconds for imports, data and warm-up, which the cap does not count
WIDTH = 46


def main() -> None:
    """Print the table, or as a child one measurement."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it their rows are left out")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows that hold all words of one of these")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds of each fit")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    args = parser.parse_args()
    folder = Folder(args.data)
    if args.child:
        print(json.dumps(measure(next(row for row in ROWS if row.name == args.child), folder, args.cap)))
        return
    titles = f"{'X, MB':>8s} {'extra, MB':>10s} {'/ X':>7s} {'/ 8(nnz+n+p)':>13s} {'peak, MB':>9s} {'non-zeros':>10s}"
    print(f"{'row':{WIDTH}s} {titles}", flush=True)
    for row in find(args.rows, folder, ROWS):
        print(f"{row.name:{WIDTH}s} {line(started(row, args))}", flush=True)


def line(found: dict[str, Any] | None) -> str:
    """Return what a row's line says."""
    if found is None:
        return "did not end"
    extra, size, unit = found["extra"], found["size"], found["unit"]
    limit = TIMES_ENTRIES * unit if found["sparse"] else size + VECTORS * found["vector"]
    note = "   too much" if extra > limit or found["peak"] > AT_ALL else ""
    note += "" if found["ended"] else "   stopped at the cap"
    sizes = f"{size / 1e6:8.1f} {extra / 1e6:10.1f} {extra / size:7.2f} {extra / unit:13.2f} {found['peak'] / 1e6:9.0f}"
    return f"{sizes} {found['kept']:10d}{note}"


def started(row: Row, args: argparse.Namespace) -> dict[str, Any] | None:
    """Return what a process of its own measures, None if it fails or cannot be stopped by itself."""
    command = [sys.executable, __file__, f"--child={row.name}", f"--cap={args.cap}"]
    command += [f"--data={args.data}"] if args.data else []
    # glibc keeps what is freed for later use, unless it is told which blocks go back to the system at once
    environment = os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536", "MALLOC_TRIM_THRESHOLD_": "65536"}
    try:
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=args.cap + SETUP)
    except subprocess.TimeoutExpired:
        return None
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return None
    return json.loads(done.stdout)


def measure(row: Row, folder: Folder, cap: float) -> dict[str, Any]:
    """Return the bytes of X, those that its fit adds at its peak, and all that are resident then."""
    warnings.simplefilter("ignore")
    problem = row.problem(folder)
    model = ours.estimator(problem)
    small = problem.sample()
    model.fit(small.X, small.y, sample_weight=small.weight)
    gc.collect()
    before = reset_peak()
    ended, kept = True, 0
    try:
        raise_after(cap)
        kept = int(np.count_nonzero(model.fit(problem.X, problem.y, sample_weight=problem.weight).coef_))
    except TimeoutError:
        ended = False
    peak = resident_peak()
    X, outputs = problem.X, int(problem.y.max()) + 1 if problem.multinomial else 1
    size = X.data.nbytes + X.indices.nbytes + X.indptr.nbytes if problem.sparse else X.nbytes
    entries = (X.nnz if problem.sparse else X.size) + outputs * (problem.n + problem.p)
    return {
        "size": size,
        "extra": peak - before,
        "peak": peak,
        "unit": 8 * entries,
        "vector": 8 * outputs * problem.n,
        "sparse": problem.sparse,
        "ended": ended,
        "kept": kept,
    }


def raise_after(seconds: float) -> None:
    """Let a TimeoutError come after so many seconds, where the system can."""

    def stop(*_: object) -> None:
        raise TimeoutError

    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, stop)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def reset_peak() -> int:
    """Start the high-water mark anew, where the system can, and return it."""
    path = Path("/proc/self/clear_refs")
    if path.exists():
        path.write_text("5")
    return resident_peak()


def resident_peak() -> int:
    """Return the largest resident memory so far, in bytes."""
    path = Path("/proc/self/status")
    if path.exists():
        return 1024 * next(int(text.split()[1]) for text in path.read_text().splitlines() if text.startswith("VmHWM"))
    import resource  # Unix only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    main()
