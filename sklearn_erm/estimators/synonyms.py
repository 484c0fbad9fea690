"""What losses and penalties are called elsewhere, so that an error message can say what they are called here."""

from __future__ import annotations

from typing import Any

# Each name here, and what papers and other libraries call it. One that fits several losses stands with each of them:
# the estimator's kind of target decides.
ELSEWHERE: dict[str, dict[str | None, str]] = {
    "loss": {
        "squared_error": "mse rmse l2 l2_loss ls ols least_squares squared_loss square_loss squared_error_loss "
        "mean_squared_error neg_mean_squared_error root_mean_squared_error quadratic gaussian normal regression "
        "regression_l2 reg_squarederror linear linear_regression linearregression",
        "absolute_error": "mae lad l1 l1_loss absolute_deviation least_absolute_deviations mean_absolute_error "
        "neg_mean_absolute_error median median_absolute_error laplace regression_l1 reg_absoluteerror",
        "huber": "huber_loss smooth_l1 pseudo_huber reg_pseudohubererror robust huberregressor",
        "quantile": "pinball pinball_loss mean_pinball_loss quantile_loss quantile_error reg_quantileerror check "
        "check_loss tick tilted quantileregressor",
        "multi_quantile": "multi_pinball quantiles multiple_quantiles composite_quantile non_crossing",
        "expectile": "expectile_loss asymmetric_least_squares als asymmetric_squared_error",
        "log_cosh": "logcosh log_cosh_loss lncosh",
        "epsilon_insensitive": "svr svm_regression linear_svr linearsvr eps_insensitive tube epsilon",
        "squared_epsilon_insensitive": "l2_svr squared_eps_insensitive",
        "poisson": "poisson_deviance mean_poisson_deviance neg_mean_poisson_deviance poisson_nll count counts "
        "count_poisson poissonregressor",
        "gamma": "gamma_deviance mean_gamma_deviance neg_mean_gamma_deviance reg_gamma gammaregressor",
        "inverse_gaussian": "inverse_normal wald ig inverse.gaussian",
        "tweedie": "tweedie_deviance mean_tweedie_deviance reg_tweedie compound_poisson tweedieregressor",
        "squared": "mse rmse mean_squared_error squared_error l2_loss ls least_squares squared_loss "
        "square_loss square brier lda rls ridgeclassifier",
        "hinge": "svm svc linear_svm linear_svc linearsvc hinge_loss l1 l1_loss soft_margin binary_hinge",
        "squared_hinge": "l2 l2_svm squared_svm hinge_squared hinge2 squared_hinge_loss",
        "smoothed_hinge": "smooth_hinge rennie quadratically_smoothed_hinge huberised_hinge huberized_hinge",
        "modified_huber": "huber huber_loss",
        "exponential": "adaboost exp exponential_loss boosting",
        "log_loss": "log logloss logit logistic_loss logistic_regression neg_log_loss nll negative_log_likelihood bce "
        "binary_crossentropy binary_cross_entropy binary_logistic binary_logloss binary ce crossentropy "
        "cross_entropy_loss categorical_crossentropy sparse_categorical_crossentropy softmax multinomial "
        "multinomial_logistic multi_logloss multiclass multi_softmax multi_softprob deviance binomial bernoulli "
        "logisticregression",
        "crammer_singer": "multiclass_hinge multiclass_svm multi_margin multi_hinge categorical_hinge",
    },
    "penalty": {
        None: "none no nothing null unpenalized unpenalised false",
        "l2": "ridge squared_l2 l2_squared weight_decay gaussian normal",
        "l2_norm": "l2norm euclidean norm",
        "tikhonov": "generalized_ridge generalised_ridge gaussian_prior quadratic",
        "l1": "lasso laplace l1_norm absolute adaptive_lasso weighted_l1 weighted_lasso",
        "elasticnet": "enet elastic elastic_net en l1_l2 l1l2 l1_plus_l2 l1+l2",
        "group_lasso": "group grouplasso group_l1 group_l2 grlasso grouped_lasso",
        "sparse_group_lasso": "sgl sparse_group sparsegrouplasso group_l1_l2",
        "multi_task_lasso": "multitask multi_task multitasklasso multi_task_l1 l21 l2_1 l1_l2_norm l2/l1",
        "nuclear": "nuclear_norm trace trace_norm low_rank schatten",
        "slope": "owl oscar sorted_l1 ordered_weighted_l1",
        "linf": "l_inf l_infinity linfty linfinity max max_norm sup sup_norm chebyshev",
        "fused": "fused_lasso fusedlasso tv tv1d total_variation",
        "mcp": "mc+ minimax_concave",
        "scad": "smoothly_clipped_absolute_deviation",
    },
}


def called_here(what: str, value: Any) -> list[Any]:
    """Return the names here of what is called so elsewhere.

    Parameters
    ----------
    what : {"loss", "penalty"}
        What the name stands for.
    value : str
        A name; upper case, spaces, hyphens and colons do not matter.
    """
    word = _plain(value)
    return [name for name, others in ELSEWHERE[what].items() if word == name or word in others.split()]


def _plain(value: Any) -> str:
    """Return a name in lower case, its words joined by underscores."""
    word = str(value).strip().lower()
    for sign in " -:":
        word = word.replace(sign, "_")
    return word
