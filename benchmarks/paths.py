"""Paths: a hundred alphas, ours beside cold fits and beside the libraries that have paths.

python benchmarks/paths.py [--data FOLDER] [--rows NAME ...] [--alphas 100] [--repeat 3] [--cap 60] [--alone]

Nobody fits an intercept (columns and targets are centred), everybody has the same alphas. Each solver runs at tighter
and tighter tolerances; the figure is the time of the first run whose largest relative suboptimality on the whole path
is at most 1e-6, judged by the formulas below. Ratios are peer / ours; "cold" is ours with a fit from nothing at every
alpha.
"""

from __future__ import annotations

import argparse
import signal
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from data import Folder, breast_cancer, scaled, signs
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LogisticRegression, enet_path, lasso_path

from sklearn_erm import ERMClassifier, ERMRegressor, erm_path

GOAL, SHARE = 1e-6, 1e-2
TOLERANCES = [10.0**-k for k in range(2, 15)]
Path_ = Callable[[Any, Any, Any, float], Any]  # (X, y, alphas, tol) -> coefs (n_alphas, p)


# -- data ------------------------------------------------------------------------------------------------------------


def rows(folder: Folder) -> Iterator[tuple[str, str, str, Any, Any]]:
    """Yield name, loss, penalty, X, y."""
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", "squared_error", "l1", scaled(X), y - y.mean()
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5000))
    y = X[:, :20] @ rng.standard_normal(20) + rng.standard_normal(500)
    yield "500 x 5000", "squared_error", "l1", scaled(X), y - y.mean()
    yield "500 x 5000", "squared_error", "elasticnet", scaled(X), y - y.mean()
    yield "500 x 5000", "log_loss", "l1", scaled(X), signs(y > np.median(y))
    X = rng.standard_normal((20000, 100))
    y = X[:, :20] @ rng.standard_normal(20) + 3 * rng.standard_normal(20000)
    yield "20000 x 100", "squared_error", "l1", scaled(X), y - y.mean()
    yield "20000 x 100", "log_loss", "l1", scaled(X), signs(y > 0)
    X = rng.standard_normal((5000, 50))
    y = X[:, :10] @ rng.standard_normal(10) + 2 * rng.standard_normal(5000)
    yield "5000 x 50", "log_loss", "l2", scaled(X), signs(y > 0)
    yield "5000 x 50", "hinge", "l2", scaled(X), signs(y > 0)
    yield "5000 x 50", "hinge", "l1", scaled(X), signs(y > 0)
    yield "5000 x 50", "quantile", "l1", scaled(X), (y - y.mean()) / y.std()
    data = breast_cancer(folder)
    yield "breast cancer", "log_loss", "l1", data.X, data.y
    yield "breast cancer", "log_loss", "l2", data.X, data.y
    yield "breast cancer", "hinge", "l2", data.X, data.y
    yield "breast cancer", "hinge", "l1", data.X, data.y
    X, y = load_diabetes(return_X_y=True)
    yield "diabetes", "quantile", "l1", scaled(X), (y - y.mean()) / y.std()
    for file in ("madelon", "singh_prostate", "colon_cancer"):
        if folder.holds(file):
            X, y = folder.dense(file)
            yield file, "log_loss", "l1", scaled(X), signs(y == y.max())
    if folder.holds("a9a"):
        X, y = folder.sparse("a9a")
        yield "a9a", "log_loss", "l1", X, signs(y > 0)
        yield "a9a", "log_loss", "l2", X, signs(y > 0)


# -- the objective, ours -------------------------------------------------------------------------------------------


def objectives(loss: str, penalty: str, X: Any, y: Any, coefs: Any, alphas: Any) -> Any:
    """Return the objective of every alpha."""
    eta = np.asarray(X @ coefs.T)
    t = y[:, None]
    each = {
        "squared_error": lambda: (t - eta) ** 2,
        "log_loss": lambda: np.logaddexp(0.0, -t * eta),
        "hinge": lambda: np.maximum(1.0 - t * eta, 0.0),
        "quantile": lambda: 0.5 * np.abs(t - eta),
    }[loss]()
    l1, l2 = np.abs(coefs).sum(axis=1), 0.5 * (coefs**2).sum(axis=1)
    omega = {"l1": l1, "l2": l2, "elasticnet": 0.5 * (l1 + l2)}[penalty]
    return each.mean(axis=0) + alphas * omega


# -- who runs --------------------------------------------------------------------------------------------------------


def ours(loss: str, penalty: str) -> Path_:
    return lambda X, y, alphas, tol: erm_path(
        X, y, loss=loss, penalty=penalty, alphas=alphas, fit_intercept=False, tol=tol
    ).coefs.reshape(len(alphas), -1)


def cold(loss: str, penalty: str) -> Path_:
    cls: Any = ERMRegressor if loss in ("squared_error", "quantile") else ERMClassifier
    return lambda X, y, alphas, tol: np.array(
        [cls(loss, penalty, alpha=a, fit_intercept=False, tol=tol).fit(X, y).coef_.ravel() for a in alphas]
    )


def sklearn_path(penalty: str) -> Path_:
    if penalty == "l1":
        return lambda X, y, alphas, tol: lasso_path(X, y, alphas=alphas / 2, tol=tol, max_iter=100000)[1].T
    return lambda X, y, alphas, tol: enet_path(X, y, alphas=alphas / 2, l1_ratio=0.5, tol=tol, max_iter=100000)[1].T


def sklearn_logistic(penalty: str, solver: str) -> Path_:
    def run(X: Any, y: Any, alphas: Any, tol: float) -> Any:
        ratio = {"l1": 1.0, "l2": 0.0, "elasticnet": 0.5}[penalty]
        model = LogisticRegression(
            l1_ratio=ratio, solver=solver, tol=tol, fit_intercept=False, warm_start=True, max_iter=100000
        )
        return np.array([model.set_params(C=1 / (alpha * len(y))).fit(X, y).coef_.ravel().copy() for alpha in alphas])

    return run


def celer(loss: str) -> Path_:
    from celer import celer_path

    def run(X: Any, y: Any, alphas: Any, tol: float) -> Any:
        X = X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X)
        pb, scale = ("lasso", 0.5) if loss == "squared_error" else ("logreg", len(y))
        return celer_path(X, y, pb, alphas=alphas * scale, tol=tol, max_iter=100)[1].T

    return run


def skglm(loss: str, penalty: str) -> Path_:
    from skglm.datafits import Logistic, Quadratic
    from skglm.penalties import L1, L1_plus_L2
    from skglm.solvers import AndersonCD, ProxNewton

    def run(X: Any, y: Any, alphas: Any, tol: float) -> Any:
        X = X.tocsc() if hasattr(X, "tocsc") else np.asfortranarray(X)
        squared = loss == "squared_error"
        datafit = Quadratic() if squared else Logistic()
        solver = (AndersonCD if squared else ProxNewton)(tol=tol, fit_intercept=False, warm_start=True)
        coefs, w, Xw = [], np.zeros(X.shape[1]), np.zeros(X.shape[0])
        for alpha in alphas / 2 if squared else alphas:
            w = solver.solve(X, y, datafit, L1(alpha) if penalty == "l1" else L1_plus_L2(alpha, 0.5), w.copy(), Xw)[0]
            Xw = np.asarray(X @ w)
            coefs.append(w)
        return np.array(coefs)

    return run


def adelie(loss: str, penalty: str) -> Path_:
    import adelie as ad

    def run(X: Any, y: Any, alphas: Any, tol: float) -> Any:
        squared = loss == "squared_error"
        glm = ad.glm.gaussian(y=y) if squared else ad.glm.binomial(y=(y > 0).astype(float))
        state = ad.grpnet(
            X=np.asfortranarray(X),
            glm=glm,
            alpha=1.0 if penalty == "l1" else 0.5,
            lmda_path=alphas / 2 if squared else alphas,
            intercept=False,
            tol=tol,
            early_exit=False,
            progress_bar=False,
            n_threads=1,
        )
        return state.betas.toarray()

    return run


def peers(loss: str, penalty: str, sparse: bool) -> dict[str, Callable[[], Path_]]:
    """Return who has this path, each to be imported only when called."""
    found: dict[str, Callable[[], Path_]] = {"cold": lambda: cold(loss, penalty)}
    if loss == "squared_error":
        found["scikit-learn path"] = lambda: sklearn_path(penalty)
    if loss == "log_loss":
        for solver in {"l1": ("saga",), "l2": ("lbfgs", "newton-cholesky")}[penalty]:
            found[f"scikit-learn {solver}"] = lambda solver=solver: sklearn_logistic(penalty, solver)
    if loss in ("squared_error", "log_loss") and penalty != "l2":
        if penalty == "l1":
            found["celer"] = lambda: celer(loss)
        found["skglm"] = lambda: skglm(loss, penalty)
        if not sparse:
            found["adelie"] = lambda: adelie(loss, penalty)
    return found


# -- the race --------------------------------------------------------------------------------------------------------


def race(run: Path_, X: Any, y: Any, alphas: Any, judge: Any, best: Any, repeat: int, cap: float) -> Any:
    """Return the median time of the first tolerance that reaches the goal everywhere, None if none does in time."""

    def late(*_: Any) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, late)
    signal.alarm(int(cap))
    try:
        for tol in TOLERANCES:
            times = []
            for _ in range(1 + repeat if tol == TOLERANCES[0] else repeat):
                start = time.perf_counter()
                coefs = run(X, y, alphas, tol)
                times.append(time.perf_counter() - start)
                values = judge(coefs)
                if np.max((values - best) / np.abs(best)) > GOAL:
                    break
            else:
                return float(np.median(times[-repeat:]))
    except TimeoutError:
        return None
    except Exception as error:
        print(f"    {type(error).__name__}: {error}")
        return None
    finally:
        signal.alarm(0)
    return None


def main() -> None:
    """Print a line per row: seconds of ours, then ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", nargs="*", default=[])
    parser.add_argument("--alphas", type=int, default=100)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--cap", type=float, default=60, help="seconds for all tolerances of one solver on one row")
    parser.add_argument("--alone", action="store_true", help="beside cold fits only")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    for name, loss, penalty, X, y in rows(Folder(args.data)):
        title = f"{name}: {loss} + {penalty}"
        if args.rows and not any(word in title for word in args.rows):
            continue
        tight = erm_path(
            X, y, loss=loss, penalty=penalty, alphas=args.alphas, eps=SHARE, fit_intercept=False, tol=1e-10
        )
        alphas = tight.alphas

        def judge(coefs: Any, loss=loss, penalty=penalty, X=X, y=y, alphas=alphas) -> Any:
            return objectives(loss, penalty, X, y, coefs, alphas)

        best = judge(tight.coefs.reshape(len(alphas), -1))
        mine = race(ours(loss, penalty), X, y, alphas, judge, best, args.repeat, args.cap)
        print(f"{title:36s} ours {mine * 1e3:8.1f} ms", end="" if mine else "\n", flush=True)
        for peer, prepare in list(peers(loss, penalty, hasattr(X, "tocsr")).items())[: 1 if args.alone else None]:
            try:
                run = prepare()
            except ImportError:
                continue
            took = race(run, X, y, alphas, judge, best, args.repeat, args.cap)
            print(f"  {peer} {'-' if took is None else f'{took / mine:.2f}'}", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
