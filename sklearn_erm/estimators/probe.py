"""A first look at losses and penalties of the user's own, whether their methods answer in the right shapes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.objective import Objective

Array = NDArray[Any]

ROWS = 5  # samples that a loss is tried on
SMALL = 0.1  # coefficients that a penalty is tried on
OURS = "sklearn_erm"  # the package whose classes its own tests have seen


def require_sound(problem: Objective) -> None:
    """Raise ValueError if a method of an own loss or penalty answers in a wrong shape, or with NaN.

    Only what is called on every way to a solution is tried; ``sklearn_erm.testing`` looks at all methods and laws.
    """
    if _is_own(problem.loss):
        _try_loss(problem)
    for _, term in problem.penalty.unconstrained().terms():
        if _is_own(term):
            for fill in (0.0, SMALL):
                _try_penalty(term, np.full((problem.design.n_features, *problem.shape), fill))


def _is_own(thing: object) -> bool:
    return type(thing).__module__.split(".")[0] != OURS


def _try_loss(problem: Objective) -> None:
    loss, y = problem.loss, problem.y[:ROWS]
    eta = np.zeros((len(y), *problem.shape))
    per_sample = eta.shape[:1] if loss.joint else eta.shape
    for method, shape in (("value", per_sample), ("gradient", eta.shape)):
        _require(loss, "check_loss", f"{method}(y, eta)", getattr(loss, method), (y, eta), shape)


def _try_penalty(penalty: Any, W: Array) -> None:
    check = "check_penalty"
    _require(penalty, check, "value(W)", penalty.value, (W,), ())
    if penalty.has("prox"):
        _require(penalty, check, "prox(W, step)", penalty.prox, (W, 1.0), W.shape)
    if penalty.smooth and penalty.has("gradient"):
        _require(penalty, check, "gradient(W)", penalty.gradient, (W,), W.shape)


def _require(
    owner: Any, check: str, call: str, method: Callable[..., Any], args: tuple[Any, ...], shape: tuple[int, ...]
) -> None:
    with np.errstate(all="ignore"):
        answer = np.asarray(method(*args))
    given = ", ".join(f"of shape {arg.shape}" for arg in args if isinstance(arg, np.ndarray))
    hint = f"sklearn_erm.testing.{check} says more."
    if answer.shape != shape:
        wanted = f"shape {shape}" if shape else "one number"
        raise ValueError(
            f"{type(owner).__name__}.{call} must return {wanted} for arrays {given}, got shape {answer.shape}. {hint}"
        )
    if answer.dtype.kind not in "biuf" or np.any(np.isnan(answer)):
        found = answer.ravel()[:3]
        raise ValueError(f"{type(owner).__name__}.{call} must return real numbers, got {found}, arrays {given}. {hint}")
