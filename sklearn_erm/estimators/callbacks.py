"""scikit-learn's callbacks: a fit as a tree of tasks, each told when it begins and ends. Before 1.9 there are none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Self

from scipy.optimize import OptimizeResult

from sklearn_erm.estimators.inputs import check_weight_rows
from sklearn_erm.estimators.progress import Observer, Progress, stopped_at
from sklearn_erm.problem.objective import Objective

try:
    from sklearn.callback import CallbackSupportMixin, with_callbacks
except ImportError:  # scikit-learn < 1.9: no set_callbacks, and nothing to take down after a fit

    class CallbackSupport:
        """What nobody listens to."""

        _listened_to = False

    def with_callbacks(method: Any) -> Any:
        """Return the method."""
        return method

else:

    class CallbackSupport(CallbackSupportMixin):  # type: ignore[no-redef]
        """What callbacks may listen to, and knows whether any do.

        scikit-learn has no public answer to that. A fit needs it: for those who listen, every iteration is certified.
        """

        _listened_to = False

        def set_callbacks(self, *callbacks: Any) -> Self:
            """Set callbacks for the estimator.

            Parameters
            ----------
            *callbacks : callback instances
                Instead of those that were set before; none are none.

            Returns
            -------
            self : estimator
                The estimator itself.
            """
            super().set_callbacks(*callbacks)
            self._listened_to = bool(callbacks)
            return self

        def __sklearn_clone__(self) -> Self:
            twin: Self = super().__sklearn_clone__()  # of BaseEstimator; callbacks come with it
            twin._listened_to = self._listened_to
            return twin


__all__ = ["CallbackSupport", "Stage", "fit_metadata", "whole_fit", "with_callbacks"]

State = Callable[[], dict[str, Any]]  # the fitted attributes of a model as far as the fit has come
StateAt = Callable[[OptimizeResult], dict[str, Any]]  # the same, from a result of the problem in hand


class Stage:
    """A task of a fit, in scikit-learn's words; of an estimator without callbacks, a silent one that costs nothing.

    Parameters
    ----------
    estimator : estimator
        Whose fit it is.
    context : CallbackContext or None
        Of the task; None if nobody listens.
    **data
        ``X``, ``y`` and ``metadata`` for the callbacks, each the thing itself or a callable that returns it.

    Attributes
    ----------
    stopped : bool
        Whether, at its end, a callback asked not to go on with what this is a step of.
    """

    def __init__(self, estimator: Any, context: Any = None, **data: Any) -> None:
        self._estimator = estimator
        self._context = context
        self._data = data
        self.stopped = False

    def on(self, **data: Any) -> Stage:
        """Return this stage on other data."""
        return Stage(self._estimator, self._context, **data)

    def part(self, name: str, *, count: int | None = 0, number: int | None = None, ordered: bool = True) -> Stage:
        """Return a subtask, which itself has so many; None if nobody knows.

        The parts of a stage that is not ``ordered`` come in any order and need a number.
        """
        if self._context is None:
            return self
        context = self._context.subcontext(name, number, count, ordered)
        return Stage(self._estimator, context, **self._data)

    def begin(self) -> Self:
        """Tell that it begins."""
        if self._context is not None:
            self._context.call_on_fit_task_begin(estimator=self._estimator, **self._data)
        return self

    def end(self, state: State | None = None) -> None:
        """Tell that it ends, and where that leaves the model if that is known."""
        if self._context is not None:
            more = {} if state is None else {**self._data, "reconstruction_attributes": state}
            self.stopped = self._context.call_on_fit_task_end(estimator=self._estimator, **more)

    @contextmanager
    def running(self, state: State | None = None) -> Iterator[None]:
        """Begin, and end exactly once whatever happens in between; a model is told of only if nothing did."""
        self.begin()
        try:
            yield
        except BaseException:
            self.end()
            raise
        self.end(state)

    @contextmanager
    def iterations(self, problem: Objective, state: StateAt) -> Iterator[list[Observer]]:
        """Make every iteration of a solver a part, by the observers of it that are yielded: one, or none if silent."""
        if self._context is None:
            yield []
            return
        iterations = _Iterations(self, problem, state)
        try:
            yield [iterations]
        finally:
            iterations.close()

    @contextmanager
    def handed_to(self, model: Any) -> Iterator[None]:
        """Make this the fit of another estimator, which the callbacks that are meant for such ones follow."""
        if self._context is None:
            yield
            return
        with self._context.propagate_callback_context(model):
            yield


def whole_fit(estimator: Any, count: int | None, **data: Any) -> Stage:
    """Return the task that is all of a fit, of so many parts; a silent one if nobody listens."""
    if not estimator._listened_to:
        return Stage(estimator)
    return Stage(estimator, estimator._init_callback_context(max_subtasks=count), **data)


def fit_metadata(sample_weight: Any, offset: Any, n_samples: int) -> Callable[[], dict[str, Any]]:
    """Return what ``fit`` was given beside X and y, for scorers: one entry per row."""

    def given() -> dict[str, Any]:
        each = {"sample_weight": check_weight_rows(sample_weight, n_samples), "offset": offset}
        return {name: values for name, values in each.items() if values is not None}

    return given


class _Iterations:
    """Observes a solver, which tells of iterations only when they are over: so each begins where the last one ended.

    The one that begins where the solver stops by itself has nothing to do but to find that out; it ends without a
    model, as scikit-learn's own do.
    """

    def __init__(self, parent: Stage, problem: Objective, state: StateAt) -> None:
        self._parent = parent
        self._problem = problem
        self._state = state
        self._open: Stage | None = None
        self._next()

    def __call__(self, _: Progress, found: OptimizeResult) -> None:
        """End an iteration, and raise StopIteration if a callback asks to stop."""
        ended, self._open = self._open, None
        assert ended is not None
        ended.end(lambda: self._state(stopped_at(self._problem, found)))
        if ended.stopped:
            raise StopIteration
        self._next()

    def _next(self) -> None:
        self._open = self._parent.part("iteration").begin()

    def close(self) -> None:
        """End what never came to be an iteration."""
        if self._open is not None:
            ended, self._open = self._open, None
            ended.end()
