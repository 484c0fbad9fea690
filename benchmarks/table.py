"""The table that is read: one line per row, and what comes of them all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from peers import OURS
from results import GOALS, Figure, Results

WIDTH = 54


def header() -> str:
    """Return the two lines over the table."""
    parts = "".join(f" | {f'to {goal:.0e}: ours':>16s} {'best peer':>9s} {'':26s} {'ratio':>7s}" for goal in GOALS)
    return f"{'row':{WIDTH}s} {'unsure':>8s}{parts}"


def line(results: Results, row: str) -> str:
    """Return a row's line: seconds of ours and of the best peer, and the second over the first."""
    cells = "".join(f" | {cell(results.figure(row, goal))}" for goal in GOALS)
    return f"{row:{WIDTH}s} {results.uncertainty(row):8.0e}{cells}"


def cell(figure: Figure) -> str:
    ours, peer = (f"{s:.4f}" if s == s else "-" for s in (figure.ours, figure.peer))
    ratio = "no peer" if np.isinf(figure.ratio) else f"{figure.ratio:.2f}"
    return f"{ours:>16s} {peer:>9s} {figure.name[:26]:26s} {ratio:>7s}"


def details(results: Results, row: str) -> Iterator[str]:
    """Yield a line per solver of a row: seconds to each goal, what was reached, how it ended."""
    for solver, trial in results.rows[row].items():
        seconds = "".join(f" {results.seconds(row, solver, goal):10.4f}" for goal in GOALS)
        yield f"    {solver:36s}{seconds}   reached {results.reached(row, solver):8.1e}   {trial['status']}"


def summary(results: Results, rows: Iterable[str]) -> Iterator[str]:
    """Yield the geometric means, and the rows where ours is behind."""
    chosen = [row for row in rows if OURS in results.rows.get(row, {})]
    for goal in GOALS:
        ratios = {row: results.figure(row, goal).ratio for row in chosen}
        both = [ratio for ratio in ratios.values() if 0 < ratio < np.inf]
        mean = np.exp(np.mean(np.log(both))) if both else np.nan
        behind = sorted((ratio, row) for row, ratio in ratios.items() if ratio < 1)
        alone = sum(np.isinf(ratio) for ratio in ratios.values())
        neither = sum(np.isnan(ratio) for ratio in ratios.values())
        yield f"\nTo {goal:.0e}: geometric mean of (best peer / ours) {mean:.2f} over {len(both)} rows,"
        yield f"no peer arrives on {alone} more, nobody at all on {neither}; ours is behind on {len(behind)}:"
        yield from (f"    {ratio:6.2f}  {row}  ({results.figure(row, goal).name})" for ratio, row in behind)


def markdown(results: Results, rows: Iterable[str]) -> Iterator[str]:
    """Yield the ratios as a table for the documentation: rows where ours is ahead and where it is behind alike."""
    yield "| row | " + " | ".join(f"to {goal:.0e}" for goal in GOALS) + " | fastest peer to 1e-06 |"
    yield "|---|" + "---:|" * len(GOALS) + "---|"
    for row in rows:
        figures = [results.figure(row, goal) for goal in GOALS]
        yield f"| {row} | " + " | ".join(map(short, figures)) + f" | {figures[1].name or 'none arrives'} |"


def short(figure: Figure) -> str:
    """Return the ratio of a figure in a word or two."""
    if np.isnan(figure.ratio):
        return "neither"
    return {np.inf: "ours only", 0.0: "peer only"}.get(figure.ratio, f"{figure.ratio:.2f}")
