"""What a penalty is: a function of the coefficients W, without data and without alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_erm.checks import Documented, defines, needed, optional
from sklearn_erm.penalties.arithmetic import Arithmetic
from sklearn_erm.penalties.curvature import Curvature
from sklearn_erm.penalties.part import Part
from sklearn_erm.penalties.region import Region

Array = NDArray[Any]


class Penalty(Arithmetic, Region, Documented, BaseEstimator):
    """A function Omega(W) of coefficients of shape (p,), or (p, k) for k outputs; its least value is 0.

    A penalty that knows p (weights, groups) is checked and completed by ``bind`` before any other method is called.
    Penalties add up, and may be multiplied by a number >= 0: ``0.5 * L1() + L2()``.

    Attributes
    ----------
    convex : bool
        Whether Omega is convex.
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
    blockwise : bool
        Whether Omega has no kinks but where whole blocks vanish, and says so by ``support``, ``gradient``,
        ``curvature`` and ``kkt``. A penalty that is neither smooth nor blockwise is split into its ``parts``.
    polyhedral : bool
        Whether Omega is piecewise linear, so that the Jacobian of its prox is a projection.
    couples_outputs : bool
        Whether Omega of several outputs is more than the sum over them.
    scaled_prox : bool
        Whether ``prox`` takes a step for every coefficient, though Omega is not separable: it then minimises
        Omega(Z) + sum (W - Z)^2 / (2 step). The U of ``prox_derivative`` is divided by sqrt(step), so that
        diag(d) + U U^T is diag(step)^-1/2 J diag(step)^1/2.
    """

    convex: bool = True
    smooth: bool = False
    separable: bool = False
    blockwise: bool = False
    couples_outputs: bool = False
    coercive: bool = False
    rotation_invariant: bool = False
    homogeneous: bool = False
    polyhedral: bool = False
    scaled_prox: bool = False

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        """Instances for so many features that tests and documentation use."""
        return [cls()]

    def has(self, method: str) -> bool:
        """Return whether the penalty has an optional method: ``prox``, ``gradient``, ``conjugate`` and so on.

        What it lacks, the solver does without or says that it needs.
        """
        return defines(self, method)

    def _with(self, **params: Any) -> Penalty:
        """Return a penalty of the same class, some parameters changed."""
        return type(self)(**{**self.get_params(deep=False), **params})

    def with_names(self, feature_names: Sequence[str] | None) -> Penalty:
        """Return the penalty with the numbers of columns that it has by name; None where columns have no names.

        Parameters
        ----------
        feature_names : sequence of str or None
            The columns of X.

        Returns
        -------
        penalty : Penalty
            What ``bind`` is called on.
        """
        return self

    def bind(self, n_features: int) -> Penalty:
        """Return the penalty for so many features, its arrays checked and completed.

        Parameters
        ----------
        n_features : int
            p.

        Returns
        -------
        penalty : Penalty
            A new one if anything was completed.

        Raises
        ------
        ValueError, TypeError
            If a hyper-parameter is out of range or of the wrong length.
        """
        return self

    def restrict(self, index: Array) -> Penalty:
        """Return the penalty on a subset of the features, whole blocks of them.

        Parameters
        ----------
        index : ndarray of int
            The features that are left.

        Returns
        -------
        penalty : Penalty
            A function of their coefficients.
        """
        return self

    def unpenalised(self, W: Array) -> Array:
        """Return a mask of the entries that Omega does not depend on; none if it is coercive.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        mask : ndarray of bool, in the shape of W
            The same for every W.
        """
        return np.zeros(W.shape, dtype=bool)

    def penalised(self, V: Array) -> Array:
        """Return V without its part in the directions that Omega does not depend on."""
        return np.where(self.unpenalised(V), 0.0, V)

    def blocks(self, W: Array) -> Array:
        """Return an integer label per entry, in the shape of W: entries of one label are penalised together.

        This default is a label for each entry of a separable penalty, and one label for all of another.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        labels : ndarray of int, in the shape of W
            Numbered from 0.
        """
        return np.arange(W.size).reshape(W.shape) if self.separable else np.zeros(W.shape, dtype=np.intp)

    @needed
    def value(self, W: Array) -> float:
        """Return Omega(W).

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        value : float
            Not negative; inf outside the domain.
        """
        raise NotImplementedError

    @optional
    def prox(self, W: Array, step: Any) -> Array:
        """Return argmin over Z of Omega(Z) + ‖Z − W‖² / (2 step).

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.
        step : float >= 0 or ndarray, in the shape of W
            The same for all entries, or one for each: constant on each block, or any if ``scaled_prox``.

        Returns
        -------
        Z : ndarray, in the shape of W
            The argmin.
        """
        raise NotImplementedError

    @optional
    def gradient(self, W: Array) -> Array:
        """Return the gradient of Omega where it has one (on ``support``), 0 elsewhere.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        gradient : ndarray, in the shape of W
            0 where there is none.
        """
        raise NotImplementedError

    @optional
    def curvature(self, W: Array) -> Curvature:
        """Return the Hessian of Omega on ``support``.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        curvature : Curvature
            A symmetric matrix over the entries of W.
        """
        raise NotImplementedError

    @optional
    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Any]:
        """Return d and U, or d and None: a generalised Jacobian of ``prox`` at W is diag(d) + U U^T.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.
        step : float > 0 or ndarray, in the shape of W
            As for ``prox``.

        Returns
        -------
        d : ndarray, in the shape of W
            A diagonal.
        U : ndarray or sparse array of shape (W.size, m), or None
            A factor of what is added to it.
        """
        raise NotImplementedError

    def parts(self) -> list[Part]:
        """Return Omega as a sum of terms that each have a prox, or are smooth.

        Returns
        -------
        parts : list of Part
            What they are multiplied by, and which matrix times W they take.
        """
        return [Part(1.0, self)]

    @optional
    def majorise(self, W: Array) -> Penalty:
        """Return a convex penalty that is, less a constant, Omega at W and nowhere below it.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        penalty : Penalty
            Convex, bound to the same features.
        """
        raise NotImplementedError

    def support(self, W: Array) -> Array:
        """Return a mask of the entries around which Omega is known to be twice differentiable.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.

        Returns
        -------
        mask : ndarray of bool, in the shape of W
            Whole blocks.
        """
        return np.full(W.shape, self.smooth)

    @optional
    def critical_alpha(self, gradient: Array) -> float:
        """Return the smallest alpha for which W = 0 is optimal where the risk has this gradient.

        Parameters
        ----------
        gradient : ndarray of shape (p,) or (p, k)
            The gradient of the risk in W.

        Returns
        -------
        alpha : float
            inf if there is none.
        """
        raise NotImplementedError

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return, per entry, the distance of -gradient from alpha times the subdifferential of Omega at W.

        Entries of one block all carry the block's distance. Where Omega is not smooth this default, for want of a
        formula, is how far a proximal gradient step of length 1 moves each block, which the distance bounds from above.

        Parameters
        ----------
        W : ndarray of shape (p,) or (p, k)
            Coefficients.
        gradient : ndarray of shape (p,) or (p, k)
            The gradient of the risk in W.
        alpha : float > 0
            The factor of Omega.

        Returns
        -------
        distance : ndarray, in the shape of W
            Not negative, in the unit of the gradient.
        """
        if self.smooth:
            return norm_by_block(gradient + alpha * self.gradient(W), self.blocks(W))
        return norm_by_block(W - self.prox(W - gradient, alpha), self.blocks(W))

    @optional
    def elastic(self, n_features: int) -> tuple[Array, Array]:
        """Return arrays lasso and bend: Omega(W) is the sum of lasso_j abs(w_j) + bend_j w_j^2 / 2 over the entries.

        Parameters
        ----------
        n_features : int
            p.

        Returns
        -------
        lasso, bend : ndarray of shape (p,)
            Not negative.
        """
        raise NotImplementedError

    @optional
    def conjugate(self, V: Array) -> float:
        """Return sup over W of <V, W> - Omega(W); inf outside its domain.

        Parameters
        ----------
        V : ndarray of shape (p,) or (p, k)
            Dual variables: minus the gradient of the risk over alpha.

        Returns
        -------
        conjugate : float
            Not negative.
        """
        raise NotImplementedError

    def scaled_conjugate(self, V: Array) -> tuple[float, float]:
        """Return the largest share s <= 1 such that the conjugate is finite at s V, and the conjugate there."""
        if not self.homogeneous:
            return 1.0, self.conjugate(V)
        critical = self.critical_alpha(-V)
        return (1.0 / critical if critical > 1.0 else 1.0), 0.0

    def entrywise(self, n_features: int) -> tuple[Array, Array, Array] | None:
        """Return arrays lasso, bend and centre, or None if Omega is of another form.

        Omega(W) is the sum of lasso_j abs(w_j) + bend_j (w_j - centre_j)^2 / 2 over the entries.
        """
        return (*self.elastic(n_features), np.zeros(n_features)) if self.has("elastic") else None


def norm_by_block(values: Array, blocks: Array) -> Array:
    """Return, per entry, the Euclidean norm of the values of its block."""
    labels, size = blocks.ravel(), np.abs(values).ravel()
    scale = np.zeros(labels.max(initial=-1) + 1)  # per block: squares may overflow or vanish where the norm does not
    np.maximum.at(scale, labels, size)
    squares = np.bincount(labels, (size / np.where(scale > 0, scale, 1.0)[labels]) ** 2, minlength=len(scale))
    return (scale * np.sqrt(squares))[blocks]
