"""Probabilities that a score stands for."""

from __future__ import annotations

import numpy as np

from sklearn_erm.losses.base import Array


class LinearProbability:
    """What the losses share that fit a line to 2 P(y = 1) - 1: the square loss and its one-sided kin."""

    def probability(self, eta: Array) -> Array:
        """Return P(y = 1) for the score eta: (1 + eta) / 2, clipped to [0, 1]."""
        return 0.5 * (1.0 + np.clip(eta, -1.0, 1.0))

    def log_probability(self, eta: Array) -> Array:
        """Return ln P(y = 1), accurate where P is nearly 1; -inf where P is 0."""
        with np.errstate(divide="ignore"):
            return np.log1p(0.5 * (np.clip(eta, -1.0, 1.0) - 1.0))
