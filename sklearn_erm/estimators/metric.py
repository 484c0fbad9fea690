"""A metric on held-out rows: it gets the rows that count and the model's classes, and what it says names the split."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from copy import copy
from typing import Any


def with_classes(scorer: Any, model: Any) -> Any:
    """Return a scorer that knows the classes of a classifier, if it looks at more than predicted labels.

    Held-out rows need not have all classes, and then a metric of probabilities cannot tell which column is which. So
    scorers made by ``make_scorer`` hand the classes on where the metric takes them, as ``LogisticRegressionCV`` does.
    """
    metric, given = getattr(scorer, "_score_func", None), getattr(scorer, "_kwargs", {})
    if not hasattr(model, "classes_") or metric is None or getattr(scorer, "_response_method", "predict") == "predict":
        return scorer
    known = {"labels": model.classes_}
    if len(model.classes_) == 2:
        known["pos_label"] = model.classes_[1]
    takes = inspect.signature(metric).parameters
    if "labels" not in takes:
        return scorer
    told = copy(scorer)
    told._kwargs = {**{name: value for name, value in known.items() if name in takes}, **given}
    return told


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
