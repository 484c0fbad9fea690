"""Draw the pictures of the pages: each file of figures/ has ``draw()``, which yields (name, figure).

They are saved as figures/built/NAME.svg, and again only when the file or the package has changed.
"""

import runpy
import warnings
from pathlib import Path

import matplotlib

SETTINGS = {
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "figure.constrained_layout.use": True,
    "font.size": 11,
    "grid.alpha": 0.25,
    "lines.linewidth": 2,
    "svg.hashsalt": "sklearn_erm",  # the same picture, the same file
}


def draw_pictures(app):
    """Run every file of figures/ and save what it draws."""
    folder = Path(app.srcdir) / "figures"
    built = folder / "built"
    built.mkdir(exist_ok=True)
    for script in sorted(folder.glob("*.py")):
        stamp = built / f"{script.stem}.stamp"
        if stamp.exists() and stamp.stat().st_mtime > script.stat().st_mtime:
            continue
        with matplotlib.rc_context(SETTINGS), warnings.catch_warnings():
            warnings.simplefilter("error")
            for name, figure in runpy.run_path(str(script))["draw"]():
                figure.savefig(built / f"{name}.svg", metadata={"Date": None})
        stamp.touch()


def setup(app):
    app.connect("builder-inited", draw_pictures)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
