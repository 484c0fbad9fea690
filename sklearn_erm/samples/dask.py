"""Rows in dask collections: blocks on the workers of a cluster, or in this process by Dask's threads."""

from __future__ import annotations

import pickle
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import partial
from typing import Any

import cloudpickle
import dask
import dask.array as da
import numpy as np
from dask.delayed import Delayed, delayed

from sklearn_erm.samples.block import Block, together
from sklearn_erm.samples.far import Crew, FarParts, Message
from sklearn_erm.samples.local import Rows

# Where blocks lie is asked again after so many rounds, because Dask may move them.
ASKED_AGAIN = 20

Load = Callable[..., Rows]


def root_of(partitions: Sequence[Sequence[Any]], load: Load) -> FarParts:
    """Return the blocks of some partitions, on the cluster that holds them or whose client is at hand, or here.

    Parameters
    ----------
    partitions : list of lists of Delayed
        X, y and what else ``load`` takes, block by block.
    load : callable
        These -> Rows.
    """
    client = client_of(partitions)
    return Crew(Threads(partitions, load) if client is None else Cluster(client, partitions, load)).root()


def heading(X: Any) -> Any:
    """Return an array or a data frame of no rows with the columns of X."""
    if X.ndim != 2:
        raise ValueError(f"X must have two axes, (rows, features), but has {X.ndim}; reshape it.")
    if not X.shape[1]:
        raise ValueError("X has 0 features; at least one is needed.")
    if hasattr(X, "columns"):
        import pandas

        return pandas.DataFrame(columns=list(X.columns), dtype=float)
    return np.empty((0, X.shape[1]))


def partitions_of(X: Any, **others: Any) -> list[list[Any]]:
    """Return the blocks of rows, each a list: of X, and of what belongs to its rows, None where that is None.

    Raises
    ------
    ValueError
        If the columns of X are in several chunks, or the rows are not cut alike.
    """
    if not hasattr(X, "columns") and X.numblocks[1] != 1:
        raise ValueError(
            f"X has {X.numblocks[1]} chunks of columns; every row must be in one: pass X.rechunk({{1: -1}})."
        )
    given = {"X": X, **others}
    frames = {name: values for name, values in given.items() if hasattr(values, "divisions")}
    if len(frames) == sum(hasattr(values, "to_delayed") for values in given.values()) > 1:
        found = _of_one_frame(frames)
    else:
        found = {"X": _delayed(X)}
    count = len(found["X"])
    for name, values in others.items():
        if values is None or isinstance(values, (int, float)):  # for all rows
            found[name] = [values] * count
        elif name not in found:
            found[name] = _cut_as(X, name, values)
        if len(found[name]) != count:
            raise ValueError(
                f"X has {count} partitions and {name} has {len(found[name])}; they must be cut alike. Take both from "
                "one data frame, or rechunk them."
            )
    return [list(each) for each in zip(*(found[name] for name in given), strict=True)]


def _delayed(values: Any) -> list[Any]:
    """Return the partitions of a collection as they are, since a plan of its own may join those of a data frame."""
    as_it_is = {"optimize_graph": False} if hasattr(values, "divisions") else {}
    return list(np.ravel(values.to_delayed(**as_it_is)).tolist())


def _of_one_frame(frames: dict[str, Any]) -> dict[str, list[Any]]:
    """Return the partitions of series and data frames that belong together, read once and cut alike."""
    whole, places = frames["X"], {"X": list(frames["X"].columns)}
    for name, values in frames.items():
        if name != "X":
            series = [values[column] for column in values.columns] if values.ndim == 2 else [values]
            places[name] = [f"{name} {k} beside X" for k in range(len(series))]
            whole = whole.assign(**dict(zip(places[name], series, strict=True)))
    parts = whole.to_delayed()
    taken = {name: delayed(partial(_columns, places[name], frames[name].ndim), pure=False) for name in frames}
    return {name: [take(part) for part in parts] for name, take in taken.items()}


def _columns(names: list[Any], ndim: int, part: Any) -> Any:
    return part[names] if ndim == 2 else part[names[0]]


def _cut_as(X: Any, name: str, values: Any) -> list[Any]:
    """Return the blocks of values, cut as X where lengths are known."""
    rows: Any = X.chunks[0] if hasattr(X, "chunks") else (np.nan,)
    known = not np.isnan(rows).any()
    if isinstance(values, Delayed):
        raise TypeError(f"{name} is a dask Delayed; make an array or a series of it, by da.from_delayed say.")
    if not hasattr(values, "to_delayed"):
        if not known:
            raise TypeError(
                f"{name} is a {type(values).__name__}, but the lengths of the partitions of X are not known: pass it "
                "as a dask collection cut as X is, or X as an array of known lengths: X.compute_chunk_sizes() of an "
                "array, X.to_dask_array(lengths=True) of a data frame."
            )
        if np.ndim(values) and len(values) != sum(rows):
            raise ValueError(f"{name} has {len(values)} rows, but X has {sum(rows)} rows.")
        values = np.asarray(values)
        values = da.from_array(
            np.broadcast_to(values, (sum(rows), *values.shape[1:])), chunks=(rows, *values.shape[1:])
        )
    elif values.ndim > 2:
        raise ValueError(f"{name} has {values.ndim} axes; it must have one or two.")
    elif hasattr(values, "chunks"):
        if known and not np.isnan(values.chunks[0]).any() and sum(values.chunks[0]) == sum(rows):
            values = values.rechunk({0: rows})
        if values.ndim == 2:
            values = values.rechunk({1: -1})
    return _delayed(values)


def computed(ask: Callable[..., Any], partitions: Sequence[Sequence[Any]]) -> list[Any]:
    """Return what a function answers of every block."""
    return list(dask.base.compute(*(delayed(ask, pure=False)(*partition) for partition in partitions)))


def applied(call: Callable[..., Any], X: Any, offset: Any, like: Any, columns: list[Any] | None) -> Any:
    """Return what a function makes of the rows of X and an offset, one for each, as a collection like X.

    ``like`` is its answer to one row. Of a data frame, an answer with two axes has some columns.
    """
    if hasattr(X, "columns"):
        others = [] if offset is None else [offset]
        return X.map_partitions(partial(_framed, call, columns), *others, meta=_frame(like, None, columns)[:0])
    whole = [
        da.from_delayed(delayed(call, pure=False)(*partition), shape=(rows, *like.shape[1:]), dtype=like.dtype)
        for partition, rows in zip(partitions_of(X=X, offset=offset), X.chunks[0], strict=True)
    ]
    return da.concatenate(whole)


def _framed(call: Callable[..., Any], columns: list[Any] | None, x: Any, *offset: Any) -> Any:
    return _frame(call(x, *offset), x.index, columns)


def _frame(values: Any, index: Any, columns: list[Any] | None) -> Any:
    import pandas

    return pandas.Series(values, index) if columns is None else pandas.DataFrame(values, index, columns)


def client_of(partitions: Sequence[Sequence[Any]]) -> Any:
    """Return the client that holds what partitions consist of, that of the context, or None."""
    try:
        from distributed import default_client, futures_of, get_client
    except ImportError:
        return None
    held = futures_of([part for partition in partitions for part in partition])
    if held:
        return held[0].client
    try:
        return get_client() if in_task() else default_client()
    except ValueError:
        return None


def in_task() -> bool:
    """Return whether this runs inside a task on a worker of a cluster."""
    from distributed import get_worker

    try:
        get_worker()
    except ValueError:
        return False
    return True


class Threads:
    """Blocks in this process: states stay, rows are loaded from their partitions in every round."""

    def __init__(self, partitions: Sequence[Sequence[Any]], load: Load):
        self.count = len(partitions)
        self._partitions, self._load = partitions, load
        self._blocks = [Block(number, Held(), keep=False) for number in range(self.count)]

    def ask(self, message: Message) -> list[dict[Any, Any]] | None:
        """Return the answers of all blocks, by Dask's scheduler of the context, or its threads."""
        tasks = [
            delayed(partial(self._answers, block, message), pure=False)(*partition)
            for block, partition in zip(self._blocks, self._partitions, strict=True)
        ]
        scheduler = {} if dask.config.get("scheduler", None) == "synchronous" else {"scheduler": "threads"}
        return gathered(list(dask.base.compute(*tasks, **scheduler)), len(message.questions))

    def close(self) -> None:
        """Give up the blocks."""
        self._blocks = []

    def _answers(self, block: Block, message: Message, *parts: Any) -> list[dict[Any, Any]] | None:
        with block.load.holding(self._load(*parts)):
            return together([block], self.count, message)


class Held:
    """Rows that are at hand for a while."""

    def __init__(self, rows: Rows | None = None):
        self._rows = rows

    def __call__(self) -> Rows:
        """Return them."""
        assert self._rows is not None
        return self._rows

    @contextmanager
    def holding(self, rows: Rows) -> Iterator[None]:
        """Have some other rows at hand."""
        self._rows = rows
        yield
        self._rows = None


class Cluster:
    """Blocks on the workers of a cluster, each an object that lives where its rows are.

    A round is one task for each thread of a worker, with all blocks that are there. If a worker dies, then Dask makes
    its blocks again elsewhere, from what they were made of; they say that they know nothing, and are told everything.
    """

    def __init__(self, client: Any, partitions: Sequence[Sequence[Any]], load: Load):
        from distributed import secede, wait

        self.count = len(partitions)
        self._client = client
        self._inside = in_task()
        if self._inside:  # a fit inside a task leaves its thread to the tasks it waits for
            secede()
        make = delayed(partial(_block, load), pure=False)
        self._blocks = client.compute([make(number, *partition) for number, partition in enumerate(partitions)])
        wait(self._blocks)
        self._rounds = 0
        self._groups: list[tuple[str | None, list[Any]]] = []

    def ask(self, message: Message) -> list[dict[Any, Any]] | None:
        """Return the answers of all blocks."""
        if message.whole or self._rounds % ASKED_AGAIN == 0:
            self._groups = self._where()
        self._rounds += 1
        said = cloudpickle.dumps(message)
        tasks = [
            self._client.submit(
                _together,
                blocks,
                self.count,
                said,
                workers=None if address is None else [address],
                allow_other_workers=address is not None,
                pure=False,
                retries=2,
            )
            for address, blocks in self._groups
        ]
        try:
            replies = self._client.gather(tasks)
        except CancelledError as error:
            raise RuntimeError(
                "rows were lost with a worker of the cluster, and Dask cannot make them again: they were scattered, or "
                "the client was closed. Pass collections that know where their rows come from, such as files, and "
                "persist those."
            ) from error
        return gathered(replies, len(message.questions))

    def close(self) -> None:
        """Give up the blocks, and let the cluster forget them."""
        from distributed import rejoin

        self._blocks, self._groups = [], []
        if self._inside:
            rejoin()

    def _where(self) -> list[tuple[str | None, list[Any]]]:
        """Return the blocks of each thread, with the address of its worker."""
        places, threads = self._client.who_has(self._blocks), self._client.nthreads()
        own: dict[str | None, list[Any]] = defaultdict(list)
        for block in self._blocks:
            known = [address for address in places.get(block.key, ()) if address in threads]
            own[min(known) if known else None].append(block)
        groups = []
        for address, blocks in own.items():
            count = min(threads.get(address, 1), len(blocks))
            groups += [(address, blocks[k::count]) for k in range(count)]
        return groups


def gathered(replies: Sequence[list[dict[Any, Any]] | None], count: int) -> list[dict[Any, Any]] | None:
    """Return the answers to each of ``count`` questions of several groups of blocks; None if one lacks recipes."""
    known = [reply for reply in replies if reply is not None]
    if len(known) < len(replies):
        return None
    return [{key: value for reply in known for key, value in reply[k].items()} for k in range(count)]


def _block(load: Load, number: int, *parts: Any) -> Block:
    return Block(number, Held(load(*parts)), keep=True)


def _together(blocks: Sequence[Block], count: int, said: bytes) -> list[dict[Any, Any]] | None:
    return together(blocks, count, pickle.loads(said))
