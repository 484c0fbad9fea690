"""A callback that keeps what it is told, and answers: stop, go on, or an error."""


class Recorder:
    """Keeps what it is told, and answers what it is asked to at the end of a task."""

    def __init__(self, answer=lambda context, model: False):
        self.answer = answer
        self.calls = []

    def _keep(self, hook, context, **more):
        path, at = [], context
        while at is not None:
            path.insert(0, at.task_id)
            at = at.parent
        self.calls.append({"hook": hook, "path": tuple(path), "name": context.task_name, "context": context, **more})

    def setup(self, estimator, context):
        self._keep("setup", context)

    def teardown(self, estimator, context):
        self._keep("teardown", context)

    def on_fit_task_begin(self, estimator, context):
        self._keep("begin", context, estimator=estimator)

    def on_fit_task_end(self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None):
        self._keep("end", context, X=X, y=y, metadata=metadata, model=fitted_estimator)
        return self.answer(context, fitted_estimator)

    def models(self, name):
        """The models at the ends of the tasks of a name, where there was one."""
        ends = [call for call in self.calls if call["hook"] == "end" and call["name"] == name]
        return [call["model"] for call in ends if call["model"] is not None]


class Inherited(Recorder):
    """One that the parts of a composition take over."""

    max_propagation_depth = None


def assert_nested(calls):
    """Set up first, taken down last; in between every task begins within its parent, once, and ends once."""
    hooks = [call["hook"] for call in calls]
    assert hooks[0] == "setup"
    assert hooks[-1] == "teardown"
    assert hooks.count("setup") == hooks.count("teardown") == 1
    running, seen = [], {}
    for call in calls[1:-1]:
        path = call["path"]
        if call["hook"] == "begin":
            assert running == [path[:k] for k in range(1, len(path))]
            assert path not in seen
            running.append(path)
            seen[path] = call["context"]
        else:
            assert running.pop() == path
    assert not running
    for path, context in seen.items():
        children = [other for other in seen if other[:-1] == path]
        assert context.max_subtasks is None or len(children) <= context.max_subtasks
        assert sorted(child[-1] for child in children) == list(range(len(children)))


def stop_at(count):
    """The answer that stops all that goes on at an iteration."""
    models = []

    def answer(context, model):
        models.extend([model] if context.task_name == "iteration" and model is not None else [])
        return len(models) >= count

    return answer


class OopsError(Exception):
    """What only the tests raise."""


def oops_at(where):
    """An answer that raises at the second task of a name to end."""
    ends = []

    def answer(context, model):
        ends.extend([1] if context.task_name == where else [])
        if len(ends) == 2:
            ends.append(1)
            raise OopsError
        return False

    return answer
