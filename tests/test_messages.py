"""What messages say: whose parameter is wrong, counts, reasons, and whole sentences."""

import ast
import re
import warnings
from pathlib import Path

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

import sklearn_erm
from sklearn_erm import ERMClassifier, ERMRegressor
from sklearn_erm.bayes import alpha_from_prior, prior_from_alpha
from sklearn_erm.checks import quantity
from sklearn_erm.losses import Loss
from sklearn_erm.penalties import L1, Fused, L2Norm

N = 40
RNG = np.random.default_rng(0)
X = RNG.normal(size=(N, 3))
Y = X[:, 0] + RNG.normal(size=N)


def strings(path):
    """Return line and text of every string but docstrings; "{}" stands for what is filled in."""
    tree = ast.parse(path.read_text())
    nodes = list(ast.walk(tree))
    blocks = (ast.Module, ast.ClassDef, ast.FunctionDef)
    left_out = {id(node.body[0].value) for node in nodes if isinstance(node, blocks) and type(node.body[0]) is ast.Expr}
    left_out |= {id(part) for node in nodes if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left_out:
            yield node.lineno, node.value
        elif isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(getattr(part, "value", "") if type(part) is ast.Constant else "{}" for part in node.values),
            )


def test_no_capital_letter_follows_a_semicolon():
    """Hints that may be empty are sentences of their own, between two others."""
    for path in Path(sklearn_erm.__file__).parent.rglob("*.py"):
        for line, text in strings(path):
            assert not re.search(r";\s*(\{\}\s*)*[A-Z][a-z]", text), f"{path}:{line}: {text}"


def test_counts():
    assert [quantity(n, "iteration") for n in (0, 1, 2)] == ["0 iterations", "1 iteration", "2 iterations"]
    assert quantity(2, "class") == "2 classes"
    for limit, words in ((1, "after 1 iteration,"), (2, "after 2 iterations,")):
        with pytest.warns(ConvergenceWarning, match=words):
            ERMRegressor("log_cosh", max_iter=limit).fit(X, 100 * Y)
    wrong = np.where(np.arange(N) < 6, np.nan, 1.0)
    with pytest.raises(ValueError, match=r"and 1 more row\.$"):
        ERMRegressor().fit(X, Y, sample_weight=wrong)


@pytest.mark.parametrize(
    "function, given, words",
    [
        (alpha_from_prior, {"prior_variance": 0}, r"^alpha_from_prior\(prior_variance=0\): "),
        (
            alpha_from_prior,
            {"prior_variance": 1, "noise_variance": np.float64(-1)},
            r"^alpha_from_prior\(noise_variance=-1.0\): ",
        ),
        (alpha_from_prior, {"prior_variance": 1, "n_samples": 0}, r"^alpha_from_prior\(n_samples=0\): "),
        (prior_from_alpha, {"alpha": -1}, r"^prior_from_alpha\(alpha=-1\): "),
    ],
)
def test_the_parameter_at_fault_is_the_function_s(function, given, words):
    with pytest.raises(ValueError, match=words):
        function("squared_error", "l2", **{"n_samples": 10, "noise_variance": 1.0, **given})


class Absolute(Loss):
    """A loss of one's own without a conjugate."""

    def value(self, y, eta):
        return np.logaddexp(y - eta, eta - y)

    def gradient(self, y, eta):
        return np.tanh(eta - y)


@pytest.mark.parametrize(
    "params, reason",
    [
        ({}, ""),
        ({"penalty": L2Norm() + L1()}, ""),
        ({"penalty": None}, "some directions have no penalty"),
        ({"penalty": L1([1, 0, 1])}, "some directions have no penalty"),
        ({"penalty": Fused() + L1([1, 0, 0])}, "some directions have no penalty"),
        ({"penalty": "mcp"}, "the penalty is not convex"),
        ({"loss": "tweedie", "penalty": "mcp"}, "the penalty is not convex"),
        ({"loss": Absolute()}, "the loss has no conjugate"),
        ({"unit": 1e9}, "rounding alone would make it large"),
        ({"max_iter": 1, "penalty": None, "loss": "log_cosh"}, "some directions have no penalty"),
    ],
)
def test_why_there_is_no_duality_gap(params, reason):
    params = dict(params)
    rows = X * params.pop("unit", 1.0)
    y = np.exp(Y) if params.get("loss") == "tweedie" else Y
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model = ERMRegressor(**params).fit(rows, y)
    assert np.isnan(model.duality_gap_) == bool(reason)
    assert (f"duality_gap_ is nan, because {reason}" in model.result_.message) == bool(reason)


@pytest.mark.parametrize("shift, culprit", [(1e12, "offset is far from 0"), (0.0, None)])
@pytest.mark.parametrize(
    "estimator, y", [(ERMRegressor("log_cosh"), Y), (ERMClassifier(), Y > 0)], ids=["reals", "labels"]
)
def test_an_offset_far_from_0(estimator, y, shift, culprit):
    offset = shift + RNG.normal(size=N)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y, offset=offset)
    assert [culprit in str(each.message) for each in caught] == ([True] if culprit else [])
