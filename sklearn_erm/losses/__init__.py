"""The losses, by name. To add one: a class in a file of its own, and a line in ``LOSSES``."""

from sklearn_erm.losses.absolute_error import AbsoluteError
from sklearn_erm.losses.base import Loss
from sklearn_erm.losses.crammer_singer import CrammerSinger
from sklearn_erm.losses.epsilon_insensitive import EpsilonInsensitive, SquaredEpsilonInsensitive
from sklearn_erm.losses.expectile import Expectile
from sklearn_erm.losses.exponential import Exponential
from sklearn_erm.losses.gamma import Gamma
from sklearn_erm.losses.hinge import Hinge, SquaredHinge
from sklearn_erm.losses.huber import Huber
from sklearn_erm.losses.log_cosh import LogCosh
from sklearn_erm.losses.logistic import CrossEntropy, Logistic
from sklearn_erm.losses.multi_quantile import MultiQuantile
from sklearn_erm.losses.poisson import Poisson
from sklearn_erm.losses.quantile import Quantile
from sklearn_erm.losses.scalar import MarginLoss, ResidualLoss, ScalarLoss
from sklearn_erm.losses.smoothed_hinge import ModifiedHuber, SmoothedHinge
from sklearn_erm.losses.softmax import Softmax
from sklearn_erm.losses.squared_error import SquaredError
from sklearn_erm.losses.squared_margin import SquaredMargin
from sklearn_erm.losses.tweedie import InverseGaussian, Tweedie

LOSSES: dict[str, type[Loss]] = {
    "squared_error": SquaredError,
    "absolute_error": AbsoluteError,
    "huber": Huber,
    "quantile": Quantile,
    "multi_quantile": MultiQuantile,
    "expectile": Expectile,
    "log_cosh": LogCosh,
    "epsilon_insensitive": EpsilonInsensitive,
    "squared_epsilon_insensitive": SquaredEpsilonInsensitive,
    "poisson": Poisson,
    "gamma": Gamma,
    "inverse_gaussian": InverseGaussian,
    "tweedie": Tweedie,
    "squared": SquaredMargin,
    "hinge": Hinge,
    "squared_hinge": SquaredHinge,
    "smoothed_hinge": SmoothedHinge,
    "modified_huber": ModifiedHuber,
    "exponential": Exponential,
    "logistic": Logistic,
    "log_loss": CrossEntropy,
    "cross_entropy": CrossEntropy,
    "crammer_singer": CrammerSinger,
}

__all__ = [
    "LOSSES",
    "AbsoluteError",
    "CrammerSinger",
    "CrossEntropy",
    "EpsilonInsensitive",
    "Expectile",
    "Exponential",
    "Gamma",
    "Hinge",
    "Huber",
    "InverseGaussian",
    "LogCosh",
    "Logistic",
    "Loss",
    "MarginLoss",
    "ModifiedHuber",
    "MultiQuantile",
    "Poisson",
    "Quantile",
    "ResidualLoss",
    "ScalarLoss",
    "SmoothedHinge",
    "Softmax",
    "SquaredEpsilonInsensitive",
    "SquaredError",
    "SquaredHinge",
    "SquaredMargin",
    "Tweedie",
]
