"""Scores of a path on rows that were held out, of one fold or of every row in turn."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_erm.estimators.callbacks import Stage, fit_metadata
from sklearn_erm.estimators.data import check_sample_weight
from sklearn_erm.estimators.progress import Clock
from sklearn_erm.estimators.risk import RiskScorer, losses_of_rows
from sklearn_erm.estimators.task import Step, stopped_short
from sklearn_erm.leave_one_out import leave_one_out_scores
from sklearn_erm.threads import blas_threads

Array = NDArray[Any]


class Data(NamedTuple):
    """Checked arrays, the scorer, and what it is given beside them, arrays by row."""

    X: Any
    y: Array
    weight: Array | None
    offset: Array | None
    scorer: Any
    score_params: dict[str, Any]

    def rows(self, index: Array) -> Data:
        """Return the given rows."""
        params = {name: _rows_of(values, index, len(self.y)) for name, values in self.score_params.items()}
        weight = None if self.weight is None else self.weight[index]
        offset = None if self.offset is None else self.offset[index]
        return Data(self.X[index], self.y[index], weight, offset, self.scorer, params)


class Held(NamedTuple):
    """A score per alpha, the standard error of each, and how far fits stopped short, 0 for not.

    Scores are nan from where a callback stopped the path, standard errors where they are unknown.
    """

    scores: Array
    spread: Array
    errors: list[float]


def score_fold(model: Any, data: Data, alphas: Array, stage: Stage, label: str, train: Array, test: Array) -> Held:
    """Return the scores of a path fitted to some rows on others."""
    model, held = clone(model), data.rows(test)
    if data.weight is not None and not (data.weight[train].any() and data.weight[test].any()):
        raise ValueError("a fold of cv has no row of positive weight to fit or to score; shuffle, or take fewer folds.")

    def judged(step: Step) -> tuple[float, float]:
        one = _with_scores(model, held.X, model._scores_at(held.X, held.offset))
        try:
            return float(held.scorer(one, held.X, held.y, **held.score_params)), np.nan
        except ValueError as error:
            if hasattr(model, "classes_") and not np.isin(held.y, model.classes_).all():
                raise ValueError(f"{error} A fold was fitted without it: use stratified folds, or fewer.") from None
            raise

    return _along(model, data.rows(train), alphas, stage, label, judged)


def score_left_out(model: Any, data: Data, alphas: Array, stage: Stage, label: str) -> Held:
    """Return the scores of a path, every row at the score that approximately a fit without it would give it."""
    model = clone(model)

    def judged(step: Step) -> tuple[float, float]:
        one = _with_scores(model, data.X, _left_out(model, data, step))
        return float(data.scorer(one, data.X, data.y, **data.score_params)), _standard_error(one, data)

    return _along(model, data, alphas, stage, label, judged)


def _along(
    model: Any, fit: Data, alphas: Array, stage: Stage, label: str, judged: Callable[[Step], tuple[float, float]]
) -> Held:
    """Follow a path, each alpha a part of the stage, until a callback has enough; say how it went if it has a label."""
    clock, errors = Clock(), []
    scores, spread = np.full((2, len(alphas)), np.nan)
    stage = stage.on(X=fit.X, y=fit.y, metadata=fit_metadata(fit.weight, fit.offset, len(fit.y)))
    with blas_threads(1), stage.running():
        steps = model._fit_path(fit.X, fit.y, fit.weight, fit.offset, lambda task: alphas)
        for k in range(len(alphas)):
            part = stage.part("alpha")
            with part.running(lambda: _fitted(model)):
                step = next(steps)
                scores[k], spread[k] = judged(step)
            errors.append(stopped_short(step.results))
            if part.stopped:
                break
    if label and not np.isnan(scores).all():
        best = np.nanargmax(scores)
        print(f"{label}: best score {scores[best]:#.6g} at alpha {alphas[best]:#.4g}, {clock.read():.3f} s", flush=True)
    return Held(scores, spread, errors)


def _fitted(model: Any) -> dict[str, Any]:
    """Return the fitted attributes of a model as those of an estimator that was given the same rows with names."""
    found = {name: value for name, value in vars(model).items() if name.endswith("_")}
    return {**found, "alpha_": model.alpha, "feature_names_in_": None}


def _left_out(model: Any, data: Data, step: Step) -> Array:
    """Return the scores of all rows without themselves; those of weight 0 had no say anyway."""
    eta = np.array(model._scores_at(data.X, data.offset), dtype=float)
    pairs = zip(step.problems, step.results, strict=True)
    parts = [leave_one_out_scores(problem, result) for problem, result in pairs]
    found = parts[0] if len(parts) == 1 else np.column_stack(parts)
    eta[step.task.kept] = found.reshape(-1, *eta.shape[1:]) + step.task.location
    return eta


def _standard_error(model: Any, data: Data) -> float:
    """Return the standard error of a mean loss, nan for other scorers."""
    if not isinstance(data.scorer, RiskScorer):
        return float("nan")
    weight = check_sample_weight(data.weight, len(data.y))
    heard = weight > 0
    each, share = losses_of_rows(model, data.X, data.y, data.scorer.loss, heard)[heard], weight[heard] / weight.sum()
    with np.errstate(invalid="ignore"):  # a loss may be infinite
        return float(np.sqrt(np.sum(share**2 * (each - share @ each) ** 2)))


def _with_scores(model: Any, X: Any, eta: Array) -> Any:
    """Return a copy of a fitted model whose scores at X are the given ones, offsets included."""
    one = copy(model)
    one._scores = lambda given, offset: eta if given is X else model._scores(given, offset)
    return one


def _rows_of(values: Any, index: Array, count: int) -> Any:
    array = np.asarray(values)
    return array[index] if array.ndim and len(array) == count else values
