"""How many threads the linear algebra of a fit uses: one, unless the user asks for more.

A fit does many small matrix products, because it goes through X in blocks of rows that stay in the cache. If a product
takes microseconds, then a second thread costs more than it saves, because waking it takes as long as the product; the
more so where other programs keep the processors busy. docs/speed.md has the figures.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from numbers import Integral
from operator import methodcaller
from types import SimpleNamespace
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()


@contextmanager
def blas_threads(limit: int) -> Iterator[None]:
    """Set the number of threads of matrix products and factorisations, and restore it afterwards.

    Every fit runs inside ``blas_threads(1)`` by itself. Inside a block of your own, such as ``with blas_threads(8):``,
    fits use as many threads as you say.

    Parameters
    ----------
    limit : int >= 1
        The number of threads.

    Yields
    ------
    None
        Every library gets back the number of threads that it had before, also after an error or an interruption.

    Raises
    ------
    TypeError, ValueError
        If the limit is not an integer, or if it is less than 1.

    Notes
    -----
    It acts on the BLAS libraries that NumPy and SciPy have loaded in this process, by way of threadpoolctl. The
    outermost block decides: a block inside another one changes nothing. Most BLAS libraries have one number of threads
    for all Python threads. If several Python threads are inside blocks at once, then the first one in sets the number,
    and the last one out restores it.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn_erm import ERMRegressor, blas_threads
    >>> X, y = load_diabetes(return_X_y=True)
    >>> with blas_threads(2):
    ...     model = ERMRegressor().fit(X, y)
    """
    if isinstance(limit, bool) or not isinstance(limit, Integral):
        raise TypeError(f"blas_threads({limit!r}): limit must be an integer, got {type(limit).__name__}.")
    if limit < 1:
        raise ValueError(f"blas_threads({limit!r}): limit must be at least 1.")
    token = object()
    try:
        _change(methodcaller("enter", token, int(limit)))
        yield
    finally:
        _surely(_change, methodcaller("leave", token))


class _Library:
    """A BLAS library of this process: the blocks that are inside, and the number of threads before the first one.

    Most libraries have one number of threads for the process, some have one for every Python thread. The blocks are
    recorded accordingly: in a namespace of the process, or of each thread.
    """

    def __init__(self, controller: Any):
        self.controller = controller
        self.scope: Any = None  # not known before the first change

    @property
    def tokens(self) -> set[object]:
        """One for every block that is inside."""
        found: set[object] = set() if self.scope is None else vars(self.scope).setdefault("tokens", set())
        return found

    def enter(self, token: object, limit: int) -> bool:
        """Record a block; if it is the first one, set the limit and return True."""
        if self.scope is None:
            self.scope = self._find_scope(limit)
        if self.scope is None:
            return False
        self.tokens.add(token)
        if len(self.tokens) > 1:
            return False
        self.scope.limit, self.scope.before = limit, self.controller.num_threads
        self.controller.set_num_threads(limit)
        if self.controller.num_threads != limit:
            self.scope.before = None  # another thread has the say: there will be nothing to restore
        return True

    def leave(self, token: object) -> bool:
        """Forget a block; if it was the last one, restore the number of threads and return True.

        A number that is no longer the limit stays, because somebody else has set it.
        """
        if token not in self.tokens:
            return False
        last = len(self.tokens) == 1
        if last and self.scope.before and self.controller.num_threads == self.scope.limit:
            self.controller.set_num_threads(self.scope.before)
        self.tokens.discard(token)
        return last

    def _find_scope(self, limit: int) -> Any:
        """Change the number of threads and see whether another Python thread sees it; None if it does not change."""
        before = self.controller.num_threads
        if before == limit:
            return None
        try:
            elsewhere = self._seen_elsewhere()
            self.controller.set_num_threads(limit)
            if self.controller.num_threads != limit:
                return None
            return threading.local() if self._seen_elsewhere() == elsewhere else SimpleNamespace()
        finally:
            _surely(self.controller.set_num_threads, before)

    def _seen_elsewhere(self) -> int:
        seen = []
        thread = threading.Thread(target=lambda: seen.append(self.controller.num_threads))
        thread.start()
        thread.join()
        return int(seen[0])


@cache
def _controllers() -> ThreadpoolController:
    """Return the controllers of BLAS, looked for once: importing NumPy and SciPy has loaded the libraries."""
    return ThreadpoolController().select(user_api="blas")


@cache
def _libraries() -> list[_Library]:
    return [_Library(controller) for controller in _controllers().lib_controllers]


def _surely(act: Callable[[Any], None], argument: Any) -> None:
    """Do what must not be left undone: once more, if it was interrupted on the way."""
    try:
        act(argument)
    except KeyboardInterrupt:
        act(argument)
        raise


def _change(change: Callable[[_Library], bool]) -> None:
    """Let a block enter or leave every library, one Python thread at a time."""
    with _lock:
        changed = [change(library) for library in _libraries()]
        if any(changed):
            # From version 3.8 on, threadpoolctl lets only one Python thread change a number of threads: the first to do
            # so, until a limit of threadpoolctl's own ends in it. A limit of nothing ends here, for the others' sake.
            with _controllers().limit(limits=None):
                pass


def _start_afresh() -> None:
    """End the blocks of the process that this one was forked from: its other Python threads are not here."""
    global _lock
    _lock = threading.Lock()
    if _libraries.cache_info().currsize:
        for token in {token for library in _libraries() for token in library.tokens}:
            _change(methodcaller("leave", token))


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_start_afresh)
