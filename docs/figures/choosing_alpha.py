"""Coefficients along alpha, and the cross-validated risk with its two choices."""

from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressorCV, erm_path
from sklearn_erm.displays import CVDisplay, PathDisplay


def draw():
    data = load_diabetes()
    X, y = StandardScaler().fit_transform(data.data), data.target
    figure = Figure(figsize=(11, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    path = erm_path(X, y, loss="absolute_error", penalty="l1", alphas=40)
    PathDisplay.from_path(path, feature_names=data.feature_names, ax=left)
    CVDisplay.from_estimator(ERMRegressorCV("absolute_error", "l1", alphas=40).fit(X, y), ax=right)
    yield "path_and_risk", figure
