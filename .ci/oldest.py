"""Print the oldest versions that a pyproject.toml admits, as pins for pip: python oldest.py pyproject.toml."""

import re
import sys
import tomllib
from pathlib import Path


def pin(requirement: str) -> str:
    """Turn "name>=version" into "name==version"."""
    found = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement)
    if found is None:
        raise SystemExit(f"dependency {requirement!r} has no lower bound to test: write it as name>=version")
    return "{}=={}".format(*found.groups())


if __name__ == "__main__":
    project = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))["project"]
    print(*map(pin, project["dependencies"]), sep="\n")
