"""Fits to dask collections are those to the same rows in memory, by Dask's threads and on a cluster of processes."""

import os
import signal
import subprocess
import sys
import time
from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse
from scipy.optimize import LinearConstraint

from sklearn_erm import ERMClassifier, ERMRegressor, erm_path, risk
from sklearn_erm.losses import Huber

from .problems import LOSS_EXAMPLES, PENALTY_EXAMPLES, cover, name_of_pair, targets

da = pytest.importorskip("dask.array")
dd = pytest.importorskip("dask.dataframe")
pd = pytest.importorskip("pandas")

N, P = 400, 6
CHUNKS = (130, 1, 0, 169, 100)
RNG = np.random.default_rng(0)
X = np.round(RNG.normal(size=(N, P)), 3) + 0.3
Z = X @ RNG.normal(size=P) + RNG.normal(size=N)
LABELS = np.where(Z > 0.5, "yes", "no")
WEIGHT = RNG.uniform(size=N) * (RNG.uniform(size=N) > 0.1)
OFFSET = 0.1 * RNG.normal(size=N)


def chunked(values, chunks=CHUNKS):
    """The same as a dask array, in unequal chunks, one of them empty."""
    values = values if sparse.issparse(values) else np.asarray(values)
    if sparse.issparse(values):
        ends = pairwise(np.cumsum((0, *chunks)))
        parts = [da.from_array(values[start:end], chunks=-1, asarray=False) for start, end in ends]
        return da.concatenate([part for part in parts if part.shape[0]])
    return da.from_array(values, chunks=(chunks, *values.shape[1:]))


def posed(loss, penalty, tol=1e-9, **more):
    """An estimator for a loss."""
    cls = ERMRegressor if loss.target == "real" else ERMClassifier
    return cls(loss, penalty, alpha=0.02, tol=tol, **more)


def same(there, here, tol=1e-9):
    assert there.objective_ == pytest.approx(here.objective_, rel=2 * tol, abs=1e-12)
    assert there.result_.success == here.result_.success
    assert type(there.coef_) is np.ndarray


CASES = [(pair, ("free", "bounds", "rows")[number % 3]) for number, pair in enumerate(cover(3)) if number % 5 == 0]


@pytest.mark.parametrize("pair, limits", CASES, ids=[f"{name_of_pair(pair)}-{limits}" for pair, limits in CASES])
def test_losses_and_penalties(pair, limits):
    loss, penalty = LOSS_EXAMPLES[pair[0]], PENALTY_EXAMPLES[pair[1]]
    more = {"bounds": (-0.3, 0.4)} if limits == "bounds" and penalty.convex else {}
    if limits == "rows" and penalty.convex:
        more = {"constraints": LinearConstraint(np.ones(P), -0.2, 0.2)}
    y = targets(loss, Z)
    here = posed(loss, penalty, **more).fit(X, y)
    there = posed(loss, penalty, **more).fit(chunked(X), chunked(y))
    same(there, here)
    if loss.smooth and penalty.smooth and not more:
        np.testing.assert_allclose(there.coef_, here.coef_, atol=1e-6)


@pytest.mark.parametrize("weighted", [False, True])
def test_labels_weights_and_offsets(weighted):
    more = {"sample_weight": WEIGHT, "offset": OFFSET} if weighted else {}
    for numpy_too in (False, True):
        model = ERMClassifier(alpha=0.01, tol=1e-12, class_weight="balanced" if weighted else None)
        here = model.fit(X, LABELS, **more)
        kept = here.coef_.copy(), here.objective_
        given = {name: values if numpy_too else chunked(values) for name, values in more.items()}
        there = model.fit(chunked(X), chunked(LABELS, (200, 200)), **given)
        np.testing.assert_allclose(there.coef_, kept[0], rtol=1e-8)
        assert there.objective_ == pytest.approx(kept[1], rel=1e-12)
        assert there.classes_.tolist() == ["no", "yes"]


def test_kinds_of_input():
    """Unknown lengths, sparse and single precision, data frames."""
    here = ERMRegressor("huber", alpha=0.01, tol=1e-10).fit(X, Z)
    unknown = chunked(X)[da.from_array(np.ones(N, dtype=bool), chunks=CHUNKS)]
    series = chunked(Z)[da.from_array(np.ones(N, dtype=bool), chunks=CHUNKS)]
    frame = pd.DataFrame(X, columns=list("abcdef"))
    kinds = {
        "unknown": (unknown, series),
        "frame": (dd.from_pandas(frame, npartitions=3), dd.from_pandas(pd.Series(Z), npartitions=3)),
    }
    for given in kinds.values():
        model = ERMRegressor("huber", alpha=0.01, tol=1e-10).fit(*given)
        np.testing.assert_allclose(model.coef_, here.coef_, rtol=1e-7)
    assert list(model.feature_names_in_) == list("abcdef")
    single = ERMRegressor("huber", alpha=0.01).fit(chunked(X.astype(np.float32)), chunked(Z))
    assert single.coef_.dtype == np.float32
    same(ERMRegressor("huber", alpha=0.01, tol=1e-10).fit(unknown, series, 2.0), here)
    few = sparse.csr_array(X * (RNG.uniform(size=X.shape) < 0.3))
    thin, rows = (ERMClassifier("hinge", alpha=0.01, tol=1e-8) for _ in range(2))
    same(thin.fit(chunked(few), chunked(LABELS)), rows.fit(few, LABELS), 1e-8)


@pytest.mark.filterwarnings("default")
def test_columns_of_parquet_files(tmp_path):
    """Dask joins the partitions of a few columns; features, labels and weights stay together all the same."""
    pytest.importorskip("pyarrow")
    whole = pd.DataFrame(X, columns=list("abcdef")).assign(label=LABELS, weight=WEIGHT)
    dd.from_pandas(whole, npartitions=16).to_parquet(tmp_path, write_index=False)
    read = dd.read_parquet(tmp_path)
    model = ERMClassifier("hinge", alpha=0.01, tol=1e-8)
    there = model.fit(read[list("abcdef")], read["label"], sample_weight=read["weight"])
    same(there, ERMClassifier("hinge", alpha=0.01, tol=1e-8).fit(X, LABELS, sample_weight=WEIGHT), 1e-8)
    found = there.score(read[list("abcdef")], read["label"])
    assert found == pytest.approx(there.score(whole[list("abcdef")], LABELS))


def test_several_targets_and_paths():
    two = np.column_stack([Z, -Z + 1e6])
    here = ERMRegressor("squared_error", "l1", alpha=0.01, tol=1e-10).fit(X, two)
    there = ERMRegressor("squared_error", "l1", alpha=0.01, tol=1e-10).fit(chunked(X), chunked(two))
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-6)
    np.testing.assert_allclose(there.intercept_, here.intercept_, rtol=1e-12)
    given = ((X, Z), (chunked(X), chunked(Z)))
    one, other = (erm_path(*each, "squared_error", "l1", alphas=5, tol=1e-10) for each in given)
    np.testing.assert_allclose(other.alphas, one.alphas, rtol=1e-9)
    np.testing.assert_allclose(other.coefs, one.coefs, atol=1e-6)


def test_predictions_are_lazy():
    classes = np.digitize(Z, [0.0, 1.0])
    model = ERMClassifier(alpha=0.01).fit(X, classes)
    for method in ("predict", "decision_function", "predict_proba", "predict_log_proba"):
        lazy, known = getattr(model, method)(chunked(X)), getattr(model, method)(X)
        assert isinstance(lazy, da.Array)
        assert (lazy.shape, lazy.dtype) == (known.shape, known.dtype)
        np.testing.assert_allclose(lazy.compute(), known)
    frame = pd.DataFrame(X, columns=list("abcdef"), index=np.arange(N) * 3)
    model.fit(frame, classes)
    lazy = model.predict_proba(dd.from_pandas(frame, npartitions=3))
    assert lazy.npartitions == 3
    assert list(lazy.columns) == [0, 1, 2]
    pd.testing.assert_index_equal(lazy.compute().index, frame.index)
    np.testing.assert_allclose(lazy.compute(), model.predict_proba(frame))
    regressor = ERMRegressor(alpha=0.01).fit(X, Z)
    lazy = regressor.predict(chunked(X), chunked(OFFSET))
    np.testing.assert_allclose(lazy.compute(), regressor.predict(X, OFFSET))
    with pytest.raises(ValueError, match="X has 3 features, but ERMRegressor was fitted to 6"):
        regressor.predict(chunked(X)[:, :3])


def test_scores_are_sums_over_blocks():
    model, regressor = ERMClassifier(alpha=0.01).fit(X, LABELS), ERMRegressor(alpha=0.01).fit(X, Z)
    there, labels, y = chunked(X), chunked(LABELS), chunked(Z)
    assert model.score(there, labels, WEIGHT) == pytest.approx(model.score(X, LABELS, WEIGHT))
    assert regressor.score(there, y, WEIGHT) == pytest.approx(regressor.score(X, Z, WEIGHT))
    for name in (None, "hinge"):
        known = risk(model, X, LABELS, name, sample_weight=WEIGHT, offset=OFFSET)
        assert risk(model, there, labels, name, sample_weight=WEIGHT, offset=OFFSET) == pytest.approx(known)


def test_what_is_wrong_is_told_with_the_row():
    bad = X.copy()
    bad[131, 2] = np.nan
    with pytest.raises(ValueError, match=r"X must be finite, but row 131 is not\."):
        ERMRegressor().fit(chunked(bad), chunked(Z))
    with pytest.raises(ValueError, match=r"needs a y in its domain.* but row 250 is -1"):
        ERMRegressor("poisson").fit(chunked(X), chunked(np.where(np.arange(N) == 250, -1.0, 1.0)))
    words = pd.DataFrame(X, columns=list("abcdef")).assign(b=LABELS)
    with pytest.raises(TypeError, match=r"these columns do not: 'b' \(.*leave the columns out"):
        ERMRegressor().fit(dd.from_pandas(words, npartitions=2), chunked(Z, (200, 200)))
    with pytest.raises(ValueError, match=r"X\.rechunk\({1: -1}\)"):
        ERMRegressor().fit(chunked(X).rechunk({1: 2}), chunked(Z))
    with pytest.raises(ValueError, match=r"X has 5 partitions and y has 3"):
        ERMRegressor().fit(chunked(X), da.from_array(Z[:300], chunks=100))
    with pytest.raises(ValueError, match="partition 0 has 130 rows of X, but 131 of y: X and y, weights"):
        ERMRegressor().fit(chunked(X), chunked(Z, (131, 0, 0, 169, 100))[da.from_array(np.ones(N, dtype=bool))])
    with pytest.raises(ValueError, match="X has 3 rows and 6 features"):
        ERMRegressor().fit(chunked(X[:3], (2, 1)), chunked(Z[:3], (2, 1)))
    with pytest.raises(TypeError, match="lengths of the partitions of X are not known"):
        ERMRegressor().fit(chunked(X)[da.from_array(np.ones(N, dtype=bool), chunks=CHUNKS)], Z)
    with pytest.raises(ValueError, match="at least two classes"):
        ERMClassifier().fit(chunked(X), chunked(np.ones(N)))
    with pytest.raises(ValueError, match="sample_weight must be >= 0, but row 399 is -1"):
        ERMRegressor().fit(chunked(X), chunked(Z), np.where(np.arange(N) == N - 1, -1.0, 1.0))


@pytest.mark.filterwarnings("ignore:A column-vector y", "ignore:y has one column")
def test_columns_for_rows():
    """Labels, targets and weights that have an axis too many, and one offset for all."""
    here = ERMClassifier(alpha=0.01, tol=1e-10).fit(X, LABELS, WEIGHT, 0.5)
    given = chunked(X), chunked(LABELS[:, None]), chunked(WEIGHT[:, None]), 0.5
    there = ERMClassifier(alpha=0.01, tol=1e-10).fit(*given)
    np.testing.assert_allclose(there.coef_, here.coef_, rtol=1e-7)
    assert there.score(*given[:3], offset=None) == pytest.approx(here.score(X, LABELS, WEIGHT))
    model = ERMRegressor(alpha=0.01).fit(X, Z)
    assert model.score(chunked(X), chunked(Z[:, None])) == pytest.approx(model.score(X, Z))
    assert model.score(chunked(X), chunked(np.full(N, 0.1))) == model.score(X, np.full(N, 0.1)) == 0.0
    with pytest.raises(ValueError, match="y should be a 1d array of labels, but it has 2 columns"):
        ERMClassifier().fit(chunked(X), chunked(np.column_stack([LABELS, LABELS])))


def test_scores_look_at_their_rows():
    model, classifier = ERMRegressor(alpha=0.01).fit(X, Z), ERMClassifier(alpha=0.01).fit(X, LABELS)
    with pytest.raises(ValueError, match="Input y contains NaN"):
        model.score(chunked(X), chunked(np.where(np.arange(N) == 3, np.nan, Z)))
    with pytest.raises(ValueError, match="sample_weight must be finite"):
        model.score(chunked(X), chunked(Z), chunked(np.where(np.arange(N) == 3, np.nan, 1.0)))
    try:  # labels of another type: what scikit-learn says of them depends on its version
        known = classifier.score(X, Z > 0)
    except (TypeError, ValueError) as error:
        with pytest.raises(type(error)):
            classifier.score(chunked(X), chunked(Z > 0))
    else:
        assert classifier.score(chunked(X), chunked(Z > 0)) == known
    with pytest.raises(ValueError, match=r"a partition has \d+ rows? of X, but \d+ of y"):
        model.score(chunked(X), chunked(Z, (130, 1, 170, 0, 99))[da.from_array(np.ones(N, dtype=bool))])


def test_rows_of_weight_zero_are_as_good_as_absent():
    """Their targets may be any numbers, outside the domain of the loss too."""
    y = np.where(WEIGHT == 0, -1e6, np.abs(Z))
    for loss in ("poisson", "absolute_error"):
        here, there = (ERMRegressor(loss, alpha=0.01, tol=1e-9) for _ in range(2))
        same(there.fit(chunked(X), chunked(y), chunked(WEIGHT)), here.fit(X, y, WEIGHT))


def test_no_rows():
    model = ERMRegressor(alpha=0.01).fit(X, Z)
    for ask in (model.score, ERMRegressor().fit):
        with pytest.raises(ValueError, match=r"X has no rows\."):
            ask(chunked(X[:0], (0,)), chunked(Z[:0], (0,)))


def test_missing_labels_and_nullable_columns():
    frame = pd.DataFrame(X, columns=list("abcdef"))
    gone = np.arange(N) != 300
    for labels in (pd.Series(LABELS, dtype="string").where(gone), pd.Series(Z > 0).astype("Int64").where(gone)):
        with pytest.raises(ValueError, match="y must have a label in every row, but row 300 is"):
            ERMClassifier().fit(chunked(X, (80,) * 5), dd.from_pandas(labels, npartitions=5))
    whole = frame.assign(b=pd.Series(Z > 0).astype("boolean"), c=pd.Series(np.arange(N) % 3).astype("Int64"))
    y = pd.Series(Z)
    there = ERMRegressor(alpha=0.01).fit(*(dd.from_pandas(each, npartitions=3) for each in (whole, y)))
    same(there, ERMRegressor(alpha=0.01).fit(whole.astype(float), Z))
    whole["c"] = whole["c"].where(gone)
    with pytest.raises(ValueError, match="X must be finite, but row 300 is not"):
        ERMRegressor().fit(*(dd.from_pandas(each, npartitions=3) for each in (whole, y)))
    with pytest.raises(ValueError, match="use ERMClassifier"):
        ERMRegressor().fit(chunked(X), chunked(LABELS))


@pytest.mark.parametrize("count", [40, 41, 42])
def test_settled_scales_and_constants(count):
    """The same median of an even number of residuals, however the weights are summed; no minimiser told as such."""
    chunks = (count - 13, 13)
    model = ERMRegressor(Huber(scale="mad"), alpha=0.01, tol=1e-10)
    here = model.fit(X[:count], Z[:count]).loss_.scale
    assert model.fit(chunked(X[:count], chunks), chunked(Z[:count], chunks)).loss_.scale == pytest.approx(here)
    with pytest.raises(ValueError, match="has no minimiser on this y"):
        ERMRegressor("poisson").fit(chunked(X[:count], chunks), chunked(np.zeros(count), chunks))


def test_dask_is_imported_when_it_is_given():
    code = "import sys, sklearn_erm; assert not {'dask', 'distributed'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True, cwd="/")


@pytest.fixture(scope="module")
def cluster_client():
    distributed = pytest.importorskip("distributed")
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": 50}
    with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as found:
        yield found


@pytest.fixture
def client(cluster_client):
    """A client of two processes, with an end to patience where the system has alarms."""

    def too_long(*_):
        raise TimeoutError("the cluster does not answer")

    if not hasattr(signal, "SIGALRM"):
        yield cluster_client
        return
    before = signal.signal(signal.SIGALRM, too_long)
    signal.alarm(400)
    yield cluster_client
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.mark.filterwarnings("default")
def test_a_cluster_of_processes(client):
    """The same fit again, that in memory, and no futures left behind."""
    given = client.persist([chunked(X), chunked(LABELS)])
    before = set(client.futures)
    found = [ERMClassifier(loss, "l2", alpha=0.01, tol=1e-8).fit(*given) for loss in ("hinge", "log_loss") * 2]
    for one, again, name in zip(found[:2], found[2:], ("hinge", "log_loss"), strict=True):
        assert one.objective_ == pytest.approx(again.objective_, rel=2e-8)  # blocks that moved may round otherwise
        same(one, ERMClassifier(name, "l2", alpha=0.01, tol=1e-8).fit(X, LABELS), 1e-8)
    end = time.monotonic() + 10
    while set(client.futures) != before and time.monotonic() < end:  # a cluster forgets in its own time
        time.sleep(0.05)
    assert set(client.futures) == before
    lazy = found[0].predict(given[0])
    np.testing.assert_array_equal(lazy.compute(), found[0].predict(X))


class Killer:
    """A callback that kills workers, or what else it is given to do, in an early iteration."""

    def __init__(self, act):
        self.act, self.calls = act, 0

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context):
        pass

    def on_fit_task_end(self, estimator, context, **more):
        self.calls += 1
        if self.calls == 5:
            self.act()


def with_accident(act):
    """A classifier of a loss with kinks, to which something happens during its fit."""
    model = ERMClassifier("hinge", "l2", alpha=0.01, tol=1e-8)
    if not hasattr(model, "set_callbacks"):
        pytest.skip("this scikit-learn has no callbacks")
    return model.set_callbacks(Killer(act))


@pytest.mark.filterwarnings("default")
def test_a_worker_killed_during_a_fit(client):
    """Its blocks are made again elsewhere, and their states from recipes: the same solution."""
    here = ERMClassifier("hinge", "l2", alpha=0.01, tol=1e-8).fit(chunked(X), chunked(LABELS))
    pids = list(client.run(os.getpid).values())
    model = with_accident(lambda: os.kill(pids[0], signal.SIGKILL))
    same(model.fit(chunked(X), chunked(LABELS)), here, 1e-8)


@pytest.mark.filterwarnings("default")
def test_fits_inside_tasks(client):
    """More of them than there are threads."""

    def objective_of_a_fit():  # in here, so that it travels by value: workers do not find the tests
        rows = np.random.default_rng(0).normal(size=(60, 3))
        given = da.from_array(rows, chunks=(20, 3)), da.from_array(rows[:, 0] > 0.1, chunks=20)
        return ERMClassifier("hinge", alpha=0.01).fit(*given).objective_

    client.wait_for_workers(2)
    found = client.gather([client.submit(objective_of_a_fit, pure=False) for _ in range(3)])
    assert found == pytest.approx([found[0]] * 3, rel=1e-12)


@pytest.mark.filterwarnings("default")
def test_rows_that_are_lost_for_good_are_told(client):
    dask = pytest.importorskip("dask")
    blocks = client.scatter([X[:200], X[200:]])
    held = da.concatenate([da.from_delayed(dask.delayed(block), shape=(200, P), dtype=float) for block in blocks])

    def kill():
        for pid in client.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)

    with pytest.raises(RuntimeError, match="rows were lost with a worker of the cluster"):
        with_accident(kill).fit(held, chunked(LABELS, (200, 200)))
