"""Which method solves a problem: what "auto" picks, what the others need, and what to say where it is missing."""

from __future__ import annotations

from contextlib import suppress
from inspect import signature
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.checks import suggest
from sklearn_erm.exact.proximal_points import has_dual_newton
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.objective import Objective
from sklearn_erm.solve.request import Request
from sklearn_erm.solvers.scipy_method import OPTIONS, USES_HESS, USES_HESSP, is_method, name_of

Array = NDArray[Any]

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


def method_for(request: Request) -> Any:
    """Return the method for a problem: what "auto" picks, or the solver asked for where it is one for the problem.

    The first row that applies:

    ===================================================================  ==========================
    problem                                                              method
    ===================================================================  ==========================
    penalty not convex                                                   ``"majorants"``
    one penalty with kinks off zero or with bounds, few samples          ``"proximal-points"``
    loss with kinks                                                      ``"augmented-lagrangian"``
    separable penalty with kinks off zero, many coefficients             ``"working-set"``
    penalty with kinks off zero, a sum with one, linear constraints      ``"augmented-lagrangian"``
    smooth penalty, and the loss has no second derivatives               ``"L-BFGS-B"``
    smooth penalty                                                       ``"newton"``
    separable penalty with kinks at zero, many coefficients or few used   ``"working-set"``
    penalty with one kink for all coefficients, more than fit a Hessian  ``"newton"``
    penalty with kinks at zero                                           ``"prox-newton"``
    ===================================================================  ==========================
    """
    objective, solver = request.objective, request.solver
    if not objective.penalty.convex:
        return "majorants"
    if solver == "auto" and has_dual_newton(objective):
        return "proximal-points"
    if needs_splitting(objective) and not _splits_in_working_sets(request):
        return "augmented-lagrangian"
    return _smooth_method(objective, request.start) if solver == "auto" else solver


def _smooth_method(objective: Objective, start: Array) -> str:
    """Return the method that "auto" picks where nothing is to be split."""
    penalty = objective.penalty
    if penalty.smooth:
        return "newton" if objective.has_curvature else "L-BFGS-B"
    if penalty.separable:
        return "working-set" if many_coefficients(start) or _few_are_used(objective, start) else "prox-newton"
    return "prox-newton" if start.size <= DENSE else "newton"


def _splits_in_working_sets(request: Request) -> bool:
    """Return whether a penalty that must be split is so for working sets of features, each a problem of its own."""
    objective, solver = request.objective, request.solver
    sparse = objective.penalty.separable and not objective.penalty.smooth and objective.has_curvature
    working = solver == "working-set" or (solver == "auto" and many_coefficients(request.start))
    return bool(sparse and working and not objective.has_kinks)


def many_coefficients(start: Array) -> bool:
    """Return whether there are so many coefficients that working sets of them pay."""
    return bool(start.size > WIDE)


def has_costly_hessian(objective: Objective) -> bool:
    """Return whether the Hessian of a problem takes so long to form that it is worth keeping."""
    return bool(objective.samples.gram_cost > COSTLY)


def _few_are_used(objective: Objective, start: Array) -> bool:
    """Return whether the start, that of a neighbour, has few coefficients beside those of a costly Hessian."""
    used = int(np.count_nonzero(start))
    return has_costly_hessian(objective) and start.size > FEW and 0 < THIN * used < start.size


def needs_splitting(objective: Objective) -> bool:
    """Return whether loss or penalty have kinks that no other method takes care of."""
    return objective.has_kinks or splits_penalty(objective)


def splits_penalty(objective: Objective) -> bool:
    """Return whether the penalty must be split, because of its own kinks or for want of a Hessian of the risk."""
    return splits(objective.penalty) or not (objective.penalty.smooth or objective.has_curvature)
