"""No minimiser: told where there is none, with constraints and without, in any units, and never where there is one."""

import warnings

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.exact import unbounded
from sklearn_erm.penalties import Fused, Tikhonov

RNG = np.random.default_rng(0)
N = 120
X = RNG.normal(size=(N, 3)) * [1.0, 1e6, 1e-6] + [0.0, 3e6, 100.0]
SCORE = X[:, 0] + X[:, 1] / 1e6
NOISY = SCORE + RNG.normal(size=N)
LEVEL = RNG.integers(0, 4, N)
DUMMIES = np.eye(4)[LEVEL]
EITHER = RNG.integers(0, 2, N)
ENDLESS = ("log_loss", "logistic", "exponential")
BOUNDED = ("squared_hinge", "smoothed_hinge", "modified_huber", "squared")


def is_told(estimator, X, y, **more):
    """Whether a fit says that there is no minimiser."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y, **more)
    assert np.all(np.isfinite(estimator.coef_))
    return any("has no minimiser" in str(each.message) and "Use a penalty" in str(each.message) for each in caught)


@pytest.mark.parametrize("loss", [*ENDLESS, *BOUNDED])
def test_classes(loss):
    separable, mixed = SCORE > 3, NOISY > 3
    cases = {  # bounds, y: whether classes are separable, within the bounds' recession cone
        "separable": (None, separable, True),
        "overlap": (None, mixed, False),
        "in a box": ((-1, 1), separable, False),
        "upwards": ((0, None), separable, True),
        "downwards": ((None, 0), separable, False),
    }
    for name, (bounds, y, missing) in cases.items():
        told = is_told(ERMClassifier(loss, None, bounds=bounds), X, y)
        assert told == (missing and loss in ENDLESS), name


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("storage", [np.asarray, sparse.csr_array])
def test_a_level_of_one_class(storage, intercept):
    y = np.where(LEVEL == 0, 1, EITHER)
    for labels in (y, np.where(LEVEL == 0, 1, np.arange(N) % 3)):
        model = ERMClassifier("log_loss", None, fit_intercept=intercept)
        assert is_told(model, storage(DUMMIES), labels)
        tied = LinearConstraint([[1.0, -1.0, 0.0, 0.0]], 0.0, 0.0)
        assert not is_told(model.set_params(constraints=tied), storage(DUMMIES), labels)


@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("loss", ["poisson", "tweedie", "gamma"])
def test_a_level_of_zeros(loss, unit):
    counts = RNG.poisson(3.0, N) + 1.0 * (loss == "gamma")
    zeros = np.where(LEVEL == 0, 0.0 if loss != "gamma" else 1.0, counts)
    offset = RNG.normal(size=N)
    tied, others = ([LinearConstraint([row], 0.0, 0.0)] for row in ([1, -1, 0, 0], [0, 1, -1, 0]))
    for bounds, constraints, y, missing in (
        (None, None, zeros, True),
        (None, None, counts, False),
        (None, tied, zeros, False),
        (None, others, zeros, True),
        ((-3, None), None, zeros, True),  # the other levels rise, the intercept falls
        ((-3, 3), None, zeros, False),
    ):
        model = ERMRegressor(loss, None, bounds=bounds, constraints=constraints)
        assert is_told(model, DUMMIES, unit * y, offset=offset) == (missing and loss != "gamma")


def test_rising_levels():
    level = np.repeat(np.arange(10), 5)
    y = np.where(level >= 8, 1, np.where(level <= 1, 0, np.arange(50) % 2))
    rising, falling = (LinearConstraint(side * np.diff(np.eye(10), axis=0), 0, np.inf) for side in (1.0, -1.0))
    for constraints, missing in ((None, True), (rising, True), (falling, False)):
        model = ERMClassifier("log_loss", None, constraints=constraints, fit_intercept=False)
        assert is_told(model, np.eye(10)[level], y) == missing


def test_large_counts_beside_zeros():
    a = np.array([15, 55, 120, 33, 150, 120, 900, 230, 60, 140.0])
    rows = np.column_stack([np.arange(1.0, 11.0), a])
    for top in (1e4, 1e7, 1e9):
        assert not is_told(ERMRegressor("poisson", None), rows, np.r_[top, 1, 1, 1, np.zeros(6)])
        assert is_told(ERMRegressor("poisson", None), rows, np.r_[top, np.zeros(9)])


def test_many_samples_far_from_the_boundary():
    """Linear programs see few of the rows, and the others only where they contradict."""
    rng = np.random.default_rng(1)
    level = rng.integers(0, 20, 5000)
    rows = np.column_stack([rng.normal(size=(5000, 10)), np.eye(20)[level]])
    y = 8.0 * rows[:, 0] + rng.normal(size=5000) > 0
    assert not is_told(ERMClassifier("log_loss", None), rows, y)
    y = np.where(level == 3, True, y)
    assert is_told(ERMClassifier("log_loss", None), rows, y)
    tied = LinearConstraint([np.r_[np.zeros(13), 1.0, -1.0, np.zeros(15)]], 0.0, 0.0)
    box = (np.full(30, -np.inf), np.r_[np.full(10, np.inf), np.full(20, 3.0)])
    below = (np.r_[np.full(10, -np.inf), np.full(20, -3.0)], box[1])
    for bounds, constraints, missing in ((None, tied, False), (box, None, True), (below, None, False)):
        assert is_told(ERMClassifier("log_loss", None, bounds=bounds, constraints=constraints), rows, y) == missing


@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_directions_that_a_prior_leaves_free(ratio):
    """Of two coefficients that a prior ties by their difference, and of one that it leaves to itself."""
    row = np.array([1.0, -ratio, 0.0, 0.0])
    precision = np.outer(row, row) + np.diag([0.0, 0.0, 1.0, 0.0])
    Z = RNG.normal(size=(60, 4))
    for way, missing in (([ratio, 1, 0, 0], True), ([ratio, 1, 0, -1], True), ([ratio, -1, 0, 1], False)):
        assert is_told(ERMClassifier("log_loss", Tikhonov(precision), 0.1), Z, Z @ way > 0) == missing


@pytest.mark.parametrize("intercept", [True, False])
def test_the_level_that_a_fused_lasso_leaves_free(intercept, monkeypatch):
    """One direction among many coefficients: the program that asks for it has no more unknowns than that."""
    unknowns = []
    solve = unbounded.linprog

    def counted(cost, *args, bounds, **more):
        unknowns.append(sum(bound == (None, None) for bound in bounds))
        return solve(cost, *args, bounds=bounds, **more)

    monkeypatch.setattr(unbounded, "linprog", counted)
    Z = np.random.default_rng(0).normal(size=(20, 200)) * np.geomspace(1e-3, 1e3, 200)
    model = ERMClassifier("log_loss", Fused(), fit_intercept=intercept)
    for score, missing in ((Z.sum(axis=1), True), (Z[:, 3], False)):
        assert is_told(model, Z, score > 0) == missing
    assert set(unknowns) == {1 + intercept}
