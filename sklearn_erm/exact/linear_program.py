"""Piecewise linear losses with weighted lassos on sparse data with more features than samples, as linear programs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import OptimizeResult, linprog

from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.state import State

Array = NDArray[Any]

# If there are fewer features per sample, then few kinks make the augmented Lagrangian faster than a program.
WIDE = 2
# If features are fewer, then programs do not pay.
SMALL = 1000
# If X has more entries, then they do not pay.
ENTRIES = 300_000
# If samples are more, then they do not pay.
LONG = 5000
# A program, whose numbers are about 1, is solved to this.
ACCURACY = 1e-9


def program_pays(problem: Objective) -> bool:
    """Return whether a problem is a linear program that an interior point method for sparse ones solves faster."""
    if not problem.samples.here:
        return False
    design = problem.samples.local().design
    n, p = design.n_samples, design.n_features
    if not (design.scattered and p >= max(SMALL, WIDE * n) and design.entries <= ENTRIES and n <= LONG):
        return False
    if not (problem.loss.has("pieces") and problem.penalty.has("elastic")):
        return False
    lasso, bend = problem.penalty.elastic(p)
    return bool(lasso.any() and not bend.any())


def solve_program(problem: Objective, max_iter: int) -> OptimizeResult | None:
    """Return the solution, its multipliers and the most iterations, by a linear program for every output.

    None if one has failed or would take too many iterations.

    Up to a constant, a sample's loss is sigma_0 t + sum_j (sigma_j - sigma_(j-1)) (t - kappa_j)^+ with the slopes sigma
    and the kinks kappa, t = c eta + d. The positive parts are variables; the multipliers of the rows that bound them
    from below tell those of the loss.
    """
    samples = problem.samples.local()
    kinks, slopes, c, d = problem.loss.pieces(samples.y)
    d = d if samples.offset is None else d + c * samples.offset
    shape = (samples.n_samples, problem.n_outputs)
    found = []
    for c_k, d_k in zip(c.reshape(shape).T, d.reshape(shape).T, strict=True):
        solution = _solve(problem, kinks, slopes, c_k, d_k, max_iter)
        if solution is None:
            return None
        found.append(solution)
    W, b, u, iterations = (np.stack(each, axis=-1) for each in zip(*found, strict=True))
    x = problem.join(W.reshape(-1, *problem.shape), b.reshape(problem.shape))
    return OptimizeResult(x=x, dual=Dual(State(u.reshape(samples.y.shape)), None), nit=int(iterations.max()))


def _solve(
    problem: Objective, kinks: Array, slopes: Array, c: Array, d: Array, max_iter: int
) -> tuple[Array, Array, Array, int] | None:
    """Return coefficients, intercept, multipliers and iterations of one output, by a program of numbers about 1."""
    samples = problem.samples.local()
    design, n, p = samples.design, len(c), samples.n_features
    gain, size = float(np.abs(slopes).max()), float(np.abs(d[:, None] - kinks).max()) or 1.0
    unit = np.sqrt(np.where(design.units > 0, design.units, 1.0))
    share, rises = n * samples.weight, np.diff(slopes) / gain
    X = sparse.diags_array(c) @ sparse.csr_array(design.rows(slice(None)).astype(float)) @ sparse.diags_array(1 / unit)
    A = sparse.hstack([X, -X, sparse.csr_array(c[:, None] if design.intercept else np.zeros((n, 0)))], format="csr")
    cost = slopes[0] / gain * (share @ A)
    cost[: 2 * p] += np.tile(n * problem.alpha / gain * problem.penalty.elastic(p)[0] / unit, 2)
    result = linprog(
        np.concatenate([cost, np.outer(rises, share).ravel()]),
        A_ub=sparse.hstack([sparse.vstack([A] * len(kinks)), -sparse.eye_array(n * len(kinks))], format="csc"),
        b_ub=((kinks[:, None] - d) / size).ravel(),
        bounds=[(0, None)] * (2 * p) + [(None, None)] * (A.shape[1] - 2 * p) + [(0, None)] * (n * len(kinks)),
        method="highs-ipm",
        options={
            "primal_feasibility_tolerance": ACCURACY,
            "dual_feasibility_tolerance": ACCURACY,
            "maxiter": max_iter,
        },
    )
    if not result.success or result.x is None or result.ineqlin.marginals is None:
        return None
    w = (result.x[:p] - result.x[p : 2 * p]) * size / unit
    b = result.x[2 * p : A.shape[1]].sum() * size + design.centre @ w
    pressed = -np.reshape(result.ineqlin.marginals, (len(kinks), n)).sum(axis=0)
    return w, b, c * np.clip(slopes[0] + gain * pressed / share, slopes[0], slopes[-1]), int(result.nit)
