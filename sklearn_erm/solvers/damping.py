"""Damping of Newton's method: what is added to a Hessian so that steps stay where its quadratic model holds."""

from __future__ import annotations

import numpy as np

from sklearn_erm.solvers.contract import Array, Hessian

# If a step is shorter than this, then damping is raised, because the quadratic model held for a part of the step only.
SHORT = 0.3
# If a step is at least as long as this, then damping is lowered, because the quadratic model held.
LONG = 0.5
# If a step is shorter than this, then damping is chosen by the length of the step, because a factor of the typical
# curvature may be too small for a Hessian that is almost singular.
TINY = 1e-5
# If damping falls below this, then it becomes ``least``, because it changes a step no longer.
NONE = 1e-9
# If damping is raised, then to this at least, because less hardly changes a step.
FIRST = 1e-4
# If damping is as large as this, then short steps raise it no further.
MOST = 1e4
# If no step along a direction descends, then damping is multiplied by this, because rounding spoils such a direction.
FAILED = 100.0
# If a step promises a smaller decrease, relative to the value, then rounding hides it.
BLIND = 1e-15
# If damping is as large as this and still no step descends, then the method gives up.
LAST = 1e30
# If rounding hides what more than so many steps in a row promise, and none of them halves the gradient, then the method
# ends, because rounding keeps the gradient from falling.
STEPS = 5


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

    def under(self, hessian: Hessian) -> float:
        """Return the factor for a new Hessian."""
        if self._typical is not None:
            self.value = max(FIRST, self.value * min(1.0, self._typical / hessian.typical))
            self._typical = hessian.typical
        return self.value

    def longest(self, hessian: Hessian) -> float:
        """Return the longest step worth a try: where damping can be lowered, that does better than a longer step."""
        return 1.0 if self.value > hessian.least_damping else np.inf

    def adapt(self, t: float, hessian: Hessian, direction: Array, promised: float) -> None:
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
