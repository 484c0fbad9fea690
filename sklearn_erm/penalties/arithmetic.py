"""Sums of penalties, and multiples by a number, in Python's own notation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from sklearn_erm.penalties.base import Penalty


class Arithmetic:
    """What makes ``0.5 * L1() + L2()`` a penalty."""

    __array_ufunc__: ClassVar[None] = None  # numpy numbers leave the multiplication to the penalty

    def __add__(self: Any, other: Penalty) -> Penalty:
        from sklearn_erm.penalties.algebra import add

        return add(self, other) if hasattr(other, "terms") else NotImplemented

    def __radd__(self: Any, other: int) -> Penalty:
        """Return the penalty itself for 0, with which ``sum`` begins."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __mul__(self: Any, factor: float) -> Penalty:
        from sklearn_erm.penalties.algebra import multiply

        return multiply(self, factor)

    __rmul__ = __mul__

    def __truediv__(self: Any, divisor: float) -> Penalty:
        from sklearn_erm.penalties.algebra import divide

        return divide(self, divisor)

    def terms(self: Any) -> list[tuple[float, Penalty]]:
        """Return the factors and penalties that Omega was added up from."""
        return [(1.0, self)]
