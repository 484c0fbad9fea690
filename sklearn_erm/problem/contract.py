"""What those below an objective ask of it, and of a point of it: they are made by it, and cannot import it."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Penalty
from sklearn_erm.samples.contract import Samples, State

Array = NDArray[Any]


class AtPoint(Protocol):
    """A point x = (W, b): its scores, and what was computed there."""

    @property
    def x(self) -> Array: ...
    @property
    def W(self) -> Array: ...
    @property
    def scores(self) -> State: ...
    @property
    def slopes(self) -> State: ...
    @property
    def risk(self) -> float: ...
    @property
    def risk_gradient(self) -> tuple[Array, Array]: ...
    @property
    def gap(self) -> float: ...


class Problem(Protocol):
    """F = risk + alpha Omega, and what is known of its size."""

    @property
    def loss(self) -> Loss: ...
    @property
    def penalty(self) -> Penalty: ...
    @property
    def alpha(self) -> float: ...
    @property
    def samples(self) -> Samples: ...
    @property
    def has_dual(self) -> bool: ...
    @property
    def blurred(self) -> Array: ...
    @property
    def natural_step(self) -> float: ...
    @property
    def reference(self) -> tuple[float, float]: ...
    @property
    def gradient_scale(self) -> Array: ...

    def split(self, x: Array) -> tuple[Array, Array]:
        """Return W and b as views of x."""

    def join(self, W: Array, b: Any) -> Array:
        """Return W and b as one flat vector."""

    def fun(self, x: Array) -> float:
        """Return F(x)."""

    def scale(self, x: Array) -> float:
        """Return what the gap at x is relative to."""

    def at(self, x: Array) -> Any:
        """Return the point x with its scores."""

    def remember(self, point: Any) -> None:
        """Make a point the last point."""
