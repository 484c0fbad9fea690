"""Ours beside the peers, to the same true accuracy, as one table.

    python benchmarks/compare.py [--data FOLDER] [--rows PATTERN ...] [--solvers WORD ...] [--json FILE]
    python benchmarks/compare.py --check         every adapter on small data: does it solve the same problem?
    python benchmarks/compare.py --list          the rows at hand
    python benchmarks/compare.py --show --json FILE    the table of an earlier run
    python benchmarks/compare.py --markdown --json FILE    its ratios, for docs/speed.md

A pattern is one argument and chooses the rows that hold all its words ("a9a hinge"). README.md says how to read it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
from check import check
from data import Folder
from peers import LIBRARIES, OURS, solvers
from results import GOALS, Results
from rows import Row, find
from table import details, header, line, markdown, summary

SETUP = 120.0  # seconds for imports, data and warm-up, which the cap does not count


def parse() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="folder of the real data; without it their rows are left out")
    parser.add_argument("--rows", nargs="*", default=[], help="only rows that hold all words of one of these")
    parser.add_argument("--solvers", nargs="*", default=[], help="only peers whose name holds one of these words")
    parser.add_argument("--cap", type=float, default=60.0, help="seconds of each solver on each row")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, help="results: those already there are kept, new ones added")
    parser.add_argument("--skip-done", action="store_true", help="leave out what the results already hold")
    parser.add_argument("--details", action="store_true", help="one line per solver as well")
    for name in ("check", "list", "show", "markdown"):
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args()


def main() -> None:
    """Do what the arguments say."""
    args = parse()
    folder = Folder(args.data)
    if args.check:
        sys.exit(check(args.solvers))
    results = Results(args.json)
    if args.markdown:
        print(*markdown(results, results.rows), sep="\n")
        return
    if args.show:
        print(header())
        names = list(results.rows)
    else:
        rows = find(args.rows, folder)
        names = [row.name for row in rows]
        if args.list:
            print(*names, sep="\n")
            return
        results.about = results.about or about(args)
        print(header(), flush=True)
        for row in rows:
            compare(row, folder, args, results)
            show(row.name, args, results)
    if args.show:
        for name in names:
            show(name, args, results)
    print(*summary(results, names), sep="\n")


def show(name: str, args: argparse.Namespace, results: Results) -> None:
    """Print a row."""
    print(line(results, name), flush=True)
    if args.details:
        print(*details(results, name), sep="\n", flush=True)


def compare(row: Row, folder: Folder, args: argparse.Namespace, results: Results) -> None:
    """Run ours, then each peer until it is as good."""
    done = results.rows.get(row.name, {}) if args.skip_done else {}
    names = list(solvers(row.problem(folder)))
    chosen = [n for n in names if n == OURS or not args.solvers or any(word in n for word in args.solvers)]
    for name in chosen:
        if name not in done:
            good = -np.inf if name == OURS else results.best(row.name) * (1 + 0.5 * GOALS[-1])
            results.add(row.name, name, trial(row.name, name, args, good))


def trial(row: str, solver: str, args: argparse.Namespace, stop: float) -> dict[str, Any]:
    """Return what one solver reaches in a process of its own: {"runs": [...], "status": how it ended}."""
    command = [sys.executable, str(Path(__file__).with_name("trial.py")), f"--row={row}", f"--solver={solver}"]
    command += [f"--cap={args.cap}", f"--repeat={args.repeat}", f"--stop={stop!r}"]
    command += [f"--data={args.data}"] if args.data else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        out, complaints = process.communicate(timeout=args.cap + SETUP)
    except subprocess.TimeoutExpired:
        process.kill()
        out, complaints = process.communicate()
    lines = [json.loads(text) for text in out.splitlines() if text.endswith("}")]
    if {"done": True} in lines:
        status = "done"
    elif process.returncode < 0:
        status = f"stopped after {args.cap:g} s" if {"ready": True} in lines else "never began"
    else:
        status = (complaints.strip().splitlines() or ["failed"])[-1][:200]
    return {"runs": [entry for entry in lines if "tol" in entry], "status": status}


def about(args: argparse.Namespace) -> dict[str, Any]:
    """Return what a reader of the figures must know."""
    versions = {}
    for name in ("numpy", "scipy", "scikit-learn", *(library for library in LIBRARIES if library != OURS)):
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    threads = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
    return {
        "versions": versions,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
        "threads": threads,
        "cap": args.cap,
        "repeat": args.repeat,
    }


if __name__ == "__main__":
    main()
