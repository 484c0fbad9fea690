"""scikit-learn's own checks on every loss with every penalty, and no failure expected."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES, GroupLasso

NAMES = list({loss: name for name, loss in LOSSES.items()}.values())  # once for a loss that has two names
UNSOLVED = set()  # pairs of names that the engine does not solve yet
QUICK = {"squared_error", "log_loss", "hinge"}  # with every penalty even where the slow tests are left out

# Some checks have linearly separable data, on which an unpenalised logistic loss must warn; none is about warnings.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Pairs(GroupLasso):
    """The group lasso on neighbouring features, however many there are: the checks use several numbers of features."""

    def bind(self, n_features):
        return GroupLasso(np.arange(n_features) // 2, self.weights).bind(n_features)


def make(loss, penalty):
    estimator = ERMRegressor if LOSSES[loss].target == "real" else ERMClassifier
    return estimator(loss, Pairs() if penalty == "group_lasso" else penalty)


@parametrize_with_checks([make(name, "l2") for name in NAMES])
def test_every_check(estimator, check):
    check(estimator)


def checks():
    """Yield the checks of the other pairs, but those that compare two fits to 1e-7.

    These need a minimiser that is unique and well conditioned. Equality of weights and repetition, to what ``tol``
    promises, is tested under every penalty in test_estimators.py.
    """
    for loss in NAMES:
        for penalty in PENALTIES:
            if penalty == "l2" or (loss, penalty) in UNSOLVED:
                continue
            for estimator, check in estimator_checks_generator(make(loss, penalty)):
                label = check.func.__name__ + "".join(f", {key}={value}" for key, value in check.keywords.items())
                if "sample_weight_equivalence" not in label:
                    marks = () if loss in QUICK else pytest.mark.slow
                    yield pytest.param(estimator, check, marks=marks, id=f"{loss}, {penalty}: {label}")


@pytest.mark.parametrize("estimator, check", list(checks()))
def test_every_pair(estimator, check):
    check(estimator)
