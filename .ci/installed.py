"""Check that sklearn_erm is imported as it was installed, whole: python installed.py SOURCE_TREE."""

import sys
from importlib.metadata import version
from pathlib import Path

import sklearn_erm

package = Path(sklearn_erm.__file__).resolve().parent
tree = Path(sys.argv[1]).resolve()


def python_files(folder: Path) -> set[str]:
    """Return the modules below a folder, relative to it."""
    return {str(file.relative_to(folder)) for file in folder.rglob("*.py")}


if package.is_relative_to(tree):
    raise SystemExit(f"{package} is the source tree, not the installed package")
if missing := python_files(tree / "sklearn_erm") - python_files(package):
    raise SystemExit(f"not installed: {sorted(missing)}")
if not (package / "py.typed").is_file():
    raise SystemExit("py.typed is not installed")
if version("sklearn-erm") != sklearn_erm.__version__:
    raise SystemExit(f"installed as {version('sklearn-erm')}, but __version__ is {sklearn_erm.__version__}")
print(f"sklearn_erm {sklearn_erm.__version__} in {package}")
