"""The losses, by name. To add one: a class in a file of its own, and a line in ``LOSSES``."""

from sklearn_erm.losses.absolute_error import AbsoluteError
from sklearn_erm.losses.base import Loss, MarginLoss, ResidualLoss, ScalarLoss, constant_minimiser
from sklearn_erm.losses.epsilon_insensitive import EpsilonInsensitive, SquaredEpsilonInsensitive
from sklearn_erm.losses.hinge import Hinge, SquaredHinge
from sklearn_erm.losses.huber import Huber
from sklearn_erm.losses.logistic import CrossEntropy, Logistic
from sklearn_erm.losses.poisson import Poisson
from sklearn_erm.losses.quantile import Quantile
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.losses.softmax import Softmax
from sklearn_erm.losses.squared_error import SquaredError
from sklearn_erm.losses.squared_margin import SquaredMargin

LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "epsilon_insensitive": EpsilonInsensitive,
    "squared_epsilon_insensitive": SquaredEpsilonInsensitive,
    "poisson": Poisson,
    "squared": SquaredMargin,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "logistic": Logistic,
    "log_loss": CrossEntropy,
    "cross_entropy": CrossEntropy,
}

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "CrossEntropy",
    "EpsilonInsensitive",
    "Hinge",
    "Huber",
    "Logistic",
    "Loss",
    "MarginLoss",
    "Poisson",
    "Quantile",
    "ResidualLoss",
    "ScalarLoss",
    "Smoothed",
    "Softmax",
    "SquaredEpsilonInsensitive",
    "SquaredError",
    "SquaredHinge",
    "SquaredMargin",
    "constant_minimiser",
]
