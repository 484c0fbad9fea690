"""How a fit goes on: what is known after every iteration of the outermost method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from time import perf_counter
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import OptimizeResult
from sklearn.base import clone

from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solvers.loop import INTERRUPTED, outcome


class Progress(NamedTuple):
    """Where a fit is after an iteration.

    Attributes
    ----------
    problem : int
        Which of several independent problems; 0 if there is one.
    iteration : int
        From 1 on, for each problem.
    objective : float
        F at the best point so far.
    gap : float
        What ``tol`` bounds: the relative duality gap, or the violation of the optimality conditions where the dual says
        nothing; infinite where nothing is known yet.
    support : int
        Features with a coefficient that is not zero.
    seconds : float
        Since the first problem began; the certificates of this record are not counted.
    """

    problem: int
    iteration: int
    objective: float
    gap: float
    support: int
    seconds: float


Observer = Callable[[Progress, OptimizeResult], Any]  # with what scipy tells: x, fun, nit, perhaps dual


class Clock:
    """Seconds since it was made, but for those in which it was stopped."""

    def __init__(self) -> None:
        self._start = perf_counter()

    def read(self) -> float:
        """Return the seconds so far."""
        return perf_counter() - self._start

    def set_back(self, seconds: float) -> None:
        """Leave some seconds out."""
        self._start += seconds


def watch(problem: Objective, number: int, clock: Clock, observers: Sequence[Observer]) -> Callable[..., None]:
    """Return a callback for ``minimize`` that tells observers of every iteration; one may raise StopIteration."""
    iteration = 0

    def report(intermediate_result: OptimizeResult) -> None:
        nonlocal iteration
        iteration += 1
        seconds = clock.read()
        x = intermediate_result.x
        dual = intermediate_result.get("dual") or (None, None)
        with np.errstate(all="ignore"):
            gap = problem.error(x, *dual)
        W = problem.split(x)[0]
        support = int(np.count_nonzero(W.reshape(len(W), -1).any(axis=1)))
        progress = Progress(number, iteration, float(intermediate_result.fun), float(gap), support, seconds)
        for observer in observers:
            observer(progress, intermediate_result)
        clock.set_back(clock.read() - seconds)

    return report


def teller(count: int) -> Observer:
    """Return an observer that prints one line an iteration, for so many independent problems."""

    def tell(progress: Progress, _: OptimizeResult) -> None:
        label = f"problem {progress.problem + 1} of {count}, " if count > 1 else ""
        print(
            f"{label}iteration {progress.iteration:3d}: objective {progress.objective:#.10g}, gap {progress.gap:.1e}, "
            f"support {progress.support:4d}, {progress.seconds:.3f} s"
        )

    return tell


def stopped_at(problem: Objective, at: OptimizeResult) -> OptimizeResult:
    """Return what ``minimize`` returns if a callback stops it there: no worse than the null model, and certified."""
    x, dual = at.x, at.get("dual") or Dual(None, None)
    with np.errstate(all="ignore"):
        if not problem.fun(x) <= problem.null_value:
            x, dual = problem.null, Dual(None, None)
        result = outcome(problem.fun, np.array(x), at.nit, INTERRUPTED, dual=dual)
        result.certificate = problem.certificate(x, *dual)
    return result


def trace(estimator: Any, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> list[Progress]:
    """Fit a clone of an estimator and return how that went on, iteration by iteration.

    Parameters
    ----------
    estimator : ERMClassifier or ERMRegressor
        Left as it is.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets or labels.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Weights.
    offset : float or array-like in the shape of the scores, default=None
        Added to the scores.

    Returns
    -------
    records : list of Progress
        For each iteration of the outermost method: ``problem``, ``iteration``, ``objective``, ``gap``, ``support``,
        ``seconds``. Points found before it, on some of the rows, are not among them.
    """
    if hasattr(estimator, "alphas"):
        plain = type(estimator).__name__.removesuffix("CV")
        raise TypeError(
            f"{type(estimator).__name__} makes many fits, and there are iterations to show of one. Pass {plain} with "
            "alpha=search.alpha_, say, and the loss and the penalty that were chosen."
        )
    if not (hasattr(estimator, "_fit") and hasattr(estimator, "alpha")):
        raise TypeError(f"{type(estimator).__name__} tells of no iterations. Pass an ERMClassifier or ERMRegressor.")
    records: list[Progress] = []
    clone(estimator)._fit(X, y, sample_weight, offset, lambda progress, _: records.append(progress))
    return records
