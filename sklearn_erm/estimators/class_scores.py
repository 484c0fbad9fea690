"""What the scores of samples say of their classes: a decision, a label, probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from sklearn_erm.losses import Loss

Array = NDArray[Any]


def score_shape(loss: Loss, n_classes: int) -> tuple[int, ...]:
    """Return the shape of the scores of a sample: one score for each class, or one for two."""
    return (n_classes,) if loss.joint or n_classes > 2 else ()


def decide(eta: Array) -> Array:
    """Return the difference of the scores of two classes where each has one; other scores as they are."""
    return eta[:, 1] - eta[:, 0] if eta.shape[1:] == (2,) else eta


def label(classes: Array, eta: Array) -> Array:
    """Return the class of the largest score."""
    return classes[_by_class(eta).argmax(axis=1)]


def probability(loss: Loss, eta: Array) -> Array:
    """Return the probability of every class, (n_samples, n_classes), under a loss that estimates it."""
    return np.exp(log_probability(loss, eta))


def log_probability(loss: Any, eta: Array) -> Array:
    """Return the logarithm of the probability of every class, accurate where that underflows."""
    log_p: Array = loss.log_probability(_by_class(eta))
    log_p[np.all(np.isneginf(log_p), axis=1)] = 0.0  # no class has any probability: all are as good
    return log_p - logsumexp(log_p, axis=1, keepdims=True)


def _by_class(eta: Array) -> Array:
    """Return one score per class, (n_samples, n_classes)."""
    return np.column_stack([-eta, eta]) if eta.ndim == 1 else eta
