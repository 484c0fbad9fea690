"""What a first fit costs: seconds of a whole process that starts, imports one library and fits once.

    python benchmarks/first_fit.py [--data FOLDER] [--rows PATTERN ...] [--solvers WORD ...] [--repeat 5]

Ours beside the peers that are installed. A pattern chooses rows of the comparison; without one there are three small
ones. README.md says how to read it.
"""

# Only what every process loads anyway stands up here: a child times its own imports.
from __future__ import annotations

import argparse
import pickle
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

TOL = 1e-4
CAP = 120.0
NOTHING = "(Python, numpy, scipy.sparse, the data)"
DEFAULT = (
    {"loss": "log_loss", "data": "labels_1000x20", "l2": "1/n"},
    {"loss": "log_loss", "data": "labels_1000x20", "l1": "max/10", "intercept": False},
    {"loss": "squared_error", "data": "numbers_1000x20", "l1": "max/10"},
)
# One algorithm of each library is enough: the imports are the same.
CHOSEN = ("sklearn_erm", "lbfgs", "liblinear", "ElasticNet", "skglm AndersonCD", "celer", "glum irls", "cyanure")


def main() -> None:
    """Print the table, or as a child fit once."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data")
    parser.add_argument("--rows", nargs="*", default=[], help="rows of the comparison that hold all words of one")
    parser.add_argument("--solvers", nargs="*", default=CHOSEN, help="only those whose name holds one of these words")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--solver", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.child:
        fit_once(args.child, args.solver)
        return
    from data import Folder
    from rows import Row, find

    rows = find(args.rows, Folder(args.data)) if args.rows else [Row(**words) for words in DEFAULT]
    for row in rows:
        print(f"\n{row.name:54s} {'whole process':>13s} {'less nothing':>13s} {'its fit alone':>13s} {'off by':>9s}")
        table(row.problem(Folder(args.data)), args)


def table(problem: Any, args: argparse.Namespace) -> None:
    """Print a row's solvers, nothing first."""
    from peers import solvers

    names = [n for n in solvers(problem) if any(word in n for word in args.solvers)]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "problem.pickle"
        file.write_bytes(pickle.dumps(problem))
        found = {name: started(file, name, args.repeat) for name in [NOTHING, *names]}
    best = np.nanmin([objective for _, _, objective in found.values()])
    for name, (whole, inside, objective) in found.items():
        error = (objective - best) / abs(best)
        print(f"    {name:50s} {whole:13.3f} {whole - found[NOTHING][0]:13.3f} {inside:13.4f} {error:9.0e}", flush=True)


def started(file: Path, solver: str, repeat: int) -> tuple[float, float, float]:
    """Return the median seconds of the process and of its fit, and the objective; nan where it fails.

    A first process is not counted: it may compile what later ones find on the disk.
    """
    whole, inside, objective = [], [], float("nan")
    for _ in range(repeat + 1):
        start = time.perf_counter()
        command = [sys.executable, __file__, f"--child={file}", f"--solver={solver}"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=CAP)
        except subprocess.TimeoutExpired:
            return CAP, float("nan"), float("nan")
        if done.returncode:
            print(done.stderr[-500:], file=sys.stderr)
            return float("nan"), float("nan"), float("nan")
        whole.append(time.perf_counter() - start)
        seconds, objective = (float(word) for word in done.stdout.split()[-2:])
        inside.append(seconds)
    return float(np.median(whole[1:])), float(np.median(inside[1:])), objective


def fit_once(file: Path, solver: str) -> None:
    """Import what a solver needs, fit, and print the seconds of the fit and its objective."""
    problem = pickle.loads(file.read_bytes())
    if solver == NOTHING:
        print(float("nan"), float("nan"))
        return
    from peers import solvers

    fit = solvers(problem)[solver](problem)
    start = time.perf_counter()
    answer = fit(TOL)
    print(time.perf_counter() - start, problem.value(answer))


if __name__ == "__main__":
    main()
