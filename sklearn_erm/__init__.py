"""Regularised empirical risk minimisation for linear models, with certificates."""

from sklearn_erm.estimators import ERMClassifier, ERMRegressor, erm_path, risk, risk_scorer

__version__ = "0.1.0"

__all__ = ["ERMClassifier", "ERMRegressor", "__version__", "erm_path", "risk", "risk_scorer"]
