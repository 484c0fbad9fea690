"""What the solutions of independent problems come to together: certificate, multipliers, how far they stopped short."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.problem.certificate import FLOOR, Certificate
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solvers.loop import UNBOUNDED

Array = NDArray[Any]
Problems = list[Objective]
Results = list[OptimizeResult]


def stopped_short(results: Results) -> float:
    """Return the largest error of the fits that missed their tolerance, 0 if none did, inf if one has no minimiser."""
    errors = [np.inf if result.status == UNBOUNDED else float(result.certificate.error) for result in results]
    return max((error for error, result in zip(errors, results, strict=True) if not result.success), default=0.0)


def told(errors: Sequence[float], what: str, tol: float) -> str:
    """Return by how much some fits stopped short, and what to do; "" if none did."""
    failed = [error for error in errors if error > 0]
    if not failed:
        return ""
    finite = [error for error in failed if np.isfinite(error)]
    worst = f", the worst at {max(finite):.2g}; raise max_iter or the least alpha" if finite else ""
    endless = len(failed) - len(finite)
    none = f"; {endless} may have no minimiser (separable classes, say): leave out alpha=0" if endless else ""
    return f"{len(failed)} of {len(errors)} {what} stopped short of tol={tol:g}{worst}{none}"


def combined(problems: Problems, results: Results) -> Certificate:
    """Return the certificate of independent problems as one: objectives, risks and absolute gaps add up."""
    each = [result.certificate for result in results]
    if len(each) == 1:
        return each[0]
    objectives = np.array([certificate.objective for certificate in each])
    nulls = np.array([problem.reference[0] for problem in problems])
    scales = np.maximum(np.abs(objectives), FLOOR * np.abs(nulls))
    gap = scales @ [certificate.gap for certificate in each]
    scale = max(abs(objectives.sum()), FLOOR * abs(nulls.sum())) or 1.0
    return Certificate(
        objective=float(objectives.sum()),
        risk=sum(certificate.risk for certificate in each),
        gap=float(gap / scale),
        optimality=max(certificate.optimality for certificate in each),
    )


def multipliers(problem: Objective, result: OptimizeResult) -> list[Array]:
    """Return the multipliers of every constraint, (k, m), in the units of the user's rows; nan where unknown."""
    penalty: Any = problem.penalty
    dual = result.get("dual")
    if penalty.blockwise:  # bounds alone: their multipliers are what the gradient leaves
        point = problem.at(result.x)
        loss = None if dual is None else dual.loss
        gradient = (point.risk_gradient if loss is None else problem.samples.pull_back(loss))[0]
        return [penalty.multipliers(point.W, gradient, problem.alpha).reshape(len(point.W), -1).T]
    units = [np.broadcast_to(part.penalty.unit, part.penalty.low.shape) for part in penalty.constraints]
    pairs = dual.pairs
    if pairs is None:
        return [np.full((problem.n_outputs, len(unit)), np.nan) for unit in units]
    values = penalty.multipliers([pair.subgradient for pair in pairs])
    return [problem.alpha * v.reshape(len(unit), -1).T / unit for v, unit in zip(values, units, strict=True)]
