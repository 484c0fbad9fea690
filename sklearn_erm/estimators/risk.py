"""The empirical risk of any model under any loss, so that models of different losses are compared on the same one."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, is_classifier
from sklearn.utils.validation import check_array, check_consistent_length, check_is_fitted, column_or_1d

from sklearn_erm.checks import plain
from sklearn_erm.estimators.inputs import check_sample_weight, check_targets, is_elsewhere, require_in_memory
from sklearn_erm.estimators.lazily import mean_of_blocks
from sklearn_erm.estimators.names import find_loss
from sklearn_erm.losses import Loss

Array = NDArray[Any]

CERTAIN = 1e290  # a loss beyond which a probability was 0 of what happened
LABELS, REAL = frozenset({"sign", "class"}), frozenset({"real"})


def risk(estimator: Any, X: Any, y: Any, loss: Any = None, *, sample_weight: Any = None, offset: Any = None) -> float:
    r"""Return the empirical risk of a fitted model: the weighted mean of a loss.

    .. math:: R = \sum_i s_i \, \ell(y_i, \eta_i), \qquad \sum_i s_i = 1

    The scores :math:`\eta` of a classifier are its ``decision_function``; for want of one, the log-odds of its
    ``predict_proba`` (the logarithms of it, where a loss takes all classes jointly). The scores of a regressor are its
    predictions, or their logarithms for a loss with a log link. With more than two classes, a margin loss is summed
    over the problems one against the rest.

    Parameters
    ----------
    estimator : fitted classifier or regressor
        Of this library or any other, a pipeline or a search too.
    X : array-like or sparse matrix of shape (n_samples, n_features)
        Features, as the estimator takes them.
    y : array-like of shape (n_samples,) or (n_samples, n_targets)
        Labels, each one of ``estimator.classes_``; or targets.
    loss : str or Loss, default=None
        Any loss of the library. None is the one that the estimator was fitted with, its ``loss_``.
    sample_weight : float or array-like of shape (n_samples,), default=None
        Weights >= 0, not all zero.
    offset : float or array-like in the shape of the scores, default=None
        Handed to the estimator's ``decision_function`` or ``predict``, which must take it.

    Returns
    -------
    risk : float
        Infinite where the loss is, such as the Poisson deviance of a positive count at a prediction of 0.

    Raises
    ------
    ValueError, TypeError
        If the loss is unknown, is for another kind of target, or has no scale yet; if a label is none of the model's
        classes; if targets or predictions are outside the domain of the loss.
    """
    check_is_fitted(estimator)
    if is_elsewhere(X):
        return mean_of_blocks(partial(_sums, estimator, loss), X, y, sample_weight, offset)
    require_in_memory(y=y)
    y = y.toarray() if sparse.issparse(y) else np.asarray(y)
    weight = np.broadcast_to(check_sample_weight(sample_weight, len(y)), len(y))
    heard = weight > 0
    each = losses_of_rows(estimator, X, y, loss, heard, offset)
    return float(weight[heard] @ each[heard] / weight.sum())


def _sums(estimator: Any, loss: Any, x: Any, y: Array, weight: Array, offset: Any) -> tuple[float, float]:
    """Return the weighted sum of the losses of a block, and the sum of its weights."""
    heard = weight > 0
    if not heard.any():
        return 0.0, 0.0
    return float(weight[heard] @ losses_of_rows(estimator, x, y, loss, heard, offset)[heard]), float(weight.sum())


def losses_of_rows(estimator: Any, X: Any, y: Array, loss: Any, heard: Array, offset: Any = None) -> Array:
    """Return the loss of every row that is to be heard, summed over targets or classes; 0 of the others."""
    found = _loss_of(estimator, loss)
    more = {} if offset is None else {"offset": offset}
    if found.target in REAL:
        predicted = np.asarray(estimator.predict(X, **more), dtype=float)
        check_consistent_length(predicted, y)
        y, eta = _targets_and_scores(found, predicted[heard], y[heard])
    else:
        found, y, eta = _codes_and_scores(found, estimator, X, y, heard, more)
    with np.errstate(over="ignore"):
        each = found.value(y, eta)
    total = np.zeros(len(heard))
    total[heard] = each if each.ndim == 1 else each.sum(axis=1)
    total[total > CERTAIN] = np.inf
    return total


def _coded(loss: Loss, codes: Array, eta: Array) -> tuple[Array, Array]:
    """Return the targets of a classification in the coding of the loss, from class indices, and scores to match."""
    if loss.joint:
        return codes, np.column_stack([-0.5 * eta, 0.5 * eta]) if eta.ndim == 1 else eta
    return np.where(codes == 1 if eta.ndim == 1 else codes[:, None] == np.arange(eta.shape[1]), 1.0, -1.0), eta


def _loss_of(estimator: Any, loss: Any) -> Loss:
    if loss is None:
        loss = getattr(last_step(estimator), "loss_", None)
        if loss is None:
            usual = "log_loss" if is_classifier(estimator) else "absolute_error"
            raise ValueError(f"{type(estimator).__name__} has no attribute loss_; say which risk, loss={usual!r} say.")
    found = find_loss("risk", loss, LABELS if is_classifier(estimator) else REAL)
    found.validate()

    def refuse(_: Loss | None) -> float:
        raise ValueError(f"risk(loss={found}): the scale of this loss is found by fitting; give it a number.")

    return found.settled(refuse)


def inner_model(estimator: Any) -> Any:
    """Return the best model of a fitted search, the last step of a pipeline, and any other model itself."""
    if hasattr(estimator, "best_estimator_"):
        return estimator.best_estimator_
    return estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator


def last_step(estimator: Any) -> Any:
    """Return the model at the end of fitted searches and of pipelines, one inside the other."""
    while (inner := inner_model(estimator)) is not estimator:
        estimator = inner
    return estimator


def _targets_and_scores(loss: Loss, predicted: Array, y: Array) -> tuple[Array, Array]:
    y = check_array(y, ensure_2d=False, dtype=np.float64, input_name="y")
    y = check_targets(loss, y, np.ones(len(y)))
    if loss.n_scores is None:
        if predicted.size != y.size:
            raise ValueError(f"y of shape {y.shape} does not go with predictions of shape {predicted.shape}.")
        predicted = predicted.reshape(y.shape)
    with np.errstate(divide="ignore", invalid="ignore"):
        eta = loss.link(predicted)
    if np.isnan(eta).any():
        worst = float(np.nanmin(predicted))
        raise ValueError(f"risk(loss={loss}) needs positive predictions, but the least one is {worst:.6g}.")
    return y, eta


def _codes_and_scores(
    loss: Loss, estimator: Any, X: Any, y: Array, heard: Array, more: dict[str, Any]
) -> tuple[Loss, Array, Array]:
    classes = np.asarray(estimator.classes_)
    loss = loss.for_classes(len(classes))
    eta = _class_scores(loss, estimator, X, more)
    check_consistent_length(eta, y)
    if eta.ndim == 2 and eta.shape[1] != len(classes):
        raise ValueError(
            f"the decision_function of {type(estimator).__name__} has {eta.shape[1]} columns, not one for each of the "
            f"{len(classes)} classes; use decision_function_shape='ovr'."
        )
    y = column_or_1d(y)[heard]
    codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
    strangers = np.flatnonzero(classes[codes] != y)
    if len(strangers):
        label = plain(y[strangers[0]])
        raise ValueError(f"y holds the label {label!r}, which is none of the model's classes {classes}.")
    return loss, *_coded(loss, codes, eta[heard])


def _class_scores(loss: Loss, estimator: Any, X: Any, more: dict[str, Any]) -> Array:
    """Return the decision function; for want of one, log-odds, or the logarithms of probabilities for a joint loss."""
    if hasattr(estimator, "decision_function"):
        return np.asarray(estimator.decision_function(X, **more), dtype=float)
    p = np.asarray(estimator.predict_proba(X, **more), dtype=float)
    with np.errstate(divide="ignore"):
        if loss.joint:
            return np.maximum(np.log(p), -10 * CERTAIN)
        odds = np.log(p) - np.log(np.maximum(1.0 - p, 0.0))
    return odds[:, 1] if p.shape[1] == 2 else odds


class RiskScorer(BaseEstimator):
    """Scores a model by minus its risk; what ``risk_scorer`` makes.

    With metadata routing, ``set_score_request(sample_weight=True, offset=True)`` says what it takes.
    """

    def __init__(self, loss: Any = None):
        self.loss = loss

    def __call__(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return minus the risk of a fitted model."""
        return self.score(estimator, X, y, sample_weight, offset)

    def score(self, estimator: Any, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return minus the risk of a fitted model.

        Parameters
        ----------
        estimator : fitted classifier or regressor
            The model.
        X, y, sample_weight, offset
            As for ``risk``.

        Returns
        -------
        score : float
            The larger, the better.
        """
        return -risk(estimator, X, y, self.loss, sample_weight=sample_weight, offset=offset)

    def _accept_sample_weight(self) -> bool:
        """Return True: what scikit-learn asks every scorer of several, from version 1.9 on."""
        return True


def risk_scorer(loss: Any = None) -> RiskScorer:
    """Return a scorer for ``GridSearchCV(scoring=...)`` and ``cross_validate``: minus the risk under a loss.

    Parameters
    ----------
    loss : str or Loss, default=None
        The loss to compare all models on. None is the one each was fitted with: to compare alphas, not losses.

    Returns
    -------
    scorer : callable
        (estimator, X, y, sample_weight=None, offset=None) -> float, the larger the better.

    Examples
    --------
    >>> from sklearn.datasets import load_breast_cancer
    >>> from sklearn.model_selection import cross_val_score
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_erm import ERMClassifier, risk_scorer
    >>> X, y = load_breast_cancer(return_X_y=True)
    >>> model = make_pipeline(StandardScaler(), ERMClassifier(loss="log_loss", alpha=1e-2))
    >>> (-cross_val_score(model, X, y, scoring=risk_scorer("hinge"))).mean().round(2)
    np.float64(0.07)
    """
    return RiskScorer(loss)
