"""Which method solves a problem: what "auto" picks, what the others need, and what to say where it is missing."""

from __future__ import annotations

from contextlib import suppress
from inspect import signature
from typing import Any

import numpy as np

from sklearn_erm.checks import suggest
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.split import splits_penalty
from sklearn_erm.solvers.scipy_method import OPTIONS, USES_HESS, USES_HESSP, is_method, name_of

SOLVERS = ("auto", "newton", "prox-newton", "working-set", *OPTIONS)
GIVEN = ("args", "jac", "hess", "hessp", "bounds", "constraints", "callback", "maxiter", "stop")  # to a callable
SECOND_ORDER = {"newton", "prox-newton", "working-set", *USES_HESS, *USES_HESSP}

# If there are at most so many coefficients, then working sets do not pay, because the Hessian of all is small.
FEW = 60
# If a Hessian is costly and fewer than one coefficient in so many is not zero at the start, then working sets pay.
THIN = 3
# If there are more coefficients than this, then working sets are used, because most are zero at a solution.
WIDE = 300
# If a penalty is not separable and coefficients are more, then no dense Hessian is formed, as it takes over 200 MB.
DENSE = 5000
# If the Gram matrix takes more multiplications than this, then the Hessian is costly.
COSTLY = 2e6


def check_problem(objective: Objective) -> None:
    """Raise ValueError if a loss or a penalty lacks a method that no solver can do without."""
    loss, penalty = objective.loss, objective.penalty
    if not loss.smooth and not loss.has("prox"):
        raise ValueError(
            f"loss={loss!r} has kinks (smooth=False) but no prox, without which no solver finds its minimum: write "
            "prox(y, eta, step), and prox_derivative(y, eta, step) for speed; or set smooth=True if there are no kinks."
        )
    for part in penalty.parts() if penalty.convex else []:
        needed = "gradient" if part.penalty.smooth else "prox"
        if not part.penalty.has(needed):
            raise ValueError(
                f"penalty={part.penalty!r} says smooth={part.penalty.smooth} but has no {needed}, without which no "
                f"solver finds a minimum: write {needed}."
            )
    if penalty.blockwise and not penalty.has("gradient"):
        raise ValueError(
            f"penalty={penalty!r} says blockwise=True but has no gradient: write gradient(W), to return the gradient "
            "of Omega where it has one and 0 elsewhere; or set blockwise=False."
        )
    if not penalty.convex and not penalty.has("majorise"):
        raise ValueError(f"penalty={penalty!r} says convex=False but has no majorise(W): write it.")


def smooth_only(solver: Any) -> bool:
    """Return whether a solver minimises smooth functions alone."""
    return is_method(solver) or (isinstance(solver, str) and solver == "newton")


def check_solver(solver: Any, objective: Objective) -> None:
    """Raise TypeError or ValueError unless the solver exists and can solve this problem."""
    if callable(solver):
        _check_signature(solver)
    elif not isinstance(solver, str):
        raise TypeError(f"solver={solver!r}: a solver is a name or a callable, not {type(solver).__name__}.")
    elif solver not in SOLVERS:
        hint = suggest(solver, SOLVERS)
        raise ValueError(
            f"Unknown solver={solver!r}. {hint}Known solvers: {', '.join(map(repr, SOLVERS))}, or a callable."
        )
    if not objective.penalty.convex:
        objective = objective.with_penalty(objective.penalty.majorise(objective.split(objective.null)[0]))
    if smooth_only(solver):
        objective = objective.with_penalty(objective.penalty.bounds_apart())
    penalty = objective.penalty
    if not callable(solver) and solver in SECOND_ORDER and not objective.has_curvature:
        cure = f"{missing_curvature(objective)}; or use solver='auto'"
        raise ValueError(f"solver={solver!r} needs second derivatives: {cure}.")
    if smooth_only(solver) and not penalty.smooth and not splits_penalty(objective):
        raise ValueError(
            f"solver={name_of(solver)} needs a penalty with a gradient everywhere, which {_name(penalty)} lacks; "
            "use solver='auto', or penalty='l2'."
        )
    if solver == "prox-newton" and splits(penalty):
        raise ValueError(
            "solver='prox-newton' needs a penalty whose kinks are where whole groups of coefficients vanish, which "
            f"{_name(penalty)} is not; use solver='auto'."
        )
    if solver == "working-set" and not penalty.separable:
        raise ValueError(
            "solver='working-set' needs a penalty that is a sum over features or groups, which "
            f"{_name(penalty)} is not; use solver='auto'."
        )


def missing_curvature(objective: Objective) -> str:
    """Return which method of loss or penalty to write, so that Newton's method applies."""
    loss, penalty = objective.loss, objective.penalty
    method = "prox_derivative" if objective.has_kinks else "curvature"
    if not loss.has(method):
        return f"write {method} for loss={loss!r}"
    return f"write {'curvature' if penalty.smooth else 'prox_derivative'} for penalty={penalty!r}"


def _check_signature(solver: Any) -> None:
    """Raise TypeError unless a callable takes what ``scipy.optimize.minimize`` gives a custom method."""
    with suppress(ValueError):  # a builtin may have no signature
        try:
            signature(solver).bind(None, None, **dict.fromkeys(GIVEN))
        except TypeError as error:
            raise TypeError(
                f"solver={name_of(solver)} must take fun and x0, and by name {', '.join(GIVEN)}: {error}. It may take "
                "what it has no use for by **unused."
            ) from None


def _name(thing: object) -> str:
    return type(thing).__name__


def method_for(objective: Objective, start: Any) -> str:
    """Return the solver that "auto" picks for a loss without kinks.

    ====================================================  ==================
    penalty                                               solver
    ====================================================  ==================
    smooth, and the loss has second derivatives           ``"newton"``
    smooth, and it has not                                ``"L-BFGS-B"``
    kinked, separable, few coefficients                   ``"prox-newton"``
    kinked, separable, many, or few are used at the start ``"working-set"``
    kinked, not separable, a Hessian fits into memory     ``"prox-newton"``
    kinked, not separable, no Hessian does                ``"newton"``
    ====================================================  ==================
    """
    penalty = objective.penalty
    if penalty.smooth:
        return "newton" if objective.has_curvature else "L-BFGS-B"
    if penalty.separable:
        return "working-set" if many_coefficients(start) or _few_are_used(objective, start) else "prox-newton"
    return "prox-newton" if start.size <= DENSE else "newton"


def many_coefficients(start: Any) -> bool:
    """Return whether there are so many coefficients that working sets of them pay."""
    return bool(start.size > WIDE)


def has_costly_hessian(objective: Objective) -> bool:
    """Return whether the Hessian of a problem takes so long to form that it is worth keeping."""
    return bool(objective.samples.gram_cost > COSTLY)


def _few_are_used(objective: Objective, start: Any) -> bool:
    """Return whether the start, that of a neighbour, has few coefficients beside those of a costly Hessian."""
    return has_costly_hessian(objective) and start.size > FEW and 0 < THIN * np.count_nonzero(start) < start.size
