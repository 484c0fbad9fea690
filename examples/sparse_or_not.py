"""Coefficients as the penalty grows: l2 shrinks them, l1 and group_lasso drop them one by one, l2_norm all at once.

python examples/sparse_or_not.py [--quick] [--output DIR]
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from sklearn.datasets import load_diabetes
from sklearn.preprocessing import StandardScaler

from sklearn_erm import ERMRegressor
from sklearn_erm.penalties import GroupLasso

GROUPS = [0, 0, 1, 1, 2, 2, 2, 2, 2, 2]  # age and sex; body mass index and blood pressure; six blood serum measurements
COLOURS = ["#009E73", "#009E73", "#D55E00", "#D55E00", "#08306B", "#56B4E9", "#0072B2", "#08306B", "#56B4E9", "#0072B2"]
STYLES = ["-", "--", "-", "--", "-", "-", "-", "--", "--", "--"]
PENALTIES = {
    "l2: small, never zero": "l2",
    "l1: feature by feature": "l1",
    "l2_norm: all or nothing": "l2_norm",
    "group_lasso: group by group": GroupLasso(groups=GROUPS),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer alphas")
    parser.add_argument("--output", type=Path, default=Path(), metavar="DIR", help="where the picture goes (here)")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)

    data = load_diabetes()
    X, y = StandardScaler().fit_transform(data.data), data.target / data.target.std()
    alphas = np.logspace(-3, 1, 17 if options.quick else 81)
    shown = alphas[:: len(alphas) // 8]
    print("Non-zero coefficients\n" + f"{'alpha':27s}" + "".join(f"{alpha:8.2g}" for alpha in shown))

    figure = Figure(figsize=(12.5, 7), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    for ax, (title, penalty) in zip(axes.flat, PENALTIES.items(), strict=True):
        model = ERMRegressor("squared_error", penalty, warm_start=True)
        paths = np.array([model.set_params(alpha=alpha).fit(X, y).coef_ for alpha in alphas])
        counts = np.count_nonzero(paths[:: len(alphas) // 8], axis=1)
        print(f"{title:27s}" + "".join(f"{count:8d}" for count in counts))
        for path, name, colour, style in zip(paths.T, data.feature_names, COLOURS, STYLES, strict=True):
            ax.semilogx(alphas, path, color=colour, linestyle=style, label=name)
        ax.axhline(0, color="0.6", linewidth=0.8)
        ax.set_title(title, loc="left")
        ax.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("alpha")
    figure.supylabel("coefficient (features and target of variance 1)")
    figure.legend(*axes[0, 0].get_legend_handles_labels(), loc="outside right center", frameon=False)
    figure.suptitle("Diabetes, squared error: coefficients as the penalty grows; green, red, blue: the groups")

    print("\nl2 never drops a feature; l1 drops them one by one; l2_norm keeps all until it drops all; group_lasso")
    print("drops age and sex together, then the blood serum as a whole.")
    path = options.output / "sparse_or_not.png"
    figure.savefig(path, dpi=120)
    print(f"Picture saved as {path.resolve()}")


if __name__ == "__main__":
    main()
