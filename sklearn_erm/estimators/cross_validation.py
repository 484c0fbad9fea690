"""Cross-validation over alpha, penalties and losses: a path for each combination and fold."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import product
from typing import Any, ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata
from sklearn import get_config
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import check_scoring
from sklearn.model_selection import check_cv
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping, process_routing
from sklearn.utils.parallel import Parallel, delayed

from sklearn_erm.checks import plain, require_boolean
from sklearn_erm.estimators.base import LinearERM
from sklearn_erm.estimators.callbacks import Stage, fit_metadata, whole_fit, with_callbacks
from sklearn_erm.estimators.erm_path import falling
from sklearn_erm.estimators.held_out import Data, Held, score_fold, score_left_out
from sklearn_erm.estimators.inputs import check_offset_rows, check_weight_rows, is_elsewhere, require_in_memory
from sklearn_erm.estimators.labels import counted
from sklearn_erm.estimators.names import by_name, find_loss, find_penalty, l1_ratios
from sklearn_erm.estimators.results import stopped_short, told
from sklearn_erm.estimators.risk import risk_scorer
from sklearn_erm.estimators.threads import blas_threads
from sklearn_erm.losses import Loss
from sklearn_erm.solvers.loop import INTERRUPTED

Array = NDArray[Any]

ALO = "alo"
SELECTIONS = ("min", "1se")


class Combination(NamedTuple):
    """A loss and a penalty as the user gave them, and the penalty's l1_ratio; None where it has no such share."""

    loss: Any
    penalty: Any
    l1_ratio: float | None

    def __str__(self) -> str:
        share = "" if self.l1_ratio is None else f", l1_ratio={self.l1_ratio:g}"
        return f"loss={self.loss!r}, penalty={self.penalty!r}{share}"


class CrossValidated(LinearERM):
    """What the cross-validating estimators share. Not to be instantiated."""

    _plain: ClassVar[type[LinearERM]]  # what is fitted
    alphas: Any
    eps: float | None
    cv: Any
    scoring: Any
    selection: str
    refit: bool
    n_jobs: int | None

    def _fit_cv(self, X: Any, y: Any, sample_weight: Any, offset: Any, params: dict[str, Any]) -> Self:
        with blas_threads(1), self._all_or_nothing():
            errors = self._search(X, y, sample_weight, offset, params)
            self._warn(errors)
        return self

    @with_callbacks
    def _search(self, X: Any, y: Any, sample_weight: Any, offset: Any, params: dict[str, Any]) -> list[float]:
        """Set the table, the choice and the refitted model; return how far each fit stopped short."""
        self._check_search()
        self._forget()
        if is_elsewhere(X):
            raise TypeError(
                f"{type(self).__name__} does not cross-validate on a dask {type(X).__name__}. erm_path fits at many "
                "alphas, and risk tells their risks on other rows; or pass X.compute()."
            )
        require_in_memory(**params)
        given = {"X": X, "y": y}
        X, y = self._validated(X, y)
        weight = check_weight_rows(sample_weight, len(y))
        if isinstance(self.cv, str):
            self._check_left_out(y, weight)
        offset = check_offset_rows(offset, len(y))
        split_params, score_params = self._routed(weight, offset, params)
        data = Data(X, y, weight, offset, self._scorer(), score_params)
        fit = whole_fit(self, 2 if self.refit else 1, **given, metadata=fit_metadata(weight, offset, len(y)))
        with fit.running(dict if self.refit else None):
            combinations = list(self._combinations())
            models = [self._model(combination) for combination in combinations]
            grids = [self._grid(model, data) for model in models]
            held = self._held_out(combinations, models, grids, data, split_params, fit)
            best = self._set_search(combinations, grids, held)
            self.loss_, self.penalty_ = models[best]._check_parameters()
            if self.verbose:
                score = f"mean score {self.best_score_:#.6g} at alpha {self.alpha_:#.4g}"
                print(f"{type(self).__name__}: {combinations[best]}: {score}")
            errors = [error for folds in held for fold in folds for error in fold.errors]
            if self.refit:
                errors.append(self._refit(models[best].set_params(alpha=self.alpha_), data, fit))
        return errors

    # -- what is asked ----------------------------------------------------------------------------------------------

    def _check_search(self) -> None:
        name, other = type(self).__name__, "log_loss" if is_classifier(self) else "absolute_error"
        if self.selection not in SELECTIONS:
            raise ValueError(f"{name}(selection={self.selection!r}): selection must be 'min' or '1se'.")
        for parameter in ("loss", "penalty", "l1_ratio"):
            if not _listed(getattr(self, parameter)):
                raise ValueError(f"{name}({parameter}={getattr(self, parameter)!r}): a list needs an entry to choose.")
        if isinstance(self.cv, str) and self.cv != ALO:
            raise ValueError(f"{name}(cv={self.cv!r}): cv must be an integer, a splitter, splits, None or 'alo'.")
        if isinstance(self.scoring, (list, tuple, set, dict)):
            raise ValueError(f"{name}(scoring={self.scoring!r}): the choice is by one score; pass one, or a callable.")
        require_boolean(self, "refit", self.refit)
        self._check_verbose()
        losses = [self._found(loss) for loss in _listed(self.loss)]
        if self.scoring is None and len(losses) > 1:
            raise ValueError(
                f"{name}(scoring=None): each loss is its own scale, so the risks of several losses say nothing about "
                f"which model is best; pass scoring=risk_scorer({other!r}), say, or a metric."
            )
        if self.scoring is None:
            losses[0].settled(partial(_refuse_risk, name, losses[0]))

    def _check_left_out(self, y: Array, weight: Array | None) -> None:
        """Raise ValueError if a row without which there is nothing to fit, or no such class, is to be left out."""
        heard = counted(y, getattr(self, "class_weight", None)) & (True if weight is None else weight > 0)
        name = f"{type(self).__name__}(cv={ALO!r})"
        if np.count_nonzero(heard) < 2:
            raise ValueError(
                f"{name} leaves one out of two samples of positive weight at least, got "
                f"n_samples = {np.count_nonzero(heard)}."
            )
        labels, counts = np.unique(y[heard], return_counts=True)
        if is_classifier(self) and counts.min() == 1:
            label = plain(labels[counts.argmin()])
            raise ValueError(
                f"{name} leaves out the only row of class {label!r}, without which there is no such class. Drop it, or "
                "merge the class with another."
            )

    def _validated(self, X: Any, y: Any) -> tuple[Any, Array]:
        """Return X and y as arrays."""
        raise NotImplementedError

    def _forget(self) -> None:
        """Drop what the last fit set: this one may set less."""
        for name in [name for name in vars(self) if name.endswith("_") and not name.startswith("_")]:
            delattr(self, name)

    def _found(self, loss: Any) -> Loss:
        return find_loss(type(self).__name__, loss, self._targets)

    def _find_loss(self) -> Loss:
        """Return the loss of the best model, or the first of the candidates before there is one."""
        return getattr(self, "loss_", None) or self._found([*_listed(self.loss), None][0])

    def _combinations(self) -> Iterator[Combination]:
        for loss, penalty in product(_listed(self.loss), _listed(self.penalty)):
            own = l1_ratios(find_penalty(type(self).__name__, penalty))
            for ratio in _listed(self.l1_ratio) if own else [None]:
                yield Combination(loss, penalty, own[0] if ratio is None and len(own) == 1 else ratio)

    def _model(self, combination: Combination) -> Any:
        """Return the plain estimator for a combination."""
        own = self.get_params(deep=False)
        handed = {name: own[name] for name in self._plain().get_params(deep=False) if name in own}
        handed.update(combination._asdict())
        if not by_name(combination.penalty):  # the folds are arrays, whose columns have no names
            names = getattr(self, "feature_names_in_", None)
            handed["penalty"] = combination.penalty.with_names(names)
        return self._plain(**handed).set_params(verbose=0)

    def _grid(self, model: Any, data: Data) -> Array:
        posed = model._prepare(data.X, data.y, data.weight, data.offset)
        return model._alphas(posed, falling(type(self).__name__, self.alphas, self.eps))

    def _scorer(self) -> Any:
        return risk_scorer() if self.scoring is None else check_scoring(self._plain(), scoring=self.scoring)

    # -- metadata ---------------------------------------------------------------------------------------------------

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who takes what: ``fit`` itself, the splitter and the scorer.

        Returns
        -------
        routing : MetadataRouter
            scikit-learn's description of it.
        """
        router = MetadataRouter(owner=type(self).__name__).add_self_request(self)
        if self.scoring is not None:  # the risk of the loss itself is weighted as the fit is
            router.add(scorer=self._scorer(), method_mapping=MethodMapping().add(caller="fit", callee="score"))
        if hasattr(self.cv, "split"):
            router.add(splitter=self.cv, method_mapping=MethodMapping().add(caller="fit", callee="split"))
        return router

    def _routed(self, weight: Array | None, offset: Array | None, params: dict[str, Any]) -> tuple[Any, Any]:
        """Return what the splitter and the scorer are given."""
        own = {} if weight is None else {"sample_weight": weight}
        if get_config()["enable_metadata_routing"]:
            given = {"sample_weight": weight, "offset": offset, **params}
            routed = process_routing(self, "fit", **{name: v for name, v in given.items() if v is not None})
            split = dict(routed.splitter.split) if hasattr(self.cv, "split") else {}
            score = own if self.scoring is None else dict(routed.scorer.score)
            score.pop("offset", None)  # it is in the scores
            return split, score
        if set(params) - {"groups"}:
            raise TypeError(
                f"{type(self).__name__}.fit got {sorted(set(params) - {'groups'})}; beside sample_weight, offset and "
                "groups, metadata needs sklearn.set_config(enable_metadata_routing=True)."
            )
        if own and not _takes_weights(self._scorer()):
            warnings.warn(
                f"{type(self).__name__}: scoring={self.scoring!r} does not take sample_weight; held-out rows are "
                "scored without.",
                UserWarning,
                stacklevel=6,
            )
            own = {}
        return params, own

    # -- what comes of it -------------------------------------------------------------------------------------------

    def _held_out(
        self,
        combinations: list[Combination],
        models: list[Any],
        grids: list[Array],
        data: Data,
        split_params: Any,
        fit: Stage,
    ) -> list[list[Held]]:
        """Return what every split says of every combination, each such path a part of the search."""
        splits: list[Any] = [()]
        score: Callable[..., Held] = score_left_out
        if not isinstance(self.cv, str):
            splitter = check_cv(self.cv, data.y, classifier=is_classifier(self))
            score, splits = score_fold, list(splitter.split(data.X, data.y, **split_params))
            if not splits:
                raise ValueError(f"{type(self).__name__}(cv={self.cv!r}): there are no splits.")
        count = len(models) * len(splits)
        search = fit.on().part("search", count=count, ordered=False)
        with search.running():
            jobs: list[Any] = []
            for combination, model, alphas in zip(combinations, models, grids, strict=True):
                for number, split in enumerate(splits):
                    stage = search.part("path", count=len(alphas), number=len(jobs))
                    where = f"split {number}" if split else f"cv={ALO!r}"
                    label = f"path {len(jobs) + 1} of {count}: {combination}, split {number}" if self.verbose else ""
                    jobs.append(delayed(score)(model, data, alphas, stage, label, where, *split))
            found = Parallel(n_jobs=self.n_jobs, verbose=max(int(self.verbose) - 1, 0))(jobs)
        return [found[start : start + len(splits)] for start in range(0, count, len(splits))]

    def _set_search(self, combinations: list[Combination], grids: list[Array], held: list[list[Held]]) -> int:
        """Set the table and the choice; return the combination chosen."""
        scores = np.concatenate([np.column_stack([fold.scores for fold in folds]) for folds in held])
        spread = _spread(scores, held)
        with np.errstate(invalid="ignore"):  # a risk may be infinite
            mean, deviation = scores.mean(axis=1), scores.std(axis=1)
        if np.isnan(mean).all():
            raise ValueError(f"{type(self).__name__}: every score is nan; {self._why_nan(scores, held)}.")
        sizes = [len(alphas) for alphas in grids]
        which, alphas = np.repeat(np.arange(len(grids)), sizes), np.concatenate(grids)
        index = self._choice(mean, spread, which, alphas)
        self.cv_results_ = {
            **{f"param_{name}": _column(combinations, name, which) for name in Combination._fields},
            "param_alpha": alphas,
            "combination": which,
            **{f"split{k}_test_score": column for k, column in enumerate(scores.T)},
            "mean_test_score": mean,
            "std_test_score": deviation,
            "se_test_score": spread,
            "rank_test_score": rankdata(-np.where(np.isnan(mean), -np.inf, mean), method="min").astype(int),
        }
        best = int(which[index])
        self.best_index_ = int(index)
        self.best_score_ = float(mean[index])
        self.alpha_ = float(alphas[index])
        self.alphas_ = grids[0] if len(grids) == 1 else grids
        self.l1_ratio_ = combinations[best].l1_ratio
        self.n_splits_ = scores.shape[1]
        self.scorer_ = self._scorer()
        return best

    def _choice(self, mean: Array, spread: Array, which: Array, alphas: Array) -> int:
        """Return the row of the best mean score, or of the largest alpha within one standard error of it."""
        best = int(np.nanargmax(mean))
        if self.selection == "min":
            return best
        if np.isnan(spread[best]):
            raise ValueError(
                f"{type(self).__name__}(selection='1se'): there is no standard error of scoring={self.scoring!r} from "
                "one split; use more folds, a risk_scorer, or selection='min'."
            )
        near = (which == which[best]) & (mean >= mean[best] - spread[best])
        return int(np.flatnonzero(near)[np.argmax(alphas[near])])

    def _why_nan(self, scores: Array, held: list[list[Held]]) -> str:
        if any(fold.unknown for folds in held for fold in folds):
            return (
                "the fits without one sample do not determine its score, at any of the alphas; take larger alphas, "
                "alphas > 0 if there are more features than samples, or cv=5"
            )
        splits = [f"split {k}" for k in np.flatnonzero(np.isnan(scores).all(axis=0))]
        where = f" on {', '.join(splits)}" if splits and not isinstance(self.cv, str) else ""
        return f"scoring={self.scoring!r} is not defined{where}; use stratified folds, or fewer, or another metric"

    def _refit(self, model: Any, data: Data, fit: Stage) -> float:
        """Take over what a fit to all data finds; return by how much it stopped short, unless a callback stopped it."""
        stage = fit.part("refit")
        with stage.handed_to(model), stage.running(dict), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told with those of the folds
            model.fit(data.X, data.y, data.weight, data.offset)
            self.__dict__.update({name: value for name, value in vars(model).items() if name.endswith("_")})
        results = model.result_ if isinstance(model.result_, list) else [model.result_]
        return stopped_short([result for result in results if result.status != INTERRUPTED])

    def _warn(self, errors: Sequence[float]) -> None:
        if text := told(errors, "fits", self.tol):
            warnings.warn(f"{type(self).__name__}: {text}.", ConvergenceWarning, stacklevel=4)


def _refuse_risk(name: str, loss: Loss, _: Loss | None) -> float:
    raise ValueError(
        f"{name}(scoring=None): {loss} has another scale in every fit, so its risks cannot be compared; "
        "pass scoring=risk_scorer('absolute_error'), say, or a metric."
    )


def _takes_weights(scorer: Any) -> bool:
    """Return whether a scorer may be given sample_weight."""
    parameters = inspect.signature(scorer).parameters.values()
    return any(each.name == "sample_weight" or each.kind is each.VAR_KEYWORD for each in parameters)


def _listed(value: Any) -> list[Any]:
    """Return candidates as a list; a single one need not be in one."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _column(combinations: list[Combination], name: str, which: Array) -> Array:
    """Return a column of objects, one per row, from one per combination."""
    column = np.empty(len(combinations), dtype=object)
    for k, combination in enumerate(combinations):
        column[k] = getattr(combination, name)
    return column[which]


def _spread(scores: Array, held: list[list[Held]]) -> Array:
    """Return the standard error of the mean over the splits; of one split, what that says itself."""
    count = scores.shape[1]
    if count == 1:
        return np.concatenate([folds[0].spread for folds in held])
    with np.errstate(invalid="ignore"):
        return np.asarray(scores.std(axis=1, ddof=1) / np.sqrt(count))
