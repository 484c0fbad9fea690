"""
Hinge, logistic, square and cross-entropy on the same data
==========================================================

569 tumours, 212 of them malignant, described by ten measurements, with ``l2`` at one alpha. The cross-entropy is the
logistic loss times ln 2: with alpha times ln 2, too, it is the same fit in another unit.

**What to see:** the losses make about as many errors; they differ in where they put the margins, in how fast they are
minimised, and in whether their scores mean a probability.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import expit
from sklearn.calibration import calibration_curve
from sklearn.datasets import load_breast_cancer
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMClassifier
from sklearn_erm.estimators import trace

X, y = load_breast_cancer(return_X_y=True)
X, y = StandardScaler().fit_transform(X[:, :10]), np.where(y == 0, 1, -1)  # 1: malignant
models = {
    "hinge": ERMClassifier("hinge", "l2", alpha=0.01),
    "logistic": ERMClassifier("logistic", "l2", alpha=0.01),
    "square": ERMClassifier("squared", "l2", alpha=0.01),
    "cross-entropy": ERMClassifier("cross_entropy", "l2", alpha=0.01 * np.log(2)),
}
colours = dict(zip(models, ["#0072B2", "#E69F00", "#D55E00", "#000000"], strict=True))
plt.rcParams.update({"figure.figsize": (6, 4), "figure.constrained_layout.use": True})
plt.rcParams.update({"axes.spines.top": False, "axes.spines.right": False, "legend.frameon": False})

# %%
# Margins
# -------
# The hinge asks for a margin of 1 and no more: its fit depends on the tumours with margins up to 1 alone, and some sit
# exactly there. The square wants every margin to be 1, and pulls back what is beyond. The logistic loss and the
# cross-entropy gain from every margin that grows, though less and less.

fig, ax = plt.subplots()
print(f"{'':14} errors  margin 1  above 1   largest")
for label, model in models.items():
    margin = y * model.set_params(tol=1e-9).fit(X, y).decision_function(X)
    exactly, above = np.abs(margin - 1) < 1e-5, margin > 1 + 1e-5
    print(f"{label:14}{np.sum(margin < 0):7}{np.sum(exactly):10}{np.sum(above):9}{margin.max():10.1f}")
    style = {"linestyle": ":"} if label == "cross-entropy" else {}
    ax.hist(margin, np.arange(-3, 21, 0.5), histtype="step", color=colours[label], linewidth=1.5, label=label, **style)
ax.axvline(1, color="0.7", linewidth=0.8, zorder=0)
ax.set(xlabel="margin y·f (negative: an error)", ylabel="tumours", xlim=(-3, 10))
ax.legend()

# %%
# How fast they are minimised
# ---------------------------
# The square is a parabola: one Newton step ends at its minimum. For the logistic loss and the cross-entropy every step
# about doubles the number of right digits, once it is near. The hinge has a kink: each of its iterations is a smooth
# problem, which gains a digit, now more, now less. Dashed: L-BFGS-B, which sees gradients only. The gap is a proven
# bound of how far the objective is from its minimum, relative to it.

fig, ax = plt.subplots()
for label, model in models.items():
    for solver, style in [("auto", "o-"), ("L-BFGS-B", "--")]:
        if solver == "auto" or label in ("logistic", "square"):
            gaps = [step.gap for step in trace(model.set_params(solver=solver), X, y)]
            print(f"{label:14}{solver:9}", *(f"{gap:.0e}" for gap in gaps[:9]), "..." if len(gaps) > 9 else "")
            style = style.replace("-", ":") if label == "cross-entropy" else style
            name = label if solver == "auto" else f"{label}, L-BFGS-B"
            ax.semilogy(range(1, len(gaps) + 1), gaps, style, color=colours[label], markersize=5, label=name)
ax.set(xlabel="iteration", ylabel="relative duality gap", ylim=(1e-16, 1e2))
ax.legend(fontsize="small")

# %%
# Calibration
# -----------
# Of the tumours that get a probability of 0.3, are 3 in 10 malignant? Predictions are for held-out folds. The logistic
# loss and the cross-entropy are likelihoods: their probabilities are near the diagonal. The square estimates 2P - 1,
# but P is not linear in these measurements, so that it is too timid at both ends. The hinge estimates the class alone
# and has no ``predict_proba``; the sigmoid of its score, drawn here, looks like a probability but is none.

folds = StratifiedKFold(10, shuffle=True, random_state=0)
fig, ax = plt.subplots()
ax.plot([0, 1], [0, 1], color="0.7", label="calibrated")
for label, model in models.items():
    pipeline = make_pipeline(StandardScaler(), model.set_params(solver="auto", tol=1e-6))
    if hasattr(model, "predict_proba"):
        probability = cross_val_predict(pipeline, X, y, cv=folds, method="predict_proba")[:, 1]
    else:
        probability = expit(cross_val_predict(pipeline, X, y, cv=folds, method="decision_function"))
    malignant, predicted = calibration_curve(y, probability, n_bins=8, strategy="quantile", pos_label=1)
    errors = f"held-out errors {np.sum((probability > 0.5) != (y == 1)):3}"
    print(f"{label:14} {errors}, Brier score {np.mean((probability - (y == 1)) ** 2):.4f}, ", end="")
    print(f"predict_proba: {hasattr(model, 'predict_proba')}")
    style = "o:" if label == "cross-entropy" else "o-"
    name = "hinge: sigmoid of the score" if label == "hinge" else label
    ax.plot(predicted, malignant, style, color=colours[label], markersize=5, label=name)
ax.set(xlabel="predicted probability (eighths of the tumours)", ylabel="share that is malignant")
ax.legend()
plt.show()
