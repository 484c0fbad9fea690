"""A loss in units of the noise: Huber's scale."""

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.datasets import load_diabetes
from sklearn.linear_model import HuberRegressor
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.losses import AbsoluteError, Huber

from .problems import LOSS_EXAMPLES, name_of


@pytest.fixture(scope="module")
def data():
    X, y = load_diabetes(return_X_y=True)
    return StandardScaler().fit_transform(X), y


@pytest.mark.parametrize("factor", [1e-6, 1.0, 1e5])
@pytest.mark.parametrize("penalty", ["l2", None])
def test_the_fit_follows_the_unit_of_y(data, penalty, factor):
    X, y = data
    model = ERMRegressor(Huber(scale="mad"), penalty, alpha=0.1, tol=1e-9)
    base, moved = clone(model).fit(X, y), clone(model).fit(X, factor * y)
    np.testing.assert_allclose(moved.coef_ / factor, base.coef_, rtol=1e-4, atol=1e-4)
    assert moved.loss_.scale == pytest.approx(factor * base.loss_.scale, rel=1e-3)
    fixed = clone(model).set_params(loss=Huber()).fit(X, factor * y)
    assert factor == 1.0 or not np.allclose(fixed.coef_ / factor, base.coef_, rtol=1e-2)


def test_the_scale_is_that_of_the_residuals(data):
    X, y = data
    weight = np.random.default_rng(0).integers(0, 3, len(y))
    offset = np.sin(np.arange(len(y))) * 10
    model = ERMRegressor(Huber(1.5, scale="mad"), "l2", alpha=0.1).fit(X, y, sample_weight=weight, offset=offset)
    residual = np.repeat(np.abs(y - model.predict(X, offset)), weight)
    assert model.loss_.delta == 1.5
    assert model.loss_.scale == pytest.approx(1.4826 * np.median(residual), rel=2e-3)
    again = ERMRegressor(model.loss_, "l2", alpha=0.1).fit(X, y, sample_weight=weight, offset=offset)
    np.testing.assert_allclose(again.coef_, model.coef_, rtol=1e-6)


def test_gaussian_noise_has_its_standard_deviation():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(4000, 3))
    y = X @ [1.0, 2.0, 3.0] + 5.0 * rng.normal(size=4000)
    y[:400] += 1000.0  # a tenth of outliers moves the scale a little
    model = ERMRegressor(Huber(scale="mad"), None).fit(X, y)
    assert model.loss_.scale == pytest.approx(5.0, rel=0.25)
    np.testing.assert_allclose(model.coef_, [1, 2, 3], atol=0.4)


def test_huber_regressor_at_its_scale(data):
    X, y = data
    theirs = HuberRegressor(epsilon=1.5, alpha=0.01, max_iter=10**5, tol=1e-9).fit(X, y)
    loss = Huber(1.5, scale=theirs.scale_)
    ours = ERMRegressor(loss, "l2", alpha=0.01 * theirs.scale_ / len(y), tol=1e-10).fit(X, y)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=2e-3, atol=2e-3)


def test_scales_that_cannot_be():
    X, y = np.arange(6.0)[:, None], np.arange(6.0)
    perfect = ERMRegressor(Huber(scale="mad"), None).fit(X, y)
    np.testing.assert_allclose(perfect.predict(X), y, atol=1e-6)
    constant = ERMRegressor(Huber(scale="mad"), "l2").fit(X, np.ones(6))
    np.testing.assert_allclose(constant.predict(X), 1)
    with pytest.raises(TypeError, match=r"scale='iqr'.*real number"):
        ERMRegressor(Huber(scale="iqr")).fit(X, y)
    with pytest.raises(ValueError, match=r"scale=0.*\(0, inf\)"):
        ERMRegressor(Huber(scale=0)).fit(X, y)
    with pytest.raises(ValueError, match=r"one target"):
        ERMRegressor(Huber(scale="mad")).fit(X, np.column_stack([y, y]))


@pytest.mark.parametrize("loss", LOSS_EXAMPLES, ids=name_of)
def test_a_loss_with_a_unit_of_its_own_is_settled(loss):
    def refuse(fitted):
        raise AssertionError

    assert loss.settled(refuse) is loss
    assert not loss.one_target


def test_the_scale_is_a_fixed_point_of_what_it_is_told():
    asked = []

    def spread(fitted):
        asked.append(fitted)
        return 8.0 if fitted is None else 1.0 + 0.5 * fitted.scale / 1.4826

    settled = Huber(2.0, scale="mad").settled(spread)
    assert asked[0] is None
    assert settled.scale == pytest.approx(2 * 1.4826, rel=2e-4)
    assert settled.delta == 2.0
    assert 5 < len(asked) < 50
    assert Huber(scale="mad").settled(lambda fitted: 0.0).scale == 1.0
    assert Huber(scale="mad").one_target


class InItsUnit(AbsoluteError):  # noqa: N818  # no exception
    """A loss of a user's own, which asks for the spread around the best constant alone."""

    def __init__(self, unit=None):
        self.unit = unit

    def settled(self, spread):
        return self if self.unit else InItsUnit(spread(None))


def test_a_loss_of_ones_own_may_settle_too(data):
    X, y = data
    model = ERMRegressor(InItsUnit(), "l2", alpha=0.1).fit(X, y)
    assert model.loss_.unit == pytest.approx(np.median(np.abs(y - np.median(y))), rel=1e-2)
    np.testing.assert_allclose(model.coef_, ERMRegressor(AbsoluteError(), "l2", alpha=0.1).fit(X, y).coef_)
