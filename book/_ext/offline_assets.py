"""Sphinx extension: everything a page loads comes with the book.

The installed package ``sphinx-mathjax-offline`` carries all of MathJax, 24 MB. The
pages load the components for TeX input, HTML output and screen readers, each by itself,
without the menu and the reader of MathML, which are a third of the file that holds them
all. The fonts and the TeX extensions are there for the formulas that ask for them.

The theme's helper for live code cells, sphinx-thebe, adds its script to every page,
twice, so that the second copy fails with an error, and names a network address. The
book has no server behind it, so the helper is switched off.
"""

import importlib.util
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.config import Config

MATHJAX_SCRIPT = "startup.js"
MATHJAX_COMPONENTS = ("input/tex", "output/chtml", "a11y/assistive-mml")
MATHJAX_PARTS = (
    MATHJAX_SCRIPT,
    "core.js",
    *(f"{component}.js" for component in MATHJAX_COMPONENTS),
    "output/chtml/fonts/tex.js",
    "output/chtml/fonts/woff-v2",
    "input/tex/extensions",
)
# All extensions in one file, which none of these components loads.
MATHJAX_LEFT_OUT = shutil.ignore_patterns("all-packages.js")
THEBE_MODULE = "sphinx_thebe"
THEBE_EVENTS = ("env-before-read-docs", "doctree-resolved")


def mathjax_folder() -> Path:
    """Find the installed copy of MathJax.

    Returns:
        The folder that holds MathJax's components.

    Raises:
        ModuleNotFoundError: If ``sphinx-mathjax-offline`` is not installed.
    """
    spec = importlib.util.find_spec("sphinx-mathjax-offline")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "the book needs the package sphinx-mathjax-offline; "
            "install the project with its 'book' extra."
        )
    return Path(spec.origin).parent / "static" / "mathjax"


def copy_mathjax(source: Path, target: Path) -> None:
    """Copy the parts of MathJax that the pages can ask for.

    Args:
        source: The folder that `mathjax_folder` returns.
        target: The folder to fill.
    """
    for part in MATHJAX_PARTS:
        (target / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(
                source / part,
                target / part,
                ignore=MATHJAX_LEFT_OUT,
                dirs_exist_ok=True,
            )
        else:
            shutil.copyfile(source / part, target / part)


def _add_mathjax(app: Sphinx, exception: Exception | None) -> None:
    """Put MathJax beside the pages once they are written.

    Args:
        app: The running build.
        exception: What ended the build early, or None.
    """
    if exception is None and app.builder.format == "html":
        copy_mathjax(mathjax_folder(), Path(app.outdir) / "_static" / "mathjax")


def _choose_components(app: Sphinx, config: Config) -> None:
    """Tell MathJax what to load.

    Args:
        app: The running build.
        config: Its configuration.
    """
    options = config.mathjax3_config or {}
    config.mathjax3_config = options | {"loader": {"load": list(MATHJAX_COMPONENTS)}}


def _switch_thebe_off(app: Sphinx, config: Config) -> None:
    """Remove what sphinx-thebe would do to the pages.

    Args:
        app: The running build.
        config: Its configuration, which this step leaves alone.
    """
    for event in THEBE_EVENTS:
        for listener in list(app.events.listeners[event]):
            if listener.handler.__module__ == THEBE_MODULE:
                app.disconnect(listener.id)


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension.

    Args:
        app: The running build.

    Returns:
        What Sphinx may do in parallel.
    """
    app.config.mathjax_path = f"mathjax/{MATHJAX_SCRIPT}"
    app.connect("config-inited", _choose_components)
    app.connect("config-inited", _switch_thebe_off)
    app.connect("build-finished", _add_mathjax)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
