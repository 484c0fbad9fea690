"""scikit-learn's own checks, on every loss with every penalty, and no failure expected."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES, GroupLasso

# Some checks have linearly separable data, on which an unpenalised logistic loss must warn; none is about warnings.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

UNSOLVED = set()  # pairs of names that the engine does not solve yet
COVER = {"squared_error", "log_loss", "hinge"}  # with every penalty on the quick run; the other losses with l2


class Pairs(GroupLasso):
    """The group lasso on neighbouring features, however many there are: the checks use several numbers of features."""

    def bind(self, n_features):
        return GroupLasso(np.arange(n_features) // 2, self.weights).bind(n_features)


def pairs():
    """Return every loss with every penalty, a class that has two names once."""
    names = {loss: name for name, loss in LOSSES.items()}.values()
    return [(loss, penalty) for loss in names for penalty in PENALTIES if (loss, penalty) not in UNSOLVED]


def estimator(loss, penalty):
    regression = LOSSES[loss].target == "real"
    return (ERMRegressor if regression else ERMClassifier)(loss, Pairs() if penalty == "group_lasso" else penalty)


QUICK = [pair for pair in pairs() if pair[0] in COVER or pair[1] == "l2"]
REST = [pair for pair in pairs() if pair not in QUICK]


def run(check, estimator):
    """Run a check; what it compares to 1e-7 must be solved beyond the default tol."""
    if "sample_weight_equivalence" in str(check):
        estimator.set_params(tol=1e-14)
    check(estimator)


@parametrize_with_checks([estimator(*pair) for pair in QUICK])
def test_quick(estimator, check):
    run(check, estimator)


@pytest.mark.slow
@parametrize_with_checks([estimator(*pair) for pair in REST])
def test_rest(estimator, check):
    run(check, estimator)
