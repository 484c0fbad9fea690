"""Callables as ``solver=``: where they work, what they are given, and what is said of one that goes wrong."""

import pickle
import re
import warnings
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest
import scipy.optimize
from scipy.optimize import LinearConstraint, OptimizeResult
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_erm import ERMClassifierCV, ERMRegressor, erm_path
from sklearn_erm.estimators import trace
from sklearn_erm.losses import Loss
from sklearn_erm.penalties import PENALTIES

from .fits import NAMES, make, make_data


def damped_newton(fun, x0, args=(), *, jac, hess, stop, callback, maxiter, **unused):
    """Newton's method with halved steps, as short as one can write it."""
    x = x0
    for nit in range(maxiter):
        if stop(x):
            break
        step = np.linalg.lstsq(hess(x), jac(x), rcond=None)[0]
        t = 1.0
        while fun(x - t * step) > fun(x) and t > 1e-9:
            t *= 0.5
        x = x - t * step
        try:
            callback(OptimizeResult(x=x, nit=nit + 1))
        except StopIteration:
            break
    return OptimizeResult(x=x, fun=fun(x), nit=nit, success=True)


def without_callback(fun, x0, args=(), *, jac, maxiter, **unused):
    """Another's method, which knows neither ``stop`` nor ``callback``, and has stopping rules of its own."""
    return scipy.optimize.minimize(fun, x0, jac=jac, method="L-BFGS-B", options={"maxiter": maxiter, "ftol": 1e-15})


def by_products(fun, x0, args=(), *, jac, hessp, callback, **unused):
    """A method that lets StopIteration through, and uses products with the Hessian."""
    x = x0
    for _ in range(200):
        hessian = np.column_stack([hessp(x, e) for e in np.eye(len(x))])
        step = np.linalg.lstsq(hessian + 1e-10 * np.eye(len(x)), jac(x), rcond=None)[0]
        x = min((x - 0.5**k * step for k in range(30)), key=fun)
        callback(x)
    return OptimizeResult(x=x)


@dataclass
class Gradient:
    """An object to be called, which has a parameter, is compared by it, and so has no hash."""

    shrink: float = 0.5

    def __call__(self, fun, x0, args=(), *, jac, stop, maxiter, **unused):
        x, t, nit = x0, 1.0, 0
        for _ in range(maxiter):
            if stop(x):
                break
            g = jac(x)
            while fun(x - t * g) > fun(x) - 0.25 * t * g @ g and t > 1e-12:
                t *= self.shrink
            x, t, nit = x - t * g, 2.0 * t, nit + 1
        return OptimizeResult(x=x, nit=nit)


@pytest.mark.parametrize("name", NAMES)
def test_every_loss(name):
    """Smooth, or smooth in each piece: the solution is that of the library's own solver."""
    X, y = make_data(name)
    model = make(name, solver=damped_newton, tol=1e-6).fit(X, y)
    assert model.duality_gap_ <= 1e-6 or (np.isnan(model.duality_gap_) and model.optimality_ <= 1e-6)
    assert model.objective_ == pytest.approx(make(name).fit(X, y).objective_, rel=2e-6)


@pytest.mark.parametrize("limits", [{}, {"bounds": (0, None)}, {"constraints": LinearConstraint(np.ones(5), -1, 0.5)}])
@pytest.mark.parametrize("penalty", [example for cls in PENALTIES.values() for example in cls.examples(5)[:1]], ids=str)
def test_every_penalty_that_scipy_methods_take(penalty, limits):
    """A callable works where L-BFGS-B does, and is refused in the same words where that is."""
    X, y = make_data("squared_error")
    found = {}
    for solver in ("L-BFGS-B", damped_newton):
        model = make("squared_error", penalty, solver=solver, tol=1e-5, **limits)
        try:
            found[solver] = model.fit(X, y).objective_
        except ValueError as error:
            found[solver] = str(error).replace("'L-BFGS-B'", "damped_newton")
    ours, theirs = found[damped_newton], found["L-BFGS-B"]
    assert ours == theirs if isinstance(theirs, str) else ours == pytest.approx(theirs, rel=1e-4)


KINDS = ["without a callback", "by products", "an object", "a partial"]  # an address would differ from worker to worker


@pytest.mark.parametrize(
    "solver", [without_callback, by_products, Gradient(), partial(damped_newton, extra=1)], ids=KINDS
)
@pytest.mark.parametrize("name", ["log_loss", "hinge"])
def test_methods_of_all_kinds(name, solver):
    X, y = make_data(name, n=200)
    model = make(name, solver=solver, tol=1e-4).fit(X, y)
    assert model.duality_gap_ <= 1e-4
    assert 1 <= model.n_iter_ < model.max_iter


def test_clone_pickle_and_searches():
    X, y = make_data("log_loss")
    for solver in (damped_newton, Gradient(0.3), partial(damped_newton, extra=1)):
        model = make("log_loss", solver=solver, tol=1e-6)
        again = pickle.loads(pickle.dumps(clone(model).fit(X, y)))
        np.testing.assert_array_equal(again.coef_, model.fit(X, y).coef_)
    grid = {"solver": ["auto", "L-BFGS-B", damped_newton, Gradient()]}
    search = GridSearchCV(make("log_loss", tol=1e-6), grid, error_score="raise", cv=3).fit(X, y)
    assert np.ptp(search.cv_results_["mean_test_score"]) < 0.02
    path = erm_path(X, y, "log_loss", "l2", alphas=4, solver=damped_newton)
    assert path.duality_gaps.max() <= 1e-6
    chosen = ERMClassifierCV("log_loss", alphas=3, cv=2, solver=damped_newton).fit(X, y)
    assert chosen.duality_gap_ <= 1e-6


def test_iterations_are_told_and_counted():
    X, y = make_data("log_loss")
    model = make("log_loss", solver=damped_newton)
    steps = trace(model, X, y)
    assert len(steps) == model.fit(X, y).n_iter_
    objectives = [step.objective for step in steps]
    assert objectives == sorted(objectives, reverse=True)


@pytest.mark.parametrize("solver", [damped_newton, by_products])
def test_who_stops_is_heeded(solver):
    """Whether or not the solver catches StopIteration."""
    X, y = make_data("log_loss")

    def observe(progress, _):
        if progress.iteration == 2:
            raise StopIteration

    model = make("log_loss", solver=solver)._fit(X, y, None, None, observe)
    assert (model.n_iter_, model.result_.status) == (2, 99)


def test_a_solver_hears_of_it_when_it_is_to_stop():
    """By StopIteration, which it may catch to clean up."""
    X, y = make_data("log_loss")
    heard = []

    def careful(fun, x0, *args, callback, **given):
        def told(found):
            try:
                callback(found)
            except StopIteration:
                heard.append(found.nit)
                raise

        return damped_newton(fun, x0, callback=told, **given)

    model = make("log_loss", solver=careful).fit(X, y)
    assert heard == [model.n_iter_]


@pytest.mark.parametrize("solver", [damped_newton, without_callback, Gradient()], ids=["newton", *KINDS[::2]])
def test_the_iteration_limit(solver):
    X, y = make_data("logistic")
    with pytest.warns(ConvergenceWarning, match="the iteration limit was reached; raise max_iter"):
        model = make("logistic", alpha=1e-4, solver=solver, max_iter=2, tol=1e-12).fit(X, y)
    assert model.n_iter_ == 2


def stays(fun, x0, *args, **unused):
    return OptimizeResult(x=x0)


def goes_astray(fun, x0, *args, **unused):
    return OptimizeResult(x=x0 + 1e3)


@pytest.mark.parametrize("solver", [stays, goes_astray])
@pytest.mark.parametrize("name", ["log_loss", "hinge"])
def test_a_solver_that_does_not_arrive_is_told_of(name, solver):
    """Once, and no worse a model than the null model comes of it."""
    X, y = make_data(name)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = make(name, solver=solver).fit(X, y)
    assert len(caught) == 1
    assert re.search("no further progress; use solver='auto'|the iteration limit was reached", str(caught[0].message))
    assert model.objective_ <= make(name, "l1", alpha=1e6, tol=1e-6).fit(X, y).objective_ * (1 + 1e-12)


def test_a_solver_that_does_not_move_is_not_called_for_ever():
    X, y = make_data("log_loss")
    calls = []

    def counted(fun, x0, *args, **unused):
        calls.append(x0)
        return OptimizeResult(x=x0)

    with pytest.warns(ConvergenceWarning, match="no further progress"):
        make("log_loss", solver=counted).fit(X, y)
    assert len(calls) == 2


def answering(make_answer):
    def solver(fun, x0, *args, **unused):
        return make_answer(x0)

    return solver


def narrow(fun, x0, args, jac):
    """No custom method: scipy gives it more."""


def second_order(fun, x0, *args, hess, **unused):
    return OptimizeResult(x=x0 - hess(x0) @ x0)


@pytest.mark.parametrize(
    "solver, error, message",
    [
        (
            answering(lambda x: None),
            TypeError,
            "solver=solver returned NoneType; a solver returns a scipy.optimize.Opt",
        ),
        (answering(lambda x: x), TypeError, "solver=solver returned ndarray"),
        (answering(lambda x: OptimizeResult(x=x[1:])), ValueError, r"returned x of shape \(5,\) .* which is \(6,\)"),
        (answering(lambda x: OptimizeResult(x=list("abcdef"))), ValueError, "it must return real numbers"),
        (answering(lambda x: OptimizeResult(x=x + np.nan)), ValueError, "solver=solver returned x with nan or inf"),
        (narrow, TypeError, "solver=narrow must take fun and x0, and by name args, jac, hess, .*: got an unexpected"),
        (Gradient, TypeError, "solver=Gradient must take fun and x0"),
        (7, TypeError, "solver=7: a solver is a name or a callable, not int"),
        ("barzilai", ValueError, r"Unknown solver='barzilai'\. .*, or a callable"),
    ],
)
def test_mistakes_are_named(solver, error, message):
    X, y = make_data("log_loss")
    with pytest.raises(error, match=message):
        make("log_loss", solver=solver).fit(X, y)


class Plain(Loss):
    """A loss without second derivatives."""

    def value(self, y, eta):
        return np.log1p((eta - y) ** 2) + (eta - y) ** 2

    def gradient(self, y, eta):
        return 2 * (eta - y) * (1.0 + 1.0 / (1.0 + (eta - y) ** 2))


def test_second_derivatives_that_are_not_there_are_told_of():
    """A solver that needs none works; the error of one that does says what it was not given, and why."""
    X, y = make_data("squared_error")
    assert ERMRegressor(Plain(), "l2", 0.1, solver=Gradient(), tol=1e-4).fit(X, y).optimality_ <= 1e-4
    with pytest.raises(TypeError) as caught:
        ERMRegressor(Plain(), "l2", 0.1, solver=second_order).fit(X, y)
    assert caught.value.__notes__ == [
        "solver=second_order got hess=None and hessp=None: write curvature for loss=Plain()."
    ]
