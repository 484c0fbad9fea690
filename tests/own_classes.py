"""Losses and penalties as a user may write them, all of them right."""

import numpy as np
from scipy.special import expit, logsumexp, softmax, xlogy

from sklearn_erm.losses import Loss
from sklearn_erm.penalties import Curvature, Penalty


class LinEx(Loss):
    """Of a smooth loss, everything that can be written."""

    def __init__(self, a=0.5):
        self.a = a

    def value(self, y, eta):
        return np.expm1(self.a * (eta - y)) - self.a * (eta - y)

    def gradient(self, y, eta):
        return self.a * np.expm1(self.a * (eta - y))

    def curvature(self, y, eta):
        return self.a**2 * np.exp(self.a * (eta - y))

    def conjugate(self, y, u):
        v = 1.0 + u / self.a
        return np.where(v >= 0, u * y + xlogy(v, np.maximum(v, 0.0)) - v + 1.0, np.inf)

    def dual_domain(self, y):
        return (-self.a, np.inf) if self.a > 0 else (-np.inf, -self.a)


class Absolute(Loss):
    """A loss with a kink at y, of slope 2 on either side."""

    smooth = False

    def value(self, y, eta):
        return 2.0 * np.abs(eta - y)

    def gradient(self, y, eta):
        return 2.0 * np.sign(eta - y)

    def curvature(self, y, eta):
        return np.zeros(eta.shape)

    def prox(self, y, eta, step):
        return eta - np.clip(eta - y, -2.0 * step, 2.0 * step)

    def prox_derivative(self, y, eta, step):
        return np.where(np.abs(eta - y) > 2.0 * step, 1.0, 0.0)

    def conjugate(self, y, u):
        return np.where(np.abs(u) <= 2.0, u * y, np.inf)

    def dual_domain(self, y):
        return -2.0, 2.0

    def pieces(self, y):
        return np.array([0.0]), np.array([-2.0, 2.0]), -np.ones(y.shape), y


class Soft(Loss):
    """A cross-entropy, the target a probability."""

    attained = False
    max_curvature = 0.25
    domain = "in [0, 1]"

    def in_domain(self, y):
        return np.isfinite(y) & (y >= 0) & (y <= 1)

    def value(self, y, eta):
        return np.logaddexp(0.0, eta) - y * eta

    def gradient(self, y, eta):
        return np.where(y == 1, -expit(-eta), expit(eta) - y)


class Joint(Loss):
    """Of a loss with three scores, what makes Newton's method run."""

    target = "class"
    joint = True
    shift_invariant = True
    attained = False

    def in_domain(self, y):
        return np.isfinite(y) & (y >= 0) & (y == np.floor(y))

    def value(self, y, eta):
        return logsumexp(eta, axis=1) - eta[np.arange(len(y)), y.astype(int)]

    def gradient(self, y, eta):
        return softmax(eta, axis=1) - np.eye(eta.shape[1])[y.astype(int)]

    def curvature(self, y, eta):
        p = softmax(eta, axis=1)
        return p[:, :, None] * (np.eye(eta.shape[1]) - p[:, None, :])

    def hessp(self, y, eta, direction):
        return np.einsum("nij,nj->ni", self.curvature(y, eta), direction)

    def null(self, y, weight):
        return np.log(np.maximum(np.bincount(y.astype(int), weight), 1e-9))


class Ell1(Penalty):
    """Of a norm, everything that makes the dual work."""

    homogeneous = True
    coercive = True

    def value(self, W):
        return float(np.sum(np.abs(W)))

    def prox(self, W, step):
        return np.sign(W) * np.maximum(np.abs(W) - step, 0.0)

    def prox_derivative(self, W, step):
        return np.where(np.abs(W) > step, 1.0, 0.0) if step > 0 else np.ones(W.shape), None

    def critical_alpha(self, gradient):
        return float(np.abs(gradient).max())

    def conjugate(self, V):
        return 0.0 if np.abs(V).max() <= 1.0 else np.inf

    def elastic(self, n_features):
        return np.ones(n_features), np.zeros(n_features)


class Blockwise(Ell1):
    """The same, with what active-set methods ask for."""

    separable = True
    blockwise = True

    def gradient(self, W):
        return np.sign(W)

    def curvature(self, W):
        return Curvature(np.zeros(W.shape))

    def support(self, W):
        return W != 0

    def kkt(self, W, gradient, alpha):
        return np.where(W != 0, np.abs(gradient + alpha * np.sign(W)), np.maximum(np.abs(gradient) - alpha, 0.0))


class Ridge(Penalty):
    """A smooth penalty, by its gradient alone: weights that differ between features."""

    smooth = True
    coercive = True

    def __init__(self, weights=None):
        self.weights = weights

    def _omega(self, W):
        omega = np.ones(len(W)) if self.weights is None else np.asarray(self.weights, dtype=float)
        return omega if W.ndim == 1 else omega[:, None]

    def value(self, W):
        return float(0.5 * np.sum(self._omega(W) * W**2))

    def gradient(self, W):
        return self._omega(W) * W


class Positive(Penalty):
    """The lasso of coefficients that must not be negative: infinite elsewhere."""

    homogeneous = True

    def value(self, W):
        return float(np.sum(W)) if np.all(W >= 0) else np.inf

    def prox(self, W, step):
        return np.maximum(W - step, 0.0)
