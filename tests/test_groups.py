"""Groups of features: what may be said of them, and what is refused, with the cure."""

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import make_column_transformer
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from sklearn_erm import ERMRegressor, ERMRegressorCV, erm_path
from sklearn_erm.penalties import L1, GroupLasso, Penalty, SparseGroupLasso

RNG = np.random.default_rng(0)
X = RNG.normal(size=(30, 4))
Y = X @ [1.0, 0.0, -1.0, 0.5] + 0.1 * RNG.normal(size=30)
FRAME = pd.DataFrame(X, columns=["age", "bmi", "sex_f", "sex_m"])
WEIGHTS = [0.5, 1.5, 1.0]  # of age, bmi, sex: in the order of the labels, or of the lists
SAME = {
    "integers": [0, 1, 2, 2],
    "floats": [0.1, 1.5, 2.0, 2.0],
    "strings": ["age", "bmi", "sex", "sex"],
    "objects": np.array(["age", "bmi", "sex", "sex"], dtype=object),
    "a series": pd.Series(["age", "bmi", "sex", "sex"]),
    "labels that do not sort": [int, float, str, str],
    "column numbers": [[0], [1], [2, 3]],
    "ranges, sets and arrays": [range(1), {1}, np.array([3, 2])],
    "names": [["age"], ["bmi"], ["sex_f", "sex_m"]],
    "names and numbers": [[0], ["bmi"], [3, "sex_f"]],
}


@pytest.mark.parametrize("penalty", [GroupLasso, SparseGroupLasso])
@pytest.mark.parametrize("said", SAME)
def test_the_same_groups_said_in_other_words(penalty, said):
    def coef(groups, data, factor=1.0):
        own = factor * penalty(groups, weights=WEIGHTS)
        return ERMRegressor("squared_error", own, alpha=0.3 / factor, tol=1e-9).fit(data, Y).coef_

    data = FRAME if "names" in said else X
    wanted = coef(SAME["integers"], X)
    np.testing.assert_allclose(coef(SAME[said], data), wanted, rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(coef(SAME[said], data, factor=2.0), wanted, atol=1e-6)


def test_names_reach_every_door():
    named, numbered = GroupLasso(SAME["names"]), GroupLasso(SAME["integers"])
    for call in (
        lambda penalty, data: erm_path(data, Y, penalty=penalty, alphas=4).objectives,
        lambda penalty, data: ERMRegressorCV(penalty=[penalty, "l1"], alphas=4, cv=3).fit(data, Y).best_score_,
        lambda penalty, data: ERMRegressor(penalty=penalty + 0.5 * L1(), alpha=0.1).fit(data, Y).objective_,
        lambda penalty, data: ERMRegressor(penalty=penalty, alpha=0.1, bounds=(0, None)).fit(data, Y).objective_,
    ):
        np.testing.assert_array_equal(call(named, FRAME), call(numbered, FRAME))
    assert named.groups is SAME["names"]


def test_a_penalty_of_ones_own_binds_to_a_number_of_features():
    class Own(Penalty):
        def bind(self, n_features):
            assert n_features == 4
            return self

        def value(self, W):
            return float(np.abs(W).sum())

        def prox(self, W, step):
            return np.sign(W) * np.maximum(np.abs(W) - step, 0.0)

    ERMRegressor("squared_error", Own(), alpha=0.1).fit(FRAME, Y)


@pytest.mark.parametrize(
    "groups, words",
    [
        ([[0], [0, 1], [2, 3]], r"feature 0 is in groups 0 and 1; groups must not overlap.*GroupLasso\(...\) \+"),
        ([[0], [1, 1], [2, 3]], r"feature 1 is in group 1 twice"),
        ([[0], [1]], r"no group has features 2, 3; give each a group of its own, \[2\], with weights= of 0"),
        ([[0, 1], [2, 4]], r"group 1 has column 4, but X has 4 features, numbered from 0.*OneHotEncoder\(categories="),
        ([[0, 1], [2, -1]], r"group 1 has column -1"),
        ([[0, 1], [2, 3], []], r"group 2 is empty"),
        ([[0, 1], [2.5, 3]], r"group 1 has 2.5, neither the number nor the name"),
        ([[True, True], [2, 3]], r"group 0 has True, neither"),
        ([0, [1], 2, 3], r"\[1\] is a list, 0 is not; pass one label per feature, or a list of columns"),
        (SAME["names"], r"group 0 has the column 'age', but the columns of X have no names; pass a DataFrame"),
        (["a", None, "b", "b"], r"feature 1 has no label, but None"),
        ([0, 1, np.nan, 2], r"feature 2 has no label, but nan"),
        (pd.array(["a", "b", pd.NA, "b"]), r"feature 2 has no label, but <NA>"),
        (["a", "b"], r"X has 4 features, but groups has 2 labels.*OneHotEncoder\(categories="),
        (3, r"a label per feature, or a list of columns per group, not int"),
    ],
    ids=str,
)
def test_groups_that_are_none(groups, words):
    for penalty in (GroupLasso, SparseGroupLasso):
        with pytest.raises((ValueError, TypeError), match=rf"{penalty.__name__}\(groups=...\): .*{words}"):
            ERMRegressor("squared_error", penalty(groups), alpha=0.1).fit(X, Y)


def test_names_that_are_none():
    with pytest.raises(ValueError, match=r"X has no column 'bmii'. Did you mean 'bmi'\?"):
        ERMRegressor(penalty=GroupLasso([["age", "bmii"], [2, 3]])).fit(FRAME, Y)
    with pytest.raises(ValueError, match=r"columns \[0, 1\] of X are all called 'age'"):
        GroupLasso([["age"], [2]]).with_names(["age", "age", "bmi"])


@pytest.mark.parametrize("groups", [["c", "c", "c", "x"], [["c_u", "c_v", "c_w"], ["x"]]], ids=["labels", "names"])
def test_a_level_that_a_fold_lacks_is_told_with_its_cure(groups):
    table = pd.DataFrame({"c": ["u"] * 15 + ["v"] * 14 + ["w"], "x": X[:, 0]})

    def scores(**levels):
        encoder = OneHotEncoder(sparse_output=False, **levels)
        columns = make_column_transformer((encoder, ["c"]), remainder="passthrough", verbose_feature_names_out=False)
        model = make_pipeline(columns, ERMRegressor("squared_error", GroupLasso(groups), alpha=0.1))
        return cross_val_score(model.set_output(transform="pandas"), table, Y, cv=3, error_score="raise")

    with pytest.raises(ValueError, match=r"fold without some level has fewer columns.*OneHotEncoder\(categories="):
        scores()
    assert np.all(np.isfinite(scores(categories=[["u", "v", "w"]])))
