"""Dask collections are refused in words where they are not taken, never gathered into memory unasked."""

import numpy as np
import pytest

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, erm_path, risk
from sklearn_erm.bayes import posterior

N = 12
X = np.random.default_rng(0).normal(size=(N, 2))
GIVEN = {"X": X, "y": np.arange(N) % 2, "sample_weight": np.ones(N), "offset": np.zeros(N)}


class Lazy:
    """A dask array, as far as NumPy and scikit-learn can see: looking at it gathers it."""

    ndim = 2
    shape = (N, 2)
    dtype = np.dtype(float)

    def __len__(self):
        return N

    def __array__(self, *args, **kwargs):
        raise AssertionError("gathered")


class Collection(Lazy):
    """A dask collection of another package's, known by the protocol."""

    def __dask_graph__(self):
        return {}


class DataFrame(Lazy):
    """One by the module alone."""


DataFrame.__module__ = "dask.dataframe.core"
REGRESSOR, CLASSIFIER = ERMRegressor().fit(X, GIVEN["y"]), ERMClassifier().fit(X, GIVEN["y"])


def call_takes_none(method):
    """Whether X cannot be a dask collection."""
    return "CV" in method.__qualname__ or "posterior" in method.__code__.co_names


CALLS = [
    (method, name)
    for method, names in [
        (ERMRegressor().fit, GIVEN),
        (ERMClassifier().fit, GIVEN),
        (ERMRegressorCV(alphas=2, cv=2).fit, [*GIVEN, "groups"]),
        (ERMClassifierCV(alphas=2, cv=2).fit, GIVEN),
        (erm_path, GIVEN),
        (REGRESSOR.predict, ["X", "offset"]),
        (CLASSIFIER.predict, ["X", "offset"]),
        (CLASSIFIER.decision_function, ["X", "offset"]),
        (CLASSIFIER.predict_proba, ["X", "offset"]),
        (CLASSIFIER.predict_log_proba, ["X", "offset"]),
        (REGRESSOR.score, GIVEN),
        (CLASSIFIER.score, GIVEN),
        (lambda **given: risk(REGRESSOR, **given), GIVEN),
        (lambda **given: posterior(REGRESSOR, **given), GIVEN),
    ]
    for name in names
    if name != "X" or call_takes_none(method)
]


@pytest.mark.parametrize("kind", [Collection, DataFrame], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("call, name", CALLS, ids=lambda part: getattr(part, "__qualname__", part))
def test_a_dask_collection_is_refused(call, name, kind):
    wanted = {"X", "offset"} if "predict" in call.__name__ or "decision" in call.__name__ else set(GIVEN)
    given = {key: value for key, value in GIVEN.items() if key in wanted}
    with pytest.raises(TypeError, match=rf"(?:{name} is|on) a dask {kind.__name__}.*pass {name}\.compute\(\)"):
        call(**{**given, name: kind()})
