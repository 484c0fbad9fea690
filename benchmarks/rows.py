"""The rows of the benchmark: data, loss, penalty."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from data import SETS, Folder
from problem import Problem


@dataclass(frozen=True)
class Row:
    """One row. A strength is a number over n ("1/n": C = 1 elsewhere), over alpha_max ("max/10"), or as it stands."""

    loss: str
    data: str
    l1: str = ""
    l2: str = ""
    group: str = ""
    parameter: float | None = None
    intercept: bool = True

    @property
    def name(self) -> str:
        loss = self.loss if self.parameter is None else f"{self.loss}({self.parameter:g})"
        strengths = (("l1", self.l1), ("l2", self.l2), ("group", self.group))
        penalty = "".join(f" + {strength} {kind}" for kind, strength in strengths if strength)
        return f"{self.data}: {loss}{penalty}{'' if self.intercept else ', no intercept'}"

    def available(self, folder: Folder) -> bool:
        """Return whether the data are at hand."""
        file = SETS[self.data][0]
        return file is None or folder.holds(file)

    def problem(self, folder: Folder) -> Problem:
        """Load the data and return the problem."""
        data = SETS[self.data][1](folder)
        groups = data.groups if self.group else None
        bare = Problem(data.X, data.y, self.loss, self.parameter, 0, 0, 0, groups, data.weight, self.intercept)
        return replace(bare, l1=strength(self.l1, bare), l2=strength(self.l2, bare), group=strength(self.group, bare))


def strength(text: str, problem: Problem) -> float:
    """Return the number that a strength means for a problem: "2/n", "max/10", "0.01" or nothing."""
    if text.endswith("/n"):
        return float(text.removesuffix("/n")) / problem.n
    if text.startswith("max/"):
        return problem.alpha_max() / float(text.removeprefix("max/"))
    return float(text or 0)


def crossed(loss: str, data: str, *penalties: dict[str, str], **fixed: object) -> list[Row]:
    """Return one row for each data set (words of one string) and each penalty."""
    return [Row(loss, name, **penalty, **fixed) for name in data.split() for penalty in penalties]  # type: ignore[arg-type]


NONE: dict[str, str] = {}
C1 = {"l2": "1/n"}
C1_L1 = {"l1": "1/n"}
MAX10, MAX100, MAX1000 = {"l1": "max/10"}, {"l1": "max/100"}, {"l1": "max/1000"}
NET = {"l1": "max/20", "l2": "max/20"}
SMALL = {"l2": "0.001"}

LOG_L2 = [
    *crossed("log_loss", "a9a mushrooms news20 breast_cancer mnist_parity one_hot labels_500000x50", C1),
    *crossed("log_loss", "a9a news20 news20_counts", C1, intercept=False),
]
LOG_L1 = [
    *crossed("log_loss", "a9a news20 madelon", C1_L1, MAX10, intercept=False),
    *crossed("log_loss", "singh_prostate colon_cancer labels_1000x10000", MAX10, MAX100, intercept=False),
    *crossed("log_loss", "a9a news20", MAX10),
    *crossed("log_loss", "a9a news20 singh_prostate colon_cancer madelon", NET),
    *crossed("log_loss", "breast_cancer", MAX100),
]
MULTINOMIAL = [
    *crossed("log_loss", "mnist letter_scale satimage digits", C1, MAX100),
    *crossed("log_loss", "news20_classes", C1, MAX10),
]
HINGE = [
    *crossed("hinge", "a9a madelon mnist_parity news20 news20_counts singh_prostate", C1, intercept=False),
    *crossed("hinge", "labels_20000x100 breast_cancer", C1, intercept=False),
    *crossed("hinge", "a9a news20", C1),
    *crossed("hinge", "a9a", {"l1": "10/n"}, {"l1": "5/n", "l2": "5/n"}, intercept=False),
    *crossed("squared_hinge", "a9a news20 breast_cancer", C1, C1_L1, intercept=False),
]
SQUARES = [
    *crossed("squared_error", "singh_columns", MAX10, MAX100, NET),
    *crossed("squared_error", "california_products", MAX100, MAX1000, {"l1": "max/200", "l2": "max/200"}, C1),
    *crossed("squared_error", "news20_number", MAX10, MAX100, NET, C1),
    *crossed("squared_error", "diabetes", MAX10),
]
QUANTILES = [
    *(row for q in (0.1, 0.5, 0.9) for row in crossed("quantile", "california engel", NONE, parameter=q)),
    *crossed("quantile", "california", MAX10, MAX100, parameter=0.5),
    *crossed("quantile", "diamonds", NONE, MAX100, parameter=0.9),
    *crossed("quantile", "numbers_1000000x20", NONE, parameter=0.5),
    *crossed("quantile", "numbers_200x5000", {"l1": "max/3"}, parameter=0.5),
    *crossed("quantile", "numbers_20000x50", MAX100, parameter=0.3),
    *crossed("quantile", "california diamonds numbers_20000x50", SMALL, parameter=0.9, intercept=False),
]
ROBUST = [
    *crossed("absolute_error", "california diamonds elevators", SMALL, intercept=False),
    *crossed("huber", "california diamonds elevators", SMALL, parameter=0.5),
    *crossed("huber", "california", SMALL, parameter=0.5, intercept=False),
    *crossed("huber", "elevators_as_is", {"l2": "1e-9"}, parameter=0.002),
    *crossed("epsilon_insensitive", "california diamonds elevators", SMALL, parameter=0.1, intercept=False),
]
COUNTS = [
    *crossed("poisson", "claims", SMALL, NET),
    *crossed("poisson", "claim_counts", SMALL, MAX10, NET),
]
GROUPS = [
    *crossed("log_loss", "mnist_parity one_hot", {"group": "max/10"}, {"group": "max/100"}),
    *crossed("squared_error", "mnist_number", {"group": "max/10"}, {"group": "max/100"}),
]
OVERHEAD = [
    *crossed("log_loss", "iris labels_1000x20", C1),
    *crossed("log_loss", "labels_1000x20", MAX10),
    *crossed("hinge", "labels_1000x20", C1, intercept=False),
    *crossed("squared_error", "numbers_1000x20", C1, MAX10),
    *crossed("quantile", "numbers_1000x20", NONE, parameter=0.5),
    *crossed("huber", "numbers_1000x20", SMALL, parameter=0.5),
]
ROWS = [
    *OVERHEAD,
    *LOG_L2,
    *LOG_L1,
    *MULTINOMIAL,
    *HINGE,
    *SQUARES,
    *QUANTILES,
    *ROBUST,
    *COUNTS,
    *GROUPS,
]


def find(patterns: list[str], folder: Folder, among: Iterable[Row] = ROWS) -> list[Row]:
    """Return the rows at hand whose name holds every word of one of the patterns; all of them without a pattern."""
    chosen = [row for row in among if row.available(folder)]
    if patterns:
        chosen = [row for row in chosen if any(all(w in row.name for w in text.split()) for text in patterns)]
    return chosen


def by_name(name: str) -> Row:
    """Return the row of a name."""
    return next(row for row in ROWS if row.name == name)
