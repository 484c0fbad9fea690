"""What every solver returns, and what its status means, said once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy.optimize import OptimizeResult

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


def outcome(fun: Callable[..., float], x: Any, nit: int, status: int, **more: Any) -> OptimizeResult:
    """Return a solver's result."""
    return OptimizeResult(
        x=x, fun=fun(x), nit=nit, nfev=nit + 1, status=status, success=status == 0, message=MESSAGES[status], **more
    )


def interrupted(
    callback: Callable[[OptimizeResult], Any] | None, fun: Callable[..., float], x: Any, nit: int, **more: Any
) -> bool:
    """Call the callback, if there is one, with x and what else is known; return whether it asked to stop."""
    if callback is None:
        return False
    try:
        callback(OptimizeResult(x=x, fun=fun(x), nit=nit, **more))
    except StopIteration:
        return True
    return False
