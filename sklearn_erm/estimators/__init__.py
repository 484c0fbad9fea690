"""The estimators: validate, build the objective, minimise it, set the fitted attributes."""

from sklearn_erm.estimators.classifier import ERMClassifier
from sklearn_erm.estimators.erm_path import erm_path
from sklearn_erm.estimators.progress import Progress, trace
from sklearn_erm.estimators.regressor import ERMRegressor
from sklearn_erm.estimators.risk import risk, risk_scorer

__all__ = ["ERMClassifier", "ERMRegressor", "Progress", "erm_path", "risk", "risk_scorer", "trace"]
