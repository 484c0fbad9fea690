"""Blocks elsewhere: what is to be done with them is written down, and sent when an answer is asked for.

Every object there has a recipe: the method that makes it and its arguments, which are small or other recipes. A block
that has lost its objects makes them again from the recipes. So a state is a function of what is as long as a row.
"""

from __future__ import annotations

import itertools
import weakref
from typing import Any, NamedTuple, Protocol

from numpy.typing import NDArray

from sklearn_erm.samples.foresight import Foresight
from sklearn_erm.samples.parts import added, split_of
from sklearn_erm.samples.recipes import Around, Question, Recipe, keys_of, needs_of, sent

Array = NDArray[Any]


class Message(NamedTuple):
    """What a block needs to answer: recipes that are new, or all of them; which objects to make, and which to keep."""

    round: int
    recipes: list[tuple[int, int | None, str, tuple[Any, ...]]]
    whole: bool
    wanted: list[int]
    questions: list[tuple[int, str, tuple[Any, ...], bool]]
    live: list[int]


class Transport(Protocol):
    """Brings a message to all blocks, and their answers back."""

    count: int

    def ask(self, message: Message) -> list[dict[Any, Any]] | None:
        """Return for each question the answers, by block or by (first block, number of blocks) where they are added.

        None if a block lacks recipes that a message before this one told.
        """

    def close(self) -> None:
        """Give up the blocks."""


class Hold:
    """As long as this exists, blocks keep the objects of a recipe."""

    def __init__(self, recipe: Recipe):
        self.recipe = recipe


class FarParts:
    """One object for each block, all made by one recipe."""

    def __init__(self, crew: Crew, hold: Hold):
        self.crew = crew
        self._hold = hold

    @property
    def recipe(self) -> Recipe:
        """How they are made."""
        return self._hold.recipe

    def each(self, name: str, *args: Any) -> FarParts:
        """Return the objects that a method of each returns; nothing is sent yet."""
        return FarParts(self.crew, self.crew.made(self.recipe, name, tuple(known(value) for value in args)))

    def answers(self, name: str, *args: Any) -> list[Any]:
        """Return what each answers."""
        return list(self._ask(name, args, summed=False))

    def sum(self, name: str, *args: Any) -> Any:
        """Return the sum of the answers."""
        return self._ask(name, args, summed=True)

    def _ask(self, name: str, args: tuple[Any, ...], summed: bool) -> Any:
        return self.crew.answer(Question(self.recipe, name, tuple(known(value) for value in args), summed))


def known(value: Any) -> Any:
    """Return an argument with recipes in place of objects that are elsewhere."""
    if isinstance(value, FarParts):
        return value.recipe
    multiplier = getattr(value, "multiplier", None)
    return Around(value, multiplier.recipe) if isinstance(multiplier, FarParts) else value


class Crew:
    """All blocks together: notes recipes, sends questions, and asks beforehand what will be asked next.

    A method asks the same at one point after another. So the first question at a new point takes along the others that
    were asked at one before: an iteration costs one round where its questions would cost ten.

    Parameters
    ----------
    transport : Transport
        How to reach the blocks.

    Attributes
    ----------
    rounds : int
        How often all blocks were asked.
    """

    def __init__(self, transport: Transport):
        self.transport = transport
        self.rounds = 0
        self._numbers = itertools.count()
        self._made: weakref.WeakValueDictionary[Any, Hold] = weakref.WeakValueDictionary()
        self._live: dict[int, Recipe] = {}  # of objects that somebody holds
        self._told: set[int] = set()  # recipes that the blocks know
        self._foresight = Foresight()

    def close(self) -> None:
        """Give up the blocks."""
        self.transport.close()

    def root(self) -> FarParts:
        """Return the blocks themselves."""
        return FarParts(self, self._keep(Recipe(next(self._numbers), None, "", ())))

    def made(self, owner: Recipe, name: str, args: tuple[Any, ...]) -> Hold:
        """Return a hold of the objects that a method makes, the same as before where they are still held."""
        key = owner.number, name, keys_of(args)
        found = self._made.get(key)
        if found is None:
            self._made[key] = found = self._keep(Recipe(next(self._numbers), owner, name, args))
        return found

    def _keep(self, recipe: Recipe) -> Hold:
        hold = Hold(recipe)
        self._live[recipe.number] = recipe
        weakref.finalize(hold, self._live.pop, recipe.number, None)
        return hold

    def answer(self, question: Question) -> Any:
        """Return the answer to a question, in a round if it is not at hand."""
        habit = self._foresight.habit_of(question)
        if habit is None:
            return self._round([question])[0]
        if question.key not in habit.ready:
            asked = [question, *self._foresight.beside(question, habit, self.made)]
            habit.ready.update(zip((each.key for each in asked), self._round(asked), strict=True))
        habit.questions.setdefault(question.key, question)
        return habit.ready[question.key]

    def _round(self, questions: list[Question]) -> list[Any]:
        self.rounds += 1
        message = self._message(questions, whole=False)
        found = self.transport.ask(message)
        if found is None:
            found = self.transport.ask(self._message(questions, whole=True))
            assert found is not None, "blocks were told everything"
        self._told.update(number for number, *_ in message.recipes)
        count = self.transport.count
        return [
            whole_of(each, 0, count) if question.summed else [each[i] for i in range(count)]
            for question, each in zip(questions, found, strict=True)
        ]

    def _message(self, questions: list[Question], whole: bool) -> Message:
        live = dict(self._live)  # an object may be given up at any time
        told: set[int] = set() if whole else self._told
        recipes: dict[int, Recipe] = {}
        waiting = [*live.values(), *(each.owner for each in questions)]
        waiting += [recipe for each in questions for recipe in needs_of(each.args)]
        while waiting:
            recipe = waiting.pop()
            if recipe.number not in recipes and recipe.number not in told:
                recipes[recipe.number] = recipe
                waiting.extend(recipe.needs())
        new = [
            (each.number, None if each.owner is None else each.owner.number, each.name, sent(each.args))
            for each in (recipes[number] for number in sorted(recipes))
        ]
        wanted = sorted(live if whole else live.keys() - told)
        asked = [(each.owner.number, each.name, sent(each.args), each.summed) for each in questions]
        return Message(self.rounds, new, whole, wanted, asked, sorted(live))


def whole_of(found: dict[Any, Any], first: int, count: int) -> Any:
    """Return the sum over some blocks, of sums over fewer that are at hand."""
    if (first, count) in found:
        return found[first, count]
    cut = split_of(count)
    return added([whole_of(found, first, cut), whole_of(found, first + cut, count - cut)])
