"""Predictions and scores of rows that are in dask collections: lazy ones, and sums over blocks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_array

from sklearn_erm.checks import quantity
from sklearn_erm.estimators.looks import flat, weights_of
from sklearn_erm.estimators.row_checks import largest_weight, weight_facts

Array = NDArray[Any]
OfBlock = Callable[..., tuple[Any, ...]]

# If targets deviate by less, relatively, then they are constant, because rounding explains it.
CONSTANT = 1e-13


def lazily(model: Any, name: str, X: Any, offset: Any) -> Any:
    """Return what a method of a model predicts, as a dask collection of which nothing is computed.

    Of a data frame it is a series, or a data frame of the columns of the answer, with the index of X; of an array it is
    an array.
    """
    from sklearn_erm.samples.dask import applied

    if X.ndim != 2:
        raise ValueError(f"X must have two axes, (rows, features), but has {X.ndim}; reshape it.")
    if X.shape[1] != model.n_features_in_:
        raise ValueError(
            f"X has {quantity(X.shape[1], 'feature')}, but {type(model).__name__} was fitted to {model.n_features_in_}."
        )
    one = np.zeros((1, model.n_features_in_))
    like = getattr(model, name)(_named(model, one), None if offset is None else np.zeros((1, *model._outputs)))
    columns = list(getattr(model, "classes_", range(like.shape[1]))) if like.ndim == 2 else None
    return applied(partial(_predicted, model, name), X, offset, like, columns)


def _named(model: Any, X: Array) -> Any:
    """Return X with the names of the features where the model knows them."""
    if not hasattr(model, "feature_names_in_"):
        return X
    import pandas

    return pandas.DataFrame(X, columns=model.feature_names_in_)


def _predicted(model: Any, name: str, x: Any, offset: Any = None) -> Any:
    """Return the prediction for a block; no call for an empty one."""
    if x.shape[0]:
        found = getattr(model, name)(x, None if offset is None else np.asarray(offset))
    else:
        found = getattr(model, name)(_named(model, np.zeros((1, x.shape[1]))))[:0]
    return found


def sums_of_blocks(ask: OfBlock, X: Any, y: Any, sample_weight: Any, offset: Any) -> list[tuple[Any, ...]]:
    """Return what a function answers of X, y, weights and offset of every block that has rows."""
    from sklearn_erm.samples.dask import computed, partitions_of

    partitions = partitions_of(X=X, y=y, sample_weight=sample_weight, offset=offset)
    found = [each for each in computed(partial(_asked, ask), partitions) if each is not None]
    if not found:
        raise ValueError("X has no rows.")
    return found


def _asked(ask: OfBlock, x: Any, y: Any, weight: Any, offset: Any) -> tuple[Any, ...] | None:
    if x.shape[0] != len(y):
        raise ValueError(
            f"a partition has {quantity(x.shape[0], 'row')} of X, but {len(y)} of y: they must be the same."
        )
    if not x.shape[0]:
        return None
    weight = weights_of(weight, len(y))
    largest_weight([weight_facts(np.append(weight, 1.0))])
    return ask(x, flat(np.asarray(y)), weight, None if offset is None else np.asarray(offset, dtype=float))


def mean_of_blocks(ask: OfBlock, X: Any, y: Any, sample_weight: Any, offset: Any) -> float:
    """Return a weighted mean, of which a function answers the weighted sum and the sum of weights of each block."""
    totals, masses = zip(*sums_of_blocks(ask, X, y, sample_weight, offset), strict=True)
    if not sum(masses) > 0:
        raise ValueError("sample_weight is zero for every row; at least one must be positive.")
    return float(sum(totals) / sum(masses))


def accuracy_of_blocks(model: Any, X: Any, y: Any, sample_weight: Any, offset: Any) -> float:
    """Return the share of correct labels."""
    return mean_of_blocks(partial(_correct, model), X, y, sample_weight, offset)


def _correct(model: Any, x: Any, y: Array, weight: Array, offset: Any) -> tuple[float, float]:
    """Return the weight of the rows whose label is right, and that of all."""
    mass = float(weight.sum())
    return (mass * accuracy_score(y, model.predict(x, offset), sample_weight=weight) if mass else 0.0), mass


def determination_of_blocks(model: Any, X: Any, y: Any, sample_weight: Any, offset: Any) -> float:
    """Return the coefficient of determination, the mean of those of several targets."""
    mass, mean, spread, left, size = 0.0, 0.0, 0.0, 0.0, 0.0
    for weight, middle, around, missed, square in sums_of_blocks(partial(_moments, model), X, y, sample_weight, offset):
        if weight > 0:
            whole = mass + weight
            spread = spread + around + (middle - mean) ** 2 * mass * weight / whole
            mean = mean + (middle - mean) * weight / whole
            mass, left, size = whole, left + missed, size + square
    varies = np.asarray(spread) > (CONSTANT**2) * np.asarray(size)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = np.where(varies, 1.0 - left / spread, np.where(np.asarray(left) > 0, 0.0, 1.0))
    return float(np.mean(each))


def _moments(model: Any, x: Any, y: Array, weight: Array, offset: Any) -> tuple[float, Any, Any, Any, Any]:
    """Return the weight of a block, the mean of y, its squares about that, about the predictions and about 0."""
    y = check_array(y, ensure_2d=False, dtype=float, input_name="y")
    mass, predicted = float(weight.sum()), model.predict(x, offset)
    y = y.reshape(predicted.shape) if y.size == predicted.size else y
    mean = weight @ y / mass if mass > 0 else np.zeros(y.shape[1:])
    return mass, mean, weight @ (y - mean) ** 2, weight @ (y - predicted) ** 2, weight @ y**2
