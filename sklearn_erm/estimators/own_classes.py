"""A first look at losses and penalties of the user's own: whether their methods answer in the right shapes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.losses import Loss
from sklearn_erm.problem.objective import Objective

Array = NDArray[Any]

OURS = "sklearn_erm"  # the package whose classes its own tests have seen
ROWS = 5  # samples that a loss is tried on
SMALL = 0.1  # coefficients that a penalty is tried on
NEAR, SLIGHT = 1e-4, 1e-8  # relative distance at which, and by how much, a point must not be better than a prox
STEP = (1.0,)  # of a prox
PAIR = "a pair (d, shaped as W; U or None)"
CURVATURE = "a Curvature (of sklearn_erm.penalties; its diagonal shaped as W)"


class Call(NamedTuple):
    """A method, what it takes after the arrays, the shape of its answer, and what that is if not one array."""

    signature: str
    more: tuple[float, ...]
    shape: tuple[int, ...]
    may_be_nan: bool = False
    wanted: str = ""


def require_sound(problem: Objective) -> None:
    """Raise ValueError if a method of an own loss or penalty answers in a wrong shape, or with NaN; TypeError for none.

    A point or two are looked at; ``sklearn_erm.testing`` looks for all that is wrong.
    """
    if _is_own(problem.loss):
        _try_loss(problem)
    for _, term in problem.penalty.unconstrained().terms():
        if _is_own(term):
            for fill in (0.0, SMALL):
                _try_penalty(term, np.full((problem.samples.n_features, *problem.shape), fill))


def admitted(loss: Loss, y: Array) -> Array:
    """Return the mask of the targets that a loss admits.

    Raises
    ------
    ValueError
        If its answer is no mask.
    """
    mask: Array = np.asarray(loss.in_domain(y))
    if mask.shape != y.shape or mask.dtype != bool:
        found = f"shape {mask.shape} and dtype {mask.dtype}"
        raise ValueError(_refusal(loss, "in_domain(y)", "booleans in the shape of y", found, "check_loss"))
    return mask


def _is_own(thing: object) -> bool:
    return type(thing).__module__.split(".")[0] != OURS


def _try_loss(problem: Objective) -> None:
    """Look at shapes at zero scores, then for NaN at the scores of the null model, which takes answers in shape.

    A loss need not be defined at 0, whose mean has to be positive, say; but it has to be where solvers start.
    """
    loss, few = problem.loss, problem.samples.draw(min(ROWS, problem.samples.n_samples))
    y = few.y
    if loss.joint and not problem.shape:
        raise TypeError(
            f"{loss!r} has no n_scores, which every joint loss of real y needs; write n_scores, the "
            "number of columns of eta."
        )
    zeros = np.zeros((len(y), *problem.shape))
    calls = _calls_of_loss(loss, zeros.shape)
    where = f"eta of shape {zeros.shape}"
    _try(loss, "check_loss", where, (y, zeros), [call._replace(may_be_nan=True) for call in calls])
    with np.errstate(all="ignore"):
        null = problem.null
        scores = few.scores(*problem.split(null)).values if np.all(np.isfinite(null)) else None
    if scores is not None:  # else there is no best constant, which is told elsewhere
        _try(loss, "check_loss", where, (y, scores), calls)
        if loss.convex and loss.has("prox"):
            _require_minimum(loss, y, scores)


def _require_minimum(loss: Loss, y: Array, eta: Array) -> None:
    """Raise ValueError if a point beside prox(y, eta, 1) is better: a wrong prox would certify a wrong fit."""
    z = loss.prox(y.copy(), eta.copy(), 1.0)
    aside = NEAR * (1.0 + np.abs(z))
    with np.errstate(all="ignore"):
        here, *beside = (_proximal_cost(loss, y, eta, point) for point in (z, z + aside, z - aside))
        better = np.minimum(*beside) < here - SLIGHT * (1.0 + np.abs(here))
    if np.any(better):
        k = np.flatnonzero(better.reshape(len(y), -1).any(axis=1))[0]
        wanted = "the minimiser of value(y, z) + (z - eta)^2 / (2 step)"
        found = f"{z[k]} for y = {y[k]}, eta = {eta[k]}, step = 1, beside which it is lower"
        raise ValueError(_refusal(loss, "prox(y, eta, step)", wanted, found, "check_loss"))


def _proximal_cost(loss: Loss, y: Array, eta: Array, z: Array) -> Array:
    half = 0.5 * (z - eta) ** 2
    cost: Array = loss.value(y.copy(), z) + (half.sum(axis=1) if loss.joint else half)
    return cost


def _calls_of_loss(loss: Loss, shape: tuple[int, ...]) -> list[Call]:
    per_sample, bends = (shape[:1], (*shape, shape[1])) if loss.joint else (shape, shape)
    return [
        Call("value(y, eta)", (), per_sample),
        Call("gradient(y, eta)", (), shape),
        Call("curvature(y, eta)", (), bends),
        Call("prox(y, eta, step)", STEP, shape, not loss.convex),
        Call("prox_derivative(y, eta, step)", STEP, bends, not loss.convex),
        Call("conjugate(y, u)", (), per_sample, True),
    ]


def _try_penalty(penalty: Any, W: Array) -> None:
    """Look at shapes and for NaN; at a kink the derivatives, and without convexity the prox, may be undefined."""
    calls = [
        Call("value(W)", (), ()),
        Call("gradient(W)", (), W.shape, not penalty.smooth),
        Call("curvature(W)", (), W.shape, not penalty.smooth, CURVATURE),
        Call("prox(W, step)", STEP, W.shape, not penalty.convex),
        Call("prox_derivative(W, step)", STEP, W.shape, not penalty.convex, PAIR),
        Call("conjugate(V)", (), (), True),
    ]
    _try(penalty, "check_penalty", f"W of shape {W.shape}", (W,), calls)


def _try(owner: Any, check: str, where: str, arrays: tuple[Array, ...], calls: list[Call]) -> None:
    """Raise ValueError unless the methods that there are answer as they should."""
    for call in calls:
        name = call.signature.split("(")[0]
        if not owner.has(name):
            continue
        with np.errstate(all="ignore"):
            answer = getattr(owner, name)(*(array.copy() for array in arrays), *call.more)
        wanted, found = _fault(call, answer)
        if found:
            raise ValueError(_refusal(owner, call.signature, f"{wanted} for {where}", found, check))


def _fault(call: Call, answer: Any) -> tuple[str, str]:
    """Return what was wanted and what was found instead, "" if nothing is wrong."""
    part = answer[0] if call.wanted and isinstance(answer, tuple) and answer else answer
    array = np.asarray(part)
    if (part is answer and call.wanted) or array.shape != call.shape or (call.shape and array is not part):
        wanted = call.wanted or (f"an array of shape {call.shape}" if call.shape else "one number")
        return wanted, f"shape {part.shape}" if array is part else f"{type(answer).__name__} {answer!r:.40}"
    if array.dtype.kind not in "biuf" or (np.any(np.isnan(array)) and not call.may_be_nan):
        return "real numbers", f"{array.ravel()[:3].tolist()} where it was tried"
    return "", ""


def _refusal(owner: Any, call: str, wanted: str, found: str, check: str) -> str:
    name = type(owner).__name__
    return f"{name}.{call} must return {wanted}, got {found}. sklearn_erm.testing.{check} looks at every method."
