"""The prox of the total variation of a sequence: where its pieces end, and their levels."""

from __future__ import annotations

from collections import deque

import numpy as np

from sklearn_erm.penalties.base import Array

SHORT = 100  # entries up to which one pass in Python takes no longer than some passes of vectors
ROUNDS = 20  # of vectors, at most: half a dozen are usual, but an edge in smooth data moves by one entry a round
ROUNDING = 1e-14  # of partial sums, relative to the largest


def segments(y: Array, weight: float) -> tuple[Array, Array]:
    """Return the pieces of the minimiser of |x - y|^2 / 2 + weight sum |x_{j+1} - x_j|: their ends and levels."""
    if weight == 0 or len(y) == 1:
        return np.arange(len(y) + 1), y.astype(float)
    jumps = None if len(y) <= SHORT else jumps_by_rounds(y, weight)
    if jumps is None:
        jumps = np.sign(np.diff(denoise_in_one_pass(y, weight)))
    inner = np.flatnonzero(jumps)
    ends = np.concatenate([[0], inner + 1, [len(y)]])
    pull = np.diff(np.concatenate([[0.0], jumps[inner], [0.0]]))
    return ends, (np.add.reduceat(y, ends[:-1]) + weight * pull) / np.diff(ends)


def jumps_by_rounds(y: Array, weight: float) -> Array | None:
    """Return the signs of the minimiser's jumps, by a primal-dual active set method; None if it takes too long.

    The partial sums of x - y are the dual variables z: at most ``weight`` in size, and ``weight`` times the sign of the
    jump where x jumps. Given where, and the signs, x and z follow. Where z is too large, a jump is added; a jump
    against its sign is taken out. Nothing to change is a proof of optimality.

    References
    ----------
    Hintermüller, Ito, Kunisch, "The primal-dual active set strategy as a semismooth Newton method", SIAM J.
    Optimization 13(3), 2002.
    """
    total = np.concatenate([[0.0], np.cumsum(y - y.mean())])
    positions = np.arange(len(total))
    slack = ROUNDING * (weight + float(np.abs(total).max()))
    jumps = np.zeros(len(total))  # between entries j - 1 and j, for j = 1 to len(y) - 1
    for _ in range(ROUNDS):
        inner = np.flatnonzero(jumps)
        ends = np.concatenate([[0], inner, [len(y)]])
        heights = total[ends] + weight * jumps[ends]
        share = 1.0 / np.diff(ends)
        rises = np.diff(np.diff(heights) * share) * jumps[inner]
        z = np.interp(positions, ends, heights) - total
        wrong = inner[~(rises > slack * (share[:-1] + share[1:]))]  # without it, z would be too large by the slack
        beyond = np.flatnonzero(np.abs(z) > weight + slack)
        if not len(wrong) and not len(beyond):
            return jumps[1:-1]
        jumps[wrong] = 0.0
        jumps[beyond] = np.sign(z[beyond])
    return None


def denoise_in_one_pass(y: Array, weight: float) -> Array:
    """Return the minimiser of |x - y|^2 / 2 + weight sum |x_{j+1} - x_j|, in one pass forth and one back.

    The derivative, in its last coordinate, of the part of the sum up to j, the others minimised out, increases and is
    piecewise linear. Its knots are kept in a queue: (position, change of slope, change of level). The next difference
    cuts it at -weight and weight; the positions of the cuts bound the coordinate, given the next one.

    References
    ----------
    Johnson, "A dynamic programming algorithm for the fused lasso and L0-segmentation", Journal of Computational and
    Graphical Statistics 22(2), 2013.
    """
    values = y.tolist()
    knots: deque[tuple[float, float, float]] = deque()
    first = last = (1.0, -values[0])  # the pieces left of all knots, and right of them
    bounds = []
    for value in values[1:]:
        slope, level = first
        while knots and slope * knots[0][0] + level <= -weight:
            _, more, rise = knots.popleft()
            slope, level = slope + more, level + rise
        low, entering = (-weight - level) / slope, (slope, level + weight)
        slope, level = last
        while knots and slope * knots[-1][0] + level >= weight:
            _, more, rise = knots.pop()
            slope, level = slope - more, level - rise
        high, leaving = (weight - level) / slope, (-slope, weight - level)
        knots.appendleft((low, *entering))
        knots.append((high, *leaving))
        first, last = (1.0, -weight - value), (1.0, weight - value)
        bounds.append((low, high))
    slope, level = first
    while knots and slope * knots[0][0] + level <= 0:
        _, more, rise = knots.popleft()
        slope, level = slope + more, level + rise
    x = [-level / slope]
    for low, high in reversed(bounds):
        x.append(min(max(x[-1], low), high))
    return np.array(x[::-1])
