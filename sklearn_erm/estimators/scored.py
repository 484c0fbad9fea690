"""A fitted model with scores of some rows: what scorers are handed where those are not the model's own scores."""

from __future__ import annotations

from copy import copy
from typing import Any

from numpy.typing import NDArray
from sklearn.utils.metaestimators import available_if

from sklearn_erm.checks import quantity

Array = NDArray[Any]


def _from_scores(name: str) -> Any:
    """Return the method of a name; the offset is among the scores."""

    def answer(self: Scored, X: Any, offset: Any = None) -> Array:  # noqa: ARG001
        found: Array = self._model._answers()[name](self._of(X))
        return found

    answer.__name__ = name
    return available_if(lambda self: name in self._model._answers())(answer)


class Scored:
    """A fitted model that predicts for certain rows, from scores that are given.

    All that is no prediction (``coef_``, ``classes_``, ``loss_``, parameters, tags) is the model's.

    Parameters
    ----------
    model : estimator
        Fitted.
    scores : ndarray of shape (n_samples,) or (n_samples, n_outputs)
        Of the rows, offsets included.
    """

    predict = _from_scores("predict")
    decision_function = _from_scores("decision_function")
    predict_proba = _from_scores("predict_proba")
    predict_log_proba = _from_scores("predict_log_proba")

    def __init__(self, model: Any, scores: Array) -> None:
        self._model = copy(model)
        self._scores = scores

    def __getattr__(self, name: str) -> Any:
        return getattr(object.__getattribute__(self, "_model"), name)

    def __sklearn_is_fitted__(self) -> bool:
        return True

    def score(self, X: Any, y: Any, **params: Any) -> float:
        """Return what the ``score`` of the model makes of these predictions."""
        return float(type(self._model).score(self, X, y, **params))

    def _of(self, X: Any) -> Array:
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if rows != len(self._scores):
            raise ValueError(
                f"a scorer of held-out rows is to predict for all {quantity(len(self._scores), 'row')} that it is "
                f"given, but asked for {rows}; it may select among the predictions."
            )
        return self._scores
