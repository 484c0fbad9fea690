"""Links of the pages to ../examples and to CHANGELOG.md lead to the pages made of them.

As they stand in the sources they are right where the repository is browsed.
"""

import re

SCRIPT = re.compile(r"\]\(\.\./examples/(\w+)\.py\)")
NOTEBOOK = re.compile(r"\]\(\.\./examples/(\w+)\.ipynb\)")


def lead_to_pages(app, docname, source):
    """Rewrite the links of a page."""
    text = SCRIPT.sub(r"](auto_examples/\1.rst)", source[0])
    text = NOTEBOOK.sub(r"](notebooks/\1.ipynb)", text)
    text = text.replace("](../examples)", "](auto_examples/index.rst)")
    source[0] = text.replace("](../CHANGELOG.md)", "](changelog.md)")


def setup(app):
    app.connect("source-read", lead_to_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
