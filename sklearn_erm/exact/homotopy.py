"""Homotopy in alpha: the exact solution for a piecewise linear loss, carried from one alpha to another."""

from __future__ import annotations

import math
from collections.abc import Callable
from copy import copy
from typing import Any, NamedTuple

import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from sklearn_erm.exact.kkt_system import solve_by_multipliers, solve_whole

Array = NDArray[Any]

# If a slope is nearer to its bounds than this, relative to theirs, then rounding may have put it there.
SLACK = 1e-9
# Coefficients without curvature are lent this much, in units of the slope of penalty or risk over their size.
LENT = 1e-8
# If less than this share of a row is left beside others, then it adds nothing to them.
DEPENDENT = 1e-8
# At least so many samples and features are looked at on the way.
FEW = 200
# At least this share of the samples is.
SHARE = 0.125
# This share of the samples is looked at for every unit of log alpha.
FAR = 2.0
# All samples and features are looked at so many times at most.
PASSES = 20
# If so many events happen at one point, then they are a cycle.
STILL = 100
# If a system has more unknowns, then the way ends, because solving it takes too long.
LARGEST = 400


class Problem(NamedTuple):
    """min over w, b of sum_i s_i phi(t_i) + alpha sum_j (lasso_j |w_j| + bend_j w_j^2 / 2), t = Z w + c b + d.

    Attributes
    ----------
    Z : ndarray of shape (n, p)
        Columns of about unit size, so that coefficients compare with t.
    c, d, weight : ndarray of shape (n,)
        Signs, shifts and weights s > 0.
    kinks, slopes : ndarray of shape (m,), (m + 1,)
        Where phi bends, and its slopes between.
    lasso, bend : ndarray of shape (p,)
    intercept : bool
        Whether there is a b.
    """

    Z: Array
    c: Array
    d: Array
    weight: Array
    kinks: Array
    slopes: Array
    lasso: Array
    bend: Array
    intercept: bool


class Homotopy:
    """A solution that moves along alpha.

    The samples on a kink and the coefficients off theirs turn the optimality conditions into a linear system. From a
    solution at one alpha to that of the system at another leads a straight line, on which all conditions hold until a
    sample reaches a kink or leaves one, or a coefficient reaches 0 or leaves it: an event, after which there is a new
    system. What remains of earlier mistakes (rounding, events too far off to be looked for) counts as a change of the
    data that the next pass undoes.

    An event costs a system in the samples on a kink, and in the coefficients off theirs where the penalty is linear.

    References
    ----------
    Hastie, Rosset, Tibshirani, Zhu, "The entire regularization path for the support vector machine", JMLR 5, 2004; Li,
    Zhu, "L1-norm quantile regression", J. Computational and Graphical Statistics 17(1), 2008; Ferreau, Kirches,
    Potschka, Bock, Diehl, "qpOASES: a parametric active-set algorithm for quadratic programming", Mathematical
    Programming Computation 6(4), 2014.
    """

    def __init__(self, problem: Problem, w: Array, b: float, v: Array, alpha: float):
        """Start at a solution, or near one; v are the slopes of phi there."""
        kinks, slopes = problem.kinks, problem.slopes
        left = np.clip(np.searchsorted(slopes, v, side="right") - 1, 0, len(kinks) - 1)  # the kink whose slopes hold v
        share = (v - slopes[left]) / (slopes[left + 1] - slopes[left])
        self.problem = problem
        self.w, self.b, self.alpha = w.copy(), b, alpha
        self.arrived = False  # at a solution
        self.sign = np.where(problem.lasso > 0, np.sign(w), 0.0)
        self.free = (w != 0) | (problem.lasso == 0)
        self.piece = left + (share > 0.5)
        self.on = self._independent(np.flatnonzero((share > SLACK) & (share < 1.0 - SLACK)), share)
        self.kink, self.theta = left[self.on], (problem.weight * v)[self.on]

    def _independent(self, on: Array, share: Array) -> Array:
        """Return those of some samples that can be on a kink at once, if possible those amid their slopes."""
        rows = self.problem.Z[on][:, self.free]
        if self.problem.intercept:
            rows = np.column_stack([rows, self.problem.c[on]])
        if not rows.size:
            return on[:0]
        amid = share[on] * (1.0 - share[on])
        R, order = scipy.linalg.qr((amid[:, None] * rows).T, mode="r", pivoting=True)
        size = np.abs(np.diagonal(R))
        return np.sort(on[order[: np.count_nonzero(size > DEPENDENT * size[0])]])

    @property
    def v(self) -> Array:
        """The slopes of phi."""
        v = self.problem.slopes[self.piece]
        v[self.on] = self.theta / self.problem.weight[self.on]
        return v

    def move(self, alpha: float, most: int) -> int:
        """Go to another alpha, or as far as so many events allow; return how many there were."""
        events = 0
        with np.errstate(all="ignore"):
            for turn in range(PASSES):
                part = self._part(alpha)
                passed, done = part.run(most - events)
                self._adopt(part)
                events += passed
                self.arrived = done and passed == 0 and turn > 0  # and what was lent is paid back
                if self.arrived or not done:
                    break
        return events

    def without(self, i: int) -> Homotopy:
        """Return the same without a sample: near the solution without it."""
        twin, kept, stay = copy(self), np.arange(len(self.piece)) != i, self.on != i
        c, d, weight = (part[kept] for part in (self.problem.c, self.problem.d, self.problem.weight))
        twin.problem = self.problem._replace(Z=self.problem.Z[kept], c=c, d=d, weight=weight)
        twin.on = self.on[stay] - (self.on[stay] > i)
        twin.piece, twin.kink, twin.theta = self.piece[kept], self.kink[stay], self.theta[stay]
        twin.sign, twin.free = self.sign.copy(), self.free.copy()
        return twin

    def _part(self, alpha: float) -> _Part:
        """Return the samples and features that may meet an event on the way to alpha."""
        whole = _Part(self, slice(None), slice(None), alpha)
        rows, columns = whole.near()
        worth = 2 * len(rows) * len(columns) < self.problem.Z.size
        return _Part(self, rows, columns, alpha, whole) if worth else whole

    def _adopt(self, part: _Part) -> None:
        """Take over where a part arrived."""
        self.w = np.zeros(len(self.w))
        self.w[part.columns], self.b, self.alpha = part.w, part.b, part.now
        self.sign[part.columns], self.free[part.columns] = part.sign, part.free
        self.piece[part.rows] = part.piece
        self.on = part.on if isinstance(part.rows, slice) else part.rows[part.on]
        self.kink, self.theta = part.kink, part.theta


class _Part:
    """Some samples and features on the way to an alpha, the other samples keeping to their pieces, the others at 0."""

    def __init__(self, home: Homotopy, rows: Any, columns: Any, end: float, whole: _Part | None = None):
        problem = home.problem
        self.rows, self.columns, self.now, self.end = rows, columns, home.alpha, end
        self.kinks, self.slopes, self.intercept = problem.kinks, problem.slopes, problem.intercept
        self.edges = np.concatenate([[-np.inf], self.kinks, [np.inf]])  # of the pieces
        self.Z = problem.Z[rows][:, columns]
        self.c, self.d, self.weight = problem.c[rows], problem.d[rows], problem.weight[rows]
        self.lasso, self.bend = problem.lasso[columns], problem.bend[columns]
        self.w, self.b, self.theta = home.w[columns].copy(), home.b, home.theta
        self.sign, self.free = home.sign[columns].copy(), home.free[columns].copy()
        self.on, self.kink = home.on if whole is None else np.searchsorted(rows, home.on), home.kink
        self.piece = home.piece[rows].copy()
        self.fixed = self.weight * self.slopes[self.piece]  # of the samples off the kinks
        self.fixed[self.on] = 0.0
        self.low, self.high = self.edges[self.piece], self.edges[self.piece + 1]
        self.pull: Array  # gradient, and its sum, of the samples off the kinks
        self.t: Array
        self.g: Array
        self.total: float
        if whole is None:
            self._measure()
        else:
            self.pull, self.total = whole.pull[columns], float(whole.total)
            self.t, self.g = whole.t[rows], whole.g[columns]
        self.low[self.on], self.high[self.on] = -np.inf, np.inf
        self._lend()

    def _measure(self) -> None:
        """Compute the gradients and scores, which may be off their pieces by what a change of the data explains."""
        self.pull, self.total = self.fixed @ self.Z, float(self.fixed @ self.c)
        self.t = np.clip(self.Z @ self.w + self.c * self.b + self.d, self.low, self.high)
        self.t[self.on] = self.kinks[self.kink]
        bound = self.now * self.lasso
        self.g = np.clip(self.pull + self.theta @ self.Z[self.on], -bound, bound)

    def _lend(self) -> None:
        """Lend some curvature where there is none, about the present point."""
        self.linear, self.bends = bool(self.lasso.any()), bool(np.all(self.bend > 0))
        self._index()
        steep = float(self.slopes[-1] - self.slopes[0])
        self.lent, spread = np.zeros(len(self.w)), float(np.abs(self.t).max(initial=0.0)) or 1.0
        if not self.bends:
            size = float(np.abs(self.w).max(initial=0.0)) or spread  # the columns of Z are of unit size
            slope = self.end * float(self.lasso.max(initial=0.0)) or steep * float((self.weight @ np.abs(self.Z)).max())
            self.lent[self.bend == 0] = LENT * slope / size
        self.lent_b = LENT * steep / spread
        self.centre, self.centre_b = self.w.copy(), self.b

    def _index(self) -> None:
        """Take note of the coefficients that are free."""
        self.index: Any = np.flatnonzero(self.free) if self.linear else slice(None)
        self.unknowns = np.count_nonzero(self.free) + self.intercept

    def near(self) -> tuple[Array, Array]:
        """Return the samples nearest to their kinks and the coefficients nearest to leaving 0."""
        way = np.minimum(self.t - self.low, self.high - self.t)
        way[self.on] = -1.0
        share = max(SHARE, FAR * abs(np.log(self.end / self.now)))
        rows = _least(way, max(FEW, 4 * len(self.on), int(share * len(way)), int(np.count_nonzero(way <= 0))))
        slack = np.where(self.free, -1.0, self.now * self.lasso - np.abs(self.g))
        return rows, _least(slack, max(FEW, 2 * int(np.count_nonzero(self.free))))

    def run(self, most: int) -> tuple[int, bool]:
        """Go towards the end; return the number of events, and whether that was reached.

        It is not after too many events, in a cycle, and where a system has no solution or is too large.
        """
        still, ties = 0, np.count_nonzero((self.t == self.low) | (self.t == self.high))
        for events in range(most + 1):
            size = len(self.on) + (0 if self.bends else self.unknowns)
            target = self._target() if still <= STILL + 2 * ties and size <= LARGEST else None
            if target is None:
                return events, False
            share, event = self._advance(*target)
            if event is None:
                self.now = self.end
                return events, True
            still = 0 if share > 0 else still + 1
            event[0](*event[1:])
        return most, False

    def _target(self) -> tuple[Array, float, Array] | None:
        """Return w, b and theta that solve the system."""
        free = self.index
        H = (self.end * self.bend + self.lent)[free]
        r = (self.lent * self.centre - self.pull - self.end * self.lasso * self.sign)[free]
        self.held = self.Z[self.on]
        level = self.kinks[self.kink] - self.d[self.on]
        c = self.c[self.on] if self.intercept else None
        solve = solve_by_multipliers if self.bends else solve_whole
        total = self.lent_b * self.centre_b - self.total
        found, b, theta = solve(H, self.held[:, free], c, r, total, level, self.lent_b)
        if not math.isfinite(float(theta @ theta + found @ found)):
            return None
        w = np.zeros(len(self.w))
        w[free] = found
        return w, b, theta

    def _advance(self, w: Array, b: float, theta: Array) -> tuple[float, Any]:
        """Go towards the target, to the first event; return the share of the way and the event, None at the end."""
        w_way, t_way, theta_way = w - self.w, self.Z @ w + self.c * b + self.d - self.t, theta - self.theta
        share, event = 1.0, None  # type: float, Any
        i, at = _first(np.where(t_way > 0, self.high, self.low) - self.t, t_way)
        if at < share:
            share, event = at, (self._hit, i, t_way[i] > 0)
        j, at = self._first_to_leave(theta_way)
        if at < share:
            share, event = at, (self._leave, j, theta_way[j] > 0)
        if self.linear:
            j, at = _first(-self.w, np.where(self.sign * w_way < 0, w_way, 0.0))
            if at < share:
                share, event = at, (self._vanish, j)
            g_way = self.pull + theta @ self.held - self.g
            j, at, sign = self._first_to_enter(g_way, (self.end - self.now) * self.lasso)
            if at < share:
                share, event = at, (self._enter, j, sign)
            self.g = self.g + max(share, 0.0) * g_way
        share = max(share, 0.0)
        self.w = self.w + share * w_way
        self.b += share * (b - self.b)
        self.t = self.t + share * t_way
        self.theta = self.theta + share * theta_way
        self.now += share * (self.end - self.now)
        return share, event

    def _first_to_leave(self, way: Array) -> tuple[int, float]:
        """Return the first sample to leave its kink when theta goes that way, and the share at which it does."""
        bound = self.weight[self.on] * self.slopes[self.kink + (way > 0)]
        return _first(bound - self.theta, way)

    def _first_to_enter(self, way: Array, wider: Any) -> tuple[int, float, float]:
        """Return the first coefficient to leave 0 when g goes that way, the share at which it does, and its sign.

        The bounds of g grow wider on the way.
        """
        bound = self.now * self.lasso
        above, up = _first(bound - self.g, np.where(self.free, 0.0, np.maximum(way - wider, 0.0)))
        below, down = _first(bound + self.g, np.where(self.free, 0.0, np.maximum(-way - wider, 0.0)))
        return (above, up, -1.0) if up <= down else (below, down, 1.0)

    def _exchange(self, inward: Callable[[Array], float]) -> None:
        """Find one to give way where the samples on a kink are one too many for the coefficients that are free.

        The multipliers that make up for each other go inwards until a sample leaves its kink, or a coefficient enters.
        """
        if len(self.on) <= self.unknowns:
            return
        B = self.Z[self.on][:, self.free]
        if self.intercept:
            B = np.column_stack([B, self.c[self.on]])
        way = np.linalg.svd(B.T)[2][-1]
        way *= np.sign(inward(way)) or 1.0
        j, share = self._first_to_leave(way)
        event: Any = (self._leave, j, way[j] > 0)
        if self.linear:
            g_way = way @ self.Z[self.on]
            j, at, sign = self._first_to_enter(g_way, 0.0)
            if at < share:
                share, event = at, (self._enter, j, sign)
            self.g = self.g + max(share, 0.0) * g_way
        self.theta = self.theta + max(share, 0.0) * way
        event[0](*event[1:])

    def _hit(self, i: int, up: bool) -> None:
        """Let a sample reach a kink."""
        k = self.piece[i] - (not up)
        self._add_pull(i, -self.fixed[i])
        self.on, self.kink = np.concatenate([self.on, [i]]), np.concatenate([self.kink, [k]])
        self.theta = np.concatenate([self.theta, self.fixed[i : i + 1]])
        self.t[i], self.fixed[i], self.low[i], self.high[i] = self.kinks[k], 0.0, -np.inf, np.inf
        self._exchange(lambda way: way[-1] if up else -way[-1])

    def _leave(self, j: int, up: bool) -> None:
        """Let a sample leave its kink, upwards if its slope grew."""
        i, piece = self.on[j], self.kink[j] + up
        stay = np.arange(len(self.on)) != j
        self.on, self.kink, self.theta = self.on[stay], self.kink[stay], self.theta[stay]
        self.piece[i], self.fixed[i] = piece, self.weight[i] * self.slopes[piece]
        self.low[i], self.high[i] = self.edges[piece], self.edges[piece + 1]
        self._add_pull(i, self.fixed[i])

    def _add_pull(self, i: int, amount: float) -> None:
        self.pull = self.pull + amount * self.Z[i]
        self.total += amount * self.c[i]

    def _enter(self, j: int, sign: float) -> None:
        """Let a coefficient leave 0."""
        self.sign[j], self.free[j] = sign, True
        self._index()

    def _vanish(self, j: int) -> None:
        """Let a coefficient reach 0."""
        sign = self.sign[j]
        self.g[j] = -self.now * self.lasso[j] * sign
        self.w[j] = self.sign[j] = 0.0
        self.free[j] = False
        self._index()
        self._exchange(lambda way: sign * float(way @ self.Z[self.on, j]))


def _first(room: Array, way: Array) -> tuple[int, float]:
    """Return which comes first to the end of its room, and the share of the way at which it does."""
    if not len(way):
        return 0, np.inf
    share = room / way
    share[way == 0] = np.inf
    i = int(share.argmin())
    return i, float(share[i])


def _least(values: Array, count: int) -> Array:
    """Return where the least values are, in order of place."""
    return np.arange(len(values)) if count >= len(values) else np.sort(np.argpartition(values, count)[:count])
