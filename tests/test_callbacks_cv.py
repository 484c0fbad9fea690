"""Callbacks of a search: paths of alphas, and a refit; told the same from other processes; stopped, or raising."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressorCV
from sklearn_erm.solvers.loop import INTERRUPTED

from .recorder import Inherited, OopsError, Recorder, assert_nested, oops_at, stop_at

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks from 1.9 on")


def cv_problem():
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    X = (X.iloc[:150, :8] - X.iloc[:150, :8].mean()) / X.iloc[:150, :8].std()
    return X, y[:150]


@pytest.mark.parametrize("refit", [True, False])
@pytest.mark.parametrize("cv, splits", [(3, 3), ("alo", 1)])
def test_a_search_is_paths_of_alphas_and_a_refit(cv, splits, refit):
    X, y = cv_problem()
    own, inherited = Recorder(), Inherited()
    model = ERMClassifierCV("log_loss", ["l1", "l2"], alphas=4, cv=cv, refit=refit).set_callbacks(own, inherited)
    model.fit(X, y)
    assert_nested(own.calls)
    assert_nested(inherited.calls)
    names = [call["name"] for call in own.calls if call["hook"] == "begin"]
    assert names.count("search") == names.count("fit") == 1
    assert names.count("path") == 2 * splits
    assert names.count("alpha") == len(own.models("alpha")) == 4 * 2 * splits
    assert "iteration" not in names
    assert bool(inherited.models("iteration")) == refit  # of the inner estimator: for those that are handed on
    assert len(own.models("refit")) == len(own.models("fit")) == refit
    if refit:
        np.testing.assert_array_equal(own.models("refit")[0].coef_, model.coef_)
        np.testing.assert_array_equal(own.models("fit")[0].predict(X), model.predict(X))
    ends = [call for call in own.calls if call["name"] == "alpha" and call["hook"] == "end"]
    assert [call["model"].alpha_ for call in ends[:4]] == list(model.alphas_[0])
    for call in ends[:4]:
        one = call["model"]
        alone = ERMClassifier("log_loss", "l1", one.alpha_).fit(call["X"], call["y"])
        np.testing.assert_allclose(one.predict_proba(call["X"]), alone.predict_proba(call["X"]), atol=1e-3)
        assert one.duality_gap_ <= model.tol


def test_a_search_in_processes_tells_the_same():
    X, y = load_diabetes(return_X_y=True)
    logs, tables = [], []
    for n_jobs in (1, 2):
        monitor = callback.ScoringMonitor(scoring=["r2", "neg_mean_absolute_error"])
        model = ERMRegressorCV("huber", "l1", alphas=4, cv=3, n_jobs=n_jobs).set_callbacks(monitor).fit(X, y)
        logs.append(monitor.get_logs().data_as_pandas.drop(columns="timestamp", errors="ignore"))
        tables.append(pd.DataFrame(model.cv_results_))
    pd.testing.assert_frame_equal(*logs)
    pd.testing.assert_frame_equal(*tables)
    assert (logs[0]["task_name"] == "alpha").sum() == 4 * 3
    assert logs[0]["r2"][0] == pytest.approx(model.score(X, y))


def test_listening_to_a_search_changes_nothing():
    X, y = cv_problem()
    search = ERMClassifierCV("hinge", "l2", alphas=5, cv=3)
    plain, told = clone(search).fit(X, y), clone(search).set_callbacks(Recorder(), Inherited()).fit(X, y)
    pd.testing.assert_frame_equal(pd.DataFrame(plain.cv_results_), pd.DataFrame(told.cv_results_))
    np.testing.assert_allclose(plain.coef_, told.coef_, rtol=1e-6)


def test_a_path_that_is_stopped_leaves_the_rest_unscored():
    X, y = cv_problem()
    recorder = Recorder(lambda context, model: context.task_name == "alpha" and context.task_id == 1)
    model = ERMClassifierCV("log_loss", "l1", alphas=5, cv=3).set_callbacks(recorder).fit(X, y)
    assert_nested(recorder.calls)
    whole = ERMClassifierCV("log_loss", "l1", alphas=5, cv=3).fit(X, y)
    mean = model.cv_results_["mean_test_score"]
    np.testing.assert_allclose(mean[:2], whole.cv_results_["mean_test_score"][:2])
    assert np.isnan(mean[2:]).all()
    assert model.alpha_ == model.alphas_[1]
    assert list(model.cv_results_["rank_test_score"]) == [2, 1, 3, 3, 3]
    assert model.result_.success


def test_a_refit_that_is_stopped_says_so():
    X, y = cv_problem()
    stop = Inherited(stop_at(1))
    model = ERMClassifierCV("log_loss", "l1", alphas=3, cv=2).set_callbacks(stop).fit(X, y)
    assert_nested(stop.calls)
    assert model.result_.status == INTERRUPTED


@pytest.mark.parametrize("where", ["alpha", "path"])
def test_tasks_of_a_search_end_when_something_raises(where):
    X, y = cv_problem()
    recorder = Recorder(oops_at(where))
    model = ERMClassifierCV("log_loss", "l1", alphas=3, cv=2).set_callbacks(recorder)
    with pytest.raises(OopsError):
        model.fit(X, y)
    assert_nested(recorder.calls)
    assert not hasattr(model, "coef_")

    def fails(estimator, X, y):
        raise OopsError

    recorder = Recorder()
    with pytest.raises(OopsError):
        model.set_callbacks(recorder).set_params(scoring=fails).fit(X, y)
    assert_nested(recorder.calls)
