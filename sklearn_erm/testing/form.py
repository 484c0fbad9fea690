"""What laws of form share: shapes and types, parameters, and what a call leaves behind."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np

from sklearn_erm.testing.laws import Finding


def misformed(answer: Any, shape: tuple[int, ...], label: str) -> str:
    """Return in words what is wrong with the shape or the type of an answer, "" if nothing is."""
    array = np.asarray(answer)
    if array.shape != shape:
        return f"{label} has shape {array.shape}, expected {shape}"
    if array.dtype != np.float64:
        return f"{label} has dtype {array.dtype}, expected float64"
    return ""


def written_on(method: Callable[..., Any], *args: Any) -> str:
    """Return in words how a call changes its arguments, "" if it does not."""
    copies = [arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args]
    with np.errstate(all="ignore"):
        method(*copies)
    for position, (before, after) in enumerate(zip(args, copies, strict=True), start=1):
        if isinstance(before, np.ndarray) and not np.array_equal(before, after, equal_nan=True):
            return f"changes its argument number {position}"
    return ""


def asked_twice(thing: Any, call: Callable[[], Any]) -> str:
    """Return in words how a second answer, or a parameter after it, differs from the first; "" if not."""
    before = {name: deepcopy(value) for name, value in thing.get_params(deep=False).items()}
    first, second = call(), call()
    if not all(np.array_equal(a, b, equal_nan=True) for a, b in zip(_parts(first), _parts(second), strict=True)):
        return "says something else when asked again"
    after = thing.get_params(deep=False)
    changed = sorted(name for name in before if not _same(before[name], after[name]))
    return f"changes the parameter {changed[0]}" if changed else ""


def rebuilt(thing: Any) -> Finding | None:
    """Look for a parameter that the constructor loses or changes."""
    cls = type(thing)
    params = {name: deepcopy(value) for name, value in thing.get_params(deep=False).items()}
    copy = cls(**params)
    for name, value in copy.get_params(deep=False).items():
        if value is not params[name]:
            return Finding(
                f"{cls.__name__}({name}=...)",
                f"__init__ got {params[name]!r} and stored {value!r}",
                f"write self.{name} = {name} in __init__, nothing more; convert and check in validate or bind",
            )
        if not _same(value, getattr(thing, name)):
            return Finding(f"{cls.__name__}({name}=...)", f"{name} does not survive", f"__init__ and {name}")
    return None


def _parts(answer: Any) -> list[Any]:
    parts = answer if isinstance(answer, tuple) else (answer,)
    return [np.asarray(part.toarray() if hasattr(part, "toarray") else part) for part in parts if part is not None]


def _same(a: Any, b: Any) -> bool:
    try:
        return bool(a is b or np.array_equal(a, b, equal_nan=True))
    except TypeError:  # not numbers
        return repr(a) == repr(b)
