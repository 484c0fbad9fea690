"""What the tests of the displays share: small data, a search, and pictures drawn without a screen."""

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot
from sklearn.datasets import load_diabetes, load_iris
from sklearn.preprocessing import StandardScaler

from sklearn_erm.estimators import ERMRegressorCV

mpl.use("agg")


@pytest.fixture(autouse=True)
def _tidy_up():
    before = dict(mpl.rcParams)
    yield
    pyplot.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture(scope="session")
def regression():
    X, y = load_diabetes(return_X_y=True)
    names = ["age", "body mass index", "blood pressure", "glucose"]
    return pd.DataFrame(StandardScaler().fit_transform(X[:, [0, 2, 3, 9]]), columns=names), y


@pytest.fixture(scope="session")
def three_classes():
    X, y = load_iris(return_X_y=True, as_frame=True)
    return X, np.array(["setosa", "versicolor", "virginica"])[y]


@pytest.fixture(scope="session")
def two_classes(three_classes):
    X, y = three_classes
    return X[y != "setosa"], y[y != "setosa"]


@pytest.fixture(scope="session")
def search(regression):
    return ERMRegressorCV(penalty=["l1", "l2"], alphas=12).fit(*regression)
