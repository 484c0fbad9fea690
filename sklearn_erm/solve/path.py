"""Paths: one problem at one alpha after another, each solved from where the last ones ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import OptimizeResult

from sklearn_erm.exact.carrier import Carrier, carries
from sklearn_erm.penalties import NoPenalty, Penalty
from sklearn_erm.problem.carried import Carried
from sklearn_erm.problem.objective import Objective
from sklearn_erm.problem.point import inside
from sklearn_erm.problem.reduced import column_space_pays, in_column_space, in_row_space, row_space_pays
from sklearn_erm.solve.minimize import minimize
from sklearn_erm.solve.start import lifted

Array = NDArray[Any]
Term = tuple[Penalty, float]

# The largest alpha is found by so many problems at most, because each brings it much nearer.
ROUNDS = 30
# They are solved to this gap, because the largest alpha is wanted to the same accuracy.
EXACT = 1e-9
# If the risk falls by less than this, relatively, then it counts as not fallen, because that may be rounding.
ROUNDING = 1e-9
# The fall of the risk over the penalty is computed at these shares of the way from the null model to a minimiser: at
# the end, and near the start, because it is larger there if the penalty grows faster than in proportion.
SHARES_OF_WAY = (1.0, 1e-2)
# The slope of the penalty at 0 is its value at this multiple of W, divided by it.
NEAR = 1e-9
# If max_iter is not given, then the way from one alpha to another has so many events at most.
MOST = 1000
# If a problem at an alpha below this share of the largest gradient leaves the risk as it is, then every alpha does.
LEAST = 1e-8
# If alpha is this multiple of the largest gradient, then it leaves penalised coefficients at 0, if any alpha does.
HUGE = 1e4
# If a smooth penalty has this multiple of the risk's curvature, then coefficients are small. A path begins there,
# because no alpha makes them 0.
STRONG = 10.0


def follow(
    problem: Objective,
    terms: Sequence[Term],
    settle: Callable[[Objective, Term], Objective] | None = None,
    **options: Any,
) -> Iterator[tuple[Objective, OptimizeResult]]:
    """Minimise at each penalty and alpha in turn.

    Each problem starts where the line through the last two solutions leads, if that is better than the last one, and
    with the last multipliers; a piecewise linear loss where its solution is carried, event by event. What is not convex
    starts from the null model instead, as it would alone: which minimum is found depends on the start. Where the same
    problem has a smaller form, in the row space or, of a square loss, in the column space, that is found once, and its
    solutions are certified on the whole data.

    Parameters
    ----------
    problem : Objective
        Loss, data, weights; its own penalty and alpha do not matter.
    terms : list of (penalty, alpha)
        In the order in which to solve.
    settle : callable or None
        (problem, term) -> the problem to solve there in its place, such as the same with another scale of the loss;
        the problem itself if there is no other.
    **options
        Of ``minimize``: ``solver``, ``tol``, ``max_iter``.

    Yields
    ------
    problem : Objective
        At that penalty and alpha.
    result : OptimizeResult
        With its certificate.
    """
    reduced, trail, carried, carried_small = None, _Trail(), Carried(along=True), Carried(along=True)
    for number, (penalty, alpha) in enumerate(terms):
        here = problem if settle is None else settle(problem, (penalty, alpha))
        if here is problem:
            if number == 0 and len(terms) > 1:
                reduced = _reduced(problem.at_alpha(penalty, alpha))
            here = problem = problem.at_alpha(penalty, alpha, carried)  # from the last one, whose scores are at hand
        if not (here.loss.convex and here.penalty.convex):
            yield here, minimize(here, **options)
        elif reduced is None:
            yield here, trail.extended(here, alpha, options)
        else:
            reduced = reduced[0].at_alpha(penalty, alpha, carried_small), reduced[1]
            found = trail.extended(reduced[0], alpha, options)
            result = minimize(here, neighbour=lifted(found, reduced[1]), **options)
            result.nit += found.nit
            yield here, result


def _reduced(problem: Objective) -> tuple[Objective, Callable[[Array], Array]] | None:
    """Return a smaller form of the problem and the map back, if there is one."""
    if row_space_pays(problem):
        return in_row_space(problem)
    return in_column_space(problem) if column_space_pays(problem) else None


class _Trail:
    """The last two solutions, and where they lead."""

    def __init__(self) -> None:
        self._solved: list[tuple[float, OptimizeResult]] = []
        self._carrier: Carrier | None = None

    def extended(self, problem: Objective, alpha: float, options: dict[str, Any]) -> OptimizeResult:
        """Return the solution at one more alpha."""
        start = self._start(problem, alpha, **options)
        result = minimize(problem, neighbour=start, **options)
        result.nit += 0 if start is None else start.get("events", 0)
        if not result.success and self._solved:
            result = min(result, minimize(problem, **options), key=lambda each: each.certificate.error)
        self._solved = [*self._solved[-1:], (alpha, result)]
        return result

    def _start(
        self, problem: Objective, alpha: float, *, solver: Any = "auto", max_iter: int = MOST, **_: Any
    ) -> OptimizeResult | None:
        if not self._solved:
            return None
        now, last = self._solved[-1]
        if solver == "auto" and carries(problem):
            self._carrier = self._carrier or Carrier(problem)
            return self._carrier.carry(problem, last, now, max_iter)
        if len(self._solved) < 2 or min(alpha, *(a for a, _ in self._solved)) <= 0 or problem.has_kinks:
            return last
        here = problem.fun(last.x)
        ahead = self._ahead(problem, alpha)
        return OptimizeResult(last, x=ahead) if problem.fun(ahead) < here else last

    def _ahead(self, problem: Objective, alpha: float) -> Array:
        """Return the point on the line through the last two solutions, over log alpha; zeros stay zero."""
        (before, older), (now, last) = self._solved
        if before == now:
            return last.x
        x = last.x + np.log(alpha / now) / np.log(now / before) * (last.x - older.x)
        if not problem.penalty.smooth:
            W, old = problem.split(x)[0], problem.split(last.x)[0]
            W[np.sign(W) != np.sign(old)] = 0.0
        return inside(problem, x)


def alpha_max(problem: Objective, penalty: Penalty) -> float:
    """Return the smallest alpha at which all penalised coefficients are zero.

    From the gradient of a smooth loss at the null model (in the penalised coefficients; the others are fitted), by the
    penalty's ``critical_alpha``. Otherwise it is the largest (R(null) - R(W, b)) / Omega(W), R the risk, which problems
    at rising alpha find: the minimiser at one gives the next. Where no alpha is large enough, the penalty being smooth,
    it is the alpha at which its curvature is ten times that of the risk along all features together.

    References
    ----------
    Dinkelbach, "On nonlinear fractional programming", Management Science 13(7), 1967.
    """
    free = penalty.unconstrained()
    if free.smooth:
        return STRONG * _curvature_ratio(problem, free)
    null = _penalised_null(problem, penalty)
    known = penalty if penalty.has("critical_alpha") else free
    largest = np.inf
    if known.has("critical_alpha"):
        largest = float(known.critical_alpha(known.penalised(problem.at(null).risk_gradient[0])))
    if np.isfinite(largest) and (not problem.loss.convex or (problem.loss.smooth and known is penalty)):
        return largest
    return _largest_ratio(problem, penalty, null)


def grid(largest: float, count: int, share: float) -> Array:
    """Return alphas that fall geometrically from the largest to a share of it."""
    return np.geomspace(largest, share * largest, count) if count > 1 else np.array([largest])


def _penalised_null(problem: Objective, penalty: Penalty) -> Array:
    """Return the best point that costs no penalty: the null model, where every direction is penalised."""
    free = penalty.unconstrained()
    at_zero = penalty.value(problem.split(problem.null)[0])
    if not penalty.convex or (free.coercive and np.isfinite(at_zero)):
        return problem.null
    zeros = np.zeros((problem.samples.n_features, *problem.shape))
    index = np.flatnonzero(penalty.unpenalised(zeros).reshape(len(zeros), -1).any(axis=1))
    if len(index) and penalty is free:
        small = problem.with_columns(index).at_alpha(NoPenalty(), 0.0)
        return problem.adopt(small, minimize(small, tol=EXACT).x, index)
    steepest = float(problem.gradient_scale.max(initial=0.0)) or 1.0
    return np.asarray(minimize(problem.at_alpha(penalty, HUGE * steepest), tol=EXACT).x)


def _curvature_ratio(problem: Objective, penalty: Penalty) -> float:
    """Return the curvature of the risk at the null model, all features together, over the penalty's mean one."""
    smooth = problem.has_curvature and not problem.has_kinks
    typical = problem.risk_hess(problem.null).typical if smooth else 1.0 / problem.natural_step
    own = float(np.mean(penalty.curvature(np.zeros((problem.samples.n_features, *problem.shape))).ridge()))
    return typical * float(problem.samples.squares.sum()) / (own if own > 0 else 1.0)


def _largest_ratio(problem: Objective, penalty: Penalty, null: Array) -> float:
    """Return the supremum of (R(null) - R(x)) / Omega(W), rounded up; 0 if nothing can be gained.

    Where R(null) is infinite, it is the largest gradient that the risk may have.

    The minimiser at an alpha below it gives a larger ratio; points on the way to it even larger ones, if the penalty
    grows faster than in proportion.
    """
    none = problem.at(null).risk
    noise = (ROUNDING if null is problem.null else 10 * EXACT) * abs(none)
    slope = float(np.linalg.norm(problem.gradient_scale)) or 1.0
    if np.isinf(none):  # no alpha makes all coefficients 0, because there the loss is infinite
        return slope
    alpha, found, trail, carried = slope, 0.0, _Trail(), Carried(along=True)
    for _ in range(ROUNDS):
        result = trail.extended(problem.at_alpha(penalty, alpha, carried), alpha, {"tol": EXACT})
        ratio = max(_ratio(problem, penalty, null, result.x, t, none, noise) for t in SHARES_OF_WAY)
        if found and ratio <= (1.0 + EXACT) * found:
            return (1.0 + 10.0 * EXACT) * found
        if not ratio and alpha < LEAST * slope:
            return 0.0
        found = ratio
        alpha = found or 1e-2 * alpha
    return (1.0 + 10.0 * EXACT) * found


def _ratio(problem: Objective, penalty: Penalty, null: Array, x: Array, t: float, none: float, noise: float) -> float:
    """Return the fall of the risk on a share t of the way from null to x, over t times the slope of Omega at 0.

    It is 0 where the fall may be noise. Both are convex: no ratio is above the supremum.
    """
    W = problem.split(x)[0]
    fall, slope = none - problem.at(null + t * (x - null)).risk, float(penalty.value(NEAR * W)) / NEAR
    if not np.isfinite(slope):  # constraints do not let W come near 0
        slope = float(penalty.value(W))
    return fall / (t * slope) if fall > noise and 0 < slope < np.inf else 0.0
