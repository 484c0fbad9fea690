"""One solver on one row, in a process of its own: tighter and tighter tolerances, one line of JSON for each.

Started by compare.py; nothing to run by hand.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import Folder
from problem import Answer, Problem
from rows import by_name

TOLERANCES = [10.0**-k for k in range(1, 15)]
REFERENCE = 1e-10
STILL = 5  # so many tolerances in a row without progress end a trial


def main() -> None:
    """Run the trial and print its lines."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--row", required=True)
    parser.add_argument("--solver", required=True)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--cap", type=float, required=True)
    parser.add_argument("--repeat", type=int, required=True)
    parser.add_argument("--stop", type=float, default=-np.inf, help="an objective that is good enough")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    lines = quiet_stdout()
    problem = by_name(args.row).problem(Folder(args.data))
    for line in run(problem, args.solver, args.cap, args.repeat, args.stop):
        print(json.dumps(line), file=lines, flush=True)


def quiet_stdout() -> Any:
    """Send what libraries print to stderr, and return the stream for our own lines."""
    lines = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return lines


def run(problem: Problem, solver: str, cap: float, repeat: int, stop: float) -> Iterator[dict[str, Any]]:
    """Yield tolerance, seconds and objective of each run; from the first timed one on, the cap ends the process."""
    from peers import solvers

    prepare = solvers(problem)[solver]
    with contextlib.suppress(Exception):
        prepare(problem.sample())(1e-2)
    fit = prepare(problem)
    yield {"ready": True}
    end_after(cap)
    best, still = np.inf, 0
    for tol in TOLERANCES:
        seconds, answer = timed(fit, tol, repeat, cap)
        objective = problem.value(answer)
        yield {"tol": tol, "seconds": seconds, "objective": objective, "bound": answer.bound}
        still = 0 if objective < best - 1e-12 * abs(best) else still + 1
        best = min(best, objective)
        enough = tol < 1.1 * REFERENCE if stop == -np.inf else best <= stop
        if enough or still >= STILL or answer.exact:
            break
    yield {"done": True}


def end_after(seconds: float) -> None:
    """Let this process be ended after so many seconds, where the system can; 0 takes it back."""
    if hasattr(signal, "SIGALRM"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)  # kills inside compiled code as well
        signal.setitimer(signal.ITIMER_REAL, seconds)


def timed(fit: Callable[[float], Answer], tol: float, repeat: int, cap: float) -> tuple[list[float], Answer]:
    """Return the seconds of a fit, several times unless it is slow and more if it is very fast, and its answer."""
    seconds: list[float] = []
    while not seconds or (len(seconds) < repeat and sum(seconds) <= cap / 10) or worth_more(seconds, repeat):
        start = time.perf_counter()
        answer = fit(tol)
        seconds.append(time.perf_counter() - start)
    return seconds, answer


def worth_more(seconds: list[float], repeat: int) -> bool:
    """Return whether runs are so fast that a median of few is noise."""
    return len(seconds) < 7 * repeat and sum(seconds) < 0.05 * repeat


if __name__ == "__main__":
    main()
