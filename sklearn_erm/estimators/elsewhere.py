"""The door for rows that are elsewhere, in dask collections: each block is looked at where it is, and answers."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
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
    _check_offset(entered, (*entered.shape, loss.n_scores) if loss.n_scores else entered.shape)
    extents = [each.extent for each in told if each.extent is not None]
    location = find_location(extents) if estimator.fit_intercept and loss.location_equivariant else 0.0
    rows = entered.root.each("changed", partial(with_targets, entered.largest, location))
    mass = sum(each.mass for each in told) / entered.largest
    samples = _samples(estimator, rows, mass, loss.n_scores)
    return samples, Given(entered.n_rows, entered.dtype, samples.shape, location, close=entered.root.crew.close)


def labels_elsewhere(
    estimator: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, offset: Any
) -> tuple[Samples, Given]:
    """Return the samples of a classification whose rows are in dask collections, without those of weight 0."""
    entered = _enter(estimator, X, y, sample_weight, offset, look_at_labels)
    told: list[Labels] = entered.own
    require_labels([each.suspects for each in told])
    coded = coding([each.masses for each in told if len(each.masses.labels)], estimator.class_weight)
    loss = loss.for_classes(len(coded.classes))
    shape = score_shape(loss, len(coded.classes))
    _check_offset(entered, shape)
    rows = entered.root.each("changed", partial(with_labels, entered.largest, coded, None if loss.joint else shape))
    mass = sum(coded.mass_of(each.masses) for each in told) / entered.largest
    samples = _samples(estimator, rows, mass, shape[0] if loss.joint else None)
    given = Given(entered.n_rows, entered.dtype, shape, classes=coded.classes, close=entered.root.crew.close)
    return samples, given


def _enter(estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any, own: Callable[[Rows], Any]) -> Entered:
    """Return the blocks, all of them looked at in one round."""
    from sklearn_erm.samples.dask import heading, partitions_of, root_of

    validate_data(estimator, heading(X), skip_check_array=True)
    root = root_of(partitions_of(X=X, y=y, sample_weight=sample_weight, offset=offset), rows_of)
    looks: list[Look] = root.answers("told", partial(look, own))
    for number, each in enumerate(looks):
        if len(set(each.lengths)) > 1:
            raise ValueError(
                f"partition {number} of X, y, sample_weight and offset has {', '.join(map(str, each.lengths))} rows: "
                "they must have the same rows, partition by partition."
            )
    starts = np.cumsum([0, *(each.lengths[0] for each in looks)])
    looks = [placed(each, int(start)) for each, start in zip(looks, starts[:-1], strict=True)]
    require_none(lambda: "X must be finite", [each.features for each in looks])
    largest = largest_weight([each.weights for each in looks])
    require_offsets([each.offsets for each in looks])
    n_rows, shapes = int(starts[-1]), {each.shape for each in looks if each.lengths[0]}
    if len(shapes) != 1:
        raise ValueError(f"y must have as many columns in every partition; it has the shapes {sorted(shapes)} a row.")
    shape = shapes.pop()
    _check_size(estimator, n_rows)
    dtype = np.result_type(*(each.dtype for each in looks if each.lengths[0]))
    offset_shape = next((each.offset_shape for each in looks if each.lengths[0]), None)
    return Entered(root, [each.own for each in looks], n_rows, dtype, largest, shape, offset_shape)


def _check_offset(entered: Entered, shape: tuple[int, ...]) -> None:
    """Raise ValueError unless an offset has the shape of the scores."""
    if entered.offset_shape not in (None, shape):
        n, k = entered.n_rows, entered.offset_shape
        raise ValueError(f"offset must have the shape of the scores, {(n, *shape)}, got shape {(n, *k)}.")


def _check_size(estimator: Any, n_rows: int) -> None:
    n_features = estimator.n_features_in_
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
