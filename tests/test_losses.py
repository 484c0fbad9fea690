"""Laws of every loss: derivatives, convexity, the null model, and what scikit-learn asks of an object."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn.base import clone

from sklearn_erm.losses import (
    LOSSES,
    CrammerSinger,
    CrossEntropy,
    EpsilonInsensitive,
    Expectile,
    Exponential,
    Hinge,
    Huber,
    Logistic,
    Loss,
    ModifiedHuber,
    Poisson,
    Quantile,
    SmoothedHinge,
    Softmax,
    SquaredEpsilonInsensitive,
    SquaredHinge,
    SquaredMargin,
)

H = 1e-5  # of a difference quotient


def elementwise(loss):
    """The functions of target and score alone; losses with kinks have no curvature."""
    return [name for name in ("value", "gradient", "curvature") if loss.has(name)]


def between(low, value, high, scale):
    """Tell where a value lies between two others, up to the rounding of numbers of that scale."""
    slack = 1e-12 * (1.0 + scale)
    return (value >= np.minimum(low, high) - slack) & (value <= np.maximum(low, high) + slack)


def size(p):
    """Return the size of the numbers that enter the computation, sample by sample: rounding is in proportion to it."""
    slope = p.loss.gradient(p.y, p.eta)
    sum_of_sizes = 1.0 + np.abs(p.y) + np.sqrt(p.dot(p.eta, p.eta)) + np.sqrt(p.dot(slope, slope))
    return sum_of_sizes / min(1.0, getattr(p.loss, "step", 1.0))


@given(data=st.data())
def test_gradient_is_a_subgradient(any_points, data):
    p = any_points(data)
    if not p.loss.convex:
        return
    here, there = p.loss.value(p.y, p.eta), p.loss.value(p.y, p.other)
    rise = p.dot(p.loss.gradient(p.y, p.eta), p.other - p.eta)
    assert np.all(there - here - rise >= -1e-13 * (1.0 + np.abs(here) + np.abs(there) + np.abs(rise)))


@given(data=st.data())
def test_gradient_is_the_limit_of_difference_quotients(any_points, data):
    p = any_points(data)
    sides = [p.loss.value(p.y, p.eta + h * p.direction) for h in (-H, H)]
    allowed = np.isfinite(sides).all(axis=0)  # not where the scores get out of an order they must have
    direction = np.where(p.along(allowed), p.direction, 0.0)
    left, right = p.eta - H * direction, p.eta + H * direction
    quotient = (p.loss.value(p.y, right) - p.loss.value(p.y, left)) / (2 * H)
    slopes = [p.dot(p.loss.gradient(p.y, eta), direction) for eta in (left, p.eta, right)]
    scale = (np.abs(p.loss.value(p.y, p.eta)) + size(p)) / H
    assert np.all(between(slopes[0], quotient, slopes[2], scale))
    assert np.all(between(slopes[0], slopes[1], slopes[2], size(p)))
    assert np.mean(slopes[2] - slopes[0] <= 1e-3 * (1.0 + np.abs(slopes[1]))) > 0.5  # there it says: equal


@given(data=st.data())
def test_curvature_is_the_limit_of_difference_quotients(any_points, data):
    p = any_points(data)
    if not p.loss.has("curvature"):
        return
    gradients = [p.loss.gradient(p.y, p.eta + h * p.direction) for h in (-H, 0.0, H)]
    left = p.dot(p.direction, gradients[1] - gradients[0]) / H
    right = p.dot(p.direction, gradients[2] - gradients[1]) / H
    bent = p.dot(p.direction, p.loss.hessp(p.y, p.eta, p.direction))
    assert np.all(between(left, bent, right, 1e-3 * size(p) / H))


@given(data=st.data())
def test_hessp_is_curvature_times_direction(any_points, data):
    p = any_points(data)
    if not p.loss.has("curvature"):
        return
    curvature, product = p.loss.curvature(p.y, p.eta), p.loss.hessp(p.y, p.eta, p.direction)
    if p.loss.joint:
        np.testing.assert_allclose(product, np.einsum("nij,nj->ni", curvature, p.direction), rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(curvature, curvature.swapaxes(1, 2), rtol=1e-12, atol=1e-12)
    else:
        np.testing.assert_array_equal(product, curvature * p.direction)


def test_losses_have_a_curvature_unless_they_have_kinks(loss):
    assert loss.has("curvature") == loss.smooth


def test_curvature_is_at_most_what_is_said_and_reaches_it(loss, targets):
    if not loss.has("curvature"):
        assert np.isnan(loss.max_curvature)
        return
    grid = np.linspace(-3.0, 3.0, 61)
    y = np.repeat(targets, len(grid))
    eta = np.tile(grid, len(targets)) + (y if loss.target == "real" and not loss.joint else 0.0)
    if loss.joint:
        eta = np.column_stack([eta, 0.0 * eta, np.full(len(eta), -40.0)])
        largest = np.linalg.eigvalsh(loss.curvature(y, eta)).max()
    else:
        largest = loss.curvature(y, eta).max()
    if np.isfinite(loss.max_curvature):
        assert largest == pytest.approx(loss.max_curvature, rel=1e-12)
    else:
        steep = max(np.abs(loss.curvature(y, side * eta)).max() for side in (-10.0, 10.0))
        assert steep > 1e3 * largest


@given(data=st.data(), share=st.floats(0, 1))
def test_value_is_convex_along_segments(any_points, data, share):
    p = any_points(data)
    if not p.loss.convex:
        return
    ends = p.loss.value(p.y, p.eta), p.loss.value(p.y, p.other)
    inside = p.loss.value(p.y, (1 - share) * p.eta + share * p.other)
    chord = (1 - share) * ends[0] + share * ends[1]
    assert np.all(inside <= chord + 1e-13 * (1.0 + np.abs(ends[0]) + np.abs(ends[1])))


@given(data=st.data())
def test_value_is_not_negative_and_flags_are_true(points, data):
    p = points(data)
    loss, gap = p.loss, 1e-9
    assert np.all(loss.value(p.y, p.eta) >= -1e-12 * (1.0 + np.abs(p.y) * np.abs(p.eta).max()))
    left, right = (loss.gradient(p.y, p.eta + side * p.direction) for side in (-gap, gap))
    jumps = np.abs(right - left) > 1e-3 * (1.0 + np.abs(left))
    assert loss.smooth == (not jumps.any())
    rise = loss.hessp(p.y, p.eta, p.direction) if loss.has("curvature") else right - left
    bent = p.dot(p.direction, rise)
    assert loss.convex == bool(np.all(bent >= -1e-12))


# The null model ------------------------------------------------------------------------------------------------------


def risk(loss, y, weight, score):
    """Return the weighted risk of a constant score."""
    eta = np.broadcast_to(score, (*y.shape, len(score)) if loss.joint else y.shape)
    return weight @ loss.value(y, eta)


@given(data=st.data())
def test_no_constant_beats_the_null_model(loss, targets, data):
    weight = data.draw(hnp.arrays(float, len(targets), elements=st.floats(0.01, 1.0)))
    weight = weight / weight.sum()
    best = loss.null(targets, weight)
    least = risk(loss, targets, weight, best)
    assert np.shape(best) == ((3,) if loss.joint else ())
    moves = [*np.linspace(-3, 3, 31), *(sign * h for sign in (-1, 1) for h in (1e-1, 1e-2, 1e-3))]
    rivals = [best + move * np.eye(3)[j] for move in moves for j in range(3)] if loss.joint else best + np.array(moves)
    rivals = [*rivals, *([] if loss.joint else targets)]
    assert all(risk(loss, targets, weight, rival) >= least - 1e-12 * (1.0 + least) for rival in rivals)


@given(data=st.data())
def test_null_model_counts_a_weight_of_two_as_a_row_repeated(loss, targets, data):
    count = data.draw(hnp.arrays(int, len(targets), elements=st.integers(0, 3)))
    count[: len(targets) // 2] += 1
    weighted = risk(loss, targets, count / count.sum(), loss.null(targets, count / count.sum()))
    rows, even = np.repeat(targets, count), np.full(count.sum(), 1.0 / count.sum())
    repeated = risk(loss, rows, even, loss.null(rows, even))
    assert weighted == pytest.approx(repeated, rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("loss", [Logistic(), CrossEntropy()], ids=repr)
def test_null_model_of_one_class_is_finite(loss):
    weight = np.array([0.5, 0.5, 0.0])
    for sign in (-1.0, 1.0):
        score = loss.null(sign * np.array([1.0, 1.0, -1.0]), weight)
        assert np.isfinite(score)
        assert sign * score > 20


def test_null_model_of_softmax_is_finite_for_a_class_without_weight():
    score = Softmax().null(np.array([0, 1, 2]), np.array([0.25, 0.75, 0.0]))
    assert np.all(np.isfinite(score))
    assert score[1] - score[0] == pytest.approx(np.log(3.0))
    assert score[0] - score[2] > 20


# Shapes and types ----------------------------------------------------------------------------------------------------


def test_several_outputs_are_taken_column_by_column(loss, targets):
    if loss.joint:
        return
    y = np.column_stack([targets, targets[::-1]])
    eta = np.column_stack([np.linspace(-2, 3, len(y)), np.linspace(1, -1, len(y))])
    calls = [lambda y, e, name=name: getattr(loss, name)(y, e) for name in elementwise(loss)]
    calls += [lambda y, e: loss.hessp(y, e, e + 1.0)] * loss.has("curvature")
    calls += [lambda y, e: loss.conjugate(y, loss.gradient(y, e))] * loss.has("conjugate")
    calls += [lambda y, e: loss.prox(y, e, 0.7), lambda y, e: loss.prox_derivative(y, e, 0.7)] * loss.has("prox")
    weight = np.arange(1.0, len(y) + 1) / np.sum(np.arange(1.0, len(y) + 1))
    calls += [lambda y, e: loss.balance(y, loss.gradient(y, e), weight), lambda y, e: loss.null(y, weight)]
    for call in calls:
        columns = [call(y[:, j], eta[:, j]) for j in range(2)]
        np.testing.assert_allclose(call(y, eta), np.stack(columns, axis=-1), rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize("kind, rtol", [(np.float32, 2e-5), (np.int64, 0.0), (np.int32, 0.0)])
def test_other_types_of_number_give_the_same_answers(loss, targets, kind, rtol):
    y = targets.astype(kind)
    y = np.where(loss.in_domain(y), y, targets.max()).astype(kind)
    eta = np.resize(np.arange(-2, 5), (len(y), 3) if loss.joint else len(y)).astype(kind)
    wide = y.astype(float), eta.astype(float)
    for name in (*elementwise(loss), *filter(loss.has, ("prox", "prox_derivative"))):
        step = [2] if name.startswith("prox") else []
        wanted = getattr(loss, name)(*wide, *step)
        np.testing.assert_allclose(getattr(loss, name)(y, eta, *step), wanted, rtol=rtol, atol=10 * rtol, err_msg=name)


@given(data=st.data())
def test_arrays_are_not_written_on_and_answers_not_shared(any_points, data):
    p = any_points(data)  # all its arrays are read-only
    u = np.array(p.loss.gradient(p.y, p.eta))
    u.flags.writeable = False
    answers = [getattr(p.loss, name)(p.y, p.eta) for name in elementwise(p.loss)]
    answers += [p.loss.hessp(p.y, p.eta, p.direction)] if p.loss.has("curvature") else []
    answers += [p.loss.conjugate(p.y, u), p.loss.into_dual_domain(p.y, u)] if p.loss.has("conjugate") else []
    answers += [p.loss.balance(p.y, u, np.full(len(p.y), 1.0 / len(p.y)))]
    for answer in answers:
        assert np.asarray(answer).dtype == float
        assert not any(np.shares_memory(answer, array) for array in (p.y, p.eta, p.direction))


def test_domain_of_targets(loss):
    odd = np.array([np.nan, np.inf, -np.inf])
    assert not loss.in_domain(odd).any()
    good, bad = {
        "finite": ([-3.0, 0.0, 0.5, 7.0], []),
        "y >= 0": ([0.0, 0.5, 7.0], [-1e-9, -3.0]),
        "y > 0": ([1e-9, 0.5, 7.0], [0.0, -3.0]),
        "-1 or +1": ([-1.0, 1.0], [0.0, 2.0, 0.5]),
        "class indices": ([0, 1, 7], [-1.0, 0.5]),
    }[loss.domain]
    assert loss.in_domain(np.array(good)).all()
    assert not np.any(loss.in_domain(np.array(bad)))


def test_poisson_takes_no_negative_counts():
    assert Poisson().in_domain(np.array([-1e-9, 0.0, 3.0])).tolist() == [False, True, True]


# Objects -------------------------------------------------------------------------------------------------------------


def test_parameters_survive_clone_and_repr(loss):
    loss.validate()
    copy = clone(loss)
    assert type(copy) is type(loss)
    assert copy is not loss
    assert copy.get_params() == loss.get_params()
    assert eval(repr(loss), {type(loss).__name__: type(loss)}).get_params() == loss.get_params()
    assert type(loss)(**loss.get_params()).get_params() == loss.get_params()


def test_registry_holds_losses():
    assert all(issubclass(cls, Loss) for cls in LOSSES.values())
    assert LOSSES["log_loss"] is LOSSES["cross_entropy"]
    assert all(len(cls.examples()) >= 1 for cls in LOSSES.values())


RANGES = [
    (Huber, "delta", [0.0, -1.0, np.inf], "(0, inf)"),
    (Quantile, "quantile", [0.0, 1.0, -0.1, 1.1], "(0, 1)"),
    (EpsilonInsensitive, "epsilon", [-1e-9, np.inf], "[0, inf)"),
    (SquaredEpsilonInsensitive, "epsilon", [-1e-9, np.inf], "[0, inf)"),
    (Expectile, "expectile", [0.0, 1.0, -0.1, 1.1], "(0, 1)"),
    (SmoothedHinge, "delta", [0.0, -1.0, np.inf], "(0, inf)"),
]


@pytest.mark.parametrize("cls, name, values, interval", RANGES, ids=lambda value: getattr(value, "__name__", None))
def test_bad_parameters_are_named(cls, name, values, interval):
    for value in [*values, np.nan]:
        with pytest.raises(ValueError) as raised:
            cls(**{name: value}).validate()
        assert all(part in str(raised.value) for part in (cls.__name__, f"{name}={value!r}", interval))
    for value in ["1.0", None, True, np.True_, [0.5], np.array(0.5), 1j]:
        with pytest.raises(TypeError, match=rf"{cls.__name__}\({name}=.*{name} must be a real number"):
            cls(**{name: value}).validate()
    for value in [0.5, np.float32(0.25), np.float64(0.5)]:
        cls(**{name: value}).validate()


def test_every_parameter_is_validated(loss):
    for name in loss.get_params():
        with pytest.raises(TypeError, match=name):
            clone(loss).set_params(**{name: "wrong"}).validate()


def test_joint_form_for_more_than_two_classes(loss):
    assert isinstance(loss.for_classes(2), Hinge if isinstance(loss, CrammerSinger) else type(loss))
    assert isinstance(loss.for_classes(3), Softmax if isinstance(loss, (CrossEntropy, Softmax)) else type(loss))
    assert CrossEntropy().for_classes(3).joint


def test_predictions():
    eta = np.array([-1e4, -1.0, 0.0, 1.0, 1e4])
    assert Huber().inverse_link(eta) is eta
    np.testing.assert_allclose(Poisson().inverse_link(eta[:4]), [0.0, np.exp(-1.0), 1.0, np.e], rtol=1e-15)
    for loss in (Logistic(), CrossEntropy()):
        np.testing.assert_allclose(loss.probability(eta), [0, 1 / (1 + np.e), 0.5, np.e / (1 + np.e), 1], rtol=1e-15)
        np.testing.assert_allclose(loss.log_probability(eta)[[0, 2, 4]], [-1e4, -np.log(2.0), 0.0], rtol=1e-15)
    scores = np.array([[0.0, np.log(2.0), -1e4], [1e4, 1e4, 1e4]])
    np.testing.assert_allclose(Softmax().probability(scores), [[1 / 3, 2 / 3, 0], [1 / 3] * 3], rtol=1e-15)
    wanted = [[-np.log(3.0), np.log(2 / 3), -1e4 - np.log(3.0)], [-np.log(3.0)] * 3]
    np.testing.assert_allclose(Softmax().log_probability(scores), wanted, rtol=1e-15)
    assert not any(hasattr(loss, "probability") for loss in (Hinge(), SmoothedHinge(), CrammerSinger(), Huber()))
    np.testing.assert_allclose(Exponential().probability(eta), Logistic().probability(2 * eta), rtol=1e-14)
    np.testing.assert_allclose(Exponential().log_probability(eta)[[0, 2, 4]], [-2e4, -np.log(2.0), 0.0], rtol=1e-15)
    near = np.array([-5.0, -1.0, -0.5, 0.0, 1.0 - 2e-12, 1.0, 5.0])
    for loss in (SquaredMargin(), SquaredHinge(), ModifiedHuber()):
        np.testing.assert_allclose(loss.probability(near), [0, 0, 0.25, 0.5, 1.0, 1, 1], rtol=1e-11)
        logarithms = [-np.inf, -np.inf, np.log(0.25), np.log(0.5), -0.5 * (1.0 - near[4]), 0, 0]
        np.testing.assert_allclose(loss.log_probability(near), logarithms, rtol=1e-11)


PROBABILISTIC = [cls() for cls in dict.fromkeys(LOSSES.values()) if hasattr(cls, "probability") and not cls.joint]


@pytest.mark.parametrize("loss", PROBABILISTIC, ids=repr)
def test_probability_is_what_the_best_constant_estimates(loss):
    y = np.array([-1.0, 1.0])
    for share in (0.01, 0.3, 0.5, 0.9):
        score = np.array([loss.null(y, np.array([1.0 - share, share]))])
        assert loss.probability(score)[0] == pytest.approx(share, rel=1e-12)
        assert np.exp(loss.log_probability(score))[0] == pytest.approx(share, rel=1e-12)
        assert loss.probability(-score)[0] == pytest.approx(1.0 - share, rel=1e-12)


def test_the_link_undoes_its_inverse(loss):
    """link(inverse_link(eta)) = eta, for one score and for several."""
    eta = np.linspace(-8.0, 8.0, 12).reshape(4, 3) if loss.joint else np.linspace(-8.0, 8.0, 12)
    np.testing.assert_allclose(loss.link(loss.inverse_link(eta)), eta, atol=1e-12)
