"""Losses that are one function of one variable: of the residual, or of the margin."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.checks import defines, needed, optional
from sklearn_erm.losses.base import Array, Loss

ROUNDING = 1e-12  # how far outside its domain rounding may leave a dual variable


class ScalarLoss(Loss):
    """A loss that is one function of one variable: l(y, eta) = phi(t) with t = c eta + d and c = -1 or +1.

    A subclass writes ``phi`` and its first and second derivative, its prox and the derivative of that, and its
    conjugate, whose domain is ``phi_domain``.

    Attributes
    ----------
    phi_domain : tuple of two floats
        The interval in which the conjugate of ``phi`` is finite.
    """

    phi_domain: tuple[float, float] = (-np.inf, np.inf)

    def has(self, method: str) -> bool:
        inherited = getattr(type(self), method) is getattr(ScalarLoss, method)
        needs = {"prox_derivative": "phi_prox"}.get(method, f"phi_{method}")
        return defines(self, needs if inherited and hasattr(self, needs) else method)

    @needed
    def affine(self, y: Array) -> tuple[Any, Any]:
        """Return c and d of t = c eta + d, as ``ResidualLoss`` and ``MarginLoss`` do.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.

        Returns
        -------
        c, d : float or ndarray, in the shape of y
            c is -1 or +1.
        """
        raise NotImplementedError

    @needed
    def phi(self, t: Array) -> Array:
        """Return phi(t), entry by entry.

        Parameters
        ----------
        t : ndarray
            The variable, residuals or margins say.

        Returns
        -------
        phi : ndarray, in the shape of t
            The losses.
        """
        raise NotImplementedError

    @needed
    def phi_gradient(self, t: Array) -> Array:
        """Return the derivative of phi, entry by entry.

        Parameters
        ----------
        t : ndarray
            The variable, residuals or margins say.

        Returns
        -------
        gradient : ndarray, in the shape of t
            A subgradient at a kink.
        """
        raise NotImplementedError

    @optional
    def phi_curvature(self, t: Array) -> Array:
        """Return the second derivative of phi.

        Parameters
        ----------
        t : ndarray
            The variable, residuals or margins say.

        Returns
        -------
        curvature : ndarray, in the shape of t
            Not negative if phi is convex.
        """
        raise NotImplementedError

    @optional
    def phi_prox(self, t: Array, step: Any) -> Array:
        """Return the prox of step * phi at t.

        Parameters
        ----------
        t : ndarray
            The variable, residuals or margins say.
        step : float > 0 or ndarray, in the shape of t
            In the unit of t² / phi.

        Returns
        -------
        z : ndarray, in the shape of t
            The argmin of phi(z) + (z - t)² / (2 step).
        """
        raise NotImplementedError

    def phi_prox_derivative(self, t: Array, step: Any) -> Array:
        """Return the derivative of ``phi_prox`` in t: by the implicit function theorem where phi is smooth.

        Parameters
        ----------
        t : ndarray
            The variable, residuals or margins say.
        step : float > 0 or ndarray, in the shape of t
            As for ``phi_prox``.

        Returns
        -------
        derivative : ndarray, in the shape of t
            Between 0 and 1 if phi is convex.
        """
        return 1.0 / (1.0 + step * self.phi_curvature(self.phi_prox(t, step)))

    @optional
    def phi_pieces(self) -> tuple[Any, Any]:
        """Return where a piecewise linear phi bends, in rising order, and its slopes between, one more.

        Returns
        -------
        kinks, slopes : sequence of m and of m + 1 floats
            In rising order.
        """
        raise NotImplementedError

    @optional
    def phi_conjugate(self, v: Array) -> Array:
        """Return the conjugate of phi inside its domain.

        Parameters
        ----------
        v : ndarray
            Slopes of phi within ``phi_domain``.

        Returns
        -------
        conjugate : ndarray, in the shape of v
            The supremum of v t - phi(t) over t.
        """
        raise NotImplementedError

    def value(self, y: Array, eta: Array) -> Array:
        c, d = self.affine(y)
        return self.phi(c * eta + d)

    def gradient(self, y: Array, eta: Array) -> Array:
        c, d = self.affine(y)
        return c * self.phi_gradient(c * eta + d)

    def curvature(self, y: Array, eta: Array) -> Array:
        c, d = self.affine(y)
        return self.phi_curvature(c * eta + d)

    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        c, d = self.affine(y)
        return c * (self.phi_prox(c * eta + d, step) - d)

    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        c, d = self.affine(y)
        return self.phi_prox_derivative(c * eta + d, step)

    def pieces(self, y: Array) -> tuple[Array, Array, Array, Array]:
        kinks, slopes = self.phi_pieces()
        c, d = (np.broadcast_to(part, y.shape) for part in self.affine(y))
        return np.array(kinks), np.array(slopes), c, d

    def conjugate(self, y: Array, u: Array) -> Array:
        c, d = self.affine(y)
        low, high = self.phi_domain
        v = c * u
        if low == -np.inf and high == np.inf:
            return self.phi_conjugate(v) - v * d
        inside = (v >= low - ROUNDING) & (v <= high + ROUNDING)
        return np.where(inside, self.phi_conjugate(np.minimum(np.maximum(v, low), high)) - v * d, np.inf)

    def into_dual_domain(self, y: Array, u: Array) -> Array:
        c, _ = self.affine(y)
        low, high = self.phi_domain
        inside: Array = c * np.minimum(np.maximum(c * u, low), high)
        return inside

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        c, _ = self.affine(y)
        low, high = self.phi_domain
        return np.where(c > 0, low, -high), np.where(c > 0, high, -low)


class ResidualLoss(ScalarLoss):
    """A regression loss: phi of the residual y - eta."""

    target = "real"
    location_equivariant = True

    def affine(self, y: Array) -> tuple[Any, Any]:
        return -1.0, y


class MarginLoss(ScalarLoss):
    """A classification loss: phi of the margin y eta, y = -1 or +1."""

    target = "sign"
    domain = "-1 or +1"

    def affine(self, y: Array) -> tuple[Any, Any]:
        return y, 0.0

    def in_domain(self, y: Array) -> Array:
        return np.abs(y) == 1.0
