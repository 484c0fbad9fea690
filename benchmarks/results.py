"""What the trials found: kept in a file, and the figures that come of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from peers import OURS

GOALS = (1e-3, 1e-6, 1e-8)
ROUNDING = 1e-12  # of the objective: no answer is better than another by less


class Figure(NamedTuple):
    """Seconds of ours to a goal, those of the best peer and who that is; nan where it was not reached."""

    ours: float
    peer: float
    name: str

    @property
    def ratio(self) -> float:
        """Best peer over ours: above 1 where ours is ahead; infinite where no peer arrives, 0 where ours does not."""
        if np.isnan(self.ours):
            return np.nan if np.isnan(self.peer) else 0.0
        return np.inf if np.isnan(self.peer) else self.peer / self.ours


class Results:
    """Row -> solver -> runs. Written after each trial, so that nothing is lost; later runs replace earlier ones."""

    def __init__(self, path: Path | None):
        self.path = path
        self.about: dict[str, Any] = {}
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        if path is not None and path.exists():
            stored = json.loads(path.read_text())
            self.about, self.rows = stored["about"], stored["rows"]

    def add(self, row: str, solver: str, trial: dict[str, Any]) -> None:
        """Keep a trial: its runs, and how it ended."""
        self.rows.setdefault(row, {})[solver] = trial
        if self.path is not None:
            self.path.write_text(json.dumps({"about": self.about, "rows": self.rows}, indent=1) + "\n")

    def best(self, row: str) -> float:
        """Return the smallest objective that any solver found."""
        found = [run["objective"] for trial in self.rows[row].values() for run in trial["runs"]]
        return float(np.nanmin([*found, np.inf]))

    def bound(self, row: str) -> float:
        """Return the largest lower bound that ours proved, -inf without one."""
        runs = self.rows[row].get(OURS, {"runs": []})["runs"]
        return max((run["bound"] for run in runs if run["bound"] is not None), default=-np.inf)

    def uncertainty(self, row: str) -> float:
        """Return how far the reference can be from the minimum, relative: (best - bound) / best."""
        best = self.best(row)
        return (best - self.bound(row)) / abs(best)

    def seconds(self, row: str, solver: str, goal: float) -> float:
        """Return the median seconds of the first tolerance that reaches a goal, nan without one."""
        best = self.best(row)
        for run in self.rows[row][solver]["runs"]:
            if run["objective"] - best <= (goal + ROUNDING) * abs(best):
                return float(np.median(run["seconds"]))
        return float("nan")

    def reached(self, row: str, solver: str) -> float:
        """Return the smallest relative suboptimality of a solver."""
        best = self.best(row)
        found = [run["objective"] for run in self.rows[row][solver]["runs"]]
        return (np.nanmin([*found, np.inf]) - best) / abs(best)

    def figure(self, row: str, goal: float) -> Figure:
        """Return what the table says about a row and a goal."""
        peers = {name: self.seconds(row, name, goal) for name in self.rows[row] if name != OURS}
        arrived = {name: seconds for name, seconds in peers.items() if seconds == seconds}
        name = min(arrived, key=arrived.__getitem__, default="")
        mine = self.seconds(row, OURS, goal) if OURS in self.rows[row] else float("nan")
        return Figure(mine, arrived.get(name, float("nan")), name)
