"""Damping of Newton's method: what is added to a Hessian so that steps stay where its quadratic model holds."""

from __future__ import annotations

from typing import Any

import numpy as np

SHORT, LONG = 0.3, 0.5  # steps below which damping is raised, above which it is lowered
TINY = 1e-5  # steps below which damping is chosen by the length of the step
NONE, FIRST, MOST = 1e-9, 1e-4, 1e4  # damping: what counts as none, the first, the largest that short steps ask for
FAILED = 100.0  # factor after a direction that did not descend
BLIND, LAST = 1e-15, 1e30  # promised decrease, relative to the value, that rounding hides; damping that is none to try
STEPS = 5  # of that kind, none of which halves the gradient, before it is as small as rounding lets it be


class Damping:
    """A factor of the diagonal matrix ``hessian.scale()``: typical curvature times the squares of the columns.

    A short step raises it, a long one lowers it. After a tiny step, the next one is limited to its length, in units of
    the columns: where a Hessian is almost singular, no factor of its typical curvature is large enough by itself. That
    limit stays when the curvature grows.

    Parameters
    ----------
    value : float
        To start with.
    least : float
        What takes the place of values that are as good as none.
    """

    def __init__(self, value: float, least: float = 0.0):
        self.value = value
        self.least = least
        self._typical: float | None = None

    def raise_to(self, value: float) -> None:
        """Raise the factor to a value at least."""
        self.value = max(self.value, value)

    def exhausted(self, value: float, promised: float) -> bool:
        """Return whether no other factor may help after a failure: the decrease promised is lost in the value."""
        return self.value >= LAST or (self.value >= MOST and not promised > BLIND * abs(value))

    def under(self, hessian: Any) -> float:
        """Return the factor for a new Hessian."""
        if self._typical is not None:
            self.value = max(FIRST, self.value * min(1.0, self._typical / hessian.typical))
            self._typical = hessian.typical
        return self.value

    def longest(self, hessian: Any) -> float:
        """Return the longest step worth a try: where damping can be lowered, that does better than a longer step."""
        return 1.0 if self.value > hessian.least_damping else np.inf

    def adapt(self, t: float, hessian: Any, direction: Any, promised: float) -> None:
        """Choose the next value, after a step of length t along a direction that promised a decrease."""
        if t == 0.0:
            self.value = max(FIRST, FAILED * self.value)
        elif t < SHORT:
            self.value = float(np.clip(self.value * min(10.0, 0.7 / t), FIRST, max(MOST, self.value)))
            if t < TINY:
                size = float(hessian.scale() @ direction**2)
                self.value = max(self.value, promised / (t * size) if size > 0 else 0.0)
                self._typical = hessian.typical
        elif t >= LONG:
            lower = 0.1 * self.value / max(1.0, t / 3.0)
            self.value = lower if lower >= NONE else self.least
        if self.value <= FIRST:
            self._typical = None


class Rounding:
    """Whether rounding alone is left: it hides what steps promise, and the gradient falls no more."""

    def __init__(self) -> None:
        self.least = np.inf
        self.steps = 0

    def settles(self, value: float, promised: float, size: float) -> bool:
        """Take note of a step that promises a decrease, and of the size of the gradient before it."""
        hidden = promised <= BLIND * abs(value) and size > 0.5 * self.least
        self.least = min(self.least, size)
        self.steps = self.steps + 1 if hidden else 0
        return self.steps > STEPS
