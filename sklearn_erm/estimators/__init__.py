"""The estimators: validate, build the objective, minimise it, set the fitted attributes."""

from sklearn_erm.estimators.classifier import ERMClassifier
from sklearn_erm.estimators.classifier_cv import ERMClassifierCV
from sklearn_erm.estimators.erm_path import erm_path
from sklearn_erm.estimators.progress import Progress, trace
from sklearn_erm.estimators.regressor import ERMRegressor
from sklearn_erm.estimators.regressor_cv import ERMRegressorCV
from sklearn_erm.estimators.risk import risk, risk_scorer

__all__ = [
    "ERMClassifier",
    "ERMClassifierCV",
    "ERMRegressor",
    "ERMRegressorCV",
    "Progress",
    "erm_path",
    "risk",
    "risk_scorer",
    "trace",
]
