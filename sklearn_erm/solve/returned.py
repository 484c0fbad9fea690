"""What a fit returns: the best point met, feasible ones first, and how far that is from optimal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.unbounded import recedes
from sklearn_erm.problem.certificate import Certificate
from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import inside
from sklearn_erm.solve.choose import missing_curvature
from sklearn_erm.solvers.loop import CONVERGED, INTERRUPTED, LIMIT, MESSAGES, STALLED, STOPPED, STUCK, UNBOUNDED

Array = NDArray[Any]

EPS = float(np.finfo(float).eps)
FAR_OFFSET = (
    "offset is far from 0, and rounding leaves the scores too few digits; subtract a constant from it, which the "
    "intercept takes up, or raise tol"
)


def better_start(objective: Objective, x: Array) -> Array:
    """Return x, moved to where it is feasible, or the null model where that is better."""
    x = feasible(objective, x)
    return x if objective.fun(x) < objective.null_value else objective.null


def feasible(objective: Objective, x: Array) -> Array:
    """Return x, or a point near it that satisfies the constraints, where x does not."""
    W, b = objective.split(x)
    there = objective.penalty.into_domain(W)
    return x if there is W or np.array_equal(there, W) else objective.join(there, b)


def certified(objective: Objective, result: OptimizeResult, tol: float) -> OptimizeResult:
    """Return the best point met with its certificate, which decides on success."""
    converged = _certify_best(objective, result, tol)
    if result.status != INTERRUPTED and converged != (result.status == CONVERGED):
        result.status = CONVERGED if converged else STALLED
    if result.status != INTERRUPTED and recedes(objective, result.x):
        result.status = UNBOUNDED
    result.message = message(objective, result.status, tol)
    result.success = converged and result.status == CONVERGED
    return result


def _certify_best(objective: Objective, result: OptimizeResult, tol: float) -> bool:
    """Add the certificate to a result, and return whether it holds.

    Where it does not, a point that violates the constraints is moved to where they hold, and the null model, moved
    likewise, is returned if it is better.
    """
    dual = result.get("dual") or Dual(None, None)
    result.x = inside(objective, result.x)
    result.certificate = objective.certificate(result.x, *dual)
    if not _holds(result.certificate, tol):
        points = [feasible(objective, x) for x in (result.x, objective.null) if np.all(np.isfinite(x))]
        best = min(points, key=objective.fun)
        if best is not result.x:
            duals = [Dual(None, None), dual]
            found = [objective.certificate(best, *each) for each in duals]
            k = int(np.argmin([certificate.error for certificate in found]))
            result.update(x=best, dual=duals[k], certificate=found[k])
    result.fun = result.certificate.objective
    return _holds(result.certificate, tol)


def _holds(certificate: Certificate, tol: float) -> bool:
    return bool(certificate.error <= tol and np.isfinite(certificate.objective))


def message(objective: Objective, status: int, tol: float) -> str:
    """Return what a status means for a problem, and why it has no duality gap if it has none."""
    text = MESSAGES[status]
    if status in (STALLED, STUCK, STOPPED) and not objective.has_curvature:
        cure = f"{missing_curvature(objective)}; check_loss and check_penalty of sklearn_erm.testing look for mistakes"
        text = f"methods without second derivatives come no further; {cure}"
    elif status in (LIMIT, STALLED, STUCK, STOPPED) and _offset_noise(objective) > tol:
        text = FAR_OFFSET
    if objective.no_gap and status != UNBOUNDED:
        text = f"{text}. duality_gap_ is nan, because {objective.no_gap}; optimality_ decides"
    return text


def _offset_noise(objective: Objective) -> float:
    """Return by how much rounding of the offset may change the risk, relative to that of the null model."""
    risk, slope = objective.reference
    far = objective.samples.largest_offset
    return EPS * far * slope / abs(risk) if far else 0.0
