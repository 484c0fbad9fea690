"""Convex problems once more, as cone programs for Clarabel: every loss and penalty by its epigraph, not by its formula.

An independent optimum, of nearly all digits, with bounds and constraints: nothing here knows the library's own code.
"""

from itertools import pairwise

import clarabel
import numpy as np
from scipy import sparse

from .references import group_weights, slope_weights, weights_of


class Affine:
    """M v + c of the variables v."""

    __array_ufunc__ = None

    def __init__(self, M, c):
        self.M, self.c = M, np.asarray(c, dtype=float)

    def __len__(self):
        return len(self.c)

    def __add__(self, other):
        if not isinstance(other, Affine):
            return Affine(self.M, self.c + other)
        width = max(self.M.shape[1], other.M.shape[1])
        return Affine(widened(self.M, width) + widened(other.M, width), self.c + other.c)

    __radd__ = __add__

    def __neg__(self):
        return -1.0 * self

    def __sub__(self, other):
        return self + (-other)

    def __rsub__(self, other):
        return -self + other

    def __rmul__(self, factor):
        factor = np.broadcast_to(np.asarray(factor, dtype=float), len(self))
        return Affine(sparse.diags_array(factor) @ self.M, factor * self.c)

    def __rmatmul__(self, matrix):
        matrix = np.atleast_2d(matrix.toarray() if sparse.issparse(matrix) else matrix)
        return Affine(sparse.csr_array(matrix @ self.M.toarray()), matrix @ self.c)

    def __getitem__(self, index):
        index = np.atleast_1d(np.arange(len(self))[index])
        return Affine(self.M[index], self.c[index])

    def sum(self):
        return np.ones((1, len(self))) @ self


def widened(M, width):
    return sparse.csr_array((M.data, M.indices, M.indptr), shape=(M.shape[0], width))


def stacked(parts):
    width = max(part.M.shape[1] for part in parts)
    M = sparse.vstack([widened(part.M, width) for part in parts], format="csr")
    return Affine(M, np.concatenate([part.c for part in parts]))


class Model:
    """min of an affine function over cones."""

    def __init__(self):
        self.size, self.cones, self.rows = 0, [], []

    def variable(self, count):
        M = sparse.csr_array((np.ones(count), (np.arange(count), self.size + np.arange(count))))
        self.size += count
        return Affine(widened(sparse.csr_array(M), self.size), np.zeros(count))

    def require(self, cone, *parts):
        self.cones.append(cone)
        self.rows.append(stacked(parts))

    def at_least_zero(self, *parts):
        self.require(clarabel.NonnegativeConeT(sum(map(len, parts))), *parts)

    def zero(self, part):
        self.require(clarabel.ZeroConeT(len(part)), part)

    def positive(self, part):
        """The positive part, for a cost that rises in it."""
        v = self.variable(len(part))
        self.at_least_zero(v, v - part)
        return v

    def absolute(self, part):
        v = self.variable(len(part))
        self.at_least_zero(v - part, v + part)
        return v

    def length(self, part):
        t = self.variable(1)
        self.require(clarabel.SecondOrderConeT(1 + len(part)), t, part)
        return t

    def square(self, part):
        """t >= r^2 is |(2 r, t - 1)| <= t + 1."""
        t = self.variable(len(part))
        for i in range(len(part)):
            self.require(clarabel.SecondOrderConeT(3), t[i] + 1.0, 2.0 * part[i], t[i] - 1.0)
        return t

    def exp(self, part):
        t = self.variable(len(part))
        for i in range(len(part)):
            self.require(clarabel.ExponentialConeT(), part[i], Affine(0.0 * part[i].M, [1.0]), t[i])
        return t

    def log_sum_exp(self, parts):
        t = self.variable(len(parts[0]))
        total = sum((self.exp(part - t) for part in parts[1:]), self.exp(parts[0] - t))
        self.at_least_zero(1.0 - total)
        return t

    def largest(self, parts):
        t = self.variable(len(parts[0]))
        self.at_least_zero(*[t - part for part in parts])
        return t

    def top(self, part, count):
        """The sum of the largest entries: min over q of count q + sum (a - q)^+."""
        q = self.variable(1)
        return float(count) * q + self.positive(part - np.ones((len(part), 1)) @ q).sum()

    def least(self, cost):
        """The least value of a cost, and the variables there."""
        whole = stacked([cost, *self.rows])
        M = widened(whole.M, self.size)
        settings = clarabel.DefaultSettings()
        settings.verbose = False
        for name in ("tol_gap_abs", "tol_gap_rel", "tol_feas"):
            setattr(settings, name, 1e-10)
        empty = sparse.csc_matrix((self.size, self.size))
        A, q = sparse.csc_matrix(-M[1:]), M[[0]].toarray()[0]
        solution = clarabel.DefaultSolver(empty, q, A, whole.c[1:], self.cones, settings).solve()
        assert str(solution.status) in ("Solved", "AlmostSolved"), solution.status
        return solution.obj_val + whole.c[0], np.array(solution.x)


def tweedie(m, p, y, f):
    constant = np.where(y > 0, y, 0.0) ** (2 - p) / ((1 - p) * (2 - p))
    return y / (p - 1) * m.exp((1 - p) * f) + 1 / (2 - p) * m.exp((2 - p) * f) + constant


def softened(m, part, width, factor):
    """min over 0 <= u, v with u + v >= part of u^2 factor + 2 width factor v: the Huber function of one side."""
    u, v = m.variable(len(part)), m.variable(len(part))
    m.at_least_zero(u, v, u + v - part)
    return factor * m.square(u) + 2.0 * width * factor * v


def picked(f, y):
    """The score of each sample's class."""
    return sum((1.0 * (y == j) * part for j, part in enumerate(f[1:], 1)), 1.0 * (y == 0) * f[0])


def multi_quantile(m, p, y, f):
    if p.non_crossing:
        m.at_least_zero(*[upper - lower for lower, upper in pairwise(f)])
    each = [q * m.positive(y - part) + (1 - q) * m.positive(part - y) for q, part in zip(p.quantiles, f, strict=True)]
    return sum(each[1:], each[0])


LOSSES = {  # model, hyper-parameters, y, scores (a list of columns for a joint loss) -> upper bounds, least at the loss
    "SquaredError": lambda m, p, y, f: m.square(y - f),
    "AbsoluteError": lambda m, p, y, f: m.absolute(y - f),
    "Huber": lambda m, p, y, f: softened(m, m.absolute(y - f), p.delta * p.scale, 0.5),
    "Quantile": lambda m, p, y, f: p.quantile * m.positive(y - f) + (1 - p.quantile) * m.positive(f - y),
    "MultiQuantile": multi_quantile,
    "Expectile": lambda m, p, y, f: (
        p.expectile * m.square(m.positive(y - f)) + (1 - p.expectile) * m.square(m.positive(f - y))
    ),
    "LogCosh": lambda m, p, y, f: m.log_sum_exp([y - f, f - y]) - np.log(2),
    "EpsilonInsensitive": lambda m, p, y, f: m.positive(m.absolute(y - f) - p.epsilon),
    "SquaredEpsilonInsensitive": lambda m, p, y, f: m.square(m.positive(m.absolute(y - f) - p.epsilon)),
    "Poisson": lambda m, p, y, f: m.exp(f) - y * f + (y * np.log(np.where(y > 0, y, 1.0)) - y),
    "Gamma": lambda m, p, y, f: y * m.exp(-f) + f - (np.log(y) + 1.0),
    "Tweedie": lambda m, p, y, f: tweedie(m, p.power, y, f),
    "SquaredMargin": lambda m, p, y, f: m.square(1.0 - y * f),
    "Hinge": lambda m, p, y, f: m.positive(1.0 - y * f),
    "SquaredHinge": lambda m, p, y, f: m.square(m.positive(1.0 - y * f)),
    "SmoothedHinge": lambda m, p, y, f: softened(m, 1.0 - y * f, p.delta, 0.5 / p.delta),
    "ModifiedHuber": lambda m, p, y, f: softened(m, 1.0 - y * f, 2.0, 1.0),
    "Exponential": lambda m, p, y, f: m.exp(-y * f),
    "Logistic": lambda m, p, y, f: 1 / np.log(2) * m.log_sum_exp([-y * f, 0.0 * f]),
    "CrossEntropy": lambda m, p, y, f: m.log_sum_exp([-y * f, 0.0 * f]),
    "CrammerSinger": lambda m, p, y, f: m.largest([part + 1.0 * (y != j) for j, part in enumerate(f)]) - picked(f, y),
    "Softmax": lambda m, p, y, f: m.log_sum_exp(f) - picked(f, y),
}


def quadratic(m, p, W):
    P = np.linalg.inv(p.covariance) if p.precision is None else p.precision
    P = np.eye(len(W[0])) if P is None else P.toarray() if sparse.issparse(P) else np.asarray(P)
    values, vectors = np.linalg.eigh(P)
    root = (vectors * np.sqrt(np.maximum(values, 0.0))).T
    return 0.5 * m.square(stacked([root @ (w - p.mean) for w in W])).sum()


def ridge(m, W, weights):
    return 0.5 * stacked([weights * m.square(w) for w in W]).sum()


def lasso(m, W, weights=1.0):
    return stacked([weights * m.absolute(w) for w in W]).sum()


def group_lasso(m, p, W):
    total = 0.0 * W[0][0]
    for label, weight in zip(np.unique(p.groups), group_weights(p), strict=True):
        parts = [w[np.asarray(p.groups) == label] for w in W]
        for part in [stacked(parts)] if p.multi_task else parts:
            total = total + weight * m.length(part)
    return total


def multi_task(m, p, W):
    rows = [weight * m.length(stacked([w[j] for w in W])) for j, weight in enumerate(weights_of(p, len(W[0])))]
    return sum(rows[1:], rows[0])


def nuclear(m, W):
    """The least (tr U + tr V) / 2 over positive semidefinite [[U, W], [W', V]]; upper triangle, column by column."""
    p, k = len(W[0]), len(W)
    upper = [(i, j) for j in range(p + k) for i in range(j + 1)]
    free = m.variable(len(upper))
    entries, trace = [], []
    for number, (i, j) in enumerate(upper):
        entry = W[j - p][i] if i < p <= j else free[number]
        entries.append((1.0 if i == j else np.sqrt(2.0)) * entry)
        trace += [free[number]] * (i == j)
    m.require(clarabel.PSDTriangleConeT(p + k), *entries)
    return 0.5 * stacked(trace).sum()


def slope(m, p, W):
    size = m.absolute(stacked(W))
    count = len(size)
    weights = slope_weights(p, count)
    falls = weights - np.append(weights[1:], 0.0)
    each = [fall * m.top(size, j + 1) for j, fall in enumerate(falls)]
    return sum(each[1:], each[0])


def mixed(ratio, first, second):
    return ratio * first + (1 - ratio) * second


PENALTIES = {  # model, hyper-parameters, list of columns of W -> an upper bound, least at the penalty
    "NoPenalty": lambda m, p, W: 0.0 * W[0][0],
    "L2": lambda m, p, W: ridge(m, W, weights_of(p, len(W[0]))),
    "L2Norm": lambda m, p, W: m.length(stacked(W)),
    "Tikhonov": quadratic,
    "L1": lambda m, p, W: lasso(m, W, weights_of(p, len(W[0]))),
    "ElasticNet": lambda m, p, W: mixed(p.l1_ratio, *[term(m, W, weights_of(p, len(W[0]))) for term in (lasso, ridge)]),
    "GroupLasso": group_lasso,
    "SparseGroupLasso": lambda m, p, W: mixed(p.l1_ratio, lasso(m, W), group_lasso(m, p, W)),
    "MultiTaskLasso": multi_task,
    "Nuclear": lambda m, p, W: nuclear(m, W),
    "SLOPE": slope,
    "LInf": lambda m, p, W: m.top(m.absolute(stacked(W)), 1),
    "Fused": lambda m, p, W: mixed(p.l1_ratio, lasso(m, W), lasso(m, [w[1:] - w[:-1] for w in W])),
    "Scaled": lambda m, p, W: p.factor * penalty_bound(m, p.penalty, W),
    "Sum": lambda m, p, W: sum((penalty_bound(m, each, W) for each in p.penalties), 0.0 * W[0][0]),
}


def penalty_bound(m, penalty, W):
    return PENALTIES[type(penalty).__name__](m, penalty, W)


def optimum(loss, penalty, alpha, X, y, *, weight=None, offset=None, intercept=True, k=1, low=None, rows=None):
    """The least value, W (p, k) and b (k,); ``low`` bounds W from below, ``rows`` = (A, lb, ub) every output."""
    weight = np.ones(len(y)) if weight is None else weight
    heard = weight > 0  # a loss that is infinite somewhere asks nothing of the others
    X, y, weight, offset = X[heard], y[heard], weight[heard], None if offset is None else offset[heard]
    m, (n, p) = Model(), X.shape
    columns = [np.zeros(n)] * k if offset is None else list(np.reshape(offset, (n, k)).T)
    epigraph = LOSSES[type(loss).__name__]
    W, b = [m.variable(p) for _ in range(k)], [m.variable(1) for _ in range(k)]
    if not intercept:
        m.zero(stacked(b))
    eta = [X @ w + np.ones((n, 1)) @ c + shift for w, c, shift in zip(W, b, columns, strict=True)]
    each = (
        [epigraph(m, loss, y, eta)]
        if loss.joint
        else [epigraph(m, loss, target, score) for target, score in zip(np.reshape(y, (n, k)).T, eta, strict=True)]
    )
    risk = (weight / weight.sum())[None, :] @ sum(each[1:], each[0])
    for w in W:
        if low is not None:
            m.at_least_zero(w - low)
        if rows is not None:
            A, lb, ub = rows
            m.at_least_zero(A @ w - lb, ub - A @ w)
    value, v = m.least(risk + alpha * penalty_bound(m, penalty, W))
    return value, v[: p * k].reshape(k, p).T, v[p * k : (p + 1) * k]
