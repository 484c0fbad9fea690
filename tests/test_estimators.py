"""What the estimators fit: weights, offsets, classes, targets, probabilities; laws over the registry of losses."""

import numpy as np
import pytest
from scipy.special import expit, log_softmax, softmax
from sklearn.base import clone

from sklearn_erm.losses import LOSSES, Softmax
from sklearn_erm.penalties import GroupLasso

from .fits import CLASSIFICATION, NAMES, NONNEGATIVE, REGRESSION, TRANSLATING, N, P, assert_same_fit, make, make_data

# -- weights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("penalty", ["l2", "l2_norm", "l1", "elasticnet", GroupLasso([0, 0, 1, 1, 2])], ids=repr)
@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", NAMES)
def test_weights_repeat_rows(name, n_classes, penalty):
    X, y = make_data(name, n_classes=n_classes)
    weight = np.random.default_rng(1).integers(0, 4, N)
    model = make(name, penalty, alpha=0.02)
    weighted = clone(model).fit(X, y, sample_weight=7.5 * weight)
    repeated = clone(model).fit(X.repeat(weight, axis=0), y.repeat(weight))
    plain = model.fit(X, y)
    assert_same_fit(weighted, repeated)
    assert np.abs(weighted.coef_ - plain.coef_).max() > 1e-2 * np.abs(plain.coef_).max()


@pytest.mark.parametrize("name", NAMES)
def test_order_of_rows_and_unit_of_weights_do_not_matter(name):
    X, y = make_data(name, n_classes=3)
    order = np.random.default_rng(1).permutation(N)
    fit = make(name).fit(X, y)
    assert_same_fit(make(name).fit(X[order], y[order]), fit)
    for weight in (1e-300, 3, np.full(N, 1e300), [2] * N):
        assert_same_fit(make(name).fit(X, y, sample_weight=weight), fit)


@pytest.mark.parametrize("name", NAMES)
def test_objective_is_the_formula(name):
    X, y = make_data(name)
    weight = np.random.default_rng(1).uniform(size=N)
    model = make(name).fit(X, y, sample_weight=weight)
    coef, loss = model.coef_.ravel(), model.loss_
    coded = y if name in REGRESSION else 2.0 * y - 1.0
    risk = np.average(loss.value(coded, X @ coef + model.intercept_), weights=weight)
    np.testing.assert_allclose(model.risk_, risk, rtol=1e-10)
    np.testing.assert_allclose(model.objective_, risk + 0.1 * 0.5 * coef @ coef, rtol=1e-10)
    assert 0 <= model.duality_gap_ <= model.tol if loss.convex else np.isnan(model.duality_gap_)
    assert model.result_.success
    assert type(model.n_iter_) is int


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_class_weights_multiply_sample_weights(name):
    X, y = make_data(name, n_classes=3)
    y = np.where(y == 2, 1, y)  # one third against two thirds
    weight = np.random.default_rng(1).uniform(size=N)
    for class_weight, factor in [
        ({0: 3.0, 1: 0.5}, np.where(y == 0, 3.0, 0.5)),
        ({1: 4}, np.where(y == 0, 1.0, 4.0)),
        ("balanced", 1 / np.bincount(y, weight)[y]),
    ]:
        by_class = make(name, class_weight=class_weight).fit(X, y, sample_weight=weight)
        by_hand = make(name).fit(X, y, sample_weight=weight * factor)
        assert_same_fit(by_class, by_hand)
        assert np.abs(by_class.coef_ - make(name).fit(X, y, sample_weight=weight).coef_).max() > 1e-3


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_classes_and_rows_without_weight_are_absent(name):
    X, y = make_data(name, n_classes=4)
    X[y == 1] = 1e200  # as good as absent, so it cannot overflow
    present = y != 1
    by_sample = make(name).fit(X, y, sample_weight=present)
    by_class = make(name, class_weight={0: 1, 1: 0, 2: 1, 3: 1}).fit(X, y)
    absent = make(name).fit(X[present], y[present])
    for model in (by_sample, by_class):
        np.testing.assert_array_equal(model.classes_, [0, 2, 3])
        np.testing.assert_array_equal(model.coef_, absent.coef_)
        np.testing.assert_array_equal(model.predict(X[present]), absent.predict(X[present]))


# -- intercept and offset ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_intercept_is_free_or_zero(name):
    X, y = make_data(name)
    free = make(name, alpha=1e6).fit(X, y)  # coefficients 0: what remains is the null model
    coded = y if name in REGRESSION else 2.0 * y - 1.0
    null = free.loss_.null(coded, np.full(N, 1 / N))
    value = free.loss_.value
    best = value(coded, np.full(N, null)).mean()
    np.testing.assert_allclose(value(coded, np.full(N, free.intercept_)).mean(), best, rtol=1e-6)
    without = make(name, fit_intercept=False).fit(X, y)
    assert np.all(without.intercept_ == 0)
    assert np.shape(without.intercept_) == np.shape(free.intercept_)
    # what the intercept would do, a column of ones does where it is not penalised
    shifted = make(name).fit(X + 1e3, y)
    assert_same_fit(shifted, make(name).fit(X, y))


@pytest.mark.parametrize("name", NAMES)
def test_offset_shifts_scores(name):
    X, y = make_data(name)
    shift = np.array([0.3, 0.0, -0.2, 0.1, 0.0])
    fit = make(name, alpha=0, tol=1e-7) if LOSSES[name]().smooth else make(name)
    plain = fit.fit(X, y)
    scores, coef = plain.decision_function(X) if name in CLASSIFICATION else plain.predict(X), plain.coef_
    moved = fit.fit(X, y, offset=np.full(N, -2.0))
    np.testing.assert_allclose(moved.coef_, coef, atol=2e-4)
    again = moved.decision_function(X, np.full(N, -2.0)) if name in CLASSIFICATION else moved.predict(X, [-2.0] * N)
    np.testing.assert_allclose(again, scores, rtol=1e-3, atol=1e-3)
    if LOSSES[name]().smooth:
        np.testing.assert_allclose(fit.fit(X, y, offset=X @ shift).coef_.ravel(), coef.ravel() - shift, atol=1e-3)


@pytest.mark.parametrize("name", TRANSLATING)
def test_offset_is_subtracted_from_targets(name):
    X, y = make_data(name)
    offset = np.random.default_rng(1).normal(size=N)
    model = make(name).fit(X, y, offset=offset)
    assert_same_fit(model, make(name).fit(X, y - offset))
    np.testing.assert_allclose(model.predict(X, offset) - offset, model.predict(X))
    np.testing.assert_allclose(
        model.score(X, y, offset=offset), 1 - np.var(y - model.predict(X, offset)) / np.var(y), atol=0.05
    )


def test_offset_per_class():
    X, y = make_data("log_loss", n_classes=3)
    offset = np.random.default_rng(1).normal(size=(N, 3))
    for name in ("log_loss", "squared"):
        model = make(name).fit(X, y, offset=offset)
        plain = make(name).fit(X, y)
        assert np.abs(model.coef_ - plain.coef_).max() > 1e-2
        np.testing.assert_allclose(model.decision_function(X, offset), model.decision_function(X) + offset)
        np.testing.assert_array_equal(model.predict(X, offset), model.decision_function(X, offset).argmax(axis=1))
        assert model.score(X, y, offset=offset) == np.mean(model.predict(X, offset) == y)
    # one-vs-rest: every class has its own column
    second = make("squared").fit(X, y == 1, offset=offset[:, 1])
    np.testing.assert_allclose(model.coef_[1], second.coef_[0])


# -- classes and targets ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_binary_shapes(name):
    X, y = make_data(name)
    model = make(name).fit(X, y)
    assert model.coef_.shape == (1, P)
    assert model.intercept_.shape == (1,)
    scores = model.decision_function(X)
    assert scores.shape == (N,)
    np.testing.assert_allclose(scores, X @ model.coef_[0] + model.intercept_[0])
    np.testing.assert_array_equal(model.predict(X), scores > 0)
    assert model.score(X, y) == np.mean(model.predict(X) == y) > 0.7


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_more_classes_are_joint_or_one_against_the_rest(name):
    X, y = make_data(name, n_classes=3)
    model = make(name).fit(X, y)
    assert model.coef_.shape == (3, P)
    assert model.intercept_.shape == (3,)
    np.testing.assert_array_equal(model.predict(X), model.decision_function(X).argmax(axis=1))
    if model.loss_.joint:
        assert not isinstance(model.result_, list)
        np.testing.assert_allclose(model.intercept_.sum(), 0, atol=1e-10)  # scores say nothing but by their differences
        return
    parts = [make(name).fit(X, y == c) for c in range(3)]
    np.testing.assert_allclose(model.coef_, np.vstack([part.coef_ for part in parts]))
    assert [result.nit for result in model.result_] == [part.n_iter_ for part in parts]
    assert model.n_iter_ == max(part.n_iter_ for part in parts)
    assert model.optimality_ == max(part.optimality_ for part in parts)
    np.testing.assert_allclose(model.risk_, sum(part.risk_ for part in parts))
    np.testing.assert_allclose(model.objective_, sum(part.objective_ for part in parts))
    gap = sum(part.duality_gap_ * part.objective_ for part in parts) / model.objective_
    np.testing.assert_allclose(model.duality_gap_, gap)


@pytest.mark.parametrize(
    "labels",
    [
        ["no", "yes", "maybe"],
        np.array(["b", "a", "c"], dtype=object),
        [-3, 7, 0],
        [2.0, 1.0, 4.0],
        [True, False],
        np.array([1, 0], dtype=np.uint8),
        ["x", "y"],
    ],
    ids=repr,
)
def test_labels_come_back(labels):
    labels = np.asarray(labels)
    X, y = make_data("log_loss", n_classes=len(labels))
    model = make("log_loss").fit(X, labels[y])
    np.testing.assert_array_equal(model.classes_, np.sort(labels))
    assert model.classes_.dtype == model.predict(X).dtype == labels.dtype
    assert model.score(X, labels[y]) > 0.7
    order = np.argsort(labels)
    first = make("log_loss").fit(X, np.argsort(order)[y])
    np.testing.assert_array_equal(model.coef_, first.coef_)


def test_a_loss_that_is_joint_for_two_classes():
    X, y = make_data("log_loss")
    joint, single = make("log_loss").set_params(loss=Softmax()), make("log_loss", alpha=0.05)
    joint.fit(X, y)
    single.fit(X, y)  # (w, -w) / 2 has half the square of w
    assert joint.coef_.shape == (2, P)
    np.testing.assert_allclose(joint.coef_[1] - joint.coef_[0], single.coef_[0], atol=1e-4)
    np.testing.assert_allclose(joint.decision_function(X), single.decision_function(X), atol=1e-3)
    np.testing.assert_allclose(joint.predict_proba(X), single.predict_proba(X), atol=1e-4)
    np.testing.assert_array_equal(joint.predict(X), joint.decision_function(X) > 0)


@pytest.mark.parametrize("name", REGRESSION)
def test_targets_are_independent(name):
    X, y = make_data(name)
    Y = np.column_stack([y, np.abs(X[:, 0])])
    offset = np.random.default_rng(1).normal(size=Y.shape) / 5
    model = make(name).fit(X, Y, offset=offset)
    parts = [make(name).fit(X, Y[:, j], offset=offset[:, j]) for j in range(2)]
    assert model.coef_.shape == (2, P)
    assert model.intercept_.shape == (2,)
    for j, part in enumerate(parts):
        assert part.coef_.shape == (P,)
        assert np.shape(part.intercept_) == ()
        np.testing.assert_allclose(model.coef_[j], part.coef_)
        np.testing.assert_allclose(model.predict(X, offset)[:, j], part.predict(X, offset[:, j]))
    np.testing.assert_allclose(model.objective_, sum(part.objective_ for part in parts))


def test_one_column_of_targets_stays_a_column():
    X, y = make_data("squared_error")
    column, flat = make("squared_error").fit(X, y[:, None]), make("squared_error").fit(X, y)
    assert column.coef_.shape == (1, P)
    np.testing.assert_array_equal(column.predict(X), flat.predict(X)[:, None])


def test_a_penalty_that_couples_targets_sees_them_all():
    X, y = make_data("squared_error")
    Y = np.column_stack([y, X[:, 0] ** 2])
    model = make("squared_error", "l2_norm").fit(X, Y)
    assert not isinstance(model.result_, list)
    residual = Y - model.predict(X)
    expected = np.sum(residual**2) / N + 0.1 * np.linalg.norm(model.coef_)
    np.testing.assert_allclose(model.objective_, expected)
    # stationarity under the Frobenius norm: each column's gradient is against its share of the unit matrix
    gradient = -2 * (X - X.mean(axis=0)).T @ residual / N
    np.testing.assert_allclose(gradient, -0.1 * model.coef_.T / np.linalg.norm(model.coef_), atol=1e-3)


@pytest.mark.parametrize("name", NONNEGATIVE)
def test_log_link(name):
    X, y = make_data(name)
    model = make(name).fit(X, y)
    np.testing.assert_allclose(model.predict(X), np.exp(X @ model.coef_ + model.intercept_))
    assert model.score(X, y) > 0.2


# -- probabilities ----------------------------------------------------------------------------------------------------

LINKS = {
    "logistic": expit,
    "log_loss": expit,
    "cross_entropy": expit,
    "exponential": lambda scores: expit(2 * scores),
    **dict.fromkeys(["squared", "squared_hinge", "modified_huber"], lambda scores: (1 + np.clip(scores, -1, 1)) / 2),
}
CLIPPED = ("squared", "squared_hinge", "modified_huber")
PROBABILISTIC = [name for name in CLASSIFICATION if hasattr(LOSSES[name], "probability")]


@pytest.mark.parametrize("name", CLASSIFICATION)
def test_probabilities_exist_where_the_loss_means_them(name):
    assert hasattr(make(name), "predict_proba") == hasattr(make(name), "predict_log_proba") == (name in PROBABILISTIC)
    if name not in PROBABILISTIC:
        with pytest.raises(AttributeError) as error:
            make(name).predict_proba(np.zeros((1, 1)))
        assert "'log_loss', 'cross_entropy'" in str(error.value.__cause__)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("name", PROBABILISTIC)
def test_probabilities(name, n_classes):
    X, y = make_data(name, n_classes=n_classes)
    model = make(name).fit(X, y)
    scores, p = model.decision_function(X), model.predict_proba(X)
    if model.loss_.joint:
        expected = softmax(scores, axis=1)
    else:
        each = LINKS[name](np.column_stack([-scores, scores]) if n_classes == 2 else scores)
        total = each.sum(axis=1, keepdims=True)
        expected = np.divide(each, total, out=np.full(each.shape, 1 / n_classes), where=total > 0)
    np.testing.assert_allclose(p, expected)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    with np.errstate(divide="ignore"):
        np.testing.assert_allclose(model.predict_log_proba(X), np.log(p))
    far, at = model.predict_log_proba(1e4 * X), model.predict_proba(1e4 * X)
    assert np.all(np.isfinite(at))
    np.testing.assert_allclose(at.sum(axis=1), 1)
    if name not in CLIPPED:  # probabilities underflow, their logarithms do not
        assert np.all(np.isfinite(far))
    if model.loss_.joint:
        np.testing.assert_allclose(far, log_softmax(model.decision_function(1e4 * X), axis=1), atol=1e-50)
