"""Penalties that are concave in the size of a coefficient, and constant from a knot on: MCP and SCAD."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.l1 import L1


class FoldedConcave(Penalty):
    """What MCP and SCAD share: the slope in |w| is 1 up to ``_corner``, falls linearly to 0 at ``knot``, and stays."""

    convex = False
    separable = True
    blockwise = True
    knot: float
    _corner: float

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "knot", self.knot, 0, np.inf, "()")
        return self

    def _slope(self, size: Array) -> Array:
        """Return the derivative in |w|."""
        return np.clip((self.knot - size) / (self.knot - self._corner), 0.0, 1.0)

    def value(self, W: Array) -> float:
        size = np.minimum(np.abs(W), self.knot)
        beyond = np.maximum(size - self._corner, 0.0)
        return float(np.sum(size - 0.5 * beyond**2 / (self.knot - self._corner)))

    def _prox(self, W: Array, step: Any) -> tuple[Array, Array]:
        """Return the size of the prox, and its derivative."""
        size, corner, knot, room = np.abs(W), self._corner, self.knot, self.knot - self._corner
        shrunk = np.maximum(size - step, 0.0)
        # The objective is convex for steps below room. Else it falls to a minimum in each of [0, corner], [knot, inf)
        convex = np.less(step, room)
        share = np.where(convex, 1.0 - step / room, 1.0)
        between = (size - step * (knot / room)) / share
        dearer = step * shrunk + 0.5 * (size - shrunk) ** 2 > 0.5 * step * (knot + corner)
        stays = (size > knot) & (convex | dearer)
        bends = ~stays & convex & (size > corner + step)
        moved = np.where(stays, size, np.where(bends, between, shrunk))
        moves = np.where((shrunk > 0) | np.equal(step, 0), 1.0, 0.0)
        return moved, np.where(stays, 1.0, np.where(bends, 1.0 / share, moves))

    def prox(self, W: Array, step: Any) -> Array:
        return np.sign(W) * self._prox(W, step)[0]

    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Array | None]:
        return self._prox(W, step)[1], None

    def gradient(self, W: Array) -> Array:
        return np.sign(W) * self._slope(np.abs(W))

    def curvature(self, W: Array) -> Curvature:
        size = np.abs(W)
        return Curvature(np.where((size > self._corner) & (size < self.knot), -1.0 / (self.knot - self._corner), 0.0))

    def support(self, W: Array) -> Array:
        return W != 0

    def critical_alpha(self, gradient: Array) -> float:
        return float(np.abs(gradient).max(initial=0.0))

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        outside = np.abs(gradient + alpha * self.gradient(W))
        return np.where(W != 0, outside, np.maximum(outside - alpha, 0.0))

    def majorise(self, W: Array) -> Penalty:
        return L1(weights=self._slope(np.abs(W)))


class MCP(FoldedConcave):
    r"""The minimax concave penalty, ``"mcp"``. Not convex.

    .. math:: \Omega(W) = \sum_j \min\left(|w_j| - \frac{w_j^2}{2 \gamma}, \frac{\gamma}{2}\right)
        \text{ for } |w_j| \le \gamma, \quad \frac{\gamma}{2} \text{ beyond}

    Sets coefficients to exactly zero like the lasso, but does not shrink large ones: from the knot gamma on there is no
    pull. A minimiser that is found need not be global. ``critical_alpha`` makes W = 0 stationary, ``majorise`` is the
    tangent in the sizes of the coefficients, a weighted lasso.

    Parameters
    ----------
    knot : float > 0, default=1.0
        The size gamma from which a coefficient is not shrunk, in the unit of the coefficients; it does not depend on
        ``alpha``.

    References
    ----------
    Zhang, "Nearly unbiased variable selection under minimax concave penalty", Annals of Statistics 38(2), 2010.
    """

    _corner = 0.0

    def __init__(self, knot: float = 1.0):
        self.knot = knot

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(knot=3.0)]


class SCAD(FoldedConcave):
    r"""The smoothly clipped absolute deviation, ``"scad"``. Not convex.

    .. math:: \Omega(W) = \sum_j \int_0^{|w_j|} \min\left(1, \frac{(\gamma - t)^+}{\gamma - \gamma / a}\right) dt

    The lasso up to knot / a; from there the pull falls, to none at the knot gamma. ``MCP`` is the limit of a large a.
    A minimiser that is found need not be global. ``critical_alpha`` makes W = 0 stationary, ``majorise`` is the tangent
    in the sizes of the coefficients, a weighted lasso.

    Parameters
    ----------
    knot : float > 0, default=1.0
        The size gamma from which a coefficient is not shrunk, in the unit of the coefficients; it does not depend on
        ``alpha``. The usual parametrisation has it at a * alpha.
    a : float > 1, default=3.7
        The knot divided by the size up to which the penalty is the lasso.

    References
    ----------
    Fan, Li, "Variable selection via nonconcave penalized likelihood and its oracle properties", JASA 96, 2001. The
    tangent: Zou, Li, "One-step sparse estimates in nonconcave penalized likelihood models", Annals of Statistics 36(4),
    2008.
    """

    def __init__(self, knot: float = 1.0, a: float = 3.7):
        self.knot = knot
        self.a = a

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(knot=3.0, a=2.0)]

    def bind(self, n_features: int) -> Penalty:
        require_in_range(self, "a", self.a, 1, np.inf, "()")
        return super().bind(n_features)

    @property
    def _corner(self) -> float:  # type: ignore[override]
        return self.knot / self.a
