"""scipy's own methods by name: the options that let the certificate, not their own tests, decide when to stop."""

from __future__ import annotations

from typing import Any

NEVER = 1e-300  # a tolerance that is never met

OPTIONS: dict[str, dict[str, Any]] = {
    "L-BFGS-B": {"ftol": 0.0, "gtol": 0.0, "maxcor": 20, "maxls": 50, "maxfun": 10**9},
    "BFGS": {"gtol": NEVER},
    "CG": {"gtol": NEVER},
    "Newton-CG": {"xtol": NEVER},
    "TNC": {"ftol": 0.0, "gtol": 0.0, "xtol": 0.0, "maxfun": 10**9},
    "SLSQP": {"ftol": NEVER},
    "trust-ncg": {"gtol": NEVER},
    "trust-krylov": {"gtol": NEVER, "inexact": False},
    "trust-exact": {"gtol": NEVER},
    "trust-constr": {"gtol": NEVER, "xtol": NEVER, "barrier_tol": NEVER},
}

AGAIN: dict[str, dict[str, Any]] = {"trust-krylov": {"inexact": True}}  # once the first run made no more progress

USES_HESSP = frozenset({"Newton-CG", "trust-ncg", "trust-krylov", "trust-constr"})
USES_HESS = frozenset({"trust-exact"})
COUNTS_CALLS = frozenset({"TNC"})  # its limit is maxfun, not maxiter


class Good(Exception):  # noqa: N818
    """Raised from a callback to leave a method at a point that is good enough: not every method heeds StopIteration."""

    def __init__(self, x: Any, interrupted: bool = False):
        self.x = x
        self.interrupted = interrupted


def options_for(method: str, limit: int, again: bool) -> dict[str, Any]:
    """Return the options of a method for so many iterations at most, in its first run or in another."""
    chosen = {**OPTIONS[method], **(AGAIN.get(method, {}) if again else {})}
    if method in COUNTS_CALLS:
        return {**chosen, "maxfun": 20 * limit}
    return {**chosen, "maxiter": limit}
