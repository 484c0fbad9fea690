"""Losses, penalties and their optima a second time, by other means: nothing here knows the library's own formulas."""

from itertools import product

import numpy as np
from scipy.optimize import linprog
from scipy.special import logsumexp
from scipy.stats import norm
from sklearn.metrics import mean_tweedie_deviance


def deviance(power, y, f):
    """Half the unit deviance in e^f, as scikit-learn has it: the mean over one sample."""
    means = np.exp(np.broadcast_to(f, np.shape(y)))
    return np.array([0.5 * mean_tweedie_deviance([t], [m], power=power) for t, m in zip(y, means, strict=True)])


LOSS_VALUES = {  # per sample, of the hyper-parameters, the target and the score
    "SquaredError": lambda p, y, f: (y - f) ** 2,
    "AbsoluteError": lambda p, y, f: np.abs(y - f),
    "Huber": lambda p, y, f: np.where(
        np.abs(y - f) <= p.delta * p.scale,
        0.5 * (y - f) ** 2,
        p.delta * p.scale * (np.abs(y - f) - 0.5 * p.delta * p.scale),
    ),
    "Quantile": lambda p, y, f: np.where(y > f, p.quantile * (y - f), (1 - p.quantile) * (f - y)),
    "EpsilonInsensitive": lambda p, y, f: np.maximum(np.abs(y - f) - p.epsilon, 0),
    "SquaredEpsilonInsensitive": lambda p, y, f: np.maximum(np.abs(y - f) - p.epsilon, 0) ** 2,
    "MultiQuantile": lambda p, y, f: sum(
        np.where(y > f[:, j], q * (y - f[:, j]), (1 - q) * (f[:, j] - y)) for j, q in enumerate(p.quantiles)
    ),
    "Expectile": lambda p, y, f: np.where(y > f, p.expectile, 1 - p.expectile) * (y - f) ** 2,
    "LogCosh": lambda p, y, f: np.logaddexp(y - f, f - y) - np.log(2),
    "Gamma": lambda p, y, f: deviance(2, y, f),
    "InverseGaussian": lambda p, y, f: deviance(3, y, f),
    "Tweedie": lambda p, y, f: deviance(p.power, y, f),
    "Poisson": lambda p, y, f: np.exp(f) - y * f + y * np.log(np.where(y > 0, y, 1)) - y,
    "SquaredMargin": lambda p, y, f: (1 - y * f) ** 2,
    "Hinge": lambda p, y, f: np.maximum(1 - y * f, 0),
    "SquaredHinge": lambda p, y, f: np.maximum(1 - y * f, 0) ** 2,
    "SmoothedHinge": lambda p, y, f: np.where(
        y * f < 1 - p.delta, 1 - y * f - p.delta / 2, np.maximum(1 - y * f, 0) ** 2 / (2 * p.delta)
    ),
    "ModifiedHuber": lambda p, y, f: np.where(y * f >= -1, np.maximum(1 - y * f, 0) ** 2, -4 * y * f),
    "Exponential": lambda p, y, f: np.exp(-y * f),
    "Logistic": lambda p, y, f: np.logaddexp(0, -y * f) / np.log(2),
    "CrossEntropy": lambda p, y, f: np.logaddexp(0, -y * f),
    "CrammerSinger": lambda p, y, f: (
        np.max(f + (np.arange(f.shape[1]) != np.reshape(y, (-1, 1))), axis=1) - f[np.arange(len(y)), y.astype(int)]
    ),
    "Softmax": lambda p, y, f: logsumexp(f, axis=1) - f[np.arange(len(y)), y.astype(int)],
}
JOINT_PIECES = {  # of joint losses that are maxima of affine functions a f + c of the scores: every a, (n, k), and c
    "CrammerSinger": lambda p, y, k: [
        (np.eye(k)[np.full(len(y), j)] - np.eye(k)[y.astype(int)], 1.0 * (y != j)) for j in range(k)
    ],
    "MultiQuantile": lambda p, y, k: [
        (np.tile(side - np.array(p.quantiles), (len(y), 1)), y * (np.sum(p.quantiles) - np.sum(side)))
        for side in product((0, 1), repeat=len(p.quantiles))
    ],
}
PENALTY_VALUES = {  # of the hyper-parameters and the coefficients
    "NoPenalty": lambda p, W: 0.0,
    "L2": lambda p, W: 0.5 * np.sum(weights_of(p, len(W)) @ W**2),
    "L2Norm": lambda p, W: np.sqrt(np.sum(W**2)),
    "L1": lambda p, W: np.sum(weights_of(p, len(W)) @ np.abs(W)),
    "ElasticNet": lambda p, W: p.l1_ratio * np.sum(np.abs(W)) + (1 - p.l1_ratio) * 0.5 * np.sum(W**2),
    "Tikhonov": lambda p, W: 0.5 * np.vdot((W.T - p.mean).T, p.precision @ (W.T - p.mean).T),
    "GroupLasso": lambda p, W: group_norms(p, W),
    "SparseGroupLasso": lambda p, W: p.l1_ratio * np.sum(np.abs(W)) + (1 - p.l1_ratio) * group_norms(p, W),
    "MultiTaskLasso": lambda p, W: weights_of(p, len(W)) @ np.sqrt(np.sum(W.reshape(len(W), -1) ** 2, axis=1)),
    "Nuclear": lambda p, W: np.linalg.norm(W.reshape(len(W), -1), "nuc"),
    "SLOPE": lambda p, W: slope_weights(p, W.size) @ np.sort(np.abs(W), axis=None)[::-1],
    "LInf": lambda p, W: np.max(np.abs(W)),
    "Fused": lambda p, W: p.l1_ratio * np.sum(np.abs(W)) + (1 - p.l1_ratio) * np.sum(np.abs(np.diff(W, axis=0))),
    "Scaled": lambda p, W: p.factor * penalty_value(p.penalty, W),
    "Sum": lambda p, W: sum(penalty_value(each, W) for each in p.penalties),
}


def slope_weights(slope, count):
    if slope.weights is not None:
        return np.asarray(slope.weights)
    weights = norm.ppf(1 - np.arange(1, count + 1) * slope.fdr / (2 * count))
    return weights / weights[0]


def group_norms(lasso, W):
    axis = None if lasso.multi_task else 0
    return sum(
        weight * np.sqrt(np.sum(W[np.asarray(lasso.groups) == label] ** 2, axis=axis)).sum()
        for label, weight in zip(np.unique(lasso.groups), group_weights(lasso), strict=True)
    )


def weights_of(l1, p):
    return np.ones(p) if l1.weights is None else np.asarray(l1.weights)


def group_weights(lasso):
    return np.sqrt(np.unique(lasso.groups, return_counts=True)[1]) if lasso.weights is None else lasso.weights


def loss_value(loss, y, eta):
    return LOSS_VALUES[type(loss).__name__](loss, y, eta)


def penalty_value(penalty, W):
    return PENALTY_VALUES[type(penalty).__name__](penalty, W)


def recedes(loss, X, y, intercept=True):
    """Whether the risk falls for ever along some direction, or to a limit that it does not reach: no minimiser.

    The direction moves no score towards a greater loss, and some score: linear programming finds it. The rows of A are
    the score movements that must be >= 0, those of E the ones that must be 0.
    """
    A = np.hstack([X, np.ones((len(y), 1))]) if intercept else np.array(X)
    E, name = A[:0], type(loss).__name__
    if name in ("Logistic", "CrossEntropy", "Exponential"):
        A = y[:, None] * A
    elif name == "Softmax":
        k = int(y.max()) + 1
        unit = np.eye(k)
        A = np.array(
            [np.kron(a, unit[int(c)] - unit[j]) for a, c in zip(A, y, strict=True) for j in range(k) if j != c]
        )
        E = np.zeros((0, A.shape[1]))
    elif name == "Poisson" or (name == "Tweedie" and 1 <= loss.power < 2):
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
