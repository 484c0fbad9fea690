"""The rows of one block where they are: makes objects by recipes, keeps them, and answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from numpy.typing import NDArray

from sklearn_erm.samples.design import Design
from sklearn_erm.samples.far import Message
from sklearn_erm.samples.local import LocalSamples, Rows
from sklearn_erm.samples.location import Located
from sklearn_erm.samples.parts import OneEach, asked, plus, split_of
from sklearn_erm.samples.recipes import Around, Ref
from sklearn_erm.samples.state import State

Array = NDArray[Any]


class Raw:
    """Rows as they come, with weights of any sum."""

    def __init__(self, rows: Rows):
        self.rows = rows

    def told(self, ask: Callable[[Rows], Any]) -> Any:
        """Return what a function says of the rows."""
        return ask(self.rows)

    def changed(self, change: Callable[[Rows], Rows]) -> Raw:
        """Return the rows that a function makes of these."""
        return Raw(change(self.rows))

    def design(self, mass: float) -> Design:
        """Return X with weights that sum to one over all blocks, not centred."""
        return Design(self.rows.X, self.rows.weight / mass, False)

    def samples(self, mass: float, intercept: bool, located: Located | None, n_outputs: int | None) -> LocalSamples:
        """Return samples, centred where all rows are."""
        X, y, weight, offset = self.rows
        return LocalSamples(Design(X, weight / mass, intercept, located), y, offset, n_outputs)


class Block:
    """The objects of one block, by the numbers of their recipes.

    ``load`` returns the rows. States are kept from round to round. What holds X is kept too if ``keep`` says so; else
    it is made afresh in every round, of rows that are loaded for it.
    """

    def __init__(self, number: int, load: Any, keep: bool):
        self.number, self.load, self._keep = number, load, keep
        self._clear()

    def _clear(self) -> None:
        self._recipes: dict[int, tuple[int | None, str, tuple[Any, ...]]] = {}
        self._objects: dict[int, Any] = {}
        self._round: int | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {"number": self.number, "load": self.load, "_keep": self._keep}  # a copy elsewhere begins anew

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._clear()

    def answers(self, message: Message) -> list[Any] | None:
        """Return the answers to the questions of a message; None if an earlier one has not arrived here."""
        behind = message.round > 1 and self._round not in (message.round - 1, message.round)
        if behind and not message.whole:
            return None
        self._recipes.update({number: (owner, name, args) for number, owner, name, args in message.recipes})
        here: dict[int, Any] = {}
        for number in message.wanted:
            self._object(number, here)
        found = []
        for owner, name, args, _ in message.questions:
            found.append(asked(self._object(owner, here), name, self._args(args, here)))
        self._objects = {number: self._objects[number] for number in message.live if number in self._objects}
        self._round = message.round
        return found

    def _object(self, number: int, here: dict[int, Any]) -> Any:
        """Return an object, from memory or by its recipe."""
        if number in self._objects:
            return self._objects[number]
        if number not in here:
            owner, name, args = self._recipes[number]
            if owner is None:
                here[number] = Raw(self.load())
            else:
                here[number] = getattr(self._object(owner, here), name)(*self._args(args, here))
            if self._keep or isinstance(here[number], State):
                self._objects[number] = here[number]
        return here[number]

    def _args(self, args: Sequence[Any], here: dict[int, Any]) -> list[Any]:
        return [self._arg(value, here) for value in args]

    def _arg(self, value: Any, here: dict[int, Any]) -> Any:
        if isinstance(value, Around):
            return value.loss.around(self._object(value.state.number, here))
        if isinstance(value, OneEach):
            return value.parts[self.number]
        return self._object(value.number, here) if isinstance(value, Ref) else value


def together(blocks: Sequence[Block], count: int, message: Message) -> list[dict[Any, Any]] | None:
    """Return for each question the answers of some of ``count`` blocks, by block; sums of neighbours where possible."""
    found = {block.number: block.answers(message) for block in blocks}
    if any(answers is None for answers in found.values()):
        return None
    replies: list[dict[Any, Any]] = []
    for k, (*_, summed) in enumerate(message.questions):
        own = {number: answers[k] for number, answers in found.items() if answers is not None}
        replies.append(_sums(own, 0, count) if summed else own)
    return replies


def _sums(own: dict[int, Any], first: int, count: int) -> dict[Any, Any]:
    """Return sums over runs of blocks, each as long as can be, that halving all blocks leads to."""
    if not any(first <= number < first + count for number in own):
        return {}
    if count == 1:
        return {(first, 1): own[first]}
    cut = split_of(count)
    left, right = _sums(own, first, cut), _sums(own, first + cut, count - cut)
    if (first, cut) in left and (first + cut, count - cut) in right:
        return {(first, count): plus(left[first, cut], right[first + cut, count - cut])}
    return {**left, **right}
