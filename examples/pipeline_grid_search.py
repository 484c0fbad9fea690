"""
Loss × penalty in a pipeline
============================

Losses and penalties are parameters like others: GridSearchCV goes over them, by name and by instance, in a Pipeline
behind a ColumnTransformer. Models that were trained on different losses are compared on one risk, which ``risk_scorer``
makes a scorer of. What to see: where some targets are grossly wrong, a robust loss gains what no penalty can.

The data are scikit-learn's diabetes data: 442 patients with a category, sex, and nine measurements. In one training
record of twenty we let the decimal point of the target slip.
"""

import matplotlib.pyplot as plt
import numpy as np
import sklearn
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_diabetes
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from sklearn_erm import ERMRegressor, risk, risk_scorer
from sklearn_erm.losses import Huber
from sklearn_erm.penalties import GroupLasso

X, y = load_diabetes(return_X_y=True, as_frame=True, scaled=False)
y = y / 100  # so that one grid of alphas suits all losses
X_train, X_test, y_train, y_test = train_test_split(X, y, test_size=0.3, random_state=0)
slipped = np.random.default_rng(0).random(len(y_train)) < 0.05
y_train = y_train.where(~slipped, 10 * y_train)

# %%
# The search
# ----------
#
# Groups of the group lasso count the columns behind the ColumnTransformer: sex, age, body mass index and blood pressure
# one by one, the six blood serum measurements together.

prepare = make_column_transformer((OneHotEncoder(drop="if_binary"), ["sex"]), remainder=StandardScaler())
pipeline = Pipeline([("prepare", prepare), ("erm", ERMRegressor())])
losses = ["squared_error", Huber(delta=0.5), "absolute_error"]
penalties = ["l2", "l1", "elasticnet", GroupLasso(groups=[0, 1, 2, 3, 4, 4, 4, 4, 4, 4])]
grid = {"erm__loss": losses, "erm__penalty": penalties, "erm__alpha": np.geomspace(1e-3, 1, 4)}
search = GridSearchCV(pipeline, grid, scoring=risk_scorer("absolute_error"), cv=5).fit(X_train, y_train)
print("best:", ", ".join(f"{name.removeprefix('erm__')} {value}" for name, value in search.best_params_.items()))

# %%
# The table, each cell at its best alpha. The errors are held out, but from data with the same slips.

results, table = search.cv_results_, np.empty((len(losses), len(penalties)))
for i, loss in enumerate(losses):
    for j, penalty in enumerate(penalties):
        here = [p["erm__loss"] == loss and p["erm__penalty"] == penalty for p in results["params"]]
        table[i, j] = -100 * results["mean_test_score"][here].max()

figure, ax = plt.subplots(figsize=(6, 3.2), layout="constrained")
image = ax.imshow(table, cmap="cividis_r", aspect="auto")
for (i, j), error in np.ndenumerate(table):
    ax.text(j, i, f"{error:.0f}", ha="center", va="center", color="w" if image.norm(error) > 0.5 else "k")
ax.set_xticks(range(len(penalties)), [str(penalty).split("(")[0] for penalty in penalties])
ax.set_yticks(range(len(losses)), [str(loss) for loss in losses])
ax.set(xlabel="penalty", ylabel="loss")
ax.set_title("Mean absolute error, cross-validated", loc="left", fontsize=11)

# %%
# Patients held out, whose targets are right
# ------------------------------------------
#
# The best of each loss, under two risks. The least-squares fit follows the wrong targets upwards.

for loss in losses:
    rows = [k for k, p in enumerate(results["params"]) if p["erm__loss"] == loss]
    best = max(rows, key=lambda k: results["mean_test_score"][k])
    model = pipeline.set_params(**results["params"][best]).fit(X_train, y_train)
    absolute, squared = (risk(model, X_test, y_test, other) for other in ("absolute_error", "squared_error"))
    print(f"{loss!s:18} mean absolute error {100 * absolute:3.0f}, root mean squared error {100 * squared**0.5:3.0f}")

# %%
# Weights, through all of it
# --------------------------
#
# The scale of the target ends below 350, so that these slips can be told, and given weight 0. With metadata routing the
# weights reach those who ask for them: here the scaler, the model and the scorer. That mends least squares, too.

weight = np.where(y_train > 3.5, 0.0, 1.0)
with sklearn.config_context(enable_metadata_routing=True):
    scaler = StandardScaler().set_fit_request(sample_weight=True)
    prepare = make_column_transformer((OneHotEncoder(drop="if_binary"), ["sex"]), remainder=scaler)
    model = ERMRegressor("squared_error", "l2").set_fit_request(sample_weight=True)
    scorer = risk_scorer("absolute_error").set_score_request(sample_weight=True)
    pipeline = Pipeline([("prepare", prepare), ("erm", model)])
    weighted = GridSearchCV(pipeline, {"erm__alpha": grid["erm__alpha"]}, scoring=scorer, cv=5)
    weighted.fit(X_train, y_train, sample_weight=weight)
error = 100 * risk(weighted, X_test, y_test, "absolute_error")
print(f"{np.sum(weight == 0)} of {np.sum(slipped)} slips have weight 0; squared_error: mean absolute error {error:.0f}")

plt.show()
