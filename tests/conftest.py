"""What the tests share: threads, how hypothesis runs, and where every loss and every penalty is looked at."""

import os

# The workers of pytest-xdist keep every core busy. Set before NumPy is imported, for them and for processes of theirs.
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

from dataclasses import dataclass

import hypothesis
import numpy as np
import pytest
from hypothesis import strategies as st

from sklearn_erm.losses import LOSSES, EpsilonInsensitive, Softmax, SquaredEpsilonInsensitive, Tweedie
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import L1, L2, MCP, PENALTIES, ElasticNet, GroupLasso, SparseGroupLasso, Tikhonov

hypothesis.settings.register_profile("laws", derandomize=True, deadline=None, max_examples=6)
hypothesis.settings.load_profile("laws")

N_CLASSES = 3
N_DRAWN = 5
TARGETS = np.array([-7.5, -1.0, 0.0, 0.3, 1.0, 2.0, 13.0])
SCORES = np.array([-20.0, -1.35, -1.0, -0.5, -0.3, -0.1, 0.0, 0.1, 0.5, 1.0, 1.35, 20.0])
JOINT_SCORES = np.array([[0.0, 0, 0], [20, 0, -20], [-20, 20, 20], [1, -0.5, 0.3], [7, 7, -3], [-2, 0.1, 5]])

CLASSES = [*dict.fromkeys([*LOSSES.values(), Softmax])]
INSTANCES = [instance for cls in CLASSES for instance in cls.examples()]
INSTANCES += [EpsilonInsensitive(epsilon=0.0), SquaredEpsilonInsensitive(epsilon=0.0)]  # no tube: two kinks in one
INSTANCES += [Tweedie(power=power) for power in (0.0, 1.0, 1.1, 2.0, 2.5)]


@dataclass(frozen=True, repr=False)
class Points:
    """Scores of a loss, sample by sample, and what the laws vary: other scores, directions, steps. Read-only arrays."""

    loss: object
    y: np.ndarray
    eta: np.ndarray
    other: np.ndarray
    direction: np.ndarray
    step: np.ndarray

    def dot(self, u, v):
        """Return the inner product of two arrays shaped as eta, sample by sample."""
        return np.sum(u * v, axis=1) if self.loss.joint else u * v

    def along(self, values):
        """Return per-sample values shaped to broadcast against eta."""
        return values[:, None] if self.loss.joint else values


def frozen(array):
    """Return a read-only copy: whoever writes on it raises."""
    array = np.array(array)
    array.flags.writeable = False
    return array


def admissible(loss):
    """Return some targets in the domain of the loss."""
    known = TARGETS[loss.in_domain(TARGETS)]
    return known[known < N_CLASSES] if loss.target == "class" else known


def draw_numbers(shape, kind):
    """Draw an array of integers from all their range; as bytes, in a tenth of the time of hypothesis' own arrays."""
    size = int(np.prod(shape)) * np.dtype(kind).itemsize
    return st.binary(min_size=size, max_size=size).map(lambda drawn: np.frombuffer(drawn, kind).reshape(shape))


@st.composite
def draw_points(draw, loss, smoothed=False):
    """Pair every admissible target with every special score, and add a few drawn ones; perhaps smooth the loss."""
    targets, special = admissible(loss), JOINT_SCORES if loss.joint else SCORES
    shape = (N_DRAWN, N_CLASSES) if loss.joint else (N_DRAWN,)
    drawn = draw(draw_numbers(shape, np.int16)) / 1638.0
    y = np.concatenate([np.repeat(targets, len(special)), np.resize(targets, N_DRAWN)])
    eta = np.concatenate([np.tile(special.T, len(targets)).T, drawn])
    if loss.target == "real":
        eta = eta + (y[:, None] if loss.joint else y)
    if not np.all(np.isfinite(loss.value(y, eta))):  # the scores must be in order
        eta = np.sort(eta, axis=1)
    other = np.roll(eta, draw(st.integers(1, len(y) - 1)), axis=0)
    step = 10.0 ** draw(st.floats(-1, 1)) * np.array([1.0, 0.1, 10.0, 0.5])
    if smoothed:
        share = np.resize([0.0, 0.3, 1.0], len(y))
        multiplier = loss.gradient(y, np.roll(eta, 3, axis=0)) * (share[:, None] if loss.joint else share)
        loss = Smoothed(loss, frozen(multiplier), float(max(step[0], 0.05)))
    arrays = (y, eta, other, np.sin(3.0 * other + 1.0), np.resize(step, len(y)))
    return Points(loss, *map(frozen, arrays))


@pytest.fixture(scope="session", params=INSTANCES, ids=repr)
def loss(request):
    """Every loss of the registry, every example of it."""
    return request.param


@pytest.fixture(scope="session")
def points(loss):
    """A function that draws points for the loss."""
    return lambda data: data.draw(draw_points(loss))


@pytest.fixture(scope="session", params=[False, True], ids=["plain", "smoothed"])
def any_points(loss, request):
    """A function that draws points for the loss, or for its Moreau envelope."""
    if request.param and not loss.has("prox"):
        pytest.skip("no prox")
    return lambda data: data.draw(draw_points(loss, request.param))


@pytest.fixture(scope="session")
def targets(loss):
    """A sample of targets that holds every admissible one, read-only."""
    return frozen(np.resize(admissible(loss), 3 * len(admissible(loss)) + 1))


SHAPES = [(6,), (6, 2), (6, 1)]
PENALTY_INSTANCES = [instance.bind(6) for cls in PENALTIES.values() for instance in cls.examples(6)]
SHUFFLED = [5, -1, 2, 2, 5, -1]
COMPOSED = [
    L1(weights=[0.0, 2.0, 0.5, 0.0, 1.0, 3.0]),
    L2(weights=[0.0, 2.0, 0.5, 0.0, 1.0, 3.0]),
    ElasticNet(l1_ratio=0.4, weights=[0.0, 2.0, 0.5, 0.0, 1.0, 3.0]),
    GroupLasso(SHUFFLED, weights=[0.0, 1.5, 0.7]),  # one group free
    SparseGroupLasso(SHUFFLED, l1_ratio=0.4, weights=[0.0, 1.5, 0.7]),
    SparseGroupLasso(SHUFFLED, l1_ratio=0.0, weights=[0.0, 1.5, 0.7]),
    Tikhonov(),
    2.5 * L1(weights=[0.0, 2.0, 0.5, 0.0, 1.0, 3.0]),
    0.4 * MCP(),
    L2(weights=[0.0, 2.0, 0.5, 0.0, 1.0, 3.0]) + 0.5 * L2(),
    0.4 * L1() + 2.0 * L2(),
    0.5 * Tikhonov(np.diag([0.0, 1.0, 2.0, 3.0, 0.0, 1.0])) + 0.5 * GroupLasso(SHUFFLED),
]
PENALTY_INSTANCES += [instance.bind(6) for instance in COMPOSED]


@pytest.fixture(scope="session", params=PENALTY_INSTANCES, ids=lambda penalty: " ".join(repr(penalty).split()))
def penalty(request):
    """Every penalty of the registry, every example of it, bound to six features."""
    return request.param


@pytest.fixture(scope="session", params=SHAPES, ids=str)
def shape(request):
    """The shapes of coefficients: one output, several, and one that is written as several."""
    return request.param


@pytest.fixture(scope="session")
def draw_coef(penalty, shape):
    """A function that draws read-only coefficients, none of them tiny, with zeros: of entries and of whole blocks."""
    labels = penalty.blocks(np.zeros(shape))
    empty = st.sampled_from([(99, 98), (1, 0), (2, 0), (2, 1), (3, 1)])  # labels that leave this rest are zero

    def draw(data):
        numbers, (modulus, rest) = data.draw(draw_numbers(shape, np.int8)), data.draw(empty)
        return frozen(np.where(labels % modulus == rest, 0.0, numbers / 25.0 + np.sign(numbers) * np.cos(numbers) / 99))

    return draw
