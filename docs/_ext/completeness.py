"""What the site must have, or the build fails.

A page for every public name, a section for every loss, a line for every penalty, every example one click from the front
page, and a page where the HTML representation of an object links to one.
"""

import inspect
from pathlib import Path

from public_api import find, full_names
from sphinx.errors import ExtensionError

from sklearn_erm.losses import LOSSES
from sklearn_erm.penalties import PENALTIES


def names_without_page(app) -> list[str]:
    """Return the public names that no page documents."""
    documented = app.env.domains.python_domain.objects
    return [name for name in full_names() if name not in documented]


def without_heading(app, page: str, names) -> list[str]:
    """Return the names that are no heading of a page."""
    lines = (Path(app.srcdir) / f"{page}.md").read_text(encoding="utf-8").splitlines()
    headings = " ".join(line for line in lines if line.startswith("#"))
    return [name for name in names if f"`{name}`" not in headings]


def without_mention(app, page: str, names) -> list[str]:
    """Return the names that a page does not have."""
    text = (Path(app.srcdir) / f"{page}.md").read_text(encoding="utf-8")
    return [name for name in names if f"`{name}`" not in text]


def dead_links_of_objects(app) -> list[str]:
    """Return the links of HTML representations that lead to no page of the site."""
    classes = [cls for name in full_names() if inspect.isclass(cls := find(name))]
    linked = [cls for cls in classes if getattr(cls, "_doc_link_module", None) == "sklearn_erm"]
    links = [cls._doc_link_template.format(**cls.__new__(cls)._doc_link_url_param_generator()) for cls in linked]
    return [link for link in links if not (Path(app.outdir) / "api" / link.partition("/api/")[2]).is_file()]


def examples_off_the_front_page(app) -> list[str]:
    """Return the examples and notebooks that the front page has no link to."""
    front = (Path(app.srcdir) / "index.md").read_text(encoding="utf-8").splitlines()
    pages = {".py": "auto_examples", ".ipynb": "notebooks"}
    examples = [path for path in (Path(app.srcdir).parent / "examples").iterdir() if path.suffix in pages]
    return [path.name for path in examples if f":link: {pages[path.suffix]}/{path.stem}" not in front]


def check(app, exception):
    """Fail where something is missing."""
    if exception is not None or app.builder.name != "html":
        return
    missing = {
        "public names without a page": names_without_page(app),
        "losses without a section in losses_one_by_one.md": without_heading(app, "losses_one_by_one", LOSSES),
        "penalties that penalties.md does not have": without_mention(app, "penalties", filter(None, PENALTIES)),
        "examples without a link on the front page": examples_off_the_front_page(app),
        "links of objects without a page": dead_links_of_objects(app),
    }
    if any(missing.values()):
        raise ExtensionError("\n".join(f"{what}: {', '.join(names)}" for what, names in missing.items() if names))


def setup(app):
    app.connect("build-finished", check)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
