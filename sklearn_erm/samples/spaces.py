"""Samples of fewer columns or rows that know as much: in the row space of X, in its column space."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular

from sklearn_erm.losses import SquaredError
from sklearn_erm.samples.contract import Samples
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.solvers.linear import ridged_cholesky

Array = NDArray[Any]


def in_row_space(samples: LocalSamples) -> tuple[LocalSamples, Callable[[Array], Array]]:
    """Return the samples with X replaced by L, X X^T = L L^T, and the map from its coefficients to those of X.

    W = X^T L^-T V has the same scores and the same Euclidean norm. L has n columns instead of p.
    """
    L = samples.design.row_factor()

    def back(V: Array) -> Array:
        return samples.design.rdot(solve_triangular(L, V, lower=True, trans=1))

    return samples.with_design(Design(L, samples.weight, samples.intercept)), back


def in_column_space(samples: Samples, b: Array) -> LocalSamples:
    """Return samples with X replaced by L^T, X^T S X = L L^T, of the same square loss, the best intercept being b.

    The targets are L^-1 X^T S y; one more row, of no features, holds what no coefficients could fit, of all outputs
    together, so that the values of the objective are the same. Without an intercept: that is the mean, since X is
    centred. Sums over all samples are all that this asks.
    """
    p, shape = samples.n_features, samples.shape
    left = samples.residuals(samples.scores(np.zeros((p, *shape)), b))
    L = ridged_cholesky(0.5 * samples.bend(SquaredError(), left).block(0)[:p, :p])
    z = solve_triangular(L, samples.pull_back(left)[0], lower=True).reshape(p, -1)
    rest = np.zeros((1, z.shape[1]))
    rest[0, 0] = np.sqrt(max(samples.inner(left, left) - float(np.vdot(z, z)), 0.0))
    X = np.sqrt(p + 1) * np.vstack([L.T, np.zeros(p)])
    y = np.sqrt(p + 1) * np.vstack([z, rest]).reshape(p + 1, *shape)
    return LocalSamples(Design(X, np.full(p + 1, 1.0 / (p + 1)), False), y)
