"""scikit-learn's callbacks: a fit is a tree of tasks, each ended once; a model at every iteration; stopping."""

import pickle
import re

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import OptimizeResult
from sklearn.base import clone
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, risk_scorer
from sklearn_erm.estimators import trace
from sklearn_erm.estimators.progress import stopped_at
from sklearn_erm.solvers.loop import INTERRUPTED

from .fits import NAMES, make, make_data
from .recorder import OopsError, Recorder, assert_nested, oops_at, stop_at

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")

PENALTIES = ["l2", "l1", "fused", "mcp"]  # smooth, with kinks, split, not convex
KINDS = [(name, penalty) for name in NAMES for penalty in PENALTIES[:2]]
KINDS += [(name, penalty) for name in ("squared_error", "quantile", "hinge", "log_loss") for penalty in PENALTIES[2:]]


def everything(model):
    """What a fit leaves behind, comparable."""
    return {name: value for name, value in vars(model).items() if not name.startswith("_")}


# -- the tree of tasks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, penalty", KINDS)
def test_tasks_and_models_are_those_of_the_iterations(name, penalty):
    X, y = make_data(name, n_classes=3)
    model, recorder = make(name, penalty, tol=1e-6), Recorder()
    steps = trace(model, X, y)
    plain = clone(model).fit(X, y)
    model.set_callbacks(recorder).fit(X, y)
    assert_nested(recorder.calls)
    several = isinstance(model.result_, list)
    assert {call["name"] for call in recorder.calls} == {"fit", "iteration"} | ({"problem"} if several else set())
    told = recorder.models("iteration")
    assert len(told) == len(steps) > 0
    if not several:
        np.testing.assert_allclose([one.objective_ for one in told], [step.objective for step in steps], rtol=1e-5)
    np.testing.assert_array_equal(recorder.models("fit")[0].coef_, model.coef_)
    silent = penalty == "mcp"  # the method of majorants does not tell of the iteration that reaches tol
    for one in (*recorder.models("fit"), *([] if silent else told[-1:])):
        np.testing.assert_allclose(one.coef_, model.coef_, rtol=1e-10)
        np.testing.assert_allclose(one.intercept_, model.intercept_, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(one.duality_gap_, model.duality_gap_, rtol=1e-3, atol=1e-9)
        assert one.loss_ == model.loss_
        np.testing.assert_array_equal(one.predict(X), model.predict(X))
    # that someone listens changes rounding at most
    np.testing.assert_allclose(model.objective_, plain.objective_, rtol=2 * model.tol)


@pytest.mark.parametrize("bounds", [None, (0, None)])
def test_each_of_several_targets_is_a_problem(bounds):
    X, y = make_data("squared_error")
    recorder = Recorder()
    model = make("squared_error", "l1", bounds=bounds).set_callbacks(recorder).fit(X, np.column_stack([y, y**2, -y]))
    assert_nested(recorder.calls)
    assert [one.coef_.shape for one in recorder.models("problem")] == 3 * [model.coef_.shape]
    first, second, third = recorder.models("problem")
    assert np.any(first.coef_[0])
    assert not np.any(first.coef_[1:])  # not yet begun: the null model
    assert not np.any(second.coef_[2])
    np.testing.assert_array_equal(third.coef_, model.coef_)


def test_callbacks_are_given_the_data_as_the_user_gave_them():
    X, y = make_data("log_loss")
    X, weight, offset = pd.DataFrame(X, columns=list("abcde")), 2.0, np.linspace(0, 1, len(y))
    recorder = Recorder()
    model = make("log_loss").set_callbacks(recorder).fit(X, y, sample_weight=weight, offset=offset)
    for call in recorder.calls:
        if call["hook"] == "end" and call["model"] is not None:
            assert call["X"] is X
            assert call["y"] is y
            np.testing.assert_array_equal(call["metadata"]["sample_weight"], np.ones(len(y)))
            assert call["metadata"]["offset"] is offset
            call["model"].predict(X, offset=offset)
    np.testing.assert_array_equal(recorder.models("fit")[0].coef_, model.coef_)


# -- scikit-learn's own callbacks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, penalty", [("log_loss", "l1"), ("hinge", "l2"), ("squared_error", "l1")])
def test_scoring_monitor(name, penalty):
    X, y = make_data(name, n_classes=2)
    monitor = callback.ScoringMonitor(scoring={"risk": risk_scorer(), "gap": lambda model, X, y: model.duality_gap_})
    model = make(name, penalty, tol=1e-6).set_callbacks(monitor).fit(X, y)
    log = [row for row in monitor.get_logs().data if row["task_name"] == "iteration"]
    steps = trace(make(name, penalty, tol=1e-6), X, y)
    assert len(log) == len(steps)
    assert log[-1]["risk"] == pytest.approx(-model.risk_, rel=1e-9)
    np.testing.assert_allclose([row["gap"] for row in log], [step.gap for step in steps], rtol=1e-3, atol=1e-12)


def test_scoring_monitor_scores_with_weights_and_offset():
    X, y = make_data("poisson")
    weight, offset = np.linspace(1, 2, len(y)), np.linspace(0, 1, len(y))
    # In a dictionary, scikit-learn 1.9 passes weights to its own scorers only.
    monitor = callback.ScoringMonitor(scoring=lambda *what, **given: {"risk": risk_scorer()(*what, **given)})
    model = make("poisson").set_callbacks(monitor).fit(X, y, weight, offset)
    assert monitor.get_logs().data[-1]["risk"] == pytest.approx(-model.risk_, rel=1e-9)


def test_progress_bar(capsys):
    pytest.importorskip("rich")
    X, y = make_data("logistic", n_classes=3)
    make("logistic").set_callbacks(callback.ProgressBar()).fit(X, y)
    out = capsys.readouterr().out
    for line in ("ERMClassifier - fit", *(f"ERMClassifier - problem #{k}" for k in range(3))):
        assert re.search(rf"{line} .*100%", out)
    ERMRegressorCV(alphas=3, cv=2).set_callbacks(callback.ProgressBar()).fit(X, y.astype(float))
    out = capsys.readouterr().out
    for line in ("ERMRegressorCV - path #1", "ERMRegressorCV - refit | ERMRegressor - fit #1"):
        assert re.search(rf"{re.escape(line)} .*100%", out)


@pytest.mark.parametrize("n_jobs", [None, 2])
def test_inside_a_pipeline_and_a_grid_search(n_jobs):
    X, y = make_data("hinge")
    monitor = callback.ScoringMonitor(scoring="accuracy")
    inner = ERMClassifier("hinge", "l2").set_callbacks(monitor)
    search = GridSearchCV(
        make_pipeline(StandardScaler(), inner), {"ermclassifier__alpha": [0.01, 0.1]}, cv=2, n_jobs=n_jobs
    ).fit(X, y)
    paths = {row["parent_task_id_path"] for row in monitor.get_logs().data if row["task_name"] == "iteration"}
    assert len(paths) == 2 * 2 + 1
    refitted = [row for row in monitor.get_logs().data if row["parent_task_id_path"] == (0, 1, 1)]
    assert refitted[-1]["accuracy"] == accuracy_score(y, search.predict(X))


# -- stopping ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name, penalty", KINDS)
def test_stopping_keeps_the_best_point_and_says_so(name, penalty):
    X, y = make_data(name, n_classes=3)
    model = make(name, penalty, alpha=0.01)
    whole = clone(model).fit(X, y)
    null = clone(model).set_params(alpha=1e6).fit(X, y)
    for count in range(1, 1 + min(3, len(trace(model, X, y)))):
        recorder = Recorder(stop_at(count))
        model.set_callbacks(recorder).fit(X, y)
        assert_nested(recorder.calls)
        told = recorder.models("iteration")
        assert len(told) == count
        results = model.result_ if isinstance(model.result_, list) else [model.result_]
        done = sum(result.success for result in results)  # problems solved before
        assert done < len(results)
        for result in results[done:]:
            assert not result.success
            assert result.status == INTERRUPTED
            assert result.message.startswith("stopped by the callback")
        assert whole.objective_ <= (1 + whole.tol) * model.objective_
        assert model.objective_ <= (1 + 1e-6) * null.risk_
        np.testing.assert_array_equal(model.coef_, told[-1].coef_)
        np.testing.assert_array_equal(model.predict(X), told[-1].predict(X))
        assert set(everything(model)) == set(everything(whole))


@pytest.mark.parametrize("name", ["log_loss", "hinge", "squared_error"])
def test_iterations_in_the_row_space_count(name):
    X, y = make_data(name)
    X = np.random.default_rng(0).normal(size=(len(y), 400)) + y[:, None]
    whole, first = Recorder(), Recorder(stop_at(1))
    model, stopped = make(name, alpha=10.0).set_callbacks(whole), make(name, alpha=10.0).set_callbacks(first)
    model.fit(X, y)
    stopped.fit(X, y)
    assert_nested(whole.calls)
    assert_nested(first.calls)
    told = whole.models("iteration")
    np.testing.assert_allclose(told[-1].coef_, model.coef_, rtol=1e-6, atol=1e-9)
    assert stopped.result_.status == INTERRUPTED
    np.testing.assert_allclose(stopped.objective_, told[0].objective_, rtol=1e-9)
    np.testing.assert_allclose(stopped.coef_, first.models("iteration")[0].coef_, rtol=1e-6, atol=1e-9)


def test_stopping_early_needs_no_minimiser():
    X, y = make_data("log_loss")
    X[:, 0] = y
    model = make("log_loss", None).set_callbacks(Recorder(stop_at(2))).fit(X, y)
    assert model.result_.status == INTERRUPTED
    with pytest.warns(match="has no minimiser"):
        model.set_callbacks().fit(X, y)


def test_a_point_worse_than_the_null_model_is_not_kept():
    X, y = make_data("hinge")
    problem = make("hinge")._prepare(X, y, None, None).problems[0]
    found = stopped_at(problem, OptimizeResult(x=problem.null + 10.0, nit=3))
    np.testing.assert_array_equal(found.x, problem.null)
    assert (found.nit, found.fun, found.certificate.objective) == (3, problem.null_value, problem.null_value)


def test_stopping_iterations_stops_one_problem_only():
    X, y = make_data("logistic", n_classes=3)
    recorder = Recorder(lambda context, model: context.task_name == "iteration" and context.parent.task_id == 0)
    model = make("logistic").set_callbacks(recorder).fit(X, y)
    assert_nested(recorder.calls)
    assert [result.status for result in model.result_] == [INTERRUPTED, 0, 0]
    assert model.result_[0].nit == 1


def test_stopping_is_no_failure_to_warn_of_but_another_one_is():
    X, y = make_data("logistic", n_classes=3)
    first = Recorder(lambda context, model: context.task_name == "iteration" and context.parent.task_id == 0)
    model = make("logistic", alpha=1e-6, max_iter=2).set_callbacks(first)
    with pytest.warns(match="ERMClassifier, 2 of 3 problems: the iteration limit was reached"):
        model.fit(X, y)


def test_stopping_is_said_if_verbose(capsys):
    X, y = make_data("log_loss")
    make("log_loss", verbose=1).set_callbacks(Recorder(stop_at(2))).fit(X, y)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[-1].endswith("stopped by the callback")


def test_a_warm_start_goes_on_where_a_callback_stopped():
    X, y = make_data("log_loss")
    model = make("log_loss", warm_start=True).set_callbacks(Recorder(stop_at(1)))
    objectives = [model.fit(X, y).objective_ for _ in range(3)]
    assert objectives == sorted(objectives, reverse=True)
    assert objectives[0] > objectives[-1]
    assert model.set_callbacks().fit(X, y).result_.success


# -- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["iteration", "problem"])
def test_tasks_end_when_a_callback_raises(where):
    X, y = make_data("hinge", n_classes=3)
    model = make("hinge").fit(X, y)
    before, recorder = everything(model), Recorder(oops_at(where))
    with pytest.raises(OopsError):
        model.set_callbacks(recorder).set_params(alpha=0.2).fit(X, y)
    assert_nested(recorder.calls)
    after = everything(model)
    assert after.pop("alpha") == 0.2
    assert all(after[name] is value for name, value in before.items() if name != "alpha")
    assert not [name for name in vars(model) if "callback" in name and name != "_skl_callbacks"]
    recorder.calls.clear()
    assert model.fit(X, y).duality_gap_ <= model.tol
    assert_nested(recorder.calls)


def test_tasks_end_when_the_fit_raises(monkeypatch):
    X, y = make_data("log_loss")

    def fails(*args, **options):
        raise OopsError

    monkeypatch.setattr("sklearn_erm.estimators.base.minimize", fails)
    recorder = Recorder()
    with pytest.raises(OopsError):
        make("log_loss").set_callbacks(recorder).fit(X, y)
    assert_nested(recorder.calls)
    assert not [call for call in recorder.calls if call.get("model") is not None]


def test_bad_data_are_no_task():
    X, y = make_data("log_loss")
    recorder = Recorder()
    with pytest.raises(ValueError, match="one class"):
        make("log_loss").set_callbacks(recorder).fit(X, np.zeros(len(y)))
    assert not recorder.calls


def test_classes_are_no_callbacks():
    with pytest.raises(TypeError):
        ERMClassifier().set_callbacks(Recorder)


# -- clones, pickles --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("estimator", [ERMClassifier, ERMRegressor, ERMClassifierCV, ERMRegressorCV])
def test_callbacks_are_no_parameters_and_survive_clone_and_pickle(estimator):
    X, y = make_data("log_loss")
    monitor = callback.ScoringMonitor(scoring={"score": risk_scorer()})
    model = estimator("squared" if "Class" in estimator.__name__ else "squared_error").set_callbacks(monitor)
    assert model.get_params().keys() == estimator().get_params().keys()
    other = clone(model).fit(X, y)
    scores = [row["score"] for row in monitor.get_logs().data]
    again = pickle.loads(pickle.dumps(other))
    np.testing.assert_array_equal(again.predict(X), other.predict(X))
    again.fit(X, y)
    assert len(monitor.get_logs(select="all")) == 1  # the copy has its own
    other.fit(X, y)
    assert [row["score"] for row in monitor.get_logs().data] == scores
    assert "_skl_callbacks" not in vars(other.set_callbacks())
