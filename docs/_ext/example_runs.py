"""How sphinx-gallery runs the examples: warnings are errors, and in quick form where QUICK_EXAMPLES is set."""

import os
import tempfile
import warnings
from pathlib import Path

_outside: list = []


def arguments(gallery_conf: dict, script_vars: dict) -> list[str]:
    """Return the command line of an example."""
    script = Path(script_vars["src_file"]).read_text(encoding="utf-8")
    output = ["--output", tempfile.mkdtemp()] if '"--output"' in script else []
    return [*output, "--quick"] if '"--quick"' in script and os.environ.get("QUICK_EXAMPLES") else output


def reset_warnings(gallery_conf: dict, fname: str, when: str) -> None:
    """Make warnings errors before an example, and as they were after it."""
    if when == "before":
        _outside[:] = warnings.filters
        warnings.simplefilter("error")
        # plt.show() has nothing to show on in a build
        warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    else:
        warnings.filters[:] = _outside


class FrontPageOrder:
    """The order in which the front page has the examples: a key for sphinx-gallery to sort by."""

    def __init__(self, src_dir: str):
        self.front = (Path(__file__).parents[1] / "index.md").read_text(encoding="utf-8")

    def __call__(self, filename: str) -> int:
        place = self.front.find(f"auto_examples/{Path(filename).stem}")
        return place if place >= 0 else len(self.front)
