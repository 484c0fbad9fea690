"""What ``verbose`` prints, and that nothing is printed without it."""

import importlib.util
import re

import numpy as np
import pytest

from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, erm_path

from .fits import NAMES, make, make_data

NUMBER = r"-?[\d.]+(?:e[+-]?\d+)?"


@pytest.mark.parametrize("name", NAMES)
def test_a_fit_prints_aligned_lines(name, capsys):
    X, y = make_data(name)
    make(name, "l1", verbose=1).fit(X, y)
    *lines, last = capsys.readouterr().out.splitlines()
    line = rf"iteration +\d+: objective {NUMBER}, gap ({NUMBER}|inf), support +\d+, [\d.]+ s"
    assert lines
    assert all(re.fullmatch(line, each) for each in lines)
    assert re.match("ERM(Classifier|Regressor): objective", last)


def test_a_path_prints_a_line_per_alpha(capsys):
    X, y = make_data("squared_error")
    path = erm_path(X, y, alphas=4, verbose=1)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 4
    found = [re.match(rf"alpha +(\d+): +({NUMBER}), objective ({NUMBER}), .* support +(\d+),", line) for line in lines]
    np.testing.assert_allclose([float(one[2]) for one in found], path.alphas, rtol=1e-3)
    np.testing.assert_allclose([float(one[3]) for one in found], path.objectives, rtol=1e-8)
    assert [int(one[4]) for one in found] == list(np.count_nonzero(path.coefs, axis=1))
    erm_path(X, y, alphas=4)
    assert capsys.readouterr().out == ""
    with pytest.raises(ValueError, match="verbose"):
        erm_path(X, y, verbose=-1)


@pytest.mark.parametrize("cv", [2, "alo"])
def test_a_search_prints_a_line_per_path_and_the_choice(cv, capsys):
    X, y = make_data("log_loss")
    model = ERMClassifierCV("log_loss", ["elasticnet", "l2"], l1_ratio=[0.1, 0.5], alphas=4, cv=cv, verbose=1)
    model.fit(X, y)
    *lines, last = capsys.readouterr().out.splitlines()
    combinations = ["penalty='elasticnet', l1_ratio=0.1", "penalty='elasticnet', l1_ratio=0.5", "penalty='l2'"]
    said = [(each, k) for each in combinations for k in range(model.n_splits_)]
    assert len(lines) == len(said)
    for number, (line, (combination, split)) in enumerate(zip(lines, said, strict=True), 1):
        start = re.escape(f"path {number} of {len(said)}: loss='log_loss', {combination}, split {split}: ")
        score, alpha = re.match(rf"{start}best score ({NUMBER}) at alpha ({NUMBER}), [\d.]+ s$", line).groups()
        rows = model.cv_results_["combination"] == combinations.index(combination)
        column = model.cv_results_[f"split{split}_test_score"][rows]
        assert float(score) == pytest.approx(column.max(), rel=1e-4)
        assert float(alpha) == pytest.approx(model.cv_results_["param_alpha"][rows][column.argmax()], rel=1e-3)
    assert last.startswith("ERMClassifierCV: loss='log_loss', ")
    assert f"mean score {model.best_score_:#.6g} at alpha {model.alpha_:#.4g}" in last
    model.set_params(verbose=0).fit(X, y)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("estimator", [ERMClassifierCV, ERMRegressorCV])
def test_a_bad_verbose_of_a_search_is_named(estimator):
    X, y = make_data("log_loss")
    with pytest.raises(TypeError, match=rf"{estimator.__name__}\(verbose='yes'\)"):
        estimator(verbose="yes").fit(X, y)


@pytest.mark.parametrize("estimator", [ERMClassifier, ERMRegressor, ERMClassifierCV, ERMRegressorCV])
def test_callbacks_are_there_where_scikit_learn_has_them(estimator):
    assert hasattr(estimator(), "set_callbacks") == (importlib.util.find_spec("sklearn.callback") is not None)
