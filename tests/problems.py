"""What several test files solve: every loss with targets it takes, every penalty, four kinds of data."""

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_erm.design import Design
from sklearn_erm.losses import LOSSES, Softmax
from sklearn_erm.objective import Objective
from sklearn_erm.penalties import PENALTIES

LOSS_EXAMPLES = [loss for cls in dict.fromkeys([*LOSSES.values(), Softmax]) for loss in cls.examples()]
CONVEX = [loss for loss in LOSS_EXAMPLES if loss.convex]
KINDS = ["breast_cancer", "diabetes", "wide", "sparse"]
N_CLASSES = 3


def name_of(instance):
    """A short name for a test's id."""
    params = {name: value for name, value in instance.get_params().items() if value is not None}
    shown = ",".join(f"{value:g}" if np.isscalar(value) else name for name, value in params.items())
    return f"{type(instance).__name__}({shown})"


def penalties(n_features):
    """Every example of every penalty, bound."""
    return [penalty.bind(n_features) for cls in PENALTIES.values() for penalty in cls.examples(n_features)]


PENALTY_NAMES = [f"{name_of(penalty)}" for cls in PENALTIES.values() for penalty in cls.examples(6)]
N_PENALTIES = len(PENALTY_NAMES)


@cache
def load(kind):
    """X and a latent real target."""
    rng = np.random.default_rng(len(kind))
    if kind == "breast_cancer":
        X, label = load_breast_cancer(return_X_y=True)
        X, label = X[:160, :20], label[:160]
        return (X - X.mean(axis=0)) / X.std(axis=0), 2.0 * label - 1.0 + 0.3 * rng.normal(size=len(label))
    if kind == "diabetes":
        X, y = load_diabetes(return_X_y=True, scaled=False)
        return X[:150] / X.std(axis=0), (y[:150] - 150.0) / 75.0
    if kind == "wide":
        X = rng.normal(size=(30, 330)) + 0.2
        return X, X[:, :5].sum(axis=1) + 0.5 * rng.normal(size=30)
    X = 2.0 * rng.normal(size=(200, 60)) * (rng.random((200, 60)) < 0.018)
    return X, X @ rng.normal(size=60) + rng.normal(size=200)


def targets(loss, latent):
    """Turn a latent real target into one of the loss's domain."""
    if loss.target == "sign":
        return np.where(latent > 0, 1.0, -1.0)
    if loss.target == "class":
        return np.digitize(latent, np.quantile(latent, np.arange(1, N_CLASSES) / N_CLASSES))
    if not loss.in_domain(np.array([-1.0]))[0]:
        return np.round(np.exp(latent / latent.std()))
    return latent


def objective(loss, penalty, alpha, X, y, weight=None, offset=None, intercept=True):
    """The objective, weights normalised."""
    weight = np.ones(X.shape[0]) if weight is None else weight
    design = Design(X, weight / weight.sum(), intercept)
    return Objective(loss, penalty, alpha, design, y, offset, N_CLASSES if loss.joint else None)
