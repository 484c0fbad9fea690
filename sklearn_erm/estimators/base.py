"""What classifier and regressor share: from objectives to fitted attributes, and from coefficients to scores."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, nullcontext
from copy import copy
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import OptimizeResult
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.extmath import safe_sparse_dot
from sklearn.utils.validation import check_is_fitted

from sklearn_erm.checks import Documented, quantity, require_boolean, require_in_range, require_integer
from sklearn_erm.estimators.callbacks import CallbackSupport, fit_metadata, whole_fit, with_callbacks
from sklearn_erm.estimators.constraints import find_constraints
from sklearn_erm.estimators.given import Given
from sklearn_erm.estimators.inputs import check_offset, is_elsewhere, validated
from sklearn_erm.estimators.lazily import lazily
from sklearn_erm.estimators.names import bind_penalty, find_loss, find_penalty
from sklearn_erm.estimators.posed import Posed, Step, require_solvable
from sklearn_erm.estimators.progress import Clock, Observer, stopped_at, teller, watch
from sklearn_erm.estimators.results import Problems, Results, combined, multipliers
from sklearn_erm.estimators.scale import settle
from sklearn_erm.estimators.threads import blas_threads
from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Penalty
from sklearn_erm.penalties.bounded import constrain
from sklearn_erm.penalties.none import positive_multiple
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.contract import Samples
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.path import Term, follow
from sklearn_erm.solvers.loop import INTERRUPTED

Array = NDArray[Any]
Starts = list[Array | None]
Answer = Callable[[Array], Array]  # from the scores of some rows to what is predicted for them

# Of a result, what result_ has: multipliers, which are as long as the data, are not among it.
KEPT = ("x", "fun", "nit", "success", "status", "message", "certificate")


class LinearERM(Documented, CallbackSupport, BaseEstimator):
    """A linear model fitted by regularised empirical risk minimisation. Not to be instantiated."""

    _targets: ClassVar[frozenset[str]]  # the kinds of target, as in Loss.target
    loss: Any
    penalty: Any
    alpha: float
    l1_ratio: Any
    fit_intercept: bool
    bounds: Any
    constraints: Any
    solver: Any
    tol: float
    max_iter: int
    warm_start: bool
    verbose: int
    multipliers_: dict[str, Any]
    coef_: Any
    intercept_: Any
    loss_: Loss
    penalty_: Penalty

    # -- fit --------------------------------------------------------------------------------------------------------

    @contextmanager
    def _all_or_nothing(self) -> Iterator[None]:
        """Leave the estimator as it was if fitting it fails: nothing already fitted is lost."""
        before = dict(vars(self))
        try:
            yield
        except BaseException:
            self.__dict__ = before
            raise

    def _check_parameters(self) -> tuple[Loss, Penalty]:
        """Check every hyper-parameter and return loss and penalty, copies of the user's own."""
        require_in_range(self, "alpha", self.alpha, 0, np.inf, "[)")
        if self.l1_ratio is not None:
            require_in_range(self, "l1_ratio", self.l1_ratio, 0, 1, "[]")
        require_in_range(self, "tol", self.tol, 0, np.inf, "()")
        require_integer(self, "max_iter", self.max_iter, 1)
        self._check_verbose()
        require_boolean(self, "fit_intercept", self.fit_intercept)
        require_boolean(self, "warm_start", self.warm_start)
        loss = self._find_loss()
        loss.validate()
        return loss, find_penalty(type(self).__name__, self.penalty, self.l1_ratio)

    def _check_verbose(self) -> None:
        require_integer(self, "verbose", int(self.verbose) if isinstance(self.verbose, bool) else self.verbose, 0)

    def _find_loss(self) -> Loss:
        return find_loss(type(self).__name__, self.loss, self._targets)

    def _terms(self, penalty: Penalty, n_features: int) -> Callable[[float], Term]:
        """Return alpha -> the penalty for so many features, constraints added, and its factor."""
        bound = bind_penalty(self, penalty, n_features)
        constraints = find_constraints(type(self).__name__, self.bounds, self.constraints, n_features)
        if not constraints:
            return lambda alpha: (bound, alpha)
        if not bound.convex:
            raise ValueError(
                f"{type(self).__name__}: bounds and constraints need a convex penalty, which {self.penalty!r} is not; "
                "use penalty='l1', say."
            )

        def constrained(alpha: float) -> Term:
            own, factor = positive_multiple(bound, alpha)
            return constrain(own, constraints, n_features), factor

        return constrained

    def _prepare(self, X: Any, y: Any, sample_weight: Any, offset: Any) -> Posed:
        """Check parameters and data, and return the problems that they pose."""
        raise NotImplementedError

    def _pose(self, loss: Loss, penalty: Penalty, samples: Samples, given: Given) -> Posed:
        """Return the problems of some samples: one, or one for each target where nothing couples them."""
        terms = self._terms(penalty, samples.n_features)
        bound, alpha = terms(self.alpha)
        apart = samples.shape if not (loss.joint or bound.couples_outputs) else ()
        parts = [samples.target(j) for j in range(*apart)] if apart else [samples]
        return Posed([Objective(loss, bound, alpha, part) for part in parts], terms, given)

    def _set(self, posed: Posed, problems: Problems, results: Results) -> None:
        """Set the fitted attributes."""
        raise NotImplementedError

    def _settled(self, problem: Objective, term: Term | None = None) -> Objective:
        """Return the problem that stands for one whose loss depends on its own solution."""
        return settle(problem, term, **self._options)

    def _at_null_model(self, posed: Posed) -> Posed:
        """Return the problems with the scale of its loss, if that has to be found, where alpha leaves no coefficient.

        The largest alpha of a path is found for that scale, because the coefficients are 0 there.
        """
        penalty = posed.terms(1.0)[0]
        with np.errstate(all="ignore"):  # require_solvable tells of it
            sizes = [_size_of_slopes(problem.samples) for problem in posed.problems]
        pairs = zip(posed.problems, sizes, strict=True)
        return posed._replace(problems=[self._settled(problem, (penalty, size or 1.0)) for problem, size in pairs])

    def _fit(self, X: Any, y: Any, sample_weight: Any, offset: Any, *observers: Observer) -> Self:
        """Fit at the estimator's own alpha, and tell observers and callbacks of every iteration."""
        with blas_threads(1), self._all_or_nothing():
            results = self._solve(X, y, sample_weight, offset, observers)
            self._speak(results)
        return self

    @with_callbacks
    def _solve(self, X: Any, y: Any, sample_weight: Any, offset: Any, observers: Sequence[Observer]) -> Results:
        """Solve one problem after another, each a part of the fit if there are several, and set what was found."""
        posed = self._prepare(X, y, sample_weight, offset)
        with closing(posed.given):
            return self._solve_posed(posed, X, y, sample_weight, offset, observers)

    def _solve_posed(
        self, posed: Posed, X: Any, y: Any, sample_weight: Any, offset: Any, observers: Sequence[Observer]
    ) -> Results:
        """Solve the problems that were posed."""
        several = len(posed.problems) > 1
        metadata = fit_metadata(sample_weight, offset, posed.given.n_rows)
        fit = whole_fit(self, len(posed.problems) if several else None, X=X, y=y, metadata=metadata)
        results: Results = []
        with fit.running(dict):
            problems = [self._settled(problem) for problem in posed.problems]
            require_solvable(problems)
            starts = self._starts(posed, problems)
            observers = (*observers, teller(len(problems))) if self.verbose else observers
            clock = Clock()

            def so_far(*found: OptimizeResult) -> dict[str, Any]:
                return self._stopped(posed, problems, starts, [*results, *found])

            for number, (problem, start) in enumerate(zip(problems, starts, strict=True)):
                part = fit.part("problem", count=None) if several else fit
                with part.running(so_far) if several else nullcontext(), part.iterations(problem, so_far) as more:
                    seen = (*observers, *more)
                    callback = watch(problem, number, clock, seen) if seen else None
                    results.append(minimize(problem, x0=start, callback=callback, **self._options))
                if part.stopped:
                    break
            results += _untouched(problems, starts, len(results))
            self._set(posed, problems, results)
        return results

    def _stopped(self, posed: Posed, problems: Problems, starts: Starts, results: Results) -> dict[str, Any]:
        """Return the fitted attributes as if the fit stopped with these results."""
        one = copy(self)
        one._set(posed, problems, [*results, *_untouched(problems, starts, len(results))])
        return {name: value for name, value in vars(one).items() if name.endswith("_")}

    def _fit_path(
        self, X: Any, y: Any, sample_weight: Any, offset: Any, alphas: Callable[[Posed], Array]
    ) -> Iterator[Step]:
        """Fit at one alpha after another, which become the estimator's own, and yield each."""
        posed = self._prepare(X, y, sample_weight, offset)
        with closing(posed.given):
            chosen = self._alphas(posed, alphas)
            terms = [posed.terms(alpha) for alpha in chosen]
            paths = [follow(problem, terms, self._settled, **self._options) for problem in posed.problems]
            for alpha, *found in zip(chosen, *paths, strict=True):
                problems, results = zip(*found, strict=True)
                self.alpha = alpha
                self._set(posed, list(problems), list(results))
                yield Step(posed, list(problems), list(results))

    def _alphas(self, posed: Posed, alphas: Callable[[Posed], Array]) -> Array:
        """Return the alphas of a path, given how they follow from problems that are solvable."""
        null = self._at_null_model(posed)
        require_solvable(null.problems)
        return alphas(null)

    @property
    def _options(self) -> dict[str, Any]:
        return {"solver": self.solver, "tol": self.tol, "max_iter": self.max_iter}

    def _set_results(self, posed: Posed, problems: Problems, results: Results) -> tuple[Array, Array]:
        """Set what was found but for the coefficients, and return those.

        Returns
        -------
        coef : ndarray of shape (n_outputs, n_features)
        intercept : ndarray of shape (n_outputs,)
        """
        whole = combined(problems, results)
        self.objective_ = whole.objective
        self.risk_ = whole.risk
        self.duality_gap_ = whole.gap
        self.optimality_ = whole.optimality
        self.n_iter_ = max(int(result.nit) for result in results)
        kept = [OptimizeResult({name: result[name] for name in KEPT}) for result in results]
        self.result_ = kept[0] if len(kept) == 1 else kept
        self.penalty_ = posed.terms(1.0)[0].unconstrained()
        self._set_multipliers(problems, results)
        parts = [problem.split(result.x) for problem, result in zip(problems, results, strict=True)]
        samples = problems[0].samples
        coef = np.vstack([W.T for W, _ in parts])
        intercept = posed.given.location + np.concatenate([np.atleast_1d(samples.intercept_of(W, b)) for W, b in parts])
        if problems[0].loss.shift_invariant:
            intercept -= intercept.mean()  # joint scores say nothing but by their differences
        return coef.astype(posed.given.dtype, copy=False), intercept.astype(posed.given.dtype, copy=False)

    def _set_multipliers(self, problems: Problems, results: Results) -> None:
        """Set the multipliers of bounds and constraints, in the units of the user's rows, where there are any."""
        if hasattr(self, "multipliers_"):
            del self.multipliers_
        if not hasattr(problems[0].penalty, "constraints"):
            return
        found: dict[str, Any] = {"constraints": []}
        each = [multipliers(problem, result) for problem, result in zip(problems, results, strict=True)]
        for k, part in enumerate(problems[0].penalty.constraints):
            values = np.vstack([of_output[k] for of_output in each])
            if part.matrix is None:
                found["bounds"] = values
            else:
                found["constraints"].append(values)
        self.multipliers_ = found

    def _starts(self, posed: Posed, problems: Problems) -> Starts:
        """Return where each problem starts: at the last fit, if that is wanted and of the shape."""
        sizes = [int(np.prod(problem.shape, dtype=int)) for problem in problems]
        samples = problems[0].samples
        if not (self.warm_start and hasattr(self, "coef_")):
            return [None] * len(problems)
        coef = np.atleast_2d(_dense(self.coef_)).astype(np.float64)
        intercept = np.atleast_1d(self.intercept_).astype(np.float64) - posed.given.location
        if coef.shape != (sum(sizes), samples.n_features):
            return [None] * len(problems)
        ends = np.cumsum(sizes)
        starts: Starts = []
        for problem, rows in zip(problems, map(slice, ends - sizes, ends), strict=True):
            W = coef[rows].T.reshape(samples.n_features, *problem.shape)
            starts.append(problem.join(W, intercept[rows].reshape(problem.shape) + samples.means @ W))
        return starts

    def _speak(self, results: Results) -> None:
        """Print what was reached if verbose, and warn once if it is not enough."""
        name = type(self).__name__
        stopped = any(result.status == INTERRUPTED for result in results)
        if self.verbose:
            print(
                f"{name}: objective {self.objective_:.10g}, relative duality gap {self.duality_gap_:.3g}, "
                f"optimality residual {self.optimality_:.3g}, {quantity(self.n_iter_, 'iteration')}"
                f"{', stopped by the callback' if stopped else ''}"
            )
        failed = [result for result in results if not (result.success or result.status == INTERRUPTED)]
        if not failed:
            return
        worst = max(failed, key=lambda result: np.nan_to_num(result.certificate.error, nan=np.inf))
        certificate = worst.certificate
        measure = "optimality residual" if np.isnan(certificate.gap) else "relative duality gap"
        share = f", {len(failed)} of {len(results)} problems" if len(results) > 1 else ""
        warnings.warn(
            f"{name}{share}: {worst.message} "
            f"({measure} {certificate.error:.2g} after {quantity(worst.nit, 'iteration')}, tol={self.tol:g}).",
            ConvergenceWarning,
            stacklevel=4,
        )

    # -- predict ----------------------------------------------------------------------------------------------------

    @property
    def _outputs(self) -> tuple[int, ...]:
        """The shape of the scores of one sample."""
        return np.shape(self.intercept_)

    def _answer(self, name: str, X: Any, offset: Any) -> Any:
        """Return what a method makes of the scores; lazily where X is a dask collection."""
        check_is_fitted(self, "coef_")
        return lazily(self, name, X, offset) if is_elsewhere(X) else self._answers()[name](self._scores(X, offset))

    def _scores(self, X: Any, offset: Any) -> Array:
        """Return X W + 1 b^T + offset in the shape that the subclass says."""
        check_is_fitted(self, "coef_")
        return self._scores_at(validated(self, X, reset=False), offset)

    def _scores_at(self, X: Any, offset: Any) -> Array:
        """Return the scores at an X that is known to be good."""
        product = safe_sparse_dot(X, self.coef_.T, dense_output=True)
        shape = (X.shape[0], *self._outputs)
        eta: Array = product.reshape(shape) + self.intercept_
        offset = check_offset(offset, shape)
        return eta if offset is None else (eta + offset).astype(eta.dtype, copy=False)

    def _answers(self) -> dict[str, Answer]:
        """Return what the methods that predict make of scores, by their names."""
        raise NotImplementedError

    # -- coefficients -----------------------------------------------------------------------------------------------

    def sparsify(self) -> Self:
        """Store ``coef_`` as a sparse matrix, which saves memory and time where most of it is zero.

        Returns
        -------
        self : estimator
            Predictions stay the same.
        """
        check_is_fitted(self, "coef_")
        self.coef_ = sparse.csr_matrix(self.coef_)
        return self

    def densify(self) -> Self:
        """Undo ``sparsify``.

        Returns
        -------
        self : estimator
            With ``coef_`` as an array, in the shape that ``fit`` gave it.
        """
        check_is_fitted(self, "coef_")
        self.coef_ = _dense(self.coef_).reshape(*np.shape(self.intercept_), -1)
        return self

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _size_of_slopes(samples: Samples) -> float:
    """Return the product of the ranges of targets and of features, which a gradient has the size of."""
    low, high = samples.extremes()
    return float((np.max(high) - np.min(low)) * samples.deviations.max(initial=0.0))


def _untouched(problems: Problems, starts: Starts, done: int) -> Results:
    """Return the results of the problems that no solver came to, after so many."""
    rest = list(zip(problems, starts, strict=True))[done:]
    return [stopped_at(p, OptimizeResult(x=p.null if x is None else x, nit=0)) for p, x in rest]


def _dense(coef: Any) -> Array:
    array: Array = coef.toarray() if sparse.issparse(coef) else coef
    return array
