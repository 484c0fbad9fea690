"""What is wrong with rows, told by each block of them; the answers of all blocks together make the message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sklearn_erm.checks import quantity
from sklearn_erm.estimators.own_classes import admitted
from sklearn_erm.losses import Loss

Array = NDArray[Any]

SHOWN = 5  # offending rows that an error lists


class Offenders(NamedTuple):
    """The rows of a block that break a rule: how many, and the first few, each with its place in the whole data."""

    number: int
    first: list[tuple[int, Any]]


class WeightFacts(NamedTuple):
    """What the weights of a block are: those that cannot be, and the largest."""

    not_finite: Offenders
    negative: Offenders
    largest: float


def offenders(fine: Array, values: Array, start: int = 0) -> Offenders:
    """Return the rows whose values are not all fine, of a block whose first row is row ``start``."""
    if fine.all():
        return Offenders(0, [])
    rows = np.flatnonzero(~fine if fine.ndim == 1 else ~fine.all(axis=1))
    return Offenders(len(rows), [(start + int(row), values[row]) for row in rows[:SHOWN]])


def require_none(rule: Callable[[], str], blocks: Iterable[Offenders]) -> None:
    """Raise ValueError if any block, in the order of rows, has offenders against a rule, which the message begins with.

    It lists the first of them, whatever the blocks.
    """
    blocks = list(blocks)
    first = [row for block in blocks for row in block.first][:SHOWN]
    rest = sum(block.number for block in blocks) - len(first)
    if first:
        shown = ", ".join(f"row {place} is {value}" for place, value in first)
        more = f" and {quantity(rest, 'more row')}" if rest else ""
        raise ValueError(f"{rule()}, but {shown}{more}.")


def weight_facts(weight: Array, start: int = 0) -> WeightFacts:
    """Return the facts of a block of weights."""
    finite = np.isfinite(weight)
    largest = float(weight.max(initial=0.0, where=finite))
    return WeightFacts(offenders(finite, weight, start), offenders(~(weight < 0), weight, start), largest)


def largest_weight(blocks: Iterable[WeightFacts]) -> float:
    """Return the largest weight of all blocks; raise ValueError if one is negative or not finite, or if all are 0."""
    blocks = list(blocks)
    require_none(lambda: "sample_weight must be finite", [block.not_finite for block in blocks])
    require_none(lambda: "sample_weight must be >= 0", [block.negative for block in blocks])
    largest = max(block.largest for block in blocks)
    if largest == 0:
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    return largest


def offset_offenders(offset: Array, start: int = 0) -> Offenders:
    """Return the rows of a block whose offset is not finite."""
    return offenders(np.isfinite(offset), offset, start)


def require_offsets(blocks: Iterable[Offenders]) -> None:
    """Raise ValueError if some offset is not finite."""
    require_none(lambda: "offset must be finite", blocks)


def target_offenders(loss: Loss, y: Array, weight: Array, start: int = 0) -> Offenders:
    """Return the rows of a block whose target a loss does not admit; those of weight 0 may have any.

    Raises
    ------
    ValueError
        If what the loss says of them is no mask.
    """
    absent = (weight == 0).reshape(-1, *[1] * (y.ndim - 1))
    return offenders(admitted(loss, y) | absent, y, start)


def require_targets(loss: Loss, blocks: Iterable[Offenders]) -> None:
    """Raise ValueError if some target is outside the domain of the loss."""
    require_none(lambda: f"loss={loss} needs a y in its domain, {loss.domain}", blocks)
