"""Samples that are left out in fact: all that pull at a piecewise linear loss, the influential ones elsewhere."""

import numpy as np
import pytest
from numpy.testing import assert_allclose
from sklearn.datasets import load_breast_cancer

from sklearn_erm.leave_out.approximate import leave_one_out_scores
from sklearn_erm.losses import (
    AbsoluteError,
    CrossEntropy,
    EpsilonInsensitive,
    Hinge,
    Quantile,
    SquaredError,
)
from sklearn_erm.penalties import L1, L2, ElasticNet
from sklearn_erm.solve.minimize import minimize

from . import own_classes, problems
from .test_leave_one_out import N, P, data, left_out, problem, risk, solve

# -- fits without a sample, followed from the fit to all ------------------------------------------------------------


PIECEWISE = [  # with weights and an offset or without, in turn
    pytest.param(loss, penalty, (i + j) % 2 == 0, id=f"{loss}-{penalty}")
    for i, loss in enumerate([Hinge(), AbsoluteError(), Quantile(0.2), EpsilonInsensitive(0.3)])
    for j, penalty in enumerate([L1(), L2(), ElasticNet(), L1(np.arange(P) % 2)])
]


@pytest.mark.parametrize("loss, penalty, weighted", PIECEWISE)
def test_piecewise_linear_losses_of_few_samples_are_exact(loss, penalty, weighted):
    X, latent = data(3)
    y = problems.targets(loss, latent)
    weight, offset = (np.linspace(0.5, 1.5, N), np.linspace(-0.3, 0.3, N)) if weighted else (None, None)
    full = problem(loss, penalty, 0.05, X, y, weight, offset, intercept=not weighted)
    eta, result = solve(full)
    true = left_out(full, result.x)
    assert np.ptp(true - full.at(result.x).scores.values) > 0.1
    assert_allclose(eta, true, rtol=1e-5, atol=1e-5)


def test_piecewise_linear_losses_with_more_features_than_samples():
    X, latent = data(4, 40, 200)
    for loss, penalty in ((Hinge(), ElasticNet()), (Hinge(), L2()), (AbsoluteError(), ElasticNet())):
        full = problem(loss, penalty, 0.05, X, problems.targets(loss, latent))
        eta, result = solve(full)
        assert_allclose(eta, left_out(full, result.x), rtol=1e-4, atol=1e-4)


def test_of_many_samples_that_pull_only_some_are_left_out(monkeypatch):
    chosen = []
    monkeypatch.setattr(
        "sklearn_erm.leave_out.refits.scores_without",
        lambda *given: chosen.append(given[-1]) or np.full(len(given[-1]), np.nan),
    )
    X, latent = data(5, 200)
    full = problem(AbsoluteError(), L2(), 0.05, X, latent)
    eta, result = solve(full)
    assert [len(each) for each in chosen] == [10]
    step = leave_one_out_scores(full, result, refits=0)
    rest = np.setdiff1d(np.arange(len(step)), chosen[0])
    assert_allclose(eta[rest], step[rest])
    rise = full.loss.value(full.samples.y, step) - full.loss.value(full.samples.y, full.at(result.x).scores.values)
    assert set(chosen[0]) == set(np.argsort(-rise)[:10])


# -- refits -------------------------------------------------------------------------------------------------------


def test_influential_samples_are_left_out_in_fact():
    X, y = load_breast_cancer(return_X_y=True)
    X, y = ((X - X.mean(axis=0)) / X.std(axis=0))[:200], 2.0 * y[:200] - 1.0
    full = problem(CrossEntropy(), L1(), 4e-3, X, y)
    result = minimize(full, tol=1e-9)
    true = risk(full, left_out(full, result.x))
    off = [abs(risk(full, leave_one_out_scores(full, result, refits=refits)) - true) for refits in (0, 10)]
    assert off[1] < 0.1 * off[0]
    assert off[1] < 0.05 * true


def test_no_refits_where_the_step_is_exact_or_good(monkeypatch):
    calls = []
    monkeypatch.setattr("sklearn_erm.leave_out.refits.minimize", lambda *a, **k: calls.append(a) or minimize(*a, **k))
    X, y = data(16, 200)
    solve(problem(SquaredError(), L2(), 0.1, X, y))
    assert len(calls) == 0
    solve(problem(CrossEntropy(), L2(), 0.1, X, np.sign(y)))
    assert 0 < len(calls) <= 3


# -- errors -------------------------------------------------------------------------------------------------------


def test_a_loss_without_curvature():
    X, y = data(17)
    full = problem(own_classes.Soft(), L2(), 0.1, X, (y > 0) * 1.0)
    with pytest.raises(ValueError, match=r"loss=Soft\(\) lacks: write curvature\(y, eta\), or use .*cv=5"):
        leave_one_out_scores(full, minimize(full))


@pytest.mark.parametrize("penalty", [own_classes.Ridge(), own_classes.Positive()], ids=str)
def test_a_penalty_without_curvature(penalty):
    X, y = data(18)
    full = problem(SquaredError(), penalty, 0.1, X, y)
    with pytest.raises(ValueError, match=r"penalty=.* lacks: write (curvature|prox_derivative)\(.*cv=5"):
        leave_one_out_scores(full, minimize(full))
