"""Checks of losses and penalties of your own: whether they are what they say, in plain words where not."""

from sklearn_erm.testing.check import check_loss, check_penalty
from sklearn_erm.testing.laws import BrokenLawError, Report

__all__ = ["BrokenLawError", "Report", "check_loss", "check_penalty"]
