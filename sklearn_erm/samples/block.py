"""The rows of one block where they are: makes objects by recipes, keeps them, and answers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
        asked_about = [number for owner, _, args, _ in message.questions for number in (owner, *_numbers(args))]
        here = dict(self._objects)
        self._make([*message.wanted, *asked_about], here, {*message.live, *asked_about})
        found = [asked(here[owner], name, self._args(args, here)) for owner, name, args, _ in message.questions]
        kept = ((number, here[number]) for number in message.live if number in here)
        self._objects = {number: each for number, each in kept if self._keep or isinstance(each, State)}
        self._round = message.round
        return found

    def _make(self, numbers: Sequence[int], here: dict[int, Any], kept: set[int]) -> None:
        """Make objects by their recipes, each after those it needs, which are given up when nothing needs them."""
        missing, waiting = set(), list(numbers)
        while waiting:
            number = waiting.pop()
            if number not in here and number not in missing:
                missing.add(number)
                waiting.extend(self._needs(number))
        uses = Counter(need for number in missing for need in self._needs(number))
        for number in sorted(missing):
            owner, name, args = self._recipes[number]
            if owner is None:
                here[number] = Raw(self.load())
            else:
                here[number] = getattr(here[owner], name)(*self._args(args, here))
            for need in self._needs(number):
                uses[need] -= 1
                if not uses[need] and need not in kept:
                    del here[need]

    def _needs(self, number: int) -> list[int]:
        owner, _, args = self._recipes[number]
        return [*([] if owner is None else [owner]), *_numbers(args)]

    def _args(self, args: Sequence[Any], here: dict[int, Any]) -> list[Any]:
        return [self._arg(value, here) for value in args]

    def _arg(self, value: Any, here: dict[int, Any]) -> Any:
        if isinstance(value, Around):
            return value.loss.around(here[value.state.number])
        if isinstance(value, OneEach):
            return value.parts[self.number]
        return here[value.number] if isinstance(value, Ref) else value


def _numbers(args: Sequence[Any]) -> Iterator[int]:
    """Return the numbers of the recipes among arguments."""
    for value in args:
        state = value.state if isinstance(value, Around) else value
        if isinstance(state, Ref):
            yield state.number


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
