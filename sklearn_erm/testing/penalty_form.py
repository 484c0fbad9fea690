"""Laws of a penalty's form: what there must be, shapes and types, nothing written on."""

# ruff: noqa: D401  (the docstring of a law is the law)

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from sklearn_erm.penalties import Penalty
from sklearn_erm.testing.form import asked_twice, misformed, rebuilt, written_on
from sklearn_erm.testing.laws import Finding, Laws, number, overrides, raised
from sklearn_erm.testing.penalty_case import PenaltyCase

LAWS = Laws()

MORE = {"prox": (0.3,), "prox_derivative": (0.3,)}
METHODS = ("value", "prox", "gradient", "curvature", "prox_derivative", "conjugate", "critical_alpha")


def methods(case: PenaltyCase) -> list[str]:
    """Return the methods that can be asked with an array shaped as W."""
    return [name for name in (*METHODS, "blocks", "support") if case.has(name) and name not in case.broken]


@LAWS.law()
def it_has_what_solvers_need(case: PenaltyCase) -> Finding | None:
    """A penalty has a value; a smooth one a gradient, another a prox, one that is not convex majorise."""
    penalty = case.penalty
    if not overrides(penalty, Penalty, "value"):
        case.broken["value"] = "it_has_what_solvers_need"
        return Finding("the class", "there is no value", "write value(W)")
    if not penalty.convex and not penalty.has("majorise"):
        return Finding("the class", "convex=False, but no majorise", "write majorise(W); or set convex=True")
    for part in penalty.parts() if penalty.convex else []:
        needed = "gradient" if part.penalty.smooth else "prox"
        if not part.penalty.has(needed):
            case.broken |= dict.fromkeys(("kkt", "support"), "it_has_what_solvers_need")
            found = f"{part.penalty!r} says smooth={part.penalty.smooth}, but has no {needed}"
            return Finding("the class", f"{found}, without which no solver finds a minimum", f"write {needed}")
    if penalty.blockwise and not (penalty.has("gradient") and overrides(penalty, Penalty, "support")):
        return Finding("the class", "blockwise=True, but no gradient or support", "write both; or set blockwise=False")
    return None


def _form(case: PenaltyCase, method: str, shape: tuple[int, ...]) -> Finding | None:
    """Look at the answers of one method: shape, type, whether they are numbers."""
    for W in case.coefs:
        try:
            answer = case.ask(method, W, *MORE.get(method, ()))
        except Exception as error:
            return Finding(case.at(W), raised(error), f"{method}, for W of shape {case.shape}")
        what = misformed(answer, shape, f"{method} for W of shape {case.shape}")
        if what:
            return Finding(case.at(W), what, f"the last line of {method}")
        infinite = method in ("conjugate", "critical_alpha") or (method == "value" and not case.penalty.smooth)
        if np.any(np.isnan(answer)) or np.any(answer == -np.inf) or (np.any(np.isinf(answer)) and not infinite):
            return Finding(case.at(W), f"{method} is {number(answer)}", f"0 / 0, overflow in {method}")
    return None


@LAWS.law("value", guards="value")
def value_is_a_number(case: PenaltyCase) -> Finding | None:
    """value(W) is a float for W of shape (p,) and of shape (p, k); inf only where W is not admitted."""
    return _form(case, "value", ())


@LAWS.law("prox", guards="prox")
def prox_is_shaped_as_w(case: PenaltyCase) -> Finding | None:
    """prox(W, step) is finite float64 in the shape of W."""
    return _form(case, "prox", case.shape)


@LAWS.law("gradient", guards="gradient")
def gradient_is_shaped_as_w(case: PenaltyCase) -> Finding | None:
    """gradient(W) is finite float64 in the shape of W."""
    return _form(case, "gradient", case.shape)


@LAWS.law("conjugate", guards="conjugate")
def conjugate_is_a_number(case: PenaltyCase) -> Finding | None:
    """conjugate(V) is a float, perhaps inf."""
    return _form(case, "conjugate", ())


@LAWS.law("critical_alpha", guards="critical_alpha")
def critical_alpha_is_a_number(case: PenaltyCase) -> Finding | None:
    """critical_alpha(gradient) is a float >= 0, perhaps inf."""
    finding = _form(case, "critical_alpha", ())
    if finding is not None:
        return finding
    for W in case.coefs:
        alpha = float(case.ask("critical_alpha", W))
        if alpha < 0 or (alpha > 0 and not W.any()):
            wanted = ">= 0" if W.any() else "0"
            return Finding(f"gradient={number(W)}", f"it is {number(alpha)}, expected {wanted}", "critical_alpha")
    return None


@LAWS.law("curvature", guards="curvature")
def curvature_is_a_symmetric_matrix(case: PenaltyCase) -> Finding | None:
    """curvature(W) is a Curvature: diagonal in the shape of W, minus of shape (W.size, m), a symmetric matrix."""
    for W in case.coefs:
        curvature, size = case.ask("curvature", W), W.size
        if not hasattr(curvature, "diagonal") or not hasattr(curvature, "minus"):
            found = f"curvature is a {type(curvature).__name__}"
            return Finding(case.at(W), found, "return Curvature(diagonal), from sklearn_erm.penalties")
        what = misformed(curvature.diagonal, W.shape, "its diagonal")
        if not what and curvature.minus is not None and np.shape(curvature.minus)[:1] != (size,):
            what = f"minus has shape {np.shape(curvature.minus)}, expected ({size}, m)"
        matrix = curvature.matrix
        if not what and matrix is not None and (matrix.shape != (size, size) or abs(matrix - matrix.T).max() > 1e-9):
            what = f"matrix of shape {matrix.shape} is not symmetric of shape ({size}, {size})"
        if what:
            return Finding(case.at(W), what, "curvature")
    return None


@LAWS.law("prox_derivative", guards="prox_derivative")
def prox_derivative_is_a_diagonal_and_columns(case: PenaltyCase) -> Finding | None:
    """prox_derivative(W, step) is a pair: d in the shape of W, and U of shape (W.size, m) or None."""
    for W in case.coefs:
        answer = case.ask("prox_derivative", W, 0.3)
        if not (isinstance(answer, tuple) and len(answer) == 2):
            found = f"it is a {type(answer).__name__}"
            return Finding(case.at(W), found, "return d, None for the diagonal matrix of d")
        what = misformed(answer[0], W.shape, "d")
        if not what and answer[1] is not None and np.shape(answer[1])[:1] != (W.size,):
            what = f"U has shape {np.shape(answer[1])}, expected ({W.size}, m)"
        if what:
            return Finding(case.at(W), what, "prox_derivative")
    return None


@LAWS.law()
def blocks_and_support_are_shaped_as_w(case: PenaltyCase) -> Finding | None:
    """blocks(W) is an integer label, support(W) and unpenalised(W) are booleans, for every entry of W."""
    for name, kinds in (("blocks", "iu"), ("support", "b"), ("unpenalised", "b")):
        answer = np.asarray(case.ask(name, case.coefs[0]))
        if answer.shape != case.shape or answer.dtype.kind not in kinds:
            case.broken[name] = "blocks_and_support_are_shaped_as_w"
            found = f"{name} has shape {answer.shape} and dtype {answer.dtype}"
            return Finding(f"W of shape {case.shape}", found, name)
    return None


@LAWS.law()
def parameters_survive_clone(case: PenaltyCase) -> Finding | None:
    """__init__ stores its arguments unchanged under their names, so that clone and grid search work."""
    return rebuilt(case.penalty)


@LAWS.law()
def inputs_are_left_alone(case: PenaltyCase) -> Finding | None:
    """No method writes on the arrays that it is given."""
    for name in methods(case):
        for W in case.coefs:
            what = written_on(getattr(case.penalty, name), W, *MORE.get(name, ()))
            if what:
                return Finding(case.at(W), f"{name} {what}", f"in-place operators (+=, out=, W[mask] = 0) in {name}")
    return None


@LAWS.law()
def answers_depend_on_arguments_only(case: PenaltyCase) -> Finding | None:
    """Asked twice, every method says the same, and the penalty's parameters stay as they were."""
    for name in methods(case):
        what = asked_twice(case.penalty, partial(_call, case, name))
        if what:
            case.broken[name] = "answers_depend_on_arguments_only"
            return Finding(case.at(case.coefs[0]), f"{name} {what}", f"{name}: it must not store anything")
    return None


def _call(case: PenaltyCase, name: str) -> Any:
    return case.ask(name, case.coefs[0], *MORE.get(name, ()))
