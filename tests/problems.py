"""What several test files solve: every loss with targets it takes, every penalty, four kinds of data."""

from functools import cache

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes

from sklearn_erm.losses import LOSSES, MultiQuantile, Softmax
from sklearn_erm.losses.smoothed import Smoothed
from sklearn_erm.penalties import PENALTIES
from sklearn_erm.problem.certificate import splits
from sklearn_erm.problem.multipliers import Dual, Pair
from sklearn_erm.problem.objective import Objective
from sklearn_erm.samples.design import Design
from sklearn_erm.samples.local import LocalSamples
from sklearn_erm.solve.split import smooth_problem

# One example of each class, the least symmetric; the laws of the losses themselves run over all of them elsewhere.
LOSS_EXAMPLES = [cls.examples()[-1] for cls in dict.fromkeys([*LOSSES.values(), Softmax])] + [MultiQuantile()]
KINDS = ["breast_cancer", "diabetes", "wide", "sparse"]
N_CLASSES = 3


def name_of(instance):
    """A short name for a test's id."""
    params = {name: value for name, value in instance.get_params().items() if value is not None}
    shown = ",".join(f"{value:g}" if np.isscalar(value) else name for name, value in params.items())
    return f"{type(instance).__name__}({shown})"


def kind_of_penalty(penalty):
    """What the engine asks of a penalty."""
    return penalty.convex, penalty.smooth, penalty.blockwise, penalty.separable, penalty.coercive, splits(penalty)


def kind_of_loss(loss):
    """What the engine asks of a loss."""
    return loss.convex, loss.smooth, loss.joint, loss.attained, bool(np.isfinite(loss.max_curvature))


def penalties(n_features):
    """The examples of every penalty, bound, one of each structure."""
    zero, found = np.zeros(n_features), {}
    for cls in PENALTIES.values():
        for penalty in cls.examples(n_features):
            bound = penalty.bind(n_features)
            parts = tuple(type(part.penalty) for part in bound.parts())
            structure = kind_of_penalty(bound), bound.homogeneous, bound.couples_outputs, bound.value(zero) > 0, parts
            found.setdefault((cls, *structure), bound)
    return list(found.values())


LOSS_KINDS = list({kind_of_loss(loss): loss for loss in reversed(LOSS_EXAMPLES)}.values())  # the first of each kind
PENALTY_EXAMPLES = penalties(6)
PENALTY_NAMES = [name_of(penalty) for penalty in PENALTY_EXAMPLES]
N_PENALTIES = len(PENALTY_NAMES)


def cover(share):
    """Indices of losses and penalties: one pair in so many, and at least one of every kind of loss and of penalty."""
    pairs = [(i, j) for i in range(len(LOSS_EXAMPLES)) for j in range(N_PENALTIES)]
    chosen = {pair: None for pair in pairs if sum(pair) % share == 0}
    seen = {_kinds(*pair) for pair in chosen}
    for pair in pairs:
        if _kinds(*pair) not in seen:
            seen.add(_kinds(*pair))
            chosen[pair] = None
    return list(chosen)


def _kinds(i, j):
    return kind_of_loss(LOSS_EXAMPLES[i]), kind_of_penalty(PENALTY_EXAMPLES[j])


def name_of_pair(pair):
    return f"{name_of(LOSS_EXAMPLES[pair[0]])}-{PENALTY_NAMES[pair[1]]}"


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
    if loss.in_domain(np.array([-1.0]))[0]:
        return latent
    positive = np.exp(latent / latent.std())
    return np.round(positive) if loss.in_domain(np.zeros(1))[0] else positive


def n_scores(loss):
    """The number of scores of a sample under a joint loss; None for others, which have one per target."""
    return (loss.n_scores or N_CLASSES) if loss.joint else None


def objective(loss, penalty, alpha, X, y, weight=None, offset=None, intercept=True):
    """The objective, weights normalised."""
    weight = np.ones(X.shape[0]) if weight is None else weight
    design = Design(X, weight / weight.sum(), intercept)
    return Objective(loss, penalty, alpha, LocalSamples(design, y, offset, n_scores(loss)))


def suitable_alpha(loss, penalty, X, y):
    """A tenth of what sets every coefficient to zero, where that exists."""
    if not penalty.has("critical_alpha"):
        return 0.05
    problem = objective(loss, penalty, 1.0, X, y)
    critical = penalty.critical_alpha(problem.at(problem.null).risk_gradient[0])
    return 0.1 * critical if 0 < critical < np.inf else 0.05


def curved(problem):
    """A loss with kinks, which has no curvature, gives way to its Moreau envelope."""
    if problem.loss.has("curvature"):
        return problem
    return problem.with_loss(Smoothed(problem.loss, problem.samples.zeros(), 0.7))


def with_gradient(problem):
    """The problem, or where its penalty has no gradient the smooth one that the augmented Lagrangian makes of it."""
    return problem if problem.penalty.has("gradient") else smooth_problem(problem, Dual(None, None), 0.7)


def subgradients(problem, x, step=0.5):
    """A subgradient of every part of a penalty that is split, each with a point where it is one; None for others."""
    if not splits(problem.penalty):
        return None
    smooth = smooth_problem(problem, Dual(None, None), step)
    return [Pair(*pair) for pair in smooth.penalty.pairs(problem.split(x)[0])]
