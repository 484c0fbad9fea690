"""Regularised empirical risk minimisation for linear models, with certificates."""

from sklearn_erm.displays import ComparisonDisplay, ConvergenceDisplay, CVDisplay, LossDisplay, PathDisplay
from sklearn_erm.estimators import (
    ERMClassifier,
    ERMClassifierCV,
    ERMRegressor,
    ERMRegressorCV,
    erm_path,
    risk,
    risk_scorer,
)
from sklearn_erm.estimators.threads import blas_threads

__version__ = "0.1.0"

__all__ = [
    "CVDisplay",
    "ComparisonDisplay",
    "ConvergenceDisplay",
    "ERMClassifier",
    "ERMClassifierCV",
    "ERMRegressor",
    "ERMRegressorCV",
    "LossDisplay",
    "PathDisplay",
    "__version__",
    "blas_threads",
    "erm_path",
    "risk",
    "risk_scorer",
]
