"""Class labels: their coding, and weights by class."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.class_weight import compute_class_weight
from sklearn.utils.multiclass import check_classification_targets

Array = NDArray[Any]

REAL = "For real numbers, use ERMRegressor or, in erm_path, a loss of regression: loss='squared_error' say."


def check_class_weight(given: Any) -> None:
    """Raise ValueError unless it is a dict, "balanced" or None."""
    if not (given is None or isinstance(given, Mapping) or (isinstance(given, str) and given == "balanced")):
        raise ValueError(f"ERMClassifier(class_weight={given!r}): class_weight must be a dict, 'balanced' or None.")


def check_labels(y: Array) -> None:
    """Raise ValueError unless y holds class labels; the types of objects that are none, or do not sort, are told."""
    try:
        check_classification_targets(y)
    except (TypeError, ValueError) as error:
        kinds = sorted({type(label).__name__ for label in y.ravel().tolist()})
        if y.dtype.kind == "f":
            raise ValueError(f"{error} {REAL}") from None
        if y.dtype.kind != "O" or not y.size:
            raise
        raise ValueError(
            f"Unknown label type: y holds class labels as objects of type {' and '.join(kinds)}; they must be all "
            "strings, or an array of numbers or booleans. Drop the rows without a label, and convert the others, by "
            "y.astype(str) for example."
        ) from None


def encode(y: Array, weight: Array, class_weight: Any) -> tuple[Array, Array, Array]:
    """Return the classes of positive weight, the class index of every row, and the weights times class weights.

    Raises
    ------
    ValueError
        If fewer than two classes have positive weight, or a class weight is missing, negative or not finite.
    """
    classes, codes = np.unique(y, return_inverse=True)
    if class_weight is not None:
        weight = weight * _class_weights(class_weight, classes, codes, weight)[codes]
    heard = np.bincount(codes, weight) > 0
    if np.count_nonzero(heard) < 2:
        which = "of positive weight " if len(classes) > 1 else ""
        found = (
            f"one class {which}in y: {classes[heard].tolist()[0]!r}" if heard.any() else "no class of positive weight"
        )
        raise ValueError(f"ERMClassifier needs samples of at least two classes, but there is {found}.")
    return classes[heard], (np.cumsum(heard) - 1)[codes], weight


def counted(y: Array, class_weight: Any) -> Array:
    """Return which rows are of a class whose class weight is not 0."""
    factors = class_weight if isinstance(class_weight, dict) else {}
    silent = [label for label, factor in factors.items() if factor == 0]
    return ~np.isin(y, silent) if silent else np.ones(len(y), dtype=bool)


def _class_weights(given: Any, classes: Array, codes: Array, weight: Array) -> Array:
    if isinstance(given, str):
        mass = np.bincount(codes, weight)
        return np.divide(1.0, mass, out=np.zeros_like(mass), where=mass > 0)
    try:
        factors: Array = compute_class_weight(given, classes=classes, y=classes).astype(float)
    except (TypeError, ValueError) as error:
        raise type(error)(f"class_weight={given!r} must give a number for each class ({error}).") from None
    if not np.all(np.isfinite(factors) & (factors >= 0)):
        raise ValueError(f"class_weight={given!r} must be finite and >= 0.")
    return factors
