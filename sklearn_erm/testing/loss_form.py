"""Laws of a loss's form: what there must be, shapes and types, nothing written on, every sample by itself."""

# ruff: noqa: D401  (the docstring of a law is the law)

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.testing.form import asked_twice, misformed, rebuilt, written_on
from sklearn_erm.testing.laws import Finding, Laws, number, overrides, quietly, raised, skip_unless, worst
from sklearn_erm.testing.loss_case import LossCase

LAWS = Laws()


def call(case: LossCase, method: str, rows: Any = slice(None)) -> Any:
    """Return a method's answer for some of the samples."""
    y, eta, step = case.y[rows], case.eta[rows], 0.7
    if method == "conjugate":
        return case.ask(method, y, case.ask("gradient", y, eta))
    more = {"prox": (step,), "prox_derivative": (step,), "hessp": (case.direction[rows],)}.get(method, ())
    return case.ask(method, y, eta, *more)


def methods(case: LossCase) -> list[str]:
    """Return the methods that can be asked."""
    names = ["value", "gradient", "curvature", "prox", "prox_derivative", "conjugate"]
    names = [name for name in names if case.has(name) and name not in case.broken]
    return [name for name in names if name != "conjugate" or "gradient" not in case.broken]


@LAWS.law()
def it_has_what_solvers_need(case: LossCase) -> Finding | None:
    """A loss has value and gradient; one with kinks (smooth=False) has a prox; a joint one of real y has n_scores."""
    loss = case.loss
    for name in ("value", "gradient"):
        if not overrides(loss, Loss, name):
            case.broken[name] = "it_has_what_solvers_need"
            return Finding("the class", f"there is no {name}", f"write {name}(y, eta)")
    if not loss.smooth and not case.has("prox"):
        return Finding(
            "the class",
            "smooth=False, but no prox, without which no solver finds the minimum",
            "write prox(y, eta, step), the argmin over z of value(y, z) + (z - eta)^2 / (2 step); or set smooth=True "
            "if there are no kinks",
        )
    if case.joint and loss.target == "real" and not loss.n_scores:
        return Finding("the class", "a joint loss of real y without n_scores", "write n_scores, the columns of eta")
    if case.joint and not overrides(loss, Loss, "null"):
        return Finding("the class", "a joint loss without null", "write null(y, weight), the best constant scores")
    return None


def _form(case: LossCase, method: str) -> Finding | None:
    """Look at the answer of one method: its shape, its type, whether it is a number."""
    n, k = len(case.y), case.eta.shape[-1]
    per_score = (n, k) if case.joint else (n,)
    shape: tuple[int, ...] = {"value": (n,), "conjugate": (n,)}.get(method, per_score)
    if case.joint and method in ("curvature", "prox_derivative"):
        shape = (n, k, k)
    try:
        answer = call(case, method)
    except Exception as error:
        return Finding(f"y of shape ({n},), eta of shape {case.eta.shape}", raised(error), method)
    what = misformed(answer, shape, f"{method} for eta of shape {case.eta.shape}")
    if what:
        return Finding(f"{n} samples", what, f"the last line of {method}: it answers per sample, in floats")
    if method == "value" and case.loss.smooth and case.lost is not None:
        return Finding(case.lost, "value is inf", "overflow; or say smooth=False, if that is a constraint")
    wrong = np.isnan(answer) if method == "conjugate" else ~np.isfinite(answer)
    i = worst(np.where(wrong.reshape(n, -1).any(axis=1), np.inf, 0.0), np.ones(n), case.near)
    if i is None:
        return None
    return Finding(
        case.at(i), f"{method} is {number(np.ravel(answer[i]))}", "overflow, logarithms and roots of negative numbers"
    )


@LAWS.law("value", guards="value")
def value_is_a_number_per_sample(case: LossCase) -> Finding | None:
    """value(y, eta) is one finite float64 per sample, of shape (n,)."""
    return _form(case, "value")


@LAWS.law("gradient", guards="gradient")
def gradient_is_shaped_as_eta(case: LossCase) -> Finding | None:
    """gradient(y, eta) is finite float64 in the shape of eta."""
    return _form(case, "gradient")


@LAWS.law("curvature", guards="curvature")
def curvature_is_shaped_as_eta(case: LossCase) -> Finding | None:
    """curvature(y, eta) is finite float64 in the shape of eta, (n, k, k) for a joint loss."""
    return _form(case, "curvature")


@LAWS.law("prox", guards="prox")
def prox_is_shaped_as_eta(case: LossCase) -> Finding | None:
    """prox(y, eta, step) is finite float64 in the shape of eta."""
    return _form(case, "prox")


@LAWS.law("prox_derivative", guards="prox_derivative")
def prox_derivative_is_shaped_as_curvature(case: LossCase) -> Finding | None:
    """prox_derivative(y, eta, step) is finite float64 in the shape of eta, (n, k, k) for a joint loss."""
    return _form(case, "prox_derivative")


@LAWS.law("gradient", "conjugate", guards="conjugate")
def conjugate_is_a_number_per_sample(case: LossCase) -> Finding | None:
    """conjugate(y, u) is one float64 per sample, of shape (n,): finite or inf."""
    return _form(case, "conjugate")


@LAWS.law()
def in_domain_is_a_mask(case: LossCase) -> Finding | None:
    """in_domain(y) is a boolean mask of the admissible targets; nan is none."""
    y = np.append(case.targets.astype(float), np.nan)
    mask = np.asarray(quietly(case.loss.in_domain, y))
    if mask.shape != y.shape or mask.dtype != bool:
        return Finding(
            f"{len(y)} targets", f"in_domain has dtype {mask.dtype}, shape {mask.shape}", "return a boolean array"
        )
    return Finding("y=nan", "in_domain says True", "add `& np.isfinite(y)`") if mask[-1] else None


@LAWS.law()
def parameters_survive_clone(case: LossCase) -> Finding | None:
    """__init__ stores its arguments unchanged under their names, so that clone works; validate passes."""
    case.loss.validate()
    return rebuilt(case.loss)


@LAWS.law()
def inputs_are_left_alone(case: LossCase) -> Finding | None:
    """No method writes on the arrays that it is given."""
    u = case.ask("gradient", case.y, case.eta) if "gradient" in methods(case) else None
    calls = {name: (case.y, u if name == "conjugate" else case.eta) for name in methods(case)}
    steps = {"prox": (0.7,), "prox_derivative": (0.7,)}
    for name, arrays in calls.items():
        what = written_on(getattr(case.loss, name), *arrays, *steps.get(name, ()))
        if what:
            return Finding(f"{len(case.y)} samples", f"{name} {what}", f"in-place operators (+=, out=) in {name}")
    return None


@LAWS.law()
def answers_depend_on_arguments_only(case: LossCase) -> Finding | None:
    """Asked twice, every method says the same, and the loss's parameters stay as they were."""
    for name in methods(case):
        what = asked_twice(case.loss, partial(call, case, name))
        if what:
            case.broken[name] = "answers_depend_on_arguments_only"
            return Finding(f"{len(case.y)} samples", f"{name} {what}", f"{name}: it must not store anything")
    return None


@LAWS.law("value")
def samples_are_independent(case: LossCase) -> Finding | None:
    """The answer for many samples is the answer for each, one by one, whatever their order."""
    for name in methods(case):
        together = call(case, name)
        for i in range(0, len(case.y), max(1, len(case.y) // 12)):
            alone = np.asarray(call(case, name, slice(i, i + 1)))[0]
            with np.errstate(invalid="ignore"):
                same = np.allclose(alone, together[i], rtol=1e-8, atol=1e-10, equal_nan=True)
            if not same:
                case.broken[name] = "samples_are_independent"
                return Finding(
                    case.at(i),
                    f"{name} is {number(np.ravel(together[i]))} among {len(case.y)} samples and "
                    f"{number(np.ravel(alone))} alone",
                    f"sums, means or maxima over samples in {name}; weights and averages are the library's part",
                )
    return None


@LAWS.law("value", "gradient")
def columns_are_taken_one_by_one(case: LossCase) -> Finding | None:
    """With y and eta of shape (n, k), for k outputs, a loss that is not joint answers column by column."""
    skip_unless(not case.joint, "a joint loss")
    y, eta = (np.column_stack([array, array[::-1]]) for array in (case.y, case.eta))
    for name in methods(case):
        second = case.ask("gradient", y, eta) if name == "conjugate" else eta
        more = (0.7,) if name.startswith("prox") else ()
        answer = case.ask(name, y, second, *more)
        wanted = np.column_stack([case.ask(name, y[:, j], second[:, j], *more) for j in (0, 1)])
        if answer.shape != wanted.shape or not np.allclose(answer, wanted, rtol=1e-8, atol=1e-10, equal_nan=True):
            return Finding(
                f"eta of shape {eta.shape}", f"{name} differs from that of its columns", f"axis arguments in {name}"
            )
    return None
