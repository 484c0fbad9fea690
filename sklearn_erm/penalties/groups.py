"""From what a user says of groups of features to one number per feature."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from sklearn_erm.checks import quantity, suggest
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import feature_weights

FOLD = (
    " If X is one-hot encoded inside cross-validation, a fold without some level has fewer columns; name all levels "
    "beforehand, OneHotEncoder(categories=[...])."
)


def bind_groups(owner: Penalty, groups: Any, weights: Any, n_features: int) -> dict[str, Array]:
    """Return groups numbered from 0, one number per feature, and their weights.

    Parameters
    ----------
    owner : Penalty
        For error messages.
    groups : array-like of shape (n_features,), or list of lists
        A label per feature, numbered in sorted order; or the column numbers of every group.
    weights : array-like of shape (n_groups,) or None
        One per group; None is the square root of its size.
    n_features : int
        Number of features.

    Raises
    ------
    ValueError
        If a feature has no group or several, there is no such column, or the weights do not fit the groups.
    TypeError
        If groups are neither labels nor lists of columns.
    """
    label = f"{type(owner).__name__}(groups=...)"
    if groups is None:
        raise ValueError(
            f"{type(owner).__name__} needs groups, one label per feature or a list of columns per group: pass "
            f"penalty={type(owner).__name__}(groups=...), from sklearn_erm.penalties."
        )
    read = _of_lists if _holds_lists(label, groups) else _of_labels
    numbers = read(label, groups, n_features)
    sizes = np.bincount(numbers)
    weights = np.sqrt(sizes) if weights is None else weights
    return {"groups": numbers, "weights": feature_weights(owner, "weights", weights, len(sizes), "group")}


def numbered(owner: Penalty, groups: Any, feature_names: Sequence[str] | None) -> Any:
    """Return groups with the numbers of the columns that they have by name.

    Raises
    ------
    ValueError
        If X has no column of such a name, or several.
    """
    label = f"{type(owner).__name__}(groups=...)"
    if feature_names is None or not _holds_lists(label, groups):
        return groups
    positions: dict[str, list[int]] = {}
    for j, name in enumerate(feature_names):
        positions.setdefault(str(name), []).append(j)
    return [[_position(label, column, positions) for column in group] for group in groups]


def _position(label: str, column: Any, positions: dict[str, list[int]]) -> Any:
    """Return the number of a column, or what else it was given by."""
    if not isinstance(column, str):
        return column
    found = positions.get(column, [])
    if len(found) == 1:
        return found[0]
    if found:
        raise ValueError(
            f"{label}: columns {found} of X are all called {column!r}; rename them, or give their numbers."
        )
    raise ValueError(f"{label}: X has no column {column!r}. {suggest(column, positions)}{FOLD.strip()}")


def _holds_lists(label: str, groups: Any) -> bool:
    """Return whether groups are lists of columns, not labels."""
    entries = list(groups) if isinstance(groups, Iterable) else []
    lists = [isinstance(entry, Iterable) and not isinstance(entry, (str, bytes)) for entry in entries]
    if any(lists) and not all(lists):
        raise ValueError(
            f"{label}: {entries[lists.index(True)]!r} is a list, {entries[lists.index(False)]!r} is not; pass one "
            "label per feature, or a list of columns for every group."
        )
    return any(lists)


def _of_labels(label: str, groups: Any, n_features: int) -> Array:
    """Return the number of the group of each feature, given its label."""
    labels = np.asarray(groups)
    if labels.ndim != 1:
        kind = type(groups).__name__
        raise TypeError(f"{label}: groups must be a label per feature, or a list of columns per group, not {kind}.")
    if len(labels) != n_features:
        raise ValueError(
            f"{label}: X has {quantity(n_features, 'feature')}, but groups has {quantity(len(labels), 'label')}.{FOLD}"
        )
    without = [j for j, each in enumerate(labels.tolist()) if _is_missing(each)]
    if without:
        j = without[0]
        raise ValueError(f"{label}: feature {j} has no label, but {labels[j]}; give it one of its own.")
    try:
        return np.unique(labels, return_inverse=True)[1]
    except TypeError:  # labels that do not sort, in the order in which they come
        order = {each: number for number, each in enumerate(dict.fromkeys(labels.tolist()))}
        return np.array([order[each] for each in labels.tolist()])


def _is_missing(each: Any) -> bool:
    """Return whether a label is None, NaN or pandas' NA, which does not say whether it is equal to itself."""
    try:
        return each is None or bool(each != each)
    except TypeError:
        return True


def _of_lists(label: str, groups: Any, n_features: int) -> Array:
    """Return the number of the group of each feature, given the columns of each group."""
    numbers = np.full(n_features, -1)
    for number, group in enumerate(groups):
        columns = list(group)
        if not columns:
            raise ValueError(f"{label}: group {number} is empty; leave it out.")
        for column in columns:
            j = _column(label, number, column, n_features)
            if numbers[j] >= 0:
                where = f"groups {numbers[j]} and {number}" if numbers[j] != number else f"group {number} twice"
                raise ValueError(
                    f"{label}: feature {j} is in {where}; groups must not overlap. The sum of several penalties may: "
                    "GroupLasso(...) + GroupLasso(...), each with groups that do not."
                )
            numbers[j] = number
    without = np.flatnonzero(numbers < 0)
    if len(without):
        shown = ", ".join(map(str, without[:5])) + (", ..." if len(without) > 5 else "")
        features = "features" if len(without) > 1 else "feature"
        raise ValueError(
            f"{label}: no group has {features} {shown}; give each a group of its own, [{without[0]}], with weights= of "
            "0 for one that is not to be penalised."
        )
    return numbers


def _column(label: str, number: int, column: Any, n_features: int) -> int:
    """Return a column number that there is."""
    if isinstance(column, str):
        raise ValueError(
            f"{label}: group {number} has the column {column!r}, but the columns of X have no names; pass a DataFrame "
            "whose column names are all strings, or column numbers."
        )
    if isinstance(column, (bool, np.bool_)) or not isinstance(column, (int, np.integer)):
        raise TypeError(f"{label}: group {number} has {column!r}, neither the number nor the name of a column.")
    if not 0 <= column < n_features:
        raise ValueError(
            f"{label}: group {number} has column {column}, but X has {quantity(n_features, 'feature')}, "
            f"numbered from 0.{FOLD}"
        )
    return int(column)
