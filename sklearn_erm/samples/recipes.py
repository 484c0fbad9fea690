"""Recipes: how objects elsewhere are made, and questions about them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np


class Ref(NamedTuple):
    """The number of a recipe, in a message."""

    number: int


class Around(NamedTuple):
    """A loss smoothed around a state, in a message or a recipe."""

    loss: Any
    state: Any


class Recipe:
    """How an object is made: by a method of another object, whose arguments are small or recipes themselves."""

    __slots__ = ("args", "name", "number", "owner")

    def __init__(self, number: int, owner: Recipe | None, name: str, args: tuple[Any, ...]):
        self.number, self.owner, self.name, self.args = number, owner, name, args

    def needs(self) -> Iterator[Recipe]:
        """Return the recipes that this one needs."""
        if self.owner is not None:
            yield self.owner
        yield from needs_of(self.args)


def needs_of(args: tuple[Any, ...]) -> Iterator[Recipe]:
    """Return the recipes among arguments."""
    for value in args:
        state = value.state if isinstance(value, Around) else value
        if isinstance(state, Recipe):
            yield state


class Question(NamedTuple):
    """What is asked of an object, and whether the sum of the answers is wanted or each of them."""

    owner: Recipe
    name: str
    args: tuple[Any, ...]
    summed: bool

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells it from others."""
        return self.owner.number, self.name, keys_of(self.args), self.summed


def keys_of(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return what tells arguments from others: numbers by their values, everything else by what it is."""
    return tuple(key_of(value) for value in args)


def key_of(value: Any) -> Any:
    """Return what tells an argument from others."""
    if isinstance(value, Recipe):
        return "recipe", value.number
    if isinstance(value, Around):
        return "around", id(value.loss.loss), value.state.number, value.loss.step
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    return value if isinstance(value, (str, float, int, bool, np.generic, type(None))) else id(value)


def sent(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return arguments with numbers in place of recipes."""
    return tuple(_sent(value) for value in args)


def _sent(value: Any) -> Any:
    if isinstance(value, Recipe):
        return Ref(value.number)
    return Around(value.loss.around(None), Ref(value.state.number)) if isinstance(value, Around) else value
