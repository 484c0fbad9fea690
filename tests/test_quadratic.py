"""Quadratic models with a penalty, their matrix an array or products alone."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sklearn_erm.penalties import L1, Curvature
from sklearn_erm.solvers.composite_quadratic import CompositeQuadratic
from sklearn_erm.solvers.quadratic_form import Matrix, Products, largest_eigenvalue

from .problems import PENALTY_EXAMPLES, name_of


def accelerated(H, q, penalty, alpha, steps):
    """The least value found by FISTA with restarts."""
    L = np.linalg.eigvalsh(H)[-1] + 1e-12
    Z = Y = np.zeros(q.shape)
    momentum = 1.0
    for _ in range(steps):
        new = penalty.prox(Y - (q + (H @ Y.ravel()).reshape(q.shape)) / L, alpha / L)
        if np.vdot(Y - new, new - Z) > 0:
            momentum = 1.0
        following = 0.5 * (1 + np.sqrt(1 + 4 * momentum**2))
        Z, Y, momentum = new, new + (momentum - 1) / following * (new - Z), following
    return Z


FORMS = {"matrix": Matrix, "products": lambda H: Products(lambda v: H @ v, np.diag(H))}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("shape", [(6,), (6, 2)], ids=str)
@pytest.mark.parametrize(
    "penalty", [each for each in PENALTY_EXAMPLES if each.convex and (each.smooth or each.blockwise)], ids=name_of
)
@settings(max_examples=4)
@given(seed=st.integers(0, 2**32 - 1), rank=st.sampled_from([2, 5, 12, 30]), level=st.sampled_from([0.02, 0.3, 2.0]))
def test_quadratic_and_penalty(penalty, shape, form, seed, rank, level):
    rng = np.random.default_rng(seed)
    m = int(np.prod(shape))
    root = rng.normal(size=(rank, m)) * 10.0 ** rng.uniform(-1, 1, m)
    H = root.T @ root / rank
    q = (H @ rng.normal(size=m)).reshape(shape)  # in the range: bounded below whatever the penalty
    alpha = level * np.abs(q).max() * 0.3
    for start in (np.zeros(shape), rng.normal(size=shape)):
        kept = start.copy()
        unchanged = H.copy()
        model = CompositeQuadratic(FORMS[form](H), q, penalty, alpha)
        Z = model.solve(start, 1e-9)
        np.testing.assert_array_equal(start, kept)
        np.testing.assert_array_equal(unchanged, H)
        first = penalty.kkt(start, model.gradient(start), alpha).max()
        assert penalty.kkt(Z, model.gradient(Z), alpha).max() <= 1e-7 * first + 1e-12
        peer = accelerated(H, q, penalty, alpha, 300)
        values = [model.value(point, q + (H @ point.ravel()).reshape(shape)) for point in (Z, peer, start)]
        exact = np.vdot(q, Z) + 0.5 * Z.ravel() @ H @ Z.ravel() + alpha * penalty.value(Z)
        assert values[0] == pytest.approx(exact, rel=1e-12, abs=1e-12)
        assert values[0] <= min(values[1:]) + 1e-12 * abs(values[0])


@pytest.mark.parametrize("form", FORMS)
def test_quadratic_and_penalty_to_the_accuracy_asked_for(form):
    rng = np.random.default_rng(0)
    root = rng.normal(size=(40, 30))
    H, q, penalty = root.T @ root, 30 * rng.normal(size=30), L1().bind(30)
    model = CompositeQuadratic(FORMS[form](H), q, penalty, 20.0)
    start = np.zeros(30)
    first = penalty.kkt(start, model.gradient(start), 20.0).max()
    for tol in (0.5, 1e-2, 1e-6):
        Z = model.solve(start, tol)
        assert penalty.kkt(Z, model.gradient(Z), 20.0).max() <= tol * first
    assert np.count_nonzero(Z) < 30
    np.testing.assert_array_equal(model.solve(Z, 1e-2 * tol, maxiter=0), Z)


@given(seed=st.integers(0, 2**32 - 1), rank=st.integers(0, 8))
def test_largest_eigenvalue(seed, rank):
    root = np.random.default_rng(seed).normal(size=(rank, 8))
    exact = np.linalg.eigvalsh(root.T @ root)[-1] if rank else 1.0
    assert 0.5 * exact <= largest_eigenvalue(Matrix(root.T @ root), np.ones(8)) <= exact * (1 + 1e-12)


@pytest.mark.parametrize("corrections", ["d", "d U", "d M", "d U M"])
def test_systems_by_products_are_those_of_the_array(corrections, monkeypatch):
    monkeypatch.setattr(sys.modules["sklearn_erm.solvers.quadratic_form"], "ACCURACY", 1e-12)
    rng = np.random.default_rng(2)
    root = rng.normal(size=(20, 12))
    H, v, free = root.T @ root, rng.normal(size=12), rng.uniform(size=12) < 0.7
    U = 0.3 * rng.normal(size=(12, 2)) if "U" in corrections else None
    M = np.diag(rng.uniform(0, 1, 12)) + 0.01
    bend = Curvature(rng.uniform(0, 1, 12), U, M if "M" in corrections else None)
    solutions = [FORMS[form](H.copy()).solve(free, bend, v) for form in FORMS]
    np.testing.assert_allclose(*solutions, rtol=0, atol=1e-9)
