"""Files that are written whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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
    """
    target = Path(path)
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
