"""What a problem takes over from one at another alpha, and what it does without."""

import numpy as np
import pytest
from scipy.optimize import OptimizeResult

from sklearn_erm.losses import AbsoluteError, Hinge, SquaredError
from sklearn_erm.penalties import L1, L2, SLOPE, Fused
from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solvers.augmented_lagrangian import step_at

from .problems import name_of, objective, targets


def small(loss, penalty, alpha=0.05):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(30, 4))
    y = targets(loss, X[:, 0] + 0.3 * rng.normal(size=30))
    return objective(loss, penalty.bind(4), alpha, X, y, np.ones(30) / 30)


@pytest.mark.parametrize("penalty", [L1(), L2(), Fused(l1_ratio=0.5), SLOPE()], ids=name_of)
@pytest.mark.parametrize("loss", [Hinge(), AbsoluteError(), SquaredError()], ids=name_of)
@pytest.mark.parametrize("dual", [None, Dual(None, None)], ids=["nothing", "a null model"])
def test_a_neighbour_without_multipliers_is_where_to_start(loss, penalty, dual):
    """A fit that stopped short comes back as the null model, which has none."""
    problem = small(loss, penalty)
    result = minimize(problem, neighbour=OptimizeResult(x=problem.null, dual=dual))
    assert result.success
    assert result.fun == pytest.approx(minimize(problem).fun, rel=2e-6)


@pytest.mark.parametrize("penalty", [L1(), L2(), Fused(l1_ratio=0.5), SLOPE()], ids=name_of)
@pytest.mark.parametrize("loss", [Hinge(), AbsoluteError()], ids=name_of)
def test_steps_are_handed_on(loss, penalty):
    """Also by a problem that its neighbour's solution solves: the next one should not start over."""
    first = minimize(small(loss, penalty))
    again = minimize(small(loss, penalty), neighbour=first)
    assert again.nit == 0
    assert again.steps == first.steps


def test_the_step_at_an_error():
    steps = [(1.0, 8.0), (0.1, 4.0), (0.2, 2.0), (0.01, 1.0)]
    assert [step_at(error, steps) for error in (2.0, 0.5, 0.15, 1e-3)] == [8.0, 8.0, 2.0, 1.0]
    assert step_at(0.1, []) == 0.0
