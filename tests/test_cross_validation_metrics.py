"""Metrics on held-out rows: which rows and classes they get, and what is said of a split that has too few."""

import pickle
import re

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import UndefinedMetricWarning
from sklearn.metrics import log_loss, make_scorer, roc_auc_score, top_k_accuracy_score
from sklearn.model_selection import PredefinedSplit, StratifiedKFold

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, risk, risk_scorer
from sklearn_erm.estimators.scored import Scored
from sklearn_erm.losses import LOSSES, MultiQuantile

N = 60
FEW = {"alphas": [0.2, 0.02], "tol": 1e-10}


def three_classes(labels=("a", "b", "c"), seed=0):
    """The third class has too few rows for every fold to hold one."""
    X = np.random.default_rng(seed).normal(size=(N, 3))
    return X, np.repeat(labels, [30, 27, 3])


def table(model):
    return np.column_stack([model.cv_results_[f"split{k}_test_score"] for k in range(model.n_splits_)])


METRICS = {
    "neg_log_loss": lambda y, p, classes: -log_loss(y, p, labels=classes),
    "roc_auc_ovo": lambda y, p, classes: roc_auc_score(y, p, labels=classes, multi_class="ovo"),
    "top_k_accuracy": lambda y, p, classes: top_k_accuracy_score(y, p, labels=classes),
}


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("loss", ["log_loss", "logistic"])
@pytest.mark.parametrize("name", METRICS)
@pytest.mark.parametrize("labels", [("a", "b", "c"), (0, 1, 2)], ids=str)
def test_a_class_that_a_test_fold_lacks(name, labels, loss):
    X, y = three_classes(labels)
    splits = list(StratifiedKFold(5).split(X, y))
    assert any(len(np.unique(y[test])) == 2 for _, test in splits)
    found = table(ERMClassifierCV(loss, scoring=name, cv=splits, **FEW).fit(X, y))
    for k, (train, test) in enumerate(splits):
        for row, alpha in enumerate(FEW["alphas"]):
            model = ERMClassifier(loss, alpha=alpha, tol=1e-10).fit(X[train], y[train])
            scores = model.decision_function(X[test]) if name == "top_k_accuracy" else model.predict_proba(X[test])
            expected = METRICS[name](y[test], scores, model.classes_)
            np.testing.assert_allclose(found[row, k], expected, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("routing", [False, True])
def test_which_metrics_are_told_the_classes(routing):
    """Those of scores or probabilities that take them, unless their user has said what they are."""
    X = np.random.default_rng(7).normal(size=(N, 3))
    y, seen = np.where(X[:, 0] > 0, "yes", "no"), []

    def both(y, p, labels=None, pos_label=None):
        seen.append((labels if labels is None else list(labels), pos_label))
        return 0.0

    def labels_only(y, p, labels=None):
        return both(y, p, labels)

    def neither(y, p):
        return both(y, p)

    def said(metric, response_method="predict_proba", **fixed):
        seen.clear()
        scorer = make_scorer(metric, response_method=response_method, **fixed)
        with config_context(enable_metadata_routing=routing):
            ERMClassifierCV(cv=2, alphas=[0.1], scoring=scorer, refit=False).fit(X, y)
        assert len(seen) == 2
        assert seen[0] == seen[1]
        return seen[0]

    classes = ["no", "yes"]
    assert said(both) == said(both, "decision_function") == (classes, "yes")
    assert said(labels_only) == (classes, None)
    assert said(neither) == said(both, "predict") == (None, None)
    assert said(both, labels=["yes", "no"]) == (["yes", "no"], "yes")
    assert said(both, pos_label="no") == (classes, "no")
    assert said(both, labels=["yes", "no"], pos_label="no") == (["yes", "no"], "no")


@pytest.mark.filterwarnings("ignore:The least populated class")
@pytest.mark.parametrize("silence", ["nothing", "weights", "class_weight"])
@pytest.mark.parametrize("cv", [5, "alo"])
def test_log_loss_is_the_risk_of_its_own_fit(cv, silence):
    X, y = three_classes()
    weight = np.random.default_rng(1).gamma(1, size=N)
    options = {"cv": cv, **FEW}
    if silence == "weights":
        weight[y == "b"] = 0.0
    if silence == "class_weight":
        options["class_weight"] = {"a": 1.0, "b": 0.0, "c": 2.0}
    scorers = [None, "neg_log_loss", make_scorer(log_loss, greater_is_better=False, response_method="predict_proba")]
    own, *metrics = (table(ERMClassifierCV(scoring=s, **options).fit(X, y, sample_weight=weight)) for s in scorers)
    for found in metrics:
        np.testing.assert_allclose(found, own, rtol=1e-6)


@pytest.mark.parametrize("cv", [3, "alo"])
@pytest.mark.parametrize("kind", [ERMRegressorCV, ERMClassifierCV])
def test_rows_of_weight_0_do_not_reach_a_metric(kind, cv):
    X = np.random.default_rng(2).normal(size=(N, 3))
    y, weight = X[:, 0] if kind is ERMRegressorCV else (X[:, 0] > 0).astype(int), np.arange(N) % 4
    seen = []

    def metric(model, X, y, sample_weight=None):
        seen.append(sample_weight)
        assert len(X) == len(y) == len(sample_weight) == len(model.predict(X))
        return 0.0

    kind(cv=cv, scoring=metric, refit=False, **FEW).fit(X, y, sample_weight=weight)
    assert np.all(np.concatenate(seen) > 0)
    assert sum(map(len, seen)) == len(FEW["alphas"]) * np.count_nonzero(weight)


PREDICT = ("predict", "decision_function", "predict_proba", "predict_log_proba")


@pytest.mark.parametrize(
    "loss", ["log_loss", "logistic", "hinge", "crammer_singer", "poisson", "squared_error", MultiQuantile([0.2, 0.7])]
)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_predictions_from_scores_are_those_of_the_model(loss, n_classes):
    """A scorer is handed them in place of a model; what it may ask beside predictions is the model's."""
    X = np.random.default_rng(4).normal(size=(N, 3))
    kind = ERMClassifier if loss in LOSSES and LOSSES[loss].target != "real" else ERMRegressor
    y = np.arange(N) % n_classes
    model = kind(loss, alpha=0.1).fit(X, y)
    offset = np.random.default_rng(5).normal(size=model._scores(X, None).shape)
    scored = Scored(model, model._scores(X, offset))
    for name in PREDICT:
        assert hasattr(scored, name) == hasattr(model, name)
        if hasattr(model, name):
            np.testing.assert_array_equal(getattr(scored, name)(X), getattr(model, name)(X, offset=offset))
            with pytest.raises(ValueError, match=r"60 rows .* asked for 5"):
                getattr(scored, name)(X[:5])
    assert scored.score(X, y) == model.score(X, y, offset=offset) != model.score(X, y)
    assert risk(scored, X, y) == pytest.approx(risk(model, X, y, offset=offset), rel=1e-12)
    assert scored.coef_ is model.coef_
    assert scored.get_params() == model.get_params()
    before = scored.predict(X)
    model.fit(X[::-1], y)
    np.testing.assert_array_equal(scored.predict(X), before)
    again = pickle.loads(pickle.dumps(scored))
    np.testing.assert_array_equal(again.predict(X), before)


@pytest.mark.parametrize("cv", [3, "alo"])
def test_offsets_are_in_the_scores(cv):
    X = np.random.default_rng(5).normal(size=(N, 3))
    offset = X[:, 0]
    y = np.random.default_rng(6).poisson(np.exp(offset + 0.2 * X[:, 1]))
    scorings = [None, lambda model, X, y: risk_scorer()(model, X, y), lambda model, X, y: model.score(X, y), "r2"]
    own, *others = (
        table(ERMRegressorCV("poisson", scoring=scoring, cv=cv, **FEW).fit(X, y, offset=offset)) for scoring in scorings
    )
    np.testing.assert_allclose(others[0], own, rtol=1e-12)
    np.testing.assert_allclose(others[1], others[2], rtol=1e-12)
    assert not np.any(np.isclose(own, table(ERMRegressorCV("poisson", cv=cv, **FEW).fit(X, y)), rtol=1e-4))


def test_the_split_is_named():
    X = np.random.default_rng(3).normal(size=(N, 3))
    y = np.repeat([0, 1], N // 2)
    fold = np.arange(N) % 3
    splits = [(fold != 0, fold == 0), (y == 0, y == 1)]
    with pytest.raises(ValueError, match=r"split 1: .* at least two classes"):
        ERMClassifierCV(cv=[tuple(map(np.flatnonzero, split)) for split in splits], **FEW).fit(X, y)
    few = np.where(y == 1, 2, fold % 2)
    few[-20:] = [0, 1] * 10
    with (
        pytest.warns(UndefinedMetricWarning, match=r"split 2: .*[Oo]nly one class"),
        pytest.raises(ValueError, match=r"scoring='roc_auc' is not defined on split 2; use stratified"),
    ):
        ERMClassifierCV(cv=PredefinedSplit(few), scoring="roc_auc", **FEW).fit(X, y)
    X, y = three_classes()
    with pytest.raises(
        ValueError, match=r"split 0: .*No training row has class .*, whose rows are held out: use stratified"
    ):
        ERMClassifierCV(cv=[(np.arange(57), np.arange(50, N))], scoring="neg_log_loss", **FEW).fit(X, y)


@pytest.mark.filterwarnings("ignore:The least populated class", "ignore:Only one class", "ignore:split")
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("labels", [np.arange(3), np.array(["a", "b", "c"])], ids=["numbers", "strings"])
def test_a_class_of_one_row(labels, n_classes):
    """It is in no training part, however stratified the folds are, and leave-one-out has none without it."""
    X = np.random.default_rng(3).normal(size=(N, 3))
    y = labels[np.minimum(np.arange(N) % 3, n_classes - 2)]
    y[7] = rare = labels[n_classes - 1]
    for scoring in (None, "neg_log_loss"):
        only = re.escape(f"class {rare.item()!r}, whose only row is held out: drop it")
        with pytest.raises(ValueError, match=rf"split \d: .* No training row has {only}"):
            ERMClassifierCV(scoring=scoring, **FEW).fit(X, y)
    for loss in ("log_loss", "hinge", "crammer_singer"):
        with pytest.raises(ValueError, match=re.escape(f"leaves out the only row of class {rare.item()!r}")):
            ERMClassifierCV(loss, cv="alo", **FEW).fit(X, y)
    weight = np.where(np.arange(N) == 7, 0.0, 1.0)
    if n_classes == 3:  # without it, there is nothing rare
        assert np.isfinite(ERMClassifierCV(cv="alo", **FEW).fit(X, y, sample_weight=weight).best_score_)
        assert np.isfinite(ERMClassifierCV(cv="alo", class_weight={rare: 0.0}, **FEW).fit(X, y).best_score_)
