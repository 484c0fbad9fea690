"""What a penalty is: a function of the coefficients W, without data and without alpha."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

Array = NDArray[Any]


class Penalty(BaseEstimator):
    """A convex function Omega(W) of coefficients of shape (p,), or (p, k) for k outputs.

    A penalty that knows p (weights, groups) is checked and completed by ``bind`` before any other method is called.

    Attributes
    ----------
    smooth : bool
        Whether Omega is twice differentiable everywhere.
    separable : bool
        Whether Omega is a sum over the blocks of ``blocks``, more than one.
    coercive : bool
        Whether Omega grows in every direction. If not, its conjugate is finite on a thin set only and a duality gap
        says nothing.
    rotation_invariant : bool
        Whether Omega(Q W) = Omega(W) for every orthogonal Q, so that W may be sought in the row space of X.
    homogeneous : bool
        Whether Omega(c W) = c Omega(W) for c > 0, so that the conjugate is the indicator of a convex set.
    """

    convex: ClassVar[bool] = True
    smooth: bool = False
    separable: bool = True
    coercive: bool = True
    rotation_invariant: bool = False
    homogeneous: bool = False

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        """Instances for so many features that tests and documentation use."""
        return [cls()]

    def bind(self, n_features: int) -> Penalty:
        """Return the penalty for so many features, its arrays checked and completed.

        Raises
        ------
        ValueError, TypeError
            If a hyper-parameter is out of range or of the wrong length.
        """
        return self

    def restrict(self, index: Array) -> Penalty:
        """Return the penalty on a subset of the features, whole blocks of them."""
        return self

    def unpenalised(self, W: Array) -> Array:
        """Return a mask of the entries that Omega does not depend on; none if it is coercive."""
        return np.zeros(W.shape, dtype=bool)

    def blocks(self, W: Array) -> Array:
        """Return an integer label per entry, in the shape of W: entries of one label are penalised together."""
        return np.arange(W.size).reshape(W.shape)

    def value(self, W: Array) -> float:
        """Return Omega(W)."""
        raise NotImplementedError

    def prox(self, W: Array, step: Any) -> Array:
        """Return argmin over Z of Omega(Z) + |Z - W|^2 / (2 step), step >= 0 a number, or an array in the shape of W.

        The array is constant on each block.
        """
        raise NotImplementedError

    def gradient(self, W: Array) -> Array:
        """Return the gradient of Omega where it has one (on ``support``), 0 elsewhere."""
        raise NotImplementedError

    def curvature(self, W: Array) -> tuple[Array, Array | None]:
        """Return d (as W) and U (W.size, m) or None: the Hessian on ``support`` is diag(d) - U U^T."""
        return np.zeros(W.shape), None

    def support(self, W: Array) -> Array:
        """Return a mask of the entries around which Omega is twice differentiable."""
        return np.ones(W.shape, dtype=bool)

    def critical_alpha(self, gradient: Array) -> float:
        """Return the smallest alpha for which W = 0 is optimal where the risk has this gradient."""
        raise NotImplementedError

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return, per entry, the distance of -gradient from alpha times the subdifferential of Omega at W.

        Entries of one block all carry the block's distance.
        """
        raise NotImplementedError

    def conjugate(self, V: Array) -> float:
        """Return sup over W of <V, W> - Omega(W); inf outside its domain."""
        raise NotImplementedError


class SmoothPenalty(Penalty):
    """What smooth penalties share: stationarity is a zero gradient."""

    smooth = True

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        return np.abs(gradient + alpha * self.gradient(W))

    def critical_alpha(self, gradient: Array) -> float:
        return np.inf if np.any(gradient) else 0.0


def feature_weights(owner: Penalty, name: str, weights: Any, length: int, unit: str) -> Array:
    """Return weights as a float array, all ones for None.

    Raises
    ------
    ValueError
        If the length is wrong, or a weight is negative or not finite.
    """
    label = type(owner).__name__
    if weights is None:
        return np.ones(length)
    try:
        array = np.asarray(weights, dtype=float)
    except (TypeError, ValueError):
        raise TypeError(f"{label}({name}={weights!r}): weights must be real numbers, one per {unit}.") from None
    if array.shape != (length,):
        raise ValueError(
            f"{label}({name}=...): expected one weight per {unit}, shape ({length},), got shape {array.shape}. "
            "A factor of the whole penalty is what alpha is for."
        )
    if not np.all(np.isfinite(array)) or np.any(array < 0):
        bad = int(np.flatnonzero(~(array >= 0) | ~np.isfinite(array))[0])
        raise ValueError(f"{label}({name}=...): weights must be finite and >= 0, but entry {bad} is {array[bad]}.")
    return array


def along_features(values: Array | None, W: Array) -> Any:
    """Return per-feature values shaped to broadcast against W; None is 1."""
    if values is None:
        return 1.0
    return values if W.ndim == 1 else values[:, None]
