"""Square losses on many rows: the same problem on as many rows as columns, and one."""

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm.penalties import L1, L2, NoPenalty
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.reduced import in_column_space
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples

from .problems import LOSS_EXAMPLES, n_scores, name_of, targets


@pytest.mark.parametrize("penalty", [L2(), L1(), NoPenalty()], ids=name_of)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("form", ["dense", "sparse", "constant column"])
@pytest.mark.parametrize("square", [loss for loss in LOSS_EXAMPLES if loss.is_square], ids=name_of)
def test_column_space(square, penalty, intercept, form):
    rng = np.random.default_rng(2)
    n, p = 40, 5
    X, b = rng.normal(size=(n, p)) + 1.0, rng.normal()
    if form == "constant column":
        X[:, 2] = 3.0
    y, offset, weight = targets(square, rng.normal(size=n)), rng.normal(size=n), rng.dirichlet(np.ones(n))
    data = sparse.csr_array(X) if form == "sparse" else X
    problem = Objective(square, penalty, 0.1, LocalSamples(Design(data, weight, intercept), y, offset))
    reduced, lift = in_column_space(problem)
    assert reduced.samples.design.X.shape == (p + 1, p)
    best = lift(np.zeros(p))
    for W in rng.normal(size=(3, p)):
        x = problem.join(W, problem.split(best)[1])
        np.testing.assert_array_equal(lift(W), x)
        assert reduced.fun(W) == pytest.approx(problem.fun(x), rel=1e-9)
        away = problem.join(W, problem.split(best)[1] + b)  # the intercept is the best one
        assert not intercept or problem.fun(away) > problem.fun(x)


@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_square_losses_are_squares(loss):
    y = targets(loss, np.random.default_rng(0).normal(size=50))
    eta = np.linspace(-3, 3, 50) if not n_scores(loss) else np.random.default_rng(1).normal(size=(50, n_scores(loss)))
    value = loss.value(y, eta)
    assert loss.is_square == bool(value.shape == eta.shape and np.allclose(value, (y - eta) ** 2))
