"""What solvers ask of a problem: a line through a point, a Hessian, a penalty. They know nothing else of it."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

Array = NDArray[Any]


class Line(Protocol):
    """A convex function of t, on the line from a point along a direction."""

    def value(self, t: float) -> float:
        """Return the value at t."""

    def slope(self, t: float) -> float:
        """Return the derivative at t."""

    def accept(self, t: float) -> Array:
        """Return the point at t, to which the solver goes."""


class Segment(Line, Protocol):
    """A line that leads out of the domain of the function."""

    @property
    def most(self) -> float:
        """The largest t in the domain."""


class Hessian(Protocol):
    """A (generalised) Hessian, positive semidefinite.

    Attributes
    ----------
    typical : float
        The curvature that damping multiplies.
    least_damping, first_damping : float
        The least damping that makes systems solvable, and that of the first step.
    """

    @property
    def typical(self) -> float: ...
    @property
    def least_damping(self) -> float: ...
    @property
    def first_damping(self) -> float: ...

    def scale(self) -> Array:
        """Return the diagonal that damping multiplies."""

    def solve(self, v: Array, damping: float, accuracy: float) -> Array:
        """Return (H + damping diag(scale))^-1 v, to an accuracy if not exactly."""

    def decrement(self, gradient: Array) -> float | None:
        """Return what the model with the last factorisation promises at a gradient; None if that is not known."""


class Stiffness(Protocol):
    """The second derivatives of a penalty on its support."""

    @property
    def is_diagonal(self) -> bool: ...
    @property
    def diagonal(self) -> Array: ...

    def product(self, V: Array) -> Array:
        """Return the product with V."""

    def ridge(self) -> Array:
        """Return its diagonal."""

    def add_to(self, H: Array) -> None:
        """Add it to an array."""

    def on(self, free: Array) -> Stiffness:
        """Return its part in the free entries."""

    def scaled(self, factor: float) -> Stiffness:
        """Return a multiple."""


class Penalty(Protocol):
    """A convex penalty that is smooth where no block of coefficients vanishes or is at a bound."""

    def value(self, W: Array) -> float:
        """Return the value."""

    def gradient(self, W: Array) -> Array:
        """Return the gradient where there is one, and 0 elsewhere."""

    def curvature(self, W: Array) -> Stiffness:
        """Return the second derivatives where there are some."""

    def prox(self, W: Array, step: Any) -> Array:
        """Return the proximal point."""

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return by how much each coefficient violates the optimality conditions."""

    def support(self, W: Array) -> Array:
        """Return a mask of the coefficients that are neither at a kink nor at a bound."""

    def blocks(self, W: Array) -> Array:
        """Return for each coefficient the number of the block that vanishes with it."""

    def inside(self, W: Array) -> Array:
        """Return W, moved to the bounds."""

    def within(self, start: Array, end: Array) -> tuple[Array, Array]:
        """Return the end of a step, blocks that turn around or leave their bounds put there; and a mask of these."""

    def turns(self, W: Array, direction: Array) -> Array:
        """Return where on a line blocks turn around."""

    def reach(self, W: Array, direction: Array) -> Array:
        """Return how far along a line coefficients stay within their bounds."""


class Point(Protocol):
    """A point of a problem."""

    @property
    def W(self) -> Array: ...
    @property
    def risk_gradient(self) -> tuple[Array, Array]: ...


class Form(Protocol):
    """A positive semidefinite matrix.

    Attributes
    ----------
    diagonal : ndarray
        Its diagonal.
    worth_keeping : bool
        Whether to form it takes longer than to use it.
    """

    @property
    def diagonal(self) -> Array: ...
    @property
    def worth_keeping(self) -> bool: ...

    def __matmul__(self, v: Array) -> Array: ...

    def solve(self, free: Array, bend: Any, v: Array) -> Array:
        """Return the solution of (H + B) x = v in the free entries, B the stiffness of a penalty."""


class Reduced(Protocol):
    """The Hessian of a risk once the intercept is minimised out."""

    @property
    def inner(self) -> Form: ...
    @property
    def across(self) -> Array: ...

    def intercept_step(self, slope: Array, step: Array) -> Array:
        """Return the step of the intercept that goes with one of the coefficients."""


class RiskHessian(Hessian, Protocol):
    """The Hessian of a risk in coefficients and intercept."""

    def without_intercept(self, damping: float, diagonal: bool) -> Reduced:
        """Return it once the intercept is minimised out."""


class Composite(Protocol):
    """A smooth risk plus alpha times a penalty, x being W and the intercept."""

    @property
    def penalty(self) -> Penalty: ...
    @property
    def alpha(self) -> float: ...

    def at(self, x: Array) -> Point:
        """Return the point x."""

    def risk_hess(self, x: Array) -> RiskHessian:
        """Return the Hessian of the risk."""

    def line(self, x: Array, direction: Array, end: Array | None) -> Segment:
        """Return the line from x to ``end``."""


class Separable(Composite, Protocol):
    """Such a problem whose penalty is a sum over features or groups."""

    def error(self, x: Array) -> float:
        """Return the certificate's error."""

    def split(self, x: Array) -> tuple[Array, Array]:
        """Return W and the intercept."""

    def join(self, W: Array, b: Array) -> Array:
        """Return W and the intercept as one vector."""

    def with_columns(self, index: Array, around: Array) -> Any:
        """Return the problem in some features, the others' coefficients held."""

    def adopt(self, small: Any, x: Array, index: Array, around: Array) -> Array:
        """Return a point of a problem in some features as a point of this one."""
