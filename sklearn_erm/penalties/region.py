"""Where a penalty is finite, and where it is smooth: what solvers ask, answered for one that is finite everywhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.checks import optional

Array = NDArray[Any]


class Region:
    """A penalty's domain, which constraints limit, and the regions between its kinks."""

    def unconstrained(self: Any) -> Any:
        """Return the penalty without the constraints that may have been added to it."""
        return self

    def into_domain(self, W: Array) -> Array:
        """Return W, or where Omega is infinite there a point near by where it is not: bounds and rows hold."""
        return self.inside(W)

    def bounds_apart(self: Any) -> Any:
        """Return the penalty with its bounds as constraints of their own, for methods that know no bounds."""
        return self

    @optional
    def violation(self, Z: Array, size: Any) -> float:
        """Return how far Z is outside the domain, in units of the tolerance for numbers of the given size."""
        raise NotImplementedError

    def inside(self, W: Array) -> Array:
        """Return the point nearest to W where Omega is finite: W itself, unless there are bounds."""
        return W

    def within(self: Any, W: Array, Z: Array) -> tuple[Array, Array]:
        """Return Z, kept within the region around W where Omega is smooth, and a mask of the entries that were not.

        By default a block that turns around on the way from W to Z has left that region, and is put to zero.
        """
        labels = self.blocks(W)
        agreement = np.bincount(labels.ravel(), (self.gradient(W) * Z).ravel())
        left = (agreement < 0)[labels]
        return np.where(left, 0.0, Z), left

    def turns(self: Any, W: Array, direction: Array) -> Array:
        """Return, per entry, the t > 0 at which W + t direction has its kink, at zero; inf if there is none."""
        labels, tangent = self.blocks(W), self.gradient(W)
        here = np.bincount(labels.ravel(), (tangent * W).ravel())
        change = np.bincount(labels.ravel(), (tangent * direction).ravel())
        return np.divide(here, -change, out=np.full(here.shape, np.inf), where=change < 0)[labels]

    def reach(self, W: Array, direction: Array) -> Array:
        """Return, per entry, the t up to which Omega(W + t direction) is finite, for W where it is."""
        return np.full(W.shape, np.inf)
