"""scikit-learn's own checks on every loss and every penalty, in pairs that cover them, and no failure expected."""

import numpy as np
import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV
from sklearn_erm.losses import LOSSES, Huber
from sklearn_erm.penalties import L1, PENALTIES, GroupLasso, SparseGroupLasso

LOSS_NAMES = list({loss: name for name, loss in LOSSES.items()}.values())  # once for a loss that has two names
PENALTY_NAMES = list(PENALTIES)
COMPANIONS = {"squared_error", "log_loss"}  # losses that are paired with every penalty

# Checks that want one prediction per sample, of which several quantiles have as many as there are quantiles
ONE_PREDICTION = {"check_regressors_train", "check_estimator_sparse_array", "check_estimator_sparse_matrix"}

# Some checks have linearly separable data, on which an unpenalised logistic loss must warn; none is about warnings.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


class Pairs(GroupLasso):
    """The group lasso on neighbouring features, however many there are: the checks use several numbers of features."""

    def bind(self, n_features):
        return GroupLasso(np.arange(n_features) // 2, self.weights).bind(n_features)


class SparsePairs(SparseGroupLasso):
    """The sparse group lasso on neighbouring features."""

    def bind(self, n_features):
        return SparseGroupLasso(np.arange(n_features) // 2, self.l1_ratio).bind(n_features)


INSTANCES = {"group_lasso": Pairs(), "sparse_group_lasso": SparsePairs()}


def make(loss, penalty, **options):
    target = LOSSES[loss].target if isinstance(loss, str) else loss.target
    estimator = ERMRegressor if target == "real" else ERMClassifier
    return estimator(loss, INSTANCES.get(penalty, penalty), **options)


def pairs():
    """Return pairs of names: every loss with l2 and in turn with another penalty, and two losses with every penalty."""
    for i, loss in enumerate(LOSS_NAMES):
        for j, penalty in enumerate(PENALTY_NAMES):
            if penalty == "l2" or loss in COMPANIONS or (i + j) % len(PENALTY_NAMES) == 0:
                yield loss, penalty


EXTRA = {
    "bounds": make("squared_error", "l2", bounds=(0, None)),
    "bounds and hinge": make("hinge", "l1", bounds=(-0.5, 0.5), tol=1e-10),
    "sum": make("squared_error", 0.5 * L1() + INSTANCES["group_lasso"]),
    "scale": make(Huber(scale="mad"), "l2"),
}
FEW = {"alphas": [0.1, 0.01], "cv": 2}
SEARCHES = {
    "classifier": ERMClassifierCV(alphas=10, cv=2),  # some checks have three samples of a class
    "regressor": ERMRegressorCV(alphas=10, cv=2),
    "metric": ERMClassifierCV(alphas=[0.1, 0.01], cv=2, scoring="neg_log_loss"),
    "log_loss": ERMClassifierCV("log_loss", ["l1", "l2"], **FEW),
    "hinge": ERMClassifierCV("hinge", "l1", **FEW),
    "grid": ERMRegressorCV("squared_error", "elasticnet", l1_ratio=[0.5, 1.0], alphas=3, eps=0.1, cv=2),
    "absolute_error": ERMRegressorCV("absolute_error", "l2", **FEW),
    "left out": ERMRegressorCV("squared_error", "l2", alphas=[0.1, 0.01], cv="alo"),
}


def checks():
    """Return every check on every estimator.

    Two checks compare the predictions of two fits to 1e-7. Of the pairs, these are for l2 only: other penalties need
    not have a unique minimiser, and ``tol`` leaves more of the error. That weights equal repetition, as far as ``tol``
    promises, is tested under every penalty in test_estimators.py.
    """
    found = []
    estimators = {f"{loss}, {penalty}": make(loss, penalty) for loss, penalty in pairs()} | EXTRA | SEARCHES
    for name, made in estimators.items():
        for estimator, check in estimator_checks_generator(made):
            label = check.func.__name__ + "".join(f", {key}={value}" for key, value in check.keywords.items())
            if name.startswith("multi_quantile") and check.func.__name__ in ONE_PREDICTION:
                continue
            is_exact = name.endswith(", l2") or ", " not in name
            if is_exact or "sample_weight_equivalence" not in label:
                found.append(pytest.param(estimator, check, id=f"{name}: {label}"))
    return found


@pytest.mark.parametrize("estimator, check", checks())
def test_check_estimator(estimator, check):
    check(estimator)
