"""Piecewise linear losses with a lasso on wide sparse data: one linear program, certified as everything else."""

import sys

import numpy as np
import pytest
from scipy import sparse

from sklearn_erm.exact.linear_program import program_pays, solve_program
from sklearn_erm.losses import AbsoluteError, EpsilonInsensitive, Hinge, Quantile
from sklearn_erm.penalties import L1, L2
from sklearn_erm.solve.minimize import minimize

from .problems import objective, targets

RNG = np.random.default_rng(0)
N, P = 60, 200
X = sparse.csr_array(RNG.normal(size=(N, P)) * (RNG.random((N, P)) < 0.05))
LATENT = X @ (RNG.normal(size=P) * (np.arange(P) < 20)) + 0.1 * RNG.normal(size=N)
LOSSES = [Hinge(), AbsoluteError(), Quantile(0.2), EpsilonInsensitive(0.05)]


@pytest.fixture(autouse=True)
def _small_problems(monkeypatch):
    for name in ("SMALL", "ENTRIES"):
        monkeypatch.setattr(sys.modules["sklearn_erm.exact.linear_program"], name, {"SMALL": 0, "ENTRIES": 10**6}[name])


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_the_solution_is_certified_in_any_units(loss, intercept):
    weight, offset = RNG.uniform(0.5, 2.0, N), 0.1 * RNG.normal(size=N)
    lasso = L1(RNG.uniform(0.5, 2.0, P) * (np.arange(P) > 0)).bind(P)  # the first column is free
    for unit in (1e-9, 1.0, 1e9):
        scale = 1.0 if loss.target == "sign" else unit
        one = EpsilonInsensitive(0.05 * scale) if hasattr(loss, "epsilon") else loss
        y = targets(loss, LATENT) * scale
        problem = objective(one, lasso, 1e-3 * unit, X * unit, y, weight, scale * offset, intercept)
        assert program_pays(problem)
        found = solve_program(problem, 1000)
        certificate = problem.certificate(found.x, *found.dual)
        assert certificate.error <= 1e-8
        assert np.count_nonzero(problem.split(found.x)[0]) < P


@pytest.mark.parametrize("loss", LOSSES, ids=repr)
def test_it_is_the_fit_and_agrees_with_the_augmented_lagrangian(loss):
    problem = objective(loss, L1().bind(P), 1e-3, X, targets(loss, LATENT))
    at_once, slowly = minimize(problem, tol=1e-7), minimize(problem, solver="working-set", tol=1e-7)
    assert at_once.success
    assert at_once.nit == solve_program(problem, 1000).nit > 0  # nothing is left to do
    assert at_once.fun == pytest.approx(slowly.fun, rel=2e-7)


def test_where_it_pays():
    y = targets(Hinge(), LATENT)
    assert program_pays(objective(Hinge(), L1().bind(P), 1e-3, X, y))
    for loss, penalty, design in ((Hinge(), L2(), X), (Hinge(), L1(), X.toarray()), (Hinge(), L1(), X[:, :80])):
        assert not program_pays(objective(loss, penalty.bind(design.shape[1]), 1e-3, design, y))


def test_several_outputs():
    Y = np.column_stack([LATENT, -2.0 * LATENT[::-1]])
    problem = objective(AbsoluteError(), L1().bind(P), 1e-3, X, Y)
    result = minimize(problem, tol=1e-8)
    assert result.success
    assert result.nit == solve_program(problem, 1000).nit > 0


def test_a_program_that_takes_too_many_iterations_is_left():
    problem = objective(Hinge(), L1().bind(P), 1e-3, X, targets(Hinge(), LATENT))
    assert solve_program(problem, 2) is None
    assert minimize(problem, tol=1e-7, max_iter=2).nit <= 2
