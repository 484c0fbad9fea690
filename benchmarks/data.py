"""The data of the benchmark by name: scikit-learn's own, generated, and the sets of a folder of .npz files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_iris


class Data(NamedTuple):
    """Rows and targets, and where the set has them: groups of columns, weights of rows."""

    X: Any
    y: Any
    groups: Any = None
    weight: Any = None


class Folder:
    """The folder of real data: dense sets hold X and y, sparse ones a scipy sparse matrix with y beside it."""

    def __init__(self, path: Path | None):
        self.path = path

    def holds(self, file: str) -> bool:
        return self.path is not None and (self.path / f"{file}.npz").exists()

    def dense(self, file: str) -> tuple[Any, Any]:
        with np.load(self.path / f"{file}.npz") as z:  # type: ignore[operator]
            return z["X"].astype(float), z["y"]

    def sparse(self, file: str) -> tuple[Any, Any]:
        path = self.path / f"{file}.npz"  # type: ignore[operator]
        with np.load(path) as z:
            return sparse.csr_matrix(sparse.load_npz(path)), z["y"]

    def column(self, file: str, name: str) -> Any:
        with np.load(self.path / f"{file}.npz") as z:  # type: ignore[operator]
            return z[name]


def scaled(X: Any) -> Any:
    """Return X with columns of mean 0 and standard deviation 1; constant columns are left out."""
    spread = X.std(axis=0)
    keep = spread > 1e-12 * np.abs(X).max(axis=0, initial=1e-300)
    return np.ascontiguousarray((X[:, keep] - X[:, keep].mean(axis=0)) / spread[keep])


def signs(positive: Any) -> Any:
    """Return +1.0 where true, else -1.0."""
    return np.where(positive, 1.0, -1.0)


def unit_rows(X: Any) -> Any:
    """Return a sparse X with rows of length 1."""
    norms = np.sqrt(np.asarray(X.multiply(X).sum(axis=1)).ravel())
    scaled = sparse.csr_matrix(sparse.diags_array(1 / np.maximum(norms, 1e-300)) @ X)
    scaled.sort_indices()
    return scaled


# -- scikit-learn's own --------------------------------------------------------------------------------------------


def breast_cancer(_: Folder) -> Data:
    X, y = load_breast_cancer(return_X_y=True)
    return Data(scaled(X), signs(y == 1))


def iris(_: Folder) -> Data:
    return Data(*load_iris(return_X_y=True))


def digits(_: Folder) -> Data:
    X, y = load_digits(return_X_y=True)
    return Data(X / 16, y)


def diabetes(_: Folder) -> Data:
    X, y = load_diabetes(return_X_y=True)
    return Data(scaled(X), (y - y.mean()) / y.std())


# -- generated -----------------------------------------------------------------------------------------------------


def labels(n: int, p: int, informative: int, noise: float) -> Callable[[Folder], Data]:
    """Return a maker of n x p normal rows and labels from a linear rule with noise."""

    def make(_: Folder) -> Data:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((n, p))
        score = X[:, :informative] @ rng.standard_normal(informative) / np.sqrt(informative)
        return Data(X, signs(score + noise * rng.standard_normal(n) > 0))

    return make


def heavy_tailed(n: int, p: int, informative: int) -> Callable[[Folder], Data]:
    """Return a maker of n x p normal rows and a linear target with noise of 3 degrees of freedom."""

    def make(_: Folder) -> Data:
        rng = np.random.default_rng(0)
        X = rng.standard_normal((n, p))
        return Data(X, X[:, :informative] @ rng.standard_normal(informative) + rng.standard_t(3, n))

    return make


def sparse_labels(n: int, p: int, per_row: int) -> Callable[[Folder], Data]:
    """Return a maker of n x p sparse rows, one non-zero in each of so many bands of columns, and noisy labels."""

    def make(_: Folder) -> Data:
        rng = np.random.default_rng(0)
        columns = rng.integers(p // per_row, size=(n, per_row), dtype=np.int32)
        columns += np.arange(per_row, dtype=np.int32) * (p // per_row)
        pointers = np.arange(0, n * per_row + 1, per_row, dtype=np.int32)
        X = sparse.csr_matrix((rng.standard_normal(n * per_row), columns.ravel(), pointers), shape=(n, p))
        score = X @ rng.standard_normal(p) / np.sqrt(per_row)
        return Data(X, signs(score + 0.5 * rng.standard_normal(n) > 0))

    return make


def one_hot(_: Folder) -> Data:
    """50 000 rows of five categorical columns with long tails, one-hot, and two numbers in very different units."""
    rng = np.random.default_rng(0)
    n, score, blocks, groups = 50_000, np.zeros(50_000), [], []
    for size in (5, 20, 100, 300, 600):
        share = 1 / np.arange(1, size + 1) ** 1.3
        level = np.unique(rng.choice(size, n, p=share / share.sum()), return_inverse=True)[1]
        size = level.max() + 1
        blocks.append(sparse.csr_matrix((np.ones(n), (np.arange(n), level)), shape=(n, size)))
        groups.append(np.full(size, len(groups)))
        score += rng.standard_normal(size)[level]
    numbers = rng.standard_normal((n, 2))
    score += numbers.sum(axis=1)
    blocks.append(sparse.csr_matrix(numbers * [100.0, 0.01]))
    groups.append(np.array([5, 6]))
    y = signs(score + rng.logistic(size=n) > np.median(score))
    return Data(sparse.csr_matrix(sparse.hstack(blocks)), y, np.concatenate(groups))


# -- the folder ----------------------------------------------------------------------------------------------------


def a9a(folder: Folder) -> Data:
    X, y = folder.sparse("a9a")
    return Data(X, y.astype(float))


def mushrooms(folder: Folder) -> Data:
    X, y = folder.sparse("mushrooms")
    return Data(X, signs(y == 2))


def news20(folder: Folder) -> Data:
    X, y = folder.sparse("news20_multiclass")
    return Data(unit_rows(X), signs(y > 10))


def news20_counts(folder: Folder) -> Data:
    X, y = folder.sparse("news20_multiclass")
    return Data(X, signs(y > 10))


def news20_classes(folder: Folder) -> Data:
    X, y = folder.sparse("news20_multiclass")
    return Data(unit_rows(X), y.astype(int) - 1)


def news20_number(folder: Folder) -> Data:
    X, y = folder.sparse("news20_multiclass")
    return Data(unit_rows(X), y.astype(float))


def binary(file: str) -> Callable[[Folder], Data]:
    """Return a loader of a dense set with two classes, columns scaled."""

    def load(folder: Folder) -> Data:
        X, y = folder.dense(file)
        return Data(scaled(X), signs(y == y.max()))

    return load


def classes(file: str) -> Callable[[Folder], Data]:
    """Return a loader of a dense set with several classes, columns scaled."""

    def load(folder: Folder) -> Data:
        X, y = folder.dense(file)
        return Data(scaled(X), np.unique(y, return_inverse=True)[1].astype(int))

    return load


def mnist(folder: Folder) -> Data:
    X, y = folder.dense("mnist_test")
    return Data(X / 255, y.astype(int))


def mnist_parity(folder: Folder) -> Data:
    X, y = folder.dense("mnist_test")
    return Data(X / 255, signs(y % 2 == 1), np.repeat(np.arange(28), 28))


def mnist_number(folder: Folder) -> Data:
    X, y = folder.dense("mnist_test")
    return Data(X / 255, y.astype(float), np.repeat(np.arange(28), 28))


def singh_columns(folder: Folder) -> Data:
    """The first gene's expression from all others'."""
    X = scaled(folder.dense("singh_prostate")[0])
    return Data(np.ascontiguousarray(X[:, 1:]), X[:, 0].copy())


def regression(file: str, drop: tuple[int, ...] = ()) -> Callable[[Folder], Data]:
    """Return a loader of a dense set with a numeric target, everything scaled, some columns left out."""

    def load(folder: Folder) -> Data:
        X, y = folder.dense(file)
        return Data(scaled(np.delete(X, drop, axis=1)), (y - np.median(y)) / y.std())

    return load


def as_is(file: str) -> Callable[[Folder], Data]:
    """Return a loader of a dense set with a numeric target, in its own units."""

    def load(folder: Folder) -> Data:
        X, y = folder.dense(file)
        return Data(X, y.astype(float))

    return load


def california_products(folder: Folder) -> Data:
    """The eight columns, their squares and pairwise products."""
    X, y = folder.dense("california_housing")
    X = scaled(X)
    first, second = np.triu_indices(X.shape[1])
    return Data(scaled(np.hstack([X, X[:, first] * X[:, second]])), (y - y.mean()) / y.std())


def claims(folder: Folder) -> Data:
    """Claims per year, weighted by exposure; one column of each pair of dummies."""
    X, y = folder.sparse("beMTPL97")
    exposure = folder.column("beMTPL97", "exposure")
    return Data(scaled(np.delete(X.toarray(), [8, 10, 12, 14, 16], axis=1)), y / exposure, None, exposure)


def claim_counts(folder: Folder) -> Data:
    """Claims per policy, unweighted."""
    return claims(folder)._replace(y=folder.sparse("beMTPL97")[1].astype(float), weight=None)


# name: (file of the folder or None, maker)
SETS: dict[str, tuple[str | None, Callable[[Folder], Data]]] = {
    "breast_cancer": (None, breast_cancer),
    "iris": (None, iris),
    "digits": (None, digits),
    "diabetes": (None, diabetes),
    "labels_1000x20": (None, labels(1000, 20, 20, 0.5)),
    "labels_20000x100": (None, labels(20_000, 100, 100, 0.5)),
    "labels_20000x200": (None, labels(20_000, 200, 200, 0.5)),
    "labels_500000x50": (None, labels(500_000, 50, 50, 0.5)),
    "labels_1000000x20": (None, labels(1_000_000, 20, 20, 0.5)),
    "labels_1000x10000": (None, labels(1000, 10_000, 50, 0.2)),
    "numbers_1000x20": (None, heavy_tailed(1000, 20, 20)),
    "numbers_20000x50": (None, heavy_tailed(20_000, 50, 50)),
    "numbers_20000x200": (None, heavy_tailed(20_000, 200, 200)),
    "numbers_1000000x20": (None, heavy_tailed(1_000_000, 20, 20)),
    "numbers_200x5000": (None, heavy_tailed(200, 5000, 10)),
    "sparse_20000x50000": (None, sparse_labels(20_000, 50_000, 50)),
    "sparse_50000x100000": (None, sparse_labels(50_000, 100_000, 50)),
    "one_hot": (None, one_hot),
    "a9a": ("a9a", a9a),
    "mushrooms": ("mushrooms", mushrooms),
    "news20": ("news20_multiclass", news20),
    "news20_counts": ("news20_multiclass", news20_counts),
    "news20_classes": ("news20_multiclass", news20_classes),
    "news20_number": ("news20_multiclass", news20_number),
    "singh_prostate": ("singh_prostate", binary("singh_prostate")),
    "singh_columns": ("singh_prostate", singh_columns),
    "colon_cancer": ("colon_cancer", binary("colon_cancer")),
    "madelon": ("madelon", binary("madelon")),
    "letter_scale": ("letter_scale", classes("letter_scale")),
    "satimage": ("satimage", classes("satimage")),
    "mnist": ("mnist_test", mnist),
    "mnist_parity": ("mnist_test", mnist_parity),
    "mnist_number": ("mnist_test", mnist_number),
    "california": ("california_housing", regression("california_housing")),
    "california_products": ("california_housing", california_products),
    "diamonds": ("diamonds", regression("diamonds", (6, 11, 18))),
    "elevators": ("elevators", regression("elevators")),
    "elevators_as_is": ("elevators", as_is("elevators")),
    "engel": ("engel", as_is("engel")),
    "claims": ("beMTPL97", claims),
    "claim_counts": ("beMTPL97", claim_counts),
}
