"""Class labels: their coding, and weights by class. Blocks of rows answer one by one, and their answers add up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

from sklearn_erm.checks import plain

Array = NDArray[Any]

REAL = "For real numbers, use ERMRegressor or, in erm_path, a loss of regression: loss='squared_error' say."


class Suspects(NamedTuple):
    """What a block of y is if it holds no class labels: the error, None if it does, the dtype, the types of objects."""

    error: Exception | None
    dtype: np.dtype[Any]
    types: frozenset[str]


class Masses(NamedTuple):
    """The labels of a block, sorted, and the sum of the weights of each."""

    labels: Array
    mass: Array


class Coding(NamedTuple):
    """The index of the class of each label, that of the next class for one of no weight, and its class weight."""

    labels: Array
    classes: Array
    code: Array
    factor: Array | None

    def __call__(self, y: Array, weight: Array) -> tuple[Array, Array]:
        """Return the class indices of a block of rows, and the weights times class weights."""
        at = np.searchsorted(self.labels, y)
        return self.code[at], weight if self.factor is None else weight * self.factor[at]

    def mass_of(self, block: Masses) -> float:
        """Return the sum of the weights times class weights of a block."""
        return float(self(block.labels, block.mass)[1].sum())


def check_class_weight(given: Any) -> None:
    """Raise ValueError unless it is a dict, "balanced" or None."""
    if not (given is None or isinstance(given, Mapping) or (isinstance(given, str) and given == "balanced")):
        raise ValueError(f"ERMClassifier(class_weight={given!r}): class_weight must be a dict, 'balanced' or None.")


def suspects(y: Array) -> Suspects:
    """Return whether a block of y holds class labels, and what else it holds."""
    try:
        check_classification_targets(y)
    except (TypeError, ValueError) as error:
        return Suspects(error, y.dtype, frozenset(type(label).__name__ for label in y.ravel().tolist()))
    return Suspects(None, y.dtype, frozenset({"str"} if y.dtype.kind == "O" else ()))


def require_labels(blocks: Iterable[Suspects]) -> None:
    """Raise ValueError unless y holds class labels; the types of objects that are none, or do not sort, are told."""
    blocks = list(blocks)
    kinds = sorted(frozenset().union(*(block.types for block in blocks)))
    for error, dtype, types in blocks:
        if error is None:
            continue
        if dtype.kind == "f":
            raise ValueError(f"{error} {REAL}") from None
        if dtype.kind != "O" or not types:
            raise error
        raise ValueError(
            f"Unknown label type: y holds class labels as objects of type {' and '.join(kinds)}; they must be all "
            "strings, or an array of numbers or booleans. Drop the rows without a label, and convert the others, by "
            "y.astype(str) for example."
        ) from None


def check_labels(y: Array) -> None:
    """Raise ValueError unless y holds class labels."""
    require_labels([suspects(y)])


def masses(y: Array, weight: Array) -> Masses:
    """Return the labels of a block and their masses."""
    labels, codes = np.unique(y, return_inverse=True)
    return Masses(labels, np.bincount(codes, weight, minlength=len(labels)))


def coding(blocks: Iterable[Masses], class_weight: Any) -> Coding:
    """Return how labels are coded.

    Raises
    ------
    ValueError
        If fewer than two classes have positive weight, or a class weight is missing, negative or not finite.
    """
    blocks = list(blocks)
    labels, codes = np.unique(np.concatenate([block.labels for block in blocks]), return_inverse=True)
    mass = np.bincount(codes, np.concatenate([block.mass for block in blocks]))
    factor = None if class_weight is None else _class_weights(class_weight, labels, mass)
    heard = (mass if factor is None else mass * factor) > 0
    if np.count_nonzero(heard) < 2:
        which = "of positive weight " if len(labels) > 1 else ""
        found = (
            f"one class {which}in y: {labels[heard].tolist()[0]!r}" if heard.any() else "no class of positive weight"
        )
        raise ValueError(f"ERMClassifier needs samples of at least two classes, but there is {found}.")
    return Coding(labels, labels[heard], np.cumsum(heard) - 1, factor)


def signs(codes: Array, shape: tuple[int, ...]) -> Array:
    """Return 1 where a score stands for the class of its row and -1 elsewhere; one score stands for class 1."""
    return np.where(codes[:, None] == np.arange(*shape) if shape else codes == 1, 1.0, -1.0)


def known_codes(y: Array, classes: Array) -> Array:
    """Return the class indices of labels; raise ValueError for a label that is no class."""
    unknown = np.setdiff1d(y, classes)
    if len(unknown):
        raise ValueError(f"posterior: y holds {plain(unknown[0])!r}, which is none of the classes fitted, {classes}.")
    return np.searchsorted(classes, y)


def counted(y: Array, class_weight: Any) -> Array:
    """Return which rows are of a class whose class weight is not 0."""
    factors = class_weight if isinstance(class_weight, dict) else {}
    silent = [label for label, factor in factors.items() if factor == 0]
    return ~np.isin(y, silent) if silent else np.ones(len(y), dtype=bool)


def _class_weights(given: Any, labels: Array, mass: Array) -> Array:
    if isinstance(given, str):
        return np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > 0)
    try:
        factors: Array = compute_class_weight(given, classes=labels, y=labels).astype(float)
    except (TypeError, ValueError) as error:
        raise type(error)(f"class_weight={given!r} must give a number for each class ({error}).") from None
    if not np.all(np.isfinite(factors) & (factors >= 0)):
        raise ValueError(f"class_weight={given!r} must be finite and >= 0.")
    return factors
