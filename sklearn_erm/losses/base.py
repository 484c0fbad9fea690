"""What a loss is: functions of a target y and a score eta, sample by sample, without weights and without data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_erm.checks import Documented, defines, needed, optional
from sklearn_erm.losses.constants import constant_minimiser
from sklearn_erm.losses.strips import strips

Array = NDArray[Any]
Bending = Callable[[Array, Any], Array]  # (direction, rows) -> second derivative times direction

FAR, NOTHING = 700.0, 1e-280  # a score that exponentials survive, and a slope there that is none
TINY = np.finfo(float).tiny


class Loss(Documented, BaseEstimator):
    """A convex function l(y, eta) of the score eta, for every target y.

    Methods answer per sample, unweighted, in the shape of ``eta``: (n,) for one output, (n, k) for several. A *joint*
    loss couples the k columns of one sample and answers ``value`` and ``conjugate`` with shape (n,).

    Attributes
    ----------
    smooth : bool
        Whether the gradient is Lipschitz continuous on bounded sets, so that Newton's method applies.
    max_curvature : float
        The least upper bound of the second derivative; nan where there is none.
    attained : bool
        Whether inf over eta of l(y, eta) is a minimum for every y. Where it is not (logistic losses, Poisson),
        an unpenalised problem may have no solution.
    target : {"real", "sign", "class"}
        What y holds: real numbers (regression), -1 and +1, or class indices 0 ... k - 1.
    joint : bool
        Whether the loss of a sample couples the columns of ``eta``.
    shift_invariant : bool
        Whether a number added to all scores of a sample changes nothing; only for a joint loss.
    location_equivariant : bool
        Whether a number added to target and scores alike changes nothing; only for real targets.
    n_scores : int or None
        The number of columns of ``eta``, for a joint loss of real targets; None where the classes or y say it.
    one_target : bool
        Whether y must be one column, as it must for a joint loss of real targets anyway.
    is_square : bool
        Whether l(y, eta) = (y - eta)^2, so that the data matter by X^T X and X^T y alone.
    domain : str
        The admissible targets, in words, for error messages.
    """

    smooth: ClassVar[bool] = True
    convex: ClassVar[bool] = True
    max_curvature: float = np.nan
    attained: ClassVar[bool] = True
    joint: ClassVar[bool] = False
    shift_invariant: ClassVar[bool] = False
    location_equivariant: ClassVar[bool] = False
    n_scores: int | None = None
    multiplier: Any = None
    one_target: bool = False
    is_square: ClassVar[bool] = False
    target: ClassVar[Literal["real", "sign", "class"]] = "real"
    domain: ClassVar[str] = "finite"

    @classmethod
    def examples(cls) -> list[Loss]:
        """Instances that tests and documentation use."""
        return [cls()]

    def has(self, method: str) -> bool:
        """Return whether the loss has an optional method; without it, a solver does less, or says that it needs it."""
        return defines(self, method)

    def validate(self) -> None:
        """Raise ValueError or TypeError where a hyper-parameter is out of its range."""

    def in_domain(self, y: Array) -> Array:
        """Return a mask of the admissible targets.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.

        Returns
        -------
        mask : ndarray of bool, in the shape of y
            False where a target is none of this loss.
        """
        return np.isfinite(y)

    @needed
    def value(self, y: Array, eta: Array) -> Array:
        """Return l(y, eta), sample by sample.

        Parameters
        ----------
        y, eta : ndarray of shape (n,) or (n, k)
            Targets, (n,) for a joint loss, and scores.

        Returns
        -------
        value : ndarray of shape (n,) or (n, k)
            The losses, in the shape of ``eta``; (n,) for a joint loss.
        """
        raise NotImplementedError

    @needed
    def gradient(self, y: Array, eta: Array) -> Array:
        """Return the derivative of l in eta, a subgradient at a kink.

        Parameters
        ----------
        y, eta : ndarray of shape (n,) or (n, k)
            Targets, (n,) for a joint loss, and scores.

        Returns
        -------
        gradient : ndarray of shape (n,) or (n, k)
            In the shape of ``eta``.
        """
        raise NotImplementedError

    @optional
    def curvature(self, y: Array, eta: Array) -> Array:
        """Return the second derivative in eta: the shape of eta, or (n, k, k) for a joint loss.

        Parameters
        ----------
        y, eta : ndarray of shape (n,) or (n, k)
            Targets, (n,) for a joint loss, and scores.

        Returns
        -------
        curvature : ndarray of shape (n,), (n, k) or (n, k, k)
            In the shape of ``eta``; a matrix for each sample of a joint loss.
        """
        raise NotImplementedError

    def hessp(self, y: Array, eta: Array, direction: Array) -> Array:
        """Return the second derivative times a direction, sample by sample."""
        curvature = self.curvature(y, eta)
        return np.einsum("nij,nj->ni", curvature, direction) if self.joint else curvature * direction

    @optional
    def curvature_factors(self, y: Array, eta: Array) -> tuple[Array, Array]:
        """Return d and v, (n, k) both, such that ``curvature`` is diag(d) - v v^T for every sample of a joint loss."""
        raise NotImplementedError

    def bending(self, y: Array, eta: Array) -> Bending:
        """Return ``hessp`` at eta as a function of direction and rows: what depends on eta alone is computed once."""
        if self.has("curvature_factors"):
            d, v = self.curvature_factors(y, eta)
            return lambda U, rows: d[rows] * U - v[rows] * np.einsum("ij,ij->i", v[rows], U)[:, None]
        if type(self).hessp is not Loss.hessp:
            return lambda direction, rows: self.hessp(y[rows], eta[rows], direction)
        curvature = self.curvature(y, eta)
        if self.joint:
            return lambda direction, rows: np.einsum("nij,nj->ni", curvature[rows], direction)
        return lambda direction, rows: curvature[rows] * direction

    def own_curvature(self, y: Array, eta: Array) -> Array:
        """Return the second derivative in each score alone, in the shape of eta: the diagonals of ``curvature``."""
        if self.has("curvature_factors"):
            d, v = self.curvature_factors(y, eta)
            return d - v * v
        curvature = self.curvature(y, eta)
        return np.einsum("njj->nj", curvature) if self.joint else curvature

    @optional
    def prox(self, y: Array, eta: Array, step: Any) -> Array:
        """Return argmin over z of l(y, z) + (z - eta)^2 / (2 step).

        Parameters
        ----------
        y, eta : ndarray of shape (n,) or (n, k)
            Targets, (n,) for a joint loss, and scores.
        step : float > 0 or ndarray of shape (n,)
            The same for all samples or one for each, in the unit of score² / loss.

        Returns
        -------
        z : ndarray of shape (n,) or (n, k)
            In the shape of ``eta``.
        """
        raise NotImplementedError

    @optional
    def prox_derivative(self, y: Array, eta: Array, step: Any) -> Array:
        """Return the (generalised) derivative of ``prox`` in eta, as ``curvature`` is shaped.

        Parameters
        ----------
        y, eta : ndarray of shape (n,) or (n, k)
            Targets, (n,) for a joint loss, and scores.
        step : float > 0 or ndarray of shape (n,)
            The same for all samples or one for each, in the unit of score² / loss.

        Returns
        -------
        derivative : ndarray of shape (n,), (n, k) or (n, k, k)
            Shaped as ``curvature``; between 0 and 1 if the loss is convex.
        """
        raise NotImplementedError

    @optional
    def pieces(self, y: Array) -> tuple[Array, Array, Array, Array]:
        """Return kinks, slopes, c and d, the last two in the shape of y, of a piecewise linear loss.

        It is, up to a constant, the function of c eta + d, c = -1 or +1, that bends at the kinks, which rise, and has
        these slopes between them, one more.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.

        Returns
        -------
        kinks, slopes : ndarray of shape (m,) and (m + 1,)
            Where it bends, in rising order, and its slopes.
        c, d : ndarray, in the shape of y
            What turns scores into its variable.
        """
        raise NotImplementedError

    @optional
    def conjugate(self, y: Array, u: Array) -> Array:
        """Return sup over eta of u eta - l(y, eta); inf outside its domain.

        Parameters
        ----------
        y, u : ndarray of shape (n,) or (n, k)
            Targets, and dual variables: derivatives of the loss, in the unit of loss / score.

        Returns
        -------
        conjugate : ndarray of shape (n,) or (n, k)
            In the shape of ``u``; (n,) for a joint loss.
        """
        raise NotImplementedError

    def dual_domain(self, y: Array) -> tuple[Any, Any]:
        """Return the closed interval of u where the conjugate is finite, per sample.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.

        Returns
        -------
        low, high : float or ndarray, in the shape of y
            The ends, which may be infinite.
        """
        return -np.inf, np.inf

    def far_slopes(self, y: Array, eta: Array) -> Array:
        """Return slopes that l has far from eta, stacked, 0 where it ceases to fall or rise; their signs for one score.

        They are the least and the largest slope; of a joint loss, one for every score that is far above the others.
        """
        if self.has("conjugate") and not self.joint:
            return np.sign([np.broadcast_to(end, eta.shape) for end in self.dual_domain(y)])
        with np.errstate(over="ignore", invalid="ignore"):
            ways = FAR * np.eye(eta.shape[1]) if self.joint else np.array([-FAR, FAR])
            slopes = np.stack([self.gradient(y, eta + way) for way in ways])
        return np.where(np.abs(slopes) <= NOTHING, 0.0, slopes if self.joint else np.sign(slopes))

    def into_dual_domain(self, y: Array, u: Array) -> Array:
        """Return u moved into the domain of the conjugate, which rounding made it leave."""
        return np.clip(u, *self.dual_domain(y))

    def balance(self, y: Array, u: Array, weight: Array) -> Array:
        """Return dual variables near u, in the domain of the conjugate, with weighted sum 0, as an intercept asks."""
        return self.balanced(y, u, self.balance_sums(y, u, weight))

    def balance_sums(self, y: Array, u: Array, weight: Array) -> Array:
        """Return the weighted sums over samples that ``balanced`` needs: those of both signs of u, by size."""
        sums = np.zeros((2, *u.shape[1:]))
        for part in strips(u):
            sums += weight[part] @ np.maximum(u[part], 0.0), weight[part] @ np.maximum(-u[part], 0.0)
        return sums

    def balanced(self, y: Array, u: Array, sums: Array) -> Array:
        """Return what ``balance`` does with some of the samples, given the sums over all.

        Zero is in the domain of a loss that is bounded below: shrinking the terms of the heavier sign stays inside.
        """
        up, down = sums.min(axis=0) / np.maximum(sums, TINY)
        balanced = np.empty_like(u)
        for part in strips(u):
            balanced[part] = u[part] * np.where(u[part] > 0, up, down)
        return balanced

    def null(self, y: Array, weight: Array) -> Any:
        """Return the constant score of least risk, a float, or (k,) for a joint loss, which must write this itself.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.
        weight : ndarray of shape (n,)
            Weights >= 0 that sum to 1.

        Returns
        -------
        score : float, or ndarray of shape (k,)
            The best constant, by target or by score.
        """
        if self.joint:
            raise TypeError(f"{self!r} has no null, which a joint loss needs; write null(y, weight), best constants.")
        return constant_minimiser(self, y, weight, y.min(axis=0), y.max(axis=0))

    @optional
    def null_with_offset(self, y: Array, weight: Array, offset: Array) -> Any:
        """Return the constant that, added to the offset, is the score of least weighted risk: as ``null`` does.

        Parameters
        ----------
        y : ndarray of shape (n,) or (n, k)
            Targets, in the coding of ``target``.
        weight : ndarray of shape (n,)
            Weights >= 0 that sum to 1.
        offset : ndarray of shape (n,) or (n, k)
            What is added to the constant, score by score.

        Returns
        -------
        score : float, or ndarray of shape (k,)
            The best constant beside the offset.
        """
        raise NotImplementedError

    def into_score_domain(self, eta: Array) -> Array:
        """Return the scores nearest to eta at which the loss is finite: eta itself, unless the loss has constraints.

        Parameters
        ----------
        eta : ndarray of shape (n,) or (n, k)
            Scores.

        Returns
        -------
        eta : ndarray of shape (n,) or (n, k)
            Scores where the loss is finite.
        """
        return eta

    def score_rows(self) -> Array | None:
        """Return D of shape (m, k), of rank m: the loss of k scores is finite where D eta >= 0; None is everywhere.

        Returns
        -------
        D : ndarray of shape (m, k) or None
            One row per constraint on the scores of a sample.
        """
        return None

    def around(self, multiplier: Any) -> Loss:
        """Return a smoothed loss with another multiplier; no other loss has one."""
        return self

    def settled(self, spread: Callable[[Loss | None], float]) -> Loss:
        """Return the loss to fit: itself, unless its unit is the spread of the residuals of its own fit.

        ``spread`` is loss -> the median absolute residual of the fit under it, None -> of the best constant.
        """
        return self

    def for_classes(self, n_classes: int) -> Loss:
        """Return the loss to use for so many classes: itself (one-vs-rest beyond two) unless it has a joint form."""
        return self

    def inverse_link(self, eta: Array) -> Array:
        """Return the prediction that the score eta stands for.

        Parameters
        ----------
        eta : ndarray of shape (n,) or (n, k)
            Scores.

        Returns
        -------
        prediction : ndarray of shape (n,) or (n, k)
            In the unit of y; in the shape of ``eta``.
        """
        return eta

    def link(self, prediction: Array) -> Array:
        """Return the score that a prediction stands for: the inverse of ``inverse_link``."""
        return prediction
