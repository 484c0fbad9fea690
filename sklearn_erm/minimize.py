"""The one place that calls ``scipy.optimize.minimize``: picks a method, runs it, certifies what it returns."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import OptimizeResult

from sklearn_erm.losses import Smoothed
from sklearn_erm.objective import Objective
from sklearn_erm.solvers.augmented_lagrangian import augmented_lagrangian
from sklearn_erm.solvers.newton import newton
from sklearn_erm.solvers.prox_newton import prox_newton
from sklearn_erm.solvers.working_set import working_set

WIDE = 300  # coefficients from which working sets pay


def minimize(
    objective: Objective,
    *,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    x0: Any = None,
    callback: Callable[[OptimizeResult], Any] | None = None,
) -> OptimizeResult:
    """Minimise an objective to a relative duality gap of at most ``tol``.

    Returns
    -------
    result : OptimizeResult
        ``x``, ``fun``, ``nit``, ``success``, ``status``, ``message``, and ``certificate``, computed afresh at ``x``.
    """
    start = objective.null if x0 is None else np.asarray(x0, dtype=float)
    run = _run if objective.loss.smooth else _split_loss
    result = run(objective, start, solver, tol, max_iter, callback)
    objective.forget()
    result.certificate = objective.certificate(result.x, result.get("multiplier"))
    result.success = result.certificate.error <= tol
    return result


def _run(objective, start, solver, tol, max_iter, callback=None):
    """Minimise an objective whose loss is smooth."""

    def stop(x):
        return objective.certificate(x).error <= tol

    if objective.penalty.smooth:
        method = newton
        more = {"line": objective.line, "stop": stop}
    elif objective.penalty.separable and start.size > WIDE:
        method = working_set
        more = {"problem": objective, "restricted": lambda p, x, t, m: _small(p, x, t, m), "tol": tol}
    else:
        return _small(objective, start, tol, max_iter, callback)
    return scipy.optimize.minimize(
        objective.fun,
        start,
        jac=objective.jac,
        method=method,
        hess=objective.hess,
        callback=callback,
        options={"maxiter": max_iter, **more},
    )


def _small(objective, start, tol, max_iter, callback=None):
    return scipy.optimize.minimize(
        objective.fun,
        start,
        jac=objective.jac,
        method=prox_newton,
        callback=callback,
        options={"maxiter": max_iter, "problem": objective, "stop": lambda x: objective.certificate(x).error <= tol},
    )


def _split_loss(objective, start, solver, tol, max_iter, callback):
    risk, slope = objective.reference

    def inner(x, multiplier, step, accuracy, limit):
        smooth = objective.with_loss(Smoothed(objective.loss, multiplier, step))
        result = _run(smooth, x, solver, accuracy, limit)
        import os
        if os.environ.get("DBG"): print(f"   t={step:.2e} acc={accuracy:.1e} nit={result.nit} {result.message} err={objective.certificate(result.x, smooth.at(result.x).dual).error:.2e}")
        return result, smooth.at(result.x).dual

    return scipy.optimize.minimize(
        objective.fun,
        start,
        jac=objective.jac,
        method=augmented_lagrangian,
        callback=callback,
        options={
            "inner": inner,
            "error": lambda x, u: objective.certificate(x, u).error,
            "multiplier": objective.at(start).dual,
            "step": abs(risk) / slope**2 or 1.0,
            "tol": tol,
            "maxiter": max_iter,
        },
    )
