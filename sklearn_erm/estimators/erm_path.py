"""Coefficients over alpha."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Bunch

from sklearn_erm.checks import quantity
from sklearn_erm.estimators.classifier import ERMClassifier
from sklearn_erm.estimators.names import target_of
from sklearn_erm.estimators.posed import Posed
from sklearn_erm.estimators.progress import Clock
from sklearn_erm.estimators.regressor import ERMRegressor
from sklearn_erm.estimators.results import stopped_short, told
from sklearn_erm.estimators.threads import blas_threads
from sklearn_erm.solve.path import alpha_max, grid

Array = NDArray[Any]

SHARE, SHARE_WIDE, SHARE_SMOOTH = 1e-3, 1e-2, 1e-6  # least alpha over largest: if n < p, and for smooth penalties
RECORDED = {  # what a path has, and the attributes of the estimators that it comes from
    "alphas": "alpha",
    "coefs": "coef_",
    "intercepts": "intercept_",
    "objectives": "objective_",
    "risks": "risk_",
    "duality_gaps": "duality_gap_",
    "optimalities": "optimality_",
    "n_iters": "n_iter_",
}


def erm_path(
    X: Any,
    y: Any,
    loss: Any = "squared_error",
    penalty: Any = "l2",
    alphas: Any = 100,
    *,
    eps: float | None = None,
    l1_ratio: float | None = None,
    fit_intercept: bool = True,
    class_weight: Any = None,
    bounds: Any = None,
    constraints: Any = None,
    solver: Any = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    verbose: int = 0,
    sample_weight: Any = None,
    offset: Any = None,
) -> Bunch:
    r"""Fit a model at one alpha after another, each from where the last ones ended.

    The largest alpha of the grid is the smallest at which all penalised coefficients are zero,

    .. math:: \alpha_{\max} = \sup_{w \ne 0, b} \; \frac{R(0, b_0) - R(w, b)}{\Omega(w)}
        = \Omega^\circ(\nabla R(0, b_0))

    the latter for a smooth loss and a norm: the dual norm of the gradient of the risk at the null model. Where no alpha
    is large enough (``"l2"``), it is the one at which the penalty bends ten times as much as the risk does in all
    features together. Every point of the path has its certificate.

    Parameters
    ----------
    X : array-like or sparse matrix or array (CSR or CSC) of shape (n_samples, n_features)
        Features.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Targets, or class labels if the loss is one of classification.
    loss : str or Loss, default="squared_error"
        A name of a loss of regression: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"log_cosh"``,
        ``"quantile"``, ``"multi_quantile"``, ``"expectile"``, ``"epsilon_insensitive"``,
        ``"squared_epsilon_insensitive"``, ``"poisson"``, ``"gamma"``, ``"inverse_gaussian"`` or ``"tweedie"``; or of
        classification: ``"log_loss"`` (also called ``"cross_entropy"``), ``"logistic"``, ``"exponential"``,
        ``"hinge"``, ``"squared_hinge"``, ``"smoothed_hinge"``, ``"modified_huber"``, ``"squared"`` or
        ``"crammer_singer"``. Or an instance from :mod:`sklearn_erm.losses`.
    penalty : str, Penalty or None, default="l2"
        A name: ``"l2"``, ``"l2_norm"``, ``"l1"``, ``"elasticnet"``, ``"mcp"``, ``"scad"``, ``"slope"``, ``"linf"``,
        ``"fused"``, ``"multi_task_lasso"``, ``"nuclear"``, or ``None`` for no penalty. Or an instance from
        :mod:`sklearn_erm.penalties`, such as ``L1(weights=...)``; ``"group_lasso"``, ``"sparse_group_lasso"`` and
        ``"tikhonov"`` need one, for their groups or their matrix.
    alphas : int or array-like of numbers >= 0, default=100
        The number of alphas of a geometric grid, or the alphas, which are sorted to fall.
    eps : float in (0, 1), default=None
        The least alpha of the grid over the largest. None is 1e-3, 1e-2 if there are more features than samples, and
        1e-6 for smooth penalties.
    l1_ratio : float in [0, 1] or None, default=None
        The share of the lasso in every penalty that has an ``l1_ratio``. None leaves a penalty its own.
    fit_intercept : bool, default=True
        Whether to fit b; otherwise it is 0.
    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights, by class label; only for a classification.
    bounds : pair or scipy.optimize.Bounds, default=None
        Lower and upper bounds of the coefficients.
    constraints : scipy.optimize.LinearConstraint or list of them, default=None
        Bounds of linear functions of the coefficients of one output.
    solver : str or callable, default="auto"
        As for the estimators.
    tol : float > 0, default=1e-6
        The duality gap to reach at each alpha: an upper bound of the distance of F from its minimum, relative to F, or
        to a thousandth of F at the null model (the best constant one) where F is smaller than that. Where no gap
        can be computed (no penalty, unpenalised features, a gap of rounding alone), the largest violation of the
        optimality conditions.
    max_iter : int >= 1, default=1000
        Iterations of the solver at each alpha, for each of independent problems.
    verbose : int >= 0 or bool, default=0
        Whether to print a line for each alpha: the objective, the gap, the features in use, the iterations, and the
        seconds since the path began.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Weights >= 0, not all zero.
    offset : float or array-like in the shape of the scores, default=None
        Added to the scores and not fitted.

    Returns
    -------
    path : Bunch
        With these attributes:

        alphas : ndarray of shape (n_alphas,)
            Falling.
        coefs, intercepts : ndarray
            ``coef_`` and ``intercept_`` of the estimators, alpha on the first axis.
        objectives, risks, duality_gaps, optimalities, n_iters : ndarray of shape (n_alphas,)
            ``objective_`` and so on of the estimators.
        classes : ndarray of shape (n_classes,)
            The labels, for a classification.

    Raises
    ------
    ValueError, TypeError
        If a parameter is out of its range; as the estimators' ``fit`` does.

    Warns
    -----
    ConvergenceWarning
        If ``tol`` was not reached at some alphas; the text says at how many, and how far the worst is from optimal.

    Notes
    -----
    A path costs less than its fits one by one: validation, centring and the row space are shared, a problem starts
    where the line through the last two solutions leads, and losses with kinks take over the multipliers. Where loss or
    penalty are not convex, every fit starts from the null model, as it would alone.

    References
    ----------
    Friedman, Hastie, Tibshirani, "Regularization paths for generalized linear models via coordinate descent", Journal
    of Statistical Software 33(1), 2010.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import erm_path
    >>> X, y = load_diabetes(return_X_y=True)
    >>> path = erm_path(X, y, "squared_error", "l1", alphas=5, eps=0.1)
    >>> (path.coefs != 0).sum(axis=1)
    array([0, 2, 4, 4, 5])
    """
    params = {
        "loss": loss,
        "penalty": penalty,
        "l1_ratio": l1_ratio,
        "fit_intercept": fit_intercept,
        "bounds": bounds,
        "constraints": constraints,
        "solver": solver,
        "tol": tol,
        "max_iter": max_iter,
        "verbose": verbose,
    }
    model = _estimator(params, class_weight)
    found: dict[str, list[Any]] = {name: [] for name in RECORDED}
    errors = []
    clock = Clock()
    with blas_threads(1):
        for step in model._fit_path(X, y, sample_weight, offset, falling("erm_path", alphas, eps)):
            errors.append(stopped_short(step.results))
            for name, values in found.items():
                values.append(getattr(model, RECORDED[name]))
            if verbose:
                _tell(model, len(errors), clock)
    _warn(errors, tol)
    path = Bunch(**{name: np.array(values) for name, values in found.items()})
    if hasattr(model, "classes_"):
        path.classes = model.classes_
    return path


def falling(owner: str, alphas: Any, eps: float | None) -> Callable[[Posed], Array]:
    """Return what was posed -> its alphas, from what a user said of them.

    Raises
    ------
    ValueError
        If they are no numbers >= 0 along one axis, or none; if eps is out of range; if no grid exists.
    """
    if eps is not None and not (isinstance(eps, (float, np.floating)) and 0 < eps < 1):
        raise ValueError(f"{owner}(eps={eps!r}): eps must be a number in (0, 1), or None.")
    if isinstance(alphas, (int, np.integer)) and not isinstance(alphas, bool):
        if alphas < 1:
            raise ValueError(f"{owner}(alphas={alphas!r}): alphas must be an integer >= 1, or numbers.")
        count = int(alphas)
        return lambda posed: _grid(owner, posed, count, eps)
    try:
        given = np.asarray(alphas)
    except (TypeError, ValueError):
        given = np.empty(0)
    if given.dtype.kind not in "iuf" or not given.size or not np.all(np.isfinite(given) & (given >= 0)):
        raise ValueError(f"{owner}(alphas={alphas!r}): alphas must be an integer >= 1, or numbers >= 0.")
    if given.ndim > 1:
        raise ValueError(
            f"{owner}: alphas of shape {given.shape} have {given.ndim} axes, but every path is along the same numbers; "
            "pass numpy.ravel(alphas), say."
        )
    decreasing = np.unique(given.astype(float))[::-1]
    return lambda _: decreasing


def _grid(owner: str, posed: Posed, count: int, eps: float | None) -> Array:
    penalty, alpha = posed.terms(1.0)
    W = np.random.default_rng(0).standard_normal((posed.problems[0].samples.n_features, *posed.problems[0].shape))
    if alpha == 0 or not penalty.unconstrained().value(W):
        raise ValueError(f"{owner}: without a penalty there is nothing that alpha could change; pass penalty='l1' say.")
    largest = max(alpha_max(problem, penalty) for problem in posed.problems)
    samples = posed.problems[0].samples
    usual = SHARE_WIDE if samples.n_samples < samples.n_features else SHARE
    return grid(largest or 1.0, count, eps or (SHARE_SMOOTH if penalty.unconstrained().smooth else usual))


def _estimator(params: dict[str, Any], class_weight: Any) -> Any:
    """Return the classifier or the regressor, as the loss says."""
    loss = params["loss"]
    if target_of("erm_path", loss) != "real":
        return ERMClassifier(**params, class_weight=class_weight)
    if class_weight is not None:
        raise ValueError(f"erm_path(class_weight={class_weight!r}): loss={loss!r} is one of regression.")
    return ERMRegressor(**params)


def _tell(model: Any, number: int, clock: Clock) -> None:
    """Print what was reached at an alpha."""
    gap = model.optimality_ if np.isnan(model.duality_gap_) else model.duality_gap_
    support = np.count_nonzero(np.atleast_2d(model.coef_).any(axis=0))
    print(
        f"alpha {number:3d}: {model.alpha:#10.4g}, objective {model.objective_:#.10g}, gap {gap:.1e}, "
        f"support {support:4d}, {quantity(model.n_iter_, 'iteration'):>14}, {clock.read():.3f} s"
    )


def _warn(errors: list[float], tol: float) -> None:
    """Warn once if some fits stopped short."""
    if text := told(errors, "alphas", tol):
        warnings.warn(f"erm_path: {text}.", ConvergenceWarning, stacklevel=3)
