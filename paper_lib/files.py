"""Files that are written whole or not at all, and read without pickle."""

import hashlib
import os
import stat
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import numpy as np
from safetensors import safe_open
from safetensors.numpy import save_file

#: A path as text or as an object.
AnyPath = str | os.PathLike[str]
#: The name of a format, and of the words in a file of it.
Form = tuple[str, str]


@contextmanager
def replacing(path: AnyPath) -> Iterator[Path]:
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

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     with replacing(Path(folder) / "a.txt") as part:
        ...         _ = part.write_text("whole")
        ...     [file.name for file in Path(folder).iterdir()]
        ['a.txt']
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


def save_tensors(
    path: AnyPath, tensors: Mapping[str, Any], words: str, form: Form
) -> None:
    """Write arrays and a few words as safetensors, whole or not at all.

    Args:
        path: The file to write or replace; its folder must exist.
        tensors: Arrays of NumPy, or torch's on the CPU, under their names.
        words: What the arrays mean.
        form: The format.

    Example:
        >>> form = ("a table", "its unit")
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_tensors(Path(folder) / "a.st", {"x": np.ones(2)}, "meters", form)
        ...     load_tensors(Path(folder) / "a.st", "a table", form, "np")
        ('meters', {'x': array([1., 1.])})
    """
    name, key = form
    metadata = {"format": name, key: words, "sha256": _checksum(tensors, words)}
    arrays = {name: np.asarray(value) for name, value in tensors.items()}
    with replacing(path) as part:
        save_file(arrays, part, metadata=metadata)


def load_tensors(
    path: AnyPath, what: str, form: Form, framework: Literal["np", "pt"]
) -> tuple[str, dict[str, Any]]:
    """Read a file written by :func:`save_tensors`; no code in it is run.

    Args:
        path: The file.
        what: What it should hold, for the message.
        form: The format that it must name.
        framework: Whose arrays were saved, and come back: NumPy's or torch's.

    Returns:
        The words, and the arrays under their names.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is no safetensors file, of another format, or altered.

    Example:
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "a.st"
        ...     save_tensors(path, {"x": np.ones(2)}, "meters", ("a table", "unit"))
        ...     words, arrays = load_tensors(path, "a table", ("a table", "unit"), "np")
        >>> words, arrays["x"].dtype
        ('meters', dtype('float64'))
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must name {what}, got {path}.")
    try:
        with safe_open(path, framework=framework) as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}
    except Exception as error:
        raise ValueError(
            f"{path} is not a readable safetensors file: {error}"
        ) from error
    if (named := metadata.get("format")) != form[0]:
        raise ValueError(f"{path} must hold format {form[0]!r}, got {named!r}.")
    words = metadata.get(form[1], "")
    expected, found = metadata.get("sha256"), _checksum(tensors, words)
    if found != expected:
        raise ValueError(
            f"{path} is altered: its content must have sha256 {expected}, got {found}."
        )
    return words, tensors


def _checksum(tensors: Mapping[str, Any], words: str) -> str:
    """Hash the words, and names, kinds, shapes and values of all arrays."""
    digest = hashlib.sha256(words.encode())
    for name, value in sorted(tensors.items()):
        digest.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        digest.update(np.asarray(value).tobytes())
    return digest.hexdigest()
