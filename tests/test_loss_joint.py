"""The joint losses with kinks, Crammer and Singer's hinge and several quantiles, against linear programs and SLSQP."""

import numpy as np
import pytest
from scipy.optimize import LinearConstraint, linprog, minimize

from sklearn_erm.losses import CrammerSinger, Hinge, MultiQuantile, Quantile, Softmax
from sklearn_erm.losses.smoothed import Smoothed

from .references import JOINT_PIECES, loss_value

RNG = np.random.default_rng(0)
HINGE, PLAIN, ORDERED = CrammerSinger(), MultiQuantile(), MultiQuantile(non_crossing=True)
LOSSES_HERE = [HINGE, PLAIN, ORDERED, MultiQuantile((0.05, 0.3, 0.31, 0.8), non_crossing=True), MultiQuantile([0.4])]


def width(loss):
    return loss.n_scores or 4


def draw(loss, n, scale=1.0):
    """Targets and scores, out of order; every fourth row with ties."""
    y = RNG.integers(0, 4, n) if loss.target == "class" else RNG.normal(size=n)
    eta = scale * RNG.normal(size=(n, width(loss)))
    eta[::4] = np.round(eta[::4])
    return y, eta


def epigraph(loss, y):
    """The matrix and the vector of A (f, t) <= c: t is at least every piece at f, and f is in order if it must be."""
    pieces = JOINT_PIECES[type(loss).__name__](loss, np.array([y]), width(loss))
    pieces = [(np.ravel(slope), float(np.ravel(c)[0])) for slope, c in pieces]
    A = np.array([[*slope, -1.0] for slope, _ in pieces])
    c = np.array([-constant for _, constant in pieces])
    if getattr(loss, "non_crossing", False):
        k = width(loss)
        order = np.column_stack([np.eye(k)[:-1] - np.eye(k)[1:], np.zeros(k - 1)])
        A, c = np.vstack([A, order]), np.concatenate([c, np.zeros(k - 1)])
    return A, c


def dual_points(loss, y, eta):
    """Dual variables in the domain of the conjugate, off and on its boundary: of the prox, and mixtures."""
    u = [(eta - loss.prox(y, eta, step)) / step for step in (0.1, 1.0, 10.0)]
    return [loss.into_dual_domain(y, each) for each in (*u, 0.3 * u[0] + 0.7 * u[2])]


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_value_is_the_formula(loss):
    y, eta = draw(loss, 40)
    if loss.target == "real":
        eta = np.sort(eta, axis=1)
    np.testing.assert_allclose(loss.value(y, eta), loss_value(loss, y, eta), rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
@pytest.mark.parametrize("step", [0.05, 1.0, 30.0])
def test_prox_is_what_quadratic_programming_finds(loss, step):
    ys, etas = draw(loss, 12)
    prox = loss.prox(ys, etas, step)
    for y, eta, z in zip(ys, etas, prox, strict=True):
        A, c = epigraph(loss, y)
        start = np.append(np.sort(eta), 100.0)
        found = minimize(
            lambda v, eta=eta: v[-1] + 0.5 * np.sum((v[:-1] - eta) ** 2) / step,
            start,
            jac=lambda v, eta=eta: np.append((v[:-1] - eta) / step, 1.0),
            method="SLSQP",
            constraints=LinearConstraint(A, -np.inf, c),
            options={"ftol": 1e-14, "maxiter": 500},
        ).x[:-1]
        np.testing.assert_allclose(z, found, atol=2e-5 * max(1.0, step))
        least = loss.value(np.array([y]), z[None])[0] + 0.5 * np.sum((z - eta) ** 2) / step
        risk = np.max(A[:, :-1] @ found - c, initial=-np.inf, where=A[:, -1] < 0)
        bound = risk + 0.5 * np.sum((found - eta) ** 2) / step
        assert np.isfinite(least)
        assert least <= bound + 1e-8 * (1.0 + step)


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_prox_is_stationary_far_away_and_for_every_step(loss):
    """Fenchel-Young says how far z is from the prox."""
    for step in (1e-4, 1.0, 100.0, 1e6):
        for scale in (1.0, 100.0, 1e4):
            y, eta = draw(loss, 50, scale)
            z = loss.prox(y, eta, step)
            u = loss.into_dual_domain(y, (eta - z) / step)
            np.testing.assert_allclose(eta - step * u, z, rtol=1e-14, atol=4e-15 * (scale + step))
            gap = loss.value(y, z) + loss.conjugate(y, u) - np.sum(u * z, axis=1)
            assert np.all(np.abs(gap) <= 1e-14 * (scale + step) * max(1.0, scale / step))  # u is a difference / step


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_prox_derivative_is_the_difference_quotient(loss):
    h = 1e-6
    for step in (0.2, 1.0, 5.0):
        y, eta = draw(loss, 200)
        eta = eta + 0.01 * RNG.normal(size=eta.shape)
        derivative = loss.prox_derivative(y, eta, step)
        kinks = np.zeros(len(y), dtype=bool)
        for j in range(width(loss)):
            ends = [loss.prox(y, eta + h * side * np.eye(width(loss))[j], step) for side in (-1, 0, 1)]
            left, right = (ends[1] - ends[0]) / h, (ends[2] - ends[1]) / h
            kinks |= np.abs(left - right).max(axis=1) > 1e-6
            error = np.abs(0.5 * (left + right) - derivative[:, :, j]).max(axis=1)
            assert np.all((error < 1e-8) | kinks)
        assert kinks.mean() < 0.05
        assert np.ptp(np.trace(derivative, axis1=1, axis2=2)) >= 0.9  # not always the identity


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_conjugate_is_what_linear_programming_finds(loss):
    ys, etas = draw(loss, 8)
    k = width(loss)
    for inside in dual_points(loss, ys, etas):
        moves = 0.2 * RNG.normal(size=inside.shape), 1e-3 * RNG.choice([-1, 0, 1], inside.shape)
        for u in (inside, inside + moves[0], inside + moves[1]):
            conjugate = loss.conjugate(ys, u)
            for i, y in enumerate(ys):
                A, c = epigraph(loss, y)
                far = 1e3 if np.isfinite(conjugate[i]) else 1e6
                bounds = [(-far, far)] * k + [(None, None)]
                largest = -linprog(np.append(-u[i], 1.0), A, c, bounds=bounds).fun
                if np.isfinite(conjugate[i]):
                    assert conjugate[i] == pytest.approx(largest, abs=1e-8)
                else:
                    assert largest > 100.0, (y, u[i])
        assert np.all(np.isfinite(loss.conjugate(ys, inside)))


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_rounding_is_taken_back_and_nothing_else_moves(loss):
    y, eta = draw(loss, 60)
    for u in dual_points(loss, y, eta):
        np.testing.assert_allclose(loss.into_dual_domain(y, u), u, atol=1e-15)
        rounded = u + 1e-9 * RNG.normal(size=u.shape)
        back = loss.into_dual_domain(y, rounded)
        assert np.all(np.isfinite(loss.conjugate(y, back)))
        np.testing.assert_allclose(back, u, atol=2e-8)


@pytest.mark.parametrize("loss", [*LOSSES_HERE, Softmax()], ids=repr)
def test_dual_domain_holds_the_slopes_and_no_more(loss):
    y, eta = draw(loss, 400, 100.0)
    slopes, ends = loss.gradient(y, eta), loss.dual_domain(y)
    assert np.all((slopes >= ends[0] - 1e-15) & (slopes <= ends[1] + 1e-15))
    for end, reached in zip(ends, (slopes.min(axis=0), slopes.max(axis=0)), strict=True):
        assert np.all(np.isinf(end)) or np.all(np.abs(reached - end) < 1e-6)


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_balance_stays_in_all_of_the_dual_domain(loss):
    y, eta = draw(loss, 60, 3.0)
    weight = RNG.dirichlet(np.ones(60))
    for u in dual_points(loss, y, eta):
        balanced = loss.balance(y, u, weight)
        assert np.all(np.abs(weight @ balanced) <= 1e-14)
        assert np.all(np.isfinite(loss.conjugate(y, balanced)))


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_envelope_of_any_scores_has_multipliers_in_the_domain(loss):
    y, eta = draw(loss, 50, 1e3)
    for step in (1e-4, 1.0):
        u = Smoothed(loss, np.zeros(eta.shape), step).gradient(y, eta)
        assert np.all(np.isfinite(loss.conjugate(y, u)))


@pytest.mark.parametrize("loss", LOSSES_HERE, ids=repr)
def test_null_model_is_what_linear_programming_finds(loss):
    for n in (3, 4, 9, 10) * 5:
        y = RNG.integers(0, 4, n) if loss.target == "class" else np.round(RNG.normal(size=n), 1)
        if loss.target == "class":
            y[:4] = np.arange(4)[:n]
        weight = RNG.dirichlet(np.ones(n) * RNG.choice([0.2, 5.0]))
        k = int(y.max()) + 1 if loss.target == "class" else width(loss)
        rows, limits = [], []
        for i in range(n):
            for slope, c in JOINT_PIECES[type(loss).__name__](loss, y[i : i + 1], k):
                rows.append(np.concatenate([np.ravel(slope), -np.eye(n)[i]]))
                limits.append(-float(np.ravel(c)[0]))
        least = linprog(np.concatenate([np.zeros(k), weight]), rows, limits, bounds=[(None, None)] * (k + n)).fun
        best = loss.null(y, weight)
        reached = weight @ loss.value(y, np.tile(best, (n, 1)))
        assert best.shape == (k,)
        assert reached == pytest.approx(least, abs=1e-9)


# Crammer and Singer --------------------------------------------------------------------------------------------------


def test_crammer_singer_by_hand():
    y, eta = np.array([0, 1, 2, 0]), np.array([[3.0, 2.0, 1.0], [0.0, 0.0, 0.0], [5.0, 1.0, 2.0], [0.0, 0.5, 0.5]])
    np.testing.assert_array_equal(HINGE.value(y, eta), [0.0, 1.0, 4.0, 1.5])
    np.testing.assert_array_equal(HINGE.gradient(y, eta), [[0, 0, 0], [1, -1, 0], [1, 0, -1], [-1, 1, 0]])
    np.testing.assert_array_equal(HINGE.gradient(np.array([1]), np.array([[0.0, 1.0, 0.0]])), np.zeros((1, 3)))
    corners = np.eye(3)[[0, 2, 1, 1]] - np.eye(3)[y]
    np.testing.assert_array_equal(HINGE.conjugate(y, corners), [0.0, -1.0, -1.0, -1.0])
    assert np.all(HINGE.conjugate(y, 2 * corners)[1:] == np.inf)
    assert np.all(HINGE.conjugate(y, corners + 1e-6) == np.inf)
    np.testing.assert_allclose(HINGE.prox(y[1:2], eta[1:2], 0.1), [[-0.05, 0.1, -0.05]], atol=1e-15)
    np.testing.assert_allclose(HINGE.prox(y[1:2], eta[1:2], 50.0), [[-1 / 3, 2 / 3, -1 / 3]], atol=1e-14)


def test_crammer_singer_of_two_classes_is_the_hinge_of_the_difference():
    y, margin = np.array([0, 1, 0, 1, 1]), np.array([0.3, -2.0, 40.0, 0.9, 1.1])
    eta, sign = np.column_stack([np.zeros(5), margin]), 2.0 * y - 1.0
    np.testing.assert_allclose(HINGE.value(y, eta), Hinge().value(sign, margin), atol=1e-15)
    np.testing.assert_allclose(HINGE.gradient(y, eta)[:, 1], Hinge().gradient(sign, margin))
    u = HINGE.gradient(y, eta) / 3.0
    np.testing.assert_allclose(HINGE.conjugate(y, u), Hinge().conjugate(sign, u[:, 1]))


def test_crammer_singer_and_softmax_balance_alike():
    y, weight = np.array([0, 1, 2, 2, 3]), RNG.dirichlet(np.ones(5))
    u = RNG.dirichlet(np.ones(4), 5) - np.eye(4)[y]
    np.testing.assert_array_equal(HINGE.balance(y, u, weight), Softmax().balance(y, u, weight))


def test_shifts_change_nothing():
    y, eta = draw(HINGE, 30)
    multiplier = HINGE.gradient(y, eta[::-1])
    for loss in (HINGE, Softmax(), Smoothed(HINGE, multiplier, 0.7)):
        assert loss.shift_invariant
        np.testing.assert_allclose(loss.value(y, eta + 3.0), loss.value(y, eta), rtol=1e-13, atol=1e-13)
    assert not any(loss.shift_invariant for loss in (PLAIN, ORDERED, Smoothed(ORDERED, eta, 1.0)))


# Several quantiles ---------------------------------------------------------------------------------------------------


def test_quantiles_are_the_sum_of_single_ones():
    y, eta = draw(PLAIN, 50)
    singles = [Quantile(quantile=q) for q in PLAIN.quantiles]
    columns = list(zip(singles, eta.T, strict=True))
    assert PLAIN.n_scores == 3
    np.testing.assert_allclose(PLAIN.value(y, eta), sum(one.value(y, f) for one, f in columns), rtol=1e-14)
    np.testing.assert_array_equal(PLAIN.gradient(y, eta), np.column_stack([one.gradient(y, f) for one, f in columns]))
    prox = np.column_stack([one.prox(y, f, 0.3) for one, f in columns])
    np.testing.assert_allclose(PLAIN.prox(y, eta, 0.3), prox, rtol=1e-14, atol=1e-15)
    bent = np.column_stack([one.prox_derivative(y, f, 0.3) for one, f in columns])
    np.testing.assert_array_equal(PLAIN.prox_derivative(y, eta, 0.3), bent[:, :, None] * np.eye(3))
    low, high = (np.array([float(one.dual_domain(y)[side]) for one in singles]) for side in (0, 1))
    np.testing.assert_allclose(PLAIN.dual_domain(y), [low, high])


def test_crossing_scores_cost_infinitely_much():
    y = np.zeros(6)
    eta = np.array([[0, 1, 2], [0, 0, 0], [1, 0, 2], [0, 2, 1], [1, 1 - 3e-9, 1], [1e-17, 0, 0]])
    assert np.isfinite(ORDERED.value(y, eta)).tolist() == [True, True, False, False, False, True]
    assert np.isfinite(ORDERED.value(y[:1], np.array([[1e6, 1e6 - 1e-4, 1e6]])))
    assert np.all(np.isfinite(PLAIN.value(y, eta)))
    z = ORDERED.prox(y, eta, 0.7)
    assert np.all(np.diff(z, axis=1) >= 0)  # to the last digit


def test_order_widens_the_dual_domain():
    y = np.array([2.0, 2.0, 2.0, 2.0])
    q = np.array(ORDERED.quantiles)
    mu = np.array([[0, 0], [0.7, 0], [0, 3.0], [1.0, 2.0]])
    wide = -q + np.column_stack([mu[:, 0], mu[:, 1] - mu[:, 0], -mu[:, 1]])
    np.testing.assert_allclose(ORDERED.conjugate(y, wide), np.full(4, 2.0 * -q.sum()), rtol=1e-12)
    assert np.isfinite(PLAIN.conjugate(y, wide)).tolist() == [True, False, False, False]
    assert np.all(ORDERED.conjugate(y, wide[:, ::-1])[1:] == np.inf)  # scores that decrease pull the other way
    assert np.all(ORDERED.conjugate(y, wide - [0, 0, 1e-6]) == np.inf)


def test_null_quantiles_do_not_cross():
    for n in (1, 2, 7):
        y, weight = RNG.normal(size=n), RNG.dirichlet(np.ones(n))
        assert np.all(np.diff(ORDERED.null(y, weight)) >= 0)


@pytest.mark.parametrize("quantiles", [(0.5, 0.1), (0.5, 0.5), (), (0.0, 0.5), (0.5, 1.0), (np.nan,)])
def test_bad_quantiles_are_refused(quantiles):
    with pytest.raises(ValueError, match=r"MultiQuantile\(quantiles=.*quantiles must"):
        MultiQuantile(quantiles).validate()


def test_quantiles_of_the_wrong_type_are_refused():
    for quantiles in (0.5, None, "0.5", (0.1, "0.5"), [[0.1, 0.5]], (True,)):
        with pytest.raises(TypeError, match="quantiles must be"):
            MultiQuantile(quantiles).validate()
    with pytest.raises(TypeError, match="non_crossing must be True or False"):
        MultiQuantile(non_crossing=1).validate()
    for quantiles in ((0.5,), [0.1, 0.2], np.array([0.25, 0.75])):
        MultiQuantile(quantiles).validate()
