"""Docstrings against what they speak of: the registries of losses and penalties, the signatures."""

import importlib
import inspect
import itertools
import pkgutil
import re
from pathlib import Path

import pytest

import sklearn_erm
from sklearn_erm import ERMClassifier, ERMClassifierCV, ERMRegressor, ERMRegressorCV, erm_path
from sklearn_erm.losses import LOSSES, Loss, ScalarLoss
from sklearn_erm.penalties import PENALTIES, Penalty

FITS = [ERMClassifier, ERMRegressor, ERMClassifierCV, ERMRegressorCV, erm_path]
ITEM = re.compile(r"(\**\w+(, \**\w+)*)( : .+)?")


def public():
    """Every public class and function, and their public methods, by name."""
    packages = [name for _, name, is_package in pkgutil.iter_modules(sklearn_erm.__path__) if is_package]
    modules = [sklearn_erm, *(importlib.import_module(f"sklearn_erm.{name}") for name in packages)]
    things = {name: getattr(module, name) for module in modules for name in getattr(module, "__all__", [])}
    for name, thing in list(things.items()):
        if inspect.isclass(thing):
            methods = {f"{name}.{key}": getattr(thing, key) for key in vars(thing) if not key.startswith("_")}
            things |= {key: value for key, value in methods.items() if callable(value)}
    written = {name: thing for name, thing in things.items() if callable(thing) and inspect.getdoc(thing)}
    return {name: thing for name, thing in written.items() if "sklearn_erm" in thing.__module__}


PUBLIC = public()


def section(thing, title):
    """The items of a section: names, type or None, whether there is a description."""
    lines = (inspect.getdoc(thing) or "").splitlines()
    if title not in lines:
        return []
    rest = lines[lines.index(title) + 2 :]
    heads = [i for i, line in enumerate(rest) if set(line) == {"-"}]
    body = [line for line in rest[: heads[0] - 1 if heads else None] if line]
    found = []
    for line, below in itertools.pairwise([*body, ""]):
        if not line.startswith(" "):
            item = ITEM.fullmatch(line)
            assert item, line
            found.append((item[1].replace("*", "").split(", "), item[3], below.startswith(" "), "*" in line))
    return found


@pytest.mark.parametrize("name", PUBLIC)
def test_parameters_are_those_of_the_signature(name):
    """In its order, each with its type and a description."""
    items = section(PUBLIC[name], "Parameters")
    documented = [each for names, *_ in items for each in names]
    taken = [each for each in inspect.signature(PUBLIC[name]).parameters if each not in ("self", "cls")]
    assert not items or documented == taken
    assert [names for names, kind, *_, starred in items if not (kind or starred)] == []
    assert [names for names, _, described, _ in items if not described] == []


def test_attributes_and_answers_are_described():
    """An answer may have a type alone, which then stands for its name."""
    for name, thing in PUBLIC.items():
        items = section(thing, "Attributes") + section(thing, "Returns")
        assert [names for names, _, described, _ in items if not described] == [], name
        assert [names for names, kind, *_ in section(thing, "Attributes") if not kind] == [], name


@pytest.mark.parametrize("function", FITS, ids=lambda f: f.__name__)
def test_docstrings_list_all_names(function):
    said = inspect.getdoc(function)
    targets = getattr(function, "_targets", {"real", "sign", "class"})
    wanted = [name for name, loss in LOSSES.items() if loss.target in targets] + [name for name in PENALTIES if name]
    assert [name for name in wanted if f'``"{name}"``' not in said] == []


@pytest.mark.parametrize("function", FITS, ids=lambda f: f.__name__)
def test_docstrings_say_what_the_gap_is_relative_to(function):
    assert "thousandth" in inspect.getdoc(function)


@pytest.mark.parametrize("registry", [LOSSES, PENALTIES], ids=["losses", "penalties"])
def test_docstrings_of_classes_begin_with_their_name(registry):
    summaries = {name: inspect.getdoc(cls).splitlines()[0] for name, cls in registry.items() if name}
    assert {name for name, summary in summaries.items() if f'``"{name}"``' not in summary} == set()


def contract():
    """The methods that the guide tells authors of losses and penalties to write, and those of one variable."""
    guide = (Path(__file__).parents[1] / "docs" / "your_own.md").read_text()
    cells = " ".join(row.split("|")[1] for row in guide.splitlines() if row.startswith("|"))
    phi = {"affine", *(name for name in vars(ScalarLoss) if re.fullmatch(r"phi|phi_(?!domain).*", name))}
    names = {Loss: set(re.findall(r"`(\w+)`", cells)), Penalty: set(re.findall(r"`(\w+)`", cells)), ScalarLoss: phi}
    return [(cls, name) for cls in names for name in sorted(names[cls]) if inspect.isfunction(getattr(cls, name, None))]


@pytest.mark.parametrize("cls, name", contract(), ids=lambda each: getattr(each, "__name__", each))
def test_the_contract_of_losses_and_penalties_says_what_methods_take_and_return(cls, name):
    """Classes that answer it inherit this, or say what is their own."""
    method = getattr(cls, name)
    taken, returned = section(method, "Parameters"), section(method, "Returns")
    assert [each for names, *_ in taken for each in names] == list(inspect.signature(method).parameters)[1:]
    assert returned
    assert all(kind and described for _, kind, described, _ in taken + returned)
    for each in {*LOSSES.values(), *PENALTIES.values()}:
        if issubclass(each, cls):
            own = vars(each).get(name)
            assert not (own and own.__doc__) or inspect.getdoc(own) != inspect.getdoc(method)
