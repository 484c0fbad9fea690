"""What will be asked next: at one point after another a method asks the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from sklearn_erm.samples.recipes import Around, Question, Recipe, key_of, keys_of

# Scores by these methods are the points at which the same things are asked again and again.
POINTS = frozenset({"scores", "moved"})
# If a step along a line was refused, then these alone are asked at the next one beforehand, because they are cheap.
CHEAP = frozenset({"inner", "total"})
# If so many points are newer, then the questions at one are forgotten, because the method may ask others since.
REMEMBERED = 8
# If so many are newer, then its answers are forgotten, because nobody goes back so far and some are Gram matrices.
ANSWERED = 3

Make = Callable[[Recipe, str, tuple[Any, ...]], Any]


class Foresight:
    """The questions asked at the last points."""

    def __init__(self) -> None:
        self._habits: list[Habit] = []  # the newest first

    def habit_of(self, question: Question) -> Habit | None:
        """Return the questions asked so far at the point that a question is about; None if it is about none."""
        point = point_of(question)
        return None if point is None else self._habit_at(point, smoothed_in(question))

    def _habit_at(self, point: Recipe, smoothed: Around | None) -> Habit:
        for habit in self._habits:
            if habit.is_at(point, smoothed):
                return habit
        for habit in self._habits[ANSWERED - 1 :]:
            habit.close()
        self._habits = [Habit(point, smoothed), *self._habits[: REMEMBERED - 1]]
        return self._habits[0]

    def beside(self, question: Question, here: Habit, make: Make) -> list[Question]:
        """Return what will be asked beside a question: what was at the last points, and what usually is.

        ``make`` (owner, name, args) returns a hold of the objects that a method makes.
        """
        expected = {each.key: each for each in self._usual(question, here, make)}
        for habit in self._habits:
            if habit is not here:
                expected.update({each.key: each for each in habit.beside(question, here, make)})
        return [each for key, each in expected.items() if key != question.key and key not in here.ready]

    def _usual(self, question: Question, here: Habit, make: Make) -> list[Question]:
        """Return what nearly every method asks of a loss at a point, and of dual variables that were balanced."""
        point = here.point
        if point.owner is None:
            return []
        u = question.args[0] if question.args else None
        if isinstance(u, Recipe) and u.name == "balanced":
            return [Question(point.owner, "total", (u.args[0], "conjugate", u), summed=True)]
        losses = (value for value in question.args if isinstance(value, Around) or hasattr(value, "gradient"))
        f = next(losses, None)
        if f is None or here.questions:
            return []
        slopes = make(point.owner, "slopes", (f, point))
        here.held.append(slopes)
        u = slopes.recipe
        asked = [("total", (f, "value", point)), ("inner", (u, u)), ("pull_back", (u,)), ("sides", (u,))]
        if (f.loss if isinstance(f, Around) else f).has("conjugate"):
            asked += [("total", (f, "conjugate", u)), ("balance_sums", (f, u))]
        return [Question(point.owner, name, args, summed=True) for name, args in asked]


def point_of(question: Question) -> Recipe | None:
    """Return the newest scores that a question is about; None if it is about none."""
    found = [recipe for each in (question.owner, *_plain(question.args)) for recipe in _points(each)]
    return max(found, key=lambda recipe: recipe.number, default=None)


def _points(recipe: Recipe) -> Iterator[Recipe]:
    if recipe.name in POINTS:
        yield recipe
    elif recipe.name not in ("change", "beside"):
        for each in (recipe.owner, *_plain(recipe.args)):
            yield from [] if each is None else _points(each)


def _plain(args: tuple[Any, ...]) -> Iterator[Recipe]:
    """Return the recipes among arguments, but for the multipliers of smoothed losses: they are of points before."""
    return (value for value in args if isinstance(value, Recipe))


def smoothed_in(question: Question) -> Around | None:
    """Return the smoothed loss that a question is about, if there is one."""
    return next(_smoothed(question.owner, question.args), None)


def _smoothed(owner: Recipe, args: tuple[Any, ...]) -> Iterator[Around]:
    yield from (value for value in args if isinstance(value, Around))
    for each in (owner, *_plain(args)):
        if each.name not in POINTS and each.owner is not None:
            yield from _smoothed(each.owner, each.args)


class Habit:
    """The questions asked at one point, of one smoothed loss if there is one, and their answers."""

    def __init__(self, point: Recipe, smoothed: Around | None):
        self.point = point
        self.smoothed = smoothed
        self.questions: dict[Any, Question] = {}
        self.ready: dict[Any, Any] = {}
        self.held: list[Any] = []  # objects that questions asked beforehand are about

    def is_at(self, point: Recipe, smoothed: Around | None) -> bool:
        """Return whether a question about a point and a smoothed loss belongs here."""
        if point.number != self.point.number:
            return False
        if smoothed is not None and self.smoothed is None:
            self.smoothed = smoothed
        return smoothed is None or key_of(smoothed) == key_of(self.smoothed)

    def beside(self, question: Question, here: Habit, make: Make) -> list[Question]:
        """Return at another point the questions that were asked here beside such a one."""
        for like in self.questions.values():
            move = _Move(self, here, make)
            if like[1::2] == question[1::2] and move.unifies(like.owner, question.owner, like.args, question.args):
                found = [move.question(each) for each in self.questions.values()]
                here.held += move.held
                return [each for each in found if each is not None and (not move.refused or each.name in CHEAP)]
        return []

    def close(self) -> None:
        """Forget the answers."""
        self.ready, self.held = {}, []


class _Move:
    """From one point to another: what takes the place of what."""

    def __init__(self, before: Habit, here: Habit, make: Make):
        self.make = make
        self.held: list[Any] = []
        self.place = {before.point.number: here.point}
        lines = before.point.name == here.point.name == "moved"
        if before.point.owner is not None and here.point.owner is not None:
            self.place[before.point.owner.number] = here.point.owner
        if lines:
            self.place[before.point.args[2].number] = here.point.args[2]
        self.refused = lines and keys_of(before.point.args[::2]) == keys_of(here.point.args[::2])
        self.smoothed = here.smoothed

    def unifies(self, one: Recipe, other: Recipe, args: tuple[Any, ...], others: tuple[Any, ...]) -> bool:
        """Return whether a question differs from another by the point and by arrays alone, which then take places."""
        if not self._like(one, other) or len(args) != len(others):
            return False
        return all(self._alike(a, b) for a, b in zip(args, others, strict=True))

    def _like(self, one: Recipe, other: Recipe) -> bool:
        if one.number == other.number or one.number in self.place:
            return self.place.get(one.number, one).number == other.number
        if one.owner is None or other.owner is None or one.name != other.name or one.name in POINTS:
            return False
        if not self.unifies(one.owner, other.owner, one.args, other.args):
            return False
        self.place[one.number] = other
        return True

    def _alike(self, one: Any, other: Any) -> bool:
        if isinstance(one, Recipe) and isinstance(other, Recipe):
            return self._like(one, other)
        if isinstance(one, Around) and isinstance(other, Around):
            return other is self.smoothed or key_of(other) == key_of(self.smoothed)
        if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
            return one.shape == other.shape
        return bool(key_of(one) == key_of(other))

    def question(self, question: Question) -> Question | None:
        """Return a question at the other point; None if that is not known before an answer."""
        try:
            owner, args = self._recipe(question.owner), self._args(question.args)
        except _UnknownError:
            return None
        return question._replace(owner=owner, args=args)

    def _recipe(self, recipe: Recipe) -> Recipe:
        if recipe.number in self.place:
            return self.place[recipe.number]
        if recipe.owner is None or recipe.name in POINTS or recipe.name in ("change", "zeros"):
            raise _UnknownError
        parts = self.make(self._recipe(recipe.owner), recipe.name, self._args(recipe.args))
        self.held.append(parts)
        self.place[recipe.number] = parts.recipe
        return parts.recipe

    def _args(self, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return tuple(self._arg(value) for value in args)

    def _arg(self, value: Any) -> Any:
        if isinstance(value, Around):
            if self.smoothed is None:
                raise _UnknownError
            return self.smoothed
        if isinstance(value, np.ndarray):
            raise _UnknownError
        return self._recipe(value) if isinstance(value, Recipe) else value


class _UnknownError(Exception):
    """An argument is known after an answer only."""
