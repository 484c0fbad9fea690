"""What every solver's iterations share: their limit, the callback, the ways to end, and the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from sklearn_erm.solvers.contract import Array

CONVERGED, LIMIT, STALLED, UNBOUNDED, STOPPED, STUCK, INTERRUPTED = 0, 1, 2, 3, 4, 5, 99

MESSAGES = {
    CONVERGED: "converged: the certificate holds",
    LIMIT: "the iteration limit was reached; raise max_iter",
    STALLED: "rounding leaves no further descent; raise tol, or bring the columns of X to similar scales",
    UNBOUNDED: (
        "the objective has no minimiser: it falls for ever along a direction (classes that are linearly separable, or "
        "counts of zero that the features single out); the coefficients are finite but arbitrary in size. Use a "
        "penalty, penalty='l2' say, with alpha > 0"
    ),
    STUCK: "round after round found no better point; raise tol, or bring the columns of X to similar scales",
    STOPPED: "the method made no further progress; use solver='auto', or raise tol",
    INTERRUPTED: "stopped by the callback",
}

Callback = Callable[[OptimizeResult], Any] | None


class Loop:
    """The iterations of a solver.

    A solver reads like this::

        loop = Loop(fun, x0, maxiter, callback)
        while not stop(loop.x) and loop.goes_on():
            ...
            loop.step(x)
        return loop.result()

    Parameters
    ----------
    fun, x0, callback
        As in ``scipy.optimize.minimize``.
    maxiter : int
        Iterations at most.
    best : callable or None
        () -> the best point found, as a dict with ``x`` and what else is known there, if that is not the last point.

    Attributes
    ----------
    x : ndarray
        The last point, a copy of x0 at first.
    nit : int
        Iterations so far.
    status : int or None
        How the loop ended; None while it goes on.
    """

    def __init__(
        self,
        fun: Callable[..., float],
        x0: Array,
        maxiter: int,
        callback: Callback = None,
        best: Callable[[], dict[str, Any]] | None = None,
    ):
        self.fun, self.maxiter, self.callback = fun, maxiter, callback
        self.x: Array = np.array(x0, dtype=float)
        self.nit = 0
        self.status: int | None = None
        self._more: dict[str, Any] = {}
        self._best = best

    @property
    def left(self) -> int:
        """How many iterations are left."""
        return self.maxiter - self.nit

    def goes_on(self) -> bool:
        """Return whether there is to be another iteration."""
        if self.left <= 0:
            self.end(LIMIT)
        return self.status is None

    def step(self, x: Array, iterations: int = 1, **more: Any) -> None:
        """Go to x, in so many iterations (1 at least), and tell the callback, which may ask to stop."""
        self.move(x, iterations, **more)
        self.tell()

    def move(self, x: Array, iterations: int = 1, **more: Any) -> None:
        """Go to x, where ``more`` is known, in so many iterations (1 at least)."""
        self.x, self._more = x, more
        self.nit += max(iterations, 1)

    def tell(self) -> None:
        """Call the callback, if there is one, with the best point; it may ask to stop."""
        if self.callback is None:
            return
        found = self._found()
        try:
            self.callback(OptimizeResult(found, fun=self.fun(found["x"]), nit=self.nit))
        except StopIteration:
            self.end(INTERRUPTED)

    def end(self, status: int) -> None:
        """End the loop, unless it has ended already: the first reason counts."""
        self.status = status if self.status is None else self.status

    def result(self, status: int = CONVERGED, **more: Any) -> OptimizeResult:
        """End the loop and return the best point."""
        self.end(status)
        found = self._found()
        assert self.status is not None
        return outcome(self.fun, found.pop("x"), self.nit, self.status, **found, **more)

    def _found(self) -> dict[str, Any]:
        return {"x": self.x, **self._more} if self._best is None else self._best()


def outcome(fun: Callable[..., float], x: Array, nit: int, status: int, **more: Any) -> OptimizeResult:
    """Return what a solver returns."""
    return OptimizeResult(
        x=x, fun=fun(x), nit=nit, status=status, success=status == CONVERGED, message=MESSAGES[status], **more
    )
