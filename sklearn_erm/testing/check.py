"""The two checks: of a loss, of a penalty."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Penalty
from sklearn_erm.testing import loss_duals, loss_form, loss_laws, penalty_duals, penalty_form, penalty_laws
from sklearn_erm.testing.laws import Report, examine
from sklearn_erm.testing.loss_case import LossCase
from sklearn_erm.testing.penalty_case import PenaltyCase

OF_LOSSES = [law for module in (loss_form, loss_laws, loss_duals) for law in module.LAWS.laws]
OF_PENALTIES = [law for module in (penalty_form, penalty_laws, penalty_duals) for law in module.LAWS.laws]


def check_loss(loss: Loss, *, y: Any = None, random_state: Any = 0) -> Report:
    """Check that a loss is what it says: the library's own laws, on samples of many kinds.

    Parameters
    ----------
    loss : Loss
        An instance; of the methods, those that are there are checked. One that finds its scale with the fit is checked
        at some scale.
    y : array-like, default=None
        Targets to check it at. None means some usual numbers that ``in_domain`` admits.
    random_state : int or numpy.random.Generator, default=0
        Where the random scores come from.

    Returns
    -------
    Report
        The laws that hold, and those that were skipped, with the reason.

    Raises
    ------
    TypeError
        If it is not an instance of a subclass of Loss.
    BrokenLawError
        An AssertionError whose message says of every law that fails where, by how much, and what to look at.
    """
    _require_instance("check_loss", loss, Loss, "Gamma()")
    case = LossCase(loss.settled(lambda _: 1.0), y, np.random.default_rng(random_state))
    return examine(_name(loss), OF_LOSSES, [case])


def check_penalty(penalty: Penalty, n_features: int = 6, *, random_state: Any = 0) -> Report:
    """Check that a penalty is what it says: the library's own laws, on coefficients of one output and of several.

    Parameters
    ----------
    penalty : Penalty
        An instance; of the methods, those that are there are checked.
    n_features : int, default=6
        The number of features to check it with, where its parameters (weights, groups) say so.
    random_state : int or numpy.random.Generator, default=0
        Where the random coefficients come from.

    Returns
    -------
    Report
        The laws that hold, and those that were skipped, with the reason.

    Raises
    ------
    TypeError
        If it is not an instance of a subclass of Penalty.
    BrokenLawError
        An AssertionError whose message says of every law that fails where, by how much, and what to look at.
    """
    _require_instance("check_penalty", penalty, Penalty, "L1()")
    bound, rng = penalty.bind(n_features), np.random.default_rng(random_state)
    shapes = [(n_features,), (n_features, 2)]
    return examine(_name(penalty), OF_PENALTIES, [PenaltyCase(bound, shape, rng) for shape in shapes])


def _require_instance(owner: str, thing: Any, kind: type, example: str) -> None:
    if not isinstance(thing, kind):
        raise TypeError(
            f"{owner}({thing!r}): pass an instance of a subclass of {kind.__name__}, {owner}({example}) for example."
        )


def _name(thing: object) -> str:
    return " ".join(repr(thing).split())
