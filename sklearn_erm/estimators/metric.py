"""A metric on held-out rows: it gets the rows that count and the model's classes, and what it says names the split."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any

import numpy as np
from sklearn import config_context


def score_of(scorer: Any, model: Any, X: Any, y: Any, params: dict[str, Any]) -> float:
    """Return the score of a model, whose classes are handed on to a metric of scores or probabilities that takes them.

    Held-out rows need not have all classes, and then such a metric cannot tell which column is which.
    ``LogisticRegressionCV`` does likewise. Whether a metric takes classes is seen by trying: not every version of
    scikit-learn says.

    Raises
    ------
    ValueError
        If the metric takes classes, and some label is none of them; if the metric does.
    """
    for known in _classes_to_try(scorer, model, X, y):
        try:
            with config_context(enable_metadata_routing=True):  # else a scorer takes no more than weights
                found = float(scorer(model, X, y, **{**known, **params}))
        except TypeError:  # the metric takes no such parameter
            continue
        except ValueError:
            _require_known(y, model)
            raise
        _require_known(y, model)
        return found
    return float(scorer(model, X, y, **params))


def _require_known(y: Any, model: Any) -> None:
    if not np.isin(y, model.classes_).all():
        raise ValueError("a metric of probabilities needs one for every label, and some label has none.") from None


def _classes_to_try(scorer: Any, model: Any, X: Any, y: Any) -> list[dict[str, Any]]:
    """Return what of the classes a metric may be told that its user has not, all of it first."""
    if not (hasattr(model, "classes_") and hasattr(scorer, "set_score_request")):
        return []
    known = {"labels": model.classes_}
    if len(model.classes_) == 2:
        known["pos_label"] = model.classes_[1]
    known = {name: value for name, value in known.items() if _is_open(scorer, name)}
    if not known or _asked_for(scorer, model, X, y) in (None, "predict"):
        return []
    less = {name: value for name, value in known.items() if name == "labels"}
    return [known, less] if less and less != known else [known]


class _AskedFor(Exception):  # noqa: N818  # no error: how a _Listener answers
    """That a scorer called a method of the model, by its name."""


class _Listener:
    """A model that predicts nothing, but says which prediction it was asked for."""

    def __init__(self, model: Any) -> None:
        self._model = model

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._model, name)
        if name not in self._model._answers():
            return found

        def say(*_: Any, **__: Any) -> None:
            raise _AskedFor(name)

        say.__name__ = name
        return say


def _asked_for(scorer: Any, model: Any, X: Any, y: Any) -> Any:
    """Return the name of the method whose predictions a scorer looks at; None if it looks at none."""
    try:
        scorer(_Listener(model), X, y)
    except _AskedFor as asked:
        return asked.args[0]
    except (AttributeError, TypeError, ValueError):  # what is wrong will be said of the model itself
        return None
    return None


def _is_open(scorer: Any, name: str) -> bool:
    """Return whether a scorer may be told a parameter: not if it takes none, or if its user fixed it."""
    with config_context(enable_metadata_routing=True), warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)  # scikit-learn's way to say that it is fixed
        try:
            copy(scorer).set_score_request(**{name: True})
        except (TypeError, UserWarning):
            return False
    return True


@contextmanager
def naming(where: str) -> Iterator[None]:
    """Say of which split an error is."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


class Warned:
    """What metrics warned of on one split, whatever the alpha: each text is said once, with the split's name."""

    def __init__(self, where: str):
        self.where = where
        self.said: dict[tuple[type[Warning], str], None] = {}

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Keep the warnings of a block."""
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield
        self.said.update(dict.fromkeys((each.category, str(each.message)) for each in caught))

    def say(self) -> None:
        """Warn of what was kept."""
        for category, text in self.said:
            warnings.warn(f"{self.where}: {text}", category, stacklevel=2)
