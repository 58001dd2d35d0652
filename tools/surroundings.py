"""What surrounds a run: this project's own settings, whatever the user has set.

The kernels of the notebooks, the build and the tests start in the environment given
here. What configures Python, IPython, Jupyter or matplotlib from outside does not reach
them, so they write the same bytes everywhere; and what they keep between runs (caches
of fonts, histories, connections) goes below ``_build``, never into the user's home.
"""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# A variable whose name begins so changes what is run or what it draws.
FOREIGN = ("PYTHON", "IPYTHON", "JUPYTER", "MPL", "MATPLOTLIB", "TQDM_", "XDG_")
DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY")  # without one matplotlib opens no window
HARMLESS = ("PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")
# Torch spins on busy cores.
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
# Where kernels look for their settings below the home: figures of twice the resolution.
SETTINGS = ".ipython/profile_default/ipython_kernel_config.py"
RETINA = 'c.InlineBackend.figure_formats = {"retina"}\n'


def clean_environment(given: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Make the environment of a run from the user's.

    Args:
        given: The user's variables; given its own result, it returns the same.

    Returns:
        The variables without those that configure Python, IPython, Jupyter or
        matplotlib, one numerical thread, and a home below ``_build``. The folders
        that hold data sets are still the user's.
    """
    kept = {
        name: value
        for name, value in given.items()
        if name in HARMLESS or not (name.startswith(FOREIGN) or name in DISPLAYS)
    }
    cache = given.get("XDG_CACHE_HOME") or "~/.cache"
    torch_home = given.get("TORCH_HOME") or os.path.join(cache, "torch")
    kept["TORCH_HOME"] = _in_users_home(torch_home, given)
    if given.get("PAPER_LIB_DATA"):
        # Notebooks run in book/, where a relative path would lead elsewhere.
        data = _in_users_home(given["PAPER_LIB_DATA"], given)
        kept["PAPER_LIB_DATA"] = os.path.abspath(data)
    return kept | {
        "HOME": str(ROOT / "_build" / "home"),
        "JUPYTER_PREFER_ENV_PATH": "1",  # even where another user owns the environment
        "MATPLOTLIBRC": str(ROOT / "book" / "matplotlibrc"),
        **dict.fromkeys(THREADS, "1"),
    }


def _in_users_home(path: str, given: Mapping[str, str]) -> str:
    """Resolve a leading ``~`` by the user's variables."""
    home = given.get("HOME") or os.path.expanduser("~")
    return home + path[1:] if path == "~" or path.startswith("~/") else path


def prepare(environment: Mapping[str, str]) -> None:
    """Make the home of the runs, with the kernels' settings and matplotlib's fonts.

    Matplotlib makes its list of fonts when it is first used, and on a slow machine says
    so, in the output of some cell.

    Args:
        environment: What `clean_environment` returned.
    """
    home = Path(environment["HOME"])
    settings = home / SETTINGS
    settings.parent.mkdir(parents=True, exist_ok=True)
    if not settings.is_file() or settings.read_text("utf-8") != RETINA:
        written = settings.with_name(f"{os.getpid()}.part")  # others read it meanwhile
        written.write_text(RETINA, encoding="utf-8")
        written.replace(settings)
    if not list(home.rglob("fontlist-*.json")):
        listing = [sys.executable, "-c", "import matplotlib.font_manager"]
        subprocess.run(listing, env=environment, check=False, stderr=subprocess.DEVNULL)


def enter() -> None:
    """Take these surroundings for this process and all that it starts."""
    environment = clean_environment()
    prepare(environment)
    os.environ.clear()
    os.environ.update(environment)
