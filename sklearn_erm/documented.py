"""Where the documentation of a class is, for the link in its HTML representation."""

from __future__ import annotations


class Documented:
    """A class whose HTML representation links to its page in the documentation; a user's own subclass has none."""

    _doc_link_module = "sklearn_erm"
    _doc_link_template = "https://sklearn-erm.readthedocs.io/en/latest/api/generated/{page}.html"

    def _doc_link_url_param_generator(self) -> dict[str, str]:
        package = type(self).__module__.split(".")[1]
        inside = [] if package == "estimators" else [package]
        return {"page": ".".join(["sklearn_erm", *inside, type(self).__name__])}
