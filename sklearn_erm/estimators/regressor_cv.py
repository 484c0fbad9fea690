"""Regression with alpha, penalty and loss chosen by cross-validation."""

from __future__ import annotations

from typing import Any, Self

from sklearn_erm.estimators.cross_validation import Array, CrossValidated
from sklearn_erm.estimators.inputs import real_targets, validated
from sklearn_erm.estimators.regressor import ERMRegressor


class ERMRegressorCV(CrossValidated, ERMRegressor):
    r"""``ERMRegressor`` with alpha, and if wished penalty and loss, chosen by cross-validation.

    Every combination of loss, penalty and ``l1_ratio`` has its own path of alphas in every fold, each point certified;
    the combination and alpha of the best score are fitted to all data.

    Parameters
    ----------
    loss : str or Loss, or list of them, default="squared_error"
        A name: ``"squared_error"``, ``"absolute_error"``, ``"huber"``, ``"log_cosh"``, ``"quantile"``,
        ``"multi_quantile"``, ``"expectile"``, ``"epsilon_insensitive"``, ``"squared_epsilon_insensitive"``,
        ``"poisson"``, ``"gamma"``, ``"inverse_gaussian"`` or ``"tweedie"``. Or an instance from
        :mod:`sklearn_erm.losses`, such as ``Huber(delta=2.0)``.
        Candidates if a list; to compare losses, say by ``scoring`` on what.
    penalty : str, Penalty or None, or list of them, default="l2"
        A name: ``"l2"``, ``"l2_norm"``, ``"l1"``, ``"elasticnet"``, ``"mcp"``, ``"scad"``, ``"slope"``, ``"linf"``,
        ``"fused"``, ``"multi_task_lasso"``, ``"nuclear"``, or ``None`` for no penalty. Or an instance from
        :mod:`sklearn_erm.penalties`, such as ``L1(weights=...)``; ``"group_lasso"``, ``"sparse_group_lasso"`` and
        ``"tikhonov"`` need one, for their groups or their matrix.
        Candidates if a list.
    alphas : int or array-like of numbers >= 0, default=100
        How many alphas each path has, on a geometric grid from the smallest at which all penalised coefficients are
        zero (see :func:`sklearn_erm.erm_path`); or the alphas.
    eps : float in (0, 1), default=None
        The least alpha of a grid over the largest. None is 1e-3, 1e-2 if there are more features than samples, and 1e-6
        for smooth penalties.
    l1_ratio : float in [0, 1] or None, or list of them, default=None
        The share of the lasso in every penalty that has an ``l1_ratio``, given by name or as an instance, alone or in
        a sum: ``"elasticnet"``, ``"sparse_group_lasso"`` and ``"fused"``. Other penalties ignore it. None leaves a
        penalty its own.
        Candidates if a list, for the penalties that have one.
    cv : int, splitter, iterable of splits, "alo" or None, default=None
        How rows are held out: so many folds of neighbouring rows (None is 5), or a splitter or splits as for
        ``GridSearchCV``. ``"alo"`` is approximate leave-one-out: one fit per alpha, and fits without
        those samples for which the approximation may be off. An alpha at which the other samples do not determine the
        score of one has no score, nan, and is not chosen.
    scoring : str, callable or None, default=None
        What the held-out rows are scored by. None is minus the risk under the loss that is fitted; with several losses
        it has to be said, ``risk_scorer("absolute_error")`` for example. Rows of weight 0 are not scored.
    selection : {"min", "1se"}, default="min"
        The alpha of the best mean score; or the largest alpha, of the same loss and penalty, whose mean score is within
        one standard error of that.
    refit : bool, default=True
        Whether to fit the best combination to all data in the end.
    n_jobs : int, default=None
        Processes, as everywhere in scikit-learn; folds and combinations are independent.
    fit_intercept : bool, default=True
        Whether to fit b; otherwise it is 0.
    bounds : pair or scipy.optimize.Bounds, default=None
        Lower and upper bounds of the coefficients, as for :class:`ERMRegressor`.
    constraints : scipy.optimize.LinearConstraint or list of them, default=None
        Bounds of linear functions of the coefficients, as for :class:`ERMRegressor`.
    solver : str or callable, default="auto"
        As for :class:`ERMRegressor`.
    tol : float > 0, default=1e-6
        The duality gap to reach in every fit: an upper bound of the distance of F from its minimum, relative to F, or
        to a thousandth of F at the null model (the best constant one) where F is smaller than that. Where no gap
        can be computed (no penalty, unpenalised features, a gap of rounding alone), the largest violation of the
        optimality conditions.
    max_iter : int >= 1, default=1000
        Iterations of the solver, in every fit.
    verbose : int >= 0 or bool, default=0
        Whether to print a line for each combination and split: the best score, its alpha and the seconds; and the
        choice in the end. Above 1, ``joblib`` tells how the fits go on, too.

    Attributes
    ----------
    alpha_ : float
        The alpha that was chosen.
    l1_ratio_ : float or None
        The share of the lasso in the penalty that was chosen; None where it has none, or several.
    loss_ : Loss
        The loss that was chosen, as fitted.
    penalty_ : Penalty
        The penalty that was chosen, as fitted: checked and completed for the features of X, without ``alpha``, bounds
        and constraints. What the user gave is in ``cv_results_["param_penalty"][best_index_]``.
    alphas_ : ndarray, or list of ndarray
        The alphas of each combination; the array itself if there is one.
    cv_results_ : dict of ndarray
        The table, one row per combination and alpha, to be read as a ``DataFrame``: ``param_loss``, ``param_penalty``,
        ``param_l1_ratio``, ``param_alpha``, ``combination`` (their number), ``split0_test_score`` and so on,
        ``mean_test_score``, ``std_test_score``, ``se_test_score`` (the standard error of the mean) and
        ``rank_test_score``. A score is the better, the larger it is.
    best_index_ : int
        The row of the choice.
    best_score_ : float
        Its mean score.
    scorer_ : callable
        What the held-out rows were scored by.
    n_splits_ : int
        Splits; 1 for ``cv="alo"``.
    coef_ : ndarray of shape (n_features,) or (n_targets, n_features)
        Coefficients of the last fit, to all data. They and the attributes down to ``multipliers_`` are as for
        :class:`ERMRegressor`, and there only with ``refit=True``.
    intercept_ : float or ndarray of shape (n_targets,)
        Its intercept.
    objective_, risk_, duality_gap_, optimality_ : float
        Its objective, mean loss, duality gap in the unit of ``tol``, and violation of the optimality conditions.
    n_iter_ : int
        Its iterations.
    result_ : OptimizeResult or list of OptimizeResult
        How the solver fared.
    multipliers_ : dict
        The multipliers of its bounds and constraints, if there are any.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    sklearn_erm.erm_path : The path alone.
    sklearn_erm.risk_scorer : Scores by the risk under any loss.

    Notes
    -----
    The table equals that of ``GridSearchCV`` over the plain estimator with the same alphas, to the accuracy that
    ``tol`` leaves. Preprocessing that learns from data belongs inside the folds: put scaler and plain estimator in a
    pipeline, and that in ``GridSearchCV``.

    From scikit-learn 1.9 on, ``set_callbacks`` takes its callbacks. A fit has two parts: the search, whose parts are
    the paths, one per combination and split, and theirs the alphas; and the refit. ``fitted_estimator`` is the model at
    that alpha, X and y what it was fitted to. A callback that returns True at an alpha stops the path there: the scores
    that this leaves out are nan, and those alphas are not chosen.

    References
    ----------
    The one-standard-error rule: Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., section
    7.10. Approximate leave-one-out: Rahnama Rad, Maleki, "A scalable estimate of the out-of-sample prediction error via
    approximate leave-one-out cross-validation", JRSS B 82(4), 2020.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ERMRegressorCV
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = ERMRegressorCV(penalty=["l1", "l2"], alphas=30).fit(X, y)
    >>> model.penalty_, round(-model.best_score_)
    (L1(), 2992)
    """

    _plain = ERMRegressor

    def __init__(
        self,
        loss: Any = "squared_error",
        penalty: Any = "l2",
        alphas: Any = 100,
        *,
        eps: float | None = None,
        l1_ratio: Any = None,
        cv: Any = None,
        scoring: Any = None,
        selection: str = "min",
        refit: bool = True,
        n_jobs: int | None = None,
        fit_intercept: bool = True,
        bounds: Any = None,
        constraints: Any = None,
        solver: Any = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        verbose: int = 0,
    ):
        self.loss = loss
        self.penalty = penalty
        self.alphas = alphas
        self.eps = eps
        self.l1_ratio = l1_ratio
        self.cv = cv
        self.scoring = scoring
        self.selection = selection
        self.refit = refit
        self.n_jobs = n_jobs
        self.fit_intercept = fit_intercept
        self.bounds = bounds
        self.constraints = constraints
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.verbose = verbose

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, **params: Any) -> Self:
        """Choose by cross-validation, and fit the choice to all data.

        Parameters
        ----------
        X : array-like or sparse matrix or array (CSR or CSC) of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
            Targets in the domain of the loss.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero, in the fits and in the scores.
        offset : float or array-like in the shape of the scores, default=None
            Added to the scores and not fitted, in the folds too.
        **params : dict
            ``groups`` for the splitter. With metadata routing enabled, whatever splitter and scorer request.

        Returns
        -------
        self : ERMRegressorCV
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a parameter is out of its range; as ``ERMRegressor.fit`` does.

        Warns
        -----
        ConvergenceWarning
            If fits stopped short of ``tol``; the text says how many, and how far the worst is from optimal. A fit that
            a callback stopped is not among them.
        """
        return self._fit_cv(X, y, sample_weight, offset, params)

    def _validated(self, X: Any, y: Any) -> tuple[Any, Array]:
        X, y = validated(self, X, y, multi_output=True)
        return X, real_targets(y)
