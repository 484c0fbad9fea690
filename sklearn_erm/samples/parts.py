"""Objects in several blocks that are asked the same: on this machine one after another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, cast


class Parts(Protocol):
    """One object for each block of rows, here or elsewhere.

    Arguments that are parts themselves, or losses smoothed around some, are taken apart: each block gets its own. An
    answer is small; an object is as long as the data and stays where it is.
    """

    def each(self, name: str, *args: Any) -> Parts:
        """Return the objects that a method of each returns."""

    def answers(self, name: str, *args: Any) -> list[Any]:
        """Return what each answers, or the attribute of that name, in the order of the blocks."""

    def sum(self, name: str, *args: Any) -> Any:
        """Return the sum of the answers; of tuples, that of each element."""


class OneEach:
    """Arguments of which each block gets its own."""

    def __init__(self, values: Sequence[Any]):
        self.parts = list(values)


class HereParts:
    """Objects on this machine, or such as ask others themselves."""

    def __init__(self, parts: Sequence[Any]):
        self.parts = list(parts)

    def each(self, name: str, *args: Any) -> HereParts:
        """Return the objects that a method of each returns."""
        return HereParts([getattr(part, name)(*mine) for part, *mine in self._shares(args)])

    def answers(self, name: str, *args: Any) -> list[Any]:
        """Return what each answers."""
        return [asked(part, name, mine) for part, *mine in self._shares(args)]

    def sum(self, name: str, *args: Any) -> Any:
        """Return the sum of the answers."""
        return added(self.answers(name, *args))

    def _shares(self, args: tuple[Any, ...]) -> Any:
        return zip(self.parts, *(self._share(value) for value in args), strict=True)

    def _share(self, value: Any) -> list[Any]:
        if isinstance(value, HereParts | OneEach):
            return value.parts
        multiplier = getattr(value, "multiplier", None)
        if multiplier is None:
            return [value] * len(self.parts)
        return [value.around(mine) for mine in cast(HereParts, multiplier).parts]


def asked(part: Any, name: str, args: Sequence[Any]) -> Any:
    """Return what an object answers, or its attribute."""
    value = getattr(part, name)
    return value(*args) if callable(value) else value


def split_of(count: int) -> int:
    """Return how many of some blocks are added first: the largest power of two below their number."""
    return 1 << (count - 1).bit_length() - 1


def added(values: Sequence[Any]) -> Any:
    """Return the sum of values, by halves: neighbours can be added anywhere, and the bits stay the same."""
    if len(values) == 1:
        return values[0]
    cut = split_of(len(values))
    return plus(added(values[:cut]), added(values[cut:]))


def plus(one: Any, other: Any) -> Any:
    """Return the sum of two answers; of tuples, that of each element."""
    if isinstance(one, tuple):
        return tuple(plus(a, b) for a, b in zip(one, other, strict=True))
    return one + other
