"""From what a user passes as ``loss=`` and ``penalty=`` to a loss and a penalty."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from copy import copy
from typing import Any

from sklearn_erm.checks import suggest
from sklearn_erm.estimators.synonyms import called_here
from sklearn_erm.losses import LOSSES, Loss
from sklearn_erm.penalties import PENALTIES, Penalty

HOMES = {"loss": "losses", "penalty": "penalties"}  # packages
ESTIMATORS = {"real": "ERMRegressor", "sign": "ERMClassifier", "class": "ERMClassifier"}  # by kind of target


def find_loss(owner: str, loss: Any, targets: frozenset[str]) -> Loss:
    """Return the loss that a name or an instance stands for.

    Parameters
    ----------
    owner : str
        The estimator, for error messages.
    loss : str or Loss
        An instance is copied.
    targets : set of str
        The kinds of target that the estimator has.

    Raises
    ------
    ValueError
        If the name is unknown, or the loss is for another kind of target.
    TypeError
        If it is neither a name nor a loss.
    """
    found = _find(owner, "loss", loss, lambda: loss_names(targets), LOSSES, "inverse_link")
    if found.target not in targets:
        names = loss_names(targets)
        hint = _hint("loss", loss, names)
        raise ValueError(
            f"{owner}(loss={loss!r}): this loss is for {ESTIMATORS[found.target]}. {hint}Losses "
            f"of {owner}: {_listed(names)}. A loss of your own says by its attribute target whether y holds real "
            "numbers ('real'), signs ('sign') or class indices ('class')."
        )
    return found


def target_of(owner: str, loss: Any) -> str:
    """Return the kind of target of a loss, given by name or as an instance: "real", "sign" or "class"."""
    target: str = find_loss(owner, loss, frozenset(ESTIMATORS)).target
    return target


def find_penalty(owner: str, penalty: Any, l1_ratio: float | None = None) -> Penalty:
    """Return the penalty that a name or an instance stands for.

    Parameters
    ----------
    owner : str
        The estimator, for error messages.
    penalty : str, Penalty or None
        An instance is copied.
    l1_ratio : float or None
        The share of the lasso for every term that has one; None leaves it as it is.

    Raises
    ------
    ValueError
        If the name is unknown.
    TypeError
        If it is neither a name nor a penalty.
    """
    found: Penalty = _find(owner, "penalty", penalty, lambda: list(PENALTIES), PENALTIES, "critical_alpha")
    if l1_ratio is None or not l1_ratios(found):
        return found
    terms: Any = (
        factor * (copy(term).set_params(l1_ratio=l1_ratio) if _has_share(term) else term)
        for factor, term in found.terms()
    )
    mixed: Penalty = sum(terms)
    return mixed


def bind_penalty(owner: Any, penalty: Penalty, n_features: int) -> Penalty:
    """Return a penalty for the features that an estimator has seen, their names too where they have any."""
    return penalty.with_names(getattr(owner, "feature_names_in_", None)).bind(n_features)


def by_name(given: Any) -> bool:
    """Return whether a user gave a loss or a penalty by its name, which is None for no penalty."""
    return given is None or isinstance(given, str)


def l1_ratios(penalty: Penalty) -> list[float]:
    """Return the ``l1_ratio`` of each term of a penalty that has one."""
    return [term.get_params(deep=False)["l1_ratio"] for _, term in penalty.terms() if _has_share(term)]


def loss_names(targets: frozenset[str], capability: str = "value") -> list[str]:
    """Return the names of the losses for some kinds of target that have a method."""
    return [name for name, loss in LOSSES.items() if loss.target in targets and hasattr(loss, capability)]


def _find(
    owner: str,
    what: str,
    value: Any,
    names: Callable[[], list[Any]],
    registry: Mapping[Any, type],
    capability: str,
) -> Any:
    """Return what a name or an instance stands for; ``names`` are those that an error offers."""
    if isinstance(value, type) and hasattr(value, capability):
        raise TypeError(
            f"{owner}({what}={value.__name__}): {value.__name__} is a class; pass an instance, "
            f"{what}={value.__name__}(...)."
        )
    if by_name(value):
        if value in registry:
            return registry[value]()
        hint = _hint(what, value, names()) or suggest(value, filter(None, names()))
        raise ValueError(f"{owner}({what}={value!r}): unknown {what}. {hint}Known names: {_listed(names())}.")
    if not hasattr(value, capability):
        kind = value if isinstance(value, type) else type(value)
        raise TypeError(
            f"{owner}({what}={value!r}): {what} must be a name or an instance from "
            f"sklearn_erm.{HOMES[what]}, got {_public(kind)}. {_hint(what, kind.__name__, names())}".rstrip()
        )
    return copy(value)


def _public(kind: type) -> str:
    """Return the name of a class, with the shortest module that has it if that is not Python's own."""
    parts = kind.__module__.split(".")
    modules = [".".join(parts[:k]) for k in range(1, len(parts) + 1)]
    homes = [module for module in modules if getattr(sys.modules.get(module), kind.__name__, None) is kind]
    return f"{homes[0]}.{kind.__name__}" if homes and homes[0] != "builtins" else kind.__name__


def _has_share(term: Penalty) -> bool:
    return "l1_ratio" in term.get_params(deep=False)


def _hint(what: str, value: Any, names: list[Any]) -> str:
    """Return in words what is meant by a name that is used elsewhere; "" if it is not known."""
    if not isinstance(value, str):
        return ""
    meant = [name for name in called_here(what, value) if name != value]
    here = [repr(name) for name in meant if name in names]
    if what == "loss":
        here += [f"penalty={name!r}" for name in called_here("penalty", value)]
    elif not here:
        here = [f"loss={name!r}" for name in called_here("loss", value)[:1]]
    if here:
        return f"Did you mean {' or '.join(here)}? "
    return f"Did you mean {meant[0]!r}, which is for {ESTIMATORS[LOSSES[meant[0]].target]}? " if meant else ""


def _listed(names: list[Any]) -> str:
    return ", ".join(map(repr, names))
