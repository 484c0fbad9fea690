"""Fits use one BLAS thread and leave as many as there were: after errors, and in several Python threads at once."""

import subprocess
import sys
import threading
from contextlib import nullcontext

import numpy as np
import pytest
from joblib import Parallel, delayed
from threadpoolctl import ThreadpoolController, threadpool_limits

import sklearn_erm.estimators.threads
from sklearn_erm import ERMClassifier, ERMRegressor, ERMRegressorCV, blas_threads, erm_path
from sklearn_erm.estimators import cross_validation, held_out
from sklearn_erm.losses import LogCosh

BLAS = ThreadpoolController().select(user_api="blas")
X = np.random.default_rng(0).standard_normal((40, 3))
Y = X @ [1.0, -2.0, 0.5]


def counts():
    return {library.num_threads for library in BLAS.lib_controllers}


def set_counts(count):
    for library in BLAS.lib_controllers:
        library.set_num_threads(count)
    with BLAS.limit(limits=None):  # threadpoolctl may then set them in other Python threads too
        pass


@pytest.fixture(autouse=True)
def _two_threads():
    """What the user has: two threads, before and after."""
    set_counts(2)
    if counts() != {2}:
        pytest.skip("the number of BLAS threads cannot be set here")
    yield
    after = counts()
    set_counts(1)
    assert after == {2}


class Spy(LogCosh):
    """A loss that does something of ours whenever it is asked for its value."""

    def __init__(self, act=None):
        self.act = act

    def value(self, y, eta):
        self.act()
        return super().value(y, eta)


class Acts:
    """A function of no arguments that stays itself when an estimator is cloned."""

    def __init__(self, act):
        self.act = act

    def __call__(self):
        return self.act()

    def __deepcopy__(self, memo):
        return self


def cross_validate(loss):
    return ERMRegressorCV(loss, alphas=2, cv=2).fit(X, Y)


DOORS = {
    "fit": lambda loss: ERMRegressor(loss).fit(X, Y),
    "path": lambda loss: erm_path(X, Y, loss=loss, alphas=2),
    "CV": cross_validate,
    "CV in threads": lambda loss: Parallel(2, "threading")([delayed(cross_validate)(loss)] * 2),
    "leave-one-out": lambda loss: ERMRegressorCV(loss, alphas=2, cv="alo").fit(X, Y),
}


@pytest.fixture(params=DOORS)
def fit(request):
    return DOORS[request.param]


def test_a_fit_uses_one_thread(fit):
    seen = []
    fit(Spy(Acts(lambda: seen.append(counts()))))
    assert set.union(*seen) == {1}


def test_a_fit_uses_as_many_as_the_user_says(fit):
    seen = []
    with blas_threads(3):
        fit(Spy(Acts(lambda: seen.append(counts()))))
    assert set.union(*seen) == {3}


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_fit_that_fails(fit, error):
    def stop():
        raise error

    with pytest.raises(error):
        fit(Spy(Acts(stop)))
    assert counts() == {2}


def test_what_is_set_meanwhile_stays():
    with blas_threads(1):
        set_counts(3)
    assert counts() == {3}
    set_counts(2)


def test_a_limit_of_threadpoolctl_in_another_thread_is_not_ours_to_change():
    def ours():
        with blas_threads(1):
            seen.append(counts())

    seen = []
    with threadpool_limits(limits=3, user_api="blas"):
        one = threading.Thread(target=ours)
        one.start()
        one.join()
        assert counts() == {3}
    assert seen[0] <= {1, 3}


def test_fits_in_several_threads():
    models = Parallel(4, "threading")(delayed(ERMClassifier("hinge", "l1", 0.01).fit)(X, Y > 0) for _ in range(20))
    assert len({model.objective_ for model in models}) == 1
    assert counts() == {2}


def test_a_worker_of_a_search_limits_itself(monkeypatch):
    def work(*job):
        seen.clear()
        held = held_out.score_fold(*job)
        assert set.union(*seen) == {1}
        return held

    seen = []
    monkeypatch.setattr(cross_validation, "blas_threads", nullcontext)  # which is in another process
    monkeypatch.setattr(cross_validation, "score_fold", work)
    cross_validate(Spy(Acts(lambda: seen.append(counts()))))


@pytest.mark.parametrize("limit, error", [(0, ValueError), (1.5, TypeError), (True, TypeError), (None, TypeError)])
def test_wrong_limits(limit, error):
    with pytest.raises(error, match="limit must be"), blas_threads(limit):
        pass


# -- libraries of both kinds -----------------------------------------------------------------------------------------


class Shared:
    """A library with one number of threads for the process."""

    num_threads = 2

    def set_num_threads(self, count):
        self.num_threads = count


class OfEachThread(threading.local):
    """A library with a number for every Python thread."""

    num_threads = 2

    def set_num_threads(self, count):
        self.num_threads = count


class Deaf:
    """A library that takes no number."""

    num_threads = 2

    def set_num_threads(self, count):
        pass


@pytest.fixture(params=[Shared, OfEachThread, Deaf])
def library(request, monkeypatch):
    found = sklearn_erm.estimators.threads._Library(request.param())
    monkeypatch.setattr(sklearn_erm.estimators.threads, "_libraries", lambda: [found])
    return found.controller


@pytest.mark.parametrize("first_out", [0, 1])
def test_blocks_that_overlap(library, first_out):
    """Two Python threads: which is out first changes nothing for the other, and nothing remains."""
    least = 2 if isinstance(library, Deaf) else 1
    steps = [threading.Barrier(2, timeout=10) for _ in range(4)]
    seen = {0: [], 1: []}

    def run(number):
        look = lambda: seen[number].append(library.num_threads)  # noqa: E731
        if number == 1:
            steps[0].wait()
        with blas_threads(1):
            look()
            if number == 0:
                steps[0].wait()
            steps[1].wait()
            if number != first_out:
                steps[2].wait()
                look()
        if number == first_out:
            steps[2].wait()
        steps[3].wait()
        look()

    both = [threading.Thread(target=run, args=[number]) for number in (0, 1)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert seen[first_out] == [least, 2]
    assert seen[1 - first_out] == [least, least, 2]
    assert library.num_threads == 2


def test_a_number_that_was_not_ours_to_set_is_not_ours_to_restore(library):
    with blas_threads(1):
        pass
    library.set_num_threads = lambda count: None  # as threadpoolctl does while another thread has a limit of its own
    with blas_threads(1):
        library.num_threads = 1  # that limit ends
        del library.set_num_threads
    assert library.num_threads == 1


@pytest.mark.parametrize("library", [Shared, OfEachThread], indirect=True)
def test_an_interruption_on_the_way_out(library):
    def interrupted(count):
        if count == 2:
            del library.set_num_threads
            raise KeyboardInterrupt
        type(library).set_num_threads(library, count)

    with blas_threads(1):
        pass
    library.set_num_threads = interrupted
    with pytest.raises(KeyboardInterrupt), blas_threads(1):
        pass
    assert library.num_threads == 2


@pytest.mark.skipif(sys.platform == "win32", reason="processes are not forked")
def test_a_forked_process_begins_afresh():
    code = """if True:
        import os, threading, warnings
        from sklearn_erm import blas_threads, ERMRegressor
        from sklearn_erm.estimators import threads
        from threadpoolctl import ThreadpoolController
        warnings.simplefilter("ignore")  # of forks
        library, *_ = ThreadpoolController().select(user_api="blas").lib_controllers
        library.set_num_threads(2)
        inside, forked = threading.Event(), threading.Event()
        def run():
            with blas_threads(1), threads._lock:
                inside.set()
                forked.wait()
        one = threading.Thread(target=run)
        one.start()
        inside.wait()
        child = os.fork()
        if not child:
            before = library.num_threads
            ERMRegressor().fit([[0.0], [1.0], [2.0]], [0.0, 1.0, 3.0])
            os._exit(10 * before + library.num_threads)
        forked.set()
        one.join()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), library.num_threads)
    """
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert found.stdout.split() == ["22", "2"]
