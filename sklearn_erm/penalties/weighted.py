"""What penalties with a weight per feature share."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import feature_weights


class Weighted(Penalty):
    """A sum over the features, each with a weight omega >= 0; ``weights=None`` are all ones."""

    weights: Any = None

    def bind(self, n_features: int) -> Penalty:
        if self.weights is None:
            return self
        return self._with(weights=feature_weights(self, "weights", self.weights, n_features, "feature"))

    def restrict(self, index: Array) -> Penalty:
        return self if self.weights is None else self._with(weights=self.weights[index])

    @property
    def coercive(self) -> bool:  # type: ignore[override]
        """Whether no feature has weight 0."""
        return self.weights is None or bool(np.all(np.asarray(self.weights) > 0))

    def unpenalised(self, W: Array) -> Array:
        return np.full(W.shape, self._omega(W) == 0.0)

    def _omega(self, W: Array) -> Any:
        """Return the weight of each entry of W; 1 without weights."""
        if self.weights is None:
            return 1.0
        return self.weights if self.weights.shape == W.shape else np.broadcast_to(self.weights[:, None], W.shape)
