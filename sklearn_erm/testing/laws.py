"""What a law is, how laws are examined, and what is told of those that fail."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from inspect import cleandoc
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Finding(NamedTuple):
    """A law that fails: at which point, what was found there, and what to look at."""

    where: str
    found: str
    look_at: str


class SkippedLaw(Exception):  # noqa: N818  (nothing is wrong)
    """A law that does not apply; the message says why."""


class Case(Protocol):
    """What laws are examined on."""

    broken: dict[str, str]

    def has(self, method: str) -> bool:
        """Return whether there is such a method."""


class Law(NamedTuple):
    """A law: its name, what it says in words, the methods that it asks, and the function that looks for a breach.

    Where a law that ``guards`` a method fails, other laws that ask the method are left out: their answers would
    only repeat that the method is wrong.
    """

    name: str
    says: str
    needs: tuple[str, ...]
    guards: str | None
    look: Callable[[Any], Finding | None]


@dataclass
class Laws:
    """A list of laws, in the order in which they are examined."""

    laws: list[Law] = field(default_factory=list)

    def law(self, *needs: str, guards: str | None = None) -> Callable[[Any], Any]:
        """Add a function to the list: its name is the law's, its docstring says the law in plain words."""

        def add(look: Callable[[Any], Finding | None]) -> Callable[[Any], Finding | None]:
            says = " ".join(cleandoc(look.__doc__ or "").split())
            self.laws.append(Law(look.__name__, says, needs, guards, look))
            return look

        return add


class Report:
    """Which laws were checked and which could not be.

    Attributes
    ----------
    subject : str
        The loss or the penalty.
    held : list of str
        The names of the laws that hold.
    skipped : dict of str to str
        The names of the laws that were not checked, and why.
    failed : dict of str to (str, Finding)
        The names of the laws that fail, what they say, and what was found.
    """

    def __init__(self, subject: str):
        self.subject = subject
        self.held: list[str] = []
        self.skipped: dict[str, str] = {}
        self.failed: dict[str, tuple[str, Finding]] = {}

    def __repr__(self) -> str:
        lines = [f"{self.subject}: {len(self.held)} laws hold, {len(self.skipped)} skipped, {len(self.failed)} fail"]
        names = [*self.held, *self.skipped, *self.failed]
        width = max(map(len, names), default=0)
        lines += [f"  {name:{width}}  holds" for name in self.held]
        lines += [f"  {name:{width}}  skipped: {why}" for name, why in self.skipped.items()]
        lines += [f"  {name:{width}}  FAILS" for name in self.failed]
        return "\n".join(lines)

    def explain(self) -> str:
        """Return what every failing law says, and what was found instead."""
        checked = len(self.held) + len(self.failed)
        parts = [f"{self.subject} breaks {len(self.failed)} of {checked} laws that were checked."]
        for number, (name, (says, finding)) in enumerate(self.failed.items(), start=1):
            parts.append(
                f"{number}. {name}\n   law:      {says}\n   found:    at {finding.where}: {finding.found}\n"
                f"   look at:  {finding.look_at}"
            )
        waiting = sum(" fails " in why for why in self.skipped.values())
        if waiting:
            parts.append(f"Laws that ask what fails here, and are not checked before it is mended: {waiting}.")
        return "\n\n".join(parts)


class BrokenLawError(AssertionError):
    """A loss or penalty is not what it says; the message lists every law that fails.

    Attributes
    ----------
    report : Report
        What held and what failed.
    """

    def __init__(self, report: Report):
        super().__init__(report.explain())
        self.report = report


def examine(subject: str, laws: Iterable[Law], cases: list[Any]) -> Report:
    """Examine laws on cases, and report.

    Raises
    ------
    BrokenLawError
        If any fails on any case; a law is reported once, where it failed first.
    """
    report = Report(subject)
    for law in laws:
        outcomes = [_outcome(law, case) for case in cases]
        findings = [outcome for outcome in outcomes if isinstance(outcome, Finding)]
        reasons = [outcome for outcome in outcomes if isinstance(outcome, str)]
        if findings:
            report.failed[law.name] = (law.says, findings[0])
        elif len(reasons) == len(cases):
            report.skipped[law.name] = reasons[0]
        else:
            report.held.append(law.name)
    if report.failed:
        raise BrokenLawError(report)
    return report


def _outcome(law: Law, case: Case) -> Finding | str | None:
    """Return what is found, or why the law was skipped, or None if it holds."""
    missing = [method for method in law.needs if not case.has(method)]
    if missing:
        return f"no {missing[0]}"
    for method in law.needs:
        if method in case.broken:
            return f"{method} fails {case.broken[method]}"
    try:
        finding = law.look(case)
    except SkippedLaw as reason:
        return str(reason)
    except Exception as error:  # of the methods under test
        finding = Finding("every point", raised(error), f"the methods {', '.join(law.needs)}")
    if finding is not None and law.guards is not None:
        case.broken[law.guards] = law.name
    return finding


def raised(error: Exception) -> str:
    """Return in words that a method raised."""
    return f"it raises {type(error).__name__}: {error}"


def overrides(thing: object, base: type, method: str) -> bool:
    """Return whether a class has a method of its own instead of that of a base class."""
    return getattr(type(thing), method) is not getattr(base, method)


def skip_unless(condition: Any, reason: str) -> None:
    """Leave the law out, for a reason, unless a condition holds."""
    if not condition:
        raise SkippedLaw(reason)


# Numbers -------------------------------------------------------------------------------------------------------------


def number(value: Any) -> str:
    """Return a number, or an array of a few, to read."""
    array = np.asarray(value, dtype=float)
    if array.ndim == 0:
        return f"{float(array) + 0.0:.6g}"
    return "[" + ", ".join(number(entry) for entry in array) + "]"


def ratio(said: Any, wanted: Any) -> str:
    """Return "; ratio 2" where one number over the other says something."""
    if np.ndim(said) or not (np.isfinite(said) and np.isfinite(wanted)) or wanted == 0 or said == 0:
        return ""
    return f"; ratio {float(said / wanted):.4g}"


def quietly(method: Callable[..., Any], *args: Any) -> Any:
    """Return a method's answer for copies of the arrays; overflow and the like go unsaid."""
    with np.errstate(all="ignore"):
        return method(*(arg.copy() if isinstance(arg, np.ndarray) else arg for arg in args))


def worst(violation: Array, slack: Any, near: Array) -> int | None:
    """Return the index of a violation beyond the slack, None if there is none: the gravest ones' nearest to zero.

    nan is a violation.
    """
    bad = ~(violation <= slack)
    if not np.any(bad):
        return None
    gravity = np.where(bad, np.nan_to_num(violation, nan=np.inf, posinf=np.inf) / slack, -np.inf)
    grave = gravity >= min(float(gravity.max()), 1e6)  # beyond that all are plain
    return int(np.argmin(np.where(grave, near, np.inf)))


def steepest_rise(slope: Callable[[Array], Array], low: Array, high: Array) -> tuple[Array, Array]:
    """Return tiny intervals inside [low, high] where a function of one variable changes most, by bisection."""
    at_low, at_high = slope(low), slope(high)
    for _ in range(30):
        middle = 0.5 * (low + high)
        at_middle = slope(middle)
        left = np.abs(at_middle - at_low) > np.abs(at_high - at_middle)
        low, at_low = np.where(left, low, middle), np.where(left, at_low, at_middle)
        high, at_high = np.where(left, middle, high), np.where(left, at_middle, at_high)
    return low, high
