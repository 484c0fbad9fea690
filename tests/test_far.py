"""Blocks that are asked by messages: the same bits as blocks at hand, whatever is lost on the way, in few rounds."""

import gc
import pickle
from itertools import pairwise

import numpy as np
import pytest

from sklearn_erm.losses import AbsoluteError, CrossEntropy, Hinge, Huber, MultiQuantile, Quantile, Softmax, SquaredError
from sklearn_erm.penalties import L1, L2, SLOPE, GroupLasso
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.block import Block, together
from sklearn_erm.samples.blocks import BlockSamples, in_blocks
from sklearn_erm.samples.far import Crew
from sklearn_erm.samples.local import Rows
from sklearn_erm.samples.location import locate
from sklearn_erm.solve.minimize import minimize

from .problems import n_scores, name_of, targets

N, P = 1200, 5
CUTS = (0, 300, 300, 780, 900, N)  # the second block is empty


class Post:
    """Brings messages as bytes to two groups of blocks, and sums of neighbours back."""

    def __init__(self, rows, keep, accident=None):
        self.count = len(rows)
        self.blocks = [Block(number, Kept(each), keep) for number, each in enumerate(rows)]
        self.accident = accident or (lambda post, message: None)
        self.largest = self.wholes = 0

    def ask(self, message):
        self.accident(self, message)
        self.wholes += message.whole
        said = pickle.dumps(message)
        self.largest = max(self.largest, *(size(each[2]) for each in (*message.recipes, *message.questions)), 0)
        groups = [together(part, self.count, pickle.loads(said)) for part in (self.blocks[1:4], self.blocks[:1])]
        groups.append(together(self.blocks[4:], self.count, pickle.loads(said)))
        if None in groups:
            return None
        found = [{key: value for group in groups for key, value in group[k].items()} for k in range(len(groups[0]))]
        self.largest = max(self.largest, size(found))
        return found


def size(thing):
    """The size of the largest array in a message."""
    if isinstance(thing, dict):
        thing = tuple(thing.values())
    if isinstance(thing, list | tuple):
        return max(map(size, thing), default=0)
    return thing.size if isinstance(thing, np.ndarray) else 0


class Kept:
    """Loads rows that are at hand."""

    def __init__(self, rows):
        self.rows = rows

    def __call__(self):
        return self.rows


def rows_of(loss, offset=False):
    rng = np.random.default_rng(5)
    X = rng.normal(size=(N, P)) + 0.3
    y = targets(loss, X @ rng.normal(size=P) + rng.normal(size=N))
    weight, added = rng.uniform(0.5, 1.0, N), 0.1 * rng.normal(size=N) if offset else None
    parts = [slice(start, end) for start, end in pairwise(CUTS)]
    return [Rows(X[part], y[part], weight[part], None if added is None else added[part]) for part in parts]


def far_away(rows, loss, intercept=True, keep=True, accident=None):
    """Samples of blocks behind a post, and who asks them."""
    crew = Crew(Post(rows, keep, accident))
    mass = sum(float(each.weight.sum()) for each in rows)
    root = crew.root()
    located = locate(root.each("design", mass)) if intercept else None
    return BlockSamples(root.each("samples", mass, intercept, located, n_scores(loss))), crew


CASES = [  # and so many rounds at most, those before the first point counted
    (SquaredError(), L2(), True, 16),
    (SquaredError(), L1(), True, 20),
    (CrossEntropy(), L2(), True, 24),
    (Softmax(), L1(), True, 40),
    (Huber(), GroupLasso([0, 0, 1, 1, 1]), False, 24),
    (Hinge(), L2(), True, 160),
    (Quantile(0.3), SLOPE(), True, 260),
    (AbsoluteError(), L1(), False, 200),
    (MultiQuantile([0.2, 0.8]), L2(), True, 300),
]
IDS = [f"{name_of(loss)}-{name_of(penalty)}-{intercept}" for loss, penalty, intercept, _ in CASES]


def solved(samples, loss, penalty, tol=1e-8):
    return minimize(Objective(loss, penalty.bind(P), 0.02, samples), tol=tol)


@pytest.mark.parametrize("keep", [True, False])
@pytest.mark.parametrize("loss, penalty, intercept, rounds", CASES, ids=IDS)
def test_the_same_bits_as_blocks_at_hand(loss, penalty, intercept, rounds, keep):
    rows = rows_of(loss)
    here = solved(in_blocks(rows, intercept, n_scores(loss)), loss, penalty)
    samples, crew = far_away(rows, loss, intercept, keep)
    there = solved(samples, loss, penalty)
    np.testing.assert_array_equal(there.x, here.x)
    assert there.certificate.error <= 1e-8
    assert there.nit == here.nit
    assert crew.rounds <= rounds
    assert not crew.transport.wholes
    assert crew.transport.largest <= (P + intercept) ** 2 * (n_scores(loss) or 1) ** 2


def lose(numbers):
    """An accident that leaves some blocks with nothing but their rows, as a new process has them."""

    def accident(post, message):
        if message.round in numbers and not message.whole:
            for k in numbers[message.round]:
                block = Block(k, None, True)
                block.__setstate__(post.blocks[k].__getstate__())
                post.blocks[k] = block

    return accident


def twice(post, message):
    """An accident: a message is executed a second time."""
    if message.round % 3 == 0:
        together(post.blocks, post.count, message)


def halfway(post, message):
    """An accident: a task dies after some of its questions."""
    if message.round % 4 == 0 and not message.whole:
        together(post.blocks[::2], post.count, message._replace(questions=message.questions[:1]))


def stale(post, message):
    """An accident: a copy that has missed rounds takes the place of a block."""
    if message.round == 6:
        post.old = post.blocks[3]
        post.blocks[3] = Block(3, None, True)
        post.blocks[3].__setstate__(post.old.__getstate__())
    if message.round == 11:
        post.blocks[3] = post.old


ACCIDENTS = {"lost": lose({7: [0, 3], 12: [2]}), "first": lose({2: [0], 4: [4]}), "twice": twice, "halfway": halfway}
ACCIDENTS["stale"] = stale


@pytest.mark.parametrize("name", ACCIDENTS)
@pytest.mark.parametrize("loss", [CrossEntropy(), Hinge(), Quantile(0.3)], ids=name_of)
def test_accidents_change_no_bit(loss, name):
    rows = rows_of(loss, offset=True)
    here = solved(in_blocks(rows, True), loss, L2())
    samples, _ = far_away(rows, loss, accident=ACCIDENTS[name])
    np.testing.assert_array_equal(solved(samples, loss, L2()).x, here.x)


@pytest.mark.parametrize("keep", [True, False])
def test_blocks_forget_what_nobody_holds(keep):
    rows = rows_of(Hinge())
    samples, crew = far_away(rows, Hinge(), keep=keep)
    result = solved(samples, Hinge(), L2())
    states = [len(block._objects) for block in crew.transport.blocks]
    assert max(states) <= 60
    result.pop("dual")
    gc.collect()
    samples.extremes()
    assert [len(block._objects) for block in crew.transport.blocks] <= states


def test_a_long_way_is_gone_again():
    """Thousands of steps after a block was lost; those on the way are not kept."""
    rows = rows_of(SquaredError())
    samples, crew = far_away(rows, SquaredError())
    state, change = samples.zeros(), samples.change(np.ones(P), np.float64(0.5))
    for _ in range(3000):
        state = samples.moved(state, 1e-3, change)
    before = samples.inner(state, state)
    lose({crew.rounds: [0]})(crew.transport, crew._message([], whole=False))
    assert samples.inner(samples.scaled(state, 2.0), state) == pytest.approx(2.0 * before, rel=1e-14)
    assert len(crew.transport.blocks[0]._objects) < 10


def test_a_sample_of_the_rows():
    rows = rows_of(CrossEntropy())
    samples, _ = far_away(rows, CrossEntropy())
    drawn, other = samples.draw(40), in_blocks(rows, True).draw(40)
    np.testing.assert_array_equal(drawn.y, other.y)
    np.testing.assert_array_equal(drawn.design.X, other.design.X)
