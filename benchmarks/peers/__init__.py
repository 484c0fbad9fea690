"""The solvers, one file per library. Each has ``solvers(problem)``: name -> function that prepares a fit.

``prepare(problem)`` imports the library, brings the data into the form it likes best (not timed) and returns
``fit(tol) -> Answer`` (timed).
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

from problem import Answer, Problem

from . import celer, cyanure, glum, ours, rehline, skglm, sklearn_classifiers, sklearn_regressors, snapml, statsmodels

Fit = Callable[[float], Answer]
Prepare = Callable[[Problem], Fit]

LIBRARIES = {
    "sklearn_erm": [ours],
    "sklearn": [sklearn_classifiers, sklearn_regressors],
    "skglm": [skglm],
    "celer": [celer],
    "glum": [glum],
    "rehline": [rehline],
    "cyanure": [cyanure],
    "statsmodels": [statsmodels],
    "snapml": [snapml],
}
OURS = "sklearn_erm"


def solvers(problem: Problem) -> dict[str, Prepare]:
    """Return the solvers that are installed and made for a problem, ours first."""
    found: dict[str, Prepare] = {}
    for library, adapters in LIBRARIES.items():
        if importlib.util.find_spec(library) is not None:
            for adapter in adapters:
                found |= adapter.solvers(problem)
    return found
