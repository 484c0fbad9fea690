"""What proves a point near optimal where kinks leave a choice: multipliers of the loss and of the penalty's parts."""

from __future__ import annotations

from typing import Any, NamedTuple

from numpy.typing import NDArray

from sklearn_erm.samples.contract import State

Array = NDArray[Any]


class Pair(NamedTuple):
    """A subgradient of a penalty, and a point where it is one."""

    subgradient: Array
    point: Array


class Dual(NamedTuple):
    """The multipliers: of the loss, per sample, and of the penalty's parts; None where that is not split."""

    loss: State | None
    pairs: list[Pair] | None


def fits(dual: Dual | None, has_kinks: bool) -> bool:
    """Return whether multipliers are there for the loss, if that is to be split; a null model has none."""
    return dual is not None and (dual.loss is not None) == has_kinks
