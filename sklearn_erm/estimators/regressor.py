"""Regression."""

from __future__ import annotations

from contextlib import suppress
from typing import Any, Self

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.metrics import d2_pinball_score, r2_score

from sklearn_erm.estimators.base import Answer, Array, LinearERM
from sklearn_erm.estimators.inputs import is_elsewhere, require_in_memory, take_targets
from sklearn_erm.estimators.lazily import determination_of_blocks
from sklearn_erm.estimators.posed import Posed
from sklearn_erm.estimators.results import Problems, Results


class ERMRegressor(RegressorMixin, LinearERM):
    r"""Linear regression under any loss and any penalty, solved to a certified optimum.

    .. math:: \min_{w, b} \; F(w, b) = \sum_i s_i \, \ell(y_i, x_i^T w + b + o_i) + \alpha \, \Omega(w),
        \qquad \sum_i s_i = 1

    with the sample weights s scaled to sum 1, so that the data term is the mean loss: a weight of 2 equals a repeated
    row, a common factor of the weights changes nothing, and ``alpha`` means the same for every number of samples. The
    intercept b is never penalised. Several targets are fitted independently, except under a penalty that couples all
    coefficients, such as ``"l2_norm"``.

    Parameters
    ----------
    loss : str or Loss, default="squared_error"
        A name: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"log_cosh"``, ``"quantile"``,
        ``"multi_quantile"``, ``"expectile"``, ``"epsilon_insensitive"``, ``"squared_epsilon_insensitive"``,
        ``"poisson"``, ``"gamma"``, ``"inverse_gaussian"`` or ``"tweedie"``. Or an instance from
        :mod:`sklearn_erm.losses`, such as ``Huber(delta=2.0)``.
    penalty : str, Penalty or None, default="l2"
        A name: ``"l2"``, ``"l2_norm"``, ``"l1"``, ``"elasticnet"``, ``"mcp"``, ``"scad"``, ``"slope"``, ``"linf"``,
        ``"fused"``, ``"multi_task_lasso"``, ``"nuclear"``, or ``None`` for no penalty. Or an instance from
        :mod:`sklearn_erm.penalties`, such as ``L1(weights=...)``; ``"group_lasso"``, ``"sparse_group_lasso"`` and
        ``"tikhonov"`` need one, for their groups or their matrix.
    alpha : float >= 0, default=1e-4
        Factor of the penalty. 0 is no penalty.
    l1_ratio : float in [0, 1] or None, default=None
        The share of the lasso in every penalty that has an ``l1_ratio``, given by name or as an instance, alone or in
        a sum: ``"elasticnet"``, ``"sparse_group_lasso"`` and ``"fused"``. Other penalties ignore it. None leaves a
        penalty its own.
    fit_intercept : bool, default=True
        Whether to fit b; otherwise it is 0.
    bounds : pair or scipy.optimize.Bounds, default=None
        Lower and upper bounds of the coefficients, ``(0, None)`` say: each a number, None for no bound, or an array of
        one number per feature. They hold for every output.
    constraints : scipy.optimize.LinearConstraint or list of them, default=None
        Bounds of linear functions of the coefficients of one output, lb <= A w <= ub. They hold for every output.
    solver : str or callable, default="auto"
        ``"auto"`` chooses by the structure of the problem. Else ``"newton"``, ``"prox-newton"``, ``"working-set"``, or
        a method of ``scipy.optimize.minimize``: the name of one of scipy's, such as ``"L-BFGS-B"``, or a callable with
        the signature of a custom method. An error says where one cannot be used.
    tol : float > 0, default=1e-6
        The duality gap to reach: an upper bound of the distance of F from its minimum, relative to F, or to a
        thousandth of F at the null model (the best constant one) where F is smaller than that. Where no gap
        can be computed (no penalty, unpenalised features, a gap of rounding alone), the largest violation of the
        optimality conditions.
    max_iter : int >= 1, default=1000
        Iterations of the solver, for each of independent problems.
    warm_start : bool, default=False
        Whether to start from the coefficients of the last fit. They are ignored if their shape no longer fits.
    verbose : int >= 0 or bool, default=0
        Whether to print a line after each iteration of the outermost method: the objective, what ``tol`` bounds, the
        features in use and the seconds; and the certificate in the end.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients W, the latter for two-dimensional y; float32 if X was.
    intercept_ : float or ndarray of shape (n_targets,)
        Intercept b.
    objective_ : float
        F at the solution; the sum over the targets.
    risk_ : float
        The mean loss at the solution; the sum over the targets.
    duality_gap_ : float
        The duality gap relative to F, or to a thousandth of F at the null model if that is more, as in ``tol``; nan
        where none can be computed.
    optimality_ : float
        The largest violation of the optimality conditions, relative to the gradient of the null model; where no
        gap can be computed, at least what it would be if the unpenalised coefficients were stationary.
    n_iter_ : int
        Iterations; the most over independent problems.
    result_ : OptimizeResult or list of OptimizeResult
        How the solver fared: ``nit``, ``success``, ``status``, ``message``, ``certificate``, ``fun``, and the
        coefficients ``x`` as one vector, with the intercept for centred columns. Nothing in it is as long as the data.
        A list for independent problems.
    multipliers_ : dict
        With bounds or constraints only: ``"bounds"``, an array of shape (n_outputs, n_features), and ``"constraints"``,
        a list of arrays of shape (n_outputs, n_rows). A multiplier is positive where the upper bound holds F up,
        negative where the lower one does: minus the derivative of the minimum in that bound.
    loss_ : Loss
        The loss that was fitted.
    penalty_ : Penalty
        The penalty that was fitted, checked and completed for the features of X: without ``alpha``, bounds and
        constraints.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    ERMClassifier : The same for class labels.

    Notes
    -----
    The same fits in scikit-learn, for n samples of unit weight:

    ============================================ =====================================================
    ``Ridge(a)``                                 ``"squared_error"``, ``"l2"``, ``alpha=2 * a / n``
    ``Lasso(a)``, ``ElasticNet(a, l1_ratio=r)``  ``"squared_error"``, ``"l1"`` / ``"elasticnet"``,
                                                 ``alpha=2 * a``
    ``QuantileRegressor(quantile=q, alpha=a)``   ``Quantile(q)``, ``"l1"``, ``alpha=a``
    ``PoissonRegressor(alpha=a)``                ``"poisson"``, ``"l2"``, ``alpha=a``
    ============================================ =====================================================

    From scikit-learn 1.9 on, ``set_callbacks`` takes its callbacks. A fit is a task whose parts are the iterations of
    the outermost method, or independent problems with their iterations; one more, which ends without a model, finds
    that there is nothing left to do. ``fitted_estimator`` is the model as it stands, with ``objective_``,
    ``duality_gap_`` and so on. A callback that returns True stops the iterations, or the problems; the best point is
    kept, with ``result_.success`` False and ``result_.status`` 99.

    References
    ----------
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., chapter 3.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ERMRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ERMRegressor("squared_error", "l2", alpha=1e-3).fit(X, y)
    >>> round(model.score(X, y), 3)
    0.506
    >>> model.duality_gap_ <= model.tol
    True
    """

    _targets = frozenset({"real"})

    def __init__(
        self,
        loss: Any = "squared_error",
        penalty: Any = "l2",
        alpha: float = 1e-4,
        *,
        l1_ratio: float | None = None,
        fit_intercept: bool = True,
        bounds: Any = None,
        constraints: Any = None,
        solver: Any = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        verbose: int = 0,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.bounds = bounds
        self.constraints = constraints
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix or array (CSR or CSC) of shape (n_samples, n_features)
            Features; float32 is not widened as a whole. Or a dask array or data frame, whose rows stay where they are;
            then y, weights and offset are dask collections too, or arrays where the lengths of partitions are known.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets in the domain of the loss; for ``"poisson"`` they are >= 0, not all zero, and a single column is
            flattened, with scikit-learn's warning.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero. A row of weight 0 is as good as absent.
        offset : float or array-like in the shape of y, default=None
            Added to the scores and not fitted, such as the logarithm of the exposure under ``"poisson"``. ``predict``
            and ``score`` do not remember it: pass them the offset of their own rows.

        Returns
        -------
        self : ERMRegressor
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a hyper-parameter is out of its range; if y is outside the domain of the loss; if weights or offset are
            not finite or of the wrong shape.

        Warns
        -----
        ConvergenceWarning
            If ``tol`` was not reached; the text says how far the fit is from optimal, and what to do. Not if a callback
            stopped the fit: that was asked for, and ``result_`` says so.
        """
        return self._fit(X, y, sample_weight, offset)

    def _prepare(self, X: Any, y: Any, sample_weight: Any, offset: Any) -> Posed:
        loss, penalty = self._check_parameters()
        return self._pose(loss, penalty, *take_targets(self, loss, X, y, sample_weight, offset))

    def _set(self, posed: Posed, problems: Problems, results: Results) -> None:
        coef, intercept = self._set_results(posed, problems, results)
        self.coef_, self.intercept_ = (coef, intercept) if posed.given.shape else (coef[0], intercept[0])
        self.loss_ = problems[0].loss

    def predict(self, X: Any, offset: Any = None) -> Array:
        r"""Predict targets: the inverse link of the scores, :math:`e^\eta` under ``"poisson"``.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Added to the scores; None is 0, whatever ``fit`` was given: under ``"poisson"``, an exposure of 1.

        Returns
        -------
        y : ndarray of shape (n_samples,) or (n_samples, n_targets)
            Predictions.
        """
        return self._answer("predict", X, offset)

    def _answers(self) -> dict[str, Answer]:
        return {"predict": self.loss_.inverse_link}

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the coefficient of determination R² of the predictions, whatever the loss.

        For several quantiles at once it is D², the share of the mean pinball loss of the sample quantiles of y that the
        predictions save, averaged over the quantiles.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_targets), default=None
            Added to the scores; None is 0, whatever ``fit`` was given.

        Returns
        -------
        score : float
            R² or D², at most 1.

        Notes
        -----
        ``score`` of a scikit-learn Pipeline drops ``offset`` without a word, unless metadata routing is enabled and
        this estimator asks for it, ``set_score_request(offset=True)``. ``sklearn_erm.risk`` takes it always.
        """
        if is_elsewhere(X):
            if self.loss_.n_scores:
                raise TypeError(
                    f"score under loss={self.loss_} needs quantiles of y, which are not found in a dask "
                    f"{type(X).__name__}; sklearn_erm.risk takes it, or pass X.compute()."
                )
            return determination_of_blocks(self, X, y, sample_weight, offset)
        require_in_memory(y=y, sample_weight=sample_weight)
        if self.loss_.n_scores:
            predicted, levels = self.predict(X, offset), self.loss_.quantiles
            each = [
                d2_pinball_score(y, predicted[:, j], alpha=level, sample_weight=sample_weight)
                for j, level in enumerate(levels)
            ]
            return float(np.mean(each))
        return float(r2_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        with suppress(TypeError, ValueError):  # an unknown loss, which fit will speak of
            loss = self._find_loss()
            tags.target_tags.positive_only = not loss.in_domain(np.array([-1.0]))[0]
            # Several positive targets work too, but who asks this tag, scikit-learn's checks, passes negative ones.
            tags.target_tags.multi_output = not (tags.target_tags.positive_only or loss.n_scores or loss.one_target)
        return tags
