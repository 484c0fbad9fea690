"""Settings of the documentation: python -m sphinx -W --keep-going -b html docs BUILD_DIR.

Nothing is fetched at build time. Two switches, by environment variable:

    QUICK_EXAMPLES=1   the examples run in their quick form, as in .ci/run
    INTERSPHINX=1      links into the documentation of NumPy, SciPy, ...; needs the network
"""

import os
import sys
from pathlib import Path

import sklearn_erm

sys.path.insert(0, str(Path(__file__).parent / "_ext"))
os.environ.pop("MPLBACKEND", None)  # the kernel of the notebook chooses: pictures in the page

# -- the project ----------------------------------------------------------------------------------------------------

project = "sklearn_erm"
author = "the sklearn_erm developers"
copyright = author
version = release = sklearn_erm.__version__

# -- sources --------------------------------------------------------------------------------------------------------

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    # ours, in _ext
    "completeness",
    "example_links",
    "notebooks",
    "pictures",
    "public_api",
]
templates_path = ["_templates"]
# The downloads that sphinx-gallery makes of each script are no pages.
exclude_patterns = ["_build", "auto_examples/*.ipynb", "figures"]

if os.environ.get("INTERSPHINX"):
    extensions.append("sphinx.ext.intersphinx")
intersphinx_mapping = {
    "matplotlib": ("https://matplotlib.org/stable", None),
    "numpy": ("https://numpy.org/doc/stable", None),
    "python": ("https://docs.python.org/3", None),
    "scipy": ("https://docs.scipy.org/doc/scipy", None),
    "sklearn": ("https://scikit-learn.org/stable", None),
}

# -- Markdown and the notebook ----------------------------------------------------------------------------------------

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_merge_streams = True
nb_output_stderr = "warn"  # a warning in a notebook is a warning of the build

# -- API reference: api/ is written by _ext/public_api.py -------------------------------------------------------------

toc_object_entries_show_parents = "hide"
autodoc_typehints = "none"  # numpydoc's sections say them
autosummary_generate = True
numpydoc_show_class_members = False

# -- examples -------------------------------------------------------------------------------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"\.py$",
    "within_subsection_order": "example_runs.FrontPageOrder",
    "reset_modules": ("matplotlib", "example_runs.reset_warnings"),
    "reset_modules_order": "both",
    "reset_argv": "example_runs.arguments",
    "backreferences_dir": "api/examples",
    "doc_module": ("sklearn_erm",),
    "reference_url": {"sklearn_erm": None},
    "inspect_global_variables": False,
    "image_srcset": ["2x"],
    "download_all_examples": False,
    "show_signature": False,
    "write_computation_times": False,
}

# -- HTML -----------------------------------------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = "sklearn_erm"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_copy_source = False
html_logo = html_favicon = "_static/logo.svg"
html_theme_options = {
    "logo": {"text": "sklearn_erm", "alt_text": "sklearn_erm"},
    "navbar_align": "left",
    "navigation_with_keys": False,
    "show_toc_level": 2,
    "footer_start": ["copyright"],
    "footer_end": ["sphinx-version"],
}
# no sidebar where there is nothing below a page
html_sidebars = {name: [] for name in ("index", "installation", "quick_start", "changelog")}
copybutton_exclude = ".linenos, .gp, .go"
