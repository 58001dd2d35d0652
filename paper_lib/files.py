"""Files that are written whole or not at all, and read without pickle."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

from safetensors import safe_open


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file elsewhere first, and put it in place once it is complete.

    Whoever reads ``path`` meanwhile finds the old file. Where writing fails the old
    file stays, and nothing else does. Who may read the new one is what the umask says,
    whatever wrote it.

    Args:
        path: The file to write or replace; its folder must exist.

    Yields:
        The file to write instead, which does not exist yet.

    Raises:
        FileNotFoundError: If there is no such folder.
    """
    target = Path(path)
    if not target.parent.is_dir():
        raise FileNotFoundError(f"path must lie in a folder that exists, got {path}.")
    # Beside the target: across file systems a move is a copy, and may end halfway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as folder:
        part = Path(folder) / target.name
        # Reading the umask would set it for the other threads, so a file is asked.
        part.touch()
        mode = stat.S_IMODE(part.stat().st_mode)
        part.unlink()
        yield part
        if stat.S_IMODE(part.stat().st_mode) != mode:
            part.chmod(mode)
        os.replace(part, target)


def read_tensors(
    path: str | os.PathLike[str], *, form: str, framework: Literal["np", "pt"]
) -> tuple[dict[str, str], dict[str, Any]]:
    """Read a safetensors file of one format.

    Args:
        path: The file.
        form: The format that its metadata must name.
        framework: What its arrays become: NumPy's or torch's.

    Returns:
        The metadata, and the arrays under their names.

    Raises:
        ValueError: If it is no safetensors file, or of another format.
    """
    try:
        with safe_open(path, framework=framework) as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:
        raise ValueError(
            f"{path} is not a readable safetensors file: {error}"
        ) from error
    if (found := metadata.get("format")) != form:
        raise ValueError(f"{path} must hold format {form!r}, got {found!r}.")
    return metadata, arrays
