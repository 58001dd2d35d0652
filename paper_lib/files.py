"""Files that are written whole or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a file elsewhere first, and put it in place once it is complete.

    Whoever reads ``path`` meanwhile finds the old file. Where writing fails the old
    file stays, and nothing else does.

    Args:
        path: The file to write or replace; its folder must exist.

    Yields:
        The file to write instead, which does not exist yet.
    """
    target = Path(path)
    # Beside the target: across file systems a move is a copy, and may end halfway.
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".saving-") as folder:
        part = Path(folder) / target.name
        yield part
        os.replace(part, target)
