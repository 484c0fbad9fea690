"""What problems along alpha share: the null model's risk, the last point, a Hessian or a sketch that was dear."""

import numpy as np
import pytest

from sklearn_erm.losses import CrossEntropy, Hinge, Poisson, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, Tikhonov
from sklearn_erm.problem import objective as module
from sklearn_erm.problem.carried import Carried
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import follow

from .problems import name_of, objective, targets

N, P = 60, 4
SMOOTH = [CrossEntropy(), SquaredError(), Poisson(), Softmax()]
PENALTIES = [L2(), L2(weights=np.arange(1.0, 5.0)), Tikhonov(np.diag([1.0, 2, 3, 4]) + 0.5)]


@pytest.fixture(autouse=True)
def all_dear(monkeypatch):
    monkeypatch.setattr(module, "DEAR", 0.0)


def problem(loss, penalty, alpha=0.1):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P))
    return objective(loss, penalty.bind(P), alpha, X, targets(loss, X[:, 0] + 0.3 * rng.normal(size=N)), np.ones(N) / N)


@pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)
@pytest.mark.parametrize("loss", SMOOTH, ids=name_of)
def test_the_first_hessian_is_the_neighbours(loss, penalty):
    """With this problem's penalty; the next one is its own, and is handed on in turn."""
    carried = Carried(along=True)
    old = problem(loss, penalty).at_alpha(penalty, 0.3, carried)
    x = old.null + 0.1
    before = old.hess_to_solve(x)
    new = old.at_alpha(penalty, 0.05, carried)
    assert before.dense() == pytest.approx(old.hess(x).dense())
    y = x + 1.0
    assert new.hess_to_solve(y).dense() == pytest.approx(new.hess(x).dense())
    assert new.hess_to_solve(y).dense() == pytest.approx(new.hess(y).dense())
    newest = new.at_alpha(penalty, 1.0, carried)
    assert newest.hess_to_solve(x).dense() == pytest.approx(newest.hess(y).dense())


@pytest.mark.parametrize("loss", SMOOTH, ids=name_of)
def test_nothing_is_taken_over_elsewhere(loss):
    """By a problem that is not of the path, or with other columns, or with another loss."""
    old = problem(loss, L2()).at_alpha(L2(), 0.3, Carried(along=True))
    x = old.null + 0.1
    old.hess_to_solve(x)
    for other in (old.at_alpha(L2(), 0.2), old.with_columns(np.array([1, 2])), old.with_loss(type(loss)())):
        y = other.null - 0.2
        assert other.hess_to_solve(y).dense() == pytest.approx(other.hess(y).dense())


def test_a_factor_is_not_taken_over():
    """It is that of another penalty."""
    carried = Carried(along=True)
    old = problem(CrossEntropy(), L2()).at_alpha(L2(), 0.3, carried)
    x, v = old.null + 0.1, np.arange(1.0, P + 2)
    old.hess_to_solve(x).solve(v)
    new = old.at_alpha(L2(), 3.0, carried)
    assert new.hess_to_solve(x).solve(v) == pytest.approx(np.linalg.solve(new.hess(x).dense(), v))


@pytest.mark.parametrize("loss", [*SMOOTH, Hinge()], ids=name_of)
def test_points_and_null_risks(loss):
    """What does not depend on the penalty is kept, what does is not; under another loss nothing is."""
    old = problem(loss, L2())
    x = old.null + 0.3
    assert old.reference[0] > 0  # known from then on
    values = old.fun(x), old.null_value
    old.jac(x)
    new, fresh = old.at_alpha(L1().bind(P), 0.7), problem(loss, L1(), 0.7)
    assert {"value", "slopes"} <= set(vars(new.at(x).risk_at))
    assert "value" not in vars(new.at(x))
    assert (new.fun(x), new.null_value) == pytest.approx((fresh.fun(x), fresh.null_value))
    assert (new.fun(x), new.null_value) != pytest.approx(values)
    again = old.with_loss(type(loss)())
    assert "value" not in vars(again.at(x).risk_at)
    assert again._known.null_risk is None


@pytest.mark.parametrize("tol", [1e-4, 1e-10])
@pytest.mark.parametrize("penalty", PENALTIES, ids=name_of)
@pytest.mark.parametrize("loss", SMOOTH, ids=name_of)
def test_paths_are_right_all_the_same(loss, penalty, tol):
    whole = problem(loss, penalty)
    terms = [(whole.penalty, alpha) for alpha in np.geomspace(3.0, 1e-3, 15)]
    for (_, alpha), (_, found) in zip(terms, follow(whole, terms, tol=tol), strict=True):
        assert found.success
        assert found.fun == pytest.approx(minimize(problem(loss, penalty, alpha), tol=1e-12).fun, rel=2 * tol, abs=tol)


def test_sketches_are_handed_on():
    carried = Carried(along=True)
    carried.sketch = marked = object()
    old = problem(CrossEntropy(), L2()).at_alpha(L2(), 0.3, carried)
    assert old.carried.sketch is marked
    assert old.with_columns(np.array([0])).carried.sketch is None
