"""Pictures, in scikit-learn's manner: a class method computes and draws, ``plot`` draws again. They need matplotlib."""

from sklearn_erm.displays.comparison import ComparisonDisplay
from sklearn_erm.displays.convergence import ConvergenceDisplay
from sklearn_erm.displays.cv import CVDisplay
from sklearn_erm.displays.loss import LossDisplay
from sklearn_erm.displays.path import PathDisplay

__all__ = ["CVDisplay", "ComparisonDisplay", "ConvergenceDisplay", "LossDisplay", "PathDisplay"]
