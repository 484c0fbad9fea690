"""What do fits on Dask workers cost: rounds, CPU seconds of all processes, accuracy; and dask-ml beside them.

    python benchmarks/scale.py --rows 2000000 --features 50 --blocks 32 --workers 2

dask-ml is left out where it is not installed. It penalises the intercept, so all fits here have none. Its accuracy is
that of its best point on our objective, relative to the minimum.
"""

from __future__ import annotations

import argparse
import time
import warnings
from typing import Any

import dask.array as da
import numpy as np
from distributed import Client, LocalCluster, wait

from sklearn_erm import ERMClassifier, ERMRegressor, risk
from sklearn_erm.samples.far import Crew

FITS = [
    (ERMClassifier, "log_loss", "l2"),
    (ERMClassifier, "log_loss", "l1"),
    (ERMClassifier, "hinge", "l2"),
    (ERMRegressor, "quantile", "l2"),
    (ERMRegressor, "squared_error", "l1"),
]
PEERS = ("lbfgs", "newton", "admm", "proximal_grad")


def cpu(client: Any) -> float:
    """Return the CPU seconds of this process and of all workers so far."""
    return time.process_time() + sum(client.run(time.process_time).values())


def made(client: Any, n: int, p: int, blocks: int) -> tuple[Any, Any, Any]:
    """Return X, labels and numbers, in the memory of the workers."""
    random = da.random.default_rng(0)
    X = random.standard_normal((n, p), chunks=(n // blocks, p))
    weights = np.linspace(-1.0, 1.0, p)
    scores = X @ weights
    numbers = scores + random.standard_normal(n, chunks=n // blocks)
    labels = (random.uniform(size=n, chunks=n // blocks) < 1.0 / (1.0 + da.exp(-scores))).astype(float)
    found = client.persist([X, labels, numbers])
    wait(found)
    return tuple(found)


def measured(client: Any, call: Any) -> tuple[Any, float, float]:
    """Return what a call returns, wall and CPU seconds."""
    before, start = cpu(client), time.perf_counter()
    found = call()
    return found, time.perf_counter() - start, cpu(client) - before


def ours(client: Any, X: Any, labels: Any, numbers: Any, alpha: float) -> float:
    """Print a row for each of our fits, and return the minimum of log loss with l2."""
    least = np.inf
    for cls, loss, penalty in FITS:
        asked: list[Any] = []
        answer = Crew._round

        def counted(crew: Any, questions: Any, answer: Any = answer, asked: Any = asked) -> Any:
            asked.append(len(questions))
            return answer(crew, questions)

        Crew._round = counted  # type: ignore[method-assign]
        y = labels if cls is ERMClassifier else numbers
        model = cls(loss, penalty, alpha=alpha, fit_intercept=False)
        _, wall, seconds = measured(client, lambda model=model, y=y: model.fit(X, y))
        Crew._round = answer  # type: ignore[method-assign]
        print(
            f"{loss + ' + ' + penalty:24s} {'sklearn_erm':22s} {wall:8.2f} {seconds:8.2f} {len(asked):7d} "
            f"{model.duality_gap_:10.1e}",
            flush=True,
        )
        least = model.objective_ if (loss, penalty) == ("log_loss", "l2") else least
    return least


def peers(client: Any, X: Any, labels: Any, alpha: float, least: float) -> None:
    """Print a row for each solver of dask-ml, for log loss with l2."""
    try:
        from dask_ml.linear_model import LogisticRegression
    except ImportError:
        return
    n = X.shape[0]
    model = ERMClassifier("log_loss", "l2", alpha=alpha, fit_intercept=False)
    model.fit(np.zeros((2, X.shape[1])), [0.0, 1.0])
    for solver in PEERS:
        peer = LogisticRegression(solver=solver, penalty="l2", C=1.0 / (alpha * n), fit_intercept=False, tol=1e-8)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            _, wall, seconds = measured(client, lambda peer=peer: peer.fit(X, labels))
        model.coef_ = np.asarray(peer.coef_).reshape(1, -1)
        value = risk(model, X, labels) + alpha * 0.5 * float(np.sum(model.coef_**2))
        print(
            f"{'log_loss + l2':24s} {'dask-ml ' + solver:22s} {wall:8.2f} {seconds:8.2f} {value / least - 1:10.1e}",
            flush=True,
        )


def main() -> None:
    """Run all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--features", type=int, default=50)
    parser.add_argument("--blocks", type=int, default=8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--alpha", type=float, default=1e-3)
    given = parser.parse_args()
    options = {"n_workers": given.workers, "threads_per_worker": 1, "dashboard_address": None}
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        X, labels, numbers = made(client, given.rows, given.features, given.blocks)
        print(f"{'':24s} {'':22s} {'wall s':>8s} {'CPU s':>8s} {'rounds':>7s} {'gap':>10s}")
        least = ours(client, X, labels, numbers, given.alpha)
        peers(client, X, labels, given.alpha, least)


if __name__ == "__main__":
    main()
