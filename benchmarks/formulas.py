"""The losses by the benchmark's own formulas: what every answer, ours too, is judged by."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.special import logsumexp, xlogy

Loss = Callable[[Any, Any, Any], Any]


def log_loss(y: Any, eta: Any, _: Any = None) -> Any:
    """Cross-entropy: y is -1 or +1 and eta a vector, or y is a class number and eta has a column per class."""
    if eta.ndim == 1:
        return np.logaddexp(0, -y * eta)
    return logsumexp(eta, axis=1) - eta[np.arange(len(y)), y]


def hinge(y: Any, eta: Any, _: Any = None) -> Any:
    return np.maximum(1 - y * eta, 0)


def squared_hinge(y: Any, eta: Any, _: Any = None) -> Any:
    return np.maximum(1 - y * eta, 0) ** 2


def squared_error(y: Any, eta: Any, _: Any = None) -> Any:
    return (y - eta) ** 2


def absolute_error(y: Any, eta: Any, _: Any = None) -> Any:
    return np.abs(y - eta)


def quantile(y: Any, eta: Any, level: Any) -> Any:
    return np.maximum(level * (y - eta), (level - 1) * (y - eta))


def huber(y: Any, eta: Any, delta: Any) -> Any:
    r = np.abs(y - eta)
    return np.where(r <= delta, 0.5 * r**2, delta * (r - 0.5 * delta))


def epsilon_insensitive(y: Any, eta: Any, epsilon: Any) -> Any:
    return np.maximum(np.abs(y - eta) - epsilon, 0)


def poisson(y: Any, eta: Any, _: Any = None) -> Any:
    """Half the deviance, log link."""
    return np.exp(eta) - y * eta + xlogy(y, y) - y


LOSSES: dict[str, Loss] = {
    loss.__name__: loss
    for loss in (
        log_loss,
        hinge,
        squared_hinge,
        squared_error,
        absolute_error,
        quantile,
        huber,
        epsilon_insensitive,
        poisson,
    )
}
CLASSIFICATION = ("log_loss", "hinge", "squared_hinge")


def null_residual(loss: str, y: Any, weight: Any, intercept: bool, level: Any) -> Any:
    """Return the derivative of each sample's loss at the best constant (at 0 without an intercept).

    From it comes alpha_max, the strength from which on an L1 or group penalty leaves only zeros.
    """
    if loss == "log_loss" and y.dtype.kind == "i":
        share = np.bincount(y, weights=weight) if intercept else np.full(y.max() + 1, 1 / (y.max() + 1))
        return share - np.eye(len(share))[y]
    if loss == "log_loss":
        share = weight @ (y > 0) if intercept else 0.5
        return share - (y > 0)
    if loss == "squared_error":
        return 2 * ((weight @ y if intercept else 0) - y)
    if loss == "poisson":
        return (weight @ y if intercept else 1) - y
    if loss == "quantile":
        return np.where(y < (np.quantile(y, level) if intercept else 0), 1 - level, -level)
    raise ValueError(f"alpha_max is not written for {loss}")
