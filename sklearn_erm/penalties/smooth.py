"""What smooth penalties that are least at 0 share."""

from __future__ import annotations

import numpy as np

from sklearn_erm.penalties.base import Array, Penalty


class SmoothPenalty(Penalty):
    """What smooth penalties that are least at 0 share."""

    smooth = True
    separable = True

    def critical_alpha(self, gradient: Array) -> float:
        return np.inf if np.any(gradient) else 0.0
