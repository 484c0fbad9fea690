"""What is asked of a method, and what a method is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.problem.objective import Objective
from sklearn_erm.solvers.loop import Callback

Array = NDArray[Any]


class Plan(NamedTuple):
    """What ``scipy.optimize.minimize`` is given beside the objective: a method and its options."""

    method: Callable[..., OptimizeResult]
    options: dict[str, Any]


@dataclass(frozen=True)
class Request:
    """A problem, where to start, and how accurately to solve it.

    Attributes
    ----------
    objective : Objective
        What to minimise.
    start : ndarray
        Where to start.
    solver : str or callable
        As the user gave it, or what an inner problem needs.
    tol : float
        The certificate asked for.
    max_iter : int
        Iterations at most.
    callback : callable or None
        As in ``scipy.optimize.minimize``.
    neighbour : OptimizeResult or None
        What is known at the start beside the point: multipliers ``dual`` and ``steps``.
    run : callable
        Request -> result, by which a method solves its inner problems.
    """

    objective: Objective
    start: Array
    solver: Any
    tol: float
    max_iter: int
    callback: Callback
    neighbour: OptimizeResult | None
    run: Callable[[Request], OptimizeResult] = field(repr=False)

    def solve(
        self, objective: Objective, start: Array, tol: float, max_iter: int, solver: Any = None
    ) -> OptimizeResult:
        """Return the solution of an inner problem, by the same solver if no other is named."""
        solver = self.solver if solver is None else solver
        return self.run(Request(objective, start, solver, tol, max_iter, None, None, self.run))

    def but(self, **changes: Any) -> Request:
        """Return the same request with changes."""
        return replace(self, **changes)
