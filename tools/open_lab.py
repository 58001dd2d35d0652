"""Open the notebooks in JupyterLab: ``make lab``.

Words on the command line go on to JupyterLab, for instance ``--no-browser``. It runs
with the project's own settings, whatever the user has set for Jupyter, and keeps its
state below ``_build``; only the browser is the user's. It asks no server for news,
updates or extensions. The pairs of ``book`` stay pairs: jupytext saves both files.
"""

import importlib.util
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from surroundings import DISPLAYS, ROOT, clean_environment, prepare

STATE = ROOT / "_build" / "home"
# Where programs keep their settings and state, which else is the user's home.
OWN = {
    "IPYTHONDIR": STATE / ".ipython",
    "JUPYTER_CONFIG_DIR": STATE / ".jupyter",
    "JUPYTER_DATA_DIR": STATE / ".local" / "share" / "jupyter",
    "JUPYTER_RUNTIME_DIR": STATE / ".local" / "share" / "jupyter" / "runtime",
    "JUPYTERLAB_SETTINGS_DIR": STATE / ".jupyter" / "lab" / "user-settings",
    "JUPYTERLAB_WORKSPACES_DIR": STATE / ".jupyter" / "lab" / "workspaces",
    "MPLCONFIGDIR": STATE / ".cache" / "matplotlib",
}
# What it would ask at the first start: whether to fetch news.
NEWS = "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
NO_NEWS = '{"fetchNews": "false"}\n'
OPTIONS = (
    f"--ServerApp.root_dir={ROOT / 'book'}",
    "--LabApp.news_url=None",
    "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    "--LabApp.extension_manager=readonly",
)


def lab_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Make the environment of JupyterLab from the user's.

    Args:
        given: The user's variables.

    Returns:
        Those of the project's runs, with the home, the displays and the folders of
        desktops that the user's browser needs.
    """
    names = [name for name in given if name.startswith("XDG_")]
    of_user = {
        name: given[name] for name in ("HOME", *DISPLAYS, *names) if name in given
    }
    own = {name: str(path) for name, path in OWN.items()}
    return clean_environment(given) | of_user | own


def refuse_news(settings: Path) -> None:
    """Answer for the user what JupyterLab would ask at its first start.

    Args:
        settings: The folder of its settings; an answer that is there stays.
    """
    file = settings / NEWS
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(NO_NEWS, encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Become JupyterLab.

    Args:
        arguments: What to hand on to it.

    Returns:
        The exit status 1, with a message on standard error, where it is not installed;
        else this program ends here.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        print("error: JupyterLab is not installed: run 'make lab'.", file=sys.stderr)
        return 1
    prepare(clean_environment())
    refuse_news(OWN["JUPYTERLAB_SETTINGS_DIR"])
    command = [sys.executable, "-m", "jupyterlab", *OPTIONS, *arguments]
    os.execve(sys.executable, command, lab_environment())


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
