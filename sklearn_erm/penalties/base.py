"""What a penalty is: a function of the coefficients W, without data and without alpha."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

from sklearn_erm.documented import Documented
from sklearn_erm.validation import defines, needed, optional

Array = NDArray[Any]


class Curvature(NamedTuple):
    """A symmetric matrix over the entries of W in C order: diag(diagonal) - minus minus^T + matrix.

    Parameters
    ----------
    diagonal : ndarray in the shape of W
        What is on the diagonal.
    minus : ndarray of shape (W.size, m), default=None
        The factor of what is subtracted; None is 0.
    matrix : ndarray or sparse array of shape (W.size, W.size), default=None
        What else there is; None is 0.
    """

    diagonal: Array
    minus: Array | None = None
    matrix: Any = None

    def scaled(self, factor: float) -> Curvature:
        """Return the matrix times a factor >= 0."""
        minus = None if self.minus is None else np.sqrt(factor) * self.minus
        return Curvature(factor * self.diagonal, minus, None if self.matrix is None else factor * self.matrix)

    def plus(self, other: Curvature) -> Curvature:
        """Return the sum of two such matrices."""
        minus = [part for part in (self.minus, other.minus) if part is not None]
        matrices = [part for part in (self.matrix, other.matrix) if part is not None]
        return Curvature(
            self.diagonal + other.diagonal,
            np.hstack(minus) if minus else None,
            sum(matrices[1:], matrices[0]) if matrices else None,
        )


class Part(NamedTuple):
    """One term of a sum: factor * penalty(matrix W).

    Parameters
    ----------
    factor : float > 0
        What the term is multiplied by.
    penalty : Penalty
        A function of m coefficients.
    matrix : ndarray or sparse array of shape (m, p), default=None
        What the coefficients are multiplied by, of each output if there are several. None is the identity.
    """

    factor: float
    penalty: Penalty
    matrix: Any = None

    def image(self, W: Array) -> Array:
        """Return matrix W."""
        image: Array = W if self.matrix is None else self.matrix @ W
        return image

    def value(self, W: Array) -> float:
        """Return penalty(matrix W); constraints may be missed by what rounding explains."""
        if self.penalty.has("violation"):
            return 0.0 if self.violation(W) <= 1.0 else np.inf
        return float(self.penalty.value(self.image(W)))

    def violation(self, W: Array) -> float:
        """Return by how much W violates the constraints that the part is, in units of their tolerance."""
        size = np.abs(W).max(initial=0.0) if self.matrix is None else abs(self.matrix) @ np.abs(W)
        return self.penalty.violation(self.image(W), size)


class Penalty(Documented, BaseEstimator):
    """A function Omega(W) of coefficients of shape (p,), or (p, k) for k outputs; its least value is 0.

    A penalty that knows p (weights, groups) is checked and completed by ``bind`` before any other method is called.
    Penalties add up, and may be multiplied by a number > 0: ``0.5 * L1() + L2()``.

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

    Notes
    -----
    What methods take, and in which shape:

    W, V, gradient : ndarray of shape (p,) or (p, k)
        Coefficients, dual variables of them, and the gradient of the risk in them.
    step : float >= 0 or ndarray in the shape of ``W``
        The step of a prox, the same for all or constant on each block; any, if ``scaled_prox``.
    alpha : float > 0
        The factor of Omega in the objective.
    n_features : int
        p.
    index : ndarray of int
        Features.
    """

    __array_ufunc__: ClassVar[None] = None  # numpy numbers leave the multiplication to the penalty

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

    def __add__(self, other: Penalty) -> Penalty:
        from sklearn_erm.penalties.algebra import add

        return add(self, other) if hasattr(other, "terms") else NotImplemented

    def __radd__(self, other: int) -> Penalty:
        """Return the penalty itself for 0, with which ``sum`` begins."""
        return self if isinstance(other, int) and other == 0 else NotImplemented

    def __mul__(self, factor: float) -> Penalty:
        from sklearn_erm.penalties.algebra import multiply

        return multiply(self, factor)

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Penalty:
        from sklearn_erm.penalties.algebra import divide

        return divide(self, divisor)

    def terms(self) -> list[tuple[float, Penalty]]:
        """Return the factors and penalties that Omega was added up from."""
        return [(1.0, self)]

    def _with(self, **params: Any) -> Penalty:
        """Return a penalty of the same class, some parameters changed."""
        return type(self)(**{**self.get_params(deep=False), **params})

    def with_names(self, feature_names: Sequence[str] | None) -> Penalty:
        """Return the penalty with the numbers of columns that it has by name; None where columns have no names."""
        return self

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

    def penalised(self, V: Array) -> Array:
        """Return V without its part in the directions that Omega does not depend on."""
        return np.where(self.unpenalised(V), 0.0, V)

    def blocks(self, W: Array) -> Array:
        """Return an integer label per entry, in the shape of W: entries of one label are penalised together.

        This default is a label for each entry of a separable penalty, and one label for all of another.
        """
        return np.arange(W.size).reshape(W.shape) if self.separable else np.zeros(W.shape, dtype=np.intp)

    @needed
    def value(self, W: Array) -> float:
        """Return Omega(W)."""
        raise NotImplementedError

    @optional
    def prox(self, W: Array, step: Any) -> Array:
        """Return argmin over Z of Omega(Z) + ‖Z − W‖² / (2 step), step >= 0 a number, or an array in the shape of W.

        The array is constant on each block.
        """
        raise NotImplementedError

    @optional
    def gradient(self, W: Array) -> Array:
        """Return the gradient of Omega where it has one (on ``support``), 0 elsewhere."""
        raise NotImplementedError

    @optional
    def curvature(self, W: Array) -> Curvature:
        """Return the Hessian of Omega on ``support``."""
        raise NotImplementedError

    @optional
    def prox_derivative(self, W: Array, step: float) -> tuple[Array, Any]:
        """Return d (as W) and U (W.size, m) or None: a generalised Jacobian of ``prox`` at W is diag(d) + U U^T.

        U may be a sparse array.
        """
        raise NotImplementedError

    def unconstrained(self) -> Penalty:
        """Return the penalty without the constraints that may have been added to it."""
        return self

    def into_domain(self, W: Array) -> Array:
        """Return W, or where Omega is infinite there a point near by where it is not: bounds and rows hold."""
        return self.inside(W)

    def bounds_apart(self) -> Penalty:
        """Return the penalty with its bounds as constraints of their own, for methods that know no bounds."""
        return self

    def parts(self) -> list[Part]:
        """Return Omega as a sum of terms that each have a prox, or are smooth."""
        return [Part(1.0, self)]

    @optional
    def majorise(self, W: Array) -> Penalty:
        """Return a convex penalty that is, less a constant, Omega at W and nowhere below it."""
        raise NotImplementedError

    def support(self, W: Array) -> Array:
        """Return a mask of the entries around which Omega is known to be twice differentiable."""
        return np.full(W.shape, self.smooth)

    @optional
    def critical_alpha(self, gradient: Array) -> float:
        """Return the smallest alpha for which W = 0 is optimal where the risk has this gradient."""
        raise NotImplementedError

    def kkt(self, W: Array, gradient: Array, alpha: float) -> Array:
        """Return, per entry, the distance of -gradient from alpha times the subdifferential of Omega at W.

        Entries of one block all carry the block's distance. Where Omega is not smooth this default, for want of a
        formula, is how far a proximal gradient step of length 1 moves each block, which the distance bounds from above.
        """
        if self.smooth:
            return norm_by_block(gradient + alpha * self.gradient(W), self.blocks(W))
        return norm_by_block(W - self.prox(W - gradient, alpha), self.blocks(W))

    @optional
    def elastic(self, n_features: int) -> tuple[Array, Array]:
        """Return arrays lasso and bend: Omega(W) is the sum of lasso_j abs(w_j) + bend_j w_j^2 / 2 over the entries."""
        raise NotImplementedError

    @optional
    def conjugate(self, V: Array) -> float:
        """Return sup over W of <V, W> - Omega(W); inf outside its domain."""
        raise NotImplementedError

    @optional
    def violation(self, Z: Array, size: Any) -> float:
        """Return how far Z is outside the domain, in units of the tolerance for numbers of the given size."""
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

    # What solvers ask about the region where Omega is finite, and where it is smooth.

    def inside(self, W: Array) -> Array:
        """Return the point nearest to W where Omega is finite: W itself, unless there are bounds."""
        return W

    def within(self, W: Array, Z: Array) -> tuple[Array, Array]:
        """Return Z, kept within the region around W where Omega is smooth, and a mask of the entries that were not.

        By default a block that turns around on the way from W to Z has left that region, and is put to zero.
        """
        labels = self.blocks(W)
        agreement = np.bincount(labels.ravel(), (self.gradient(W) * Z).ravel())
        left = (agreement < 0)[labels]
        return np.where(left, 0.0, Z), left

    def turns(self, W: Array, direction: Array) -> Array:
        """Return, per entry, the t > 0 at which W + t direction has its kink, at zero; inf if there is none."""
        labels, tangent = self.blocks(W), self.gradient(W)
        here = np.bincount(labels.ravel(), (tangent * W).ravel())
        change = np.bincount(labels.ravel(), (tangent * direction).ravel())
        return np.divide(here, -change, out=np.full(here.shape, np.inf), where=change < 0)[labels]

    def reach(self, W: Array, direction: Array) -> Array:
        """Return, per entry, the t up to which Omega(W + t direction) is finite, for W where it is."""
        return np.full(W.shape, np.inf)


class SmoothPenalty(Penalty):
    """What smooth penalties that are least at 0 share."""

    smooth = True
    separable = True

    def critical_alpha(self, gradient: Array) -> float:
        return np.inf if np.any(gradient) else 0.0


def norm_by_block(values: Array, blocks: Array) -> Array:
    """Return, per entry, the Euclidean norm of the values of its block."""
    labels, size = blocks.ravel(), np.abs(values).ravel()
    scale = np.zeros(labels.max(initial=-1) + 1)  # per block: squares may overflow or vanish where the norm does not
    np.maximum.at(scale, labels, size)
    squares = np.bincount(labels, (size / np.where(scale > 0, scale, 1.0)[labels]) ** 2, minlength=len(scale))
    return (scale * np.sqrt(squares))[blocks]


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
    return values if W.ndim == values.ndim else values[:, None]
