"""What is wrong with rows does not depend on the blocks that they come in: the same message, the same coding."""

import numpy as np
import pytest

from sklearn_erm.estimators.labels import coding, masses, require_labels, suspects
from sklearn_erm.estimators.location import extent, find_location
from sklearn_erm.estimators.row_checks import (
    largest_weight,
    offset_offenders,
    require_offsets,
    require_targets,
    target_offenders,
    weight_facts,
)
from sklearn_erm.losses import Poisson

N = 40
CUTS = [[], [1], [20], [39], [5, 6, 7, 30], list(range(1, N))]


def blocks(cuts, *arrays):
    """The arrays, and the number of the first row, block by block."""
    for start, end in zip([0, *cuts], [*cuts, N], strict=True):
        yield (*(array[start:end] for array in arrays), start)


def outcome(check):
    """What a check returns, or says."""
    try:
        return check()
    except (TypeError, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def with_faults(bad, count):
    values = np.linspace(0.5, 2.0, N)
    values[np.random.default_rng(count).choice(N, count, replace=False)] = bad
    return values


@pytest.mark.parametrize("cuts", CUTS, ids=len)
@pytest.mark.parametrize("count", [0, 1, 5, 6, 9, 40])
@pytest.mark.parametrize("bad", [-1.0, np.nan, np.inf, -np.inf, 0.0])
def test_weights(bad, count, cuts):
    weight = with_faults(bad, count)
    told = outcome(lambda: largest_weight(weight_facts(part, start) for part, start in blocks(cuts, weight)))
    if count and bad != 0:
        rows = np.flatnonzero(weight != np.linspace(0.5, 2.0, N))
        rule = ">= 0" if bad == -1 else "finite"
        shown = ", ".join(f"row {row} is {weight[row]}" for row in rows[:5])
        rest = {0: "", 1: " and 1 more row"}.get(max(count - 5, 0), f" and {count - 5} more rows")
        assert told == f"ValueError: sample_weight must be {rule}, but {shown}{rest}."
    elif count == N:
        assert told == "ValueError: sample_weight is zero for every row; at least one must be positive."
    else:
        assert told == weight.max()


def test_weights_that_are_not_finite_are_told_first():
    weight = np.ones(N)
    weight[3], weight[30] = -1.0, np.nan
    facts = [weight_facts(part, start) for part, start in blocks([20], weight)]
    with pytest.raises(ValueError, match="must be finite, but row 30 is nan"):
        largest_weight(facts)


@pytest.mark.parametrize("cuts", CUTS, ids=len)
@pytest.mark.parametrize("count", [0, 2, 9])
@pytest.mark.parametrize("columns", [0, 2])
def test_offsets_and_targets(columns, count, cuts):
    values = with_faults(-np.inf, count)
    values = values if columns == 0 else np.column_stack([np.ones(N), values])
    weight = np.arange(N) % 3
    whole = outcome(lambda: require_offsets([offset_offenders(values)]))
    assert (whole is None) == (count == 0)
    assert outcome(lambda: require_offsets(offset_offenders(v, k) for v, k in blocks(cuts, values))) == whole
    loss = Poisson()
    whole = outcome(lambda: require_targets(loss, [target_offenders(loss, values, weight)]))
    answers = (target_offenders(loss, v, w, k) for v, w, k in blocks(cuts, values, weight))
    assert outcome(lambda: require_targets(loss, answers)) == whole
    assert (whole is None) == bool(np.isfinite(values[weight > 0]).all())
    absent = np.where(np.isfinite(values).reshape(N, -1).all(axis=1), weight, 0)
    require_targets(loss, [target_offenders(loss, v, w, k) for v, w, k in blocks(cuts, values, absent)])


LABELS = {
    "strings": np.array(["b", "a", "ccc"])[np.arange(N) % 3],
    "objects": np.array(["b", "a", "ccc"], dtype=object)[np.arange(N) % 3],
    "integers": np.arange(N) % 4 - 1,
    "booleans": np.arange(N) % 2 == 0,
    "whole floats": np.arange(N) % 2.0,
    "rising": np.repeat(["x", "y"], N // 2),
}


@pytest.mark.parametrize("cuts", CUTS, ids=len)
@pytest.mark.parametrize("class_weight", [None, "balanced", "some"])
@pytest.mark.parametrize("kind", LABELS)
def test_coding(kind, class_weight, cuts):
    y, weight = LABELS[kind], np.random.default_rng(0).integers(0, 3, N).astype(float)
    labels = np.unique(y)
    if class_weight == "some":
        class_weight = {label: 0.5 + k for k, label in enumerate(labels.tolist())}
    coded = coding([masses(v, w) for v, w, _ in blocks(cuts, y, weight)], class_weight)
    parts = [coded(v, w) for v, w, _ in blocks(cuts, y, weight)]
    codes, weights = (np.concatenate(each) for each in zip(*parts, strict=True))
    np.testing.assert_array_equal(coded.classes, labels)
    np.testing.assert_array_equal(coded.classes[codes], y)
    if class_weight is None:
        np.testing.assert_array_equal(weights, weight)
    elif class_weight == "balanced":
        np.testing.assert_allclose(np.bincount(codes, weights), 1.0, rtol=1e-14)
    else:
        np.testing.assert_array_equal(weights, weight * np.array(list(class_weight.values()))[codes])


@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_classes_of_no_weight_are_none(cuts):
    y = LABELS["strings"]

    def coded(silent, class_weight=None):
        weight = np.where(np.isin(y, silent), 0.0, 1.0)
        return outcome(lambda: coding([masses(v, w) for v, w, _ in blocks(cuts, y, weight)], class_weight))

    for found in (coded("b"), coded([], {"a": 1, "b": 0, "ccc": 2})):
        np.testing.assert_array_equal(found.classes, ["a", "ccc"])
        weight = np.where(y == "b", 0.0, 1.0)
        np.testing.assert_array_equal(found.classes[found(y, weight)[0]][y != "b"], y[y != "b"])
    assert coded(["a", "b"]).endswith("at least two classes, but there is one class of positive weight in y: 'ccc'.")
    assert coded(["a", "b", "ccc"]).endswith("but there is no class of positive weight.")


NO_LABELS = {
    "reals": np.linspace(0, 1, N),
    "objects": np.array([1, 2.5] * (N // 2), dtype=object),
    "late": np.array(["a"] * (N - 1) + [None], dtype=object),
    "early": np.array([None] + ["a"] * (N - 1), dtype=object),
}


@pytest.mark.parametrize("cuts", CUTS, ids=len)
@pytest.mark.parametrize("kind", NO_LABELS)
def test_what_is_no_label(kind, cuts):
    y = NO_LABELS[kind]
    whole = outcome(lambda: require_labels([suspects(y)]))
    assert isinstance(whole, str)
    told = outcome(lambda: require_labels([suspects(part) for part, _ in blocks(cuts, y)]))
    assert told == whole
    assert all(require_labels([suspects(v) for v, _ in blocks(cuts, fine)]) is None for fine in LABELS.values())


@pytest.mark.parametrize("cuts", CUTS, ids=len)
def test_where_targets_are(cuts):
    spread = np.sin(np.arange(N))
    y = np.column_stack([spread, 1e9 + spread, np.full(N, 0.1), 1e-9 * spread - 1.0])
    found = find_location(extent(part) for part, _ in blocks(cuts, y))
    np.testing.assert_array_equal(found, find_location([extent(y)]))
    np.testing.assert_allclose(found, [0.0, 1e9, 0.1, -1.0], rtol=1e-8, atol=2.0)
    assert found[2] == 0.1
    np.testing.assert_array_equal((y - found)[:, 1] + found[1], y[:, 1])
    assert find_location(extent(part) for part, _ in blocks(cuts, spread)) == 0.0
