"""Expectile loss."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import require_in_range
from sklearn_erm.losses.base import Array, Loss
from sklearn_erm.losses.scalar import ResidualLoss


class Expectile(ResidualLoss):
    r"""The asymmetric squared error of expectile regression, ``"expectile"``.

    .. math:: \ell(y, \eta) = |q - 1[r < 0]| \, r^2, \qquad r = y - \eta

    Domain: y real; identity link. Estimates the conditional q-expectile: to the mean what a quantile is to the median.
    Smooth and quick to fit, sensitive to outliers.

    Parameters
    ----------
    expectile : float in (0, 1), default=0.5
        The expectile q; 0.5 is half the squared error.

    References
    ----------
    Newey, Powell, "Asymmetric least squares estimation and testing", Econometrica 55(4), 1987.
    """

    def __init__(self, expectile: float = 0.5):
        self.expectile = expectile

    @classmethod
    def examples(cls) -> list[Loss]:
        return [cls(), cls(expectile=0.2)]

    def validate(self) -> None:
        require_in_range(self, "expectile", self.expectile, 0, 1, "()")

    @property
    def max_curvature(self) -> float:  # type: ignore[override]
        """That of the heavier side."""
        return 2.0 * max(self.expectile, 1.0 - self.expectile)

    def _weight(self, t: Array) -> Array:
        return np.where(t < 0, 1.0 - self.expectile, self.expectile)

    def phi(self, t: Array) -> Array:
        return self._weight(t) * t * t

    def phi_gradient(self, t: Array) -> Array:
        return 2.0 * self._weight(t) * t

    def phi_curvature(self, t: Array) -> Array:
        return 2.0 * self._weight(t)

    def phi_prox(self, t: Array, step: Any) -> Array:
        return t / (1.0 + 2.0 * step * self._weight(t))

    def phi_conjugate(self, v: Array) -> Array:
        return 0.25 * v * v / self._weight(v)
