"""Sum of the norms of the features' coefficients across the outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty
from sklearn_erm.penalties.by_feature import feature_weights
from sklearn_erm.penalties.group_lasso import GroupNorms


class MultiTaskLasso(GroupNorms):
    r"""The multi-task lasso, ``"multi_task_lasso"``.

    .. math:: \Omega(W) = \sum_j \omega_j \|W_{j,:}\|_2

    A feature is in or out for all targets or classes together. With one output it is ``L1``.

    Parameters
    ----------
    weights : array-like of shape (n_features,), default=None
        The weights omega >= 0; a feature of weight 0 is not penalised. None means all ones.

    References
    ----------
    Obozinski, Taskar, Jordan, "Joint covariate selection and joint subspace selection for multiple classification
    problems", Statistics and Computing 20, 2010.
    """

    multi_task = True

    def __init__(self, weights: Any = None):
        self.weights = weights

    @classmethod
    def examples(cls, n_features: int) -> list[Penalty]:
        return [cls(), cls(weights=np.arange(n_features) % 3 * 0.7)]

    @property
    def groups(self) -> Array:
        """A group for each feature."""
        return np.arange(len(self.weights))

    def bind(self, n_features: int) -> Penalty:
        return self._with(weights=feature_weights(self, "weights", self.weights, n_features, "feature"))

    def restrict(self, index: Array) -> Penalty:
        return self._with(weights=self.weights[index])
