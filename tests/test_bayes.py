"""The Bayesian reading, against densities from scipy.stats and closed forms from numpy."""

import numpy as np
import pytest
from scipy import sparse, stats
from scipy.special import expit, softmax

from sklearn_erm import ERMClassifier, ERMRegressor, ERMRegressorCV
from sklearn_erm.bayes import alpha_from_prior, posterior, prior_from_alpha
from sklearn_erm.losses import LOSSES, Softmax
from sklearn_erm.penalties import L1, L2, Curvature, ElasticNet, Tikhonov

N, P = 40, 3
NOISE, PRIOR = 1.7, 0.6
LIKELIHOODS = {  # name: log-density of y given the score
    "squared_error": lambda y, eta: stats.norm.logpdf(y, eta, np.sqrt(NOISE)),
    "absolute_error": lambda y, eta: stats.laplace(eta, np.sqrt(NOISE / 2)).logpdf(y),
    "log_loss": lambda y, eta: stats.bernoulli.logpmf(y > 0, expit(eta)),
    "logistic": lambda y, eta: stats.bernoulli.logpmf(y > 0, expit(eta)),
    "cross_entropy": lambda y, eta: stats.bernoulli.logpmf(y > 0, expit(eta)),
    "poisson": lambda y, eta: stats.poisson.logpmf(y, np.exp(eta)),
}
NOISY = ("squared_error", "absolute_error")
LAPLACE = ("squared_error", "log_loss", "logistic", "poisson")
OMEGA = np.array([1.0, 0.5, 4.0])
ROOT = np.random.default_rng(5).normal(size=(P, P)) + 2 * np.eye(P)
CENTRE = np.array([0.5, -1.0, 0.2])
TRIDIAGONAL = 2.0 * np.eye(P) - np.eye(P, k=1) - np.eye(P, k=-1)
DIFFERENCES = np.diff(np.eye(P), axis=0)
PRIORS = {
    "l2": (L2(), lambda w: stats.norm.logpdf(w, 0, np.sqrt(PRIOR)).sum()),
    "weighted l2": (L2(weights=OMEGA), lambda w: stats.norm.logpdf(w, 0, np.sqrt(PRIOR / OMEGA)).sum()),
    "l1": (L1(), lambda w: stats.laplace(0, np.sqrt(PRIOR / 2)).logpdf(w).sum()),
    "tikhonov": (
        Tikhonov(ROOT @ ROOT.T, mean=CENTRE),
        lambda w: stats.multivariate_normal.logpdf(w, CENTRE, PRIOR * np.linalg.inv(ROOT @ ROOT.T)),
    ),
    "covariance": (
        Tikhonov(covariance=ROOT @ ROOT.T),
        lambda w: stats.multivariate_normal.logpdf(w, np.zeros(P), PRIOR * ROOT @ ROOT.T),
    ),
    "sparse tikhonov": (
        Tikhonov(sparse.csr_array(TRIDIAGONAL)),
        lambda w: stats.multivariate_normal.logpdf(w, np.zeros(P), PRIOR * np.linalg.inv(TRIDIAGONAL)),
    ),
}
GAUSSIAN = [name for name in PRIORS if name != "l1"]


def noise_of(name):
    return NOISE if name in NOISY else None


def make_data(name="squared_error", n=N, p=P, n_classes=2, seed=0):
    """X off the centre and correlated, y for the loss, weights that are counts with zeros among them, an offset."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, p)) @ (np.eye(p) + 0.4) + np.linspace(-1.0, 2.0, p)
    eta = X[:, : min(p, 3)] @ [0.5, -0.4, 0.3][: min(p, 3)] + 0.3
    if name in NOISY:
        y = eta + rng.normal(size=n)
    elif name == "poisson":
        y = rng.poisson(np.exp(eta)).astype(float)
    else:
        y = np.digitize(eta + rng.logistic(size=n), np.quantile(eta, np.arange(1, n_classes) / n_classes))
    return X, y, rng.integers(0, 4, n), 0.3 * rng.normal(size=n)


def make(name, *args, **options):
    real = LOSSES[name].target == "real"
    return (ERMRegressor if real else ERMClassifier)(name, *args, tol=1e-12, **options)


# -- units ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("prior", PRIORS)
@pytest.mark.parametrize("name", LIKELIHOODS)
def test_objective_is_minus_log_posterior(name, prior):
    """Between any two points, loss and alpha * penalty differ in the ratio of log-likelihood and log-prior."""
    X, y, _, _ = make_data(name)
    y = y if LOSSES[name].target == "real" else 2.0 * y - 1.0
    penalty, log_prior = PRIORS[prior]
    n = 250
    units = {"n_samples": n, "noise_variance": noise_of(name)}
    alpha = alpha_from_prior(name, penalty, prior_variance=PRIOR, **units)
    W = np.random.default_rng(2).normal(size=(2, P))
    loss, bound = LOSSES[name](), penalty.bind(P)
    risks, likelihoods = zip(
        *[(loss.value(y, X @ w).mean(), n * LIKELIHOODS[name](y, X @ w).mean()) for w in W], strict=True
    )
    unit = -np.diff(likelihoods)[0] / np.diff(risks)[0]  # of the objective
    penalties = alpha * np.diff([bound.value(w) for w in W])[0]
    np.testing.assert_allclose(unit * penalties, -np.diff([log_prior(w) for w in W])[0], rtol=1e-10)
    np.testing.assert_allclose(prior_from_alpha(name, penalty, alpha=alpha, **units), PRIOR, rtol=1e-12)


def test_textbook_values():
    assert alpha_from_prior("squared_error", "l2", n_samples=40, prior_variance=0.25, noise_variance=4.0) == 0.8
    assert alpha_from_prior("log_loss", "l2", n_samples=50, prior_variance=0.5) == 1 / 25  # LogisticRegression(C=0.5)
    assert alpha_from_prior("poisson", "l2", n_samples=50, prior_variance=np.inf) == 0
    assert alpha_from_prior(Softmax(), "l2", n_samples=50, prior_variance=0.5) == 1 / 25
    assert prior_from_alpha("log_loss", "l1", n_samples=50, alpha=0) == np.inf
    assert prior_from_alpha("squared_error", "l2", n_samples=5, alpha=0, noise_variance=1.0) == np.inf


def test_a_penalty_with_weights_is_for_weight_one():
    options = {"n_samples": 10, "prior_variance": 2.0}
    assert alpha_from_prior("log_loss", L1([1.0, 3.0]), **options) == alpha_from_prior("log_loss", "l1", **options)


@pytest.mark.parametrize(
    "change, match",
    [
        ({"loss": "hinge"}, r"alpha_from_prior: loss=Hinge\(\) .*'squared_error'.*'log_loss'"),
        ({"loss": "huber"}, "log-likelihood"),
        ({"loss": "nothing"}, "unknown loss"),
        ({"penalty": "group_lasso"}, "not a prior .* 'l2'"),
        ({"penalty": None}, "not a prior"),
        ({"noise_variance": None}, "needs noise_variance"),
        ({"noise_variance": 0.0}, "noise_variance must lie in"),
        ({"noise_variance": np.inf}, "noise_variance must lie in"),
        ({"loss": "log_loss"}, "leave noise_variance=None"),
        ({"prior_variance": 0.0}, "prior_variance must lie in"),
        ({"prior_variance": -1.0}, "prior_variance must lie in"),
        ({"n_samples": 0}, "n_samples=0"),
    ],
)
def test_bad_priors(change, match):
    good = {"loss": "squared_error", "penalty": "l2", "n_samples": 9, "prior_variance": 1.0, "noise_variance": 1.0}
    alpha_from_prior(**good)
    with pytest.raises(ValueError, match=match):
        alpha_from_prior(**{**good, **change})


# -- exact posteriors -------------------------------------------------------------------------------------------------


def closed_form(X, y, precision, centre, noise, intercept):
    """Mean and covariance of coefficients and intercept under Gaussian noise and prior: the textbook's formula."""
    A = np.column_stack([X, np.ones(len(X))]) if intercept else X
    prior = np.zeros((A.shape[1],) * 2)
    prior[: len(precision), : len(precision)] = precision
    covariance = np.linalg.inv(A.T @ A / noise + prior)
    pull = A.T @ y / noise
    pull[: len(precision)] += precision @ centre
    return A, covariance @ pull, covariance


def test_the_posterior_of_a_search_is_that_of_its_choice():
    X, y, *_ = make_data()
    search = ERMRegressorCV(penalty=["l2", L2(weights=np.arange(1.0, P + 1))], alphas=5, cv=3, tol=1e-10).fit(X, y)
    chosen = make("squared_error", search.penalty_, search.alpha_).fit(X, y)
    np.testing.assert_allclose(posterior(search, X, y).covariance, posterior(chosen, X, y).covariance, rtol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("n, p", [(N, P), (12, 30)])
def test_gaussian_posterior_is_exact(n, p, intercept, weighted):
    X, y, weight, offset = make_data(n=n, p=p)
    weight, offset = (weight, offset) if weighted else (None, None)
    n_samples = n if weight is None else weight.sum()
    alpha = alpha_from_prior("squared_error", "l2", n_samples=n_samples, prior_variance=PRIOR, noise_variance=NOISE)
    model = make("squared_error", "l2", alpha, fit_intercept=intercept).fit(X, y, weight, offset)
    found = posterior(model, X, y, weight, offset, noise_variance=NOISE)
    rows = np.arange(n) if weight is None else np.repeat(np.arange(n), weight)
    target = y if offset is None else y - offset
    A, mean, covariance = closed_form(X[rows], target[rows], np.eye(p) / PRIOR, np.zeros(p), NOISE, intercept)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(np.append(found.coef_std, found.intercept_std)[: len(mean)], found.std)
    np.testing.assert_allclose(found.std**2, covariance.diagonal())
    assert np.shape(found.intercept_std) == ()
    assert (found.intercept_std > 0) == intercept
    assert found.noise_variance == NOISE
    assert found.n_samples == n_samples
    np.testing.assert_allclose(found.prior_variance, PRIOR)
    hat = A @ covariance @ A.T / NOISE
    np.testing.assert_allclose(found.effective_parameters, np.trace(hat), rtol=1e-8)

    new = X[:5] + 0.3
    wide = np.column_stack([new, np.ones(5)])[:, : len(mean)]
    predicted, std = found.predict(new, return_std=True)
    np.testing.assert_allclose(predicted, wide @ mean, rtol=1e-6)
    np.testing.assert_allclose(std**2, np.sum(wide @ covariance * wide, axis=1) + NOISE)
    np.testing.assert_allclose(found.predict_scores(new)[1] ** 2, std**2 - NOISE, rtol=1e-8)
    np.testing.assert_allclose(found.predict(new, np.arange(5.0)), predicted + np.arange(5.0))
    np.testing.assert_allclose(found.predict(new), model.predict(new))


@pytest.mark.parametrize("intercept", [False, True])
def test_general_gaussian_prior(intercept):
    X, y, _, _ = make_data()
    penalty, _ = PRIORS["tikhonov"]
    alpha = alpha_from_prior("squared_error", penalty, n_samples=N, prior_variance=PRIOR, noise_variance=NOISE)
    model = make("squared_error", penalty, alpha, fit_intercept=intercept).fit(X, y)
    found = posterior(model, X, y, noise_variance=NOISE)
    _, mean, covariance = closed_form(X, y, ROOT @ ROOT.T / PRIOR, CENTRE, NOISE, intercept)
    np.testing.assert_allclose(found.mean, mean, rtol=1e-6)
    np.testing.assert_allclose(found.covariance, covariance, rtol=1e-7, atol=1e-10)
    np.testing.assert_allclose(found.prior_variance, PRIOR)


@pytest.mark.parametrize("penalty, alpha", [("l2", 0.3), (None, 1.0), ("l2", 0)])
@pytest.mark.parametrize("intercept", [False, True])
def test_estimated_noise(intercept, penalty, alpha):
    """Squared residuals over n - tr(hat), which without a penalty is the unbiased estimate."""
    X, y, weight, _ = make_data()
    model = make("squared_error", penalty, alpha, fit_intercept=intercept).fit(X, y, weight)
    found = posterior(model, X, y, weight)
    rows = np.repeat(np.arange(N), weight)
    A = np.column_stack([X, np.ones(N)])[rows, : P + intercept]
    ridge = np.diag([0.5 * alpha * len(rows) * (penalty is not None)] * P + [0.0])[: P + intercept, : P + intercept]
    freedom = len(rows) - np.trace(A @ np.linalg.solve(A.T @ A + ridge, A.T))
    noise = np.sum((y - model.predict(X))[rows] ** 2) / freedom
    np.testing.assert_allclose(found.noise_variance, noise, rtol=1e-8)
    np.testing.assert_allclose(found.covariance, noise * np.linalg.inv(A.T @ A + ridge), rtol=1e-7, atol=1e-10)
    assert (found.prior_variance == np.inf) == (penalty is None or alpha == 0)


def test_intervals_cover_what_the_prior_drew():
    """With coefficients drawn from the prior, 90 % intervals hold 90 % of them."""
    rng = np.random.default_rng(0)
    inside = []
    alpha = alpha_from_prior("squared_error", "l2", n_samples=12, prior_variance=PRIOR, noise_variance=NOISE)
    for _ in range(150):
        X, w = rng.normal(size=(12, 6)) + 1.0, rng.normal(scale=np.sqrt(PRIOR), size=6)
        y = X @ w + 3.0 + rng.normal(scale=np.sqrt(NOISE), size=12)
        model = make("squared_error", "l2", alpha).fit(X, y)
        found = posterior(model, X, y, noise_variance=NOISE)
        inside.append(np.abs(found.mean - np.append(w, 3.0)) < stats.norm.ppf(0.95) * found.std)
    assert abs(np.mean(inside) - 0.9) < 0.025  # 1050 trials, correlated: 2.5 standard deviations


# -- Laplace's approximation ------------------------------------------------------------------------------------------


def numerical_hessian(f, x, step=3e-4):
    """Central second differences."""
    steps = step * np.eye(len(x))
    return np.array([[f(x + a + b) - f(x + a - b) - f(x - a + b) + f(x - a - b) for a in steps] for b in steps]) / (
        4 * step**2
    )


@pytest.mark.parametrize("intercept", [False, True])
@pytest.mark.parametrize("prior", GAUSSIAN)
@pytest.mark.parametrize("name", LAPLACE)
def test_covariance_inverts_the_hessian_of_minus_log_posterior(name, prior, intercept):
    X, y, weight, offset = make_data(name)
    penalty, log_prior = PRIORS[prior]
    alpha = alpha_from_prior(name, penalty, n_samples=weight.sum(), prior_variance=PRIOR, noise_variance=noise_of(name))
    model = make(name, penalty, alpha, fit_intercept=intercept).fit(X, y, weight, offset)
    found = posterior(model, X, y, weight, offset, noise_variance=noise_of(name))

    def minus_log_posterior(x):
        eta = X @ x[:P] + (x[P] if intercept else 0.0) + offset
        return -weight @ LIKELIHOODS[name](y, eta) - log_prior(x[:P])

    np.testing.assert_allclose(found.mean, np.append(model.coef_, model.intercept_)[: P + intercept])
    H = numerical_hessian(minus_log_posterior, found.mean)
    np.testing.assert_allclose(found.covariance @ H, np.eye(len(H)), atol=1e-4)
    assert found.coef_std.shape == model.coef_.shape
    assert np.shape(found.intercept_std) == np.shape(model.intercept_)
    assert np.isnan(found.noise_variance) == (name != "squared_error")


SHIFTS = {  # name: penalty, its precision, how many shifts common to all classes it determines
    "l2": ("l2", np.eye(P), P),
    "weighted l2": (L2(weights=[2, 0, 1]), np.diag([2.0, 0, 1]), P - 1),
    "differences": (Tikhonov(DIFFERENCES.T @ DIFFERENCES), DIFFERENCES.T @ DIFFERENCES, P - 1),
    "tikhonov": (Tikhonov(sparse.csr_array(TRIDIAGONAL)), TRIDIAGONAL, P),
    "none": (None, np.zeros((P, P)), 0),
}


@pytest.mark.parametrize(
    "prior, intercept",
    [*((name, True) for name in SHIFTS), *((name, False) for name in SHIFTS if name != "differences")],
)
def test_softmax_leaves_out_the_common_shift(prior, intercept):
    penalty, precision, determined = SHIFTS[prior]
    X, y, weight, _ = make_data("log_loss", n_classes=3)
    offset = 0.3 * np.random.default_rng(3).normal(size=(N, 3))
    alpha = alpha_from_prior("log_loss", "l2", n_samples=weight.sum(), prior_variance=PRIOR)
    model = make("log_loss", penalty, alpha, fit_intercept=intercept).fit(X, y, weight, offset)
    found = posterior(model, X, y, weight, offset)

    def minus_log_posterior(x):
        W = x[: 3 * P].reshape(3, P)
        eta = X @ W.T + offset + (x[3 * P :] if intercept else 0.0)
        log_p = np.log(softmax(eta, axis=1))[np.arange(N), y]
        return -weight @ log_p + 0.5 * np.sum(W @ precision * W) / PRIOR

    H = numerical_hessian(minus_log_posterior, found.mean)
    expected = np.linalg.pinv(H, rcond=1e-6, hermitian=True)
    np.testing.assert_allclose(found.covariance, expected, rtol=1e-3, atol=1e-5 * expected.max())
    left = len(H) - (P - determined) - intercept
    assert np.linalg.matrix_rank(found.covariance, tol=1e-9) == left
    assert 0 < found.effective_parameters < left + 1e-9
    if penalty is None:
        np.testing.assert_allclose(found.effective_parameters, left)
    if intercept:
        together = found.covariance[-3:, -3:].sum()
        np.testing.assert_allclose(together, 0, atol=1e-12)
    A = np.column_stack([X, np.ones(N)])[:, : P + intercept]
    mean, std = found.predict_scores(X, offset)
    np.testing.assert_allclose(mean, model.decision_function(X, offset))
    index = np.r_[P : 2 * P, [3 * P + 1] * intercept].astype(int)  # the second class
    np.testing.assert_allclose(std[:, 1] ** 2, np.sum(A @ expected[np.ix_(index, index)] * A, axis=1), rtol=1e-3)


def test_units_of_loss_and_weights():
    """The posterior is one of counts: bits or nats do not matter, repeated rows and weights are the same."""
    X, y, weight, _ = make_data("log_loss")
    nats = posterior(make("log_loss", alpha=0.1).fit(X, y, weight), X, y, weight)
    bits = posterior(make("logistic", alpha=0.1 / np.log(2)).fit(X, y, weight), X, y, weight)
    rows = np.repeat(np.arange(N), weight)
    again = posterior(make("log_loss", alpha=0.1).fit(X[rows], y[rows]), X[rows], y[rows])
    thrice = posterior(make("log_loss", alpha=0.1).fit(X, y, weight), X, y, 3 * weight)
    np.testing.assert_allclose(bits.covariance, nats.covariance, rtol=1e-6)
    np.testing.assert_allclose(again.covariance, nats.covariance, rtol=1e-6)
    np.testing.assert_allclose(3 * thrice.covariance, nats.covariance, rtol=1e-10)
    np.testing.assert_allclose(3 * thrice.prior_variance, nats.prior_variance)
    np.testing.assert_allclose(
        prior_from_alpha("log_loss", "l2", n_samples=weight.sum(), alpha=0.1), nats.prior_variance
    )


def test_kinds_of_input():
    X, y, weight, _ = make_data("log_loss")
    X[np.abs(X) < 0.5] = 0.0
    model = make("log_loss", alpha=0.1).fit(X, y, weight)
    dense = posterior(model, X, y, weight)
    same = posterior(make("log_loss", ElasticNet(0.0), 0.1).fit(X, y, weight), X, y, weight)
    np.testing.assert_allclose(same.covariance, dense.covariance, rtol=1e-6)
    assert np.isnan(same.prior_variance)
    for kind in (sparse.csr_array, sparse.csc_matrix):
        other = posterior(make("log_loss", alpha=0.1).fit(kind(X), y, weight).sparsify(), kind(X), y, weight)
        np.testing.assert_allclose(other.covariance, dense.covariance, rtol=1e-6)
        np.testing.assert_allclose(other.predict_scores(kind(X))[1], dense.predict_scores(X)[1], rtol=1e-6)
        np.testing.assert_allclose(other.predict_scores(kind(X))[0], dense.predict_scores(X)[0], rtol=1e-4, atol=1e-5)
    labels = np.array(["no", "yes"])[y]
    named = posterior(make("log_loss", alpha=0.1).fit(X, labels, weight), X, labels, weight)
    np.testing.assert_allclose(named.covariance, dense.covariance)
    narrow = posterior(make("log_loss", alpha=0.1).fit(X.astype(np.float32), y, weight), X, y, weight)
    np.testing.assert_allclose(narrow.covariance, dense.covariance, rtol=1e-4)


def test_curvature_in_any_form():
    class Roundabout(L2):
        def curvature(self, W):
            return Curvature(np.full(W.shape, 3.0), np.eye(W.size), -np.eye(W.size))

    X, y, _, _ = make_data("log_loss", n_classes=3)
    plain = posterior(make("log_loss", alpha=0.1).fit(X, y), X, y)
    found = posterior(make("log_loss", Roundabout(), alpha=0.1).fit(X, y), X, y)
    np.testing.assert_allclose(found.covariance, plain.covariance, rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(found.effective_parameters, plain.effective_parameters, rtol=1e-6)


def test_draws():
    X, y, _, _ = make_data("log_loss", n_classes=3)
    found = posterior(make("log_loss", alpha=0.1).fit(X, y), X, y)
    draws = found.sample(40_000, random_state=0)
    spread = found.std
    np.testing.assert_array_less(np.abs(draws.mean(axis=0) - found.mean), 0.03 * spread)
    np.testing.assert_array_less(np.abs(np.cov(draws.T) - found.covariance), 0.03 * np.outer(spread, spread))
    np.testing.assert_array_equal(found.sample(3, random_state=1), found.sample(3, np.random.default_rng(1)))


def test_a_refitted_estimator_leaves_the_posterior_alone():
    X, y, _, _ = make_data()
    model = make("squared_error", alpha=0.1).fit(X, y)
    found = posterior(model, X, y)
    before = found.predict(X)
    model.fit(X[:, :1], y)
    np.testing.assert_array_equal(found.predict(X), before)
