"""The API reference, written from ``__all__`` of the package and its subpackages.

A new public name, or a new subpackage with public names, appears by itself.
"""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path

import sklearn_erm

SHAPE_NAME = re.compile(r"(shape \([^)]*?\w)_(?=[,)])")
WRAPPERS = (property, classmethod, staticmethod)
INDEX = """\
API reference
=============

All public names, by module.

.. toctree::
   :maxdepth: 1

{modules}
"""
PAGE = """\
{title}
{underline}

.. automodule:: {module}
   :no-members:

.. autosummary::
   :toctree: generated/
   :nosignatures:

{names}
"""


def public_names() -> dict[str, list[str]]:
    """Return the public names of each module that has any; a name of the package itself is listed there only."""
    subpackages = [module.name for module in pkgutil.iter_modules(sklearn_erm.__path__) if module.ispkg]
    packages = ["sklearn_erm", *(f"sklearn_erm.{name}" for name in subpackages)]
    found: dict[str, list[str]] = {}
    seen: set[int] = set()
    for package in packages:
        module = importlib.import_module(package)
        names = [name for name in getattr(module, "__all__", []) if not name.startswith("__")]
        names = [name for name in names if id(getattr(module, name)) not in seen]
        seen |= {id(getattr(module, name)) for name in names}
        if names:
            found[package] = sorted(names, key=lambda name: (not name[0].isupper(), name.lower()))
    return found


def full_names() -> list[str]:
    """Return all public names with their modules."""
    return [f"{module}.{name}" for module, names in public_names().items() for name in names]


def find(full_name: str):
    """Return the object of a public name."""
    module, name = full_name.rsplit(".", 1)
    return getattr(importlib.import_module(module), name)


def file_names() -> dict[str, str]:
    """Return other names for pages that differ from another by case alone, which not every file system tells apart."""
    names = full_names()
    folded = [name.lower() for name in names]
    twins = [name for name in names if folded.count(name.lower()) > 1]
    return {name: f"{name}-function" for name in twins if inspect.isfunction(find(name))}


def methods_of(full_name: str) -> dict[str, list[str]]:
    """Return the methods of a class: ours are written in the package, theirs come from scikit-learn.

    What a public base has is on the page of that, unless the class has another docstring for it.
    """
    cls = find(full_name)
    classes = {find(name): name for name in full_names() if inspect.isclass(find(name))}
    bases = [base for base in cls.__mro__[1:] if base in classes]
    here: dict[str, list[str]] = {"bases": [classes[base] for base in bases[:1]], "ours": [], "theirs": []}
    for name, member in inspect.getmembers_static(cls):
        is_method = callable(member) or hasattr(type(member), "__get__")
        home = next(base for base in cls.__mro__ if name in vars(base))
        on_base = any(issubclass(base, home) or (hasattr(base, name) and not member.__doc__) for base in bases)
        if name.startswith("_") or not is_method or on_base:
            continue
        # available_if keeps the function as fn; requests of metadata are put on a class by scikit-learn
        written = inspect.isfunction(getattr(member, "fn", member)) or isinstance(member, WRAPPERS)
        if written and home.__module__.startswith("sklearn_erm"):
            here["ours"].append(name)
        elif "sklearn" in (home.__module__.split(".")[0], type(member).__module__.split(".")[0]):
            here["theirs"].append(name)
    return here


def entries_of(full_name: str) -> dict[str, str]:
    """Return the keys of a public dictionary and the full names of the classes that they stand for."""
    names = {id(find(name)): name for name in full_names()}
    value = find(full_name)
    return {repr(key): names[id(cls)] for key, cls in value.items()} if isinstance(value, dict) else {}


def write(page: Path, text: str) -> None:
    """Write a page if it is not so already: Sphinx reads again what is newer."""
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def write_pages(app, config):
    """Write api/index.rst and a page for every module, of which autosummary makes the pages of the names."""
    folder = Path(app.srcdir) / "api"
    folder.mkdir(exist_ok=True)
    found = public_names()
    write(folder / "index.rst", INDEX.format(modules="\n".join(f"   {module}" for module in found)))
    for module, names in found.items():
        listed = "\n".join(f"   {name}" for name in names)
        underline = "=" * len(module)
        write(folder / f"{module}.rst", PAGE.format(title=module, underline=underline, module=module, names=listed))
    config.autosummary_filename_map = file_names()
    classes = [name for name in full_names() if inspect.isclass(find(name))]
    config.autosummary_context = {
        "methods_of": {name: methods_of(name) for name in classes},
        "entries_of": {name: entries_of(name) for name in full_names()},
    }


def escape_underscores(app, what, name, obj, options, lines):
    """Escape the ends of names such as ``n_features_in_`` in shapes, which would be links."""
    lines[:] = [SHAPE_NAME.sub(r"\1\\_", line) for line in lines]


def setup(app):
    app.connect("config-inited", write_pages)
    app.connect("autodoc-process-docstring", escape_underscores, priority=100)  # before numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
