"""Paths: every point certified and as if fitted alone, and the largest alpha exact, over the registries."""

import re

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint
from sklearn.exceptions import ConvergenceWarning

from sklearn_erm import ERMClassifier, ERMRegressor, erm_path
from sklearn_erm.losses import LOSSES, Huber, Softmax
from sklearn_erm.penalties import L1, L2, MCP, ElasticNet, Fused, GroupLasso, MultiTaskLasso, Tikhonov
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import alpha_max

from .fits import CLASSIFICATION, NAMES, make, make_data
from .problems import (
    LOSS_EXAMPLES,
    LOSS_KINDS,
    PENALTY_EXAMPLES,
    cover,
    load,
    name_of,
    name_of_pair,
    objective,
    targets,
)

TOL = 1e-8
ROWS, COLUMNS = 36, 6
ALPHAS = [0.3, 0.05, 0.01]
DIFFERENCES = np.diff(np.eye(COLUMNS), axis=0)
KINKED = [penalty for penalty in PENALTY_EXAMPLES if penalty.convex and not penalty.smooth]
FIELDS = {
    "coefs": "coef_",
    "intercepts": "intercept_",
    "objectives": "objective_",
    "risks": "risk_",
    "duality_gaps": "duality_gap_",
    "optimalities": "optimality_",
    "n_iters": "n_iter_",
}


def small(loss):
    """A few rows and columns, targets for the loss, weights of whole numbers."""
    X, latent = load("diabetes")
    X, latent = X[:ROWS, :COLUMNS] - X[:ROWS, :COLUMNS].mean(axis=0), latent[:ROWS]
    return X, targets(loss, latent), np.random.default_rng(1).integers(1, 4, ROWS).astype(float)


def alone(loss, penalty, alpha, X, y, weight=None, offset=None, **params):
    """The estimator, fitted at one alpha from the null model."""
    target = loss.target if not isinstance(loss, str) else "class" if loss in CLASSIFICATION else "real"
    estimator = ERMRegressor if target == "real" else ERMClassifier
    return estimator(loss, penalty, alpha, **{"tol": TOL, **params}).fit(X, y, weight, offset)


def assert_path_of_fits(path, fits, rtol=4 * TOL, unique=False):
    """Compare objectives, and coefficients where they are unique; look at the certificates."""
    errors = np.where(np.isnan(path.duality_gaps), path.optimalities, path.duality_gaps)
    assert np.all(errors <= TOL)
    scale = np.maximum(np.abs([fit.objective_ for fit in fits]), 1e-3)
    assert np.all(np.abs(path.objectives - [fit.objective_ for fit in fits]) <= rtol * scale)
    if unique:
        for coef, intercept, fit in zip(path.coefs, path.intercepts, fits, strict=True):
            size = np.abs(fit.coef_).max() + np.abs(fit.intercept_).max()
            np.testing.assert_allclose(coef, fit.coef_, atol=1e-3 * size)
            if fit.loss_.smooth:
                np.testing.assert_allclose(intercept, fit.intercept_, atol=1e-3 * size)


# -- points -----------------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")  # separable classes without a penalty
@pytest.mark.parametrize("pair", cover(23), ids=name_of_pair)
def test_every_point_is_a_fit(pair):
    """Certified, and of the objective that a fit alone reaches; from the null model where that is not convex."""
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    X, y, weight = small(loss)
    path = erm_path(X, y, loss=loss, penalty=penalty, alphas=ALPHAS, tol=TOL, sample_weight=weight)
    fits = [alone(loss, penalty, alpha, X, y, weight) for alpha in ALPHAS]
    if not all(result.success for fit in fits for result in np.atleast_1d(fit.result_)):
        pytest.skip("no minimiser")
    if loss.convex and penalty.convex:
        assert_path_of_fits(path, fits)
    else:
        np.testing.assert_array_equal(path.coefs, [fit.coef_ for fit in fits])


SETTINGS = {
    "offset": {},
    "no intercept": {"fit_intercept": False},
    "bounds": {"bounds": (-0.05, 0.1)},
    "constraints": {"constraints": LinearConstraint(np.ones((1, 5)), 0.1, 0.2)},
    "three classes": {"n_classes": 3},
    "scipy": {"solver": "L-BFGS-B"},
    "alpha 0": {"alphas": [0.2, 0.0]},
}


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", NAMES)
def test_settings(name, setting):
    """What changes the problem changes every point of the path as it does a fit."""
    params = dict(SETTINGS[setting])
    alphas, n_classes = params.pop("alphas", [0.3, 0.03]), params.pop("n_classes", 2)
    if n_classes > 2 and name not in CLASSIFICATION:
        pytest.skip("one target")
    X, y = make_data(name, n_classes=n_classes)
    offset = np.random.default_rng(3).normal(size=len(y)) / 2 if setting == "offset" else None
    params["tol"] = TOL
    path = erm_path(X, y, loss=name, penalty="l2", alphas=alphas, offset=offset, **params)
    fits = [alone(name, "l2", alpha, X, y, None, offset, **params) for alpha in alphas]
    assert_path_of_fits(path, fits, unique=alphas[-1] > 0)


@pytest.mark.parametrize("penalty", ["l2", "l1", "group"])
@pytest.mark.parametrize("name", NAMES)
def test_sparse_equals_dense_and_a_weight_of_two_a_repeated_row(name, penalty):
    X, y = make_data(name)
    X = np.where(np.abs(X) > 0.8, X, 0.0)
    penalty = GroupLasso([0, 0, 1, 1, 2]) if penalty == "group" else penalty
    weight = 1.0 + (np.arange(len(y)) % 3 == 0)
    options = {"loss": name, "penalty": penalty, "tol": TOL}
    # At the largest alpha itself the risk may not be unique
    options["alphas"] = erm_path(X, y, sample_weight=weight, alphas=4, eps=0.05, **options).alphas * 0.99
    path = erm_path(X, y, sample_weight=weight, **options)
    rows = np.repeat(np.arange(len(y)), weight.astype(int))
    for other in (
        erm_path(sparse.csr_array(X), y, sample_weight=7.0 * weight, **options),
        erm_path(sparse.csc_matrix(X[rows]), y[rows], **options),
    ):
        np.testing.assert_allclose(other.objectives, path.objectives, rtol=1e-6)
        np.testing.assert_allclose(other.risks, path.risks, rtol=2e-3)


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_class_weights(name):
    """Multiply the sample weights, on every point of the path."""
    X, y = make_data(name, n_classes=3)
    factors = {0: 1.0, 1: 3.0, 2: 0.5}
    options = {"loss": name, "penalty": "l2", "alphas": [0.3, 0.03], "tol": TOL}
    path = erm_path(X, y, class_weight=factors, **options)
    other = erm_path(X, y, sample_weight=np.array([1.0, 3.0, 0.5])[y], **options)
    np.testing.assert_allclose(path.objectives, other.objectives, rtol=4 * TOL)
    np.testing.assert_array_equal(path.classes, [0, 1, 2])


@pytest.mark.parametrize("loss", LOSS_KINDS, ids=name_of)
@pytest.mark.parametrize("penalty", ["l2", "l2_norm"])
def test_row_space(loss, penalty):
    """More features than samples: the path in the row space is the path of all features, alpha 0 included."""
    X, latent = load("wide")
    y = targets(loss, latent)
    alphas = [1.0, 0.2, 0.04] if loss.attained is False or penalty == "l2_norm" else [1.0, 0.2, 0.0]
    path = erm_path(X, y, loss=loss, penalty=penalty, alphas=alphas, tol=TOL)
    assert_path_of_fits(path, [alone(loss, penalty, alpha, X, y) for alpha in alphas], rtol=1e-6)


def test_single_precision():
    X, y = make_data("log_loss")
    options = {"loss": "log_loss", "penalty": "l1", "alphas": [0.1, 0.01]}
    path, single = erm_path(X, y, **options), erm_path(X.astype(np.float32), y, **options)
    assert single.coefs.dtype == single.intercepts.dtype == np.float32
    np.testing.assert_allclose(single.coefs, path.coefs, atol=1e-3)


@pytest.mark.parametrize("penalty", ["l1", MultiTaskLasso()], ids=["separate", "coupled"])
@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "poisson"])
def test_several_targets(name, penalty):
    X, y = make_data(name)
    Y = np.column_stack([y, y[::-1]])
    path = erm_path(X, Y, loss=name, penalty=penalty, alphas=[0.1, 0.02], tol=TOL)
    assert path.coefs.shape == (2, 2, X.shape[1])
    assert path.intercepts.shape == (2, 2)
    assert_path_of_fits(path, [alone(name, penalty, alpha, X, Y) for alpha in (0.1, 0.02)])


@pytest.mark.parametrize("penalty", ["l2", "l1"])
def test_a_scale_that_the_fit_finds(penalty):
    """Each alpha has its own scale, that of a fit at that alpha; and a grid can be found."""
    X, y = make_data("huber")
    y = 10.0 * y + 100.0 * (np.arange(len(y)) % 9 == 0)
    loss = Huber(scale="mad")
    path = erm_path(X, y, loss=loss, penalty=penalty, alphas=[1.0, 0.1, 0.01], tol=TOL)
    fits = [alone(loss, penalty, alpha, X, y) for alpha in path.alphas]
    np.testing.assert_allclose(
        path.objectives, [fit.objective_ for fit in fits], rtol=1e-3
    )  # the scale settles to 1e-4
    grid = erm_path(X, y, loss=loss, penalty="l1", alphas=3)
    assert np.all(grid.coefs[0] == 0)
    assert np.all(grid.coefs[1:].any(axis=1))


@pytest.mark.parametrize("penalty", [MCP(), 0.4 * MCP() + 0.1 * L1()], ids=str)
def test_not_convex(penalty):
    """The minimum found depends on the start, so that every point is found as a fit alone finds it."""
    X, y = make_data("squared_error")
    path = erm_path(X, y, penalty=penalty, alphas=[0.5, 0.2, 0.05])
    fits = [alone("squared_error", penalty, alpha, X, y, tol=1e-6) for alpha in path.alphas]
    np.testing.assert_array_equal(path.coefs, [fit.coef_ for fit in fits])


@pytest.mark.parametrize("name, penalty", [("hinge", "l2"), ("absolute_error", "l2"), ("squared_error", "slope")])
def test_neighbours_help(name, penalty):
    """A path takes fewer iterations than its fits alone."""
    X, latent = load("breast_cancer" if name in CLASSIFICATION else "diabetes")
    y = latent > 0 if name in CLASSIFICATION else latent
    path = erm_path(X, y, loss=name, penalty=penalty, alphas=30)
    cold = [alone(name, penalty, alpha, X, y, tol=1e-6).n_iter_ for alpha in path.alphas]
    assert path.n_iters.sum() < 0.8 * sum(cold)


# -- the largest alpha ------------------------------------------------------------------------------------------------


def penalised_part(problem, penalty, alpha):
    """The penalised coefficients at an alpha."""
    W = problem.split(minimize(problem.at_alpha(penalty, alpha), tol=1e-13, max_iter=5000).x)[0]
    return np.abs(W[~penalty.unpenalised(np.zeros(W.shape))]).max()


@pytest.mark.parametrize("penalty", KINKED, ids=name_of)
@pytest.mark.parametrize("loss", LOSS_KINDS, ids=name_of)
def test_the_largest_alpha_is_exact(loss, penalty):
    """At it all penalised coefficients are zero, and just below it one is not."""
    if not loss.convex or penalty.value(np.ones((COLUMNS, *([3] * loss.joint)))) == 0:
        pytest.skip("no grid")
    X, y, weight = small(loss)
    problem = objective(loss, penalty, 1.0, X, y, weight)
    largest = alpha_max(problem, penalty)
    at, below = (penalised_part(problem, penalty, factor * largest) for factor in (1 + 1e-6, 1 - 1e-4))
    assert at < 1e-7
    assert below > 1e-7


@pytest.mark.parametrize("loss", LOSS_KINDS, ids=name_of)
def test_the_largest_alpha_of_the_elastic_net(loss):
    """Near zero it is the lasso's share that counts, whatever the kinks of the loss."""
    if not loss.convex:
        pytest.skip("found from the gradient")
    X, y, weight = small(loss)
    problem = objective(loss, L1(), 1.0, X, y, weight)
    lasso = alpha_max(problem, L1())
    for share in (0.9, 0.3):
        largest = share * alpha_max(problem, ElasticNet(l1_ratio=share))
        crossing = getattr(loss, "non_crossing", False)  # scores do not cross up to a tolerance, and the risk follows
        np.testing.assert_allclose(largest, lasso, rtol=1e-5 if crossing else 1e-6)


@pytest.mark.parametrize(
    "penalty", [Fused(l1_ratio=0), Tikhonov(DIFFERENCES.T @ DIFFERENCES)], ids=["fused", "tikhonov"]
)
def test_a_penalty_of_differences_has_a_grid(penalty):
    """All coefficients alike cost nothing under it; that they differ does."""
    X, y, _ = small(LOSS_EXAMPLES[0])
    path = erm_path(X, y, penalty=penalty, alphas=4, tol=1e-10)
    spread = np.ptp(path.coefs, axis=1)
    assert spread[0] < 0.1 * spread[-1]
    if not penalty.smooth:
        assert spread[0] < 1e-6
        assert np.all(spread[1:] > 1e-6)


@pytest.mark.parametrize("name", ["squared_hinge", "hinge"])
def test_the_grid_of_one_vs_rest_is_that_of_the_class_that_is_last_to_vanish(name):
    X, y = make_data(name, n_classes=3)
    path = erm_path(X, y, loss=name, penalty="l1", alphas=3)
    each = [erm_path(X, y == label, loss=name, penalty="l1", alphas=1).alphas[0] for label in (0, 2)]
    np.testing.assert_allclose(path.alphas[0], max(each), rtol=1e-6)


@pytest.mark.parametrize("name", ["squared_error", "hinge", "log_loss", "poisson"])
def test_smooth_penalties_leave_little_at_the_largest_alpha(name):
    X, y = make_data(name)
    path = erm_path(X, y, loss=name, penalty="l2", alphas=50)
    size = np.linalg.norm(path.coefs.reshape(50, -1), axis=1)
    assert size[0] < 0.15 * size[-1]
    assert size[-1] - size[-5] < 0.1 * size[-1]


@pytest.mark.parametrize("name", ["squared_error", "absolute_error", "inverse_gaussian", "hinge"])
@pytest.mark.parametrize("bounds", [(0, None), (0.1, 0.5)], ids=str)
def test_bounds_leave_the_grid_of_a_smooth_penalty(name, bounds):
    """They change what is found at an alpha, and not which alphas matter."""
    X, y = make_data(name)
    free = erm_path(X, y, loss=name, penalty="l2", alphas=3)
    bounded = erm_path(X, y, loss=name, penalty="l2", alphas=3, bounds=bounds)
    np.testing.assert_allclose(bounded.alphas, free.alphas)


def test_nothing_to_gain():
    """Where no coefficients are better than zero, any grid will do."""
    X, y = make_data("hinge", n_classes=3)
    path = erm_path(X, y == 1, loss="hinge", penalty="l1", alphas=2)
    np.testing.assert_allclose(path.coefs, 0, atol=1e-6)
    assert path.alphas[0] > 1e-6


def test_the_largest_alpha_beside_free_features():
    """What the free features explain, up to rounding and the accuracy of their fit, is not the others' merit."""
    X, latent = load("diabetes")
    X, y = X[:60, :COLUMNS], targets(Softmax(), latent[:60])
    weight = np.random.default_rng(0).integers(1, 4, 60).astype(float)
    penalty = MultiTaskLasso(weights=[0, 2, 0.5, 0, 1, 3]).bind(COLUMNS)
    problem = objective(LOSSES["crammer_singer"](), penalty, 1.0, X, y, weight)
    largest = alpha_max(problem, penalty)
    assert penalised_part(problem, penalty, 1.001 * largest) < 1e-7
    assert penalised_part(problem, penalty, 0.9 * largest) > 1e-7


def test_grids():
    X, y = make_data("squared_error")
    path = erm_path(X, y, penalty="l1", alphas=5, eps=0.01)
    np.testing.assert_allclose(path.alphas[1:] / path.alphas[:-1], 0.01**0.25)
    assert len(erm_path(X, y, penalty="l1").alphas) == 100
    np.testing.assert_allclose(np.ptp(np.log10(erm_path(X, y, penalty="l1", alphas=2).alphas)), 3)
    np.testing.assert_allclose(np.ptp(np.log10(erm_path(X, y, alphas=2).alphas)), 6)
    np.testing.assert_allclose(np.ptp(np.log10(erm_path(X[:3], y[:3], penalty="l1", alphas=2).alphas)), 2)
    assert len(erm_path(X, np.ones(len(y)), penalty="l1", alphas=3).alphas) == 3  # nothing to explain: any grid will do


# -- the Bunch, and mistakes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_shapes(name, n_classes):
    """Those of the estimators, alpha on the first axis, falling; given alphas are sorted, and each is there once."""
    X, y = make_data(name, n_classes=n_classes)
    path = erm_path(X, y, loss=name, penalty="l2", alphas=[0.1, 0.5, 0.1])
    np.testing.assert_array_equal(path.alphas, [0.5, 0.1])
    model = make(name, tol=1e-6).fit(X, y)
    for field, attribute in FIELDS.items():
        assert path[field].shape == (2, *np.shape(getattr(model, attribute))), field
    assert ("classes" in path) == hasattr(model, "classes_")
    assert path.n_iters.dtype.kind == "i"


@pytest.mark.parametrize(
    "params, message",
    [
        ({"alphas": 0}, "erm_path(alphas=0): alphas must be an integer >= 1, or numbers"),
        ({"alphas": True}, "alphas must be an integer"),
        ({"alphas": "100"}, "alphas must be an integer"),
        ({"alphas": []}, "alphas must be an integer"),
        ({"alphas": [1.0, -1.0]}, "alphas must be an integer"),
        ({"alphas": [1.0, np.nan]}, "alphas must be an integer"),
        ({"alphas": [np.inf]}, "alphas must be an integer"),
        ({"alphas": [[1.0, 0.1], [0.2]]}, "alphas must be an integer"),
        ({"alphas": [[1.0, 0.1], [0.2, 0.02]]}, "erm_path: alphas of shape (2, 2) have 2 axes"),
        ({"eps": 1.0}, "erm_path(eps=1.0): eps must be a number in (0, 1), or None."),
        ({"eps": "small"}, "eps must be a number in (0, 1)"),
        ({"penalty": None}, "pass penalty='l1'"),
        ({"penalty": L1(weights=np.zeros(5))}, "pass penalty='l1'"),
        ({"penalty": None, "bounds": (-0.5, 0.5)}, "pass penalty='l1'"),
        ({"loss": "hnge"}, "Did you mean 'hinge'"),
        ({"loss": "squared_error", "class_weight": "balanced"}, "is one of regression"),
        ({"penalty": "l3"}, "unknown penalty"),
        ({"tol": 0}, "tol"),
        ({"max_iter": 0}, "max_iter"),
        ({"sample_weight": np.zeros(60)}, "sample_weight is zero for every row"),
        ({"offset": np.zeros(3)}, "offset must be one number or have the shape of the scores"),
    ],
    ids=str,
)
def test_mistakes(params, message):
    """Named, with the cure."""
    X, y = make_data("squared_error")
    with pytest.raises((ValueError, TypeError), match=re.escape(message)):
        erm_path(X, y, **{"alphas": 3, **params})


def test_any_number_is_a_number():
    """Of whatever type."""
    X, y = make_data("squared_error")
    path = erm_path(X, y, alphas=np.int64(3), eps=np.float32(0.1))
    np.testing.assert_allclose(path.alphas, erm_path(X, y, alphas=3, eps=float(np.float32(0.1))).alphas)


def test_fits_that_stop_short_are_told_of_once():
    X, y = make_data("log_loss")
    with pytest.warns(ConvergenceWarning, match=r"erm_path: \d of 4 alphas stopped short of tol=1e-12") as caught:
        erm_path(X, y, loss="log_loss", penalty="l2", alphas=4, tol=1e-12, max_iter=1)
    assert len(caught) == 1


def test_the_input_is_left_alone():
    X, y = make_data("hinge")
    before = X.copy(), y.copy()
    X.flags.writeable = y.flags.writeable = False
    penalty = L2(weights=np.ones(5))
    erm_path(X, y, loss="hinge", penalty=penalty, alphas=3)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])
