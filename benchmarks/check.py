"""Whether every adapter solves the problem it says: small data, every loss, penalty and intercept."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterator

import numpy as np
from peers import OURS, solvers
from problem import Problem

GOOD = 1e-3
TOLERANCES = (1e-4, 1e-6, 1e-8)
PENALTIES = ({}, {"l1": 0.02}, {"l2": 0.05}, {"l1": 0.02, "l2": 0.05}, {"group": 0.02})
LOSSES = (
    ("log_loss", None),
    ("hinge", None),
    ("squared_hinge", None),
    ("squared_error", None),
    ("absolute_error", None),
    ("quantile", 0.3),
    ("huber", 0.5),
    ("epsilon_insensitive", 0.1),
    ("poisson", None),
)


def problems() -> Iterator[Problem]:
    """Yield 300 x 9 problems of every kind."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((300, 9))
    score = 0.5 * X[:, :4] @ rng.standard_normal(4) + 0.3 + 0.5 * rng.standard_normal(300)
    targets = {"poisson": rng.poisson(np.exp(0.5 * score)).astype(float)}
    groups = np.repeat(np.arange(3), 3)
    for loss, parameter in LOSSES:
        y = targets.get(loss, np.where(score > 0, 1.0, -1.0) if parameter is None and "e" not in loss else score)
        y = np.where(score > 0, 1.0, -1.0) if loss in ("log_loss", "hinge", "squared_hinge") else y
        for penalty in PENALTIES:
            for intercept in (True, False):
                labels = groups if "group" in penalty else None
                yield Problem(X, y, loss, parameter, **penalty, groups=labels, intercept=intercept)
    classes = np.digitize(score, [-0.5, 0.5])
    yield from (Problem(X, classes, "log_loss", **penalty) for penalty in PENALTIES[1:4])
    weight = rng.uniform(0.5, 2, 300)
    yield from (Problem(X, targets["poisson"], "poisson", **penalty, weight=weight) for penalty in PENALTIES[1:4])


def check(words: list[str]) -> int:
    """Print each adapter that is off by more than 1e-3 of the best answer; return how many are."""
    warnings.simplefilter("ignore")
    wrong, seen, pairs = 0, set(), 0
    for problem in problems():
        chosen = {n: s for n, s in solvers(problem).items() if n == OURS or not words or any(w in n for w in words)}
        values = {name: best_value(problem, prepare) for name, prepare in chosen.items()}
        best = min(value for value in values.values() if value == value)
        for name, value in values.items():
            seen.add(name)
            pairs += 1
            if not value - best <= GOOD * abs(best):
                wrong += 1
                intercept = "" if problem.intercept else ", no intercept"
                kind = f"{problem.loss} + {problem.penalty}{intercept}{', classes' if problem.multinomial else ''}"
                print(f"WRONG {name}: {kind}: {value:.6g} where {best:.6g} can be had", flush=True)
    print(f"{len(seen)} solvers, {pairs} problems of theirs, {wrong} wrong", file=sys.stderr)
    return wrong


def best_value(problem: Problem, prepare: object) -> float:
    """Return the best objective of an adapter over some tolerances, nan where it fails."""
    try:
        fit = prepare(problem)  # type: ignore[operator]
        return min(problem.value(fit(tol)) for tol in TOLERANCES)
    except Exception as error:
        print(f"FAILED {type(error).__name__}: {str(error)[:150]}", flush=True)
        return float("nan")
