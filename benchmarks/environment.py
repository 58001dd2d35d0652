"""An environment for the peers, beside the project's and sharing its torch.

torchattacks asks for a requests of years ago, so the peers stay out of the project's
environment. A second torch would cost gigabytes and be another thing to differ: the
peers' environment has the pinned packages of ``peers.txt`` and finds all else, torch
and numpy first of all, in the environment that runs this script.
"""

import hashlib
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parent.parent
_FOLDER = ROOT / ".cache" / "peers"
_REQUIREMENTS = ROOT / "benchmarks" / "peers.txt"
_NUM_PEERS = 3


class PeersError(Exception):
    """The peers cannot be installed; the message says why."""


def peers_python() -> Path:
    """Find the interpreter of the peers' environment, which is made if need be.

    Returns:
        The interpreter. An environment that was left half made, or made from other
        pins, is made anew.

    Raises:
        PeersError: If pip fails.
    """
    stamp, key = _FOLDER / "complete", _key()
    python = _FOLDER / ("Scripts" if sys.platform == "win32" else "bin") / "python"
    if not (stamp.is_file() and stamp.read_text() == key):
        print("installing the peers ...", file=sys.stderr, flush=True)
        venv.create(_FOLDER, clear=True, with_pip=True)
        _share_packages(python)
        _install(python)
        stamp.write_text(key)
    return python


def peer_versions() -> list[str]:
    """Name the peers and their versions, the first pins of ``peers.txt``."""
    lines = _REQUIREMENTS.read_text().splitlines()
    pins = [line for line in lines if "==" in line]
    return [pin.replace("==", " ") for pin in pins[:_NUM_PEERS]]


def _key() -> str:
    """Identify what the environment is made from."""
    parts = (
        _REQUIREMENTS.read_text(),
        sys.version,
        torch.__version__,
        sysconfig.get_path("purelib"),
    )
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _share_packages(python: Path) -> None:
    """Let the environment find this one's packages after its own."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    own = subprocess.check_output([python, "-c", where], text=True).strip()
    shared = sysconfig.get_path("purelib")
    (Path(own) / "project.pth").write_text(f"{shared}\n")


def _install(python: Path) -> None:
    """Install the pins, and nothing that they do not name.

    Raises:
        PeersError: If pip fails.
    """
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    done = subprocess.run(
        [*pip, "--no-deps", "--requirement", _REQUIREMENTS],
        capture_output=True,
        text=True,
    )
    if done.returncode != 0:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise PeersError(
            f"pip could not install benchmarks/peers.txt:\n{last}\n"
            "Run with --no-peers to compare with plain torch alone."
        )
