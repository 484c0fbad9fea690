"""Scores of every sample under the fit to the others: approximate, and by refits."""
