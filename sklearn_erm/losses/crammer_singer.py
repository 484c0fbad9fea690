"""Crammer and Singer's multiclass hinge."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.hinge import Hinge
from sklearn_erm.losses.simplex import SimplexLoss, one_hot


class CrammerSinger(SimplexLoss):
    r"""The multiclass hinge loss of Crammer and Singer, ``"crammer_singer"``.

    .. math:: \ell(y, \eta) = \max\left(0, \; 1 + \max_{j \ne y} \eta_j - \eta_y\right)

    Domain: y = a class index in 0 ... k - 1; one score per class. For two classes :class:`Hinge` takes its place, which
    says the same of the difference of the scores. Zero where the score of the right class exceeds every other by 1, so
    the fit depends on the support vectors alone. The subgradient is :math:`e_j - e_y` with j the first of the most
    violating classes, 0 where the loss is 0. Estimates the most frequent class if it is more frequent than all others
    together; not its probability.

    References
    ----------
    Crammer, Singer, "On the algorithmic implementation of multiclass kernel-based vector machines", JMLR 2, 2001.
    """

    smooth = False

    @staticmethod
    def _raised(y: Array, eta: Array) -> tuple[Array, Array, Array]:
        """Return the indicators of the labels, the scores less that of the label, and these plus 1 for the others."""
        label = one_hot(y, eta.shape)
        excess = eta - np.sum(label * eta, axis=1, keepdims=True)
        return label, excess, excess + 1.0 - label

    def for_classes(self, n_classes: int) -> Loss:
        return self if n_classes > 2 else Hinge()

    def value(self, y: Array, eta: Array) -> Array:
        return self._raised(y, eta)[2].max(axis=1)

    def gradient(self, y: Array, eta: Array) -> Array:
        label, _, raised = self._raised(y, eta)
        worst = one_hot(raised.argmax(axis=1), eta.shape)
        return np.where(raised.max(axis=1, keepdims=True) > 0, worst - label, 0.0)

    @staticmethod
    def _level(y: Array, eta: Array, step: Any) -> tuple[Array, Array, Array]:
        """Return a = eta + step e_y + 1 - e_y, 1 - e_y, and theta: the sum of (a - theta)^+ is step.

        By Moreau's identity, prox = eta - step (p - e_y) where step p is a projected onto the simplex of sum step.
        """
        label = one_hot(y, eta.shape)
        step = np.broadcast_to(np.asarray(step, dtype=float), y.shape)[:, None]
        a = eta + step * label + (1.0 - label)
        descending = -np.sort(-a, axis=1)
        levels = (np.cumsum(descending, axis=1) - step) / np.arange(1, a.shape[1] + 1)
        return a, 1.0 - label, levels.max(axis=1, keepdims=True)

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        a, margin, theta = self._level(y, eta, step)
        return np.minimum(a, theta) - margin

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        a, _, theta = self._level(y, eta, step)
        active = (a > theta).astype(float)
        mean = active[:, :, None] * (active / np.maximum(active.sum(axis=1, keepdims=True), 1))[:, None, :]
        return mean + (1.0 - active)[:, :, None] * np.eye(eta.shape[1])

    def conjugate(self, y: Array, u: Array) -> Array:
        p, inside = self.simplex_part(y, u)
        return np.where(inside, np.sum(one_hot(y, u.shape) * p, axis=1) - 1.0, np.inf)

    def null(self, y: Array, weight: Array) -> Any:
        # Constants b cost what moving mass pi_c off class c saves, at the optimum of the dual: a transport of the class
        # shares pi onto themselves moves at most min(1, 2 (1 - max pi)) of them. Equal scores cost 1; one more for the
        # most frequent class costs 2 (1 - max pi).
        share = np.bincount(y.astype(np.intp), weights=weight)
        score = (share > 0.5 * share.sum()).astype(float)
        return score - score.mean()
