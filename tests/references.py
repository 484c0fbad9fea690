"""Losses, penalties and their optima a second time, by other means: nothing here knows the library's own formulas."""

import numpy as np
from scipy.optimize import LinearConstraint, OptimizeResult, linprog
from scipy.optimize import minimize as scipy_minimize
from scipy.special import logsumexp

LOSS_VALUES = {  # per sample, of the hyper-parameters, the target and the score
    "SquaredError": lambda p, y, f: (y - f) ** 2,
    "AbsoluteError": lambda p, y, f: np.abs(y - f),
    "Huber": lambda p, y, f: np.where(
        np.abs(y - f) <= p.delta, 0.5 * (y - f) ** 2, p.delta * (np.abs(y - f) - 0.5 * p.delta)
    ),
    "Quantile": lambda p, y, f: np.where(y > f, p.quantile * (y - f), (1 - p.quantile) * (f - y)),
    "EpsilonInsensitive": lambda p, y, f: np.maximum(np.abs(y - f) - p.epsilon, 0),
    "SquaredEpsilonInsensitive": lambda p, y, f: np.maximum(np.abs(y - f) - p.epsilon, 0) ** 2,
    "Poisson": lambda p, y, f: np.exp(f) - y * f + y * np.log(np.where(y > 0, y, 1)) - y,
    "SquaredMargin": lambda p, y, f: (1 - y * f) ** 2,
    "Hinge": lambda p, y, f: np.maximum(1 - y * f, 0),
    "SquaredHinge": lambda p, y, f: np.maximum(1 - y * f, 0) ** 2,
    "Logistic": lambda p, y, f: np.logaddexp(0, -y * f) / np.log(2),
    "CrossEntropy": lambda p, y, f: np.logaddexp(0, -y * f),
    "Softmax": lambda p, y, f: logsumexp(f, axis=1) - f[np.arange(len(y)), y.astype(int)],
}
PIECES = {  # of the losses that are maxima of affine functions a f + c of the score: every a and c
    "AbsoluteError": lambda p, y: [(-1, y), (1, -y)],
    "Quantile": lambda p, y: [(-p.quantile, p.quantile * y), (1 - p.quantile, (p.quantile - 1) * y)],
    "EpsilonInsensitive": lambda p, y: [(0, 0), (-1, y - p.epsilon), (1, -y - p.epsilon)],
    "Hinge": lambda p, y: [(0, 0), (-y, 1)],
}
PENALTY_VALUES = {  # of the hyper-parameters and the coefficients
    "NoPenalty": lambda p, W: 0.0,
    "L2": lambda p, W: 0.5 * np.sum(W**2),
    "L2Norm": lambda p, W: np.sqrt(np.sum(W**2)),
    "L1": lambda p, W: np.sum(weights_of(p, len(W)) @ np.abs(W)),
    "ElasticNet": lambda p, W: p.l1_ratio * np.sum(np.abs(W)) + (1 - p.l1_ratio) * 0.5 * np.sum(W**2),
    "GroupLasso": lambda p, W: sum(
        weight * np.sqrt(np.sum(W[np.asarray(p.groups) == label] ** 2, axis=0)).sum()
        for label, weight in zip(np.unique(p.groups), group_weights(p), strict=True)
    ),
}


def weights_of(l1, p):
    return np.ones(p) if l1.weights is None else np.asarray(l1.weights)


def group_weights(lasso):
    return np.sqrt(np.unique(lasso.groups, return_counts=True)[1]) if lasso.weights is None else lasso.weights


def loss_value(loss, y, eta):
    return LOSS_VALUES[type(loss).__name__](loss, y, eta)


def penalty_value(penalty, W):
    return PENALTY_VALUES[type(penalty).__name__](penalty, W)


class Problem:
    """min over W, b of sum_i s_i l(y_i, x_i W + b + offset_i) + alpha Omega(W); W and b as one vector for scipy."""

    def __init__(self, loss, penalty, alpha, X, y, *, weight=None, offset=0.0, intercept=True, n_classes=0):
        weight = np.ones(len(y)) if weight is None else weight
        self.loss, self.penalty, self.alpha, self.X, self.y = loss, penalty, alpha, X, y
        self.weight, self.offset, self.intercept = weight / weight.sum(), offset, intercept
        self.outputs = (n_classes,) if n_classes else ()
        self.size = X.shape[1] * max(1, n_classes)

    def value(self, W, b):
        risk = self.weight @ loss_value(self.loss, self.y, self.X @ W + b + self.offset)
        return risk + self.alpha * penalty_value(self.penalty, W)

    def split(self, v):
        """W and b of the first entries of a vector."""
        count = max(1, *self.outputs, 1)
        b = v[self.size : self.size + count].reshape(self.outputs) if self.intercept else 0.0
        return v[: self.size].reshape(-1, *self.outputs), b

    def optimum(self):
        """The least value, by linear programming where the problem is one, else by SLSQP."""
        name, pieces = type(self.penalty).__name__, type(self.loss).__name__ in PIECES
        absolute = name in ("L1", "NoPenalty") or getattr(self.penalty, "l1_ratio", 0) == 1
        return self._linear() if pieces and absolute else self._smooth(pieces)

    def _inequalities(self):
        """The matrix and the vector of A (w, b) - t <= c, which say that t is at least every piece of the loss."""
        columns = np.hstack([self.X, np.ones((len(self.y), 1))]) if self.intercept else self.X
        rows, limits = [], []
        for slope, constant in PIECES[type(self.loss).__name__](self.loss, self.y):
            slope = np.broadcast_to(slope, self.y.shape)
            rows.append(np.hstack([slope[:, None] * columns, -np.eye(len(self.y))]))
            limits.append(-(slope * self.offset + constant))
        return np.vstack(rows), np.concatenate(limits)

    def _linear(self):
        A, c = self._inequalities()
        p, n = self.size, len(self.y)
        cost = self.alpha * np.array([penalty_value(self.penalty, e) for e in np.eye(p)])
        result = linprog(
            np.concatenate([cost, np.zeros(int(self.intercept)), self.weight, cost]),
            np.hstack([A, -A[:, :p]]),
            c,
            bounds=[(0, None)] * p + [(None, None)] * (self.intercept + n) + [(0, None)] * p,
        )
        assert result.status == 0, result.message
        return result.fun

    def _smooth(self, pieces):
        """Write |w| as w+ + w-, a loss with kinks as a variable t above its pieces; norms are smooth where not 0."""
        p, n = self.size, len(self.y)
        split = hasattr(self.penalty, "l1_ratio") or type(self.penalty).__name__ == "L1"
        main = p + self.intercept * max(1, *self.outputs, 1)
        start = np.concatenate(
            [np.full(p, 0.3), np.zeros(main - p), np.full(pieces * n, 10.0), np.full(split * p, 0.2)]
        )

        def coefficients(v):
            """The coefficients and, as they stand, w+ + w-."""
            minus = v[len(v) - p :] if split else 0.0
            W, b = self.split(np.concatenate([v[:p] - minus, v[p:main]]))
            return W, b, (v[:p] + minus).reshape(W.shape)

        def value(v):
            W, b, size = coefficients(v)
            risk = v[main : main + n] if pieces else loss_value(self.loss, self.y, self.X @ W + b + self.offset)
            penalty = penalty_value(self.penalty, size if split else W)
            if split and hasattr(self.penalty, "l1_ratio"):
                penalty += (1 - self.penalty.l1_ratio) * 0.5 * np.sum(W**2 - size**2)
            return self.weight @ risk + self.alpha * penalty

        constraints = []
        if pieces:
            A, c = self._inequalities()
            minus = np.zeros((len(A), split * p)) - (A[:, :p] if split else 0.0)
            constraints = LinearConstraint(np.hstack([A, minus]), -np.inf, c)
        free = (None, None)
        bounds = [(0, None) if split else free] * p + [free] * (main - p + pieces * n) + [(0, None)] * (split * p)
        result = OptimizeResult(x=start)
        for differences in ("2-point", "3-point"):  # again from where it stopped, with a fresh and better model
            result = scipy_minimize(
                value,
                result.x,
                method="SLSQP",
                jac=differences,
                bounds=bounds,
                constraints=constraints,
                options={"ftol": 1e-15, "maxiter": 1000},
            )
        return value(result.x)


def recedes(loss, X, y, intercept=True):
    """Whether the risk falls for ever along some direction, or to a limit that it does not reach: no minimiser.

    The direction moves no score towards a greater loss, and some score: linear programming finds it. The rows of A are
    the score movements that must be >= 0, those of E the ones that must be 0.
    """
    A = np.hstack([X, np.ones((len(y), 1))]) if intercept else np.array(X)
    E, name = A[:0], type(loss).__name__
    if name in ("Logistic", "CrossEntropy"):
        A = y[:, None] * A
    elif name == "Softmax":
        k = int(y.max()) + 1
        unit = np.eye(k)
        A = np.array(
            [np.kron(a, unit[int(c)] - unit[j]) for a, c in zip(A, y, strict=True) for j in range(k) if j != c]
        )
        E = np.zeros((0, A.shape[1]))
    elif name == "Poisson":
        A, E = -A[y == 0], A[y > 0]
    else:
        return False
    m, d = A.shape
    result = linprog(
        np.concatenate([np.zeros(d), -np.ones(m)]),
        np.hstack([-A, np.eye(m)]),
        np.zeros(m),
        np.hstack([E, np.zeros((len(E), m))]) if len(E) else None,
        np.zeros(len(E)) if len(E) else None,
        bounds=[(None, None)] * d + [(0, 1)] * m,
    )
    assert result.status == 0, result.message
    return bool(result.fun < -0.5)
