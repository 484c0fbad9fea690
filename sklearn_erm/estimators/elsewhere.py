"""The door for rows that are elsewhere, in dask collections: each block is looked at where it is, and answers."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import DataConversionWarning
from sklearn.utils.validation import validate_data

from sklearn_erm.checks import quantity
from sklearn_erm.estimators.class_scores import score_shape
from sklearn_erm.estimators.given import Given
from sklearn_erm.estimators.labels import coding, require_labels
from sklearn_erm.estimators.location import find_location
from sklearn_erm.estimators.looks import (
    Labels,
    Look,
    Targets,
    look,
    look_at_labels,
    look_at_targets,
    placed,
    rows_of,
    with_labels,
    with_targets,
)
from sklearn_erm.estimators.row_checks import largest_weight, require_none, require_offsets, require_targets
from sklearn_erm.losses import Loss
from sklearn_erm.samples.blocks import BlockSamples
from sklearn_erm.samples.contract import Samples
from sklearn_erm.samples.far import FarParts
from sklearn_erm.samples.local import Rows
from sklearn_erm.samples.location import locate

Array = NDArray[Any]


class Entered(NamedTuple):
    """Blocks that were looked at.

    Attributes
    ----------
    root : FarParts
        The rows as they are.
    own : list
        What each block says of y.
    n_rows : int
        The number of rows.
    dtype : dtype
        Of X, once it is floating-point.
    largest : float
        The largest weight.
    shape, offset_shape : tuple
        That of y, and of the offset, for one row.
    """

    root: FarParts
    own: list[Any]
    n_rows: int
    dtype: Any
    largest: float
    shape: tuple[int, ...]
    offset_shape: tuple[int, ...] | None


def targets_elsewhere(
    estimator: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, offset: Any
) -> tuple[Samples, Given]:
    """Return the samples of a regression whose rows are in dask collections, without those of weight 0."""
    entered = _enter(estimator, X, y, sample_weight, offset, partial(look_at_targets, loss))
    told: list[Targets] = entered.own
    require_targets(loss, [each.outside for each in told])
    if (loss.n_scores or loss.one_target) and entered.shape:
        raise ValueError(f"loss={loss} takes one target, but y has {entered.shape[0]} columns; fit one at a time.")
    shape = (*entered.shape, loss.n_scores) if loss.n_scores else entered.shape
    _check_offset(entered, shape)
    extents = [each.extent for each in told if each.extent is not None]
    location = find_location(extents) if estimator.fit_intercept and loss.location_equivariant else 0.0
    rows = entered.root.each("changed", partial(with_targets, entered.largest, location, shape))
    mass = sum(each.mass for each in told) / entered.largest
    samples = _samples(estimator, rows, mass, loss.n_scores)
    return samples, Given(entered.n_rows, entered.dtype, samples.shape, location, close=entered.root.crew.close)


def labels_elsewhere(
    estimator: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, offset: Any
) -> tuple[Samples, Given]:
    """Return the samples of a classification whose rows are in dask collections, without those of weight 0."""
    entered = _enter(estimator, X, y, sample_weight, offset, look_at_labels)
    told: list[Labels] = entered.own
    if entered.shape not in ((), (1,)):
        raise ValueError(f"y should be a 1d array of labels, but it has {entered.shape[0]} columns.")
    require_none(lambda: "y must have a label in every row", [each.missing for each in told])
    if entered.shape == (1,):
        warnings.warn("y has one column where labels have none; pass y[:, 0].", DataConversionWarning, stacklevel=7)
    require_labels([each.suspects for each in told])
    coded = coding([each.masses for each in told if len(each.masses.labels)], estimator.class_weight)
    loss = loss.for_classes(len(coded.classes))
    shape = score_shape(loss, len(coded.classes))
    _check_offset(entered, shape)
    rows = entered.root.each("changed", partial(with_labels, entered.largest, coded, loss.joint, shape))
    mass = sum(coded.mass_of(each.masses) for each in told) / entered.largest
    samples = _samples(estimator, rows, mass, shape[0] if loss.joint else None)
    given = Given(entered.n_rows, entered.dtype, shape, classes=coded.classes, close=entered.root.crew.close)
    return samples, given


def _enter(estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any, own: Callable[[Rows], Any]) -> Entered:
    """Return the blocks, all of them looked at in one round."""
    from sklearn_erm.samples.dask import heading, partitions_of, root_of

    if y is None:
        raise ValueError(
            f"This {type(estimator).__name__} estimator requires y to be passed, but the target y is None."
        )
    validate_data(estimator, heading(X), skip_check_array=True)
    root = root_of(partitions_of(X=X, y=y, sample_weight=sample_weight, offset=offset), rows_of)
    looks: list[Look] = root.answers("told", partial(look, own))
    for number, each in enumerate(looks):
        _check_block(number, each, estimator.n_features_in_)
    starts = np.cumsum([0, *(each.lengths["X"] for each in looks)])
    _check_size(int(starts[-1]), estimator.n_features_in_)
    looks = [placed(each, int(start)) for each, start in zip(looks, starts[:-1], strict=True)]
    require_none(lambda: "X must be finite", [each.features for each in looks])
    largest = largest_weight([each.weights for each in looks])
    require_offsets([each.offsets for each in looks])
    n_rows, shapes = int(starts[-1]), {each.shape for each in looks if each.lengths["X"]}
    if len(shapes) != 1:
        raise ValueError(f"y must have as many columns in every partition; it has the shapes {sorted(shapes)} a row.")
    shape = shapes.pop()
    dtype = np.result_type(*(each.dtype for each in looks if each.lengths["X"]))
    offset_shape = next((each.offset_shape for each in looks if each.lengths["X"]), None)
    return Entered(root, [each.own for each in looks], n_rows, dtype, largest, shape, offset_shape)


def _check_offset(entered: Entered, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an offset has the shape of the scores."""
    if entered.offset_shape not in (None, shape):
        n, k = entered.n_rows, entered.offset_shape
        raise ValueError(f"offset must have the shape of the scores, {(n, *shape)}, got shape {(n, *k)}.")


def _check_block(number: int, found: Look, n_features: int) -> None:
    """Raise ValueError for a partition with other rows or columns than it should have."""
    rows = found.lengths["X"]
    others = [f"{length} of {name}" for name, length in found.lengths.items() if length != rows]
    if others:
        raise ValueError(
            f"partition {number} has {quantity(rows, 'row')} of X, but {' and '.join(others)}: X and y, weights and "
            "offset must have the same rows, partition by partition."
        )
    if found.n_features != n_features:
        raise ValueError(f"partition {number} of X has {quantity(found.n_features, 'column')}, but X has {n_features}.")


def _check_size(n_rows: int, n_features: int) -> None:
    """Raise ValueError where there are fewer rows than features, or none."""
    if not n_rows:
        raise ValueError("X has no rows.")
    if n_rows < n_features:
        raise ValueError(
            f"X has {quantity(n_rows, 'row')} and {n_features} features. A dask collection needs as many rows as "
            "features; X.compute() brings this one into memory."
        )


def _samples(estimator: Any, rows: FarParts, mass: float, n_outputs: int | None) -> Samples:
    intercept = bool(estimator.fit_intercept)
    located = locate(rows.each("design", mass)) if intercept else None
    samples: Samples = BlockSamples(rows.each("samples", mass, intercept, located, n_outputs))
    return samples
