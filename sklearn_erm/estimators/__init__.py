"""The estimators: validate, build the objective, minimise it, set the fitted attributes."""

from sklearn_erm.estimators.classifier import ERMClassifier
from sklearn_erm.estimators.regressor import ERMRegressor

__all__ = ["ERMClassifier", "ERMRegressor"]
