"""Whether an objective has a minimiser at all."""

from __future__ import annotations

from typing import Any

import numpy as np

from sklearn_erm.objective import Objective

SHIFT = 1e-6  # change of joint scores, beside their common shift, that rounding may explain
RISE = 1e-4  # rise of the objective over that change which is none
FAR = 30.0  # change of a score that no finite minimiser survives without the objective rising


def escapes(objective: Objective, x: Any) -> bool:
    """Return whether the objective does not rise as far as scores can be told apart, along a way that costs no penalty.

    Newton's step in the unpenalised coefficients is followed, and the way from the null model to x.
    """
    for direction in (objective.unpenalised_step(x), x - objective.null):
        line = objective.line(x, direction)
        delta = line.delta - line.delta.mean(axis=1, keepdims=True) if objective.loss.joint else line.delta
        furthest = float(np.abs(delta).max(initial=0.0))
        if furthest > SHIFT * float(np.abs(line.delta).max(initial=0.0)):
            with np.errstate(over="ignore", invalid="ignore"):
                if line.value(FAR / furthest) < line.value(0.0) + RISE * objective.scale(x):
                    return True
    return False
