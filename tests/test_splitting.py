"""What the augmented Lagrangian makes of a penalty: envelopes, multipliers, exact zeros; and a user's own penalties."""

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint, OptimizeResult

from sklearn_erm import ERMRegressor
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.losses import AbsoluteError, CrossEntropy, Hinge, Huber, MarginLoss, ResidualLoss, SquaredError
from sklearn_erm.penalties import L1, L2, SLOPE, ElasticNet, Fused, L2Norm, LInf, NoPenalty, Nuclear, Part, Penalty
from sklearn_erm.penalties.constrained import Box, Constrained
from sklearn_erm.penalties.split import Envelope, Split
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.multipliers import Dual
from sklearn_erm.solve.choose import check_problem
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.proposals import proposals
from sklearn_erm.solve.split import next_dual, smooth_problem
from sklearn_erm.solvers.augmented_lagrangian import _factor

from .penalty_answers import matrix_of
from .problems import PENALTY_EXAMPLES, name_of, objective, targets

P = 6
DIFFERENCES = sparse.csr_array(np.diff(np.eye(P), axis=0))
ROWS = LinearConstraint(np.vstack([np.ones(P), np.arange(P) - 2.0]), [0.5, -1.0], [0.5, 0.1])
PROXED = [penalty for penalty in PENALTY_EXAMPLES if penalty.convex and penalty.has("prox_derivative")]
BOX = find_constraints("", (-0.2, 0.3), None, P)[0].penalty
STEP = 0.4


def random(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def envelope_of(penalty, matrix, outputs=()):
    rows = P if matrix is None else matrix.shape[0]
    return Envelope(Part(1.0, penalty, matrix), 0.3 * random(rows, *outputs, seed=1), STEP)


def envelopes():
    """Every penalty as it is; some of a linear map, dense and sparse; one output and several."""
    for penalty in [*PROXED, BOX]:
        for outputs in [(), (2,)]:
            yield envelope_of(penalty, None, outputs)
    for matrix in (DIFFERENCES, random(4, P, seed=3)):
        for penalty in (L1(), LInf(), SLOPE(), Nuclear()):
            for outputs in [(), (2,)]:
                yield envelope_of(penalty, matrix, outputs)


ENVELOPES = list(envelopes())
EVERY_ENVELOPE = pytest.mark.parametrize(
    "envelope", ENVELOPES, ids=[f"{name_of(each.part.penalty)}-{each.multiplier.shape}" for each in ENVELOPES]
)


def points(envelope, count=3):
    """Coefficients that leave some of A W in a kink, some out."""
    shape = (P, *envelope.multiplier.shape[1:])
    return [size * random(*shape, seed=seed) for seed, size in zip(range(count), (0.3, 1.0, 3.0), strict=False)]


# -- envelopes --------------------------------------------------------------------------------------------------------


@EVERY_ENVELOPE
def test_derivatives_of_envelopes(envelope):
    step = 1e-6
    for W in points(envelope):
        gradient, bend = envelope.gradient(W), matrix_of(envelope.curvature(W))
        np.testing.assert_allclose(bend, bend.T, atol=1e-12)
        assert np.linalg.eigvalsh(bend)[0] >= -1e-10
        for D in (random(*W.shape, seed=7), random(*W.shape, seed=8)):
            rise = (envelope.value(W + step * D) - envelope.value(W - step * D)) / (2 * step)
            assert np.vdot(gradient, D) == pytest.approx(rise, rel=1e-6, abs=1e-8)
            turn = (envelope.gradient(W + step * D) - envelope.gradient(W - step * D)) / (2 * step)
            np.testing.assert_allclose(bend @ D.ravel(), turn.ravel(), rtol=1e-4, atol=1e-6)


@EVERY_ENVELOPE
def test_envelopes_are_minima(envelope):
    """g(Z) + <v, A W - Z> + |A W - Z|^2 / (2 t) at Z, and nowhere less."""
    for W in points(envelope):
        image, v = envelope.part.image(W), envelope.multiplier
        expected = W if envelope.part.matrix is None else envelope.part.matrix @ W
        np.testing.assert_array_equal(image, expected)

        def value(Z, image=image, v=v):
            return envelope.part.penalty.value(Z) + np.vdot(v, image - Z) + np.sum((image - Z) ** 2) / (2 * STEP)

        _, best = envelope.pair(W)
        least = envelope.value(W)
        assert value(best) == pytest.approx(least, rel=1e-10, abs=1e-12)
        assert least <= envelope.part.penalty.value(image) + 1e-12
        for size in (1e-6, 1e-3, 0.1, 1.0):
            for seed in range(5):
                assert value(best + size * random(*best.shape, seed=seed)) >= least - 1e-12 * (1 + abs(least))


@EVERY_ENVELOPE
def test_multipliers_are_subgradients(envelope):
    for W in points(envelope):
        u, Z = envelope.pair(W)
        np.testing.assert_allclose(u, envelope.multiplier + (envelope.part.image(W) - Z) / STEP, atol=1e-12)
        for seed in range(20):
            other = envelope.part.penalty.prox(2.0 * random(*Z.shape, seed=seed), 1e-9)  # inside a box
            rise = envelope.part.penalty.value(other) - envelope.part.penalty.value(Z)
            assert rise >= np.vdot(u, other - Z) - 1e-9


def test_splits_are_sums_of_their_parts():
    parts = [Part(0.5, L1()), Part(2.0, L2()), Part(0.7, LInf(), DIFFERENCES), Part(0.3, L2(), DIFFERENCES)]
    multipliers = [random(P), random(P), random(P - 1), random(P - 1)]
    steps = [STEP * np.linspace(0.5, 2.0, P), STEP, STEP, STEP]
    split, W = Split(parts, multipliers, steps), random(P, seed=4)
    pieces = [
        Envelope(Part(1.0, L1()), multipliers[0], 0.5 * steps[0]),
        L2(),
        Envelope(Part(1.0, LInf(), DIFFERENCES), multipliers[2], 0.7 * STEP),
        Envelope(Part(1.0, L2(), DIFFERENCES), multipliers[3], 0.3 * STEP),
    ]
    factors = [0.5, 2.0, 0.7, 0.3]
    assert split.value(W) == pytest.approx(sum(f * g.value(W) for f, g in zip(factors, pieces, strict=True)))
    gradient = sum(f * g.gradient(W) for f, g in zip(factors, pieces, strict=True))
    np.testing.assert_allclose(split.gradient(W), gradient, atol=1e-12)
    bend = sum(f * matrix_of(g.curvature(W)) for f, g in zip(factors, pieces, strict=True))
    np.testing.assert_allclose(matrix_of(split.curvature(W)), bend, atol=1e-12)
    pairs = split.pairs(W)
    np.testing.assert_array_equal(pairs[1][0], W)
    np.testing.assert_allclose(pairs[2][0], pieces[2].pair(W)[0], atol=1e-12)
    made = sum(f * (u if A is None else A.T @ u) for (f, _, A), (u, _) in zip(parts, pairs, strict=True))
    np.testing.assert_allclose(made, gradient, atol=1e-12)


# -- exact zeros, ties, and constraints -------------------------------------------------------------------------------


def problem_of(penalty, loss=None, alpha=0.2, n=50, seed=0):
    loss, rng = SquaredError() if loss is None else loss, np.random.default_rng(seed)
    X = rng.normal(size=(n, P))
    y = targets(loss, X @ [1.0, 1.0, 0.0, 0.0, -0.5, 0.05] + rng.normal(size=n))
    return objective(loss, penalty.bind(P) if not hasattr(penalty, "constraints") else penalty, alpha, X, y)


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), Hinge(), CrossEntropy()], ids=name_of)
def test_the_lasso_split_has_the_zeros_of_the_lasso(loss):
    """Within a box that does not bind, the lasso is split."""
    box = find_constraints("", (-50, 50), None, P)
    problem, plain = (problem_of(penalty, loss, 0.2) for penalty in (Constrained(L1(), box), L1()))
    assert splits(problem.penalty)
    assert not splits(plain.penalty)
    one, other = minimize(problem, tol=1e-10), minimize(plain, tol=1e-10)
    assert one.fun == pytest.approx(other.fun, rel=1e-9)
    np.testing.assert_array_equal(one.x == 0, other.x == 0)
    assert np.any(one.x == 0)


def test_steps_fall_after_easy_problems_and_rise_after_failures():
    def after(nit, success=True, settled=False, better=True, **pace):
        return _factor(OptimizeResult(nit=nit, success=success, settled=settled), better, **pace)

    factors = [after(nit) for nit in (1, 8, 40)]
    assert 0 < factors[0] < factors[1] < factors[2] == 1.0 < after(1, success=False)
    assert [after(nit, pace=(0, 1)) for nit in (0, 1, 8)] == factors
    assert after(1, success=False, settled=True) == factors[0]  # rounding ended it
    assert after(1, success=False, settled=True, better=False) > 1.0


def test_slope_ties():
    rng = np.random.default_rng(0)
    latent = rng.normal(size=100)
    X = np.column_stack([latent, latent + 0.1 * rng.normal(size=100), -latent, *rng.normal(size=(3, 100))])
    model = ERMRegressor("squared_error", SLOPE(weights=np.linspace(1, 0.2, 6)), 0.5, tol=1e-9).fit(X, latent * 3)
    size = np.abs(model.coef_)
    assert size[0] == size[1] == size[2] > 0
    np.testing.assert_array_equal(np.sign(model.coef_[:3]), [1, 1, -1])
    assert np.count_nonzero(model.coef_) < 6
    cap = np.abs(ERMRegressor("squared_error", "linf", 1.0, tol=1e-9).fit(X, latent * 3).coef_)
    assert np.count_nonzero(cap == cap.max()) >= 3


@pytest.mark.parametrize("loss", ["squared_error", "absolute_error", "huber"])
def test_fused_neighbours(loss):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(200, 9))
    y = X @ np.repeat([0.0, 2.0, -1.0], 3) + 0.5 * rng.normal(size=200)
    coef = ERMRegressor(loss, Fused(l1_ratio=0.3), 0.3, tol=1e-8).fit(X, y).coef_
    np.testing.assert_array_equal(coef[:3], 0.0)
    assert len(set(coef[3:6])) == len(set(coef[6:])) == 1


def test_nuclear_norm_leaves_out_directions():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(100, 5))
    Y = np.outer(X @ [1.0, -1.0, 0.5, 0.0, 0.0], [1.0, 2.0, -1.0]) + 0.3 * rng.normal(size=(100, 3))
    model = ERMRegressor("squared_error", "nuclear", 0.5, tol=1e-9).fit(X, Y)
    assert np.linalg.svd(model.coef_, compute_uv=False)[1] < 1e-8


@pytest.mark.parametrize("penalty", [L1(), NoPenalty(), SLOPE(), Fused(l1_ratio=0.4)], ids=name_of)
def test_proposals(penalty):
    """Near any point: the point itself within its bounds, and one that satisfies what active constraints ask."""
    parts = find_constraints("", (-0.4, 0.4), ROWS, P)
    problem = problem_of(Constrained(penalty.bind(P), parts))
    x = np.array([0.6, 0.1, -0.05, 0.02, -0.1, 0.05, 0.3])
    smooth = smooth_problem(problem, Dual(None, None), 0.5)
    dual = next_dual(problem, smooth, x)
    assert len(dual.pairs) == len(problem.penalty.parts())
    same, moved = proposals(problem, x, dual, 0.5)
    W, before = problem.split(moved)[0], problem.split(x)[0]
    np.testing.assert_array_equal(same, problem.join(np.clip(before, -0.4, 0.4), x[-1]))
    assert W[0] == 0.4 < before[0]
    if penalty.smooth:
        assert parts[0].violation(W) <= 1.0
        clipped = np.abs(before) >= 0.4
        np.testing.assert_array_equal(W[clipped], 0.4 * np.sign(before[clipped]))
        assert 0 < clipped.sum() < P - 1
        assert W.sum() == pytest.approx(0.5, abs=1e-12)
    plain = problem_of(L1())
    assert proposals(plain, x, Dual(None, None), 0.5) == [x]


@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), CrossEntropy()], ids=name_of)
def test_the_sum_of_lasso_and_ridge_is_the_elastic_net(loss):
    one, other = (minimize(problem_of(p, loss, 0.3), tol=1e-9) for p in (0.5 * L1() + 0.5 * L2(), ElasticNet(0.5)))
    assert one.fun == pytest.approx(other.fun, rel=1e-8)
    np.testing.assert_array_equal(one.x == 0, other.x == 0)
    assert np.any(one.x == 0)


@pytest.mark.parametrize("penalty", [SLOPE(), LInf(), Fused(), Fused(l1_ratio=0.4)], ids=name_of)
def test_the_unit_of_the_targets_does_not_matter(penalty):
    """Powers of two are exact, and so is everything that is in the right unit."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, P))
    y = X @ [1.0, 1.0, 0.0, 0.0, -0.5, 0.05] + rng.normal(size=50)
    unit = 2.0**12
    one = minimize(objective(SquaredError(), penalty.bind(P), 0.1, X, y), tol=1e-8)
    other = minimize(objective(SquaredError(), penalty.bind(P), unit * 0.1, X, unit * y), tol=1e-8)
    assert one.nit == other.nit
    np.testing.assert_allclose(unit * one.x, other.x, rtol=1e-9)


@pytest.mark.parametrize("unit", [1.0, 2.0**40, 2.0**-40])
@pytest.mark.parametrize("bound", [0.0, 0.5, 1e4])
def test_rows_may_miss_their_bounds_by_so_much_of_their_size(unit, bound):
    W = np.array([3.0, -2.0]) * max(1.0, bound)
    row = np.array([[1.0, 1.5 - bound / (2.0 * max(1.0, bound))]])  # W is at the bound
    size = max(bound, (np.abs(row) @ np.abs(W)).item())
    for missed, inside in ((0.9e-8, True), (1.2e-8, False), (-1e-3, True), (1e-3, False)):
        upper = Part(1.0, Box(np.array([-np.inf]), np.array([unit * (bound - missed * size)])), row)
        lower = Part(1.0, Box(np.array([-unit * (bound - missed * size)]), np.array([np.inf])), row)
        assert upper.value(unit * W) == lower.value(-unit * W) == (0.0 if inside else np.inf)


def test_conjugate_of_a_box():
    box, rng = Box(np.array([-1.0, 0.5, -np.inf]), np.array([2.0, 0.5, 3.0])), np.random.default_rng(0)
    for v in rng.normal(size=(20, 3)):
        v[2] = abs(v[2])
        corners = [[a, b, c] for a in (-1.0, 2.0) for b in (0.5,) for c in (-9.0, 3.0)]
        assert box.conjugate(v) == pytest.approx(np.max(np.array(corners) @ v))
    assert box.conjugate(np.array([0.0, 0.0, -1.0])) == np.inf
    assert box.conjugate(np.zeros(3)) == 0.0


# -- penalties and losses of the user's own ---------------------------------------------------------------------------


class OwnL1(Penalty):
    coercive = True

    def value(self, W):
        return float(np.abs(W).sum())

    def prox(self, W, step):
        return np.sign(W) * np.maximum(np.abs(W) - step, 0.0)


class OwnNorm(OwnL1):
    def value(self, W):
        return float(np.linalg.norm(W))

    def prox(self, W, step):
        return W * max(1.0 - step / max(np.linalg.norm(W), 1e-300), 0.0)


class OwnSquare(Penalty):
    smooth = True

    def value(self, W):
        return 0.5 * float(np.sum(W**2))

    def gradient(self, W):
        return W


class OwnHuber(ResidualLoss):
    def value(self, y, eta):
        r = np.abs(y - eta)
        return np.where(r <= 1.35, 0.5 * r**2, 1.35 * (r - 0.675))

    def gradient(self, y, eta):
        return np.clip(eta - y, -1.35, 1.35)


class OwnAbsolute(ResidualLoss):
    smooth = False

    def value(self, y, eta):
        return np.abs(y - eta)

    def gradient(self, y, eta):
        return np.sign(eta - y)

    def prox(self, y, eta, step):
        return y + np.sign(eta - y) * np.maximum(np.abs(eta - y) - step, 0.0)


class OwnHinge(MarginLoss):
    smooth = False

    def value(self, y, eta):
        return np.maximum(1 - y * eta, 0.0)

    def gradient(self, y, eta):
        return np.where(y * eta < 1, -y, 0.0)

    def prox(self, y, eta, step):
        return eta + y * np.clip(1 - y * eta, 0.0, step)


TWINS = {OwnL1: L1, OwnNorm: L2Norm, OwnSquare: L2}
LOSS_TWINS = {OwnHuber: Huber, OwnAbsolute: AbsoluteError, OwnHinge: Hinge}


@pytest.mark.parametrize("limit", ["free", "limits"])
@pytest.mark.parametrize("own", TWINS)
@pytest.mark.parametrize("loss", [SquaredError(), AbsoluteError(), CrossEntropy(), OwnHuber(), OwnHinge()], ids=name_of)
def test_own_penalties(own, loss, limit):
    parts = find_constraints("", (0, None), ROWS, P) if limit == "limits" else []
    twin_loss = LOSS_TWINS.get(type(loss), lambda: loss)()
    values = []
    for penalty, each in ((own(), loss), (TWINS[own](), twin_loss)):
        problem = problem_of(Constrained(penalty.bind(P), parts) if parts else penalty, each, 0.1)
        result = minimize(problem, tol=1e-6)
        assert result.success, result.message
        values.append(result.fun)
    assert values[0] == pytest.approx(values[1], rel=1e-5)


@pytest.mark.parametrize("penalty", [L2(), L1(), SLOPE(), NoPenalty()], ids=name_of)
@pytest.mark.parametrize("own", LOSS_TWINS)
def test_own_losses(own, penalty):
    values = []
    for loss in (own(), LOSS_TWINS[own]()):
        result = minimize(problem_of(penalty, loss, 0.05), tol=1e-6)
        assert result.success, result.message
        values.append(result.fun)
    assert values[0] == pytest.approx(values[1], rel=1e-5)


class Bare(Penalty):
    def value(self, W):
        return 0.0


class BareLoss(ResidualLoss):
    smooth = False

    def value(self, y, eta):
        return np.abs(y - eta)

    def gradient(self, y, eta):
        return np.sign(eta - y)


@pytest.mark.parametrize(
    "loss, penalty, flags, match",
    [
        (BareLoss(), L2(), {}, r"BareLoss.*has kinks.*no prox.*write prox"),
        (SquaredError(), Bare(), {}, r"Bare.*smooth=False.*no prox"),
        (SquaredError(), Bare(), {"smooth": True}, r"Bare.*smooth=True.*no gradient"),
        (SquaredError(), Bare() + L1(), {}, r"Bare.*smooth=False.*no prox"),
        (SquaredError(), Bare(), {"convex": False}, r"Bare.*convex=False.*no majorise"),
    ],
)
def test_what_is_missing_is_named(loss, penalty, flags, match, monkeypatch):
    for name, value in flags.items():
        monkeypatch.setattr(Bare, name, value)
    problem = problem_of(penalty, loss)
    for ask in (check_problem, minimize):
        with pytest.raises(ValueError, match=match):
            ask(problem)
    check_problem(problem_of(L1(), loss if loss.smooth else Hinge()))
