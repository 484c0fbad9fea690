"""Scores of a path on rows that were held out, of one fold or of every row in turn."""

from __future__ import annotations

from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from sklearn_erm.estimators.data import check_sample_weight
from sklearn_erm.estimators.risk import RiskScorer, losses_of_rows
from sklearn_erm.estimators.task import Step, stopped_short
from sklearn_erm.leave_one_out import leave_one_out_scores

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
    """A score per alpha, the standard error of each (nan if unknown), and how far fits stopped short, 0 for not."""

    scores: Array
    spread: Array
    errors: list[float]


def score_fold(model: Any, data: Data, alphas: Array, train: Array, test: Array) -> Held:
    """Return the scores of a path fitted to some rows on others."""
    model, fit, held = clone(model), data.rows(train), data.rows(test)
    scores, errors = [], []
    for step in model._fit_path(fit.X, fit.y, fit.weight, fit.offset, lambda task: alphas):
        eta = model._scores(held.X, held.offset)
        scores.append(float(held.scorer(_with_scores(model, eta), held.X, held.y, **held.score_params)))
        errors.append(stopped_short(step.results))
    return Held(np.array(scores), np.full(len(scores), np.nan), errors)


def score_left_out(model: Any, data: Data, alphas: Array) -> Held:
    """Return the scores of a path, every row at the score that approximately a fit without it would give it."""
    model = clone(model)
    scores, spread, errors = [], [], []
    for step in model._fit_path(data.X, data.y, data.weight, data.offset, lambda task: alphas):
        eta = _left_out(model, data, step)
        one = _with_scores(model, eta)
        scores.append(float(data.scorer(one, data.X, data.y, **data.score_params)))
        spread.append(_standard_error(one, data))
        errors.append(stopped_short(step.results))
    return Held(np.array(scores), np.array(spread), errors)


def _left_out(model: Any, data: Data, step: Step) -> Array:
    """Return the scores of all rows without themselves; those of weight 0 had no say anyway."""
    eta = np.array(model._scores(data.X, data.offset), dtype=float)
    pairs = zip(step.problems, step.results, strict=True)
    parts = [leave_one_out_scores(problem, result) for problem, result in pairs]
    found = parts[0] if len(parts) == 1 else np.column_stack(parts)
    eta[step.task.kept] = found.reshape(-1, *eta.shape[1:])
    return eta


def _standard_error(model: Any, data: Data) -> float:
    """Return the standard error of a mean loss, nan for other scorers."""
    if not isinstance(data.scorer, RiskScorer):
        return float("nan")
    each = losses_of_rows(model, data.X, data.y, data.scorer.loss)
    weight = check_sample_weight(data.weight, len(data.y))
    heard = weight > 0
    each, share = each[heard], weight[heard] / weight.sum()
    return float(np.sqrt(np.sum(share**2 * (each - share @ each) ** 2)))


def _with_scores(model: Any, eta: Array) -> Any:
    """Return a copy of a fitted model whose scores are the given ones, offsets included, whatever X it is asked for."""
    one = copy(model)
    one._scores = lambda X, offset: eta
    return one


def _rows_of(values: Any, index: Array, count: int) -> Any:
    array = np.asarray(values)
    return array[index] if array.ndim and len(array) == count else values
