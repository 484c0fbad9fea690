"""Draw who imports whom in the package, as the picture of architecture.md: python docs/draw_architecture.py.

A box is a folder, or a file at the top. It has the name, the number of files, and the first sentence of the docstring.
It stands one row above the highest box that it imports from. So every arrow points down, and a cycle has no picture. An
arrow is left out where others lead the same way.
"""

import ast
import textwrap
from html import escape
from pathlib import Path

import sklearn_erm

PACKAGE = Path(sklearn_erm.__file__).parent
PICTURE = Path(__file__).parent / "_static" / "architecture.svg"

PUBLIC_NAMES = {"__init__", "bayes"}  # modules that define nothing: no boxes
# Where a box stands from left to right; placed by hand, so that no arrow runs behind a box.
COLUMNS = {
    "displays": 0.5,
    "inference": 1.5,
    "estimators": 1,
    "leave_out": 1,
    "solve": 1,
    "exact": 1,
    "problem": 1,
    "samples": 0,
    "testing": 2,
    "losses": 1,
    "penalties": 2,
    "solvers": 0,
    "checks": 1.5,
}
WIDTH, HEIGHT = 220, 96  # of a box
ACROSS, DOWN = 290, 140  # from one box to the next
PORT = 20  # pixels that an arrow keeps from the corners of a box
LETTERS, LINES = 30, 4  # in a line of a box, and of these
SVG = """\
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}"
  role="img" aria-label="who imports whom" font-family="sans-serif" font-size="12">
<defs><marker id="head" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="8" markerHeight="8" orient="auto">
  <path d="M0 1L10 5L0 9z" fill="#4d5d6c"/></marker></defs>
<rect width="100%" height="100%" fill="#fff"/>
{body}
</svg>
"""
ARROW = '<line x1="{:g}" y1="{:g}" x2="{:g}" y2="{:g}" stroke="#4d5d6c" stroke-width="1.5" marker-end="url(#head)"/>'
BOX = '<rect x="{:g}" y="{:g}" width="{:g}" height="{:g}" rx="6" fill="#eef4fa" stroke="#0072B2"/>'
TEXT = '<text x="{:g}" y="{:g}" text-anchor="middle">{}</text>'


def files_of(package):
    """Return the files of every box."""
    files = {}
    for path in sorted(package.rglob("*.py")):
        files.setdefault(path.relative_to(package).with_suffix("").parts[0], []).append(path)
    return {name: paths for name, paths in files.items() if name not in PUBLIC_NAMES}


def imports_of(files):
    """Return the boxes that every box imports from."""
    found = {name: set() for name in files}
    for name, paths in files.items():
        for path in paths:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ImportFrom) and node.module.startswith("sklearn_erm."):
                    found[name].add(node.module.split(".")[1])
        found[name].discard(name)
    return found


def below(name, imports):
    """Return all that a box stands on, be it by way of others."""
    return imports[name].union(*(below(other, imports) for other in imports[name]))


def height_of(name, imports):
    """Return how many rows stand below a box."""
    return max((1 + height_of(other, imports) for other in imports[name]), default=0)


def arrows_of(imports):
    """Return the arrows that no others replace."""
    for name, direct in imports.items():
        replaced = set().union(*(below(other, imports) for other in direct))
        yield from ((name, other) for other in sorted(direct - replaced))


def sentence_of(paths):
    """Return the first sentence of the docstring of a folder, or of a file."""
    first = ast.get_docstring(ast.parse(paths[0].read_text(encoding="utf-8"))).splitlines()[0]
    return first.partition(". ")[0].rstrip(".").replace("`", "")


def draw_arrow(upper, lower):
    """Draw an arrow from the lower edge of one box to the upper edge of another, as steep as it can be."""
    reach = WIDTH / 2 - PORT
    start, end = (
        min(max(there[0], here[0] - reach), here[0] + reach) for here, there in ((upper, lower), (lower, upper))
    )
    return ARROW.format(start, upper[1] + HEIGHT, end, lower[1])


def draw_box(place, name, paths):
    """Draw a box around its words."""
    x, y = place
    count = f"{len(paths)} file{'s' if len(paths) > 1 else ''}"
    lines = [f"<tspan font-weight='bold'>{name}</tspan> · {count}"]
    lines += [escape(line) for line in textwrap.wrap(sentence_of(paths), LETTERS, max_lines=LINES)]
    words = [TEXT.format(x, y + 20 + 17 * i, line) for i, line in enumerate(lines)]
    return "\n".join([BOX.format(x - WIDTH / 2, y, WIDTH, HEIGHT), *words])


def draw(package=PACKAGE):
    """Return the picture of a package."""
    files = files_of(package)
    imports = imports_of(files)
    rows = {name: height_of(name, imports) for name in files}
    top, margin = max(rows.values()), (DOWN - HEIGHT) / 2
    places = {name: (ACROSS * (COLUMNS[name] + 0.5), DOWN * (top - row) + margin) for name, row in sorted(rows.items())}
    body = [draw_arrow(places[upper], places[lower]) for upper, lower in sorted(arrows_of(imports))]
    body += [draw_box(place, name, files[name]) for name, place in places.items()]
    return SVG.format(width=ACROSS * (max(COLUMNS.values()) + 1), height=DOWN * (top + 1), body="\n".join(body))


if __name__ == "__main__":
    PICTURE.write_text(draw(), encoding="utf-8")
