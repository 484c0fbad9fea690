"""check_loss and check_penalty: everything of the library passes, and every planted defect is found and named."""

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import LOSSES, AbsoluteError, Gamma, Loss, Softmax
from sklearn_erm.penalties import L1, L2, MCP, PENALTIES, Curvature, GroupLasso, Part, Penalty
from sklearn_erm.testing import BrokenLawError, check_loss, check_penalty
from sklearn_erm.testing.check import OF_LOSSES, OF_PENALTIES

from .own_classes import Absolute, Blockwise, Ell1, Joint, LinEx, Positive, Ridge, Soft

# What is right passes -------------------------------------------------------------------------------------------------

EXAMPLES = [example for cls in dict.fromkeys([*LOSSES.values(), Softmax]) for example in cls.examples()]


@pytest.mark.parametrize("loss", [*EXAMPLES, LinEx(), LinEx(-1.5), Absolute(), Soft(), Joint()], ids=repr)
def test_losses_that_are_right_pass(loss):
    report = check_loss(loss)
    assert set(report.held) | set(report.skipped) == {law.name for law in OF_LOSSES}
    assert len(report.held) >= 14
    assert {"value_is_a_number_per_sample", "gradient_is_the_derivative_of_value"} <= set(report.held)
    assert loss.has("prox") == ("prox_is_the_minimiser" in report.held)
    assert loss.has("conjugate") == ("conjugate_is_never_too_small" in report.held)


PENALTY_EXAMPLES = [example for cls in PENALTIES.values() for example in cls.examples(6)]
SUMS = [0.5 * L1() + L2(), 3.0 * GroupLasso([0, 0, 1, 1, 2, 2]), 0.3 * MCP()]
OWN = [Ell1(), Blockwise(), Ridge(), Ridge(np.arange(1.0, 7.0)), Positive()]


@pytest.mark.parametrize("penalty", [*PENALTY_EXAMPLES, *SUMS, *OWN], ids=lambda penalty: repr(penalty)[:60])
def test_penalties_that_are_right_pass(penalty):
    report = check_penalty(penalty)
    assert set(report.held) | set(report.skipped) == {law.name for law in OF_PENALTIES}
    assert len(report.held) >= 14
    assert penalty.has("prox") == ("prox_is_the_minimiser" in report.held)
    if penalty.convex:
        assert penalty.has("conjugate") == ("conjugate_is_never_too_small" in report.held)


# What is wrong is named -----------------------------------------------------------------------------------------------


def wrong(good, law, *more, name=None, **members):
    """Return a case: a class with some members replaced, and the names of the laws that it breaks."""
    members = {key: member for key, member in members.items() if member is not None}
    title = f"{good.__name__}, {name or ' and '.join(members)}"
    return pytest.param(type(good.__name__, (good,), members), {law, *more}, id=f"{title}: {law}")


def takes_a_parameter(self, a=0.5):
    self.a = 2.0 * a


def writes(self, y, eta):
    eta -= y
    return np.expm1(self.a * eta) - self.a * eta


def forgets(self, y, eta):
    self.calls = getattr(self, "calls", 0) + 1
    return np.expm1(self.a * (eta - y)) - self.a * (eta - y) + 1e-3 * self.calls


def retunes(self, y, eta):
    self.a = 0.999 * self.a
    return LinEx.value(LinEx(0.5), y, eta)


GRADIENT = "gradient_is_the_derivative_of_value"
CURVATURE = "curvature_is_the_derivative_of_gradient"
PROX = "prox_is_the_minimiser"
EQUALITY = "conjugate_and_value_meet_at_the_gradient"
INEQUALITY = "conjugate_is_never_too_small"
DOMAIN = "dual_domain_is_where_the_conjugate_is_finite"
BALANCE = "balance_stays_where_the_conjugate_is_finite"
FORM = "value_is_a_number_per_sample"
SLOPE = "prox_derivative_is_the_derivative_of_prox"
SINGLE = "samples_are_independent"

PIECES = "pieces_are_those_of_value"
pieces = Absolute().pieces

BAD_LOSSES = [
    wrong(LinEx, GRADIENT, name="sign", gradient=lambda self, y, eta: -self.a * np.expm1(self.a * (eta - y))),
    wrong(LinEx, GRADIENT, name="factor", gradient=lambda self, y, eta: 2 * self.a * np.expm1(self.a * (eta - y))),
    wrong(LinEx, GRADIENT, name="no inner", gradient=lambda self, y, eta: np.expm1(self.a * (eta - y))),
    wrong(LinEx, CURVATURE, name="no inner", curvature=lambda self, y, eta: self.a * np.exp(self.a * (eta - y))),
    wrong(LinEx, CURVATURE, name="sign", curvature=lambda self, y, eta: -self.a**2 * np.exp(self.a * (eta - y))),
    wrong(LinEx, EQUALITY, name="a constant", conjugate=lambda self, y, u: LinEx.conjugate(self, y, u) + 1e-3),
    wrong(LinEx, EQUALITY, INEQUALITY, name="no y", conjugate=lambda self, y, u: LinEx.conjugate(self, 0 * y, u)),
    wrong(LinEx, INEQUALITY, DOMAIN, name="0 outside", conjugate=lambda self, y, u: np.nan_to_num(
        LinEx.conjugate(self, y, u), posinf=0.0)),
    wrong(LinEx, DOMAIN, name="too narrow", dual_domain=lambda self, y: (-1.0, 2.0)),
    wrong(LinEx, DOMAIN, name="inherited", dual_domain=Loss.dual_domain),
    wrong(LinEx, BALANCE, name="mean", balance=lambda self, y, u, weight: u - u.mean(axis=0)),
    wrong(LinEx, FORM, name="mean", value=lambda self, y, eta: np.mean(LinEx.value(self, y, eta))),
    wrong(LinEx, FORM, name="column", value=lambda self, y, eta: LinEx.value(self, y, eta)[:, None]),
    wrong(LinEx, FORM, name="single", value=lambda self, y, eta: LinEx.value(self, y, eta).astype(np.float32)),
    wrong(LinEx, FORM, name="nan", value=lambda self, y, eta: LinEx.value(self, y, eta) + np.log(eta + 1.0) * 0),
    wrong(LinEx, FORM, name="raises", value=lambda self, y, eta: LinEx.value(self, y, eta) + np.ones(3)),
    wrong(LinEx, "gradient_is_shaped_as_eta", name="sum", gradient=lambda self, y, eta: np.sum(eta - y)),
    wrong(LinEx, "inputs_are_left_alone", name="in place", value=writes),
    wrong(LinEx, "answers_depend_on_arguments_only", name="counts", value=forgets),
    wrong(LinEx, "parameters_survive_clone", name="init", __init__=takes_a_parameter),
    wrong(LinEx, "null_is_the_best_constant", name="mean", null=lambda self, y, weight: float(weight @ y)),
    wrong(LinEx, "max_curvature_bounds_the_curvature", name="too small", max_curvature=1.0),
    wrong(LinEx, "answers_depend_on_arguments_only", name="retunes itself", value=retunes),
    wrong(LinEx, "columns_are_taken_one_by_one", name="rows", gradient=lambda self, y, eta: (
        LinEx.gradient(self, y, eta) * (1.0 if eta.ndim == 1 else 2.0))),
    wrong(LinEx, SINGLE, name="centred",
          value=lambda self, y, eta: LinEx.value(self, y, eta) - np.min(LinEx.value(self, y, eta))),
    wrong(LinEx, "in_domain_is_a_mask", name="all", in_domain=lambda self, y: np.ones(y.shape, dtype=bool)),
    wrong(LinEx, "value_is_convex", GRADIENT, name="negated", value=lambda self, y, eta: -LinEx.value(self, y, eta)),
    wrong(LinEx, "value_is_convex", name="a sine", attained=False, conjugate=Loss.conjugate, curvature=Loss.curvature,
          value=lambda self, y, eta: 1.5 - np.cos(eta - y), gradient=lambda self, y, eta: np.sin(eta - y)),
    wrong(LinEx, "hessp_is_curvature_times_direction", name="own", hessp=lambda self, y, eta, d: 2 * d),
    wrong(LinEx, "it_has_what_solvers_need", name="none", gradient=Loss.gradient),
    wrong(Absolute, "smooth_means_no_kinks", CURVATURE, name="claimed", smooth=True),
    wrong(Absolute, "it_has_what_solvers_need", name="none", prox=Loss.prox),
    wrong(Absolute, PIECES, name="slope", pieces=lambda self, y: (
        *pieces(y)[:1], np.array([-2.0, 1.0]), *pieces(y)[2:])),
    wrong(Absolute, PIECES, name="sign", pieces=lambda self, y: (*pieces(y)[:2], np.ones(y.shape), y)),
    wrong(Absolute, PIECES, name="no y", pieces=lambda self, y: (*pieces(y)[:3], 0.0 * y)),
    wrong(Absolute, PIECES, name="kink too many", pieces=lambda self, y: (np.array([0.0, 1.0]), *pieces(y)[1:])),
    wrong(Absolute, PROX, name="factor", prox=lambda self, y, eta, step: eta - np.clip(eta - y, -step, step)),
    wrong(Absolute, PROX, name="step used twice", prox=lambda self, y, eta, step: Absolute.prox(self, y, eta, step**2)),
    wrong(Absolute, PROX, name="sign", prox=lambda self, y, eta, step: eta + np.clip(eta - y, -2 * step, 2 * step)),
    wrong(Absolute, PROX, name="around 0", prox=lambda self, y, eta, step: Absolute.prox(self, 0 * y, eta, step)),
    wrong(Absolute, "prox_is_shaped_as_eta", name="a mean", prox=lambda self, y, eta, step: float(np.mean(eta))),
    wrong(Absolute, SLOPE, name="reversed", prox_derivative=lambda self, y, eta, step: (
        np.where(np.abs(eta - y) > 2.0 * step, 0.0, 1.0))),
    wrong(Absolute, SLOPE, name="threshold", prox_derivative=lambda self, y, eta, step: (
        np.where(np.abs(eta - y) > step, 1.0, 0.0))),
    wrong(Absolute, "prox_derivative_is_shaped_as_curvature", name="a number",
          prox_derivative=lambda self, y, eta, step: 0.5),
    wrong(LinEx, "conjugate_is_a_number_per_sample", name="sum", conjugate=lambda self, y, u: (
        np.sum(LinEx.conjugate(self, y, u)))),
    wrong(Soft, "attained_means_a_minimum", name="claimed", attained=True),
    wrong(Gamma, "location_equivariant_shifts_change_nothing", name="claimed", location_equivariant=True),
    wrong(Joint, "shift_invariant_means_shifts_change_nothing", "null_is_the_best_constant", name="claimed",
          value=lambda self, y, eta: Joint.value(self, y, eta) + 0.1 * np.sum(eta**2, axis=1),
          gradient=lambda self, y, eta: Joint.gradient(self, y, eta) + 0.2 * eta, curvature=Loss.curvature),
    wrong(Joint, "hessp_is_curvature_times_direction", name="diagonal only", hessp=lambda self, y, eta, d: (
        np.einsum("njj,nj->nj", self.curvature(y, eta), d))),
    wrong(Joint, "curvature_is_shaped_as_eta", name="diagonal", curvature=lambda self, y, eta: softmax(eta, axis=1)),
    wrong(Joint, CURVATURE, name="no cross", curvature=lambda self, y, eta: (
        softmax(eta, axis=1)[:, :, None] * np.eye(eta.shape[1]))),
    wrong(Joint, FORM, name="per score", value=lambda self, y, eta: -log_softmax(eta, axis=1)),
    wrong(Joint, "it_has_what_solvers_need", name="none", null=Loss.null),
    wrong(Joint, "null_is_the_best_constant", name="zero", null=lambda self, y, weight: np.zeros(3)),
]  # fmt: skip


@pytest.mark.parametrize("cls, laws", BAD_LOSSES)
def test_a_defect_of_a_loss_is_named(cls, laws):
    with pytest.raises(BrokenLawError) as raised:
        check_loss(cls())
    assert set(raised.value.report.failed) == laws
    assert all(law in str(raised.value) for law in laws)


def copies_a_parameter(self, a=(1.0, 2.0)):
    self.a = list(a)


def scales_in_place(self, W, step):
    W[np.abs(W) <= step] = 0.0
    return W - np.sign(W) * np.minimum(np.abs(W), step)


def flips(self, W, step):
    return -Ell1.prox(self, W, step)


ELASTIC = "elastic_adds_up_to_value"
MEET = "conjugate_and_value_meet_at_subgradients"
BALL = "homogeneous_means_a_dual_ball"
CRITICAL = "critical_alpha_is_where_zero_becomes_optimal"
SUPPORT = "support_has_no_kinks"
ADD_UP = "outputs_add_up_unless_coupled"
NUMBER = "value_is_a_number"
KKT = "kkt_is_zero_at_an_optimum"

BAD_PENALTIES = [
    wrong(Ell1, PROX, name="half a step", prox=lambda self, W, step: Ell1.prox(self, W, 0.5 * step)),
    wrong(Ell1, PROX, name="a step of 1", prox=lambda self, W, step: Ell1.prox(self, W, 1.0)),
    wrong(Ell1, "prox_of_no_step_stays", name="divides", prox=lambda self, W, step: (
        step * Ell1.prox(self, W / step, 1.0) if np.any(step) else 0.0 * W)),
    wrong(Ell1, PROX, name="sign", prox=flips),
    wrong(Ell1, PROX, name="grows", prox=lambda self, W, step: W + step * np.sign(W)),
    wrong(Ell1, PROX, name="ridge's", prox=lambda self, W, step: W / (1.0 + step)),
    wrong(Ell1, PROX, ELASTIC, name="doubled", value=lambda self, W: 2.0 * np.abs(W).sum()),
    wrong(Ell1, SLOPE, name="reversed", prox_derivative=lambda self, W, step: ((np.abs(W) <= step) * 1.0, None)),
    wrong(Ell1, SLOPE, name="too steep", prox_derivative=lambda self, W, step: ((np.abs(W) > step) * 2.0, None)),
    wrong(Ell1, "prox_derivative_is_a_diagonal_and_columns", name="bare",
          prox_derivative=lambda self, W, step: (np.abs(W) > step) * 1.0),
    wrong(Ell1, CRITICAL, BALL, name="wrong norm", critical_alpha=lambda self, G: float(np.sum(np.abs(G)))),
    wrong(Ell1, CRITICAL, BALL, name="half", critical_alpha=lambda self, G: 0.5 * float(np.abs(G).max())),
    wrong(Ell1, "critical_alpha_is_a_number", name="negative", critical_alpha=lambda self, G: -float(np.abs(G).max())),
    wrong(Ell1, MEET, BALL, name="small ball", conjugate=lambda self, V: 0.0 if np.abs(V).max() < 0.5 else np.inf),
    wrong(Ell1, INEQUALITY, BALL, name="always 0", conjugate=lambda self, V: 0.0),
    wrong(Ell1, MEET, INEQUALITY, BALL, name="square's", conjugate=lambda self, V: 0.5 * float(np.sum(V**2))),
    wrong(Ell1, ELASTIC, name="half", elastic=lambda self, n_features: (
        np.full(n_features, 0.5), np.zeros(n_features))),
    wrong(Ell1, ELASTIC, name="bent", elastic=lambda self, n_features: (np.ones(n_features), np.ones(n_features))),
    wrong(Ell1, "inputs_are_left_alone", name="in place", prox=scales_in_place),
    wrong(Ell1, "prox_is_shaped_as_w", name="flat", prox=lambda self, W, step: Ell1.prox(self, W, step).ravel()),
    wrong(Ell1, "prox_is_shaped_as_w", name="single", prox=lambda self, W, step: (
        Ell1.prox(self, W, step).astype(np.float32))),
    wrong(Ell1, NUMBER, name="per feature", value=lambda self, W: np.abs(W)),
    wrong(Ell1, NUMBER, name="one output only", value=lambda self, W: float(np.abs(W) @ np.ones(6))),
    wrong(Ell1, "it_has_what_solvers_need", name="none", prox=Penalty.prox),
    wrong(Ell1, "it_has_what_solvers_need", name="claimed", convex=False),
    wrong(Ell1, "it_has_what_solvers_need", name="claimed smooth", smooth=True),
    wrong(Ell1, "rotation_invariant_means_rotations_change_nothing", name="claimed", rotation_invariant=True),
    wrong(Ridge, "homogeneous_means_proportional", name="claimed", homogeneous=True),
    wrong(Ridge, GRADIENT, name="factor", gradient=lambda self, W: 2.0 * W),
    wrong(Ridge, GRADIENT, name="sign", gradient=lambda self, W: -W),
    wrong(Ridge, CURVATURE, name="factor", curvature=lambda self, W: Curvature(2.0 * np.ones(W.shape))),
    wrong(Ridge, "curvature_is_a_symmetric_matrix", name="bare", curvature=lambda self, W: np.ones(W.shape)),
    wrong(Ridge, "coercive_means_growth", name="of the sum", value=lambda self, W: 0.5 * float(np.sum(W)) ** 2,
          gradient=lambda self, W: np.full(W.shape, np.sum(W)), couples_outputs=True),
    wrong(Ridge, ADD_UP, name="squared sum", value=lambda self, W: float(np.sum(np.sum(W, axis=-1) ** 2)) + float(
        np.sum(W**2)) if W.ndim > 1 else 2.0 * float(np.sum(W**2)), gradient=lambda self, W: (
            2.0 * (W + np.sum(W, axis=-1, keepdims=True)) if W.ndim > 1 else 4.0 * W)),
    wrong(Ridge, "unpenalised_entries_do_not_count", "coercive_means_growth", name="claimed",
          unpenalised=lambda self, W: np.ones(W.shape, dtype=bool)),
    wrong(Ridge, "smooth_means_no_kinks", SUPPORT, name="a norm", couples_outputs=True,
          value=lambda self, W: float(np.linalg.norm(W)),
          gradient=lambda self, W: W / max(np.linalg.norm(W), 1e-300)),
    wrong(Ridge, "value_is_convex", name="a root", coercive=False, value=lambda self, W: float(np.sum(np.log1p(W**2))),
          gradient=lambda self, W: 2 * W / (1 + W**2)),
    wrong(Ridge, "separable_means_a_sum_over_blocks", ADD_UP, name="claimed",
          separable=True, value=lambda self, W: float(np.sum(W**2) + np.sum(W) ** 2),
          gradient=lambda self, W: 2 * W + 2 * np.sum(W)),
    wrong(Ridge, "gradient_is_shaped_as_w", name="flat", gradient=lambda self, W: W.ravel()),
    wrong(Ell1, "conjugate_is_a_number", name="per feature", conjugate=lambda self, V: 0.0 * V),
    wrong(Ell1, NUMBER, "prox_does_not_move_points_apart", CRITICAL, BALL, KKT, name="and grows",
          value=lambda self, W: np.abs(W),
          prox=lambda self, W, step: (1 + step) * W, critical_alpha=lambda self, gradient: 2.0 * np.abs(gradient).max(),
          prox_derivative=Penalty.prox_derivative),
    wrong(Ridge, "restrict_is_the_penalty_on_some_features", name="weights",
          separable=True, value=lambda self, W: float(np.sum((W.T * np.arange(1, 1 + len(W))).T ** 2)),
          gradient=lambda self, W: 2.0 * (W.T * np.arange(1, 1 + len(W)) ** 2).T),
    wrong(Ell1, "parts_add_up_to_value", name="doubled", parts=lambda self: [Part(2.0, Ell1())]),
    wrong(Ell1, "parameters_survive_clone", name="init", __init__=copies_a_parameter),
    wrong(MCP, "majorise_lies_above", name="too low", majorise=lambda self, W: 0.1 * L1()),
    wrong(Blockwise, SUPPORT, name="everywhere", support=lambda self, W: np.ones(W.shape, dtype=bool)),
    wrong(Blockwise, "it_has_what_solvers_need", name="inherited", support=Penalty.support),
    wrong(Blockwise, "kkt_is_the_distance_to_an_optimum", name="without threshold",
          kkt=lambda self, W, G, alpha: np.where(W != 0, np.abs(G + alpha * np.sign(W)), 0.0)),
    wrong(Blockwise, KKT, "kkt_is_the_distance_to_an_optimum", name="without alpha",
          kkt=lambda self, W, G, alpha: np.abs(G + np.sign(W))),
    wrong(Blockwise, "blocks_and_support_are_shaped_as_w", name="numbers", support=lambda self, W: np.abs(W)),
    wrong(Blockwise, "prox_takes_one_step_per_block", name="mean",
          prox=lambda self, W, step: Ell1.prox(self, W, np.mean(step))),
]  # fmt: skip


@pytest.mark.parametrize("cls, laws", BAD_PENALTIES)
def test_a_defect_of_a_penalty_is_named(cls, laws):
    with pytest.raises(BrokenLawError) as raised:
        check_penalty(cls())
    assert set(raised.value.report.failed) == laws
    assert all(law in str(raised.value) for law in laws)


# What is told ---------------------------------------------------------------------------------------------------------


class TwoSlips(LinEx):
    """A gradient of twice the slope, and a target of nan admitted."""

    def gradient(self, y, eta):
        return 2.0 * LinEx.gradient(self, y, eta)

    def in_domain(self, y):
        return np.ones(y.shape, dtype=bool)


def test_the_message_lists_every_law_where_it_fails_and_by_how_much():
    with pytest.raises(AssertionError) as raised:
        check_loss(TwoSlips(), y=[1.0])
    message = str(raised.value)
    assert message.startswith("TwoSlips() breaks 2 of ")
    assert all(f"{n}. {law}\n" in message for n, law in enumerate(("in_domain_is_a_mask", GRADIENT), start=1))
    assert "The gradient is the derivative of value in eta" in message
    assert "at y=1, eta=0: gradient says -0.393469, difference quotients of value say -0.196735; ratio 2\n" in message
    assert message.count("look at:") == 2
    assert "add `& np.isfinite(y)`" in message
    assert "not checked before it is mended" in message


def test_the_report_is_a_table_of_laws():
    report = check_loss(LinEx())
    lines = repr(report).splitlines()
    assert lines[0] == f"LinEx(): {len(report.held)} laws hold, {len(report.skipped)} skipped, 0 fail"
    assert len(lines) == 1 + len(OF_LOSSES)
    assert "  value_is_convex                               holds" in lines
    assert report.skipped["prox_is_the_minimiser"] == "no prox"
    assert report.failed == {}
    assert len(repr(check_penalty(Ell1())).splitlines()) == 1 + len(OF_PENALTIES)


def test_every_law_says_what_it_says_and_is_seen_to_fail():
    seen = set().union(*(case.values[1] for case in (*BAD_LOSSES, *BAD_PENALTIES)))
    for laws in (OF_LOSSES, OF_PENALTIES):
        assert len({law.name for law in laws}) == len(laws)
        assert all(law.says.endswith(".") and len(law.says) > 30 for law in laws)
    assert {law.name for law in (*OF_LOSSES, *OF_PENALTIES)} <= seen


def test_the_same_seed_gives_the_same_message():
    messages = []
    for seed in (3, 3, 4):
        with pytest.raises(BrokenLawError) as raised:
            check_penalty(type("Ell1", (Ell1,), {"prox": flips})(), random_state=seed)
        messages.append(str(raised.value))
    assert messages[0] == messages[1] != messages[2]


def test_targets_are_given_where_the_usual_ones_are_not_admitted():
    loss = type("Late", (LinEx,), {"in_domain": lambda self, y: np.isfinite(y) & (y > 1900)})()
    with pytest.raises(ValueError, match=r"in_domain admits none of the targets.*check_loss\(loss, y=\[\.\.\.\]\)"):
        check_loss(loss)
    assert "value_is_convex" in check_loss(loss, y=[1905.0, 1910.0, 0.0]).held


def test_parameters_that_do_not_fit_are_refused_as_in_a_fit():
    with pytest.raises(ValueError, match="one weight per feature"):
        check_penalty(L1(weights=[1.0, 2.0]))
    assert check_penalty(L1(weights=[1.0, 2.0]), n_features=2).held


# What is right is fitted ----------------------------------------------------------------------------------------------

TWINS = [
    (Absolute(), "l2", AbsoluteError(), "l2", 2.0, True),
    (LinEx(), Ell1(), LinEx(), "l1", 1.0, True),
    ("squared_error", Ell1(), "squared_error", "l1", 1.0, True),
    ("squared_error", Blockwise(), "squared_error", "l1", 1.0, True),
    ("huber", Ridge(np.arange(1.0, 7.0)), "huber", L2(weights=np.arange(1.0, 7.0)), 1.0, False),
    (
        type("Bare", (Loss,), {"value": LinEx.value, "gradient": LinEx.gradient, "a": 0.5})(),
        "l2",
        LinEx(),
        "l2",
        1,
        False,
    ),
]


@pytest.mark.parametrize("loss, penalty, twin, other, factor, has_gap", TWINS, ids=[repr(twin[:2]) for twin in TWINS])
def test_classes_of_your_own_fit_as_those_of_the_library(loss, penalty, twin, other, factor, has_gap):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 6))
    y = X @ [2.0, -1.0, 0.5, 0.0, 0.0, 0.0] + rng.normal(size=60)
    own = ERMRegressor(loss, penalty, alpha=0.1 * factor).fit(X, y)
    model = ERMRegressor(twin, other, alpha=0.1, tol=1e-9).fit(X, y)
    assert own.objective_ == pytest.approx(factor * model.objective_, rel=1e-6)
    assert np.isfinite(own.duality_gap_) == has_gap
    assert (own.duality_gap_ if has_gap else own.optimality_) <= own.tol
