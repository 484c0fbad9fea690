"""Grids of alphas depend on the data, not on how the rows are written down."""

import numpy as np
import pytest

from sklearn_erm.penalties import L2, Tikhonov
from sklearn_erm.solve.path import alpha_max

from .problems import LOSS_EXAMPLES, name_of, objective, targets

N, P = 40, 8


@pytest.mark.parametrize("penalty", [L2(), Tikhonov(np.diag(np.arange(P)))], ids=name_of)
@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_order_of_rows_and_repetition_leave_the_largest_alpha(loss, penalty):
    rng = np.random.default_rng(0)
    X, weight = rng.normal(size=(N, P)), rng.integers(1, 4, N)
    y, order, repeated = targets(loss, rng.normal(size=N)), rng.permutation(N), np.repeat(np.arange(N), weight)
    largest = alpha_max(objective(loss, penalty.bind(P), 1.0, X, y, weight), penalty.bind(P))
    for rows, weights in ((order, weight[order]), (repeated, None)):
        problem = objective(loss, penalty.bind(P), 1.0, X[rows], y[rows], weights)
        np.testing.assert_allclose(alpha_max(problem, penalty.bind(P)), largest, rtol=1e-6)
