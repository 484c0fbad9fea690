"""The house rules of CONTRIBUTING.md, read off the source: who imports whom, how long things are, what is not asked.

And whether docs/architecture.md, and the table of docs/solvers.md, say what is so.
"""

import ast
import inspect
import re
import runpy
import sys
from pathlib import Path

import numpy as np
import pytest

import sklearn_erm
from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES
from sklearn_erm.solve.choose import method_for

ROOT = Path(sklearn_erm.__file__).parent
DOCS = Path(__file__).parents[1] / "docs"
PAGE = (DOCS / "architecture.md").read_text(encoding="utf-8")
MODULES = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted(ROOT.rglob("*.py"))}

# what each module or package of ours may import, beside itself: all that stands left of it in one of these rows
ROWS = (
    "checks solvers losses penalties samples problem exact solve leave_out estimators inference displays",
    "checks losses penalties testing",
    "inference bayes",
    "estimators displays __init__",
)
BELOW: dict[str, set[str]] = {}
for row in ROWS:
    for place, name in enumerate(row.split()):
        BELOW.setdefault(name, set()).update(row.split()[:place])
BELOW["solvers"] = set()
BELOW["penalties"] = BELOW["losses"] = {"checks"}
BELOW["displays"] -= {"inference"}
SKLEARN = {  # what else may import of scikit-learn, and what
    "losses": {"sklearn.base"},
    "penalties": {"sklearn.base"},
    "inference": {"sklearn.utils.validation"},
}
FAR = {"cloudpickle", "dask", "distributed", "pandas"}  # asked for where rows are in dask collections, and nowhere else
# where what users pass is looked at: rows in memory; rows elsewhere, what their blocks do, what is predicted for them
DOOR = {"estimators.inputs", "estimators.elsewhere", "estimators.looks", "estimators.lazily"}
NAMED_TUPLES = {"_replace", "_asdict", "_fields"}  # public in spite of their names
DOCUMENTED = {"_init_callback_context"}  # what scikit-learn documents for those who write estimators
NAMES = {name for name in (*LOSSES, *PENALTIES) if name}
CLASSES = {cls.__name__ for registry in (LOSSES, PENALTIES) for cls in registry.values()} | {"Loss", "Penalty"}


def house(module):
    """The module or package of ours that a module belongs to."""
    return module.split(".")[0]


def nodes(path, *kinds):
    """The syntax nodes of some kinds in a file."""
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def imports(path):
    """Every name that a file imports, dotted in full."""
    plain = [alias.name for node in nodes(path, ast.Import) for alias in node.names]
    named = nodes(path, ast.ImportFrom)
    assert not any(node.level for node in named), f"{path}: import by the full name"
    return plain + [f"{node.module}.{alias.name}" for node in named for alias in node.names]


def code_lines(function):
    """The lines of a function without its docstring."""
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if ast.get_docstring(function, clean=False) is not None:
        lines -= first.end_lineno - first.lineno + 1
    return lines


def mentions(node, names):
    """Whether a syntax tree has one of some names, as a name or an attribute."""
    found = {getattr(n, "id", getattr(n, "attr", None)) for n in ast.walk(node)}
    return bool(found & names)


@pytest.fixture(params=MODULES)
def module(request):
    return request.param


def test_imports_go_one_way(module):
    own = house(module)
    assert own in BELOW, f"{own} is new: give it a place in BELOW, and in CONTRIBUTING.md"
    ours = {name.split(".")[1] for name in imports(MODULES[module]) if name.startswith("sklearn_erm.")}
    assert ours <= BELOW[own] | {own}


def test_imports_from_outside(module):
    outside = {
        name for name in imports(MODULES[module]) if house(name) not in {*sys.stdlib_module_names, "sklearn_erm"}
    }
    assert {house(name) for name in outside} <= {"numpy", "scipy", "sklearn", "matplotlib", "threadpoolctl", *FAR}
    assert not any(part.startswith("_") for name in outside for part in name.split(".")), "private"
    modules = {name.rpartition(".")[0] for name in outside if house(name) == "sklearn"}
    if house(module) not in ("estimators", "displays"):
        assert modules <= SKLEARN.get(house(module), set())
    if house(module) != "displays":
        assert "matplotlib" not in {house(name) for name in outside}
    if module not in ("samples.dask", "estimators.lazily"):
        assert not FAR & {house(name) for name in outside}
    if module != "estimators.threads":
        assert "threadpoolctl" not in {house(name) for name in outside}


def test_data_enter_by_one_door(module):
    """scikit-learn looks at what users pass as X and y where everything else of them is looked at."""
    path = MODULES[module]
    said = {name.rpartition(".")[2] for name in imports(path)} | {node.attr for node in nodes(path, ast.Attribute)}
    assert ("validate_data" in said) == (module in ("estimators.inputs", "estimators.elsewhere"))


def test_samples_are_made_at_the_door(module):
    """Those who fit and show models ask samples what the contract offers, wherever the rows are."""
    asked = {name for name in imports(MODULES[module]) if name.startswith("sklearn_erm.samples")}
    beyond = {name for name in asked if not name.startswith("sklearn_erm.samples.contract.")}
    if house(module) in ("estimators", "inference", "displays", "testing"):
        assert bool(beyond) == (module in DOOR)


def test_what_is_as_long_as_the_data_is_passed_on_unopened(module):
    """Only samples, losses, what needs every sample at hand, and the door know targets, scores, weights, offsets."""
    if house(module) not in ("solvers", "problem", "solve", "leave_out"):
        return
    kinds = ast.Name, ast.Attribute, ast.arg, ast.keyword
    found = {
        getattr(node, "id", getattr(node, "attr", getattr(node, "arg", None)))
        for node in nodes(MODULES[module], *kinds)
    }
    assert not found & {"y", "eta", "weight", "offset", "multiplier"}


def test_only_minimize_calls_scipy(module):
    called = any(ast.unparse(node.func).endswith("optimize.minimize") for node in nodes(MODULES[module], ast.Call))
    assert called == (module == "solve.minimize")
    assert not any(name.startswith("scipy.optimize.minimize") for name in imports(MODULES[module]))


def test_files_and_functions_are_short(module):
    assert len(MODULES[module].read_text().splitlines()) <= 400
    functions = nodes(MODULES[module], ast.FunctionDef, ast.AsyncFunctionDef)
    assert {function.name: code_lines(function) for function in functions if code_lines(function) > 50} == {}


def test_capabilities_are_asked_not_classes(module):
    path = MODULES[module]
    for call in nodes(path, ast.Call):
        if mentions(call.func, {"isinstance", "issubclass", "type"}) and call.args:
            plain = len(call.args) == 2 and ast.unparse(call.args[1]) in {"str", "type"}
            assert plain or not mentions(call.args[0], {"loss", "penalty"}), ast.unparse(call)
            assert not any(mentions(arg, CLASSES) for arg in call.args[1:]), ast.unparse(call)
    for comparison in nodes(path, ast.Compare, ast.MatchValue):
        said = {node.value for node in ast.walk(comparison) if isinstance(node, ast.Constant)}
        assert not said & NAMES, ast.unparse(comparison)


def private(name):
    """Whether a name says that it is not for others."""
    return name.startswith("_") and not name.startswith("__")


def defined(path):
    """The private names that a file gives to methods, to attributes of classes and of ``self``."""
    for node in nodes(path, ast.FunctionDef):
        yield node.name
    for node in nodes(path, ast.Assign, ast.AnnAssign):
        for target in [
            element for t in getattr(node, "targets", [getattr(node, "target", None)]) for element in ast.walk(t)
        ]:
            if isinstance(target, ast.Name):
                yield target.id
            elif isinstance(target, ast.Attribute) and ast.unparse(target.value) == "self":
                yield target.attr


OWN = {name for path in MODULES.values() for name in defined(path) if private(name)}


def test_no_private_attribute_of_others_is_touched(module):
    """What scikit-learn and others call private may be gone in their next version."""
    touched = {node.attr for node in nodes(MODULES[module], ast.Attribute)}
    for call in nodes(MODULES[module], ast.Call):
        if mentions(call.func, {"getattr", "hasattr", "setattr", "delattr"}):
            touched |= {arg.value for arg in call.args[1:2] if isinstance(arg, ast.Constant)}
    assert {name for name in touched if private(name)} <= OWN | NAMED_TUPLES | DOCUMENTED


def assigned(tree):
    """The attributes that a syntax tree assigns, each with the values of its statement."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for part in (part for target in targets for part in ast.walk(target)):
                if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store):
                    yield part, values


def test_no_method_is_replaced(module):
    """No function becomes an attribute of an object, and nothing else takes the place of a method."""
    tree = ast.parse(MODULES[module].read_text())
    everything = list(ast.walk(tree))
    assert not any(mentions(node.func, {"setattr", "MethodType"}) for node in everything if isinstance(node, ast.Call))
    top = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for scope in [node for node in everything if isinstance(node, ast.FunctionDef)]:
        inner = {node.name for node in ast.walk(scope) if isinstance(node, ast.FunctionDef) and node is not scope}
        functions = (top | inner) - {argument.arg for argument in scope.args.args}
        for target, values in assigned(scope):
            given = [value for value in values if isinstance(value, ast.Lambda) or getattr(value, "id", 0) in functions]
            assert not given, f"{ast.unparse(target)} = {ast.unparse(given[0])}"
    for cls in [node for node in everything if isinstance(node, ast.ClassDef)]:
        own = {node.name for node in cls.body if isinstance(node, ast.FunctionDef) and not node.decorator_list}
        replaced = [target for target, _ in assigned(cls) if ast.unparse(target.value) == "self" and target.attr in own]
        assert not replaced, ast.unparse(replaced[0])


# -- docs/architecture.md ---------------------------------------------------------------------------------------------


def test_the_picture_shows_who_imports_whom():
    script = runpy.run_path(str(DOCS / "draw_architecture.py"))
    drawn, kept = script["draw"](ROOT), script["PICTURE"].read_text(encoding="utf-8")
    assert drawn == kept, "run python docs/draw_architecture.py, and look at the picture"


def test_a_fit_goes_the_way_that_the_page_says():
    """In the order of the first calls."""
    steps = re.findall(r"^\| \d+ \| `sklearn_erm/([\w/]+\.py)` \| `([\w.]+)`", PAGE, re.MULTILINE)
    called = {}

    def note(frame, event, _):
        path = Path(frame.f_code.co_filename)
        if event == "call" and path.is_relative_to(ROOT):
            called.setdefault((path.relative_to(ROOT).as_posix(), frame.f_code.co_qualname))

    X = np.random.default_rng(0).normal(size=(30, 3))
    model, before = sklearn_erm.ERMRegressor(alpha=0.1), sys.getprofile()
    sys.setprofile(note)
    try:
        model.fit(X, X[:, 0] + X[:, 1] ** 2)
    finally:
        sys.setprofile(before)
    assert len(steps) == 10
    assert [call for call in called if call in steps] == steps


def test_the_page_names_what_is_there():
    codes = {code for quoted in re.findall(r"`([^`]+)`", PAGE) for code in quoted.split() if "<" not in code}
    paths = {code for code in codes if re.fullmatch(r"[\w/]+\.(py|md)", code)}
    files = {(ROOT if path.startswith("sklearn_erm/") else DOCS).parent / path for path in paths}
    assert {str(path) for path in files if not path.exists()} == set()
    sources = {*MODULES.values(), *(path for path in files if path.suffix == ".py")}
    known = {word for path in sources for word in re.findall(r"\w+", path.read_text(encoding="utf-8"))}
    assert {word for code in codes - paths for word in re.findall(r"\w+", code)} - known == set()


def test_the_page_of_solvers_has_the_table_of_what_auto_picks():
    """To the letter, but for the examples of a problem in brackets, and what an iteration costs."""
    text = inspect.getdoc(method_for)
    width = re.search(r"^=+ +", text, re.MULTILINE).end() - re.search(r"^=", text, re.MULTILINE).start()
    _, heads, rows, _ = re.split(r"^=+ +=+$\n?", text, flags=re.MULTILINE)
    known = [(line[:width].strip(), line[width:].replace("``", "`").strip()) for line in (heads + rows).splitlines()]
    page = (DOCS / "solvers.md").read_text(encoding="utf-8")
    table = page[page.index("| problem | method |") :].split("\n\n")[0].splitlines()
    told = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table if not line.startswith("|--")]
    assert [(re.sub(r" \(.*\)$", "", problem), method) for problem, method, _ in told] == known
    assert len(known) > 5
