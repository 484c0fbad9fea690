"""What a block of rows does where it is, asked by the door: arrays, looks at them, targets in the coding of a loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from sklearn_erm.estimators.labels import Coding, Masses, Suspects, masses, signs, suspects
from sklearn_erm.estimators.location import Extent, extent
from sklearn_erm.estimators.row_checks import (
    Offenders,
    WeightFacts,
    offenders,
    offset_offenders,
    target_offenders,
    weight_facts,
)
from sklearn_erm.losses import Loss
from sklearn_erm.samples.local import Rows

Array = NDArray[Any]


class Look(NamedTuple):
    """What a block says of its rows before they are used."""

    lengths: dict[str, int]
    n_features: int
    dtype: Any
    features: Offenders
    weights: WeightFacts
    offsets: Offenders
    shape: tuple[int, ...]
    offset_shape: tuple[int, ...] | None
    own: Any


class Targets(NamedTuple):
    """What a block says of the targets of a regression."""

    outside: Offenders
    extent: Extent | None
    mass: float


class Labels(NamedTuple):
    """What a block says of class labels."""

    missing: Offenders
    suspects: Suspects
    masses: Masses


def placed(look: Look, start: int) -> Look:
    """Return a look with rows counted from the first of all blocks."""

    def moved(found: Offenders) -> Offenders:
        return Offenders(found.number, [(start + place, value) for place, value in found.first])

    weights = WeightFacts(moved(look.weights.not_finite), moved(look.weights.negative), look.weights.largest)
    if isinstance(look.own, Targets):
        own = look.own._replace(outside=moved(look.own.outside))
    else:
        own = look.own._replace(missing=moved(look.own.missing))
    return look._replace(features=moved(look.features), weights=weights, offsets=moved(look.offsets), own=own)


def rows_of(x: Any, y: Any, weight: Any = None, offset: Any = None) -> Rows:
    """Return a block of what users pass, as arrays; an offset may be one number."""
    if hasattr(x, "to_numpy"):
        _require_numbers(x)
        single = (x.dtypes == np.float32).all()
        x = x.to_numpy() if single else x.to_numpy(dtype=np.float64, na_value=np.nan)
    if sparse.issparse(x):
        x = x.tocsr()
        if not x.has_canonical_format:
            x = x.copy()
            x.sum_duplicates()
    if x.dtype.kind not in "fiub":
        raise TypeError(f"X must hold real numbers, but it has dtype {x.dtype}; convert it, by X.astype(float) say.")
    x = x if x.dtype in (np.float64, np.float32) else x.astype(np.float64)
    return Rows(
        x, np.asarray(y), weights_of(weight, x.shape[0]), None if offset is None else np.asarray(offset, dtype=float)
    )


def weights_of(weight: Any, n_rows: int) -> Array:
    """Return the weights of a block as an array, of which one number or None is given for all rows."""
    weight = np.asarray(1.0 if weight is None else weight, dtype=float)
    return flat(weight) if weight.ndim else np.full(n_rows, weight)


def flat(values: Array) -> Array:
    """Return what has one column without that axis."""
    return values[:, 0] if values.shape[1:] == (1,) else values


def _require_numbers(frame: Any) -> None:
    """Raise TypeError for a data frame with columns that are no numbers."""
    kinds = {str(name): dtype for name, dtype in frame.dtypes.items() if getattr(dtype, "kind", "O") not in "fiub"}
    if kinds:
        shown = ", ".join(f"{name!r} ({dtype})" for name, dtype in list(kinds.items())[:5])
        raise TypeError(
            f"X must hold real numbers, but these columns do not: {shown}. Encode categories, by get_dummies of "
            "dask.dataframe say, or leave the columns out."
        )


def look(own: Callable[[Rows], Any], rows: Rows) -> Look:
    """Return what a block says of its rows."""
    X, y, weight, offset = rows
    values = X.data if sparse.issparse(X) else X
    features = Offenders(0, []) if np.isfinite(values.sum(dtype=float)) else _not_finite(X)
    lengths = {"X": X.shape[0], "y": len(y), "sample_weight": len(weight)}
    if offset is not None and offset.ndim:
        lengths["offset"] = len(offset)
    alike = len(set(lengths.values())) == 1
    return Look(
        lengths,
        X.shape[1],
        X.dtype,
        features,
        weight_facts(weight),
        Offenders(0, []) if offset is None else offset_offenders(np.atleast_1d(offset)),
        y.shape[1:],
        None if offset is None or not offset.ndim else offset.shape[1:],
        own(rows) if alike else None,
    )


def _not_finite(X: Any) -> Offenders:
    """Return the rows that hold NaN or infinity."""
    if sparse.issparse(X):
        fine = np.ones(X.shape[0], dtype=bool)
        fine[np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))[~np.isfinite(X.data)]] = False
    else:
        fine = np.isfinite(X).all(axis=1)
    return offenders(fine, np.where(fine, "", "not"))


def look_at_targets(loss: Loss, rows: Rows) -> Targets:
    """Return what a block says of targets."""
    y = _numbers(rows.y)
    heard = rows.weight > 0
    found = extent(y[heard]) if heard.any() else None
    return Targets(target_offenders(loss, y, rows.weight), found, float(rows.weight.sum()))


def _numbers(y: Array) -> Array:
    try:
        return y.astype(float)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"y must hold real numbers ({error}) under a loss of regression; for class labels, use ERMClassifier or, "
            "in erm_path, loss='log_loss' say."
        ) from None


def look_at_labels(rows: Rows) -> Labels:
    """Return what a block says of labels."""
    y = flat(rows.y)
    if y.ndim > 1:  # the door refuses them all together
        return Labels(Offenders(0, []), Suspects(None, y.dtype, frozenset()), masses(y[:0, 0], rows.weight[:0]))
    fine = np.array([not _is_missing(label) for label in y]) if y.dtype.kind in "Of" else np.ones(len(y), bool)
    missing = offenders(fine, y)
    found = suspects(y) if not missing.number else Suspects(None, y.dtype, frozenset())
    none = missing.number or found.error is not None
    return Labels(missing, found, masses(y[:0] if none else y, rows.weight[:0] if none else rows.weight))


def _is_missing(label: Any) -> bool:
    """Return whether a label is None, NaN or pandas' NA, which says neither that it equals itself nor that not."""
    return label is None or type(label).__name__ in ("NAType", "NaTType") or bool(label != label)


def with_targets(largest: float, location: Any, shape: tuple[int, ...], rows: Rows) -> Rows:
    """Return the rows that count, weights over the largest, targets less a location; scores have a shape."""
    y = rows.y.astype(float)
    y = y - location if np.any(location) else y
    return _heard(Rows(rows.X, y, rows.weight / largest, _of_shape(rows.offset, (len(y), *shape))))


def with_labels(largest: float, coded: Coding, joint: bool, shape: tuple[int, ...], rows: Rows) -> Rows:
    """Return the rows that count, labels as class indices, or as signs for scores of a shape."""
    codes, weight = coded(flat(rows.y), rows.weight)
    kept = _heard(Rows(rows.X, codes, weight / largest, _of_shape(rows.offset, (len(codes), *shape))))
    return kept if joint else kept._replace(y=signs(kept.y, shape))


def _of_shape(offset: Array | None, shape: tuple[int, ...]) -> Array | None:
    return offset if offset is None or offset.ndim else np.full(shape, offset)


def _heard(rows: Rows) -> Rows:
    """Return the rows of positive weight."""
    kept = rows.weight > 0
    if kept.all():
        return rows
    return Rows(rows.X[kept], rows.y[kept], rows.weight[kept], None if rows.offset is None else rows.offset[kept])
