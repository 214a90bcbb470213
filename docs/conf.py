"""Configuration of the documentation."""

from importlib.metadata import version as version_of

project = "sklearn_mtl"
author = "the sklearn_mtl developers"
copyright = f"2026, {author}"
release = version = version_of("sklearn_mtl")

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "matplotlib.sphinxext.plot_directive",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["_templates"]
exclude_patterns = ["_build", "auto_examples/*.ipynb"]
default_role = "literal"
add_module_names = False

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False  # the class template lists them
numpydoc_use_plots = False

plot_formats = ["png"]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_include_source = True

sphinx_gallery_conf = {
    "examples_dirs": "../examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",  # quickstart.py is shown, not run: it takes minutes
    "ignore_pattern": r"/_",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "remove_config_comments": True,
    "abort_on_example_error": True,
}

html_theme = "pydata_sphinx_theme"
html_title = f"sklearn_mtl {version}"
html_show_sourcelink = False
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_sidebars = {
    page: [] for page in ("install", "walkthrough", "user_guide", "design", "glossary")
}  # they have no pages below
toc_object_entries_show_parents = "hide"
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
}
