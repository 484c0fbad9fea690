"""What a name, a parameter and a fitted attribute mean: the same on every estimator, for every loss and penalty."""

import inspect
import pickle
import warnings

import numpy as np
import pytest
from scipy.optimize import LinearConstraint
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, erm_path, losses, penalties
from sklearn_erm.estimators.names import find_penalty, l1_ratios
from sklearn_erm.losses import LOSSES, Huber, Loss, MultiQuantile, Softmax
from sklearn_erm.penalties import L2, MCP, PENALTIES, ElasticNet, Fused, GroupLasso, Penalty

from .fits import NAMES, make, make_data

EXAMPLES = [example for cls in PENALTIES.values() for example in cls.examples(5)]
SEARCHES = {ERMClassifier: ERMClassifierCV, ERMRegressor: ERMRegressorCV}


def params_of(penalty):
    """The class and the parameters of a penalty, to be compared."""
    return type(penalty).__name__, {name: str(value) for name, value in penalty.get_params(deep=False).items()}


# -- l1_ratio ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PENALTIES)
def test_a_name_is_its_class(name):
    assert params_of(find_penalty("", name)) == params_of(PENALTIES[name]())


@pytest.mark.parametrize("penalty", EXAMPLES, ids=lambda penalty: type(penalty).__name__)
def test_l1_ratio_goes_to_every_penalty_that_has_one(penalty):
    """In multiples and in sums too; others ignore it, and the user's own instance stays as it is."""
    W = np.linspace(-1.0, 2.0, 5)
    assert len(l1_ratios(penalty)) == hasattr(penalty, "l1_ratio")
    for given in (penalty, 2.0 * penalty, penalty + ElasticNet(0.9), 0.5 * penalty + 3.0 * Fused()):
        before, own = params_of(given), l1_ratios(given)
        kept, changed = find_penalty("", given), find_penalty("", given, 0.25)
        assert kept is not given
        assert (params_of(kept), l1_ratios(kept)) == (before, own)
        assert l1_ratios(changed) == [0.25] * len(own)
        assert (params_of(given), l1_ratios(given)) == (before, own)
        if not own:
            assert changed.bind(5).value(W) == given.bind(5).value(W)


def test_l1_ratio_reaches_the_fit():
    X, y = make_data("squared_error")
    plain = make("squared_error", "fused").fit(X, y)
    np.testing.assert_array_equal(plain.coef_, make("squared_error", Fused()).fit(X, y).coef_)
    for penalty, same in [("fused", Fused(0.7)), (Fused(), Fused(0.7)), (2 * ElasticNet(), 2 * ElasticNet(0.7))]:
        model = make("squared_error", penalty, l1_ratio=0.7).fit(X, y)
        np.testing.assert_array_equal(model.coef_, make("squared_error", same).fit(X, y).coef_)
        assert np.abs(plain.coef_ - model.coef_).max() > 0.01
    assert erm_path(X, y, penalty="fused", alphas=[0.1], l1_ratio=1.0).objectives == pytest.approx(
        make("squared_error", "l1").fit(X, y).objective_, rel=1e-5
    )


def test_one_grid_holds_penalties_with_and_without_l1_ratio():
    X, y = make_data("squared_error")
    grid = {"penalty": ["l2", "l1", "elasticnet", Fused()], "l1_ratio": [0.2, 0.8]}
    search = GridSearchCV(make("squared_error"), grid, error_score="raise", cv=3).fit(X, y)
    same = search.cv_results_["mean_test_score"].reshape(2, 4)  # names of parameters in alphabetical order
    np.testing.assert_array_equal(same[0] == same[1], [True, True, False, False])
    model = ERMRegressorCV(penalty=grid["penalty"], l1_ratio=[0.2, 0.8], alphas=[0.1], cv=3).fit(X, y)
    assert list(model.cv_results_["param_l1_ratio"]) == [None, None, 0.2, 0.8, 0.2, 0.8]
    left = ERMRegressorCV(penalty=["l2", "elasticnet", Fused(), ElasticNet(0.3)], alphas=[0.1], cv=3).fit(X, y)
    assert list(left.cv_results_["param_l1_ratio"]) == [None, 0.5, 0.0, 0.3]
    assert left.l1_ratio_ == left.cv_results_["param_l1_ratio"][left.best_index_]


# -- what was fitted --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("limits", [{}, {"bounds": (0, None)}], ids=["free", "bounds"])
@pytest.mark.parametrize("penalty", EXAMPLES, ids=lambda penalty: type(penalty).__name__)
def test_the_penalty_as_fitted(penalty, limits):
    """Bound to the features, without bounds and constraints, also where alpha is 0."""
    if limits and not penalty.convex:
        return
    X, y = make_data("squared_error")
    for alpha in (0.1, 0.0):
        model = make("squared_error", penalty, alpha, tol=1e-4, **limits).fit(X, y)
        assert params_of(model.penalty_) == params_of(penalty.bind(5))
        assert model.penalty_ is not penalty
    model = make("squared_error", penalty, tol=1e-4, **limits).fit(X, y)
    F = model.risk_ + 0.1 * model.penalty_.value(model.coef_)
    assert model.objective_ == pytest.approx(F, rel=1e-12)
    again = pickle.loads(pickle.dumps(model)).penalty_
    assert again.value(model.coef_) == model.penalty_.value(model.coef_)
    assert again.coercive == model.penalty_.coercive


def test_loss_and_penalty_as_fitted_by_a_search():
    X, y = make_data("log_loss", n_classes=3)
    candidates = ["l1", GroupLasso([0, 0, 1, 1, 1])]
    model = ERMClassifierCV("log_loss", candidates, alphas=3, cv=2).fit(X, y)
    assert type(model.loss_) is Softmax
    chosen = find_penalty("", model.cv_results_["param_penalty"][model.best_index_])
    assert params_of(model.penalty_) == params_of(chosen.bind(5))
    unfitted = ERMClassifierCV("log_loss", candidates, alphas=3, cv=2, refit=False).fit(X, y)
    assert params_of(unfitted.penalty_) == params_of(chosen)
    assert unfitted.loss_.target == "sign"
    assert model.best_index_ == unfitted.best_index_


# -- nothing as long as the data --------------------------------------------------------------------------------------


def size(model, name, n, n_classes=2):
    """The size of a fitted model's pickle, on so many samples."""
    X, y = make_data(name, n=n, n_classes=n_classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return len(pickle.dumps(model.fit(X, y)))


LIMITS = {
    "free": {},
    "bounds": {"bounds": (-1.0, 1.0)},
    "constraints": {"constraints": LinearConstraint(np.ones(5), -1.0, 1.0)},
}
FEW, MANY = 40, 400


def require_same_size(model, name, n_classes=2):
    """Numbers may have a byte more; an array as long as the data has hundreds."""
    assert abs(size(model, name, MANY, n_classes) - size(model, name, FEW, n_classes)) < 100


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("penalty", ["l1", "l2", "fused"])
@pytest.mark.parametrize("name", NAMES)
def test_a_pickle_does_not_grow_with_the_data(name, penalty, limits):
    require_same_size(make(name, penalty, tol=1e-2, **LIMITS[limits]), name)


@pytest.mark.parametrize("penalty", [None, "l2_norm", MCP(), 0.1 * L2() + Fused(1.0)], ids=str)
@pytest.mark.parametrize("name", ["hinge", "log_loss", "crammer_singer", "smoothed_hinge"])
def test_a_pickle_of_several_problems_does_not_grow(name, penalty):
    require_same_size(make(name, penalty, tol=1e-2), name, n_classes=3)


@pytest.mark.parametrize("loss", [Huber(scale="mad"), MultiQuantile([0.2, 0.8])], ids=str)
def test_a_pickle_of_a_loss_with_more_to_find_does_not_grow(loss):
    require_same_size(ERMRegressor(loss, "l1", 0.1, tol=1e-2), "squared_error")


@pytest.mark.parametrize("cv", [2, "alo"])
@pytest.mark.parametrize("name", ["hinge", "absolute_error", "log_loss", "squared_error"])
def test_a_pickle_of_a_search_does_not_grow(name, cv):
    search = SEARCHES[type(make(name))]
    require_same_size(search(name, ["l1", "l2"], alphas=3, cv=cv, tol=1e-2), name)


@pytest.mark.parametrize("name", ["quantile", "log_loss"])
def test_a_pickle_of_a_path_does_not_grow(name):
    sizes = []
    for n in (FEW, MANY):
        X, y = make_data(name, n=n)
        sizes.append(len(pickle.dumps(erm_path(X, y, name, "l1", alphas=3))))
    assert abs(sizes[1] - sizes[0]) < 100


@pytest.mark.parametrize("n_classes", [2, 3])
def test_the_result_says_how_the_fit_went(n_classes):
    X, y = make_data("hinge", n_classes=n_classes)
    model = make("hinge", "l1").fit(X, y)
    results = model.result_ if n_classes > 2 else [model.result_]
    assert len(results) == (n_classes if n_classes > 2 else 1)
    for result in results:
        assert {*result} == {"x", "fun", "nit", "success", "status", "message", "certificate"}
        assert result.success
    assert sum(result.fun for result in results) == pytest.approx(model.objective_, rel=1e-12)


# -- the same parameters everywhere -----------------------------------------------------------------------------------


def parameters(function, without=()):
    """Names in order, with kinds and defaults."""
    found = inspect.signature(function).parameters.values()
    return [(p.name, p.kind, p.default) for p in found if p.name not in without]


def ordered(part, whole):
    """Whether a sequence is another one with some left out."""
    rest = iter(whole)
    return all(item in rest for item in part)


@pytest.mark.parametrize("plain", SEARCHES)
def test_signatures_agree(plain):
    """Names, order, kinds and defaults; a path has alphas where a fit has alpha, and takes what ``fit`` takes."""
    only = {"warm_start"}
    own = [
        ("alphas", kind, 100) if name == "alpha" else (name, kind, default)
        for name, kind, default in parameters(plain, only)
    ]
    search = parameters(SEARCHES[plain])
    path = parameters(erm_path, {"X", "y", "sample_weight", "offset"})
    assert ordered(own, search)
    loss = own[0]
    assert ordered([item for item in own if item != loss], path)
    assert path[0][:2] == loss[:2]
    assert path[0][2] == "squared_error"
    extra = {name for name, *_ in path} - {name for name, *_ in search}
    assert extra <= {"class_weight"}
    assert ordered([item for item in path[1:] if item[0] not in extra], search)
    for function in (plain.fit, SEARCHES[plain].fit, erm_path):
        data = [p[0] for p in parameters(function) if p[0] in {"X", "y", "sample_weight", "offset"}]
        assert data == ["X", "y", "sample_weight", "offset"]


# -- public names and docstrings --------------------------------------------------------------------------------------


@pytest.mark.parametrize("module, base, registry", [(losses, Loss, LOSSES), (penalties, Penalty, PENALTIES)])
def test_public_names_are_what_users_use(module, base, registry):
    """The registry, its classes, the base classes, and what these speak of; not what the engine alone needs."""
    public = {name: getattr(module, name) for name in module.__all__}
    assert {*registry.values(), base} <= {*filter(inspect.isclass, public.values())}
    assert not {"Smoothed", "Split", "Box", "Constrained", "constant_minimiser", "weighted_quantile"} & {*public}
    assert not {name for name in vars(module) if name[0].isupper()} - {*public}
