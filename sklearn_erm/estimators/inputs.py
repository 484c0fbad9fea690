"""The door: from what users pass as X, y, weights and offset to samples that the rest of the library can trust."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.utils.validation import column_or_1d, validate_data

from sklearn_erm.estimators.class_scores import score_shape
from sklearn_erm.estimators.elsewhere import labels_elsewhere, targets_elsewhere
from sklearn_erm.estimators.given import Given
from sklearn_erm.estimators.labels import check_labels, coding, known_codes, masses, signs
from sklearn_erm.estimators.location import extent, find_location
from sklearn_erm.estimators.row_checks import (
    largest_weight,
    offset_offenders,
    require_offsets,
    require_targets,
    target_offenders,
    weight_facts,
)
from sklearn_erm.losses import Loss
from sklearn_erm.samples.contract import Samples
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples

Array = NDArray[Any]

INPUT = {"accept_sparse": ("csr", "csc"), "dtype": (np.float64, np.float32)}
DASK = {"dask", "dask_expr", "distributed"}  # packages whose arrays lie elsewhere, and are gathered when looked at


def take_targets(estimator: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, offset: Any) -> tuple[Samples, Given]:
    """Return the samples of a regression, without the rows of weight 0.

    Raises
    ------
    ValueError, TypeError
        If X holds no finite numbers, y is outside the domain of the loss, or weights or offset cannot be.
    """
    if is_elsewhere(X):
        return targets_elsewhere(estimator, loss, X, y, sample_weight, offset)
    X, y = validated(estimator, X, y, multi_output=True)
    if y.shape[1:] == (1,) and not estimator.__sklearn_tags__().target_tags.multi_output:
        y = column_or_1d(y, warn=True)
    n_rows = y.shape[0]
    weight = check_sample_weight(sample_weight, n_rows)
    y = check_targets(loss, y, weight)
    if (loss.n_scores or loss.one_target) and y.ndim == 2:
        raise ValueError(
            f"loss={loss} takes one target, but y has shape {y.shape}; fit one column at a time, by "
            "sklearn.multioutput.MultiOutputRegressor say."
        )
    offset = check_offset(offset, (*y.shape, loss.n_scores) if loss.n_scores else y.shape)
    weight, X, y, offset = present(weight, canonical(X), y, offset)
    location = find_location([extent(y)]) if estimator.fit_intercept and loss.location_equivariant else 0.0
    y = y - location if np.any(location) else y
    samples = _samples(estimator, X, y, weight, offset, loss.n_scores)
    return samples, Given(n_rows, X.dtype, samples.shape, location)


def take_labels(estimator: Any, loss: Loss, X: Any, y: Any, sample_weight: Any, offset: Any) -> tuple[Samples, Given]:
    """Return the samples of a classification, without the rows of weight 0.

    Targets are class indices under a joint loss. Else they are 1 for a class and -1 for the rest, class by class.

    Raises
    ------
    ValueError, TypeError
        If X holds no finite numbers, y no labels of two classes at least, or weights or offset cannot be.
    """
    if is_elsewhere(X):
        return labels_elsewhere(estimator, loss, X, y, sample_weight, offset)
    X, y = validated(estimator, X, y)
    check_labels(y)
    n_rows = len(y)
    weight = check_sample_weight(sample_weight, n_rows)
    coded = coding([masses(y, weight)], estimator.class_weight)
    codes, weight = coded(y, weight)
    loss = loss.for_classes(len(coded.classes))
    shape = score_shape(loss, len(coded.classes))
    offset = check_offset(offset, (n_rows, *shape))
    weight, X, codes, offset = present(weight, canonical(X), codes, offset)
    samples = _coded_samples(estimator, loss, X, codes, weight, offset, shape)
    return samples, Given(n_rows, X.dtype, shape, classes=coded.classes)


def take_again(estimator: Any, X: Any, y: Any, sample_weight: Any, offset: Any) -> tuple[Samples, float]:
    """Return the samples that a fitted estimator was fitted to, as one problem, and the sum of their weights.

    Raises
    ------
    ValueError, TypeError
        If they cannot be those.
    """
    loss, shape = estimator.loss_, np.shape(estimator.intercept_)
    X, y = validated(estimator, X, y, reset=False, y_numeric=loss.target == "real")
    weight = check_sample_weight(sample_weight, len(y))
    mass = float(weight.sum()) * (1.0 if sample_weight is None else float(np.max(sample_weight)))
    shape = shape if loss.joint else ()
    offset = check_offset(offset, (len(y), *shape))
    weight, X, y, offset = present(weight, canonical(X), y, offset)
    if loss.target == "real":
        y = check_targets(loss, y, weight)
        return _samples(estimator, X, y, weight, offset, loss.n_scores), mass
    codes = known_codes(y, estimator.classes_)
    return _coded_samples(estimator, loss, X, codes, weight, offset, shape), mass


def _samples(estimator: Any, X: Any, y: Array, weight: Array, offset: Array | None, n_outputs: int | None) -> Samples:
    return LocalSamples(Design(X, weight, bool(estimator.fit_intercept)), y, offset, n_outputs)


def _coded_samples(
    estimator: Any, loss: Loss, X: Any, codes: Array, weight: Array, offset: Array | None, shape: tuple[int, ...]
) -> Samples:
    if loss.joint:
        return _samples(estimator, X, codes, weight, offset, *shape)
    return _samples(estimator, X, signs(codes, shape), weight, offset, None)


def is_elsewhere(values: Any) -> bool:
    """Return whether values are a dask collection, which NumPy would gather into memory without a word."""
    graph = getattr(values, "__dask_graph__", None)  # the protocol of all dask collections, those of others too
    return type(values).__module__.split(".")[0] in DASK or (callable(graph) and graph() is not None)


def require_in_memory(**arrays: Any) -> None:
    """Raise TypeError for a dask collection where none is taken."""
    for name, values in arrays.items():
        if is_elsewhere(values):
            raise TypeError(
                f"{name} is a dask {type(values).__name__}, which would be gathered into memory here. If it fits "
                f"there, pass {name}.compute(). Where X is a dask collection, fit takes y, sample_weight and offset "
                "as such too."
            )


def validated(estimator: Any, X: Any, y: Any = "no_validation", **more: Any) -> Any:
    """Return X, or X and y, as scikit-learn's ``validate_data`` does; what lies elsewhere is refused."""
    require_in_memory(X=X, y=y)
    return validate_data(estimator, X, y, **more, **INPUT)


def check_sample_weight(sample_weight: Any, n_samples: int) -> Array:
    """Return weights as an array of shape (n_samples,) with largest entry 1.

    Raises
    ------
    ValueError, TypeError
        If they are not numbers, not one per row, negative, not finite, or all zero.
    """
    if sample_weight is None:
        return np.ones(n_samples)
    weight = _numbers("sample_weight", sample_weight)
    if weight.shape not in ((), (n_samples,)):
        raise ValueError(
            f"sample_weight must be one number or have one per row, shape ({n_samples},), got shape {weight.shape}."
        )
    weight = np.broadcast_to(weight, n_samples)
    return weight / largest_weight([weight_facts(weight)])


def check_weight_rows(sample_weight: Any, n_samples: int) -> Array | None:
    """Return weights as ``check_sample_weight`` does, one per row; None for None."""
    return None if sample_weight is None else np.broadcast_to(check_sample_weight(sample_weight, n_samples), n_samples)


def check_offset(offset: Any, shape: tuple[int, ...]) -> Array | None:
    """Return the offset as a float array of the given shape; one number is that of every score.

    Raises
    ------
    ValueError, TypeError
        If it is not numbers, not finite, or not of the given shape.
    """
    if offset is None:
        return None
    offset = _numbers("offset", offset)
    if offset.shape not in ((), shape):
        raise ValueError(
            f"offset must be one number or have the shape of the scores, {shape}, got shape {offset.shape}."
        )
    offset = offset if offset.shape == shape else np.full(shape, offset)
    require_offsets([offset_offenders(offset)])
    return offset


def check_offset_rows(offset: Any, n_samples: int) -> Array | None:
    """Return the offset as a float array with one entry, or one row of them, per sample; one number stays one.

    Raises
    ------
    ValueError, TypeError
        If it is not numbers, or not one per row.
    """
    if offset is None:
        return None
    offset = _numbers("offset", offset)
    if offset.shape[:1] not in ((), (n_samples,)):
        raise ValueError(f"offset must be one number or have one entry per row, {n_samples}, got shape {offset.shape}.")
    return offset


def real_targets(y: Any) -> Array:
    """Return the targets of a regression as a dense float array.

    Raises
    ------
    ValueError, TypeError
        If they are not numbers.
    """
    cure = " under a loss of regression; for class labels, use ERMClassifier or, in erm_path, loss='log_loss' say"
    return _numbers("y", y.toarray() if sparse.issparse(y) else y, cure)


def check_targets(loss: Loss, y: Any, weight: Array) -> Array:
    """Return the targets of a regression as a float array; those of weight 0 may be any numbers.

    Raises
    ------
    ValueError
        If they are not numbers, or outside the domain of the loss; if that is no mask.
    """
    y = real_targets(y)
    require_targets(loss, [target_offenders(loss, y, weight)])
    return y


def canonical(X: Any) -> Any:
    """Return X with no entry stored twice, copied if it must change."""
    if sparse.issparse(X) and not X.has_canonical_format:
        X = X.copy()
        X.sum_duplicates()
    return X


def present(weight: Array, *arrays: Any) -> tuple[Any, ...]:
    """Return weights with sum 1 and the arrays, without the rows of weight 0: they are as good as absent."""
    kept = weight > 0
    if not kept.all():
        weight, arrays = weight[kept], tuple(None if array is None else array[kept] for array in arrays)
    weight = weight / weight.max()  # whose sum may overflow
    return weight / weight.sum(), *arrays


def _numbers(name: str, values: Any, cure: str = "") -> Array:
    require_in_memory(**{name: values})
    try:
        array = np.asarray(values)
        array = (
            array.astype(object) if array.dtype.kind in "US" else array
        )  # an error then shows strings as Python does
        if not np.iscomplexobj(array):
            return array.astype(np.float64, copy=False)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name} must hold real numbers ({error}){cure}.") from None
    raise ValueError(f"{name} must hold real numbers, not complex ones.")
