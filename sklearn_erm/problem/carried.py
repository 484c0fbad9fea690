"""What problems share, and what is carried along from one to the next."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from numpy.typing import NDArray

from sklearn_erm.samples.sketch import Sketch

if TYPE_CHECKING:
    from sklearn_erm.problem.newton_system import Hessian
    from sklearn_erm.problem.point import Point

Array = NDArray[Any]


class Known(NamedTuple):
    """What problems with the same null model share; None is not known."""

    null: Array | None = None
    reference: tuple[float, float] | None = None
    gradient_scale: Array | None = None
    null_risk: float | None = None
    blurred: Array | None = None


class Carried:
    """What is carried along while a problem is solved, and by a path from one problem to the next.

    Parameters
    ----------
    along : bool
        Whether other problems follow, for which a Hessian that was dear to form is kept.

    Attributes
    ----------
    point : Point or None
        The last point, with its scores.
    sketch : Sketch or None
        The last one of a Hessian.
    hessian : Hessian or None
        That of the last problem, if it was dear to form.
    asked : object
        The problem of which a Hessian was asked last.
    """

    def __init__(self, along: bool = False):
        self.along = along
        self.point: Point | None = None
        self.sketch: Sketch | None = None
        self.hessian: Hessian | None = None
        self.asked: Any = None


NOTHING = Known()
