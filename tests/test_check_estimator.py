"""scikit-learn's own checks on every loss with every penalty, and no failure expected."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES, GroupLasso

NAMES = list({loss: name for name, loss in LOSSES.items()}.values())  # once for a loss that has two names
UNSOLVED: set[tuple[str, str | None]] = set()  # losses and penalties that the engine does not solve yet

# Some checks have linearly separable data, on which an unpenalised logistic loss must warn; none is about warnings.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Pairs(GroupLasso):
    """The group lasso on neighbouring features, however many there are: the checks use several numbers of features."""

    def bind(self, n_features):
        return GroupLasso(np.arange(n_features) // 2, self.weights).bind(n_features)


def make(loss, penalty):
    estimator = ERMRegressor if LOSSES[loss].target == "real" else ERMClassifier
    return estimator(loss, Pairs() if penalty == "group_lasso" else penalty)


def checks():
    """Return every check on every pair, but for those that compare two fits to 1e-7: on every loss with l2.

    These need a minimiser that is unique and well conditioned. That weights equal repetition, as far as ``tol``
    promises, is tested under every penalty in test_estimators.py.
    """
    found = []
    for loss in NAMES:
        for penalty in PENALTIES:
            for estimator, check in (
                [] if (loss, penalty) in UNSOLVED else estimator_checks_generator(make(loss, penalty))
            ):
                label = check.func.__name__ + "".join(f", {key}={value}" for key, value in check.keywords.items())
                if penalty == "l2" or "sample_weight_equivalence" not in label:
                    found.append(pytest.param(estimator, check, id=f"{loss}, {penalty}: {label}"))
    return found


@pytest.mark.parametrize("estimator, check", checks())
def test_check_estimator(estimator, check):
    check(estimator)
