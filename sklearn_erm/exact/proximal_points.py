"""The proximal point method: an objective, whatever its kinks, by problems that are smooth in their dual variables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.proximal_dual import ProximalDual, Rows, Steps, times_columns
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.multipliers import Dual, Pair
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.state import State
from sklearn_erm.solvers.augmented_lagrangian import step_at
from sklearn_erm.solvers.linear import solve_positive
from sklearn_erm.solvers.newton import newton

Array = NDArray[Any]

# If dual variables are more, then the method is not used, because factorising their systems takes too long.
ROWS = 1500
# If there are fewer features per sample, then it does not pay for a penalty within bounds.
WIDE = 1.5
# If features are fewer, then it does not pay for one either.
MANY = 300
# If X has more entries, then it is not used, because they are in memory a second time.
ENTRIES = 2**22
# If sizes of columns differ by more, then it is not used, because one step for all coefficients fits too few.
SPREAD = 1e3
# An inner problem is solved to this, relative to how far the scores went.
ACCURACY = 0.1
# If it promises a smaller decrease than this share of its proximal term, then it is solved.
NEGLIGIBLE = 1e-6
# If the decrease is smaller than this, relative to the objective, then rounding hides it.
ROUNDING = 1e-20
# If the loss has no kinks, then the step of the scores is so many times as long, as it bends by itself.
SMOOTH = 1e3
# If an inner problem takes at most so many Newton steps, then the steps grow much.
EASY = 2
# If it takes so many, then the steps stay, and the next problem is around a point beyond its solution.
HARD = 6
# That point is so many times as far as the solution.
RELAXATION = 1.5
# The step of the intercept is so many times as long, because nothing penalises it.
WIDER = 10.0
# Newton's method takes so many steps on a face at most.
FACES = 6
# If a step promises a smaller decrease, relative, then those end.
SETTLED = 1e-12
# If less than this share of the first gradient is left, then they end too.
STATIONARY = 1e-8
# If the next face leaves more than this share of the error, then no other is tried.
BETTER = 0.5


def has_dual_newton(problem: Objective) -> bool:
    """Return whether the proximal point method applies: one prox for the loss, one for the penalty, not many rows."""
    loss, penalty = problem.loss, problem.penalty
    if not problem.samples.here or loss.joint or penalty.rotation_invariant:
        return False
    if not (splits(penalty) or _ends_at_bounds(problem)):
        return False
    parts = penalty.parts()
    known = all(each.has(method) for each in (loss, penalty) for method in ("prox", "prox_derivative"))
    entries = problem.samples.n_samples * problem.samples.n_features
    small = problem.samples.n_samples * problem.n_outputs <= ROWS and entries <= ENTRIES
    squares = problem.samples.squares[problem.samples.squares > 0]
    alike = squares.max(initial=0.0) <= SPREAD**2 * squares.min(initial=np.inf)
    return bool(known and len(parts) == 1 and parts[0].matrix is None and small and alike)


def _ends_at_bounds(problem: Objective) -> bool:
    """Return whether many features end at bounds or between, where working sets of non-zeros stay small for none."""
    free = problem.penalty.unconstrained()
    wide = problem.samples.n_features >= max(WIDE * problem.samples.n_samples, MANY)
    return wide and free is not problem.penalty and (problem.has_kinks or free.smooth)


class ProximalPoints:
    """What the outer loop asks for: the inner problems, and a finish on the face of the penalty that was found.

    The steps grow as the outer loop's step falls from 1. While they stay as they are, because inner problems are hard,
    convergence is linear: then over-relaxation makes it faster.

    References
    ----------
    Eckstein, Bertsekas, "On the Douglas-Rachford splitting method and the proximal point algorithm for maximal monotone
    operators", Mathematical Programming 55, 1992.
    """

    def __init__(self, problem: Objective):
        self.problem = problem
        self.rows = Rows(problem)
        natural = problem.natural_step
        squares = problem.samples.squares
        squares = squares[squares > 0]
        unit = float(np.exp(np.mean(np.log(squares)))) if squares.size else 1.0
        softer = 1.0 if problem.has_kinks else SMOOTH
        self.steps = Steps(softer * natural, natural / unit, WIDER * softer * natural)
        self._last: Any = None
        self._overshoot: Any = 0.0

    def options(self, start: Array, neighbour: OptimizeResult | None) -> dict[str, Any]:
        """Return the options of the outer loop, which begins at the solution at another alpha if there is one."""
        known = None if neighbour is None else neighbour.get("dual")
        u = None if known is None else known.loss
        dual, step = Dual(self.problem.at(start).slopes if u is None else u, None), 1.0
        if neighbour is not None:
            step = step_at(self.problem.error(start, *dual), neighbour.get("steps", [])) or step
        return {"inner": self.inner, "finish": self.finish, "dual": dual, "step": step, "pace": (EASY, HARD)}

    def inner(self, x: Array, dual: Dual, step: float, _accuracy: float, limit: int) -> tuple[OptimizeResult, Dual]:
        """Return the minimiser, roughly, of the objective with a proximal term around x, and its dual variables."""
        problem = self.problem
        steps = Steps(*(each / step for each in self.steps))
        centre = x + self._overshoot
        proximal = ProximalDual(problem, self.rows, centre, steps)
        u = problem.at(x).slopes if dual.loss is None else dual.loss
        theta = (proximal.weight * u.values[self.rows.index]).ravel()
        found = newton(
            proximal.fun,
            theta,
            jac=proximal.jac,
            hess=proximal.hess,
            line=proximal.line,
            stop=proximal.stop(ACCURACY, NEGLIGIBLE, ROUNDING * problem.scale(x)),
            maxiter=limit,
        )
        point = self._last = proximal.at(found.x)
        there = problem.join(point.W, point.b)
        self._overshoot = (RELAXATION - 1.0) * (there - centre) if found.nit > HARD else 0.0
        u = problem.at(there).slopes.values.copy()
        u[self.rows.index] = point.subgradient()
        return OptimizeResult(found, x=there), self._dual(State(u), point.pair())

    def _dual(self, u: State | None, pair: Pair) -> Dual:
        """Return the dual variables, with a subgradient of the whole penalty as one of its only part if that splits."""
        if not splits(self.problem.penalty):
            return Dual(u, None)
        return Dual(u, [Pair(pair.subgradient / self.problem.penalty.parts()[0].factor, pair.point)])

    def finish(self, x: Array, _dual: Dual, most: int) -> OptimizeResult | None:
        """Return the minimiser on the face of the penalty that x is on, if loss and face leave a smooth problem.

        A proximal step from there leads to another face, whose minimiser is sought as long as each is much better.
        """
        problem, point = self.problem, self._last
        if problem.has_kinks or not problem.penalty.polyhedral:
            return None
        step, near = point.dual.steps.coef, _Near(point.coef_shifted, point.pair())
        found, events, least = None, 0, np.inf
        while events < most:
            face = _Face(problem, self.rows, near, problem.alpha * step)
            if face.size >= point.theta.size:
                break
            x, count = face.minimise(x, min(FACES, most - events))
            events += count
            near = nearest(problem, x, problem.alpha * step)
            ended, before = self._dual(None, near.pair), least
            least = problem.error(x, *ended)
            if not least < BETTER * before:
                break
            found = OptimizeResult(x=x, dual=ended, events=events)
            W, b = problem.split(x)
            if np.abs(near.pair.point - W).max(initial=0.0) <= SETTLED * np.abs(W).max(initial=0.0):
                break
            x = problem.join(near.pair.point, b)
        return found


class _Near(NamedTuple):
    """A point, and its prox with the subgradient there: what of the penalty matters near by."""

    shifted: Array
    pair: Pair


class _Face:
    """The directions in which a polyhedral penalty is linear near a point: ties stay ties, zeros stay zeros."""

    def __init__(self, problem: Objective, rows: Rows, near: _Near, step: float):
        self.problem, self.rows = problem, rows
        d, self.U = problem.penalty.prox_derivative(near.shifted, step)
        self.free = np.flatnonzero(d)
        self.slope = problem.alpha * near.pair.subgradient
        tied = 0 if self.U is None else self.U.shape[1]
        self.intercepts = problem.n_outputs * problem.samples.intercept
        self.size = len(self.free) + tied + self.intercepts

    def _onto(self, V: Array) -> Array:
        """Return the products of the directions with V."""
        V = V.ravel()
        return np.concatenate([V[self.free], np.zeros(0) if self.U is None else self.U.T @ V])

    def _scores(self) -> Array:
        """Return the scores of the directions, and of the intercepts."""
        k, columns = self.problem.n_outputs, self.rows.columns
        n = columns.shape[1]
        singles = np.zeros((n, k, len(self.free)))
        singles[:, self.free % k, np.arange(len(self.free))] = columns[self.free // k].T
        parts = [singles.reshape(n * k, -1)]
        if self.U is not None and self.U.shape[1]:
            parts.append(times_columns(columns, self.U, k))
        if self.intercepts:
            parts.append(np.tile(np.eye(k), (n, 1)))
        return np.hstack(parts)

    def minimise(self, x: Array, most: int) -> tuple[Array, int]:
        """Return where Newton's method in these directions leads, the penalty taken as linear, and its steps."""
        problem, A = self.problem, self._scores()
        kept = self.rows.index
        samples = problem.samples.local()
        weight = samples.weight[kept].reshape((-1,) + (1,) * len(problem.shape))
        slope = np.concatenate([self._onto(self.slope), np.zeros(self.intercepts)])
        count, first = 0, 0.0
        while count < most:
            count += 1
            point = problem.at(x)
            g = A.T @ (weight * point.slopes.values[kept]).ravel() + slope
            first = max(first, float(np.linalg.norm(g)))
            if np.linalg.norm(g) <= STATIONARY * first:
                break
            bend = (weight * problem.loss.curvature(samples.y, point.scores.values)[kept]).ravel()
            B = np.sqrt(bend)[:, None] * A
            move = -solve_positive(B.T @ B, g)
            if not np.all(np.isfinite(move)):
                break
            x = self._moved(x, move)
            if -float(g @ move) <= SETTLED * abs(problem.fun(x)):
                break
        return x, count

    def _moved(self, x: Array, move: Array) -> Array:
        W, b = self.problem.split(x)
        change = np.zeros(W.size)
        tied = len(move) - self.intercepts
        change[self.free] = move[: len(self.free)]
        if self.U is not None:
            change += self.U @ move[len(self.free) : tied]
        shift = move[tied:].reshape(b.shape) if self.intercepts else 0.0
        return self.problem.join(W + change.reshape(W.shape), b + shift)


def nearest(problem: Objective, x: Array, step: float) -> _Near:
    """Return a subgradient of the penalty near what the risk asks for, by a proximal step."""
    point = problem.at(x)
    shifted = point.W - step * point.risk_gradient[0] / problem.alpha
    Z = problem.penalty.prox(shifted, step)
    return _Near(shifted, Pair((shifted - Z) / step, Z))
