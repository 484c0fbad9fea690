"""Samples of fewer columns or rows that know as much: in the row space of X, in its column space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.samples.state import State

Array = NDArray[Any]


def in_row_space(samples: LocalSamples) -> tuple[LocalSamples, Callable[[Array], Array]]:
    """Return the samples with X replaced by L, X X^T = L L^T, and the map from its coefficients to those of X.

    W = X^T L^-T V has the same scores and the same Euclidean norm. L has n columns instead of p.
    """
    L = samples.design.row_factor()

    def back(V: Array) -> Array:
        return samples.design.rdot(solve_triangular(L, V, lower=True, trans=1))

    return samples.with_design(Design(L, samples.weight, samples.intercept)), back


def in_column_space(samples: LocalSamples, b: Array) -> LocalSamples:
    """Return samples with X replaced by L^T, X^T S X = L L^T, of the same square loss, the best intercept being b.

    The targets are L^-1 X^T S y; one more row, of no features, holds what no coefficients could fit, so that the
    values of the objective are the same. Without an intercept: that is the mean, since X is centred.
    """
    centred = (samples.y if samples.offset is None else samples.y - samples.offset) - b
    L = samples.design.column_factor()
    z = solve_triangular(L, samples.pull_back(State(centred))[0], lower=True)
    rest = np.sqrt(np.maximum(samples.weight @ centred**2 - np.sum(z**2, axis=0), 0.0))
    rows = len(L) + 1
    X = np.sqrt(rows) * np.vstack([L.T, np.zeros(len(L))])
    y = np.sqrt(rows) * np.vstack([z.reshape(len(L), -1), rest]).reshape(rows, *samples.shape)
    return LocalSamples(Design(X, np.full(rows, 1.0 / rows), False), y)
