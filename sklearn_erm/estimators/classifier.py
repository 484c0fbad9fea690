"""Classification."""

from __future__ import annotations

from functools import partial
from typing import Any, Self

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.metrics import accuracy_score
from sklearn.utils.metaestimators import available_if

from sklearn_erm.estimators.base import Answer, Array, LinearERM
from sklearn_erm.estimators.class_scores import decide, label, log_probability, probability
from sklearn_erm.estimators.inputs import is_elsewhere, require_in_memory, take_labels
from sklearn_erm.estimators.labels import check_class_weight
from sklearn_erm.estimators.lazily import accuracy_of_blocks
from sklearn_erm.estimators.names import loss_names
from sklearn_erm.estimators.posed import Posed
from sklearn_erm.estimators.results import Problems, Results
from sklearn_erm.losses import Loss


def _estimates_probability(estimator: ERMClassifier) -> bool:
    loss = estimator._find_loss()
    if not hasattr(loss, "probability"):
        names = ", ".join(map(repr, loss_names(estimator._targets, "probability")))
        raise AttributeError(f"loss={estimator.loss!r} estimates no probability; these losses do: {names}.")
    return True


class ERMClassifier(ClassifierMixin, LinearERM):
    r"""Linear classification under any loss and any penalty, solved to a certified optimum.

    .. math:: \min_{w, b} \; F(w, b) = \sum_i s_i \, \ell(y_i, x_i^T w + b + o_i) + \alpha \, \Omega(w),
        \qquad \sum_i s_i = 1

    with s the sample weights times the class weights, scaled to sum 1, so that the data term is the mean loss: a weight
    of 2 equals a repeated row, a common factor of the weights changes nothing, and ``alpha`` means the same for every
    number of samples. The intercept b is never penalised. With more than two classes, ``"log_loss"`` and
    ``"crammer_singer"`` are one problem in all coefficients; the other losses are fitted one class against the rest,
    independently unless the penalty couples the classes, as ``"l2_norm"``, ``"multi_task_lasso"`` or ``"nuclear"`` do.

    Parameters
    ----------
    loss : str or Loss, default="log_loss"
        A name: ``"log_loss"`` (also called ``"cross_entropy"``), ``"logistic"``, ``"exponential"``, ``"hinge"``,
        ``"squared_hinge"``, ``"smoothed_hinge"``, ``"modified_huber"``, ``"squared"`` or ``"crammer_singer"``. Or an
        instance from :mod:`sklearn_erm.losses`, such as ``SmoothedHinge(delta=0.2)``.
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
    class_weight : dict, "balanced" or None, default=None
        Factors of the sample weights, by class label; ``"balanced"`` gives every class the same total weight.
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
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted. A label whose rows all have weight 0, by ``sample_weight`` or ``class_weight``, is not among
        them, and has no column in ``predict_proba``.
    coef_ : ndarray of shape (1, n_features) or (n_classes, n_features)
        Coefficients W, the former for two classes; float32 if X was.
    intercept_ : ndarray of shape (1,) or (n_classes,)
        Intercept b.
    objective_ : float
        F at the solution; the sum over one-vs-rest problems.
    risk_ : float
        The mean loss at the solution; the sum over one-vs-rest problems.
    duality_gap_ : float
        The duality gap relative to F, or to a thousandth of F at the null model if that is more, as in ``tol``; nan
        where none can be computed.
    optimality_ : float
        The largest violation of the optimality conditions, relative to the gradient of the null model; where no
        gap can be computed, at least what it would be if the unpenalised coefficients were stationary.
    n_iter_ : int
        Iterations; the most over one-vs-rest problems.
    result_ : OptimizeResult or list of OptimizeResult
        How the solver fared: ``nit``, ``success``, ``status``, ``message``, ``certificate``, ``fun``, and the
        coefficients ``x`` as one vector, with the intercept for centred columns. Nothing in it is as long as the data.
        A list for one-vs-rest problems.
    multipliers_ : dict
        With bounds or constraints only: ``"bounds"``, an array of shape (n_outputs, n_features), and ``"constraints"``,
        a list of arrays of shape (n_outputs, n_rows). A multiplier is positive where the upper bound holds F up,
        negative where the lower one does: minus the derivative of the minimum in that bound.
    loss_ : Loss
        The loss that was fitted: ``Softmax()`` for ``"log_loss"`` with more than two classes.
    penalty_ : Penalty
        The penalty that was fitted, checked and completed for the features of X: without ``alpha``, bounds and
        constraints.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, where X had names that are all strings.

    See Also
    --------
    ERMRegressor : The same for real targets.

    Notes
    -----
    The same fits in scikit-learn, for n samples of unit weight:

    =================================== =======================================
    ``LogisticRegression(C=C)``         ``"log_loss"``, ``"l2"``, ``alpha=1 / (C * n)``
    ``LinearSVC(loss="hinge", C=C)``    ``"hinge"``, ``"l2"``, ``alpha=1 / (C * n)``; there the intercept is penalised
    =================================== =======================================

    A loss that is joint for two classes as well, such as ``Softmax()`` passed as an instance, has two rows of
    coefficients; ``decision_function`` is then the difference of the two scores.

    From scikit-learn 1.9 on, ``set_callbacks`` takes its callbacks. A fit is a task whose parts are the iterations of
    the outermost method, or independent problems with their iterations; one more, which ends without a model, finds
    that there is nothing left to do. ``fitted_estimator`` is the model as it stands, with ``objective_``,
    ``duality_gap_`` and so on. A callback that returns True stops the iterations, or the problems; the best point is
    kept, with ``result_.success`` False and ``result_.status`` 99.

    References
    ----------
    Hastie, Tibshirani, Friedman, *The Elements of Statistical Learning*, 2nd ed., chapters 4 and 12.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn_erm import ERMClassifier
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = ERMClassifier("log_loss", "l2", alpha=1e-3).fit(X, y)
    >>> round(model.score(X, y), 3)
    0.987
    >>> model.duality_gap_ <= model.tol
    True
    """

    _targets = frozenset({"sign", "class"})

    def __init__(
        self,
        loss: Any = "log_loss",
        penalty: Any = "l2",
        alpha: float = 1e-4,
        *,
        l1_ratio: float | None = None,
        fit_intercept: bool = True,
        class_weight: Any = None,
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
        self.class_weight = class_weight
        self.bounds = bounds
        self.constraints = constraints
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.verbose = verbose

    # -- fit --------------------------------------------------------------------------------------------------------

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Fit the model.

        Parameters
        ----------
        X : array-like or sparse matrix or array (CSR or CSC) of shape (n_samples, n_features)
            Features; float32 is not widened as a whole. Or a dask array or data frame, whose rows stay where they are;
            then y, weights and offset are dask collections too, or arrays where the lengths of partitions are known.
        y : array-like of shape (n_samples,)
            Class labels of any type that sorts.
        sample_weight : float or array-like of shape (n_samples,), default=None
            Weights >= 0, not all zero. A row of weight 0 is as good as absent.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores and not fitted; the former for two classes. ``predict`` and the other methods do not
            remember it: pass them the offset of their own rows.

        Returns
        -------
        self : ERMClassifier
            The fitted estimator.

        Raises
        ------
        ValueError, TypeError
            If a hyper-parameter is out of its range; if there is only one class; if weights or offset are not finite or
            of the wrong shape.

        Warns
        -----
        ConvergenceWarning
            If ``tol`` was not reached; the text says how far the fit is from optimal, and what to do. Not if a callback
            stopped the fit: that was asked for, and ``result_`` says so.
        """
        return self._fit(X, y, sample_weight, offset)

    def _prepare(self, X: Any, y: Any, sample_weight: Any, offset: Any) -> Posed:
        loss, penalty = self._check_parameters()
        samples, given = take_labels(self, loss, X, y, sample_weight, offset)
        assert given.classes is not None
        return self._pose(loss.for_classes(len(given.classes)), penalty, samples, given)

    def _set(self, posed: Posed, problems: Problems, results: Results) -> None:
        self.coef_, self.intercept_ = self._set_results(posed, problems, results)
        assert posed.given.classes is not None
        self.classes_ = posed.given.classes
        self.loss_ = posed.problems[0].loss

    def _check_parameters(self) -> tuple[Loss, Any]:
        check_class_weight(self.class_weight)
        return super()._check_parameters()

    # -- predict ----------------------------------------------------------------------------------------------------

    @property
    def _outputs(self) -> tuple[int, ...]:
        return np.shape(self.intercept_) if len(self.intercept_) > 1 else ()

    def decision_function(self, X: Any, offset: Any = None) -> Array:
        """Return the scores.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores; None is 0, whatever ``fit`` was given.

        Returns
        -------
        scores : ndarray of shape (n_samples,) or (n_samples, n_classes)
            The former for two classes, where a positive score stands for ``classes_[1]``.
        """
        return self._answer("decision_function", X, offset)

    def predict(self, X: Any, offset: Any = None) -> Array:
        """Predict class labels: those of the largest score.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores; None is 0, whatever ``fit`` was given.

        Returns
        -------
        y : ndarray of shape (n_samples,)
            Labels from ``classes_``.
        """
        return self._answer("predict", X, offset)

    @available_if(_estimates_probability)
    def predict_proba(self, X: Any, offset: Any = None) -> Array:
        """Estimate class probabilities; only where the loss means them, as ``"log_loss"`` and ``"logistic"`` do.

        One-vs-rest probabilities are divided by their sum; they are equal where all are 0, as under ``"squared"`` far
        from the data.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores; None is 0, whatever ``fit`` was given.

        Returns
        -------
        p : ndarray of shape (n_samples, n_classes)
            Probabilities, in the order of ``classes_``. A label that only had rows of weight 0 has no column.
        """
        return self._answer("predict_proba", X, offset)

    @available_if(_estimates_probability)
    def predict_log_proba(self, X: Any, offset: Any = None) -> Array:
        """Estimate the logarithms of class probabilities, accurate where these underflow.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores; None is 0, whatever ``fit`` was given.

        Returns
        -------
        log_p : ndarray of shape (n_samples, n_classes)
            Logarithms of probabilities, in the order of ``classes_``.
        """
        return self._answer("predict_log_proba", X, offset)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the accuracy of the predictions.

        Parameters
        ----------
        X : array-like or sparse matrix or array of shape (n_samples, n_features)
            Features.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights.
        offset : float or array-like of shape (n_samples,) or (n_samples, n_classes), default=None
            Added to the scores; None is 0, whatever ``fit`` was given. A Pipeline's ``score`` drops it without a word,
            unless metadata routing is on (``set_score_request(offset=True)``); ``sklearn_erm.risk`` takes it always.

        Returns
        -------
        score : float
            The share of correct labels.
        """
        if is_elsewhere(X):
            return accuracy_of_blocks(self, X, y, sample_weight, offset)
        require_in_memory(y=y, sample_weight=sample_weight)
        return float(accuracy_score(y, self.predict(X, offset), sample_weight=sample_weight))

    def _answers(self) -> dict[str, Answer]:
        found: dict[str, Answer] = {"predict": partial(label, self.classes_), "decision_function": decide}
        if hasattr(self, "predict_proba"):
            found["predict_proba"] = partial(probability, self.loss_)
            found["predict_log_proba"] = partial(log_probability, self.loss_)
        return found
