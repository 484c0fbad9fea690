"""Samples whose rows are in three other processes: solvers carry handles, and nothing as long as the data crosses."""

import multiprocessing
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sklearn_erm.losses import AbsoluteError, CrossEntropy, Hinge, Huber, Quantile, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, SLOPE, GroupLasso
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.blocks import BlockSamples
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.samples.location import locate
from sklearn_erm.samples.parts import HereParts
from sklearn_erm.solve.minimize import minimize

from .problems import n_scores, name_of, targets

N, P = 600, 4
CUTS = (0, 150, 320, N)


class Handle:
    """What crosses in place of an object of the other process: its number."""

    def __init__(self, number):
        self.number = number


def serve(pipe):
    """Keep every object that an answer consists of, unless it is small, and answer calls by their numbers."""
    kept = []

    def known(value):
        if getattr(value, "multiplier", None) is not None:
            return value.around(kept[value.multiplier.number])
        return kept[value.number] if isinstance(value, Handle) else value

    def told(value):
        if isinstance(value, tuple):
            return tuple(told(each) for each in value)
        if value is None or isinstance(value, (bool, int, float, np.ndarray, np.generic)):
            return value
        kept.append(value)
        return Handle(len(kept) - 1)

    while (call := pipe.recv()) is not None:
        number, name, args = call
        if name == "rows":
            X, y, weight = args
            kept[:] = [Design(X, weight, False)]
        elif name == "samples":
            intercept, located, k = args
            pipe.send(told(LocalSamples(Design(X, weight, intercept, located), y, None, k)))
        else:
            answer = getattr(kept[number], name)
            pipe.send(told(answer(*(known(value) for value in args)) if callable(answer) else answer))


def sizes(message):
    """The sizes of the arrays in a message."""
    if isinstance(message, tuple):
        return [size for each in message for size in sizes(each)]
    return [message.size] if isinstance(message, np.ndarray) else []


class There:
    """A backend: samples, states and curvatures in another process, asked by name."""

    def __init__(self, pipe, number, log):
        self._pipe, self._number, self._log = pipe, number, log

    def _sent(self, value):
        if isinstance(value, There):
            return Handle(value._number)
        return value if getattr(value, "multiplier", None) is None else value.around(Handle(value.multiplier._number))

    def _got(self, value):
        if isinstance(value, tuple):
            return tuple(self._got(each) for each in value)
        return There(self._pipe, value.number, self._log) if isinstance(value, Handle) else value

    def _ask(self, name, *args):
        sent = [self._sent(value) for value in args]
        self._pipe.send((self._number, name, sent))
        answer = self._pipe.recv()
        self._log += [*sizes(tuple(sent)), *sizes(answer)]
        return self._got(answer)

    def __getattr__(self, name):
        value = getattr(LocalSamples, name, None)
        if name in FACTS or isinstance(value, property):
            return self._ask(name)
        return lambda *args: self._ask(name, *args)


FACTS = {"shape", "n_samples", "n_features", "intercept", "mass", "mean", "curved", "widely", "tilted"}


@pytest.fixture(scope="module")
def pipes():
    context, found = multiprocessing.get_context("spawn"), []
    sys.path.append(str(Path(__file__).parents[1]))  # where a new process finds this module; the package comes first
    for _ in pairwise(CUTS):
        here, there = context.Pipe()
        context.Process(target=serve, args=(there,), daemon=True).start()
        found.append(here)
    sys.path.pop()
    yield found
    for pipe in found:
        pipe.send(None)


def far_away(pipes, X, y, weight, intercept, k):
    """Samples in three processes, and the sizes of all that will have crossed."""
    log = []
    for pipe, (start, end) in zip(pipes, pairwise(CUTS), strict=True):
        pipe.send((0, "rows", (X[start:end], y[start:end], weight[start:end])))
    designs = [There(pipe, 0, log) for pipe in pipes]
    located = locate(HereParts(designs)) if intercept else None
    return BlockSamples(HereParts([design._ask("samples", intercept, located, k) for design in designs])), log


CASES = [
    (SquaredError(), L2(), True),
    (CrossEntropy(), L2(), True),
    (Softmax(), L1(), True),
    (Hinge(), L2(), True),
    (Hinge(), L1(), False),
    (AbsoluteError(), L1(), True),
    (Quantile(0.3), SLOPE(), True),
    (Huber(), GroupLasso([0, 0, 1, 1]), False),
]


@pytest.mark.parametrize("loss, penalty, intercept", CASES, ids=[f"{name_of(a)}-{name_of(b)}-{c}" for a, b, c in CASES])
def test_rows_in_three_processes(loss, penalty, intercept, pipes):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(N, P)) + 0.3
    y, weight = targets(loss, X @ rng.normal(size=P) + rng.normal(size=N)), rng.dirichlet(np.ones(N))
    k, penalty = n_scores(loss), penalty.bind(P)
    samples, log = far_away(pipes, X, y, weight, intercept, k)
    whole = Objective(loss, penalty, 0.02, LocalSamples(Design(X, weight, intercept), y, None, k))
    found, again = minimize(whole, tol=1e-8), minimize(Objective(loss, penalty, 0.02, samples), tol=1e-8)
    assert again.success
    assert again.certificate.gap <= 1e-8
    assert again.fun == pytest.approx(found.fun, rel=2e-8)
    assert max(log) <= (P + intercept) ** 2 * (k or 1) ** 2  # a Gram matrix; blocks have 150 rows and more
    multipliers = again.get("dual")
    if multipliers is not None and multipliers.loss is not None:
        assert all(isinstance(part, There) for part in multipliers.loss.parts)
