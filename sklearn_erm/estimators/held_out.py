"""Scores of a path on rows that were held out, of one fold or of every row in turn."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier

from sklearn_erm.checks import plain
from sklearn_erm.estimators.callbacks import Stage, fit_metadata
from sklearn_erm.estimators.inputs import check_sample_weight
from sklearn_erm.estimators.labels import counted
from sklearn_erm.estimators.metric import Warned, naming, score_of
from sklearn_erm.estimators.posed import Step
from sklearn_erm.estimators.progress import Clock
from sklearn_erm.estimators.results import stopped_short
from sklearn_erm.estimators.risk import RiskScorer, losses_of_rows
from sklearn_erm.estimators.scored import Scored
from sklearn_erm.estimators.threads import blas_threads
from sklearn_erm.leave_out.approximate import leave_one_out_scores

Array = NDArray[Any]

STRATIFY = "use stratified folds, or fewer"


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
        offset = None if self.offset is None else _rows_of(self.offset, index, len(self.y))
        return Data(self.X[index], self.y[index], weight, offset, self.scorer, params)

    def counted(self, model: Any, index: Array) -> Data:
        """Return those of the given rows whose weight, times that of their class, is not 0."""
        counts = counted(self.y[index], getattr(model, "class_weight", None))
        if self.weight is not None:
            counts &= self.weight[index] > 0
        return self if len(index) == len(self.y) and counts.all() else self.rows(index[counts])

    def score(self, model: Any, warned: Warned) -> float:
        """Return the score of a model on the rows."""
        with warned.kept():
            return score_of(self.scorer, model, self.X, self.y, self.score_params)


class Held(NamedTuple):
    """A score per alpha, the standard error of each, and how far fits stopped short, 0 for not.

    Scores are nan from where a callback stopped the path, standard errors where they are unknown. ``unknown`` is how
    many alphas have no score because leave-one-out fits do not determine one.
    """

    scores: Array
    spread: Array
    errors: list[float]
    unknown: int = 0


def score_fold(
    model: Any, data: Data, alphas: Array, stage: Stage, label: str, where: str, train: Array, test: Array
) -> Held:
    """Return the scores of a path fitted to some rows on others, those of weight 0 left out."""
    model, held, warned = clone(model), data.counted(model, test), Warned(where)
    with naming(where):
        if len(held.y) == 0 or not (data.weight is None or data.weight[train].any()):
            raise ValueError(
                "this fold of cv has no row of positive weight to fit or to score; shuffle, or take fewer."
            )

        def judged(_: Step) -> tuple[float, float]:
            one = copy(model) if held.offset is None else Scored(model, model._scores_at(held.X, held.offset))
            return held.score(one, warned), np.nan

        try:
            found = _along(model, data.rows(train), alphas, stage, label, judged)
        except ValueError as error:
            raise ValueError(f"{error}{_lacking(model, data.counted(model, train).y, held.y)}") from None
    warned.say()
    return found


def _lacking(model: Any, trained: Array, held: Array) -> str:
    """Return what to do about a class that held-out rows have and training rows lack; "" if there is none."""
    missing = np.setdiff1d(held, trained) if is_classifier(model) else held[:0]
    if not len(missing):
        return ""
    only = np.count_nonzero(held == missing[0]) == 1
    why, cure = ("only row is", "drop it, or merge the class with another") if only else ("rows are", STRATIFY)
    return f" No training row has class {plain(missing[0])!r}, whose {why} held out: {cure}."


def score_left_out(model: Any, data: Data, alphas: Array, stage: Stage, label: str, where: str) -> Held:
    """Return the scores of a path, every row of positive weight at the score that a fit without it would give it.

    They are nan at alphas at which that is not known of all rows.
    """
    model, warned, unknown = clone(model), Warned(where), 0
    held = data.counted(model, np.arange(len(data.y)))

    def judged(step: Step) -> tuple[float, float]:
        nonlocal unknown
        eta = _left_out(model, step)
        if np.isnan(eta).any():
            unknown += 1
            return np.nan, np.nan
        one = Scored(model, eta)
        return held.score(one, warned), _standard_error(one, held)

    with naming(where):
        found = _along(model, data, alphas, stage, label, judged)
    warned.say()
    return found._replace(unknown=unknown)


def _along(
    model: Any, fit: Data, alphas: Array, stage: Stage, label: str, judged: Callable[[Step], tuple[float, float]]
) -> Held:
    """Follow a path, each alpha a part of the stage, until a callback has enough; say how it went if it has a label."""
    clock, errors = Clock(), []
    scores, spread = np.full((2, len(alphas)), np.nan)
    stage = stage.on(X=fit.X, y=fit.y, metadata=fit_metadata(fit.weight, fit.offset, len(fit.y)))
    with blas_threads(1), stage.running():
        steps = model._fit_path(fit.X, fit.y, fit.weight, fit.offset, lambda _: alphas)
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


def _left_out(model: Any, step: Step) -> Array:
    """Return the scores of the rows of positive weight without themselves."""
    pairs = zip(step.problems, step.results, strict=True)
    parts = [leave_one_out_scores(problem, result) for problem, result in pairs]
    found = parts[0] if len(parts) == 1 else np.column_stack(parts)
    return found.reshape(-1, *model._outputs) + step.posed.given.location


def _standard_error(model: Any, data: Data) -> float:
    """Return the standard error of a mean loss, nan for other scorers."""
    if not isinstance(data.scorer, RiskScorer):
        return float("nan")
    weight = check_sample_weight(data.weight, len(data.y))
    heard = weight > 0
    each, share = losses_of_rows(model, data.X, data.y, data.scorer.loss, heard)[heard], weight[heard] / weight.sum()
    with np.errstate(invalid="ignore"):  # a loss may be infinite
        return float(np.sqrt(np.sum(share**2 * (each - share @ each) ** 2)))


def _rows_of(values: Any, index: Array, count: int) -> Any:
    array = np.asarray(values)
    return array[index] if array.ndim and len(array) == count else values
