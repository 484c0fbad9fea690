"""What losses, penalties and estimators share: checks of hyper-parameters, links to the documentation."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any

import numpy as np


def optional(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method of a base class as one that a subclass may leave out."""
    method.left_out = True  # type: ignore[attr-defined]
    return method


def needed(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a method of a base class as one that a subclass must write where it is used; until then, say so."""
    base, name = method.__qualname__.split(".")[-2:]
    parameters = ", ".join(list(inspect.signature(method).parameters)[1:])
    purpose = str(inspect.getdoc(method)).split("\n")[0].replace("`", "")

    @wraps(method)
    def absent(self: object, *_args: Any, **_kwargs: Any) -> Any:
        raise TypeError(
            f"{type(self).__name__} has no {name}, which every {base} needs; write {name}({parameters}), to "
            f"{purpose[0].lower()}{purpose[1:]}"
        )

    return absent


def defines(thing: object, name: str) -> bool:
    """Return whether a class has a method that is not the optional one of its base class."""
    return not hasattr(getattr(type(thing), name), "left_out")


def require_in_range(
    owner: object, name: str, value: Any, low: float, high: float, brackets: str, other: str = ""
) -> None:
    """Raise unless ``value`` is a real number between ``low`` and ``high``; ``brackets`` such as "(]" says which ends.

    The owner, whose parameter ``name`` is, is an object or the name of a function. ``other`` is what the parameter may
    be instead of a number, in words.

    Raises
    ------
    TypeError
        If the value is not a real number.
    ValueError
        If it is outside the interval.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, float, np.integer, np.floating)):
        raise TypeError(
            f"{_label(owner, name, value)}: {name} must be a real number{other and ' or ' + other}, "
            f"got {type(value).__name__}."
        )
    above = value > low or (brackets[0] == "[" and value == low)
    below = value < high or (brackets[1] == "]" and value == high)
    if not (above and below):
        interval = f"{brackets[0]}{low:g}, {high:g}{brackets[1]}"
        raise ValueError(f"{_label(owner, name, value)}: {name} must lie in {interval}.")


def require_integer(owner: object, name: str, value: Any, low: int) -> None:
    """Raise unless ``value`` is an integer of at least ``low``.

    Raises
    ------
    TypeError
        If the value is not an integer.
    ValueError
        If it is too small.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{_label(owner, name, value)}: {name} must be an integer, got {type(value).__name__}.")
    if value < low:
        raise ValueError(f"{_label(owner, name, value)}: {name} must be at least {low}.")


def require_boolean(owner: object, name: str, value: Any) -> None:
    """Raise TypeError unless ``value`` is True or False."""
    if not isinstance(value, (bool, np.bool_)):
        raise TypeError(f"{_label(owner, name, value)}: {name} must be True or False, got {type(value).__name__}.")


def _label(owner: object, name: str, value: Any) -> str:
    """Return how a parameter was given: to a class or a function, ``L1(weights=2)`` say."""
    return f"{owner if isinstance(owner, str) else type(owner).__name__}({name}={plain(value)!r})"


def plain(value: Any) -> Any:
    """Return a NumPy scalar as the Python object that prints as users write it, and anything else as it is."""
    return value.item() if isinstance(value, np.generic) else value


def quantity(count: float, what: str) -> str:
    """Return a number and what it counts, in words: "1 iteration", "2 iterations", "2 classes"."""
    return f"{count:g} {what if count == 1 else what + ('es' if what.endswith('s') else 's')}"


def suggest(value: object, names: Iterable[str]) -> str:
    """Return "Did you mean ...? " with the names nearest to a value that is none of them, or "" if none is near."""
    by_lower = {name.lower(): name for name in names}
    near = get_close_matches(str(value).lower(), by_lower, cutoff=0.5)
    return f"Did you mean {' or '.join(repr(by_lower[name]) for name in near)}? " if near else ""


class Documented:
    """A class whose HTML representation links to its page in the documentation; a user's own subclass has none."""

    _doc_link_module = "sklearn_erm"
    _doc_link_template = "https://sklearn-erm.readthedocs.io/en/latest/api/generated/{page}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        package = type(self).__module__.split(".")[1]
        inside = [] if package == "estimators" else [package]
        return {"page": ".".join(["sklearn_erm", *inside, type(self).__name__])}
